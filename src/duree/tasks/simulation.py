"""Predictions of the state at the last time point, by simulation from earlier ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.long_range import foreseen, origins
from duree.network.next_model import StepModel
from duree.network.simulate import simulate
from duree.sequences.ragged import Ragged

# Simulated paths per sequence: the standard error of a probability is at most 0.03.
PATHS = 300


@dataclass(frozen=True)
class Simulation:
    """Simulation by a network for next states.

    Attributes
    ----------
    network : StepModel
    tokens : int64 [outputs]
        The token of each output.
    times : int
        Number of time points of the sequences.
    temperature : float
        Divisor of the scores.
    seed : int
    """

    network: StepModel
    tokens: NDArray[np.int64]
    times: int
    temperature: float
    seed: int

    def figures(
        self,
        tested: Ragged,
        known: Ragged,
        codes: Ragged,
        *weights: NDArray[np.float64],
    ) -> dict[str, Any] | None:
        """The accuracy for the last state, as plain JSON data; None if no row has a last state.

        ``tested`` are the encoded test rows. ``codes`` and ``known`` are the states of test and
        training rows as indices. ``weights``, if any, are those of training and of test rows.
        """
        ended = known.lengths == self.times
        whole = np.flatnonzero(codes.lengths == self.times)
        ends = known.values[known.offsets[1:][ended] - 1]
        if not len(whole) or not len(ends):
            return None
        grid = codes.take(whole).values.reshape(len(whole), self.times)
        read = tested.take(whole).values
        read = read.reshape(len(whole), self.times, *read.shape[1:])
        counts = weights[0][ended] if weights else None
        commonest = np.bincount(ends, counts, len(self.tokens)).astype(np.float64)
        found = []
        for origin in origins(self.times):
            models = {
                "network": self.ends(read[:, :origin]),
                "last_state": np.eye(len(self.tokens))[grid[:, origin - 1]],
                "majority": np.tile(commonest, (len(whole), 1)),
            }
            figures = foreseen(models, grid[:, -1], weights[1][whole] if weights else None)
            found.append({"steps": origin, "ahead": self.times - origin, "models": figures})
        return {"rows": len(whole), "paths": PATHS, "times": self.times, "origins": found}

    def ends(self, seen: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of the last state given the first steps, float64 [rows, outputs]."""
        return simulate(
            self.network,
            seen,
            self.times - 1,
            self.tokens,
            paths=PATHS,
            temperature=self.temperature,
            seed=self.seed,
        )
