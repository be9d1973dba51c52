"""Tuning: settings are chosen by the loss on the validation rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from duree.baselines.time_limit import current_limit

Setting = TypeVar("Setting")
Model = TypeVar("Model")


def choose(
    settings: Iterable[Setting],
    fit: Callable[[Setting], Model],
    loss: Callable[[Model], float],
) -> tuple[Setting, Model]:
    """The setting whose model has the smallest loss, the first of several; and that model.

    Models are fitted in order, each after the loss of the one before is known, so that a fit may
    start where the one before ended. Within a time limit that leaves no room for a further setting
    and the fit on all rows after it, the settings not yet tried are left out, with a note.

    Parameters
    ----------
    settings : iterable
        At least one.
    fit : setting -> model
        Fits to the training rows.
    loss : model -> float
        On the validation rows.

    Raises
    ------
    OutOfTime
        The time limit leaves no room even for the fit on all rows.
    """
    found: list[tuple[float, Setting, Model]] = []
    limit, every, longest = current_limit(), list(settings), 0.0
    for tried, setting in enumerate(every):
        if tried and not limit.allows(2 * longest):
            limit.notes.append(f"{tried} of {len(every)} settings were tried: the time ran out")
            break
        began = time.perf_counter()
        model = fit(setting)
        scored = (loss(model), setting, model)
        if not found or scored[0] < found[0][0]:
            found = [scored]
        longest = max(longest, time.perf_counter() - began)
        limit.expect((len(every) - tried) * longest, least=longest)
    _, setting, model = found[0]
    return setting, model
