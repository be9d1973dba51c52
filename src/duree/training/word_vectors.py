"""Training from word vectors of a file: once with frozen vectors, once tuning them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from duree.errors import translate
from duree.network.network import Network
from duree.tables.files.word_vectors import WordVectors
from duree.training.loop import train, write_history
from duree.training.plan import Plan, Progress

FROZEN, TUNED = "frozen", "tuned"
TITLES = {FROZEN: "with the word vectors as they are", TUNED: "with word vectors tuned in training"}
# The root mean square of the numbers of vectors. Of 0.1 (as untrained embeddings), 0.3 and 1 it had
# the least log-loss on held-out product reviews, with 300 to train (0.536, 0.525, 0.530).
DEVIATION = 0.3


class VectorChoice(NamedTuple):
    """The better of both, and the validation metric of each."""

    chosen: str
    figures: dict[str, float]


def train_from_vectors(
    vectors: WordVectors,
    network: Network,
    plan: Plan,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    history: Path | None = None,
) -> VectorChoice:
    """Train ``network`` twice from the same vectors; it ends with the better validation metric.

    Frozen vectors stay those of the file, so that words which are rare in training keep their
    neighbours; tuned ones fit the task (Kim 2014 compares both). ``plan``'s limit of minutes is
    divided between the two; for other arguments see ``duree.training.loop.train``.

    Raises
    ------
    TrainingError, KeyboardInterrupt
    """
    _begin_with(network, vectors)
    table = network.word_table
    assert table is not None
    beginning, minutes = _weights(network), plan.settings.max_minutes
    if minutes is not None:
        half = plan.settings.model_copy(update={"max_minutes": minutes / 2})
        plan = replace(plan, settings=half)
    results = {}
    for name in (FROZEN, TUNED):
        network.load_state_dict(beginning)
        table.weight.requires_grad_(name == TUNED)
        if progress:
            progress.message(translate(TITLES[name]))
        folder = None if checkpoint is None else checkpoint / name
        epochs = train(network, plan, progress, folder, history)
        results[name] = _best(epochs), _weights(network), epochs
    chosen = max(results, key=lambda name: results[name][0])
    network.load_state_dict(results[chosen][1])
    if history is not None:
        write_history(history, results[chosen][2])
    return VectorChoice(chosen, {name: best[0] for name, (best, _, _) in results.items()})


def _begin_with(network: Network, vectors: WordVectors) -> None:
    """Put the vectors into the network's table, all files' at one scale.

    Words that have none keep their random embeddings.
    """
    table = network.word_table
    if table is None or tuple(table.weight.shape) != vectors.values.shape:
        raise ValueError("the network's embeddings do not have the shape of the vectors")
    found = torch.from_numpy(vectors.found)
    given = torch.from_numpy(vectors.values)[found]
    with torch.no_grad():
        size = given.square().mean().sqrt().clamp(min=1e-12)
        table.weight[found] = given * (DEVIATION / size)


def _best(epochs: list[dict[str, Any]]) -> tuple[float, float]:
    """The metric of the best epoch, and its negative loss to break ties."""
    return max((epoch["metric"], -epoch["validation_loss"]) for epoch in epochs)


def _weights(network: Network) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}
