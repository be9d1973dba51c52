"""Attribution: the contribution of each step of a sequence to the prediction.

Three methods with different errors. *Integrated gradients* (Sundararajan et al. 2017) follow the
path from an empty text of the same length to the text itself; the attributions of the words add up
to the difference of the scores. *Gradient x input* estimates them from a single point. *Occlusion*
(Zeiler & Fergus 2014) removes a word or a sentence and measures the change.

The explained quantity depends on the task: log-odds for classes and labels, the number itself for
numbers. Attributions of the wide part are exact, since its score is a sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duree.explain.model import (
    Model,
    explanation_of,
    recurrent_part,
    shares_of,
    wide_part,
    without,
)
from duree.network.allocator import keep_freed_memory
from duree.network.batches import cut_by_length, pad
from duree.network.scoring import scores
from duree.sequences.ragged import Ragged, offsets_of

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Segments = Callable[[NDArray[np.int32]], NDArray[np.int64]]

BATCH = 64
# Initial number of pieces of the path, and Gauss-Legendre points of each.
PIECES, POINTS = 8, 2
# A row's attributions are complete if their error is at most this share of the score difference.
# Otherwise pieces with more than an eighth of the allowed error are halved, at most so many times:
# the score jumps where a state switches, and only small pieces locate the jump. An error below the
# rounding of scores, as a share of the largest one, is none; and of a row so many pieces are halved
# at a time: a score that hardly changes would else be halved beyond all bounds.
COMPLETE, SMALL, CUTS = 0.01, 1 / 8, 20
ROUNDING, MOST_HALVED = 1e-5, 64


@dataclass(frozen=True)
class Attributions:
    """Attributions of many rows.

    Attributes
    ----------
    values : Ragged
        float32 [total steps]: the contribution of each step to the explained quantity.
    outputs : int64 [rows]
        The explained output of each row.
    score, start : float64 [rows]
        The explained quantity for the sequence, and for an empty one.
    """

    values: Ragged
    outputs: Rows
    score: Floats
    start: Floats

    @property
    def gap(self) -> Floats:
        """The error of the sum of each row's attributions, float64 [rows]."""
        return self.values.sums() - (self.score - self.start)

    @property
    def incomplete(self) -> Floats:
        """The absolute error as a share of the score difference, float64 [rows]."""
        return np.asarray(np.abs(self.gap) / np.maximum(np.abs(self.score - self.start), 1e-12))

    def first(self, count: int) -> Attributions:
        """The attributions of the first ``count`` rows."""
        values = self.values.take(np.arange(min(count, len(self.values))))
        return Attributions(values, self.outputs[:count], self.score[:count], self.start[:count])


def integrated_gradients(
    model: Model, sequences: Ragged, outputs: Rows | None = None
) -> Attributions:
    """Integrated gradients of every row.

    Parameters
    ----------
    model : Model
    sequences : Ragged
        Encoded rows, each of at least one step.
    outputs : int64 [rows], optional
        Which output to explain; the predicted one, if not given.

    Returns
    -------
    Attributions
        Complete to 1% of each row's score difference, where 20 refinements suffice.
    """
    keep_freed_memory()
    path = _Path(model, sequences, _outputs(model, sequences, outputs))
    rows, edges = np.arange(len(sequences)), np.linspace(0, 1, PIECES + 1)
    found = np.stack([path.quantity(rows, np.full(len(rows), edge)) for edge in edges])
    score, start = found[-1], found[0]
    values = np.zeros(len(sequences.values))
    owed = np.zeros(len(rows))
    allowed = np.maximum(COMPLETE * np.abs(score - start), ROUNDING * np.abs(found).max(axis=0))
    low, high = (np.repeat(ends, len(rows)) for ends in (edges[:-1], edges[1:]))
    pieces = _Pieces(np.tile(rows, PIECES), low, high, found[:-1].ravel(), found[1:].ravel())
    for cuts in range(CUTS + 1):
        added = path.integral(pieces)
        gaps = added.sums() - (pieces.to - pieces.at)
        missed = owed + np.bincount(pieces.row, gaps, len(rows))
        # In an incomplete row, pieces with small errors are left as they are.
        incomplete = np.abs(missed) > allowed
        cut = incomplete[pieces.row] & (np.abs(gaps) > SMALL * allowed[pieces.row]) & (cuts < CUTS)
        cut &= _rank_within(pieces.row, np.abs(gaps)) < MOST_HALVED
        _add_rows(values, sequences, pieces.row[~cut], added.take(np.flatnonzero(~cut)))
        owed += np.bincount(pieces.row[~cut], gaps[~cut], len(rows))
        if not cut.any():
            break
        pieces = path.halves(_Pieces(*(column[cut] for column in pieces)))
    return Attributions(
        Ragged(values.astype(np.float32), sequences.offsets), path.outputs, score, start
    )


def gradient_times_input(
    model: Model, sequences: Ragged, outputs: Rows | None = None
) -> Attributions:
    """The gradient at the sequence itself, times the input.

    Parameters
    ----------
    model, sequences, outputs
        As for ``integrated_gradients``.

    Returns
    -------
    Attributions
        They do not add up to the score difference in general.
    """
    path = _Path(model, sequences, _outputs(model, sequences, outputs))
    rows = np.arange(len(sequences))
    whole, nothing = np.ones(len(rows)), np.zeros(len(rows))
    values = path.gradient(rows, whole).values.astype(np.float32)
    return Attributions(
        Ragged(values, sequences.offsets),
        path.outputs,
        path.quantity(rows, whole),
        path.quantity(rows, nothing),
    )


def occlusion(
    model: Model,
    sequences: Ragged,
    outputs: Rows | None = None,
    segments: Segments | None = None,
) -> Attributions:
    """The explained quantity with each step, or segment, minus the quantity without it.

    Parameters
    ----------
    model, sequences, outputs
        As for ``integrated_gradients``.
    segments : (int32 [steps]) -> int64 [steps], optional
        Numbers the segments of a row from 0 (see ``sentences``); each step has the value of its
        segment. If not given, every step is a segment.

    Returns
    -------
    Attributions
    """
    outputs = _outputs(model, sequences, outputs)
    whole = quantity(model, sequences, outputs)
    values = np.zeros(len(sequences.values), dtype=np.float32)
    for row in range(len(sequences)):
        numbers = np.arange(sequences.lengths[row])
        if segments is not None:
            numbers = segments(sequences[row])
        count = int(numbers.max()) + 1
        keep = (numbers[None] != np.arange(count)[:, None]).ravel()
        left = without(sequences.take(np.full(count, row)), keep)
        worth = whole[row] - quantity(model, left, np.full(count, outputs[row]))
        values[sequences.offsets[row] : sequences.offsets[row + 1]] = worth[numbers]
    empty = without(sequences, np.zeros(len(sequences.values), dtype=bool))
    return Attributions(
        Ragged(values, sequences.offsets), outputs, whole, quantity(model, empty, outputs)
    )


METHODS = {
    "integrated_gradients": integrated_gradients,
    "gradient_times_input": gradient_times_input,
    "occlusion": occlusion,
}


def quantity(model: Model, sequences: Ragged, outputs: Rows) -> Floats:
    """The explained quantity of each row, float64 [rows]."""
    found = torch.from_numpy(scores(model.network, sequences))
    explained = explanation_of(model).explained(found, torch.from_numpy(outputs))
    return np.asarray(explained.double().numpy())


class _Pieces(NamedTuple):
    """Pieces of paths: row, both ends as shares of the path, and the quantity at both ends."""

    row: Rows
    low: Floats
    high: Floats
    at: Floats
    to: Floats


class _Path:
    """The path of each row from an empty row of the same length to the row itself."""

    def __init__(self, model: Model, sequences: Ragged, outputs: Rows) -> None:
        self.model, self.sequences, self.outputs = model, sequences, outputs
        self.deep = recurrent_part(model)
        self.share, share_of_wide = shares_of(model)
        count = self.deep.head.out_features
        # Contributions of the steps to the wide part's scores, and its score without features.
        self.added = np.zeros((len(sequences.values), count), dtype=np.float32)
        self.bias = torch.zeros(count)
        if (wide := wide_part(model)) is not None:
            self.bias = share_of_wide * wide.bias.detach()
            for rows in _batches(sequences.lengths):
                of_batch = wide.contributions(*pad(sequences, rows)) * share_of_wide
                for row, found in zip(rows, of_batch.numpy(), strict=True):
                    begin, end = sequences.offsets[row : row + 2]
                    self.added[begin:end] = found[: end - begin]

    def quantity(self, rows: Rows, parts: Floats) -> Floats:
        """The explained quantity of each row at a share of its path, float64 [rows]."""
        found = np.zeros(len(rows))
        with torch.no_grad():
            for chosen in _batches(self.sequences.lengths[rows]):
                found[chosen] = _Batch(self, rows[chosen], parts[chosen]).explained()
        return found

    def gradient(self, rows: Rows, parts: Floats) -> Ragged:
        """The gradient at that point by step, times the whole path: float64 [total steps]."""
        lengths = self.sequences.lengths[rows]
        offsets = offsets_of(lengths)
        found = Ragged(np.zeros(offsets[-1]), offsets)
        for chosen in _batches(lengths):
            slopes = _Batch(self, rows[chosen], parts[chosen]).slopes()
            for place, row in enumerate(chosen):
                found[row][:] = slopes[place, : lengths[row]]
        return found

    def integral(self, pieces: _Pieces) -> Ragged:
        """The mean gradient on each piece, times the piece: float64 [total steps]."""
        nodes, weights = np.polynomial.legendre.leggauss(POINTS)
        half, middle = (pieces.high - pieces.low) / 2, (pieces.high + pieces.low) / 2
        found = [self.gradient(pieces.row, middle + half * node) for node in nodes]
        mean = sum(weight * at.values for weight, at in zip(weights, found, strict=True))
        return Ragged(mean * np.repeat(half, found[0].lengths), found[0].offsets)

    def halves(self, pieces: _Pieces) -> _Pieces:
        """Each piece divided into two."""
        row, low, high, at, to = pieces
        middle = (low + high) / 2
        between = self.quantity(row, middle)
        return _Pieces(
            np.concatenate([row, row]),
            np.concatenate([low, middle]),
            np.concatenate([middle, high]),
            np.concatenate([at, between]),
            np.concatenate([between, to]),
        )


class _Batch:
    """Some rows, each at a share of its path."""

    def __init__(self, path: _Path, rows: Rows, parts: Floats) -> None:
        self.path = path
        values, self.lengths = pad(path.sequences, rows)
        added, _ = pad(Ragged(path.added, path.sequences.offsets), rows)  # (B, T, K)
        self.outputs = torch.from_numpy(path.outputs[rows])
        part = torch.from_numpy(parts.astype(np.float32))
        with torch.no_grad():
            self.whole_x = path.deep.vectors(values)  # (B, T, I)
        self.added = added
        self.x = part[:, None, None] * self.whole_x
        self.wide = part[:, None] * added.sum(dim=1)  # (B, K)

    def explained(self) -> Tensor:
        """The explained quantity of each row, [batch]."""
        path = self.path
        states = path.deep.recurrent.hidden_states(self.x, self.lengths)
        found = path.share * path.deep.answer(states, self.lengths) + self.wide + path.bias
        return explanation_of(path.model).explained(found, self.outputs)

    def slopes(self) -> NDArray[np.float32]:
        """The gradient at each step times the whole path, [batch, steps]."""
        for tensor in (self.x, self.wide):
            tensor.requires_grad_()
        of_x, of_wide = torch.autograd.grad(self.explained().sum(), [self.x, self.wide])
        slopes = torch.einsum("bti,bti->bt", of_x, self.whole_x)
        return (slopes + torch.einsum("bk,btk->bt", of_wide, self.added)).numpy()


def _batches(lengths: NDArray[np.int64]) -> list[Rows]:
    return cut_by_length(np.arange(len(lengths)), lengths, BATCH)


def _add_rows(values: Floats, sequences: Ragged, rows: Rows, added: Ragged) -> None:
    """Add each of ``added`` to its row of the values; a row may come more than once."""
    for place, row in enumerate(rows):
        values[sequences.offsets[row] : sequences.offsets[row + 1]] += added[place]


def _rank_within(rows: Rows, sizes: Floats) -> Rows:
    """The rank of each size among those of its row, the largest 0."""
    order = np.lexsort((-sizes, rows))
    ordered = rows[order]
    ranks = np.empty(len(rows), dtype=np.int64)
    ranks[order] = np.arange(len(rows)) - np.searchsorted(ordered, ordered)
    return ranks


def _outputs(model: Model, sequences: Ragged, outputs: Rows | None) -> Rows:
    if outputs is not None:
        return np.asarray(outputs, dtype=np.int64)
    return explanation_of(model).chosen(model.predictions(sequences))
