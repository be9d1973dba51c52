"""Intervals cover the truth as often as they say: four cells of ``benchmarks/estimates.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from benchmarks import estimates
from benchmarks.estimates import ANALYSES, Analysis, simulate, summary

REPLICATIONS = 300
LINEAR, LOGIT, REGRESSOR, SHARES = ANALYSES


@pytest.fixture(autouse=True, scope="module")
def smaller_truth() -> Iterator[None]:
    """A population for the truth that is large enough: its error is a fiftieth of an interval."""
    former, estimates.LARGE = estimates.LARGE, 200_000
    estimates.true_values.cache_clear()
    yield
    estimates.LARGE = former
    estimates.true_values.cache_clear()


@pytest.mark.parametrize(
    ("analysis", "design"),
    [(LINEAR, "simple"), (LOGIT, "stratified"), (REGRESSOR, "authors"), (SHARES, "simple")],
    ids=lambda value: getattr(value, "name", value),
)
def test_intervals_cover_and_naive_ones_do_not(analysis: Analysis, design: str) -> None:
    found = summary(simulate(analysis, design, 300, REPLICATIONS, rows=2000, splits=2))
    assert 0.91 <= found.coverage <= 0.985
    assert found.naive < 0.45
    assert found.width < 0.85
    assert found.refused == 0
