"""Small trainings that the tests of this folder share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from duree.network.batches import Examples
from duree.network.model import SequenceModel
from duree.recipe.settings import ModelSettings, TrainingSettings
from duree.sequences.ragged import Ragged
from duree.training.plan import Plan

VOCABULARY = 20


def examples(rows: int, seed: int) -> Examples:
    """Sequences of 1 to 12 tokens; the answer is whether token 3 stands somewhere."""
    rng = np.random.default_rng(seed)
    tokens = [rng.integers(2, 8, rng.integers(1, 13)) for _ in range(rows)]
    targets = np.array([int(3 in row) for row in tokens])
    return Examples(Ragged.from_rows(tokens), targets)


def accuracy(scores: np.ndarray, targets: np.ndarray) -> float:
    return float(np.mean(scores.argmax(axis=1) == targets))


def loss(scores: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(scores, targets)


def plan(rows: int = 90, seed: int = 0, **settings: Any) -> Plan:
    """Four epochs of 9 steps each, unless ``settings`` say otherwise."""
    chosen = {"epochs": 4, "batch_size": 10, "learning_rate": 0.01, "patience": 50} | settings
    return Plan(
        examples(rows, 0), examples(40, 1), loss, accuracy, TrainingSettings(**chosen), seed
    )


def network(seed: int = 0, **settings: Any) -> nn.Module:
    """A small network with every kind of dropout."""
    torch.manual_seed(seed)
    chosen = {"embedding_size": 6, "hidden_size": 5, "num_layers": 2, "layer_dropout": 0.2}
    chosen |= {"recurrent_dropout": 0.2} | settings
    return SequenceModel(ModelSettings(**chosen), vocabulary_size=VOCABULARY, outputs=2)


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Whether all weights agree to the bit."""
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )
