"""Batches: rows of like length together, in an order that seed and epoch alone decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from duree.sequences.ragged import Ragged

# Batches are cut from pools of so many batches, sorted by length: enough to leave little padding,
# few enough that the rows of a batch change from epoch to epoch.
POOL = 50
# Values of one padded batch, at most: beyond it a batch of very long rows is cut smaller.
MOST_STEPS = 65_536


@dataclass(frozen=True)
class Examples:
    """Sequences and their answers, row by row.

    Attributes
    ----------
    sequences : Ragged
    targets : ndarray, first axis [rows]
    """

    sequences: Ragged
    targets: NDArray[Any]

    def __len__(self) -> int:
        return len(self.sequences)


def epoch_batches(
    lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """Row indices of every batch of one epoch; every row stands in exactly one."""
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
    """The rows sorted by length and cut into batches, none of more than ``MOST_STEPS`` steps."""
    rows = rows[np.argsort(lengths[rows], kind="stable")]
    batches = []
    end = len(rows)
    while end > 0:
        longest = max(int(lengths[rows[end - 1]]), 1)
        size = max(1, min(batch_size, MOST_STEPS // longest))
        batches.append(rows[max(0, end - size) : end])
        end -= size
    return batches[::-1]


def pad(sequences: Ragged, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """The rows as one padded tensor [batch, steps(, channels)] and their lengths int64 [batch]."""
    chosen = sequences.take(rows)
    lengths = chosen.lengths
    is_tokens = chosen.values.ndim == 1
    shape = (len(rows), int(lengths.max(initial=0)), *chosen.values.shape[1:])
    padded = np.zeros(shape, dtype=np.int64 if is_tokens else np.float32)
    # True where a row has a real step: filling row by row is filling in the order of the values.
    padded[np.arange(shape[1]) < lengths[:, None]] = chosen.values
    return torch.from_numpy(padded), torch.from_numpy(lengths)


def batch_of(examples: Examples, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
    """Padded values, lengths and targets of the rows."""
    return *pad(examples.sequences, rows), torch.from_numpy(examples.targets[rows])
