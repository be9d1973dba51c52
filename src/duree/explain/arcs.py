"""Arcs: what the network says of a long text, passage by passage, and where it turns.

A text is cut into passages of equal length and each is judged by itself; the arc is their centred
moving average. Two things tell an arc from noise, both from the same passages in random order: the
band within which 95 % of the shuffled arcs stay all along, and the change points, which are kept
only where a shift as large is rare (a permutation test after each cut; Vostrikova 1981 for the
binary segmentation, Matteson & James 2014 for testing it by permutations).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.explain.model import Model, explanation_of, text_encoder
from duree.sequences.ragged import Ragged

Floats = NDArray[np.float64]

# Units of a passage: a sixtieth of the text, within these bounds. Shorter ones say too little,
# longer ones blur what they hold.
SHORTEST, LONGEST, WANTED = 30, 200, 60
# Below so many passages there is nothing to smooth; a moving average takes a tenth of them.
FEWEST, SMOOTHED = 10, 10
# The level of the band, and the stricter one of each change point, as many are looked for.
ORDERS, LEVEL, STRICT = 999, 0.05, 0.01
# Passages on either side of a change point, at least.
LEAST = 3

# From so many units on a text is called long, and its arc is drawn without being asked for.
ARC_UNITS = 1000


@dataclass(frozen=True)
class Arc:
    """The way of a prediction along a text.

    Attributes
    ----------
    begin, end : int64 [passages]
        Where each passage stands in the text, in characters.
    said : float64 [passages]
        Probability of the output, or the number, for each passage by itself.
    smooth : float64 [passages]
        The centred moving average over ``window`` passages, fewer at both ends.
    low, high : float64 [passages]
        95 % of the arcs of the same passages in random order lie within, from begin to end.
    changes : list of int
        Passages that begin a new level.
    p_value : float
        Share of random orders whose arc strays as far from its mean as this one does.
    units, passage, window, output : int
        Units of the text, and of a passage; passages that are averaged; which output is told.
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
        """Whether the arc is more than the noise of its passages."""
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
        All of it is read, also where the network's ``max_length`` is less.
    output : int, optional
        The one that most passages speak for, if not given.
    passage : int, optional
        Units of a passage; a sixtieth of the text but between 30 and 200, if not given.

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
    edges = np.arange(0, len(places) - passage // 2, passage)  # a short rest joins the one before
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
    # Near both ends fewer passages are averaged, so that shuffled arcs stray farther there.
    spread = np.maximum(random.std(axis=0), 1e-12)
    farthest = (np.abs(random - curve.mean()) / spread).max(axis=1)
    reach = np.quantile(farthest, 1 - LEVEL) * spread
    strays = float((np.abs(smooth - curve.mean()) / spread).max())
    ends = np.append(edges[1:], len(places)) - 1
    return Arc(
        np.array([places[edge][0] for edge in edges]),
        np.array([places[end][1] for end in ends]),
        curve,
        smooth,
        curve.mean() - reach,
        curve.mean() + reach,
        sorted(_changes(curve, rng)),
        (int((farthest >= strays).sum()) + 1) / (ORDERS + 1),
        len(places),
        passage,
        window,
        output,
    )


def passage_length(units: int) -> int:
    """Units of a passage of a text with so many."""
    return int(np.clip(units // WANTED, SHORTEST, LONGEST))


def _smooth(rows: Floats, window: int) -> Floats:
    """Centred moving averages along the last axis, over what there is at both ends."""
    half = window // 2
    sums = np.cumsum(np.pad(rows, ((0, 0), (1, 0))), axis=1)
    steps = np.arange(rows.shape[1])
    low, high = np.maximum(steps - half, 0), np.minimum(steps + half + 1, rows.shape[1])
    return np.asarray((sums[:, high] - sums[:, low]) / (high - low))


def _changes(curve: Floats, rng: np.random.Generator, begin: int = 0) -> Iterator[int]:
    """Places where the mean shifts, found one within the other."""
    if len(curve) < 2 * LEAST:
        return
    shifts = _shifts(curve[None])[0]
    random = _shifts(rng.permuted(np.tile(curve, (ORDERS, 1)), axis=1)).max(axis=1)
    if ((random >= shifts.max() * (1 - 1e-9)).sum() + 1) / (ORDERS + 1) > STRICT:
        return
    cut = LEAST + int(shifts.argmax())
    yield begin + cut
    yield from _changes(curve[:cut], rng, begin)
    yield from _changes(curve[cut:], rng, begin + cut)


def _shifts(rows: Floats) -> Floats:
    """How far the means before and after each place differ, in units of their standard error."""
    count = rows.shape[1]
    before = np.cumsum(rows, axis=1)[:, LEAST - 1 : count - LEAST]
    sizes = np.arange(LEAST, count - LEAST + 1)
    means = before / sizes, (rows.sum(axis=1, keepdims=True) - before) / (count - sizes)
    return np.asarray(np.abs(means[0] - means[1]) * np.sqrt(sizes * (count - sizes) / count))
