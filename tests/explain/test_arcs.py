"""Arcs find a turn that is there, and none where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support.planted_words import DECIDING, FILLERS

from duree.errors import DataError
from duree.explain.arcs import arc


def long_text(kinds: list[int], seed: int = 0) -> str:
    """A passage of thirty words for each kind: with one deciding word in the middle."""
    rng = np.random.default_rng(seed)
    passages = []
    for kind in kinds:
        words = list(rng.choice(FILLERS, 30))
        words[15] = DECIDING[kind]
        passages.append(" ".join(words))
    return " ".join(passages)


def test_a_turn_is_found_where_it_is(planted):
    text = long_text([0] * 20 + [1] * 30)
    found = arc(planted.model, text, output=1, passage=30)
    assert found.finding
    assert found.changes == [20]
    assert found.curve[:20].mean() < 0.2 < 0.8 < found.curve[20:].mean()
    assert text[found.begin[20] :].startswith(long_text([0] * 20 + [1] * 30).split()[600])


def test_passages_cover_the_text_from_end_to_end(planted):
    text = "  " + long_text([0, 1] * 10) + "  the end"
    found = arc(planted.model, text, passage=30)
    assert text[found.begin[0] : found.end[-1]] == text.strip()
    assert (found.begin[1:] > found.end[:-1]).all()


def test_random_order_has_no_arc(planted):
    rng = np.random.default_rng(3)
    findings = changes = 0
    for seed in range(40):
        found = arc(planted.model, long_text(list(rng.integers(0, 2, 40)), seed), passage=30)
        findings += found.finding
        changes += bool(found.changes)
    # 2 of 40 are expected of a test at 5 %; 7 or more come with a probability of 0.3 %.
    assert findings <= 6
    assert changes <= 4


def test_the_band_holds_the_arc_of_a_text_that_never_changes(planted):
    found = arc(planted.model, long_text([1] * 30), passage=30)
    assert (found.low <= found.smooth + 1e-9).all()
    assert (found.smooth - 1e-9 <= found.high).all()


def test_a_text_too_short_for_an_arc_is_reported(planted):
    with pytest.raises(DataError, match=r"200 units: too few for an arc of passages of 30"):
        arc(planted.model, " ".join(["ba"] * 200))


def test_an_arc_reads_all_of_a_text_that_the_network_would_cut(planted):
    text = long_text([0] * 60)
    assert len(text.split()) > planted.model.encoder.settings.max_length
    assert arc(planted.model, text).end[-1] == len(text)
