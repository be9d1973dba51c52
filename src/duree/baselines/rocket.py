"""Random convolutions: the maximum of each, and its proportion of positive values.

Source: Dempster, Petitjean & Webb 2020 (ROCKET). Kernels are drawn in groups that share length,
dilation and padding, so that each group is one matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from duree.baselines.series_features import lay_out
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder

Floats = NDArray[np.float32]

# Lengths as in the paper, which draws 10,000 kernels; 1,000 take a tenth of the time.
LENGTHS = (7, 9, 11)
GROUPS, KERNELS = 100, 10  # groups, and kernels in each
# Numbers in the windows that are held at a time.
CELLS = 8_000_000


@dataclass(frozen=True)
class Group:
    """Kernels of equal length, dilation and padding.

    Attributes
    ----------
    weights : float32 [length * channels, kernels]
        0 for channels that a kernel does not read.
    biases : float32 [kernels]
    length, dilation : int
    padded : bool
        Whether they reach beyond the ends of a series, where values are 0.
    """

    weights: Floats
    biases: Floats
    length: int
    dilation: int
    padded: bool


class RocketFeatures:
    """The maximum of each of 1,000 random convolutions, and its proportion of positive values.

    Series are standardised as for the network, and may be of unequal length.

    Parameters
    ----------
    seed : int

    Attributes
    ----------
    is_unit : bool [features]
        All of them, after ``fit``.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, rows: Ragged, validation_rows: Ragged) -> tuple[csr_matrix, csr_matrix]:
        """Draw the kernels, for the length and the channels of the training rows."""
        self.encoder = SeriesEncoder.fit(rows)
        usual = int(np.median(rows.lengths))
        rng = np.random.default_rng(self.seed)
        self.groups = [_draw(rng, self.encoder.input_size, usual) for _ in range(GROUPS)]
        self.is_unit = np.ones(2 * GROUPS * KERNELS, dtype=bool)
        return self.count(rows), self.count(validation_rows)

    def count(self, rows: Ragged) -> csr_matrix:
        """The features of each series, float32 [rows, 2 * kernels]."""
        encoded = self.encoder.encode(rows)
        found = np.zeros((len(rows), 2 * GROUPS * KERNELS), dtype=np.float32)
        order = np.argsort(encoded.lengths, kind="stable")
        for some in _cut(order, encoded.lengths, self.encoder.input_size):
            laid = np.nan_to_num(lay_out(encoded, some).astype(np.float32))
            lengths = encoded.lengths[some]
            for place, group in enumerate(self.groups):
                begin = 2 * place * KERNELS
                found[some, begin : begin + 2 * KERNELS] = respond(group, laid, lengths)
        return csr_matrix(found)


def respond(group: Group, laid: Floats, lengths: NDArray[np.int64]) -> Floats:
    """Maxima, then proportions of positive values: float32 [rows, 2 * kernels].

    Parameters
    ----------
    group : Group
    laid : float32 [rows, steps, channels]
        0 beyond the end of each row.
    lengths : int64 [rows]
    """
    rows, steps, channels = laid.shape
    reach = (group.length - 1) // 2 * group.dilation
    wide = np.zeros((rows, steps + 2 * reach, channels), dtype=np.float32)
    wide[:, reach : reach + steps] = laid
    taps = [
        wide[:, tap * group.dilation : tap * group.dilation + steps] for tap in range(group.length)
    ]
    responses = np.concatenate(taps, axis=2) @ group.weights + group.biases
    at = np.arange(steps)
    inside = at < lengths[:, None]
    if not group.padded:
        whole = (at >= reach) & (at < lengths[:, None] - reach)
        inside = np.where(whole.any(axis=1, keepdims=True), whole, inside)
    largest = np.where(inside[:, :, None], responses, -np.inf).max(axis=1)
    positive = (responses > 0) & inside[:, :, None]
    shares = positive.sum(axis=1) / inside.sum(axis=1)[:, None]
    return np.concatenate([largest, shares], axis=1).astype(np.float32)


def _draw(rng: np.random.Generator, channels: int, steps: int) -> Group:
    """Kernels of normal weights of mean 0, biases from -1 to 1, and dilations up to the steps."""
    length = int(rng.choice(LENGTHS))
    most = np.log2(max((steps - 1) / (length - 1), 1))
    dilation = int(2 ** rng.uniform(0, most))
    weights = np.zeros((length, channels, KERNELS))
    for kernel in range(KERNELS):
        read = int(2 ** rng.uniform(0, np.log2(min(channels, length) + 1)))
        chosen = rng.choice(channels, min(read, channels), replace=False)
        drawn = rng.normal(size=(length, len(chosen)))
        weights[:, chosen, kernel] = drawn - drawn.mean(axis=0)
    return Group(
        weights.reshape(length * channels, KERNELS).astype(np.float32),
        rng.uniform(-1, 1, KERNELS).astype(np.float32),
        length,
        dilation,
        bool(rng.random() < 0.5),
    )


def _cut(
    order: NDArray[np.int64], lengths: NDArray[np.int64], channels: int
) -> Iterator[NDArray[np.int64]]:
    """Rows of similar length, so many at a time that their windows have ``CELLS`` numbers."""
    end = len(order)
    while end > 0:
        of_row = int(lengths[order[end - 1]]) * max(LENGTHS) * channels
        begin = max(0, end - max(1, CELLS // of_row))
        yield order[begin:end]
        end = begin
