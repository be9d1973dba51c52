"""Prefixes: what a reader would note of a sequence before each next step, for models of all kinds.

Where one is and since when, where one was before that, and how much time one has spent where.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.preprocessing import OneHotEncoder

from duree.baselines.next_steps import Floats, Steps, steps_after_the_first
from duree.sequences.ragged import Ragged

Whole = NDArray[np.int64]

# More spells than these are as these.
MOST_SPELLS = 10
# Durations are told by their logarithms, of which that of some 50 steps is 1.
LONG = 4.0
# What stands in fewer prefixes is told as one thing with whatever else is as rare.
RARE = 20


@dataclass(frozen=True)
class Prefixes:
    """What is known after every step.

    Attributes
    ----------
    state, before, last_but_two : int64 [steps]
        The state now, and at the two steps before it; ``states``, where there was none.
    earlier : int64 [steps]
        The state before this one that was another; ``states``, where there was none.
    lasted : int64 [steps]
        For how many steps the state has lasted beyond its first.
    place : int64 [steps]
        Which step it is, from 0.
    spells : int64 [steps]
        Which spell it is, from 1.
    spent : float64 [steps, states]
        How many steps so far were in each state.
    beside : int [steps, others]
        What else is known of the step: its phase of the year, covariates.
    states : int
        How many states there are.
    """

    state: Whole
    before: Whole
    last_but_two: Whole
    earlier: Whole
    lasted: Whole
    place: Whole
    spells: Whole
    spent: Floats
    features: NDArray[np.integer]
    states: int

    @classmethod
    def of(cls, rows: Ragged, states: int) -> Prefixes:
        """Those of every step of the rows, int32 [steps] or [steps, 1 + others]."""
        values = rows.values if rows.values.ndim == 2 else rows.values[:, None]
        state = values[:, 0].astype(np.int64)
        row = np.repeat(np.arange(len(rows)), rows.lengths)
        place = rows.steps
        begins = np.ones(len(state), dtype=bool)
        begins[1:] = (state[1:] != state[:-1]) | (row[1:] != row[:-1])
        spell = np.cumsum(begins) - 1
        first = np.flatnonzero(begins)
        lasted = np.arange(len(state)) - first[spell] if len(first) else place
        earlier = np.full(len(first), states)
        same = row[first[1:]] == row[first[:-1]]
        earlier[1:][same] = state[first[:-1]][same]
        of_row = np.repeat(rows.offsets[:-1], rows.lengths)
        marks = np.zeros((len(state) + 1, states))
        np.cumsum(np.eye(states)[state], axis=0, out=marks[1:])
        return cls(
            state,
            _ago(state, place, 1, states),
            _ago(state, place, 2, states),
            earlier[spell],
            lasted,
            place,
            spell - spell[of_row] + 1,
            marks[1:] - marks[of_row],
            values[:, 1:],
            states,
        )

    @classmethod
    def before_answers(cls, steps: Steps, states: int) -> Prefixes:
        """Those before every step after the first of its row, [answers]."""
        return cls.of(steps.rows, states).take(steps_after_the_first(steps.rows) - 1)

    def take(self, places: Whole) -> Prefixes:
        """Those after some of the steps."""
        of_steps = {name: facts for name, facts in vars(self).items() if name != "states"}
        return replace(self, **{name: facts[places] for name, facts in of_steps.items()})

    @property
    def for_trees(self) -> Floats:
        """As trees read them that know what a category is (the first two): float64 [steps, k]."""
        columns = [
            self.state,
            self.earlier,
            self.lasted,
            self.place,
            *self.spent.T,
            *self.features.T,
        ]
        return np.stack(columns, axis=1).astype(np.float64)

    @property
    def marked(self) -> NDArray[np.float32]:
        """As trees read them that know numbers alone, a column a state: float32 [steps, k]."""
        last = (self.state, self.before, self.last_but_two, self.earlier)
        marks = [np.eye(self.states + 1, dtype=np.float32)[state] for state in last]
        numbers = np.stack([self.lasted, self.place, self.spells], axis=1)
        return np.concatenate(
            [*marks, numbers, self.spent, self.features], axis=1, dtype=np.float32
        )


class PrefixMarks:
    """Prefixes as a linear model reads them: whatever is a category, alone and together with the
    state now; the shares of the time, and how long the state has lasted, by state.

    Of what stands in fewer than ``RARE`` prefixes that were fitted, all counts as one.
    """

    def fit(self, known: Prefixes) -> sparse.csr_array:
        """Learn the categories, and mark them: float32 [steps, marks]."""
        self.marks = OneHotEncoder(
            min_frequency=RARE, handle_unknown="infrequent_if_exist", dtype=np.float32
        )
        return _join_features(self.marks.fit_transform(_categories(known)), known)

    def transform(self, known: Prefixes) -> sparse.csr_array:
        """The same of other prefixes; a category that was never seen counts as rare."""
        return _join_features(self.marks.transform(_categories(known)), known)


def _categories(known: Prefixes) -> Whole:
    """Each fact as a number, then each together with the state now: int64 [steps, k]."""
    long = np.log2(known.lasted + 1).astype(np.int64)
    spells = np.minimum(known.spells, MOST_SPELLS)
    alone = [known.earlier, known.before, known.last_but_two, known.place, long, spells]
    facts = np.stack([*alone, *known.features.T], axis=1).astype(np.int64)
    state = known.state[:, None]
    return np.concatenate([state, facts, state << 32 | facts], axis=1)


def _join_features(marks: sparse.csr_matrix, known: Prefixes) -> sparse.csr_array:
    """Marks, and the numbers beside them, which are about as large."""
    shares = known.spent / (known.place + 1)[:, None]
    long = np.log1p(known.lasted)[:, None] / LONG
    numbers = np.concatenate([shares, np.eye(known.states)[known.state] * long], axis=1)
    return sparse.csr_array(sparse.hstack([marks, sparse.csr_array(numbers, dtype=np.float32)]))


def _ago(state: Whole, place: Whole, steps: int, states: int) -> Whole:
    """The state so many steps before each, ``states`` where the row had not begun."""
    found = np.full(len(state), states)
    known = np.flatnonzero(place >= steps)
    found[known] = state[known - steps]
    return found
