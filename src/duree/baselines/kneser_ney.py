"""Interpolated modified Kneser-Ney models of sequences of units.

Source: Chen & Goodman 1999, "An empirical study of smoothing techniques for language modeling", on
Kneser-Ney smoothing (counts of the lower orders) and its modification (interpolation, discounts).

All n-grams lie in one sorted array, as a trie in breadth-first order: node 0 is the empty n-gram,
and the key of every other node is ``parent * width + last unit``. Parents of longer n-grams have
higher numbers, so the keys are sorted as a whole, and one binary search finds any n-gram.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError
from duree.sequences.ragged import Ragged, offsets_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Discounts of n-grams seen once, twice and more often, where counts of counts give none.
FALLBACK = (0.5, 1.0, 1.5)


class Continuations(NamedTuple):
    """What follows a state, for several units.

    Attributes
    ----------
    log_probability : float64 [units]
        In nats.
    state : int64 [units]
        The state after each unit.
    """

    log_probability: Floats
    state: Integers


@dataclass(frozen=True)
class KneserNey:
    """Probabilities of units 0 to ``units - 1``, given up to ``order - 1`` units before.

    Every row begins after a mark of its own, which is never predicted. The vocabulary is closed:
    the probabilities of all units add up to 1 after any context. A model of rows that end, ends
    them with a unit of its own.

    A *state* is what the model knows of the units before: the node of the longest context that
    occurs in training.

    Attributes
    ----------
    order, units : int
    contexts : int
        Nodes below this number are shorter than ``order``, and may be contexts.
    keys : int64 [nodes]
    log_probability : float64 [nodes]
        Of the last unit given those before, in nats.
    backoff : float64 [nodes]
        The logarithm of the weight of the shorter context, where the node is the context.
    shorter : int64 [nodes]
        The node without its first unit.
    """

    order: int
    units: int
    contexts: int
    keys: Integers
    log_probability: Floats
    backoff: Floats
    shorter: Integers

    @classmethod
    def fit(cls, rows: Ragged, order: int, units: int, counts: Integers | None = None) -> KneserNey:
        """Count and smooth.

        Parameters
        ----------
        rows : Ragged of integers
            Units from 0 to ``units - 1``.
        order : int
            At least 1: the units of the longest n-grams.
        units : int
            The size of the vocabulary.
        counts : int64 [rows], optional
            How often each row occurs; None: once.

        Raises
        ------
        DataError
            There is no unit, the order is below 1, or a unit is outside the vocabulary.
        """
        if order < 1 or units < 1:
            raise DataError(
                "a model of n-grams needs an order and a vocabulary of at least 1: "
                "{order}, {units}",
                order=order,
                units=units,
            )
        levels = _count(_Stream.of(rows, units), order, units, counts)
        contexts = 1 + sum(len(level.keys) for level in levels[:-1]) if order > 1 else 1
        model = cls(
            order,
            units,
            contexts,
            np.concatenate([[-1], *(level.keys for level in levels)]),
            np.concatenate([[0.0], *(np.zeros(len(level.keys)) for level in levels)]),
            np.zeros(1 + sum(len(level.keys) for level in levels)),
            np.concatenate([[0], *(level.shorter for level in levels)]),
        )
        model._smooth(levels)
        return model

    @property
    def start(self) -> int:
        """The state before the first unit of a row."""
        return 1 + self.units if self.order > 1 else 0

    def advance(self, state: int, unit: int) -> int:
        """The state after one more unit."""
        while True:
            node = self._find(state, unit)
            if node >= 0:
                return node if node < self.contexts else int(self.shorter[node])
            state = int(self.shorter[state])

    def continuations(self, state: int, low: int = 0, high: int | None = None) -> Continuations:
        """What follows, for the units from ``low`` to below ``high``."""
        high = self.units if high is None else high
        if state == 0:
            nodes = np.arange(1 + low, 1 + high)
            states = nodes if self.order > 1 else np.zeros(high - low, dtype=np.int64)
            return Continuations(self.log_probability[1 + low : 1 + high].copy(), states)
        shorter = self.continuations(int(self.shorter[state]), low, high)
        return self.lengthen(shorter, state, low)

    def lengthen(self, shorter: Continuations, state: int, low: int) -> Continuations:
        """Continuations of a state, from those of the state without its first unit.

        Parameters
        ----------
        shorter : Continuations
            Of units from ``low`` on.
        state : int
            Not the empty context.
        low : int
        """
        chances = np.asarray(shorter.log_probability + self.backoff[state])
        states = shorter.state.copy()
        first = state * (self.units + 1) + low
        begin, end = self.keys.searchsorted((first, first + len(chances)))
        known = self.keys[begin:end] - first
        chances[known] = self.log_probability[begin:end]
        nodes = np.arange(begin, end)
        states[known] = nodes if end <= self.contexts else self.shorter[begin:end]
        return Continuations(chances, states)

    def log_probabilities(self, rows: Ragged) -> Floats:
        """The log-probability of every unit given those before it in its row, float64 [steps].

        Raises
        ------
        DataError
            A unit is outside the vocabulary.
        """
        stream = _Stream.of(rows, self.units)
        node = 1 + stream.unit
        found = self.log_probability[node]
        for before in range(1, self.order):
            here = np.flatnonzero(stream.step >= before)
            context = node[here - 1]
            # Where even the shorter context is unknown, the longer one has nothing to add.
            here, context = here[context >= 0], context[context >= 0]
            key = context * (self.units + 1) + stream.unit[here]
            place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
            is_known = self.keys[place] == key
            node = np.full(len(node), -1)
            node[here] = np.where(is_known, place, -1)
            longer = found[here] + self.backoff[context]
            found[here] = np.where(is_known, self.log_probability[place], longer)
        return np.asarray(found[stream.step > 0])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Plain arrays that ``from_arrays`` reads back."""
        return {
            "sizes": np.array([self.order, self.units, self.contexts]),
            "keys": self.keys,
            "log_probability": self.log_probability,
            "backoff": self.backoff,
            "shorter": self.shorter,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> KneserNey:
        """The model from the result of ``arrays``."""
        order, units, contexts = (int(size) for size in arrays["sizes"])
        names = ("keys", "log_probability", "backoff", "shorter")
        return cls(order, units, contexts, *(arrays[name] for name in names))

    def _find(self, state: int, unit: int) -> int:
        """The node of a state and one more unit; -1 if it does not occur."""
        key = state * (self.units + 1) + unit
        place = int(self.keys.searchsorted(key))
        return place if place < len(self.keys) and self.keys[place] == key else -1

    def _smooth(self, levels: list[_Level]) -> None:
        """Probabilities and weights of all nodes, from short to long n-grams."""
        begin = 1
        for level in levels:
            if not len(level.keys):
                return
            here = slice(begin, begin + len(level.keys))
            context = level.keys // (self.units + 1)
            discount = np.array([0.0, *_discounts(level.counts)])[np.minimum(level.counts, 3)]
            first, seen = int(context[0]), int(context[-1]) - int(context[0]) + 1
            total = np.bincount(context - first, level.counts, seen)
            taken = np.bincount(context - first, discount, seen)
            is_context = total > 0
            weight = np.ones(seen)
            weight[is_context] = taken[is_context] / total[is_context]
            self.backoff[first : first + seen] = np.log(weight)
            own = (level.counts - discount) / np.maximum(total, 1)[context - first]
            if begin == 1:
                chance = own + weight / self.units
                chance[-1] = 1.0  # the mark before a row is never predicted
            else:
                chance = own + weight[context - first] * np.exp(
                    self.log_probability[self.shorter[here]]
                )
            self.log_probability[here] = np.log(chance)
            begin = here.stop


@dataclass(frozen=True)
class _Stream:
    """Rows one after the other, each after its mark.

    Attributes
    ----------
    unit, step : int64 [rows + steps]
        Units, ``units`` standing for the mark; and places in the row, from 0 for the mark.
    """

    unit: Integers
    step: Integers

    @classmethod
    def of(cls, rows: Ragged, units: int) -> _Stream:
        """Lay out the rows.

        Raises
        ------
        DataError
            A unit is outside the vocabulary.
        """
        if len(rows.values) and not 0 <= rows.values.min() <= rows.values.max() < units:
            raise DataError(
                "units must be numbers from 0 to {last}, not {low} to {high}",
                last=units - 1,
                low=int(rows.values.min()),
                high=int(rows.values.max()),
            )
        offsets = offsets_of(rows.lengths + 1)
        unit = np.full(offsets[-1], units, dtype=np.int64)
        step = np.arange(offsets[-1]) - np.repeat(offsets[:-1], rows.lengths + 1)
        unit[step > 0] = rows.values
        return cls(unit, step)


@dataclass(frozen=True)
class _Level:
    """The n-grams of one length.

    Attributes
    ----------
    keys, shorter : int64 [n]
        See ``KneserNey``.
    counts : int64 [n]
        Occurrences of the longest n-grams and of those at the beginning of rows; of others, the
        number of different units before them.
    """

    keys: Integers
    shorter: Integers
    counts: Integers


def _count(stream: _Stream, order: int, units: int, counts: Integers | None) -> list[_Level]:
    """The n-grams of each length from 1; those of length 1 are all units and the mark."""
    width = units + 1
    marks = np.cumsum(stream.step == 0) - 1
    weight = np.ones(len(stream.unit)) if counts is None else counts[marks].astype(np.float64)
    node = 1 + stream.unit
    keys, shorter = np.arange(width), np.zeros(width, dtype=np.int64)
    often = np.bincount(stream.unit, weight, width).astype(np.int64)
    often[units] = 0
    levels, begin = [], 1
    for before in range(1, order):
        here = np.flatnonzero(stream.step >= before)
        key = node[here - 1] * width + stream.unit[here]
        longer, first, which = np.unique(key, return_index=True, return_inverse=True)
        of_longer = node[here[first]]
        followed = np.bincount(of_longer - begin, minlength=len(keys))
        # Nothing stands before the mark of a row: n-grams that begin with it keep their counts.
        levels.append(_Level(keys, shorter, np.where(followed > 0, followed, often)))
        begin += len(keys)
        keys, shorter = longer, of_longer
        often = np.bincount(which, weight[here], len(longer)).astype(np.int64)
        node = np.full(len(stream.unit), -1)
        node[here] = begin + which
    return [*levels, _Level(keys, shorter, often)]


def _discounts(counts: Integers) -> tuple[float, ...]:
    """What n-grams seen once, twice and more often give up (Chen & Goodman 1999).

    Where counts of counts are zero, or would take all or nothing, ``FALLBACK`` stands in.
    """
    one, two, three, four = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].tolist()
    share = one / (one + 2 * two) if one else 0.0
    estimated = (
        times - (times + 1) * share * more / fewer if fewer and share else 0.0
        for times, fewer, more in ((1, one, two), (2, two, three), (3, three, four))
    )
    return tuple(
        found if 0 < found < times else otherwise
        for times, (found, otherwise) in enumerate(zip(estimated, FALLBACK, strict=True), start=1)
    )
