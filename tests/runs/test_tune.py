"""A search tries the usual recipe first, opens the test set last, and can be continued."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.support.commands import call
from tests.support.letters import letters

from duree.errors import RecipeError, RunError, TrainingError
from duree.pipeline.run import Run
from duree.pipeline.tune import read_facts
from duree.recipe.recipe import Recipe
from duree.recipe.space import Range, default_space, read_space
from duree.tasks import TASKS, resolve
from duree.workflow import tune

SPACE = """
[model]
hidden_size = [4, 8]
input_dropout = {low = 0.0, high = 0.6}
[training]
learning_rate = {low = 0.001, high = 0.05, log = true}
"""
TRIALS = 9  # one of them after the random ones


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("tuning")
    letters(200).write_csv(found / "letters.csv")
    (found / "space.toml").write_text(SPACE)
    return found


def recipe(folder: Path, **settings: Any) -> Recipe:
    chosen = {
        "data.files": (str(folder / "letters.csv"),),
        "data.text": "letter",
        "data.target": "tone",
        "model.hidden_size": 8,
        "model.embedding_size": 8,
        "model.wide": False,
        "training.epochs": 6,
        "training.batch_size": 32,
        "evaluation.baselines": False,
        "evaluation.bootstrap": 200,
    }
    return Recipe().replace(chosen | settings)


def search(folder: Path, out: Path, trials: int = TRIALS, **settings: Any) -> Run:
    return tune(recipe(folder, **settings), out, trials, space=folder / "space.toml")


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return search(folder, folder / "search")


def without_seconds(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "trials.csv").drop("seconds")


def test_the_usual_recipe_is_trial_0_and_the_best_on_validation_is_evaluated(
    folder: Path, run: Run
) -> None:
    facts = read_facts(folder / "search")
    assert len(facts.trials) == TRIALS
    assert facts.trials[0].settings == {}
    assert Run(folder / "search/trials/0").recipe.model.hidden_size == 8
    finished = [trial for trial in facts.trials if trial.ending == "finished"]
    assert facts.trials[facts.best].value == max(trial.value for trial in finished)
    assert run.folder == folder / f"search/trials/{facts.best}"
    assert run.has("report.html")
    for trial in facts.trials[1:]:
        chosen = Run(folder / f"search/trials/{trial.number}").recipe
        assert chosen.model.hidden_size == trial.settings["model.hidden_size"]
        assert 0.001 <= chosen.training.learning_rate <= 0.05


def test_the_test_set_is_opened_for_the_best_recipe_alone(folder: Path, run: Run) -> None:
    openings = {
        one.name: len(Run(one).test_openings()) for one in (folder / "search/trials").iterdir()
    }
    best = str(read_facts(folder / "search").best)
    assert {name for name, count in openings.items() if count} == {best}
    others = [one for one in (folder / "search/trials").iterdir() if one.name != best]
    assert not any((one / "predictions.parquet").exists() for one in others)
    assert not any((one / "metrics.json").exists() for one in others)


def test_all_trials_have_the_same_validation_rows(folder: Path, run: Run) -> None:
    facts = read_facts(folder / "search")
    rows = Run(run.folder).read_json("split.json")["counts"]["validation"]
    # The metric of each trial is a share of these rows.
    assert all(abs(t.value * rows - round(t.value * rows)) < 1e-6 for t in facts.trials)


def test_the_same_search_finds_the_same_and_a_killed_one_continues(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from duree.pipeline.search import Stopper

    steps, whole = 0, Stopper.step

    def dying(self: Stopper, loss: float, rows: int) -> None:
        nonlocal steps
        steps += 1
        if steps in (1, 40, 170):
            raise KeyboardInterrupt
        whole(self, loss, rows)

    monkeypatch.setattr(Stopper, "step", dying)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            search(folder, tmp_path / "search")
    again = search(folder, tmp_path / "search")
    assert without_seconds(tmp_path / "search").equals(without_seconds(folder / "search"))
    one, other = (pl.read_parquet(each.folder / "predictions.parquet") for each in (run, again))
    assert one.equals(other)


def test_a_finished_search_takes_more_trials_and_keeps_those_it_has(
    folder: Path, tmp_path: Path
) -> None:
    search(folder, tmp_path / "search", trials=2)
    before = without_seconds(tmp_path / "search")
    search(folder, tmp_path / "search", trials=3)
    after = without_seconds(tmp_path / "search")
    assert len(after) == 3
    assert after.head(2).equals(before)


def test_the_report_says_how_many_recipes_were_tried_and_what_that_does(run: Run) -> None:
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert f"The recipe was chosen among {TRIALS} by" in page
    assert "is too favourable" in page
    assert f"of {TRIALS} on the validation set" in page
    assert "验证集" in page


def test_a_folder_with_another_search_or_other_files_is_refused(folder: Path, run: Run) -> None:
    with pytest.raises(RunError, match="another recipe, seed or space"):
        search(folder, folder / "search", **{"model.embedding_size": 4})
    with pytest.raises(RunError, match="another recipe, seed or space"):
        search(folder, folder / "search", seed=1)
    with pytest.raises(RunError, match="is not empty"):
        search(folder, run.folder)


def test_a_recipe_that_diverges_is_noted_and_another_wins(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text("[training]\nlearning_rate = [0.01, 1e38]\n")
    usual = recipe(folder, **{"training.epochs": 2, "training.clip_norm": 0})
    tune(usual, tmp_path / "search", 5, space=tmp_path / "space.toml")
    facts = read_facts(tmp_path / "search")
    failed = [trial for trial in facts.trials if trial.ending == "failed"]
    assert failed
    assert all(trial.settings["training.learning_rate"] == 1e38 for trial in failed)
    assert all("loss became" in trial.reason for trial in failed)
    assert facts.trials[facts.best].ending == "finished"
    hopeless = recipe(folder, **{"training.learning_rate": 1e38, "training.clip_norm": 0})
    (tmp_path / "space.toml").write_text("[training]\nlearning_rate = [1e37, 1e38]\n")
    with pytest.raises(TrainingError, match="every trial failed"):
        tune(hopeless, tmp_path / "hopeless", 2, space=tmp_path / "space.toml")


def test_no_trial_begins_after_the_time_is_over(folder: Path, tmp_path: Path) -> None:
    usual = recipe(folder, **{"training.epochs": 1})
    tune(usual, tmp_path / "search", 9, space=folder / "space.toml", minutes=1e-6)
    assert len(read_facts(tmp_path / "search").trials) == 1


@pytest.mark.parametrize("task", [name for name in TASKS if name != "distinct_words"])
def test_every_task_has_a_space_around_its_defaults(task: str) -> None:
    data = {"states": ("a", "b")} if task == "next" else {"text": "t", "target": "y"}
    if task == "language":
        data = {"text": "t"}
    if task == "forecast":
        data = {"series": ("s",), "time": "t"}
    given = {"task": task, "data": {"files": ("t.csv",), **data}}
    if task == "forecast":
        given["forecast"] = {"horizon": 2}
    if task == "multilabel":
        given["data"]["label_separator"] = ";"
    usual = resolve(Recipe.build(given))
    for name, values in default_space(usual, TASKS[task].tuned).items():
        for value in (values.low, values.high) if isinstance(values, Range) else values:
            usual.replace({name: value})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("model.hiden_size = [4, 8]", "did you mean model.hidden_size"),
        ("data.text = ['a', 'b']", "not a setting that can be tuned"),
        ("model.hidden_size = [4]", "neither a list of two or more nor a range"),
        ("model.input_dropout = {low = 0.5, high = 0.1}", "neither a list"),
        ("model.input_dropout = [0.1, 1.5]", "input_dropout"),
        ("", "names no setting"),
        ("model.hidden_size = ", "cannot be read"),
    ],
)
def test_a_space_that_cannot_be_is_refused(
    folder: Path, tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "space.toml"
    path.write_text(content)
    with pytest.raises(RecipeError) as error:
        read_space(path, resolve(recipe(folder)))
    assert said in error.value.message("en")
    assert error.value.message("zh") != error.value.message("en")


def test_the_command_prints_the_trials_and_what_they_are_worth(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["tune", folder / "letters.csv", "--text", "letter", "--target", "tone"]
    words += ["--trials", 2, "--epochs", 1, "--no-baselines", "--out", tmp_path / "search"]
    words += ["--set", "hidden_size=8", "--set", "bootstrap=200"]
    assert call(*words) == 0
    printed = capsys.readouterr()
    assert "Trial 1 of 1: training.learning_rate = " in printed.err
    assert "best so far" in printed.err
    assert "of 2 on the validation set" in printed.out
    assert "duree predict" in printed.err
