"""Values of a column become groups: names as they are, many numbers and dates as intervals."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from duree.errors import DataError
from duree.pipeline.compare_surprisal import compare_by


def groups(values: list | pl.Series, seed: int = 0) -> list[tuple[str, int]]:
    count = len(values)
    units = np.random.default_rng(seed).integers(20, 60, count)
    documents = pl.DataFrame(
        {
            "units": units + 1,
            "characters": units,
            "bits": units * 2.0,
            "in_training": [False] * count,
            "by": values,
        }
    )
    metrics = SimpleNamespace(primary="bits_per_character")
    found = compare_by(documents, "by", SimpleNamespace(task=SimpleNamespace(metrics=metrics)), 0)
    assert all(group.bits == pytest.approx(2.0) for group in found.groups)
    return [(group.name, group.documents) for group in found.groups]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["b", "a", " a ", "", None], [("a", 2), ("b", 1)]),
        ([3, 1, 3], [("1", 1), ("3", 2)]),
        (["1900", "1901", ""], [("1900", 1), ("1901", 1)]),
        ([1.5, None, float("nan")], [("1.5", 1)]),
        ([date(1901, 3, 1), date(1901, 9, 1), date(1902, 1, 1)], [("1901", 2), ("1902", 1)]),
        ([True, False, True], [("false", 1), ("true", 2)]),
        (list(range(1900, 1924)), [(f"{y}–{y + 1}", 2) for y in range(1900, 1924, 2)]),
    ],
)
def test_values_become_groups(values, expected):
    assert groups(values) == expected


def test_intervals_of_large_numbers_keep_their_digits():
    found = groups([20010101 + 100 * n for n in range(13)])
    assert found[0] == ("20010000–20010199", 1)
    assert found[1] == ("20010200–20010399", 2)


def test_numbers_with_fractions_are_put_into_intervals_that_hold_them():
    found = groups([n / 10 for n in range(-7, 20)])
    assert [name for name, _ in found][:3] == ["-1–<-0.5", "-0.5–<0", "0–<0.5"]
    assert [count for _, count in found] == [2, 5, 5, 5, 5, 5]


def test_names_that_are_too_many_are_refused():
    with pytest.raises(DataError, match="60 different values"):
        groups([f"n{n}" for n in range(60)])
