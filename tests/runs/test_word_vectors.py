"""Runs that start from the user's word vectors: found, described, resumed, and then independent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.commands import call
from tests.support.letters import letters, recipe_alone
from tests.support.tagged_words import recipe as recipe_of_tags
from tests.support.tagged_words import sentences, write_plain

from duree.errors import RecipeError, RunError
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.tasks import resolve
from duree.workflow import fit, predict, resume


def write_vectors(path: Path, words: list[str], size: int = 6) -> Path:
    numbers = np.random.default_rng(1).normal(size=(len(words), size))
    rows = [
        " ".join([word, *map("{:.4f}".format, row)])
        for word, row in zip(words, numbers, strict=True)
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("vectors")
    letters(240).write_csv(found / "letters.csv")
    words = ["Glad", "grim", "unheard", *(f"word{number}" for number in range(0, 200, 2))]
    write_vectors(found / "vectors.txt", words)
    return found


def chosen(folder: Path, **overrides: object) -> Recipe:
    settings = {"data.vectors": str(folder / "vectors.txt")} | overrides
    recipe = Recipe().replace(
        {
            "data.files": (str(folder / "letters.csv"),),
            "data.text": "letter",
            "data.target": "tone",
            "model.hidden_size": 8,
            "training.epochs": 2,
            "evaluation.bootstrap": 200,
            "evaluation.baselines": False,
        }
    )
    return recipe.replace(settings)


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return fit(chosen(folder), folder / "run")


def test_embeddings_have_the_size_of_the_vectors_and_the_choice_is_described(run: Run) -> None:
    facts = run.read_json("vectors.json")
    assert run.recipe.model.embedding_size == 6
    assert facts["found"] == 102  # "Glad" is found for "glad"
    assert facts["words"] == 202
    assert facts["in_file"] == 103
    assert 0.4 < facts["share"] < 0.6
    assert facts["figures"][facts["chosen"]] == max(facts["figures"].values())
    epochs = [json.loads(line) for line in (run.folder / "history.jsonl").read_text().splitlines()]
    assert max(epoch["metric"] for epoch in epochs) == facts["figures"][facts["chosen"]]


def test_the_report_says_which_vectors_how_many_words_and_what_was_chosen(run: Run) -> None:
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "6-dimensional word vectors of “vectors.txt”" in page
    assert "vectors of 102 of the 202 words" in page
    assert "6 维词向量" in page
    assert "Kim 2014" in page


def test_it_predicts_without_the_file(run: Run, folder: Path, tmp_path: Path) -> None:
    file = folder / "vectors.txt"
    hidden = file.rename(folder / "elsewhere.txt")
    try:
        predict(run.folder, folder / "letters.csv", tmp_path / "predicted.csv")
    finally:
        hidden.rename(file)
    assert "prediction" in pl.read_csv(tmp_path / "predicted.csv").columns


def test_the_recipe_of_the_run_repeats_it(run: Run, folder: Path) -> None:
    again = fit(Recipe.read(run.folder / "recipe.toml"), folder / "again")
    first, second = (TrainedModel.of_run(one).network.state_dict() for one in (run, again))
    assert all((first[name] == second[name]).all() for name in first)


def test_interrupted_and_resumed_it_is_the_same_and_a_changed_file_is_refused(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    class Interrupting:
        def step(self, name: str) -> None:
            if name == "baselines":
                raise KeyboardInterrupt

        def message(self, message: str) -> None: ...

        def training(self, seed: int, watched: str) -> None: ...

    vectors = tmp_path / "vectors.txt"
    vectors.write_bytes((folder / "vectors.txt").read_bytes())
    with pytest.raises(KeyboardInterrupt):
        fit(chosen(folder, **{"data.vectors": str(vectors)}), tmp_path / "run", Interrupting())
    vectors.unlink()  # needed no more: the network is trained
    resumed = resume(tmp_path / "run")
    one, other = (pl.read_parquet(each.folder / "predictions.parquet") for each in (run, resumed))
    assert one.equals(other)
    write_vectors(vectors, ["glad", "word2"])
    shutil.rmtree(tmp_path / "run" / "model")
    (tmp_path / "run" / "report.html").unlink()
    with pytest.raises(RunError, match="has changed since the run began"):
        resume(tmp_path / "run")


def test_other_seeds_that_are_trained_later_leave_the_choice_as_it_was(
    folder: Path, tmp_path: Path
) -> None:
    run = fit(chosen(folder, **{"evaluation.seeds": 2}), tmp_path / "run")
    facts = run.read_json("vectors.json")
    shutil.rmtree(run.folder / "seeds" / "1")
    for name in ("report.html", "metrics.json"):
        (run.folder / name).unlink()
    assert facts["chosen"]
    assert resume(run.folder).read_json("vectors.json") == facts


def test_taggers_start_from_vectors_too(tmp_path: Path) -> None:
    table = write_plain(tmp_path / "words.conll", sentences(60))
    words = sorted({word for sentence in sentences(60) for word, *_ in sentence})
    vectors = write_vectors(tmp_path / "vectors.vec", words, size=5)
    chosen = recipe_of_tags(table, **{"data.vectors": str(vectors), "model.embedding_size": 5})
    run = fit(chosen, tmp_path / "run")
    facts = run.read_json("vectors.json")
    assert facts["share"] == 1.0
    assert facts["chosen"] in facts["figures"]
    assert "5-dimensional" in (run.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("task", ["language", "transduce", "next"])
def test_tasks_without_words_to_look_up_refuse_vectors(folder: Path, task: str) -> None:
    data = {"data.text": None, "data.states": ("tone",)} if task == "next" else {}
    with pytest.raises(RecipeError, match="leave --vectors out"):
        resolve(chosen(folder, task=task, **data))


def test_another_size_than_the_recipe_sets_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"have 6 numbers, but model.embedding_size is 8"):
        fit(
            recipe_alone(folder / "letters.csv", data__vectors=str(folder / "vectors.txt")),
            tmp_path / "run",
        )


def test_the_command_takes_vectors_and_says_how_many_words_they_cover(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("fit", folder / "letters.csv", "--text", "letter", "--target", "tone", "--epochs", "1")
    words += ("--no-baselines", "--out", tmp_path / "run", "--set", "hidden_size=8")
    assert call(*words, "--vectors", folder / "vectors.txt") == 0
    assert "102 of 202 words" in capsys.readouterr().err
    assert call(*words[:-4], "--out", tmp_path / "none", "--vectors", tmp_path / "absent.txt") == 2
    assert "absent.txt" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
