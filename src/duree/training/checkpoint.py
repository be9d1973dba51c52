"""Checkpoints: everything that training needs to go on as if it had never stopped.

Two sealed folders are written in turn, so that one whole checkpoint is left whatever happens to
the other. Random numbers are not among the contents: they follow from seed, epoch and step.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from duree.errors import RunError
from duree.folders import is_sealed, read_sealed, write_sealed

Weights = dict[str, Tensor]

SLOTS = 2


@dataclass
class Position:
    """How far training has come.

    Attributes
    ----------
    epoch, batch, step : int
        Epochs ended, batches done in the one under way, and batches done in all.
    loss, rows : float, int
        Sums over the epoch under way.
    seconds : float
        Time spent so far, over all sessions.
    best : pair of float, or None
        The best epoch's figure, and minus its validation loss to break ties.
    stale : int
        Epochs since the best one.
    history : list of dict
        One record for every epoch.
    finished : bool
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss: float = 0.0
    rows: int = 0
    seconds: float = 0.0
    best: tuple[float, float] | None = None
    stale: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    finished: bool = False


@dataclass
class Training:
    """Everything that changes while a network trains.

    ``average`` and ``best`` are weights: the moving average, and those of the best epoch.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    average: Weights
    best: Weights
    position: Position


def save_checkpoint(training: Training, folder: Path) -> None:
    """Write the older of the folder's two checkpoints anew.

    Raises
    ------
    RunError
        It cannot be written; the newer one is intact.
    """
    tensors = {f"model/{name}": tensor for name, tensor in training.model.state_dict().items()}
    tensors |= {f"average/{name}": tensor for name, tensor in training.average.items()}
    tensors |= {f"best/{name}": tensor for name, tensor in training.best.items()}
    for index, entries in training.optimiser.state_dict()["state"].items():
        for name, value in entries.items():
            if value is not None:
                tensors[f"optimiser/{index}/{name}"] = value
    slot = folder / str((_newest_slot(folder) + 1) % SLOTS)
    write_sealed(
        slot,
        {
            "position.json": json.dumps(vars(training.position)).encode(),
            "tensors.safetensors": safetensors.torch.save(
                {name: tensor.detach().clone() for name, tensor in tensors.items()}
            ),
        },
    )


def load_checkpoint(training: Training, folder: Path) -> list[str]:
    """Put the newest whole checkpoint into ``training``; without one, leave it as it is.

    Returns
    -------
    list of str
        Why a checkpoint was refused, if one was.
    """
    found, refused = _read_all(folder)
    if not found:
        return refused
    position, content = max(found, key=lambda pair: (pair[0].finished, pair[0].step))
    tensors = safetensors.torch.load(content)
    training.model.load_state_dict(_under(tensors, "model"))
    training.average = _under(tensors, "average")
    training.best = _under(tensors, "best")
    state = training.optimiser.state_dict()
    for name, tensor in _under(tensors, "optimiser").items():
        index, _, key = name.partition("/")
        state["state"].setdefault(int(index), {})[key] = tensor
    training.optimiser.load_state_dict(state)
    training.position = position
    return refused


def _read_all(folder: Path) -> tuple[list[tuple[Position, bytes]], list[str]]:
    found, refused = [], []
    for slot in range(SLOTS):
        path = folder / str(slot)
        if not is_sealed(path):
            continue
        try:
            files = read_sealed(path)
        except RunError as error:
            refused.append(error.message())
        else:
            settings = json.loads(files["position.json"])
            best = settings.pop("best")
            position = Position(**settings, best=tuple(best) if best else None)
            found.append((position, files["tensors.safetensors"]))
    return found, refused


def _newest_slot(folder: Path) -> int:
    """The slot written last; any, where there is none."""
    times = {slot: (folder / str(slot)) for slot in range(SLOTS)}
    written = {slot: path.stat().st_mtime_ns for slot, path in times.items() if path.exists()}
    return max(written, key=lambda slot: written[slot], default=0)


def _under(tensors: Weights, prefix: str) -> Weights:
    return {
        name.removeprefix(f"{prefix}/"): tensor
        for name, tensor in tensors.items()
        if name.startswith(f"{prefix}/")
    }
