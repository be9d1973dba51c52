"""Prediction further ahead than the next step: the state at the last time point, by simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.long_range import foreseen, origins
from duree.network.next_model import StepModel
from duree.network.simulate import simulate
from duree.results.run_files import Estimate, Origin, Simulation
from duree.sequences.ragged import Ragged

# Simulated continuations of each sequence: a share of one half has a standard error of 0.03.
PATHS = 300


@dataclass(frozen=True)
class Simulator:
    """A network whose own predictions are fed back to it, up to the last time point.

    Attributes
    ----------
    network : StepModel
    tokens : int64 [outputs]
        The token that each of its outputs stands for.
    times : list of str
        The names of the time points that the sequences share.
    temperature : float
        Divisor of the scores.
    seed : int
    """

    network: StepModel
    tokens: NDArray[np.int64]
    times: list[str]
    temperature: float
    seed: int

    def evaluate(
        self,
        tested: Ragged,
        known: Ragged,
        codes: Ragged,
        *weights: NDArray[np.float64],
    ) -> Simulation | None:
        """How often the last state is predicted correctly; None where no row has one.

        ``tested`` are the test rows as the network reads them, ``codes`` the same rows as indices
        of states, ``known`` the training rows as such; ``weights`` float64 [rows], if any, are
        those of training and test rows.
        """
        times = len(self.times)
        ended = known.lengths == times
        whole = np.flatnonzero(codes.lengths == times)
        ends = known.values[known.offsets[1:][ended] - 1]
        if not len(whole) or not len(ends):
            return None
        grid = codes.take(whole).values.reshape(len(whole), times)
        read = tested.take(whole).values
        read = read.reshape(len(whole), times, *read.shape[1:])
        counts = weights[0][ended] if weights else None
        commonest = np.bincount(ends, counts, len(self.tokens)).astype(np.float64)
        found = []
        for origin in origins(times):
            models = {
                "network": self.ends(read[:, :origin]),
                "last_state": np.eye(len(self.tokens))[grid[:, origin - 1]],
                "majority": np.tile(commonest, (len(whole), 1)),
            }
            figures = foreseen(models, grid[:, -1], weights[1][whole] if weights else None)
            found.append(
                Origin(
                    seen=self.times[origin - 1],
                    steps=origin,
                    ahead=times - origin,
                    models={name: Estimate(**share) for name, share in figures.items()},
                )
            )
        return Simulation(
            rows=len(whole), paths=PATHS, times=times, last=self.times[-1], origins=found
        )

    def ends(self, seen: NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of the last state given the first steps, float64 [rows, outputs]."""
        return simulate(
            self.network,
            seen,
            len(self.times) - 1,
            self.tokens,
            paths=PATHS,
            temperature=self.temperature,
            seed=self.seed,
        )
