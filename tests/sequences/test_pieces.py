"""Words that are not in the vocabulary are read as the known words that they are made of."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.recipe.settings import TextSettings
from duree.sequences.pieces import LEAST_COVERED, Pieces
from duree.sequences.text_encoder import TextEncoder

KNOWN = ["the", "human", "rights", "night", "strike", "house", "thinks", "right", "humans"]


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("humanrights", ["human", "rights"]),
        ("nights", ["night"]),
        ("strikehouses", ["strike", "house"]),
        ("rights", ["rights"]),  # it is known
        ("thenothing", ["thenothing"]),  # "the" is too short, and covers too little
        ("zebra", ["zebra"]),
        ("2024", ["2024"]),
        ("night-time", ["night-time"]),
    ],
)
def test_a_word_is_split_into_the_fewest_and_most_frequent_known_words(
    word: str, pieces: list[str]
) -> None:
    assert list(Pieces(KNOWN)(word)) == pieces


def test_chinese_words_are_split_into_words_of_any_length() -> None:
    assert list(Pieces(["好评", "率", "价格"])("好评率")) == ["好评", "率"]


@given(st.text("humanrigtsk", max_size=40))
def test_pieces_are_in_the_word_in_order_and_cover_most_of_it(word: str) -> None:
    pieces, begin = Pieces(KNOWN)(word), 0
    for piece in pieces:
        begin = word.index(piece, begin) + len(piece)
    assert list(pieces) == [word] or sum(map(len, pieces)) >= LEAST_COVERED * len(word)
    assert list(pieces) == [word] or set(pieces) <= set(KNOWN)


def test_an_encoder_reads_pieces_and_knows_their_places() -> None:
    text = "We march for #humanrights, nightly!"
    encoder = TextEncoder.fit(pl.Series(["human rights at night", "night rights"]), TextSettings())
    units = encoder.units(text)
    assert units == ["we", "march", "for", "#", "human", "rights", ",", "night", "!"]
    read = [text[begin:end] for begin, end in encoder.places(text)]
    assert [each.lower() for each in read] == units
    assert encoder.encode(pl.Series([text])).lengths.tolist() == [len(units)]


def test_models_of_version_0_1_read_unknown_words_as_they_did() -> None:
    encoder = TextEncoder.fit(pl.Series(["human rights"]), TextSettings())
    earlier = TextEncoder.from_dict(encoder.to_dict() | {"version": 1})
    assert earlier.units("humanrights") == ["humanrights"]
    assert earlier.to_dict()["version"] == 1
    assert encoder.units("humanrights") == ["human", "rights"]


def test_with_a_full_vocabulary_rare_words_of_training_texts_stay_whole() -> None:
    settings = TextSettings(max_features=2)
    encoder = TextEncoder.fit(pl.Series(["human rights human rights humanrights"]), settings)
    assert encoder.units("humanrights") == ["humanrights"]
