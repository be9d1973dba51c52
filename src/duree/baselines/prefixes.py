"""Prefixes: features of a sequence up to each step, for models that do not read in order.

The current state and its duration, the states before it, and the time spent in each state so far.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder

from duree.baselines.next_steps import Floats, Steps, steps_after_the_first
from duree.sequences.ragged import Ragged

Integers = NDArray[np.int64]

# Numbers of spells are capped at this.
MOST_SPELLS = 10
# Durations enter as logarithms, divided by that of some 50 steps.
LONG = 4.0
# Categories in fewer prefixes than this are merged into one.
RARE = 20


@dataclass(frozen=True)
class Prefixes:
    """Features of the prefix that ends with each step.

    Attributes
    ----------
    state, previous, last_but_two : int64 [steps]
        The current state, and those of the two steps before; ``states`` where there is none.
    earlier : int64 [steps]
        The state of the spell before the current one; ``states`` where there is none.
    duration : int64 [steps]
        Steps in the current spell, beyond its first.
    position : int64 [steps]
        The index of the step, from 0.
    spells : int64 [steps]
        The number of spells so far.
    time_spent : float64 [steps, states]
        Steps so far in each state.
    features : int [steps, features]
        Other features of the step: phase of the year, covariates.
    states : int
        Number of states.
    """

    state: Integers
    previous: Integers
    last_but_two: Integers
    earlier: Integers
    duration: Integers
    position: Integers
    spells: Integers
    time_spent: Floats
    features: NDArray[np.integer]
    states: int

    @classmethod
    def of(cls, rows: Ragged, states: int) -> Prefixes:
        """Those of every step of the rows, int32 [steps] or [steps, 1 + features]."""
        values = rows.values if rows.values.ndim == 2 else rows.values[:, None]
        state = values[:, 0].astype(np.int64)
        row = np.repeat(np.arange(len(rows)), rows.lengths)
        position = rows.steps
        begins = np.ones(len(state), dtype=bool)
        begins[1:] = (state[1:] != state[:-1]) | (row[1:] != row[:-1])
        spell = np.cumsum(begins) - 1
        first = np.flatnonzero(begins)
        duration = np.arange(len(state)) - first[spell] if len(first) else position
        earlier = np.full(len(first), states)
        same = row[first[1:]] == row[first[:-1]]
        earlier[1:][same] = state[first[:-1]][same]
        of_row = np.repeat(rows.offsets[:-1], rows.lengths)
        sums = np.zeros((len(state) + 1, states))
        np.cumsum(np.eye(states)[state], axis=0, out=sums[1:])
        return cls(
            state,
            _ago(state, position, 1, states),
            _ago(state, position, 2, states),
            earlier[spell],
            duration,
            position,
            spell - spell[of_row] + 1,
            sums[1:] - sums[of_row],
            values[:, 1:],
            states,
        )

    @classmethod
    def before_targets(cls, steps: Steps, states: int) -> Prefixes:
        """Those before every step after the first of its row, [targets]."""
        return cls.of(steps.rows, states).take(steps_after_the_first(steps.rows) - 1)

    def take(self, places: Integers) -> Prefixes:
        """Those of some of the steps."""
        of_steps = {name: values for name, values in vars(self).items() if name != "states"}
        return replace(self, **{name: values[places] for name, values in of_steps.items()})

    @property
    def categorical(self) -> Floats:
        """For trees that take categories, which the first two columns are: float64 [steps, k]."""
        columns = [
            self.state,
            self.earlier,
            self.duration,
            self.position,
            *self.time_spent.T,
            *self.features.T,
        ]
        return np.stack(columns, axis=1).astype(np.float64)

    @property
    def one_hot(self) -> NDArray[np.float32]:
        """For trees that take numbers only, with a column for each state: float32 [steps, k]."""
        last = (self.state, self.previous, self.last_but_two, self.earlier)
        columns = [np.eye(self.states + 1, dtype=np.float32)[state] for state in last]
        numbers = np.stack([self.duration, self.position, self.spells], axis=1)
        return np.concatenate(
            [*columns, numbers, self.time_spent, self.features], axis=1, dtype=np.float32
        )


class PrefixEncoder:
    """Prefixes for a linear model: every category alone and crossed with the current state; the
    shares of time spent in each state; and the duration of the spell, by state.

    Categories in fewer than ``RARE`` of the fitted prefixes are merged.
    """

    def fit(self, known: Prefixes) -> sparse.csr_array:
        """Learn the categories, and encode them: float32 [steps, columns]."""
        self.encoder = OneHotEncoder(
            min_frequency=RARE, handle_unknown="infrequent_if_exist", dtype=np.float32
        )
        return _with_numbers(self.encoder.fit_transform(_categories(known)), known)

    def transform(self, known: Prefixes) -> sparse.csr_array:
        """The same of other prefixes; an unseen category counts as rare."""
        return _with_numbers(self.encoder.transform(_categories(known)), known)


def _categories(known: Prefixes) -> Integers:
    """Each category as a number, then each crossed with the current state: int64 [steps, k]."""
    duration = np.log2(known.duration + 1).astype(np.int64)
    spells = np.minimum(known.spells, MOST_SPELLS)
    states = [known.earlier, known.previous, known.last_but_two]
    alone = [*states, known.position, duration, spells]
    categories = np.stack([*alone, *known.features.T], axis=1).astype(np.int64)
    state = known.state[:, None]
    return np.concatenate([state, categories, state << 32 | categories], axis=1)


def _with_numbers(encoded: sparse.csr_matrix, known: Prefixes) -> sparse.csr_array:
    """Encoded categories, then the numbers, which are of about the same size."""
    shares = known.time_spent / (known.position + 1)[:, None]
    duration = np.log1p(known.duration)[:, None] / LONG
    numbers = np.concatenate([shares, np.eye(known.states)[known.state] * duration], axis=1)
    return sparse.csr_array(sparse.hstack([encoded, sparse.csr_array(numbers, dtype=np.float32)]))


def _ago(state: Integers, position: Integers, steps: int, states: int) -> Integers:
    """The state so many steps before each, ``states`` where the row had not begun."""
    found = np.full(len(state), states)
    known = np.flatnonzero(position >= steps)
    found[known] = state[known - steps]
    return found
