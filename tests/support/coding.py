"""A population with predictions, and coders who label a sample of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl

from duree.inference.codings import Coding, append_coding
from duree.inference.design import read_design
from duree.inference.sample import sample


def population(rows: int = 500) -> pl.DataFrame:
    """Reviews with their probability of being positive, and authors of five reviews each."""
    drawn = np.random.default_rng(7)
    positive = drawn.beta(0.6, 0.6, rows)
    return pl.DataFrame(
        {
            "id": [f"r{row:04d}" for row in range(rows)],
            "review": [f"This is what I wrote of film number {row}." for row in range(rows)],
            "author": [f"a{row % (rows // 5)}" for row in range(rows)],
            "prediction": np.where(positive > 0.5, "pos", "neg"),
            "probability_neg": 1 - positive,
            "probability_pos": positive,
        }
    )


def drawn(folder: Path, n: int = 50, frame: pl.DataFrame | None = None, **options) -> Path:
    """The coding folder of a sample; the population is ``POP.parquet`` beside it."""
    if not (folder / "POP.parquet").exists():
        (population() if frame is None else frame).write_parquet(folder / "POP.parquet")
    sample(folder / "POP.parquet", n, folder / "coding", id="id", **options)
    return folder / "coding"


def code(
    coding: Path, labels: Iterable[str | None], coder: str = "Anna", batch: str = "design"
) -> None:
    """Code the first rows of a sample, in its order."""
    for id, label in zip(read_design(coding).order, labels, strict=False):
        append_coding(coding, Coding(id, coder, "label", label, "2026-01-01", batch=batch))
