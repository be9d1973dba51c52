"""The use of context: how well a network predicts with limited context.

A trained network is evaluated while its states may depend only on the last k steps (and the next k
steps, if it reads in both directions). It is not retrained: the curve describes this network, and
is a lower bound for networks trained with less context.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from duree.explain.model import Model, recurrent_part
from duree.network.batches import cut_by_length, pad
from duree.network.model import SequenceModel, tabulated
from duree.network.scoring import scores
from duree.sequences.ragged import Ragged

SPANS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
# Rows whose states are held at once, and blocks that are read at once.
BATCH, READ = 256, 2048
# Blocks of k steps begin every k / OVERLAP steps; only the last states of each block are used, so
# that each of them depends on at least three quarters of k steps.
OVERLAP = 4


@dataclass(frozen=True)
class MemoryCurve:
    """A network's scores by the length of context.

    Attributes
    ----------
    spans : list of int
        The most steps on which a state depends; it depends on at least three quarters of them,
        where they exist. The last span is the longest row: full context.
    scores : float32 [spans, rows, outputs]
    """

    spans: list[int]
    scores: NDArray[np.float32]


def memory_curve(model: Model, sequences: Ragged) -> MemoryCurve:
    """Scores of the recurrent part with a context of the last k steps, k = 1, 2, 4, ...

    A bidirectional network has k steps on either side. The wide part, which uses only pairs of
    neighbouring units, is left out.

    Parameters
    ----------
    model : Model
    sequences : Ragged
        Encoded rows.

    Returns
    -------
    MemoryCurve
    """
    deep = recurrent_part(model)
    longest = int(sequences.lengths.max(initial=1))
    spans = [span for span in SPANS if span < longest]
    found = [scores(deep, sequences)]
    with torch.inference_mode(), tabulated(deep, len(sequences.values) * len(SPANS)):
        found = [_scores_within(deep, sequences, span) for span in spans] + found
    return MemoryCurve([*spans, longest], np.stack(found))


def memory_cost(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of steps that ``memory_curve`` reads for rows of these lengths, int64 [rows]."""
    passes = np.cumsum([1, *(span // _stride(span) for span in SPANS)])
    return np.asarray(lengths * passes[np.searchsorted(SPANS, lengths)])


def _stride(span: int) -> int:
    return max(1, span // OVERLAP)


def _scores_within(deep: SequenceModel, sequences: Ragged, span: int) -> NDArray[np.float32]:
    """Scores float32 [rows, outputs] from states that depend on at most ``span`` steps."""
    found = np.empty((len(sequences), deep.head.out_features), dtype=np.float32)
    for rows in cut_by_length(np.arange(len(sequences)), sequences.lengths, BATCH):
        chosen = sequences.take(rows)
        states = _states_within(deep, chosen, span)
        padded, lengths = pad(Ragged(states, chosen.offsets), np.arange(len(chosen)))
        found[rows] = deep.answer(padded, lengths).numpy()
    return found


def _states_within(deep: SequenceModel, sequences: Ragged, span: int) -> NDArray[np.float32]:
    """Every step's state, float32 [total steps, directions * hidden], from overlapping blocks."""
    stride, hidden = _stride(span), deep.settings.hidden_size
    # Block m of a row has ``span`` steps from m * stride on, as far as the row extends.
    before = span // stride - 1
    counts = -(-sequences.lengths // stride) + before
    row = np.repeat(np.arange(len(sequences)), counts)
    number = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) - before
    start, length = number * stride, sequences.lengths[row]
    first, last = np.maximum(start, 0), np.minimum(start + span, length)
    blocks = sequences.stretches(sequences.offsets[row] + first, last - first)
    states = np.zeros((len(sequences.values), deep.recurrent.directions * hidden), np.float32)
    # Forwards, the last steps of a block have the longest context; backwards, the first.
    halves = [(slice(0, hidden), start + span - stride)]
    if deep.recurrent.bidirectional:
        halves.append((slice(hidden, None), start))
    for chosen in cut_by_length(np.arange(len(row)), blocks.lengths, READ):
        output = deep.states(*pad(blocks, chosen)).numpy()
        for half, taken in halves:
            step = taken[chosen, None] + np.arange(stride)  # (blocks, stride)
            there = (step >= 0) & (step < length[chosen, None])
            block, _ = np.nonzero(there)
            place = step[there]
            inside = place - first[chosen][block]
            states[sequences.offsets[row[chosen]][block] + place, half] = output[
                block, inside, half
            ]
    return states
