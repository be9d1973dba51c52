"""Passages that stand in other texts are found, whole, and nothing else is."""

from __future__ import annotations

import pytest

from duree.evaluation import copied_passages as module
from duree.evaluation.copied_passages import copied_passages

BOOK = "It was the best of times, it was the worst of times, it was the age of wisdom."


def shown(text: str, others: list[str], *, words: bool = True) -> list[str]:
    return [text[a:b] for a, b in copied_passages([text], others, words=words)[0]]


def test_eight_words_are_a_passage_and_seven_are_not():
    assert shown("now it was the worst of times, it was gone", [BOOK]) == [
        "it was the worst of times, it was"
    ]
    assert shown("now was the worst of times, it was gone", [BOOK]) == []


def test_blanks_between_words_do_not_matter_but_words_do():
    assert shown("it was\n the worst  of times, it was", [BOOK]) == [
        "it was\n the worst  of times, it was"
    ]
    assert shown("It was the worst of times, it was", [BOOK]) == []


def test_passages_of_characters_have_thirty_or_more():
    text = "床前明月光疑是地上霜举头望明月低头思故乡" * 2
    assert shown("又" + text[:30] + "也", [text], words=False) == [text[:30]]
    assert shown("又" + text[:29] + "也", [text], words=False) == []


def test_a_passage_does_not_go_on_from_one_text_into_the_next():
    half = BOOK.split()
    assert shown(BOOK, [" ".join(half[:7]), " ".join(half[7:14])]) == []


def test_passages_of_a_long_text_are_found_across_pieces(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "AT_ONCE", 5)
    assert shown(BOOK, ["so: " + BOOK]) == [BOOK]


def test_passages_that_overlap_are_one_and_others_are_apart():
    words = [f"w{n}" for n in range(40)]
    text = " ".join([*words[:12], "new", *words[20:30]])
    assert shown(text, [" ".join(words)]) == [" ".join(words[:12]), " ".join(words[20:30])]


def test_texts_without_passages_have_none():
    assert copied_passages(["", "short", BOOK], ["nothing of it"], words=True) == [[], [], []]
