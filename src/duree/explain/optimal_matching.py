"""Optimal matching: edit distances between state sequences.

Sources: A. Abbott & J. Forrest (1986), Optimal matching methods for historical sequences, Journal
of Interdisciplinary History 16; A. Gabadinho et al. (2011), Journal of Statistical Software 40(4),
section 9, for the costs: 1 for an insertion or a deletion; 2 for a substitution, or 2 minus both
transition rates between the two states.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

INDEL, SUBSTITUTION = 1.0, 2.0
# Values of sequences processed at once, and of their costs by state: the first fit into the
# processor's cache, the second into memory.
CHUNK_VALUES, COST_VALUES = 100_000, 4_000_000


def constant_costs(states: int) -> Floats:
    """Substitution costs [states, states]: 2, and 0 on the diagonal."""
    return np.asarray(SUBSTITUTION * (1 - np.eye(states)), dtype=np.float32)


def transition_costs(sequences: Sequence[Ints], states: int, weights: Ints | None = None) -> Floats:
    """Substitution costs [states, states]: 2 - p(b | a) - p(a | b), and 0 on the diagonal.

    p(b | a) is the transition rate from a to b (Gabadinho et al. 2011, section 9.2): states with
    frequent transitions between them are similar. ``weights`` are the frequencies of the sequences.
    """
    counts = np.zeros(states * states)
    for sequence, weight in zip(
        sequences, np.ones(len(sequences)) if weights is None else weights, strict=True
    ):
        pairs = sequence[:-1] * states + sequence[1:]
        counts += weight * np.bincount(pairs, minlength=states * states)
    table = counts.reshape(states, states)
    rates = table / np.maximum(table.sum(axis=1, keepdims=True), 1e-12)
    costs = SUBSTITUTION - rates - rates.T
    np.fill_diagonal(costs, 0.0)
    return np.asarray(costs, dtype=np.float32)


def distances(sequences: Sequence[Ints], costs: Floats) -> Floats:
    """Optimal matching distances between all pairs of sequences.

    Parameters
    ----------
    sequences : sequence of int64 [steps]
        Indices of states, from 0; lengths may differ.
    costs : float32 [states, states]
        Substitution costs, symmetric with zeros on the diagonal; insertion and deletion cost 1.

    Returns
    -------
    float32 [sequences, sequences]
        Not normalised by length.
    """
    rows = len(sequences)
    found = np.zeros((rows, rows), dtype=np.float32)
    # The longest first: each is compared with those that follow, none of which is longer.
    order = np.argsort([-len(sequence) for sequence in sequences], kind="stable")
    ordered = [sequences[row] for row in order]
    lengths = np.array([len(sequence) for sequence in ordered], dtype=np.int64)
    padded = np.zeros((int(lengths.max(initial=0)), rows), dtype=np.int64)
    for column, sequence in enumerate(ordered):
        padded[: len(sequence), column] = sequence
    steps = len(padded) + 1
    at_once = max(1, min(CHUNK_VALUES // steps, COST_VALUES // (len(costs) * steps)))
    for begin in range(0, rows, at_once):
        end = min(begin + at_once, rows)
        others = padded[: lengths[begin], begin:end]
        # What a substitution by each state saves over a deletion and an insertion, [states, ...].
        savings = costs[:, others] - 2 * INDEL
        for row in range(end):
            first = max(row + 1, begin) - begin
            if first < end - begin:
                to_others = _against(
                    ordered[row], savings[:, :, first:], lengths[begin + first : end]
                )
                found[order[row], order[begin + first : end]] = to_others
    return np.asarray(found + found.T)


def _against(sequence: Ints, savings: Floats, lengths: Ints) -> Floats:
    """Distances of one sequence from others, given the savings of substitutions by each state.

    With D[i, j] the cost of making the first i states the first j of another, E[i, j] = D[i, j] -
    i - j follows E[i, j] = min(E[i-1, j], E[i, j-1], E[i-1, j-1] + saving) from borders of zeros.
    All cells with the same i + j, in all sequences, are computed at once.
    """
    rows, (_, columns, others) = len(sequence), savings.shape
    before, last, now = (np.zeros((rows + 1, others), dtype=np.float32) for _ in range(3))
    ends = np.zeros((columns + 1, others), dtype=np.float32)
    for diagonal in range(2, rows + columns + 1):
        low, high = max(1, diagonal - columns), min(rows, diagonal - 1) + 1
        saved = savings[sequence[low - 1 : high - 1], diagonal - 1 - np.arange(low, high)]
        saved += before[low - 1 : high - 1]
        np.minimum(saved, last[low - 1 : high - 1], out=saved)
        np.minimum(saved, last[low:high], out=now[low:high])
        if diagonal > rows:
            ends[diagonal - rows] = now[rows]
        before, last, now = last, now, before
    costs = ends[lengths, np.arange(others)]
    return np.asarray(costs + INDEL * (rows + lengths), dtype=np.float32)
