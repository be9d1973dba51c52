"""Checkpoints: everything that training needs to continue as if it had not been interrupted.

Two sealed folders are written alternately, so that one complete checkpoint always remains. Random
states are not saved: they follow from seed, epoch and step.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from duree.errors import RunError
from duree.network.network import Network
from duree.storage import is_sealed, read_sealed, write_sealed

Weights = dict[str, Tensor]

SLOTS = 2


@dataclass
class Position:
    """The progress of training.

    Attributes
    ----------
    epoch, batch, step : int
        Completed epochs, completed batches of the current epoch, and completed batches in all.
    loss, rows, epoch_seconds : float, int, float
        Sums over the current epoch.
    seconds : float
        Training time over all sessions.
    best : pair of float, or None
        The metric of the best epoch, and its negative validation loss to break ties.
    stale : int
        Epochs since the best.
    history : list of dict
        One record per epoch.
    finished : bool
    saves : int
        Number of checkpoints written.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss: float = 0.0
    rows: int = 0
    epoch_seconds: float = 0.0
    seconds: float = 0.0
    best: tuple[float, float] | None = None
    stale: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    finished: bool = False
    saves: int = 0


@dataclass
class Training:
    """The state of training.

    Attributes
    ----------
    average, best : dict of tensors
        Weights: the moving average, and those of the best epoch; empty if there are none.
    choices : dict
        Settings that must be the same when training is resumed.
    """

    model: Network
    optimiser: torch.optim.Optimizer
    average: Weights
    best: Weights
    position: Position
    choices: dict[str, Any]


def save_checkpoint(training: Training, folder: Path) -> None:
    """Write a checkpoint in place of the one before the last.

    Raises
    ------
    RunError
        It cannot be written; the last checkpoint is intact.
    """
    tensors = {f"model/{name}": tensor for name, tensor in training.model.state_dict().items()}
    tensors |= {f"average/{name}": tensor for name, tensor in training.average.items()}
    tensors |= {f"carried/{name}": tensor for name, tensor in training.model.carried.items()}
    tensors |= {f"best/{name}": tensor for name, tensor in training.best.items()}
    for index, entries in training.optimiser.state_dict()["state"].items():
        tensors |= {
            f"optimiser/{index}/{name}": value
            for name, value in entries.items()
            if value is not None
        }
    position = training.position
    position.saves += 1
    plain = {"position": vars(position), "choices": training.choices}
    write_sealed(
        folder / str(position.saves % SLOTS),
        {
            "position.json": json.dumps(plain).encode(),
            "tensors.safetensors": safetensors.torch.save(tensors),
        },
    )


def load_checkpoint(training: Training, folder: Path) -> list[str]:
    """Load the newest complete checkpoint into ``training``, if there is one.

    Returns
    -------
    list of str
        Reasons why checkpoints were refused.

    Raises
    ------
    RunError
        The checkpoint is complete, but belongs to other settings.
    """
    found, refused = _read_all(folder)
    if not found:
        return refused
    files = max(found, key=lambda files: int(_plain(files)["position"]["saves"]))
    plain, tensors = _plain(files), safetensors.torch.load(files["tensors.safetensors"])
    _refuse_other_choices(plain["choices"], training.choices, folder)
    try:
        training.model.load_state_dict(_under(tensors, "model"))
        _restore(training.optimiser, _under(tensors, "optimiser"))
    except (RuntimeError, ValueError) as error:
        raise RunError(
            "the checkpoint in {folder!r} does not fit the network: {reason}",
            fix="restore the recipe's old values, or start a new run",
            folder=str(folder),
            reason=str(error).splitlines()[0],
        ) from None
    training.model.carried = _under(tensors, "carried")
    training.average = _under(tensors, "average")
    training.best = _under(tensors, "best")
    best = plain["position"].pop("best")
    training.position = Position(**plain["position"], best=tuple(best) if best else None)
    return refused


def _read_all(folder: Path) -> tuple[list[dict[str, bytes]], list[str]]:
    """The files of every complete checkpoint, and why others were refused."""
    found, refused = [], []
    for slot in range(SLOTS):
        if is_sealed(folder / str(slot)):
            try:
                found.append(read_sealed(folder / str(slot)))
            except RunError as error:
                refused.append(error.message())
    return found, refused


def _plain(files: dict[str, bytes]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(files["position.json"])
    return plain


def _refuse_other_choices(then: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    for name, value in now.items():
        if then.get(name) != value:
            raise RunError(
                "the checkpoint in {folder!r} was made with {name} = {then}, which is {now} now",
                fix="restore the old value, or start a new run",
                folder=str(folder),
                name=name,
                then=then.get(name),
                now=value,
            )


def _restore(optimiser: torch.optim.Optimizer, tensors: Weights) -> None:
    state = optimiser.state_dict()
    for name, tensor in tensors.items():
        index, _, key = name.partition("/")
        state["state"].setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict(state)


def _under(tensors: Weights, prefix: str) -> Weights:
    return {
        name.removeprefix(f"{prefix}/"): tensor
        for name, tensor in tensors.items()
        if name.startswith(f"{prefix}/")
    }
