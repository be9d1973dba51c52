"""Words and sentences cover a text, and every unit belongs to one of them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.sequences.regions import regions_of, sentence_begins, word_begins


def parts(text: str, begins: np.ndarray) -> list[str]:
    return [text[a:b] for a, b in zip(begins, [*begins[1:], len(text)], strict=True)]


def test_a_word_keeps_the_blanks_after_it():
    text = " No  rain,\nno rainbow."
    assert parts(text, word_begins(text)) == [" No  ", "rain,\n", "no ", "rainbow."]


def test_every_chinese_character_is_a_word():
    text = "床前明月光，ok 疑"
    assert parts(text, word_begins(text)) == ["床", "前", "明", "月", "光", "，ok ", "疑"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It rains. It pours! Why?", ["It rains. ", "It pours! ", "Why?"]),
        ("“Go.” He went… Then?", ["“Go.” ", "He went… ", "Then?"]),
        ("床前明月光。疑是霜！“举头？”低头", ["床前明月光。", "疑是霜！", "“举头？”", "低头"]),
        ("Mr. J. S. Mill, e.g. here, paid 3.50 dollars.", None),
        ("The corp. said so.", None),
        ("A Title\n\nThe text.", ["A Title\n\n", "The text."]),
        ("no mark here\nnor there", ["no mark here\n", "nor there"]),
        ("Broken over\ntwo lines. And\nmore.", ["Broken over\ntwo lines. ", "And\nmore."]),
    ],
)
def test_sentences_end_where_they_end(text, sentences):
    assert parts(text, sentence_begins(text)) == (sentences or [text])


@given(st.text(alphabet="aB .!?\n。中”", max_size=30))
def test_regions_cover_the_text(text):
    for begins in (word_begins(text), sentence_begins(text)):
        assert (len(begins) > 0) == bool(text.strip())
        if len(begins):
            found = parts(text, begins)
            assert "".join(found) == text
            assert all(part.strip() for part in found)


def test_a_unit_belongs_to_the_word_of_its_first_letter_and_blanks_to_the_one_before():
    text = " the  end"
    spans = np.array([[0, 4], [4, 5], [5, 9], [9, 9]])  # " the", " ", " end", the end
    assert regions_of(spans, word_begins(text), text).tolist() == [0, 0, 1, 1]


def test_a_unit_over_two_words_makes_them_one():
    text = "明月光"
    spans = np.array([[0, 2], [2, 3], [3, 3]])
    assert regions_of(spans, word_begins(text), text).tolist() == [0, 1, 1]


@given(st.text(alphabet="ab \n中.", min_size=1, max_size=20))
def test_regions_of_characters_are_numbered_without_gaps(text):
    spans = np.array([[k, k + 1] for k in range(len(text))])
    found = regions_of(spans, word_begins(text), text)
    assert (np.diff(found) >= 0).all()
    assert np.array_equal(np.unique(found), np.arange(found[-1] + 1))
    words = len(re.findall(r"中|[^\s中]+", text))
    assert found[-1] + 1 == max(words, 1)
