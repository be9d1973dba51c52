"""Memory: what the past is worth, and what the order of it.

Two questions of a trained network. How well does it answer if it may see only the last k steps
before any step (and the k after it, where it reads from both ends)? And how well if the steps of
each row are put in random order? Networks are not trained anew: the figures tell what this network
makes of distance and order, and are lower bounds for what could be made of less.
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
# Rows whose states are held at a time, and blocks that are read at a time.
BATCH, READ = 256, 2048
# Blocks of k steps begin every k / OVERLAP steps; only the last of each block are taken from it, so
# that each of them has seen at least three quarters of k.
OVERLAP = 4


@dataclass(frozen=True)
class MemoryCurve:
    """A network's scores by how much of the past it may see.

    Attributes
    ----------
    spans : list of int
        Steps that the state at any step has seen at most; it has seen three quarters of them at
        least, where there are as many. The last span is the longest row: nothing is forgotten.
    scores : float32 [spans, rows, outputs]
    """

    spans: list[int]
    scores: NDArray[np.float32]


def memory_curve(model: Model, sequences: Ragged) -> MemoryCurve:
    """Scores of the recurrent part when it forgets all but the last k steps, k = 1, 2, 4, ...

    A network that reads from both ends sees the k steps on either side. The wide part, which knows
    no more than pairs of neighbours, is left out.
    """
    deep = recurrent_part(model)
    longest = int(sequences.lengths.max(initial=1))
    spans = [span for span in SPANS if span < longest]
    found = [scores(deep, sequences)]
    with torch.inference_mode(), tabulated(deep, len(sequences.values) * len(SPANS)):
        found = [_forgetful_scores(deep, sequences, span) for span in spans] + found
    return MemoryCurve([*spans, longest], np.stack(found))


def memory_cost(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many steps ``memory_curve`` reads for rows of these lengths, int64 [rows]."""
    passes = np.cumsum([1, *(span // _stride(span) for span in SPANS)])
    return np.asarray(lengths * passes[np.searchsorted(SPANS, lengths)])


def _stride(span: int) -> int:
    return max(1, span // OVERLAP)


def _forgetful_scores(deep: SequenceModel, sequences: Ragged, span: int) -> NDArray[np.float32]:
    """Scores float32 [rows, outputs] from states that have seen at most ``span`` steps."""
    found = np.empty((len(sequences), deep.head.out_features), dtype=np.float32)
    for rows in cut_by_length(np.arange(len(sequences)), sequences.lengths, BATCH):
        chosen = sequences.take(rows)
        states = _forgetful_states(deep, chosen, span)
        padded, lengths = pad(Ragged(states, chosen.offsets), np.arange(len(chosen)))
        found[rows] = deep.answer(padded, lengths).numpy()
    return found


def _forgetful_states(deep: SequenceModel, sequences: Ragged, span: int) -> NDArray[np.float32]:
    """Every step's state, float32 [total steps, directions * hidden], from overlapping blocks."""
    stride, hidden = _stride(span), deep.settings.hidden_size
    # Block m of a row holds the steps from m * stride on, ``span`` of them, where the row has them.
    before = span // stride - 1
    counts = -(-sequences.lengths // stride) + before
    row = np.repeat(np.arange(len(sequences)), counts)
    number = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) - before
    start, length = number * stride, sequences.lengths[row]
    first, last = np.maximum(start, 0), np.minimum(start + span, length)
    blocks = sequences.stretches(sequences.offsets[row] + first, last - first)
    states = np.zeros((len(sequences.values), deep.recurrent.directions * hidden), np.float32)
    # Read forwards, the last steps of a block have seen most; read backwards, its first.
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
