"""What a model folder must state for its network to be built, checked before memory is taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from duree.errors import RunError

# Numbers in buffers that are not stored: tables of steps, far smaller in any network of ours.
MOST_UNSTORED = 10_000_000


# What a description that is not ours may lead to.
INVALID = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    SafetensorError,
    TypeError,
    ValueError,
)


def not_fitting(folder: Path | str, error: Exception) -> RunError:
    """The error for a model folder whose description led to ``error``."""
    return RunError(
        "the model in {folder!r} does not fit together: {reason}",
        fix="train it again: duree fit --recipe RUN/recipe.toml",
        folder=str(folder),
        reason=str(error).splitlines()[0] if str(error) else type(error).__name__,
    )


class Description(BaseModel):
    """``model.json``; keys of newer versions are ignored."""

    task: dict[str, Any]
    encoder: dict[str, Any]
    settings: dict[str, Any]
    columns: dict[str, str]
    extra: dict[str, Any]
    layout: str | None = None  # version 0.1.0 has none
    part_offsets: dict[str, tuple[float, ...]] = {}

    @classmethod
    def read(cls, content: bytes) -> Description:
        """The description; ValueError says where it is invalid."""
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"])) or "model.json"
            raise ValueError(f"{where}: {fault['msg'].lower()}") from None


def require_estimator(extra: dict[str, Any], classes: int) -> None:
    """Refuse what an estimator has stored, if it is not what one stores; ValueError."""
    if "parameters" not in extra:
        return  # a run
    attributes = extra.get("attributes")
    if not isinstance(extra["parameters"], dict) or not isinstance(attributes, dict):
        raise ValueError("extra: an estimator has parameters and attributes")
    known = attributes.get("classes", [])
    if not isinstance(known, list) or len(known) != classes:
        raise ValueError(f"extra.attributes.classes: {classes} are needed")
    if any(isinstance(one, list | dict | None) for one in known):
        raise ValueError("extra.attributes.classes: they are labels")


class _NothingDrawn(TorchFunctionMode):
    """No normal numbers are drawn: for those on the meta device, torch imports its compiler."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func in (nn.init.normal_, torch.Tensor.normal_):
            return args[0] if args else named["tensor"]
        return func(*args, **named)


def require_shapes(weights: dict[str, Tensor], layers: int, build: Callable[[], nn.Module]) -> None:
    """Refuse weights that are not those of a network, without taking memory for the network.

    Parameters
    ----------
    weights : dict of Tensor
    layers : int
        Number of recurrent layers: each has weights.
    build : () -> Module
        Builds the network.

    Raises
    ------
    ValueError
        A weight is missing, unknown, or has another shape or type.
    """
    if layers > len(weights):
        raise ValueError(f"there are no weights for {layers} layers")
    with torch.device("meta"), _NothingDrawn():
        network = build()
    expected = network.state_dict()
    if missing := sorted(expected.keys() - weights.keys()):
        raise ValueError(f"the weights {missing[0]} are missing")
    if unknown := sorted(weights.keys() - expected.keys()):
        raise ValueError(f"the network has no weights {unknown[0]}")
    for name, tensor in weights.items():
        given, needed = (
            f"{one.dtype} {list(one.shape)}".removeprefix("torch.")
            for one in (tensor, expected[name])
        )
        if given != needed:
            raise ValueError(f"the weights {name} are {given}, and the network needs {needed}")
    stored = sum(tensor.numel() for tensor in expected.values())
    every = sum(tensor.numel() for tensor in (*network.parameters(), *network.buffers()))
    if every - stored > MOST_UNSTORED:
        raise ValueError("the network has tables of impossible sizes")
