"""Shaded texts: the text's own letters, nothing added between them, nothing of them run."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.recipe.settings import TextSettings
from duree.report.pages.examples import MOST_UNITS, _most_predictive
from duree.report.safe_text import HTML_BREAK, visible
from duree.report.shading import LEVELS, shade
from duree.results.explanations import Shading
from duree.sequences.text_encoder import TextEncoder


def shaded(text: str, values: list[float] | None = None, **settings: object):
    encoder = TextEncoder.fit(pl.Series("t", [text]), TextSettings(**settings))
    places = encoder.places(text)
    return shade(text, places, values or [1.0] * len(places))


def letters(found) -> str:
    return "".join(piece.text for piece in found.pieces)


def test_the_text_keeps_its_own_letters_and_spaces():
    text = "No rain,  no Rainbow! Äpfel “quoted” — and 1,000.5 more."
    assert letters(shaded(text)) == text


def test_chinese_is_shaded_without_gaps():
    text = "酒店很好，位置不错。下次还会再来！"
    found = shaded(text, segmenter="characters")
    assert letters(found) == text
    assert not re.search(r"\s", re.sub(r"<[^>]*>", "", found.__html__()))


def test_levels_follow_the_values_to_both_sides():
    found = shaded("good bad neither", [2.0, -1.0, 0.01])
    levels = {piece.text: piece.level for piece in found.pieces if piece.text.strip()}
    assert levels == {"good": LEVELS, "bad": -4, "neither": 0}
    assert {piece.kind for piece in found.pieces} == {"for9", "against4", ""}


def test_neighbours_of_one_shade_are_joined_by_it():
    found = shaded("very very good", [1.0, 1.0, 0.0])
    assert [piece.level for piece in found.pieces[:3]] == [9, 9, 9]


def test_markup_in_a_text_is_shown_and_not_run():
    page = shaded("<script>alert(1)</script> & \u202eevil")._repr_html_()
    assert "<script" not in page
    assert "&lt;" in page
    assert "\u202e" not in page
    assert "style=" not in page


def test_line_breaks_of_html_break_the_line():
    assert letters(shaded("one.<br /><br />two")) == "one.\ntwo"


@pytest.mark.parametrize("keep", ["head", "tail", "both"])
def test_what_the_network_did_not_see_is_marked(keep):
    text = " ".join(f"word{n}" for n in range(50))
    found = letters(shaded(text, max_length=10, keep=keep))
    assert "[…]" in found
    assert len(found.split()) == 11
    assert ("word0" in found, "word49" in found) == (keep != "tail", keep != "head")


@given(st.text(max_size=60))
def test_no_letter_of_any_text_is_lost_or_added(text):
    encoder = TextEncoder.fit(pl.Series("t", ["any 文本"]), TextSettings(segmenter="characters"))
    places = encoder.places(text)
    found = letters(shade(text, places, [1.0] * len(places)))
    lines = HTML_BREAK.sub("\n", text).split("\n")
    assert found == "\n".join(visible(line) for line in lines)


def test_the_most_influential_passage_of_a_long_text_is_shown():
    text = " ".join(f"word{n}" for n in range(900))
    values = [0.0] * 900
    values[700] = 1.0
    places = TextEncoder.fit(pl.Series("t", [text]), TextSettings()).places(text)
    found = Shading(row=0, answer="a", sure=1.0, places=places, values=values)
    shown = letters(_most_predictive(text, found))
    assert "word700" in shown
    assert len(shown.split()) == MOST_UNITS + 2
    assert shown.split()[0] == shown.split()[-1] == "[…]"
