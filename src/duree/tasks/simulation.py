"""What is further ahead than the next step: the state at the last time point, simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.long_range import foreseen, origins
from duree.network.next_model import StepModel
from duree.network.simulate import simulate
from duree.sequences.ragged import Ragged

# Simulated lives for each sequence: a share of one half is known to 0.03.
PATHS = 300


@dataclass(frozen=True)
class Simulation:
    """How a network is asked for what is further ahead.

    Attributes
    ----------
    network : StepModel
    tokens : int64 [outputs]
        The token that each of its outputs stands for.
    times : int
        Time points that the sequences share.
    temperature : float
        Divides the scores.
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
        """How often the last state is foretold, as plain JSON data; None where no row has one.

        ``tested`` are the test rows as the network reads them, ``codes`` the same as numbers of
        states, ``known`` those of the rows that it learned from; ``weights`` float64 [rows], where
        there are any, those of both.
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
        """Probabilities of the last state after those steps, float64 [rows, outputs]."""
        return simulate(
            self.network,
            seen,
            self.times - 1,
            self.tokens,
            paths=PATHS,
            temperature=self.temperature,
            seed=self.seed,
        )
