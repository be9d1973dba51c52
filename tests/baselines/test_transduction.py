"""Baselines for one sequence from another: their outputs are counted by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from duree.baselines.lookup import Copy, Lookup
from duree.baselines.nearest_translation import NearestTranslation
from duree.baselines.targets import CaseWeights
from duree.baselines.transduction import (
    WITHOUT_WEIGHTS,
    TransductionBaseline,
    transduction_baselines,
)
from duree.baselines.word_translation import WordTranslation
from duree.recipe.settings import TextSettings
from duree.report.methods.references import references
from duree.report.notes import retold
from duree.report.vocabulary import Words
from duree.sequences.pair_encoder import PairEncoder
from duree.tables.layouts.covariates import called
from duree.tables.layouts.state_strings import ARROW

WORDS = (
    ["vnd", "vns", "thun", "tag", "vnd", "syn", "thor"],
    ["und", "uns", "tun", "tag", "und", "sein", "tor"],
)
HELD_OUT = ["vnt", "thal"], ["unt", "tal"]
ENGLISH = ["the red house is old", "a red dog is here", "the old dog is big", "a house is big"]
GERMAN = ["das rote haus ist alt", "ein rote hund ist da", "das alte hund ist gross"]
GERMAN += ["ein haus ist gross"]


def fitted(
    sources: list[str], targets: list[str], covariates: tuple[str, ...] = (), longest: int = 40
) -> tuple[PairEncoder, dict[str, TransductionBaseline]]:
    encoder = PairEncoder.fit(pl.Series(sources), pl.Series(targets), TextSettings(), covariates)
    sentences = encoder.sides.source == "subwords"
    found = transduction_baselines(encoder, longest, sentences=sentences)
    held_out = ([], []) if sentences or covariates else HELD_OUT
    parts = [
        part
        for texts, answers in ((sources, targets), held_out)
        for part in (texts, encoder.encode_targets(pl.Series(answers, dtype=pl.String)))
    ]
    return encoder, {baseline.name: baseline.fit(*parts) for baseline in found}


def written(encoder: PairEncoder, predictions: np.ndarray) -> list[str]:
    codes = predictions[:, 1:].astype(np.int64)
    return encoder.texts(codes[:, 1:], codes[:, 0])


def inflect(lemma: str, tag: str) -> str:
    return f"{called('pos')}{tag}{ARROW}{lemma}"


def test_words_have_copies_lookups_and_a_joint_ngram() -> None:
    encoder, models = fitted(*WORDS)
    found = {
        name: written(encoder, model.predict(["vnd", "vntag", "tag☃"]))
        for name, model in models.items()
    }
    assert found == {
        "copy": ["vnd", "vntag", "tag☃"],
        "lookup": ["und", "vntag", "tag☃"],
        "joint_ngram": ["und", "untag", "tag☃"],
    }


def test_predictions_are_a_missing_probability_a_length_and_codes() -> None:
    encoder, models = fitted(*WORDS, longest=3)
    predictions = models["copy"].predict(["thun", "q", ""])
    assert predictions.shape == (3, 5)
    assert np.isnan(predictions[:, 0]).all()
    assert predictions[:, 1].tolist() == [3, 1, 0]
    assert written(encoder, predictions) == ["thu", "q", ""]


def test_validation_rows_are_learned_from_after_all_choices() -> None:
    encoder, models = fitted(*WORDS)
    assert written(encoder, models["lookup"].predict(["vnt", "thal"])) == HELD_OUT[1]
    assert models["joint_ngram"].choices["order"] in range(3, 8)


def test_sentences_have_their_nearest_and_word_by_word_translations() -> None:
    encoder, models = fitted(ENGLISH, GERMAN)
    found = {
        name: written(encoder, model.predict(["the red dog is big", "the cat is old"]))
        for name, model in models.items()
    }
    assert list(found) == ["copy", "nearest_translation", "word_translation"]
    assert found["copy"][0] == "the red dog is big"
    assert found["nearest_translation"][0] in GERMAN
    assert found["word_translation"][0] == "das rote hund ist gross"
    assert found["word_translation"][1].split()[1] == "cat"


def test_tags_are_read_and_never_written() -> None:
    words = ["gut", "rot", "alt", "neu", "froh", "klug"]
    lemmas = [inflect(word, tag) for word in words for tag in ("PL", "SG")]
    forms = [word + ending for word in words for ending in ("e", "")]
    encoder, models = fitted(lemmas, forms, ("pos",))
    new = [inflect(*of) for of in (("tot", "PL"), ("tot", "SG"), ("tot", "DU"), ("gut", "PL"))]
    found = {name: written(encoder, model.predict(new)) for name, model in models.items()}
    assert found["copy"] == ["tot", "tot", "tot", "gut"]
    assert found["lookup"] == ["tot", "tot", "tot", "gute"]
    assert found["joint_ngram"] == ["tote", "tot", "tot", "gute"]


def test_of_equally_frequent_targets_the_first_is_taken() -> None:
    model = Lookup().fit([("a",)] * 4, [("x",), ("y",), ("y",), ("x",)], [1, 1, 1, 1], [], [])
    assert model.predict([("a",), ("b",)]) == [("x",), ("b",)]


def test_counts_decide_the_lookup() -> None:
    model = Lookup().fit([("a",), ("a",)], [("x",), ("y",)], [1, 2], [], [])
    assert model.predict([("a",)]) == [("y",)]


def test_a_copy_is_the_source() -> None:
    assert Copy().fit([], [], [], [], []).predict([("a", "b"), ()]) == [("a", "b"), ()]


def test_the_nearest_source_shares_rare_units() -> None:
    sources = [("the", "cat"), ("the", "dog"), ("the", "the", "the")]
    model = NearestTranslation().fit(sources, [("1",), ("2",), ("3",)], [1, 1, 1], [], [])
    found = model.predict([("a", "dog"), ("the", "the"), ("who",), ()])
    assert found == [("2",), ("3",), ("who",), ()]


def test_model_one_finds_the_translation_that_goes_along() -> None:
    sources = [("la", "maison"), ("la", "fleur"), ("maison", "bleue")]
    targets = [("the", "house"), ("the", "flower"), ("blue", "house")]
    model = WordTranslation().fit(sources, targets, [1, 1, 1], [], [])
    assert model.predict([("la", "maison", "bleue", "là")]) == [("the", "house", "blue", "là")]


@pytest.mark.parametrize("model", [Copy, Lookup, NearestTranslation, WordTranslation])
def test_models_of_no_pairs_copy(model: type) -> None:
    assert model().fit([], [], [], [], []).predict([("a",), ()]) == [("a",), ()]


def test_titles_and_descriptions_have_chinese_twins_and_known_works() -> None:
    _, words = fitted(*WORDS)
    _, sentences = fitted(ENGLISH, GERMAN)
    chinese = Words("zh")
    for model in [*words.values(), *sentences.values()]:
        assert chinese(model.title) != model.title
        works = {key: work.short for key, work in references().items()}
        assert chinese(model.description, **works) != model.description.format(**works)


def test_a_note_counts_the_pairs_that_cannot_be_aligned() -> None:
    _, models = fitted([*WORDS[0], "d"], [*WORDS[1], "donnerstag"])
    (note,) = models["joint_ngram"].notes
    assert note == "1 of 9 different pairs could not be aligned"
    assert retold(note, Words("zh")) == "9 个不同的文本对中有 1 个无法对齐"


def test_it_is_noted_that_weights_are_not_used_except_where_nothing_is_learned() -> None:
    encoder, _ = fitted(*WORDS)
    for baseline in transduction_baselines(encoder, 40, sentences=False):
        targets = [encoder.encode_targets(pl.Series(side)) for side in (WORDS[1], HELD_OUT[1])]
        weights = CaseWeights(np.linspace(1, 2, len(WORDS[0])), np.ones(2))
        baseline.fit(WORDS[0], targets[0], HELD_OUT[0], targets[1], weights)
        assert (WITHOUT_WEIGHTS in baseline.notes) is (baseline.name != "copy")
    assert retold(WITHOUT_WEIGHTS, Words("zh")) != WITHOUT_WEIGHTS
