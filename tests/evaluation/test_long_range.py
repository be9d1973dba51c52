"""How far ahead a model sees: from a third, a half, two thirds, five sixths of the time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from duree.evaluation.long_range import foreseen, origins


def test_six_years_are_predicted_from_two_to_five() -> None:
    assert origins(72) == [24, 36, 48, 60]


@given(st.integers(2, 500))
def test_something_is_seen_and_something_is_left_to_predict(times: int) -> None:
    found = origins(times)
    assert found == sorted(set(found))
    assert found
    assert all(1 <= origin < times for origin in found)


def test_a_single_time_point_leaves_nothing_to_predict() -> None:
    assert origins(1) == []


def test_figures_are_shares_of_rows_with_wilson_intervals() -> None:
    rng = np.random.default_rng(0)
    found = {"network": rng.random((30, 4)), "last_state": np.eye(4)[rng.integers(0, 4, 30)]}
    truth = rng.integers(0, 4, 30)
    figures = foreseen(found, truth)
    for name, shares in found.items():
        hits = sum(int(row.argmax() == true) for row, true in zip(shares, truth, strict=True))
        wanted = binomtest(hits, 30).proportion_ci(method="wilson")
        interval = {"value": hits / 30, "low": wanted.low, "high": wanted.high}
        assert figures[name] == pytest.approx(interval)
