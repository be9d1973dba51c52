"""Batches: rows of similar length, in an order determined by seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duree.sequences.ragged import Ragged, pieces

# Batches are cut from pools of so many batches, sorted by length: enough for little padding, few
# enough that the composition of batches changes from epoch to epoch.
POOL = 50
# Padding of targets; torch's losses ignore it.
IGNORED = -100
# The most values of a padded batch: batches of very long rows have fewer rows.
MOST_STEPS = 65_536
# Numbers predicted at once: 16 MB in float64, and some copies.
MOST_VALUES = 2_000_000


@dataclass(frozen=True)
class Examples:
    """Sequences and their targets, row by row.

    Attributes
    ----------
    sequences : Ragged
    targets : ndarray, first axis [rows]; or Ragged
        A Ragged of the same lengths if each step has its own target.
    weights : float32 [rows], optional
        Case weights.
    transduced : bool
        Whether the Ragged of targets has lengths of its own: each row then has one target, which is
        a sequence.
    """

    sequences: Ragged
    targets: NDArray[Any] | Ragged
    weights: NDArray[np.float32] | None = None
    transduced: bool = False

    def __len__(self) -> int:
        return len(self.sequences)

    def pieces(self, outputs: int) -> Iterator[Examples]:
        """The rows in order, in pieces with at most ``MOST_VALUES`` predicted numbers."""
        for rows in pieces(self.counts, max(MOST_VALUES // outputs, 1)):
            of_rows = self.targets
            of_rows = of_rows.take(rows) if isinstance(of_rows, Ragged) else of_rows[rows]
            yield Examples(self.sequences.take(rows), of_rows, transduced=self.transduced)

    def batches(self, batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
        """The rows of each batch of one epoch, in order; empty rows are left out."""
        lengths = self.sequences.lengths
        rows = np.flatnonzero(lengths)
        return [rows[batch] for batch in epoch_batches(lengths[rows], batch_size, seed, epoch)]

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """The rows that ``batches`` gives, as a network reads them."""
        return batch_of(self, rows)

    def padded_steps(self, rows: NDArray[np.int64]) -> int:
        """The steps of a batch, with padding."""
        return len(rows) * int(self.sequences.lengths[rows].max())

    def take(self, rows: NDArray[np.int64]) -> Examples:
        """Some rows, each with one target."""
        assert isinstance(self.targets, np.ndarray)
        weights = None if self.weights is None else self.weights[rows]
        return Examples(self.sequences.take(rows), self.targets[rows], weights)

    def followed_by(self, other: Examples) -> Examples:
        """These rows, then others, each with one target."""
        assert isinstance(self.targets, np.ndarray)
        assert isinstance(other.targets, np.ndarray)
        weights = None
        if self.weights is not None and other.weights is not None:
            weights = np.concatenate([self.weights, other.weights])
        targets = np.concatenate([self.targets, other.targets])
        return Examples(self.sequences.followed_by(other.sequences), targets, weights)

    @property
    def answer_tensors(self) -> list[Tensor]:
        """The arguments of a criterion after the scores: targets, and weights if there are any."""
        return [torch.from_numpy(each) for each in (self.targets, *self.weighed)]

    @property
    def weighed(self) -> tuple[NDArray[np.float32], ...]:
        """The arguments of losses and metrics after the targets: the weights, if any."""
        return () if self.weights is None else (self.weights,)

    @property
    def counts(self) -> NDArray[np.int64]:
        """The number of predictions of each row, int64 [rows]."""
        if isinstance(self.targets, Ragged) and not self.transduced:
            return self.targets.lengths
        return np.ones(len(self), dtype=np.int64)

    @property
    def answers(self) -> NDArray[Any]:
        """All targets, [targets]: one per row, or one per step, row by row."""
        return self.targets.values if isinstance(self.targets, Ragged) else self.targets

    def units(self, groups: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
        """The unit of each target, int64 [targets]: the group of its row, or its row.

        None if there are no groups and each row has one target.
        """
        if groups is None and isinstance(self.targets, Ragged) and not self.transduced:
            groups = np.arange(len(self))
        return None if groups is None else self.each(groups)

    def each(self, of_rows: NDArray[Any]) -> NDArray[Any]:
        """Values of the rows repeated for each of their targets: [targets]."""
        return np.repeat(of_rows, self.counts)


def epoch_batches(
    lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """Row indices of the batches of one epoch; every row is in exactly one."""
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), POOL * batch_size):
        pool = order[start : start + POOL * batch_size]
        batches += cut_by_length(pool, lengths, batch_size)
    rng.shuffle(batches)
    return batches


def cut_by_length(
    rows: NDArray[np.int64], lengths: NDArray[np.int64], batch_size: int
) -> list[NDArray[np.int64]]:
    """The rows sorted by length and cut into batches of at most ``MOST_STEPS`` steps."""
    rows = rows[np.argsort(lengths[rows], kind="stable")]
    batches = []
    end = len(rows)
    while end > 0:
        longest = max(int(lengths[rows[end - 1]]), 1)
        size = max(1, min(batch_size, MOST_STEPS // longest))
        batches.append(rows[max(0, end - size) : end])
        end -= size
    return batches[::-1]


def pad(sequences: Ragged, rows: NDArray[np.int64], padding: int = 0) -> tuple[Tensor, Tensor]:
    """The rows as one padded tensor [batch, steps(, channels)] and their lengths int64 [batch].

    Integers become int64, other numbers float32.
    """
    chosen = sequences.take(rows)
    lengths = chosen.lengths
    shape = (len(rows), int(lengths.max(initial=0)), *chosen.values.shape[1:])
    is_whole = chosen.values.dtype.kind in "iu"
    padded = np.full(shape, padding, dtype=np.int64 if is_whole else np.float32)
    # True at real steps: in row-major order these are the values in order.
    padded[np.arange(shape[1]) < lengths[:, None]] = chosen.values
    return torch.from_numpy(padded), torch.from_numpy(lengths)


@dataclass(frozen=True)
class Batch:
    """Padded rows, as a network reads them, and their targets.

    Attributes
    ----------
    inputs : Tensor
        int64 or float [batch, steps(, channels)].
    lengths : int64 [batch]
    targets : Tensor or None
        One per row, or [batch, target steps(, ...)], padded with IGNORED; None: unknown.
    target_lengths : int64 [batch] or None
        Number of targets of each row; None if each has one.
    weights : float32 [batch] or None
        Case weights.
    carries : int64 [batch] or None
        The row of the previous batch that each row goes on from; -1, or None of all: none.
    """

    inputs: Tensor
    lengths: Tensor
    targets: Tensor | None = None
    target_lengths: Tensor | None = None
    weights: Tensor | None = None
    carries: Tensor | None = None

    @property
    def answers(self) -> tuple[Tensor, ...]:
        """The arguments of a criterion after the scores: targets, and weights if any."""
        return tuple(one for one in (self.targets, self.weights) if one is not None)


def batch_of(examples: Examples, rows: NDArray[np.int64]) -> Batch:
    """The rows as a padded batch; targets of steps are padded with IGNORED."""
    weights = None if examples.weights is None else torch.from_numpy(examples.weights[rows])
    inputs, lengths = pad(examples.sequences, rows)
    counts = None
    if isinstance(examples.targets, Ragged):
        counts = torch.from_numpy(examples.targets.lengths[rows])
    return Batch(inputs, lengths, targets_of(examples, rows), counts, weights)


def targets_of(examples: Examples, rows: NDArray[np.int64]) -> Tensor:
    """The targets of the rows: one each, or [batch, steps] padded with IGNORED."""
    if isinstance(examples.targets, Ragged):
        return pad(examples.targets, rows, IGNORED)[0]
    return torch.from_numpy(examples.targets[rows])
