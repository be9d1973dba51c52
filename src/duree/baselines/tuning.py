"""Tuning: settings are chosen by the loss on the validation rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Setting = TypeVar("Setting")
Model = TypeVar("Model")


def choose(
    settings: Iterable[Setting],
    fit: Callable[[Setting], Model],
    loss: Callable[[Model], float],
) -> tuple[Setting, Model]:
    """The setting whose model has the smallest loss, the first of several; and that model.

    Models are fitted in order, each after the loss of the one before is known, so that a fit may
    start where the one before ended.

    Parameters
    ----------
    settings : iterable
        At least one.
    fit : setting -> model
        Fits to the training rows.
    loss : model -> float
        On the validation rows.
    """
    found: list[tuple[float, Setting, Model]] = []
    for setting in settings:
        model = fit(setting)
        tried = (loss(model), setting, model)
        if not found or tried[0] < found[0][0]:
            found = [tried]
    _, setting, model = found[0]
    return setting, model
