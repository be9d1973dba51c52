"""Gates: what each unit of a network lets in, keeps and gives out at every step of a sequence.

A unit *keeps* its state by the LSTM's forget gate f or the GRU's update gate z: next to 1 it
remembers, next to 0 it forgets. From the mean logarithm of that gate follows a half-life: the steps
after which half of what a unit held is left, if nothing else touched it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from duree.errors import RunError
from duree.explain.model import Model, recurrent_part, shuffled
from duree.sequences.ragged import Ragged
from duree.training.batches import cut_by_length, pad

Array = NDArray[np.float32]

DIRECTIONS = ("forward", "backward")
# The gate by which each cell keeps its state.
KEEPS = {"gru": "z", "lstm": "f"}
BATCH = 32
# A gate of exactly 0 forgets everything: a half-life far below one step, but not a log of 0.
LEAST = 1e-6
# Standard errors within which a mean may be off, at the 5 % level of a normal distribution.
NORMAL = 1.96


@dataclass(frozen=True)
class Trace:
    """One sequence's way through the network.

    Attributes
    ----------
    gates : {(layer, direction): {name: float32 [steps, hidden]}}
        Layers from 0, directions "forward" and "backward"; names as in ``duree.network.cells``:
        h (hidden state); r, z, n (GRU); c, i, f, g, o (LSTM). Steps are in the sequence's order, so
        the backward direction's state at a step has seen what comes after it.
    """

    gates: dict[tuple[int, str], dict[str, Array]]

    def means(self) -> dict[str, Array]:
        """Each gate's mean over all units of a layer and direction, by "z, layer 1, forward"."""
        return {
            f"{name}, layer {layer + 1}, {direction}": values.mean(axis=1)
            for (layer, direction), found in self.gates.items()
            for name, values in found.items()
            if name not in ("h", "c", "n", "g")
        }


def trace(model: Model, sequences: Ragged) -> Iterator[Trace]:
    """Trace every row, one after the other, by the cells' reference.

    Nothing is kept for it in training or prediction, which therefore cost the same.
    """
    deep = recurrent_part(model)
    for begin in range(0, len(sequences), BATCH):
        rows = np.arange(begin, min(begin + BATCH, len(sequences)))
        values, lengths = pad(sequences, rows)
        with torch.no_grad():
            layers = deep.recurrent.trace(deep.vectors(values), lengths)
        for place, length in enumerate(lengths.tolist()):
            yield Trace(
                {
                    (layer, DIRECTIONS[direction]): {
                        name: gate[place, :length].numpy()
                        for name, gate in step._asdict().items()
                    }
                    for layer, directions in enumerate(layers)
                    for direction, step in enumerate(directions)
                }
            )
