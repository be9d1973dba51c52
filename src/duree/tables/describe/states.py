"""Descriptive statistics of state sequences: distributions, transitions and durations.

Source: A. Gabadinho, G. Ritschard, N. S. Müller & M. Studer (2011), Analyzing and visualizing
state sequences in R with TraMineR, Journal of Statistical Software 40(4).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.results.run_files import Sequences, StateFacts
from duree.results.typology import TypeFacts

MISSING = -1
MOST_CLASSES = 6
MOST_SEQUENCES, MOST_OF_A_TYPE = 150, 60


def describe_states(
    states: pl.Series,
    times: list[str],
    target: pl.Series | None = None,
    seed: int = 0,
    weights: NDArray[np.float64] | None = None,
) -> StateFacts:
    """The data of the report's section on state sequences.

    Parameters
    ----------
    states : polars.Series of List(String) [rows]
        Each of ``len(times)`` states, None where missing.
    times : list of str
        The names of the time points.
    target : polars.Series of String [rows], optional
        The classes of the rows; None if the target is a number.
    seed : int
        Seed of the sequences drawn for the index plot.
    weights : float64 [rows], optional
        Case weights for shares, rates and means; sequences are drawn without weights.

    Returns
    -------
    StateFacts
        ``times``; ``states``, in the order of the mean time at which they occur; ``rows``;
        ``missing``: the share of cells without a state; ``distribution`` [times][states]: shares
        among the rows with a known state (0 if there are none); ``entropy`` [times] of these
        shares, from 0 (a single state) to 1 (uniform), None where no state is known;
        ``transitions`` [states][states]: probabilities of the next state given this one (all 0
        for a state without successors); ``by_class`` and ``class_rows``: distribution and rows of
        the 6 most frequent classes; ``index``: at most 150 sequences as indices of states (-1 if
        missing), sorted from the end; ``mean_time``: mean number of time points in each state.
    """
    names, codes = _encode(states, len(times))
    rows = np.ones(len(codes)) if weights is None else weights
    counts = _count(codes, len(names), rows)
    shares = _shares(counts)
    of_class = most_frequent(target)
    by_class = {
        name: _shares(_count(codes[own], len(names), rows[own])) for name, own in of_class.items()
    }
    return StateFacts(
        times=list(times),
        states=names,
        rows=len(codes),
        missing=float((codes == MISSING).mean()) if codes.size else 0.0,
        distribution=shares.tolist(),
        entropy=_entropy(shares),
        transitions=_transitions(codes, len(names), rows).tolist(),
        by_class={name: found.tolist() for name, found in by_class.items()},
        class_rows={name: int(own.sum()) for name, own in of_class.items()},
        index=Sequences(rows=_draw_sequences(codes, seed).tolist()),
        mean_time=dict(
            zip(names, (counts.sum(axis=0) / max(rows.sum(), 1e-12)).tolist(), strict=True)
        ),
    )


def describe_types(
    states: pl.Series, times: list[str], types: NDArray[np.int64], seed: int = 0
) -> list[TypeFacts]:
    """The statistics of ``describe_states`` for each type of sequences.

    ``types`` int64 [rows] are numbers from 0; rows without a type have -1. Each type has ``rows``,
    ``distribution`` and ``index``, with at most 60 sequences.
    """
    names, codes = _encode(states, len(times))
    found = []
    for number in range(int(types.max(initial=-1)) + 1):
        own = codes[types == number]
        counts = _count(own, len(names), np.ones(len(own)))
        found.append(
            TypeFacts(
                rows=len(own),
                distribution=_shares(counts).tolist(),
                index=_draw_sequences(own, seed, MOST_OF_A_TYPE).tolist(),
            )
        )
    return found


def _encode(states: pl.Series, times: int) -> tuple[list[str], np.ndarray]:
    """Names of the states, and the rows as their indices [rows, times].

    States are ordered by mean time, so that stacked plots read from the bottom upwards.
    """
    cells = states.explode().cast(pl.String)
    names = cells.drop_nulls().unique().sort()
    numbers = cells.cast(pl.Enum(names)).to_physical().cast(pl.Int32).fill_null(MISSING)
    codes = numbers.to_numpy().reshape(len(states), times)
    counts = _count(codes, len(names), np.ones(len(codes)))
    mean_time = np.arange(times) @ counts / counts.sum(axis=0)
    order = np.argsort(mean_time, kind="stable")
    places = np.append(np.argsort(order), MISSING)  # the last stays -1
    return names[order].to_list(), places[codes]


def _count(codes: np.ndarray, states: int, rows: np.ndarray) -> np.ndarray:
    """Weighted counts of the rows in each state at each time [times, states]."""
    times, known = codes.shape[1], codes != MISSING
    cells = codes + np.arange(times) * states
    each = np.broadcast_to(rows[:, None], codes.shape)[known]
    return np.bincount(cells[known], each, minlength=times * states).reshape(times, states)


def _shares(counts: np.ndarray) -> np.ndarray:
    """Each row's shares of its sum; zeros if the sum is 0."""
    sums = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(counts, sums, out=np.zeros(counts.shape), where=sums > 0))


def _entropy(shares: np.ndarray) -> list[float | None]:
    """Shannon's entropy of each row, as a share of its maximum."""
    largest = np.log(max(shares.shape[1], 2))
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    found = np.clip(-(shares * logs).sum(axis=1) / largest, 0, 1)
    known = shares.sum(axis=1) > 0
    return [float(value) if there else None for value, there in zip(found, known, strict=True)]


def _transitions(codes: np.ndarray, states: int, rows: np.ndarray) -> np.ndarray:
    """Transition rates [states, states], over pairs of known states."""
    before, after = codes[:, :-1], codes[:, 1:]
    known = (before != MISSING) & (after != MISSING)
    pairs = before[known] * states + after[known]
    each = np.broadcast_to(rows[:, None], known.shape)[known]
    return _shares(np.bincount(pairs, each, minlength=states * states).reshape(states, states))


def most_frequent(target: pl.Series | None) -> dict[str, np.ndarray]:
    """The most frequent classes, and which rows have them."""
    if target is None:
        return {}
    counts = target.drop_nulls().alias("name").value_counts(name="rows")
    order = counts.sort("rows", "name", descending=[True, False])
    names = order["name"].head(MOST_CLASSES)
    return {name: target.eq_missing(name).to_numpy() for name in names}


def _draw_sequences(codes: np.ndarray, seed: int, most: int = MOST_SEQUENCES) -> np.ndarray:
    """Rows drawn without replacement, sorted from the end."""
    drawn = np.random.default_rng(seed).permutation(len(codes))[:most]
    found = codes[np.sort(drawn)]
    return found[np.lexsort(found.T)]
