"""Attribution: how much each step of a sequence moved what the network says of it.

Three ways, which err differently. *Integrated gradients* (Sundararajan et al. 2017) go from a text
of the same length without content to the text itself; what they give the words adds up to the
difference between the two. *Gradient x input* is their estimate from one point. *Occlusion* (Zeiler
& Fergus 2014) takes a word, or a sentence, out and looks at what changes.

What is attributed is the task's own quantity (``Task.explained``): for classes and labels their
log-odds, for numbers the number itself. The wide part's share is exact: its score is a sum.
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
    row_sums,
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
# The path is first cut into so many pieces, each taken at so many Gauss-Legendre points.
PIECES, POINTS = 8, 2
# A row's attributions add up when they miss its difference by no more than this share of it. Until
# then its pieces that miss more than an eighth of that are cut in two, so often at most: a state
# that flips at some point of the path makes a jump, which only ever smaller pieces find.
COMPLETE, SMALL, CUTS = 0.01, 1 / 8, 20


@dataclass(frozen=True)
class Attributions:
    """Attributions of many rows.

    Attributes
    ----------
    values : Ragged
        float32 [total steps]: what each step added to the row's quantity.
    outputs : int64 [rows]
        Which output each row is explained for.
    score, start : float64 [rows]
        The quantity for the sequence itself, and for one without content.
    """

    values: Ragged
    outputs: Rows
    score: Floats
    start: Floats

    @property
    def gap(self) -> Floats:
        """By how much the attributions of each row fail to add up, float64 [rows]."""
        return row_sums(self.values) - (self.score - self.start)

    @property
    def incomplete(self) -> Floats:
        """The same, as a share of what they should add up to."""
        return np.asarray(np.abs(self.gap) / np.maximum(np.abs(self.score - self.start), 1e-12))

    def first(self, count: int) -> Attributions:
        """Those of the first rows alone."""
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
        Which output to explain; the one that is predicted, if not given.
    """
    keep_freed_memory()
    path = _Path(model, sequences, _outputs(model, sequences, outputs))
    rows, edges = np.arange(len(sequences)), np.linspace(0, 1, PIECES + 1)
    found = np.stack([path.quantity(rows, np.full(len(rows), edge)) for edge in edges])
    score, start = found[-1], found[0]
    values = np.zeros(len(sequences.values))
    owed, allowed = np.zeros(len(rows)), COMPLETE * np.abs(score - start)
    low, high = (np.repeat(ends, len(rows)) for ends in (edges[:-1], edges[1:]))
    pieces = _Pieces(np.tile(rows, PIECES), low, high, found[:-1].ravel(), found[1:].ravel())
    for cuts in range(CUTS + 1):
        added = path.integral(pieces)
        gaps = row_sums(added) - (pieces.to - pieces.at)
        missed = owed + np.bincount(pieces.row, gaps, len(rows))
        # Of a row that does not add up yet, what misses little may stay as it is.
        amiss = np.abs(missed) > allowed
        cut = amiss[pieces.row] & (np.abs(gaps) > SMALL * allowed[pieces.row]) & (cuts < CUTS)
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
    """The gradient at the sequence itself, times what stands there; arguments as above."""
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
    """What each word, or each segment, was worth: the quantity with it minus that without it.

    Parameters
    ----------
    model, sequences, outputs
        As for ``integrated_gradients``.
    segments : (int32 [steps]) -> int64 [steps], optional
        Numbers the segments of a row from 0 (see ``sentences``); a segment's value stands at each
        of its steps. Every step is a segment, if not given.
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
    """What is explained of each row, float64 [rows]."""
    found = torch.from_numpy(scores(model.network, sequences))
    explained = explanation_of(model).explained(found, torch.from_numpy(outputs))
    return np.asarray(explained.double().numpy())


class _Pieces(NamedTuple):
    """Pieces of paths: row, both ends as parts of the way, and the quantity at both ends."""

    row: Rows
    low: Floats
    high: Floats
    at: Floats
    to: Floats


class _Path:
    """The way of each row from nothing, a row of the same length without content, to itself."""

    def __init__(self, model: Model, sequences: Ragged, outputs: Rows) -> None:
        self.model, self.sequences, self.outputs = model, sequences, outputs
        self.deep = recurrent_part(model)
        self.share, share_of_wide = shares_of(model)
        answers = self.deep.head.out_features
        # What the wide part owes to each step, and what it says of no feature at all.
        self.added = np.zeros((len(sequences.values), answers), dtype=np.float32)
        self.bias = torch.zeros(answers)
        if (wide := wide_part(model)) is not None:
            self.bias = share_of_wide * wide.bias.detach()
            for rows in _batches(sequences.lengths):
                of_batch = wide.contributions(*pad(sequences, rows)) * share_of_wide
                for row, found in zip(rows, of_batch.numpy(), strict=True):
                    begin, end = sequences.offsets[row : row + 2]
                    self.added[begin:end] = found[: end - begin]

    def quantity(self, rows: Rows, parts: Floats) -> Floats:
        """What is explained of each row at a part of its way, float64 [rows]."""
        found = np.zeros(len(rows))
        with torch.no_grad():
            for chosen in _batches(self.sequences.lengths[rows]):
                found[chosen] = _Batch(self, rows[chosen], parts[chosen]).explained()
        return found

    def gradient(self, rows: Rows, parts: Floats) -> Ragged:
        """The gradient there, step by step, times the whole way: float64 [total steps]."""
        lengths = self.sequences.lengths[rows]
        offsets = offsets_of(lengths)
        found = Ragged(np.zeros(offsets[-1]), offsets)
        for chosen in _batches(lengths):
            slopes = _Batch(self, rows[chosen], parts[chosen]).slopes()
            for place, row in enumerate(chosen):
                found[row][:] = slopes[place, : lengths[row]]
        return found

    def integral(self, pieces: _Pieces) -> Ragged:
        """The gradient's mean on each piece, times the piece: float64 [total steps]."""
        nodes, weights = np.polynomial.legendre.leggauss(POINTS)
        half, middle = (pieces.high - pieces.low) / 2, (pieces.high + pieces.low) / 2
        found = [self.gradient(pieces.row, middle + half * node) for node in nodes]
        mean = sum(weight * at.values for weight, at in zip(weights, found, strict=True))
        return Ragged(mean * np.repeat(half, found[0].lengths), found[0].offsets)

    def halves(self, pieces: _Pieces) -> _Pieces:
        """Each piece as two."""
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
    """Some rows, each at some part of its way."""

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
        """What is explained of each row, [batch]."""
        path = self.path
        states = path.deep.recurrent.hidden_states(self.x, self.lengths)
        found = path.share * path.deep.answer(states, self.lengths) + self.wide + path.bias
        return explanation_of(path.model).explained(found, self.outputs)

    def slopes(self) -> NDArray[np.float32]:
        """The gradient at each step times the whole way, [batch, steps]."""
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


def _outputs(model: Model, sequences: Ragged, outputs: Rows | None) -> Rows:
    if outputs is not None:
        return np.asarray(outputs, dtype=np.int64)
    return explanation_of(model).chosen(model.predictions(sequences))
