"""From one sequence to another: the run, its report, what it predicts, and what it refuses."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest
import torch

from duree.errors import DataError, RunError
from duree.examples.spelling import generate
from duree.explain.outputs import output_sources
from duree.network.batches import Batch, batch_of
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.pages.report import write_report
from duree.sequences.ragged import UNKNOWN
from duree.serving.export import export
from duree.serving.service import create_service
from duree.workflow import evaluate, explain_all, explain_row, fit, predict, resume

SMALL = {"hidden_size": 48, "embedding_size": 32, "output_dropout": 0.0, "input_dropout": 0.0}


def recipe(file: Path, **settings: object) -> Recipe:
    return Recipe.build(
        {
            "task": "transduce",
            "data": {"files": [str(file)], "text": "old", "target": "new"},
            "model": SMALL,
            "training": {"epochs": 40, "batch_size": 16, "learning_rate": 0.01},
            "evaluation": {"bootstrap": 200},
        }
    ).replace(settings)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "words.csv"
    generate(600).write_csv(path)
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(recipe(table), tmp_path_factory.mktemp("runs") / "spelling")


def test_a_reform_of_spelling_is_learned(run: Run) -> None:
    metrics = run.read_json("metrics.json")
    assert metrics["primary_metric"] == "exact"
    network = metrics["models"]["network"]
    assert network["exact"]["value"] > metrics["models"]["copy"]["exact"]["value"] + 0.3
    assert network["exact_known"]["value"] > 0.9
    assert network["exact_unknown"]["low"] <= network["exact_unknown"]["value"]
    assert set(metrics["models"]) >= {"network", "copy", "lookup", "joint_ngram"}


def test_the_lookup_is_right_on_no_word_that_it_does_not_know_unless_it_is_a_copy(
    run: Run,
) -> None:
    models = run.read_json("metrics.json")["models"]
    assert models["lookup"]["exact_unknown"] == models["copy"]["exact_unknown"]


def test_predictions_are_texts_with_a_probability_and_alternatives(
    run: Run, tmp_path: Path
) -> None:
    new = generate(40, seed=5)
    new.write_csv(tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "out.parquet", nbest=3)
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found.columns[2:] == [
        *("prediction", "probability"),
        *("prediction_2", "probability_2", "prediction_3", "probability_3"),
    ]
    assert found["old"].to_list() == new["old"].to_list()
    assert (found["prediction"] == found["new"]).mean() > 0.4
    assert found["probability"].is_between(0, 1).all()
    assert not (found["prediction"] == found["prediction_2"]).any()
    figures = evaluate(run.folder, tmp_path / "new.csv")
    assert figures["exact"]["value"] == pytest.approx((found["prediction"] == found["new"]).mean())


def test_networks_of_several_seeds_write_together(tmp_path: Path) -> None:
    generate(200).write_csv(tmp_path / "words.csv")
    brief = {"training.epochs": 4, "evaluation.seeds": 2, "evaluation.baselines": False}
    one = fit(recipe(tmp_path / "words.csv", **brief), tmp_path / "run")
    seeds = one.read_json("metrics.json")["seeds"]["values"]["exact"]
    assert len(seeds) == 2
    models = [TrainedModel.load(tmp_path / "run" / "seeds" / str(seed)) for seed in (0, 1)]
    both = TrainedModel.of_run(one)
    pairs = generate(20, seed=7)
    examples = both.task.examples(both.encode(pairs["old"]), pairs["new"])
    batch = batch_of(examples, np.arange(len(pairs)))
    with torch.inference_mode():
        found, *each = (
            model.network.log_probabilities(batch).double().exp() for model in (both, *models)
        )
    assert not torch.allclose(each[0], each[1])
    torch.testing.assert_close(found, (each[0] + each[1]) / 2, rtol=1e-4, atol=1e-6)
    folder = tmp_path / "run"
    before = one.read_json("metrics.json")
    for name in ("model", "report.html", "metrics.json"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    resume(folder)
    again = one.read_json("metrics.json")
    assert again["manifest"] == before["manifest"]
    assert again["comparisons"] == before["comparisons"]
    assert again["models"]["network"]["cer"] == before["models"]["network"]["cer"]


def test_a_row_is_predicted_the_same_alone_and_among_others(run: Run, tmp_path: Path) -> None:
    new = generate(30, seed=6)
    new.write_csv(tmp_path / "all.csv")
    predict(run.folder, tmp_path / "all.csv", tmp_path / "all.parquet")
    together = pl.read_parquet(tmp_path / "all.parquet")
    for row in (3, 17):
        new[row : row + 1].write_csv(tmp_path / f"{row}.csv")
        predict(run.folder, tmp_path / f"{row}.csv", tmp_path / f"{row}.parquet")
        alone = pl.read_parquet(tmp_path / f"{row}.parquet")
        assert alone["prediction"][0] == together["prediction"][row]
        assert alone["probability"][0] == pytest.approx(together["probability"][row], rel=1e-4)


def test_letters_that_training_never_had_can_be_copied(run: Run, tmp_path: Path) -> None:
    pl.DataFrame({"old": ["bañα", "дом"]}).write_csv(tmp_path / "odd.csv")
    predict(run.folder, tmp_path / "odd.csv", tmp_path / "odd.parquet")
    found = pl.read_parquet(tmp_path / "odd.parquet")["prediction"].to_list()
    assert all(isinstance(text, str) and "\ufffd" not in text for text in found)
    assert set("".join(found)) <= set("bañαдом") | set("abdefghiklmnoprstuv")


def test_the_service_answers_as_predict_does(run: Run, tmp_path: Path) -> None:
    new = generate(5, seed=7)
    new.write_csv(tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "out.parquet")

    async def sent() -> httpx.Response:
        app = create_service([run.folder])
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
        ):
            return await client.post("/predict", json={"rows": new.select("old").to_dicts()})

    answers = asyncio.run(sent()).json()["predictions"]
    wanted = pl.read_parquet(tmp_path / "out.parquet")
    assert [one["prediction"] for one in answers] == wanted["prediction"].to_list()
    assert [one["probability"] for one in answers] == pytest.approx(
        wanted["probability"].to_list(), rel=1e-4
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_is_written_in_both_languages(run: Run, language: str) -> None:
    page = write_report(run.folder, language).read_text(encoding="utf-8")
    assert {"en": "exact match", "zh": "完全匹配"}[language] in page


def test_a_run_that_was_stopped_ends_with_the_same_weights(table: Path, tmp_path: Path) -> None:
    short = recipe(table, **{"training.epochs": 2, "evaluation.baselines": False})
    whole = fit(short, tmp_path / "whole")
    stopped = tmp_path / "stopped"

    class StopError(Exception):
        pass

    def stop(*_: object) -> None:
        raise StopError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("duree.workflow.fit_baselines", stop)
        with pytest.raises(StopError):
            fit(short, stopped)
    resumed = resume(stopped)
    for name in ("model/weights.safetensors", "model/model.json"):
        assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes()
    assert resumed.read_json("transduction.json") == whole.read_json("transduction.json")


def test_tags_of_a_word_decide_its_form(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stems = ["".join(rng.choice(list("bdgklmnprst"), 2)) + "a" for _ in range(150)]
    endings = {"N;SG": "", "N;PL": "i", "V;PST": "te"}
    rows = [
        {"old": stem, "tags": tags, "new": stem + ending}
        for stem in stems
        for tags, ending in endings.items()
    ]
    pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=0).write_csv(tmp_path / "forms.csv")
    settings = {"data.covariate": ("tags",), "training.epochs": 20, "evaluation.baselines": False}
    run = fit(recipe(tmp_path / "forms.csv", **settings), tmp_path / "run")
    assert run.read_json("metrics.json")["models"]["network"]["exact"]["value"] > 0.8
    pl.DataFrame({"old": ["kla"] * 3, "tags": list(endings)}).write_csv(tmp_path / "new.csv")
    predict(run.folder, tmp_path / "new.csv", tmp_path / "out.csv")
    found = pl.read_csv(tmp_path / "out.csv")["prediction"].to_list()
    assert len(set(found)) == 3
    assert found[2].endswith("te")


def test_it_is_not_exported(run: Run) -> None:
    with pytest.raises(RunError, match="transduce cannot be exported"):
        export(run.folder, run.folder / "model.onnx")


def test_several_outputs_are_refused_where_a_row_has_one_answer(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": ["good day", "bad day"] * 30, "tone": ["up", "down"] * 30})
    frame.with_columns(pl.col("text") + pl.int_range(60).cast(pl.String)).write_csv(
        tmp_path / "tones.csv"
    )
    settings = {
        "data": {"files": [str(tmp_path / "tones.csv")], "text": "text", "target": "tone"},
        "training": {"epochs": 1},
        "evaluation": {"baselines": False, "bootstrap": 100},
    }
    run = fit(Recipe.build(settings), tmp_path / "run")
    with pytest.raises(DataError, match=re.escape("task = transduce")):
        predict(run.folder, tmp_path / "tones.csv", tmp_path / "out.csv", nbest=2)
    assert not (tmp_path / "out.csv").exists()


def test_an_output_is_traced_to_the_units_of_its_source(run: Run, tmp_path: Path) -> None:
    pl.DataFrame({"old": ["mackonn"], "new": ["makon"]}).write_csv(tmp_path / "word.csv")
    page = explain_row(run.folder, tmp_path / "word.csv", 1, tmp_path / "word.html")
    found = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    influence = np.array(found["influence"])
    assert influence.shape == (len(found["outputs"]), len(found["units"]))
    assert found["units"] == list("mackonn")
    assert "".join(found["outputs"]) == found["predicted"]["prediction"]
    assert influence[0].argmax() == 0  # the first letter comes from the first
    assert np.array(found["attention"]).sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert "Where the output came from" in page.read_text(encoding="utf-8")


def test_influence_is_the_fall_of_log_probability_without_a_unit(run: Run) -> None:
    model = TrainedModel.of_run(run)
    source = model.encode(pl.Series(["mackonn"]))[0]
    output = model.encoder.encode_targets(pl.Series(["makon"]))[0].astype(np.int64)
    found = output_sources(model.network, source, output[:-1])
    hidden = source.copy()
    hidden[2] = UNKNOWN
    log_p = [
        model.network.log_probabilities(
            Batch(
                torch.tensor(some[None], dtype=torch.int64),
                torch.tensor([len(some)]),
                torch.tensor(output[None]),
            )
        )[0]
        for some in (source, hidden)
    ]
    wanted = (log_p[0] - log_p[1])[:-1].detach().numpy()
    assert found.influence[:, 2] == pytest.approx(wanted, abs=1e-4)


def test_all_outputs_are_traced_in_one_table(run: Run, tmp_path: Path) -> None:
    generate(4, seed=8).write_csv(tmp_path / "words.csv")
    found = pl.read_parquet(explain_all(run.folder, tmp_path / "words.csv", tmp_path / "w.parquet"))
    assert found["row"].unique().sort().to_list() == [1, 2, 3, 4]
    sums = found.group_by("row", "step").agg(pl.col("attention").sum())["attention"]
    assert sums.to_numpy() == pytest.approx(1, abs=1e-3)


def test_a_source_far_longer_than_those_of_training_is_warned_of(run: Run, tmp_path: Path) -> None:
    pl.DataFrame({"old": ["makon", "makon" * 40]}).write_csv(tmp_path / "long.csv")
    found = predict(run.folder, tmp_path / "long.csv", tmp_path / "out.csv")
    [warning] = [finding for finding in found if finding.check == "long_rows"]
    assert warning.message("en").startswith(
        "rows far longer than those of training: 1 of 2 (row 2)"
    )
