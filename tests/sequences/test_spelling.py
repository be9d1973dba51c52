"""Units that are written alike share character n-grams."""

from __future__ import annotations

from duree.sequences.spelling import character_ngrams


def test_units_share_the_ngrams_of_what_they_have_in_common() -> None:
    units = ["<padding>", "lovely", "loving", "x", "大酒店", "酒店"]
    found = character_ngrams(["", *units[1:]]).toarray()
    shared = found @ found.T
    # " l", "lo", "ov", " lo", "lov", " lov", " lov" of five: counted by hand.
    assert shared[1, 2] == len({" l", "lo", "ov", " lo", "lov", " lov"})
    assert shared[4, 5] == len({"酒店", "店 ", "酒店 "})
    assert not shared[0].any()
    assert not shared[3].any()
    assert set(found.ravel()) == {0.0, 1.0}


def test_an_ngram_of_one_unit_alone_is_left_out() -> None:
    assert character_ngrams(["zebra", "owl"]).shape == (2, 0)
    assert character_ngrams([]).shape == (0, 0)
