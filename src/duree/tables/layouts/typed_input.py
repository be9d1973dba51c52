"""TypedInput: the form of the studio to try a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TypedInput:
    """What can be typed to try a network; the texts are English templates.

    Attributes
    ----------
    title, hint : str
        The title of the form, and a hint on what to enter.
    name : str
        The label of the field, unless the hint is enough.
    lines : int
        Height of the field.
    covariates : tuple of str
        Further columns to ask for.
    buttons : {action: str}
        What each button of the form says; see ``ServedRows.try_action``.
    """

    title: str
    hint: str
    name: str = ""
    lines: int = 3
    covariates: tuple[str, ...] = ()
    buttons: Mapping[str, str] = field(default_factory=lambda: {"predict": "Predict"})
