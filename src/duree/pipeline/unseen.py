"""Rows of which the network knows little: words or states that do not occur in training.

Its prediction for them looks like any other, and may be given with a high probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.pipeline.model import TrainedModel
from duree.sequences.ragged import Ragged
from duree.tables.columns import is_blank
from duree.tables.finding import Finding

# A larger share of unseen units is warned of.
MOST_UNSEEN = 0.5
SHOWN = 5
EMPTY_FIX = "their predictions are those for an empty sequence, and mean nothing"
UNSEEN = (
    "rows more than half of whose words or states are not in the vocabulary: {count} of {rows} "
    "(row {shown})"
)
UNSEEN_FIX = "their predictions mean little: check that language and columns are those of training"

LONG = "rows far longer than those of training: {count} of {rows} (row {shown})"
LONG_FIX = "their outputs are too short and mean nothing: split them"


def are_unseen(model: TrainedModel, sequences: Ragged) -> NDArray[np.bool_]:
    """Whether more than half of the units of each row do not occur in training, bool [rows]."""
    shares = model.encoder.unseen(sequences)
    return np.zeros(len(sequences), dtype=bool) if shares is None else shares > MOST_UNSEEN


def are_empty(model: TrainedModel, rows: pl.Series, sequences: Ragged) -> NDArray[np.bool_]:
    """Whether each row has no units at all, bool [rows]."""
    shares = model.encoder.unseen(sequences)
    return is_blank(rows) if shares is None else is_blank(rows) | np.isnan(shares)


def unseen_share(model: TrainedModel, sequence: Ragged) -> float | None:
    """The share of a single row's units that do not occur in training; None if it has none."""
    shares = model.encoder.unseen(sequence)
    return None if shares is None or np.isnan(shares[0]) else float(shares[0])


def unseen_findings(numbers: Sequence[int], rows: int) -> Iterator[Finding]:
    """The finding about such rows; ``numbers`` are theirs, from 1, and ``rows`` counts all."""
    if numbers:
        facts = {"count": len(numbers), "rows": rows, "shown": first(numbers)}
        yield Finding("unseen_units", "warning", UNSEEN, UNSEEN_FIX, facts)


def empty_findings(numbers: Sequence[int], column: str) -> Iterator[Finding]:
    """The finding about rows without a text, whose numbers, from 1, are given."""
    if numbers:
        facts = {"column": column, "count": len(numbers), "shown": first(numbers)}
        what = "rows without {column!r}: {count} (row {shown})"
        yield Finding("empty_rows", "warning", what, EMPTY_FIX, facts)


def long_findings(numbers: Sequence[int], rows: int) -> Iterator[Finding]:
    """The finding about rows that are too long, whose numbers, from 1, are given."""
    if numbers:
        facts = {"count": len(numbers), "rows": rows, "shown": first(numbers)}
        yield Finding("long_rows", "warning", LONG, LONG_FIX, facts)


def first(numbers: Sequence[int]) -> str:
    """The first few numbers as a text."""
    return ", ".join(map(str, numbers[:SHOWN])) + ", ..." * (len(numbers) > SHOWN)
