"""Language models: from texts to figures per unit and per character."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.loop import Progress

from duree.errors import DureeError, RecipeError
from duree.pipeline.listener import Listener
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.serving.export import export
from duree.tasks.language import Language
from duree.workflow import evaluate, fit, predict, resume

WORDS = ("the", "a"), ("cat", "dog", "king"), ("sees", "hears", "finds"), ("it", "her", "him")


def sentences(count: int, seed: int) -> str:
    """Sentences whose last word follows from their second, four words before the next one."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        article, subject, verb = (rng.choice(words) for words in WORDS[:3])
        object_ = WORDS[3][WORDS[1].index(str(subject))]
        lines.append(f"{article} {subject} {verb} {object_}.")
    return " ".join(lines)


def recipe(*files: Path, **settings: object) -> Recipe:
    small = {
        "data.files": tuple(map(str, files)),
        "model.hidden_size": 24,
        "model.embedding_size": 8,
        "model.output_dropout": 0.0,
        "model.recurrent_dropout": 0.0,
        "training.batch_size": 8,
        "training.chunk_length": 30,
        "training.learning_rate": 0.02,
        "training.epochs": 10,
        "evaluation.bootstrap": 200,
    }
    return Recipe.build({"task": "language"}).replace(small | settings)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(24):
        (folder / f"{number:02}.txt").write_text(sentences(4 + number, number), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(recipe(corpus), tmp_path_factory.mktemp("runs") / "language")


def test_all_models_are_evaluated_on_whole_documents(run: Run) -> None:
    metrics = run.read_json("metrics.json")
    models = metrics["models"]
    assert set(models) == {
        *("network", "interpolated", "kneser_ney", "cache", "unigram", "uniform"),
    }
    assert metrics["primary_metric"] == "bits_per_character"
    bits = {name: found["bits_per_character"]["value"] for name, found in models.items()}
    assert bits["network"] < bits["unigram"] < bits["uniform"]
    assert bits["interpolated"] < min(bits["network"], bits["kneser_ney"]) + 0.01
    found = models["network"]["perplexity"]
    assert found["low"] < found["value"] < found["high"]


def test_predictions_are_one_row_for_each_document_and_add_up_to_the_figures(
    run: Run, corpus: Path
) -> None:
    found = pl.read_parquet(run.folder / "predictions.parquet")
    figures = run.read_json("metrics.json")["models"]["network"]
    assert found["file"].is_unique().all()
    assert found["characters"].to_list() == found["text"].str.len_chars().to_list()
    assert (found["units"] == found["characters"] + 1).all()
    bits = found["bits"].sum()
    assert bits / found["characters"].sum() == pytest.approx(figures["bits_per_character"]["value"])
    assert 2 ** (bits / found["units"].sum()) == pytest.approx(figures["perplexity"]["value"])
    per_document = 2 ** (found["bits"] / found["units"])
    np.testing.assert_allclose(found["perplexity"], per_document)


def test_no_document_is_in_two_sets(run: Run) -> None:
    split = run.read_json("split.json")
    rows = [row for part in ("train", "validation", "test") for row in split[part]]
    assert sorted(rows) == list(range(24))


def test_other_documents_are_evaluated_and_predicted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text(sentences(30, 99), encoding="utf-8")
    figures = evaluate(run.folder, tmp_path / "new.txt")
    predict(run.folder, tmp_path / "new.txt", tmp_path / "out.csv")
    bits = pl.read_csv(tmp_path / "out.csv")["bits"][0]
    characters = len(sentences(30, 99))
    assert bits / characters == pytest.approx(figures["bits_per_character"]["value"], rel=1e-6)
    # Passages of it are resampled.
    found = figures["bits_per_character"]
    assert found["low"] < found["value"] < found["high"]


def test_the_probability_of_a_document_is_that_of_its_units_after_each_other(run: Run) -> None:
    import torch

    model = TrainedModel.of_run(run)
    codes = model.encoder.encode(pl.Series(["the cat sees it."]))
    found = model.predictions(codes)[:, 0]
    before, state = torch.tensor([[3]]), None
    for place, code in enumerate(codes.values.tolist()):
        chances, state = model.network.read(before, state)
        assert found[place] == pytest.approx(float(chances[0, code]), abs=1e-5)
        before = torch.tensor([[code]])


def test_one_long_text_is_read_as_a_document_in_order(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(sentences(400, 5), encoding="utf-8")
    run = fit(recipe(tmp_path / "book.txt", **{"training.epochs": 2}), tmp_path / "run")
    split = run.read_json("split.json")
    assert (split["train"], split["validation"], split["test"]) == ([1], [0], [2])
    assert "divided in order" in split["method"]
    tested = pl.read_parquet(run.folder / "predictions.parquet")["text"][0]
    assert sentences(400, 5).endswith(tested)
    assert len(tested) == pytest.approx(len(sentences(400, 5)) / 10, rel=0.05)


def test_groups_stay_together_and_words_may_be_units(corpus: Path, tmp_path: Path) -> None:
    rows = [
        {"poem": file.read_text(encoding="utf-8"), "author": f"author {number % 8}"}
        for number, file in enumerate(sorted(corpus.iterdir()))
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "poems.parquet")
    chosen = recipe(
        tmp_path / "poems.parquet",
        **{
            "data.text": "poem",
            "data.group": "author",
            "text.segmenter": "words",
            "training.epochs": 3,
        },
    )
    run = fit(chosen, tmp_path / "run")
    metrics = run.read_json("metrics.json")
    assert metrics["primary_metric"] == "perplexity"
    found = pl.read_parquet(run.folder / "predictions.parquet")
    split = run.read_json("split.json")
    authors = [{rows[row]["author"] for row in split[part]} for part in ("train", "test")]
    assert not authors[0] & authors[1]
    # Four words and a full stop a sentence, and the end.
    assert (found["units"] == found["poem"].str.count_matches(r"[\w]+|\.") + 1).all()


def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    run: Run, corpus: Path, tmp_path: Path
) -> None:
    class Interrupted(Exception):
        pass

    class Stopping(Listener):
        def training(self, seed: int, watched: str) -> Progress:
            def stop() -> None:
                raise Interrupted

            return Progress({7: stop})

    again = recipe(corpus, **{"training.checkpoint_seconds": 1e-9})
    with pytest.raises(Interrupted):
        fit(again, tmp_path / "run", Stopping())
    resumed = resume(tmp_path / "run")
    weights = [one.folder / "model" / "weights.safetensors" for one in (run, resumed)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    models = [one.read_json("metrics.json")["models"] for one in (run, resumed)]
    for model in models:
        for found in model.values():
            found.pop("fit_seconds", None)
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data.target": "file"}, "the texts themselves are predicted"),
        ({"data.weight": "file"}, "has no case weights"),
        ({"model.bidirectional": True}, "sees what it is to predict"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    corpus: Path, tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        fit(recipe(corpus, **settings), tmp_path / "run")


def test_the_recipe_says_how_many_units_are_read_between_two_updates(corpus: Path) -> None:
    rows = pl.Series("text", [sentences(40, 0)])
    numbers = []
    for length in (50, 100):
        chosen = recipe(corpus, **{"training.chunk_length": length})
        encoder = Language.fit_encoder(rows, rows, chosen)
        task = Language.from_target(rows, chosen).with_encoder(encoder)
        examples = task.examples(encoder.encode(rows), rows)
        prepared = task.prepare_training(examples, chosen)[1]
        numbers.append(len(prepared.batches(1, 0, 0)))
    assert numbers[0] == pytest.approx(2 * numbers[1], abs=1)


def test_what_a_language_model_cannot_do_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(DureeError, match="cannot be exported"):
        export(run.folder, tmp_path / "model.onnx")


def test_units_and_sizes_follow_from_the_texts(corpus: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    poems = ["".join(map(chr, rng.integers(0x4E00, 0x5000, 20))) for _ in range(20)]
    pl.DataFrame({"text": poems}).write_parquet(tmp_path / "poems.parquet")
    chosen = Recipe.build({"task": "language", "training": {"epochs": 1}})
    chosen = chosen.replace({"data.files": (str(tmp_path / "poems.parquet"),)})
    run = fit(chosen, tmp_path / "run")
    assert run.read_json("encoding.json")["segmenter"] == "characters"
    assert run.recipe.text.lowercase is False
