"""Arcs: predictions along a long text, passage by passage, and their change points.

A text is cut into passages of equal length and each is predicted by itself; the arc is the centred
moving average. Two comparisons with the same passages in random order distinguish an arc from
noise: the band that contains 95% of the shuffled arcs over their whole length, and change points,
which are reported only where a shift of this size is rare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.evaluation.change_points import change_points
from duree.explain.model import Model, explanation_of, text_encoder
from duree.sequences.ragged import Ragged

Floats = NDArray[np.float64]

# Units of a passage: a sixtieth of the text, within these bounds. Shorter passages are too noisy,
# longer ones too coarse.
SHORTEST, LONGEST, WANTED = 30, 200, 60
# The fewest passages of an arc; the moving average covers a tenth of them.
FEWEST, SMOOTHED = 10, 10
# The level of the band.
ORDERS, LEVEL = 999, 0.05

# The fewest units of a text whose arc is drawn by default.
ARC_UNITS = 1000


@dataclass(frozen=True)
class Arc:
    """A prediction along a text.

    Attributes
    ----------
    begin, end : int64 [passages]
        Positions of the passages in the text, in characters.
    curve : float64 [passages]
        Probability of the output, or the predicted number, for each passage by itself.
    smooth : float64 [passages]
        The centred moving average over ``window`` passages, or fewer at both ends.
    low, high : float64 [passages]
        The band that contains 95% of the arcs of shuffled passages over their whole length.
    changes : list of int
        Passages that begin a new level.
    p_value : float
        Share of shuffled arcs that deviate from their mean as much as this one.
    units, passage, window, output : int
        Units of the text and of a passage; passages averaged; the output that is followed.
    """

    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    curve: Floats
    smooth: Floats
    low: Floats
    high: Floats
    changes: list[int]
    p_value: float
    units: int
    passage: int
    window: int
    output: int

    @property
    def finding(self) -> bool:
        """Whether the arc differs from the noise of its passages."""
        return self.p_value <= LEVEL


def arc(
    model: Model,
    text: str,
    output: int | None = None,
    passage: int | None = None,
    seed: int = 0,
) -> Arc:
    """Follow one output along a text of any length.

    Parameters
    ----------
    model : Model
    text : str
        The whole text is read, even beyond the network's ``max_length``.
    output : int, optional
        The output predicted for most passages, if not given.
    passage : int, optional
        Units of a passage; if not given, a sixtieth of the text, between 30 and 200.

    Raises
    ------
    DataError
        The text has fewer than ten passages.
    RunError
        The model reads numbers.
    """
    encoder = text_encoder(model)
    places = encoder.segment.places(text)
    passage = passage or passage_length(len(places))
    edges = np.arange(0, len(places) - passage // 2, passage)  # a short rest joins the last passage
    if len(edges) < FEWEST:
        raise DataError(
            "the text has {units} units: too few for an arc of passages of {passage}",
            fix="an arc needs at least {least} units",
            units=len(places),
            passage=passage,
            least=FEWEST * passage,
        )
    tokens = np.array(encoder.tokens(encoder.segment(text)), dtype=np.int32)
    found = model.predictions(Ragged(tokens, np.append(edges, len(tokens))))
    if output is None:
        output = int(np.bincount(explanation_of(model).chosen(found)).argmax())
    curve = found[:, output]
    window = max(3, len(curve) // SMOOTHED) | 1
    smooth = _smooth(curve[None], window)[0]
    rng = np.random.default_rng(seed)
    random = _smooth(rng.permuted(np.tile(curve, (ORDERS, 1)), axis=1), window)
    # Near both ends fewer passages are averaged, so that shuffled arcs vary more there.
    spread = np.maximum(random.std(axis=0), 1e-12)
    largest = (np.abs(random - curve.mean()) / spread).max(axis=1)
    reach = np.quantile(largest, 1 - LEVEL) * spread
    deviation = float((np.abs(smooth - curve.mean()) / spread).max())
    ends = np.append(edges[1:], len(places)) - 1
    return Arc(
        np.array([places[edge][0] for edge in edges]),
        np.array([places[end][1] for end in ends]),
        curve,
        smooth,
        curve.mean() - reach,
        curve.mean() + reach,
        change_points(curve, rng),
        (int((largest >= deviation).sum()) + 1) / (ORDERS + 1),
        len(places),
        passage,
        window,
        output,
    )


def passage_length(units: int) -> int:
    """Units of a passage in a text of ``units`` units."""
    return int(np.clip(units // WANTED, SHORTEST, LONGEST))


def _smooth(rows: Floats, window: int) -> Floats:
    """Centred moving averages along the last axis, with shorter windows at both ends."""
    half = window // 2
    sums = np.cumsum(np.pad(rows, ((0, 0), (1, 0))), axis=1)
    steps = np.arange(rows.shape[1])
    low, high = np.maximum(steps - half, 0), np.minimum(steps + half + 1, rows.shape[1])
    return np.asarray((sums[:, high] - sums[:, low]) / (high - low))
