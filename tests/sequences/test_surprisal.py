"""The bits of units add up to those of words, sentences and texts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from duree.recipe.settings import TextSettings
from duree.sequences.language_encoder import LanguageEncoder
from duree.sequences.ragged import Ragged
from duree.sequences.surprisal import LEVELS, Surprisal, surprisals

TEXTS = [
    "It rains. It pours!\n\nThe old man is snoring. ",
    "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。",
    "",
    "   ",
    "unheard-of zyzzyva",
]


def scored(segmenter: str) -> tuple[list[Surprisal], np.ndarray]:
    """Texts whose codes have random bits, and the sums of these."""
    known = [*TEXTS[:2], "it is the old rain. " * 20]
    encoder = LanguageEncoder.fit(pl.Series(known), TextSettings(segmenter=segmenter))
    codes = encoder.encode(pl.Series(TEXTS))
    bits = np.random.default_rng(0).random(len(codes.values))
    sums = np.add.reduceat(bits, codes.offsets[:-1])
    return surprisals(TEXTS, encoder, Ragged(bits, codes.offsets)), sums


@pytest.mark.parametrize("segmenter", ["characters", "words", "subwords"])
@pytest.mark.parametrize("level", LEVELS)
def test_the_bits_of_parts_add_up_to_those_of_the_text(segmenter, level):
    found, sums = scored(segmenter)
    for one, bits in zip(found, sums, strict=True):
        table = one.table(level)
        assert table["bits"].sum() == pytest.approx(bits, abs=1e-12)
        assert table["units"].sum() == len(one.bits)
        assert table["characters"].sum() == len(one.text)
        for begin, end, text in table.select("begin", "end", "text").iter_rows():
            assert one.text[begin:end] == text


def test_every_level_adds_up_to_the_next():
    for one in scored("characters")[0]:
        units = one.table("unit")
        for level in ("word", "sentence"):
            sums = units.group_by(level, maintain_order=True).agg(pl.col("bits").sum())
            assert sums["bits"].to_list() == pytest.approx(one.table(level)["bits"].to_list())


def test_words_and_sentences_are_those_of_the_text():
    first, second, *_ = scored("characters")[0]
    assert first.table("word")["text"].to_list() == TEXTS[0].split()
    assert first.table("sentence")["text"].to_list() == [
        "It rains.",
        "It pours!",
        "The old man is snoring.",
    ]
    assert second.table("word")["text"].to_list()[:7] == list("床前明月光，疑")
    assert len(second.table("sentence")) == 2


def test_a_word_that_is_spelt_is_one_unit_with_the_bits_of_its_spelling():
    *_, last = scored("words")[0]
    encoder = LanguageEncoder.fit(pl.Series(["a b a b"]), TextSettings(segmenter="words"))
    codes = encoder.encode(pl.Series(["b zz a"]))
    assert len(codes.values) > 4
    one = Surprisal.of("b zz a", encoder, np.ones(len(codes.values)))
    assert one.bits.tolist() == [1.0, len(codes.values) - 3.0, 1.0, 1.0]
    assert last.table("unit")["text"].to_list()[-1] == ""  # the end


def test_the_end_of_a_text_belongs_to_its_last_word_and_sentence():
    for one in scored("characters")[0]:
        for level in ("word", "sentence"):
            numbers = one.regions(level)
            assert numbers[-1] == numbers.max()


def test_a_text_without_units_has_one_part_its_end():
    for level in LEVELS:
        table = scored("words")[0][2].table(level)
        assert table["text"].to_list() == [""]
        assert table["units"].to_list() == [1]
