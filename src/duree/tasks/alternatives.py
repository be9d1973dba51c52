"""The columns of further outputs of rows, after the first one of each."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def columns_of_alternatives(
    first: Sequence[str], found: Sequence[Sequence[tuple[str, float]]], count: int
) -> list[pl.Series]:
    """``prediction_2``, ``probability_2`` and so on, null where a row has fewer outputs.

    Parameters
    ----------
    first : sequence of str
        The output of each row that ``prediction`` holds.
    found : sequence of sequence of (str, float)
        Outputs of each row with their probabilities, the best first; they may contain the first.
    count : int
        The most outputs of a row, with the first.
    """
    others = [
        [one for one in row if one[0] != text][: count - 1]
        for text, row in zip(first, found, strict=True)
    ]
    columns = []
    for place in range(count - 1):
        cells = [row[place] if place < len(row) else (None, None) for row in others]
        written, chances = zip(*cells, strict=True) if cells else ((), ())
        columns += [
            pl.Series(f"prediction_{place + 2}", written, dtype=pl.String),
            pl.Series(f"probability_{place + 2}", chances, dtype=pl.Float64),
        ]
    return columns
