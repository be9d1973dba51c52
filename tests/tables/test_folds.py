"""Folds for cross-validation are of one size, have every class, and keep rows together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from duree.tables.split.folds import FOLDS, draw_folds


@given(st.integers(20, 200), st.integers(0, 5))
def test_folds_have_nearly_the_same_number_of_rows_of_each_class(rows: int, seed: int) -> None:
    classes = np.arange(rows) % 2
    folds = draw_folds(rows, classes, seed=seed)
    counts = np.array([np.bincount(folds[classes == each], minlength=FOLDS) for each in (0, 1)])
    assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()


@given(st.integers(0, 5))
def test_rows_of_a_group_and_near_duplicates_are_in_one_fold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups, clusters = rng.integers(40, size=120), np.arange(120)
    clusters[[5, 17]] = 3
    folds = draw_folds(120, None, groups, clusters, seed=seed)
    for codes in (groups, clusters):
        for code in np.unique(codes):
            assert len(np.unique(folds[codes == code])) == 1


def test_the_same_seed_draws_the_same_folds() -> None:
    first, second, other = (draw_folds(50, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
