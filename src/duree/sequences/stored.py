"""What a stored encoder must look like before it is believed."""

from __future__ import annotations

from duree.errors import RunError


def require(holds: bool, kind: str, part: str) -> None:
    """Refuse a stored encoder of some kind ("text", "series") if one part of it is not valid.

    Raises
    ------
    RunError
        ``holds`` is false.
    """
    if not holds:
        raise not_valid(kind, part)


def not_valid(kind: str, part: str) -> RunError:
    """The error that tells which part of a stored encoder cannot be believed."""
    return RunError(
        "the stored {kind} encoder is not valid: see its {part!r}",
        fix="it was altered, or a newer Durée wrote it: install that, or train the model again",
        kind=kind,
        part=part,
    )
