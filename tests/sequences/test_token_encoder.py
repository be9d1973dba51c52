"""Tokens as numbers: known words, and word features of unknown ones."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import RunError
from duree.sequences.ragged import UNKNOWN
from duree.sequences.token_encoder import (
    CHARACTERS,
    COLUMNS,
    LOWER,
    WORD,
    WORD_FEATURES,
    TokenEncoder,
)

SENTENCES = pl.Series("tokens", [["The", "Sea", "the", "sea"], ["seas", "seat", "The"], ["Seal"]])


@pytest.fixture
def encoder() -> TokenEncoder:
    return TokenEncoder.fit(SENTENCES, 100)


def test_the_same_word_in_other_letters_shares_its_lowered_index_alone(
    encoder: TokenEncoder,
) -> None:
    first = encoder.encode(SENTENCES)[0]
    assert first.shape == (4, COLUMNS)
    assert first[0, LOWER] == first[2, LOWER]
    assert first[0, WORD] != first[2, WORD]


def test_an_unknown_word_keeps_the_word_features_that_training_saw(encoder: TokenEncoder) -> None:
    known, unknown = encoder.encode(pl.Series([["seas", "seabed"]]))[0]
    assert unknown[WORD] == UNKNOWN
    beginnings = slice(
        WORD_FEATURES + 1, WORD_FEATURES + 3
    )  # of two and of three characters: se, sea
    assert known[beginnings].tolist() == unknown[beginnings].tolist()
    assert unknown[WORD_FEATURES] == known[WORD_FEATURES]  # the shape: small letters


def test_columns_never_share_an_index_and_all_lie_in_their_tables(encoder: TokenEncoder) -> None:
    words, features, characters = encoder.sizes
    values = encoder.encode(pl.Series([["The", "unseen", "Ω7", "x" * 60, "sea"]])).values
    assert not set(values[:, WORD]) & set(values[:, LOWER])
    assert values[:, :WORD_FEATURES].max() < words
    columns = values[:, WORD_FEATURES:CHARACTERS].T
    assert all(not set(a) & set(b) for i, a in enumerate(columns) for b in columns[:i])
    assert columns.max() < features
    assert columns.min() > 0
    assert values[:, CHARACTERS:].max() < characters


def test_rare_words_are_those_seen_once(encoder: TokenEncoder) -> None:
    values = encoder.encode(pl.Series([["The", "Sea", "seat", "nothing"]])).values
    (unknown, begin, end), (unknown_lowered, begin_lowered, end_lowered) = encoder.rare
    assert [begin <= word < end for word in values[:, WORD]] == [False, True, True, False]
    assert [begin_lowered <= w < end_lowered for w in values[:, LOWER]] == [
        False,
        False,
        True,
        False,
    ]
    assert (values[3, WORD], values[3, LOWER]) == (unknown, unknown_lowered)


@given(st.lists(st.lists(st.text(min_size=1, max_size=40), min_size=1), min_size=1, max_size=4))
def test_an_encoder_read_back_encodes_any_words_the_same(rows: list[list[str]]) -> None:
    encoder = TokenEncoder.fit(SENTENCES, 100)
    again = TokenEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    sentences = pl.Series("tokens", rows)
    assert np.array_equal(encoder.encode(sentences).values, again.encode(sentences).values)
    assert len(encoder.encode(sentences)) == len(rows)


def test_an_altered_encoder_is_refused(encoder: TokenEncoder) -> None:
    for name, value in (
        ("words", {"a": "b"}),
        ("word_features", [1]),
        ("version", 9),
        ("characters", 1),
    ):
        with pytest.raises(RunError, match=name):
            TokenEncoder.from_dict(encoder.to_dict() | {name: value})
