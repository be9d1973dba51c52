"""Figures as PDF: most runs of tests get an empty one, since embedding fonts takes the longest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from matplotlib.figure import Figure


@contextmanager
def empty_pdf() -> Iterator[None]:
    """Write nothing but the mark of a PDF."""
    drawn = Figure.savefig

    def savefig(figure: Figure, output: Any, **options: Any) -> None:
        if options.get("format") == "pdf":
            output.write(b"%PDF-")
        else:
            drawn(figure, output, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", savefig)
        yield


@contextmanager
def real_pdf() -> Iterator[None]:
    """Write what a user gets, also within ``empty_pdf``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", SAVEFIG)
        yield


SAVEFIG = Figure.savefig
