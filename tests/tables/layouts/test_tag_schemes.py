"""The scheme of entity tags is named; tags that break it, or follow none, are reported."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from duree.tables.layouts.tag_schemes import check_scheme


def found(*sentences: str) -> dict[str, str]:
    cells = [sentence.split() for sentence in sentences]
    column = pl.Series("ner", [tag for sentence in cells for tag in sentence])
    lengths = np.array([len(sentence) for sentence in cells], dtype=np.uint32)
    return {finding.check: finding.message("en") for finding in check_scheme(column, lengths)}


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        (["B-PER I-PER O B-LOC", "B-PER O"], "IOB2"),
        (["I-PER I-PER O I-LOC", "I-PER B-PER O"], "IOB1"),
        (["I-PER O I-LOC", "I-PER O"], "IO"),
        (["I-PER E-PER O E-LOC", "O"], "IOE"),
        (["B-PER I-PER E-PER O S-LOC"], "BIOES"),
        (["B-PER E-PER O S-LOC"], "BMES"),
        (["B-PER I-PER L-PER O U-LOC"], "BILOU"),
        (["B-PER M-PER E-PER O S-LOC"], "BMES"),
        (["B-PER M-PER E-PER O W-LOC"], "BMEWO"),
        (["PER-B PER-I O LOC-B"], "IOB2 (PER-B)"),
        (["PER-B PER-M PER-E O LOC-S"], "BMES (PER-B)"),
    ],
)
def test_each_scheme_is_known(sentences: list[str], scheme: str) -> None:
    assert found(*sentences) == {"scheme": f"'ner' marks entities by {scheme}"}


@pytest.mark.parametrize(
    ("sentences", "row"),
    [
        (["B-PER O I-LOC"], 3),
        (["B-PER", "I-PER O"], 2),
        (["B-PER M-LOC E-LOC O"], 2),
        (["PER-B O LOC-I"], 3),
    ],
)
def test_tags_that_break_the_scheme_are_reported(sentences: list[str], row: int) -> None:
    assert f"the first at token {row}" in found(*sentences)["broken_scheme"]


@pytest.mark.parametrize("sentence", ["B_PER I_PER O", "PER_B PER_I O", "B:PER O"])
def test_entities_marked_in_another_way_are_a_warning(sentence: str) -> None:
    assert "are in no known form" in found(sentence)["unknown_scheme"]


@pytest.mark.parametrize("sentence", ["NN DT VB", "A_B C_D O X Y", "O O O"])
def test_other_tags_follow_no_scheme(sentence: str) -> None:
    assert found(sentence) == {}
