"""Summary features of numeric series: level, spread, ends, trend, roughness, extremes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Cells that are padded at a time.
CELLS = 2_000_000
QUARTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


class SeriesFeatures:
    """The length of each series, and for each channel: the share of missing steps, mean, standard
    deviation, minimum, quartiles, maximum, first and last value, slope, mean absolute change from
    step to step, autocorrelation at lag 1, and the position of the maximum.

    Attributes
    ----------
    is_unit : bool [features]
        All of them, after ``fit``.
    """

    def fit(self, rows: Ragged, validation_rows: Ragged) -> tuple[csr_matrix, csr_matrix]:
        """Learn the standardisation of each channel, and compute the features of both lists."""
        self.units = SeriesEncoder.fit(rows)
        found = self.count(rows), self.count(validation_rows)
        self.is_unit = np.ones(found[0].shape[1], dtype=bool)
        return found

    def count(self, rows: Ragged) -> csr_matrix:
        """The features of each series, float32 [rows, 1 + 14 * channels].

        ``rows`` hold float64 [steps, channels], NaN where a value is missing.
        """
        standard = (rows.values - np.array(self.units.means)) / np.array(self.units.scales)
        rows = Ragged(standard, rows.offsets)
        found = np.zeros((len(rows), 1 + 14 * self.units.channels), dtype=np.float32)
        found[:, 0] = rows.lengths
        for some in _of_like_length(rows.lengths):
            laid = lay_out(rows, some)
            found[some, 1:] = describe(laid, rows.lengths[some]).reshape(len(some), -1)
        return csr_matrix(found)


def describe(laid: Floats, lengths: Ints) -> Floats:
    """The features of series padded to [rows, steps, channels]: float64 [rows, 14, channels].

    ``laid`` is NaN where a value is missing, and beyond the ``lengths`` of the series. Features
    that are not defined for too few values are 0.
    """
    known = np.isfinite(laid)
    counts = known.sum(axis=1)
    values, at_least = np.where(known, laid, 0.0), np.maximum(counts, 1)
    mean = values.sum(axis=1) / at_least
    apart = np.where(known, laid - mean[:, None], 0.0)
    squares = (apart**2).sum(axis=1)
    steps = np.arange(laid.shape[1], dtype=np.float64)[None, :, None]
    middle = np.where(known, steps, 0.0).sum(axis=1) / at_least
    since = np.where(known, steps - middle[:, None], 0.0)
    pairs = known[:, 1:] & known[:, :-1]
    changes = np.where(pairs, np.abs(np.diff(values, axis=1)), 0.0)
    first, last = known.argmax(axis=1), laid.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    peak = np.where(known, laid, -np.inf).argmax(axis=1)
    return np.stack(
        [
            1 - counts / lengths[:, None],
            mean,
            np.sqrt(squares / at_least),
            *_quantiles(laid, counts),
            *(np.take_along_axis(values, place[:, None], 1)[:, 0] for place in (first, last)),
            _over((since * apart).sum(axis=1), (since**2).sum(axis=1)),
            _over(changes.sum(axis=1), pairs.sum(axis=1)),
            _over((apart[:, 1:] * apart[:, :-1]).sum(axis=1), squares),
            peak / np.maximum(lengths - 1, 1)[:, None],
        ],
        axis=1,
    )


def lay_out(rows: Ragged, some: Ints) -> Floats:
    """Some rows padded with NaN, float64 [rows, steps, channels]."""
    taken = rows.take(some)
    shape = (len(some), int(taken.lengths.max(initial=1)), rows.values.shape[1])
    laid = np.full(shape, np.nan)
    laid[np.arange(shape[1]) < taken.lengths[:, None]] = taken.values
    return laid


def _of_like_length(lengths: Ints) -> Iterator[Ints]:
    """Rows of similar length, so many at a time that they have ``CELLS`` padded steps."""
    order = np.argsort(lengths, kind="stable")
    end = len(order)
    while end > 0:
        begin = max(0, end - max(1, CELLS // max(int(lengths[order[end - 1]]), 1)))
        yield order[begin:end]
        end = begin


def _quantiles(laid: Floats, counts: Ints) -> Iterator[Floats]:
    """Each of ``QUARTILES`` of the values, [rows, channels]; missing ones sort last."""
    ordered = np.nan_to_num(np.sort(laid, axis=1))
    for share in QUARTILES:
        place = share * np.maximum(counts - 1, 0)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, np.maximum(counts - 1, 0))
        below, above = (np.take_along_axis(ordered, at[:, None], 1)[:, 0] for at in (low, high))
        yield below + (place - low) * (above - below)


def _over(one: Floats, other: NDArray[np.number]) -> Floats:
    """A quotient; 0 where the denominator is not positive."""
    return np.asarray(np.divide(one, other, out=np.zeros_like(one), where=other > 0))
