"""The estimate of training time and memory counts rows that are far longer than the others."""

from __future__ import annotations

import numpy as np
from tests.support.transducer import transducer

from duree.network.batches import Examples
from duree.recipe.settings import TrainingSettings
from duree.sequences.ragged import END, Ragged
from duree.training.estimate import Estimate, estimate


def expected(longest: int) -> Estimate:
    """For 240 pairs of 6 units, and a last one whose target has ``longest`` units."""
    lengths = [6] * 239 + [longest]
    rng = np.random.default_rng(0)
    sources = Ragged.from_rows(rng.integers(4, 10, 6).tolist() for _ in lengths)
    targets = Ragged.from_rows([*rng.integers(4, 10, n).tolist(), END] for n in lengths)
    settings = TrainingSettings(batch_size=16)
    network = transducer(hidden_size=32, embedding_size=32)
    return estimate(network, Examples(sources, targets, transduced=True), settings, 100)


def test_a_single_long_target_adds_to_time_and_memory() -> None:
    short, long = expected(6), expected(3000)
    assert long.seconds > 3 * short.seconds
    assert long.memory > 20 * short.memory
