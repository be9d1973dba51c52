"""A rule learned from one pair of words gives that pair back, and serves words like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.sequences.edit_rules import apply_rule, rule_of

WORDS = st.text(
    st.characters(blacklist_characters="\t\n", blacklist_categories=["Cs"]), min_size=1, max_size=9
)


@given(WORDS, WORDS)
def test_a_rule_makes_of_its_word_what_was_wanted(word: str, wanted: str) -> None:
    assert apply_rule(rule_of(word, wanted), word) == wanted


@pytest.mark.parametrize(
    ("word", "wanted", "other", "expected"),
    [
        ("taken", "take", "shaken", "shake"),
        ("Houses", "house", "Roses", "rose"),
        ("gemacht", "machen", "gelacht", "lachen"),
        ("usliþan", "usliþa", "ligan", "liga"),
        ("London", "London", "Paris", "Paris"),
        ("is", "be", "was", "be"),
    ],
)
def test_a_rule_serves_other_words(word: str, wanted: str, other: str, expected: str) -> None:
    assert apply_rule(rule_of(word, wanted), other) == expected


def test_a_word_too_short_for_a_rule_stays_as_it_is() -> None:
    assert apply_rule(rule_of("gemachten", "machen"), "an") == "an"
