"""Joint n-grams: spellings and their regular changes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.baselines.edits import base_letter, edit_operations
from duree.baselines.joint_ngram import JointNgram
from duree.baselines.log_linear import fit_weights

# Old spellings: v at the beginning is u, th is t, y is i; otherwise nothing changes.
OLD = "vnd thun syn yr vns thor seyn vnten roth baden tag yst thal vmb seyt ach mut gut beyn thon"
NEW = "und tun sin ir uns tor sein unten rot baden tag ist tal umb seit ach mut gut bein ton"
HELD_OUT = [("vnt", "unt"), ("thaden", "taden"), ("meyn", "mein"), ("vral", "ural"), ("nag", "nag")]


def units(words: str | list[str]) -> list[tuple[str, ...]]:
    return [tuple(word) for word in (words.split() if isinstance(words, str) else words)]


def fitted(*further: tuple[str, str, int]) -> JointNgram:
    sources = units(OLD) + [tuple(old) for old, _, _ in further]
    targets = units(NEW) + [tuple(new) for _, new, _ in further]
    counts = [1] * len(units(OLD)) + [count for _, _, count in further]
    held_out = [units([pair[side] for pair in HELD_OUT]) for side in (0, 1)]
    return JointNgram().fit(sources, targets, counts, *held_out)


@pytest.fixture(scope="module")
def model() -> JointNgram:
    return fitted()


def test_regular_changes_are_made_in_words_never_seen(model: JointNgram) -> None:
    found = model.predict(units("vnter thur seyl yn gaden"))
    assert ["".join(word) for word in found] == ["unter", "tur", "seil", "in", "gaden"]


def test_a_known_word_may_have_a_target_that_no_alignment_reaches() -> None:
    model = fitted(("d", "donnerstag", 5))
    assert model.unaligned == 1
    assert model.predict(units("d")) == units("donnerstag")


def test_a_known_word_gets_its_most_frequent_target() -> None:
    model = fitted(("vor", "für", 1), ("vor", "fir", 8))
    assert model.predict(units("vor")) == units("fir")


def test_characters_never_seen_are_copied(model: JointNgram) -> None:
    assert model.predict(units("vn☃ 字vnd thu🦊")) == units("un☃ 字und tu🦊")


def test_probabilities_of_all_candidates_add_up_to_one(model: JointNgram) -> None:
    for word in units("vnd vnter ☃"):
        found = model.nbest(word, 10_000)
        assert sum(np.exp(chance) for _, chance in found) == pytest.approx(1)
        assert [chance for _, chance in found] == sorted((p for _, p in found), reverse=True)
        assert len({target for target, _ in found}) == len(found)
        assert model.nbest(word, 2) == found[:2]
        assert model.predict([word]) == [found[0][0]]


def test_a_candidate_has_the_same_score_by_itself(model: JointNgram) -> None:
    for target, chance in model.nbest(tuple("vnter"), 5):
        assert model.score(tuple("vnter"), target) == pytest.approx(chance)


def test_any_target_has_a_score(model: JointNgram) -> None:
    likely, unlikely = (model.score(tuple("vnter"), tuple(word)) for word in ("unter", "☃" * 40))
    assert -np.inf < unlikely < likely < 0


def test_an_empty_source_and_an_empty_target_are_no_fault() -> None:
    model = fitted(("", "a", 1), ("q", "", 1))
    assert model.predict([(), ("q",)]) == [("a",), ()]
    assert model.unaligned == 1


def test_a_model_of_no_pairs_copies() -> None:
    model = JointNgram().fit([], [], [], [], [])
    assert model.predict(units("vnd")) == units("vnd")


def test_without_validation_rows_known_words_are_looked_up() -> None:
    model = JointNgram().fit(units(OLD), units(NEW), [1] * len(units(OLD)), [], [])
    assert model.predict(units(OLD)) == units(NEW)


def test_targets_in_other_letters_are_no_copies() -> None:
    words, sounds = units("ab ba aab b a"), units("αβ βα ααβ β α")
    model = JointNgram().fit(words, sounds, [1] * 5, words, sounds)
    assert model.predict(units("bab")) == units("βαβ")
    assert all(word != units("bab")[0] for word, _ in model.nbest(tuple("bab"), 100))


def test_a_model_is_the_same_from_json(model: JointNgram) -> None:
    again = JointNgram.from_dict(json.loads(json.dumps(model.to_dict())))
    for word in units("vnter thur vnd ☃"):
        assert again.nbest(word, 5) == model.nbest(word, 5)


@pytest.mark.parametrize(
    ("one", "other", "operations"),
    [
        ("vnd", "und", (1, 0, 0)),
        ("thun", "tun", (0, 0, 1)),
        ("fro", "froh", (0, 1, 0)),
        ("", "ab", (0, 2, 0)),
        ("ab", "", (0, 0, 2)),
        ("ab", "ba", (0, 1, 1)),
        ("kitten", "sitting", (2, 1, 0)),
    ],
)
def test_edits_are_those_of_the_shortest_path(
    one: str, other: str, operations: tuple[int, ...]
) -> None:
    assert tuple(edit_operations([("x", "xyz"), (one, other), ("", "")])[1]) == operations


@given(st.lists(st.tuples(st.text("ab", max_size=5), st.text("ab", max_size=5)), max_size=6))
def test_edits_account_for_the_lengths(pairs: list[tuple[str, str]]) -> None:
    for (one, other), (_, added, dropped) in zip(pairs, edit_operations(pairs), strict=True):
        assert added - dropped == len(other) - len(one)


def test_base_letters_have_no_accents() -> None:
    assert [base_letter(unit) for unit in ("é", "Ä", "a", "字", "\u0301")] == [
        "e",
        "a",
        "a",
        "字",
        "\u0301",
    ]


def test_weights_are_drawn_to_what_makes_candidates_right() -> None:
    rng = np.random.default_rng(0)
    features = [rng.normal(size=(4, 3)) for _ in range(400)]
    right = [int(np.argmax(rows @ [2.0, 0.0, -1.0] + rng.gumbel(size=4))) for rows in features]
    found = fit_weights(features, right, [1] * 400, np.zeros(3))
    np.testing.assert_allclose(found, [2.0, 0.0, -1.0], atol=0.35)


def test_weights_stay_where_nothing_can_be_learned() -> None:
    prior = np.array([1.0, 0.0])
    np.testing.assert_array_equal(fit_weights([np.eye(2)], [-1], [1], prior), prior)
    few, many = (fit_weights([np.eye(2)], [1], [count], prior) for count in (1, 1000))
    assert 0 < few[1] - few[0] < many[1] - many[0] < 20


def test_the_weights_stay_with_their_features_when_other_pairs_are_learned() -> None:
    same = [(tuple(word), tuple(word)) for word in ("abba", "baba", "abab", "bab", "aba")]
    other = [(tuple(word), tuple("xyxyxyxyxy")) for word in ("ab", "ba", "bb", "aa", "abb")]
    sources, targets = ([pair[side] for pair in same] for side in (0, 1))
    fitted = JointNgram().fit(sources, targets, [1] * 5, sources[:2], targets[:2])
    weights = fitted.weights
    both = same + other * 9
    learned = fitted.learn(
        [source for source, _ in both], [target for _, target in both], [1] * len(both)
    )
    assert np.array_equal(learned.weights, weights)
    again = JointNgram.from_dict(learned.to_dict())
    assert again.predict(sources) == learned.predict(sources)
