"""Every setting of the recipe changes the model, or the run, or is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from duree import SequenceClassifier
from duree.errors import DataError, RecipeError
from duree.recipe.recipe import Recipe, setting_names
from duree.tables.files.write import write_table
from duree.workflow import fit

# Each of the values must give a network with other predictions than any other of them.
OF_THE_MODEL: dict[str, tuple[Any, ...]] = {
    "seed": (0, 1),
    "text.lowercase": (True, False),
    "text.numbers": ("keep", "digits", "one"),
    "text.max_features": (30_000, 20),
    "text.max_length": (1000, 8),
    "text.keep": ("head", "tail", "both"),
    "model.cell": ("gru", "lstm", "rnn"),
    "model.embedding_size": (8, 9),
    "model.hidden_size": (8, 9),
    "model.memory": (None, 50),
    "model.num_layers": (1, 2),
    "model.bidirectional": (True, False),
    "model.pooling": ("last", "mean", "max", "attention"),
    "model.word_dropout": (0.0, 0.3),
    "model.input_dropout": (0.0, 0.3),
    "model.layer_dropout": (0.0, 0.3),
    "model.recurrent_dropout": (0.0, 0.3),
    "model.output_dropout": (0.0, 0.3),
    "model.wide": (False, True),
    "training.optimiser": ("adam", "adamw", "sgd", "rmsprop"),
    "training.learning_rate": (0.01, 0.02),
    "training.weight_decay": (0.0, 0.1),
    "training.schedule": ("constant", "cosine", "linear"),
    "training.clip_norm": (0.0, 0.01),
    "training.batch_size": (16, 32),
    "training.epochs": (2, 3),
    "training.averaging": (True, False),
    "training.class_weights": ("none", "balanced"),
    "data.validation_share": (0.1, 0.3),
}
# Other settings that a setting needs to have any effect.
EXTRA_TOKEN: dict[str, dict[str, Any]] = {
    "text.keep": {"max_length": 8},
    "model.layer_dropout": {"num_layers": 2},
    "training.optimiser": {"weight_decay": 0.1},
    "training.schedule": {"epochs": 4},
    # Both give a longer training, of which a part is left out.
    "training.averaging": {"epochs": 4},
}
PLAIN: dict[str, Any] = {
    "hidden_size": 8,
    "embedding_size": 8,
    "epochs": 2,
    "learning_rate": 0.01,
    "batch_size": 16,
    "word_dropout": 0.0,
    "input_dropout": 0.0,
    "output_dropout": 0.0,
    "wide": False,
}

# A value, the other settings it needs, and the files of the run folder in which it must show.
OF_THE_RUN: dict[str, tuple[Any, dict[str, Any], tuple[str, ...]]] = {
    "task": ("regress", {"data.target": "warmth"}, ("metrics.json",)),
    "data.test_file": ("{folder}/test.csv", {}, ("split.json", "metrics.json")),
    "data.validation_file": (
        "{folder}/test.csv",
        {"data.test_file": "{folder}/test.csv"},
        ("split.json",),
    ),
    "data.text": ("other", {}, ("metrics.json",)),
    "data.target": ("verdict", {}, ("metrics.json",)),
    "data.id": ("number", {}, ("checks.json", "report.html")),
    "data.group": ("author", {}, ("split.json", "metrics.json")),
    "data.time": ("year", {}, ("split.json",)),
    "data.label_separator": ("o", {}, ("metrics.json",)),
    "data.encoding": ("cp1252", {}, ("data.json", "metrics.json")),
    "data.note": ("These letters are invented.", {}, ("report.html",)),
    "data.test_share": (0.4, {}, ("split.json",)),
    # This target cannot be learned: some epoch brings no gain.
    "training.patience": (1, {"data.target": "verdict", "training.epochs": 12}, ("history.jsonl",)),
    "training.max_minutes": (1e-6, {}, ("history.jsonl",)),
    "evaluation.baselines": (True, {}, ("metrics.json",)),
    "evaluation.forest_trees": (20, {"evaluation.baselines": True}, ("metrics.json",)),
    "evaluation.bootstrap": (300, {}, ("metrics.json",)),
    "evaluation.seeds": (2, {}, ("metrics.json",)),
    "evaluation.metric": ("log_loss", {}, ("metrics.json",)),
}
# These have tests of their own.
ELSEWHERE = {
    "data.series": "runs/test_forecast.py, and layouts/test_series.py",
    **{
        name: "runs/test_forecast.py, every setting of a forecast changes it"
        for name in setting_names()
        if name.startswith("forecast.")
    },
    "data.states": "runs/test_states.py",
    "data.class_names": "runs/test_class_names.py, and recipe/test_class_names.py",
    "data.missing_codes": "tables/layouts/test_missing_codes.py",
    **dict.fromkeys(
        ("data.state", "data.start", "data.end"),
        "runs/test_spells_and_events.py, and layouts/test_spells.py",
    ),
    "data.weight": "runs/test_case_weights.py",
    "data.covariate": "runs/test_next.py, and layouts/test_covariates.py",
    "data.event": "runs/test_spells_and_events.py, and layouts/test_events.py",
    "data.attribute": "runs/test_step_attributes.py, and layouts/test_events.py",
    "data.files": "every test of test_workflow.py",
    "data.vectors": "runs/test_word_vectors.py",
    "data.delimiter": "test_a_delimiter_that_is_not_there_is_refused, below",
    "text.segmenter": "test_each_segmenter_splits_chinese_differently, below",
    "data.drop_bad": "test_workflow.py, rows without a target",
    "training.chunk_length": "runs/test_language.py",
    **dict.fromkeys(("data.token", "model.characters", "model.chain"), "runs/test_label.py"),
    **dict.fromkeys(
        ("model.attention", "model.copying", "model.label_smoothing", "model.beam"),
        "network/test_transducer.py, every setting of a transducer changes it",
    ),
    "training.checkpoint_seconds": "training/test_loop.py, how often a checkpoint is written",
}


def letters(rows: int, seed: int) -> pl.DataFrame:
    """Letters in which names, numbers and capitals mean something, and order too."""
    rng = np.random.default_rng(seed)
    words = np.array(["Inn", "inn", "Road", "road", *(f"n{n}" for n in range(40)), "12", "307"])
    tones = rng.random(rows) < 0.35
    texts = [
        " ".join([*rng.choice(words, rng.integers(4, 12)), *(("é", "grim") if tone else ("glad",))])
        for tone in tones
    ]
    return pl.DataFrame(
        {
            "number": [f"N{number:03}" for number in range(rows)],
            "author": [f"A{number % 20}" for number in range(rows)],
            "year": [str(1800 + number // 10) for number in range(rows)],
            "letter": texts,
            "other": [text[::-1] for text in texts],
            "tone": np.where(tones, "bad", "good"),
            "verdict": rng.choice(["up", "down"], rows),
            "warmth": rng.integers(0, 9, rows),
        }
    )


def test_every_setting_is_tested() -> None:
    assert {*OF_THE_MODEL, *OF_THE_RUN, *ELSEWHERE} == set(setting_names())


@pytest.mark.parametrize("name", OF_THE_MODEL)
def test_each_value_of_a_setting_gives_another_network(name: str) -> None:
    frame = letters(120, 0)
    texts, tones = frame["letter"].to_list(), frame["tone"].to_list()
    found = {}
    for value in OF_THE_MODEL[name]:
        chosen = PLAIN | EXTRA_TOKEN.get(name, {}) | {name.rpartition(".")[2]: value}
        model = SequenceClassifier(**chosen).fit(texts, tones)
        found[value] = model.predict_proba(texts)
    for one, other in itertools.combinations(found, 2):
        assert np.abs(found[one] - found[other]).max() > 1e-7, (one, other)


def test_each_segmenter_splits_chinese_differently_and_is_refused_for_english() -> None:
    texts = ["房间很干净，服务员非常热情。", "早餐太差了，不会再来。"] * 20
    found = {}
    for segmenter in ("words", "characters", "jieba"):
        model = SequenceClassifier(**PLAIN, segmenter=segmenter).fit(texts, [1, 0] * 20)
        found[segmenter] = model.predict_proba(texts)
    for one, other in itertools.combinations(found, 2):
        assert np.abs(found[one] - found[other]).max() > 1e-7, (one, other)
    for segmenter in ("characters", "jieba"):
        with pytest.raises(DataError, match="text without spaces"):
            SequenceClassifier(segmenter=segmenter).fit(["a fine day", "rain"] * 9, [1, 0] * 9)


Given = tuple[tuple[str, Any], ...]
Outcome = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("letters")
    write_table(letters(200, 0), folder / "letters.csv")
    write_table(letters(60, 1), folder / "test.csv")
    return folder


def outcome(folder: Path, settings: dict[str, Any], run_folder: Path) -> Outcome:
    """What a run leaves, without times and paths."""
    plain = {
        "data.files": (str(folder / "letters.csv"),),
        "data.text": "letter",
        "data.target": "tone",
        "model.hidden_size": 8,
        "model.embedding_size": 8,
        "model.wide": False,
        "training.epochs": 4,
        "training.batch_size": 32,
        "evaluation.baselines": False,
        "evaluation.forest_trees": 10,
        "evaluation.bootstrap": 200,
    }
    run = fit(Recipe().replace(plain | settings), run_folder)
    metrics = run.read_json("metrics.json")
    for timed in ("seconds", "test_openings"):
        metrics.pop(timed)
    for figures in metrics["models"].values():
        figures.pop("fit_seconds", None)
    epochs = (run.folder / "history.jsonl").read_text().splitlines()
    return {
        "metrics.json": metrics,
        "split.json": run.read_json("split.json"),
        "checks.json": run.read_json("checks.json"),
        "data.json": run.read_json("data.json")["sources"],
        "history.jsonl": len(epochs),
        # The page holds times and figures; the words that a setting adds are looked for.
        "report.html": {
            word: word in (run.folder / "report.html").read_text(encoding="utf-8")
            for word in ("N00", "N01", "N1", "These letters are invented.")
        },
    }


@pytest.fixture(scope="module")
def without(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Given], Outcome]:
    """The outcome of a run with the settings that another one needs, made once."""

    @cache
    def made(settings: Given) -> Outcome:
        return outcome(folder, dict(settings), tmp_path_factory.mktemp("runs") / "without")

    return made


@pytest.mark.parametrize("name", OF_THE_RUN)
def test_a_setting_of_the_run_shows_in_what_the_run_leaves(
    name: str, folder: Path, without: Callable[[Given], Outcome], tmp_path: Path
) -> None:
    value, others_needed, shows_in = OF_THE_RUN[name]
    value, *others = (
        given.replace("{folder}", str(folder)) if isinstance(given, str) else given
        for given in (value, *others_needed.values())
    )
    others_needed = dict(zip(others_needed, others, strict=True))
    before = without(tuple(others_needed.items()))
    with_it = outcome(folder, others_needed | {name: value}, tmp_path / "with")
    for file in shows_in:
        assert with_it[file] != before[file], file


def test_a_delimiter_that_is_not_there_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="letter"):
        outcome(folder, {"data.delimiter": ";"}, tmp_path / "run")


@pytest.mark.parametrize(
    "settings",
    [
        {"layer_dropout": 0.2, "num_layers": 1},
        {"cell": "transformer"},
        {"hidden_size": 0},
        {"word_dropout": 1.0},
        {"learning_rate": 0.0},
        {"epochs": 0},
        {"keep": "middle"},
        {"validation_share": 1.0},
    ],
)
def test_impossible_settings_are_refused_before_anything_is_read(settings: dict[str, Any]) -> None:
    with pytest.raises(RecipeError):
        SequenceClassifier(**settings).fit(["a", "b"] * 10, [0, 1] * 10)
