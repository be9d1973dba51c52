"""A new task is one file, this one: how many distinct words a text has, and what runs with it.

``DistinctWords`` is all that a user's program has to write. No other file of the project
knows of it; the tests below do with it everything that can be done with a task.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from tests.support.studio import Visitor
from torch import Tensor
from torch.nn.functional import l1_loss

from duree.baselines import Baseline
from duree.cli.commands import cli
from duree.cli.console import Console
from duree.errors import RecipeError, RunError
from duree.evaluation.metrics import MetricSet
from duree.evaluation.weighted_metrics import mean
from duree.network.contracts import Criterion
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.pages.report import write_report
from duree.results.metric import Metric
from duree.sequences.encoder import Encoder
from duree.serving.export import export
from duree.serving.service import create_service
from duree.tasks import TASKS, Task, register
from duree.tasks.watched import Watched
from duree.workflow import evaluate, explain_row, fit, predict, resume

# The new task, whole.

WITHIN_ONE = Metric(
    "within_one",
    "share within one word",
    "share of texts whose number of distinct words is missed by one at most",
    bounded=True,
    share=True,
)
OFF_BY = Metric("off_by", "mean distance in words", "mean distance from the true number", "lower")


def _distances(predictions: Any, targets: Any) -> dict[str, Any]:
    away = np.abs(predictions[:, 0] - targets)
    return {"within_one": mean((away <= 1).astype(np.float64)), "off_by": mean(away)}


@dataclass
class AsLongAs:
    """A text has as many distinct words as texts of its length had on average."""

    name: str = "as_long_as"
    title: str = "mean of texts of the same length"
    description: str = "the mean of training texts of the same length"
    choices: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def fit(self, texts: Any, targets: Any, *others: Any) -> Self:
        lengths = np.array([len(text.split()) for text in texts])
        self.slope, self.start = np.polyfit(lengths, targets, 1)
        return self

    def predict(self, texts: Any) -> NDArray[np.float64]:
        lengths = np.array([len(text.split()) for text in texts])
        return np.asarray(self.start + self.slope * lengths)[:, None]


@dataclass(frozen=True)
class DistinctWords(Task):
    """Absolute error, in units of the training mean."""

    mean: float

    name: ClassVar[str] = "distinct_words"
    title: ClassVar[str] = "how many distinct words it has"
    layouts: ClassVar[tuple[str, ...]] = ("texts",)
    metrics: ClassVar[MetricSet] = MetricSet(
        (WITHIN_ONE, OFF_BY), ("within_one", 0.0), True, _distances
    )
    watched: ClassVar[Watched] = Watched("minus mean distance", "mean distance on validation", -1)
    defaults: ClassVar = {"model": {"hidden_size": 12, "pooling": "mean"}}

    @classmethod
    def from_target(cls, target: pl.Series, recipe: Recipe) -> Self:
        return cls(float(target.to_numpy().mean()))

    @property
    def outputs(self) -> int:
        return 1

    def encode(self, target: pl.Series) -> NDArray[np.float32]:
        return target.to_numpy().astype(np.float32)

    def criterion(self, targets: NDArray[Any], recipe: Recipe) -> Criterion:
        def loss(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
            return l1_loss(scores[:, 0] * self.mean, targets) / self.mean

        return loss

    def predictions(
        self, scores: NDArray[np.float32], lengths: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        return scores.astype(np.float64) * self.mean

    def progress(self, scores: NDArray[np.float32], targets: Any, *weights: Any) -> float:
        return -float(np.abs(self.predictions(scores)[:, 0] - targets).mean())

    def columns(self, predictions: NDArray[np.float64]) -> list[pl.Series]:
        return [pl.Series("prediction", predictions[:, 0])]

    def baselines(self, recipe: Recipe, encoder: Encoder) -> Sequence[Baseline]:
        return [AsLongAs()]

    def to_dict(self) -> dict[str, Any]:
        return {"mean": self.mean}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Self:
        return cls(float(state["mean"]))


# What can be done with it.


def texts(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    words = np.array(["sun", "moon", "rain", "snow", "wind", "fog", "hail", "dew", "ice", "sky"])
    counts = np.arange(rows) % 4 + 3  # three to six distinct words, and some of them again
    drawn = [rng.choice(words, count, replace=False) for count in counts]
    drawn = [rng.permutation([*row, *rng.choice(row, rng.integers(0, 6))]) for row in drawn]
    return pl.DataFrame({"text": [" ".join(row) for row in drawn], "distinct": counts})


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    register(DistinctWords)
    yield
    del TASKS[DistinctWords.name]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "texts.csv"
    texts(240, seed=0).write_csv(path)
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    recipe = Recipe.build(
        {
            "task": "distinct_words",
            "data": {"files": [str(table)], "text": "text", "target": "distinct"},
            "training": {"epochs": 25, "learning_rate": 0.01},
            "evaluation": {"bootstrap": 200},
        }
    )
    return fit(recipe, tmp_path_factory.mktemp("runs") / "distinct")


def test_the_run_is_evaluated_with_its_own_metrics_and_its_own_baseline(run: Run) -> None:
    metrics = run.read_json("metrics.json")
    assert metrics["task"] == "distinct_words"
    assert set(metrics["models"]) == {"network", "as_long_as"}
    assert set(metrics["models"]["network"]) == {"within_one", "off_by", "fit_seconds"}
    assert metrics["primary_metric"] == "within_one"
    assert "share within one word" in metrics["verdict"]
    assert metrics["models"]["network"]["off_by"]["value"] < 1.5


def test_the_recipe_has_the_defaults_of_the_task_where_the_user_left_them_open(run: Run) -> None:
    assert (run.recipe.model.hidden_size, run.recipe.model.pooling) == (12, "mean")
    assert (run.recipe.training.epochs, run.recipe.text.segmenter) == (25, "auto")


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "mean of texts of the same length"), ("zh", "划分")],
)
def test_the_report_is_written_in_both_languages(run: Run, language: str, sentence: str) -> None:
    page = write_report(run.folder, language).read_text(encoding="utf-8")
    assert "share within one word" in page
    assert sentence in page


def test_rows_are_predicted_and_evaluated(run: Run, tmp_path: Path) -> None:
    new = texts(30, seed=1)
    new.write_csv(tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "predicted.parquet")
    predicted = pl.read_parquet(tmp_path / "predicted.parquet")
    assert predicted.columns == ["text", "distinct", "prediction"]
    away = (predicted["prediction"] - new["distinct"]).abs()
    figures = evaluate(run.folder, tmp_path / "new.csv")
    assert figures["off_by"]["value"] == pytest.approx(away.mean(), abs=1e-6)
    assert figures["within_one"]["value"] == pytest.approx((away <= 1).mean())


def test_the_service_answers_as_predict_does(run: Run, tmp_path: Path) -> None:
    new = texts(5, seed=2)
    new.write_csv(tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "predicted.parquet")

    async def sent() -> httpx.Response:
        app = create_service([run.folder])
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
        ):
            return await client.post("/predict", json={"rows": new.select("text").to_dicts()})

    found = [row["prediction"] for row in asyncio.run(sent()).json()["predictions"]]
    wanted = pl.read_parquet(tmp_path / "predicted.parquet")["prediction"]
    assert found == pytest.approx(wanted.to_list(), abs=1e-5)


def test_the_studios_form_offers_it_for_texts(table: Path, tmp_path: Path) -> None:
    visitor = Visitor(tmp_path / "runs")
    form = visitor.get(visitor.table("texts.csv", table.read_bytes())).text
    assert f'<option value="distinct_words">{DistinctWords.title}</option>' in form


def test_the_studio_shows_a_run_of_it_and_offers_what_it_can(run: Run) -> None:
    visitor = Visitor(run.folder.parent)
    assert "“distinct” from “text”" in visitor.get("/").text
    page = visitor.get("/runs/distinct").text
    assert "Try your own text" in page
    assert "model.zip" in page
    assert "onnx.zip" not in page  # which it does not export
    rows = visitor.get("/runs/distinct/rows", params={"wrong": "true"}).text
    assert "largest errors first" in rows
    assert "/rows/1" not in rows  # which it does not explain
    tried = visitor.post("/runs/distinct/try", data={"text": "sun rain sun"})
    assert "Predicted: " in tried.text


def test_the_command_line_says_what_can_be_done_next(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Console().finish(run)
    told = capsys.readouterr().err
    assert "duree predict" in told
    assert "duree explain" not in told


def test_a_run_that_was_killed_ends_the_same_when_resumed(table: Path, tmp_path: Path) -> None:
    more = ("--epochs=60", "--set=patience=60", "--set=checkpoint_seconds=0.02")
    words = ["fit", str(table), "--task=distinct_words", "--text=text", "--target=distinct"]
    words += ["--no-baselines", "--set=bootstrap=100", *more]
    whole, broken = (duree(*words, f"--out={tmp_path / name}") for name in ("whole", "broken"))
    while not (tmp_path / "broken" / "checkpoint").exists():
        assert broken.poll() is None
        time.sleep(0.02)
    broken.send_signal(signal.SIGKILL)
    assert broken.wait() == -signal.SIGKILL
    resume(tmp_path / "broken")
    assert whole.wait() == 0
    for name in ("model/weights.safetensors", "predictions.parquet"):
        one, other = (tmp_path / folder / name for folder in ("whole", "broken"))
        assert one.read_bytes() == other.read_bytes()


def test_the_table_is_checked_for_it(table: Path) -> None:
    flags = ["check", str(table), "--text=text", "--target=distinct"]
    assert cli.main(flags, standalone_mode=False) is None


def test_a_capability_that_it_lacks_is_refused_and_not_stubbed(run: Run, tmp_path: Path) -> None:
    texts(3, seed=3).write_csv(tmp_path / "new.csv")
    with pytest.raises(RunError, match="not explained"):
        explain_row(run.folder, tmp_path / "new.csv", 1)
    with pytest.raises(RunError, match="cannot be exported"):
        export(run.folder, tmp_path / "network.onnx")


def test_an_unregistered_task_is_named_with_the_registered_ones(table: Path) -> None:
    recipe = Recipe.build({"task": "distinkt", "data": {"files": [str(table)], "text": "text"}})
    with pytest.raises(RecipeError, match=r"no task 'distinkt'.*distinct_words"):
        fit(recipe, table.parent / "none")


def duree(*words: str) -> subprocess.Popen[bytes]:
    """The command line in a process of its own, which registers the task."""
    code = (
        "import importlib.util as u, sys; "
        f"spec = u.spec_from_file_location('new_task', {__file__!r}); "
        "new = sys.modules['new_task'] = u.module_from_spec(spec); spec.loader.exec_module(new); "
        "new.register(new.DistinctWords); "
        "from duree.cli.main import main; main()"
    )
    root = Path(__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=root,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{root / 'src'}:{root}"},
    )
