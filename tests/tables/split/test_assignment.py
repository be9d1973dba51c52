"""Assignment: sets get their shares of every class, units stay whole, small sets are filled up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duree.tables.split.assignment import MIN_ROWS, assign_units, share_out

SHARES = np.array([0.72, 0.08, 0.2])


def counts(part, classes):
    """Rows of each class in each part, [parts, classes]."""
    table = np.zeros((len(SHARES), int(classes.max()) + 1), dtype=int)
    np.add.at(table, (part, classes), 1)
    return table


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 3)), min_size=1, max_size=60),
    st.integers(0, 9),
)
def test_every_unit_lands_whole_in_one_part(rows, seed):
    _, units = np.unique([unit for unit, _ in rows], return_inverse=True)
    _, classes = np.unique([label for _, label in rows], return_inverse=True)
    part = assign_units(units, classes, SHARES, np.random.default_rng(seed))
    assert set(part) <= {0, 1, 2}
    assert all(len(set(part[units == unit])) == 1 for unit in set(units))


def test_single_rows_are_split_exactly():
    classes = np.repeat([0, 1], [2500, 100])
    part = assign_units(np.arange(2600), classes, SHARES, np.random.default_rng(0))
    assert counts(part, classes).tolist() == [[1800, 72], [200, 8], [500, 20]]


def test_groups_of_mixed_sizes_come_near_the_shares_of_each_class():
    rng = np.random.default_rng(1)
    units = np.repeat(np.arange(400), rng.geometric(0.1, 400))
    lean = rng.random(400)  # each group has its own share of the second class
    classes = (rng.random(len(units)) < lean[units]).astype(int)
    part = assign_units(units, classes, SHARES, rng)
    shares = counts(part, classes) / np.bincount(classes)
    assert np.abs(shares - SHARES[:, None]).max() < 0.005


@pytest.mark.parametrize("seed", range(20))
def test_six_rows_of_a_class_give_two_to_each_part(seed):
    classes = np.repeat([0, 1], [500, 6])
    part = assign_units(np.arange(506), classes, SHARES, np.random.default_rng(seed))
    assert counts(part, classes)[:, 1].tolist() == [2, 2, 2]


@pytest.mark.parametrize("seed", range(20))
def test_a_class_of_three_groups_gives_one_to_each_part(seed):
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(43), [10] * 3 + [5] * 40)
    classes = np.repeat([1, 0], [30, 200])
    part = assign_units(units, classes, SHARES, rng)
    assert counts(part, classes)[:, 1].tolist() == [10, 10, 10]


def test_a_unit_larger_than_a_part_goes_to_training():
    units = np.concatenate([np.zeros(60, dtype=int), np.arange(1, 41)])
    part = assign_units(units, np.zeros(100, dtype=int), SHARES, np.random.default_rng(0))
    assert part[0] == 0
    assert np.bincount(part).tolist() == [72, 8, 20]


def test_the_order_of_the_classes_in_the_file_does_not_matter():
    classes = np.arange(1000) % 2
    for labels in (classes, np.sort(classes)):
        part = assign_units(np.arange(1000), labels, SHARES, np.random.default_rng(4))
        assert counts(part, labels).tolist() == [[360, 360], [40, 40], [100, 100]]
        # Rows are drawn from the whole file, not from its beginning.
        assert abs(np.flatnonzero(part == 2).mean() - 500) < 60


@given(st.integers(0, 200), st.lists(st.floats(0, 10), min_size=1, max_size=5), st.integers(0, 3))
def test_shares_are_allocated_completely_and_meet_every_minimum(count, need, least):
    quota = share_out(count, np.array(need), np.zeros(len(need)), least)
    assert quota.sum() == count
    assert quota.min() >= (least if count >= least * len(need) else 0)


def test_the_rest_goes_to_the_largest_remainders():
    assert share_out(10, np.array([0.5, 0.26, 0.24]), np.zeros(3), 0).tolist() == [5, 3, 2]
    assert MIN_ROWS == 2
