"""What baselines see of series: figures that one would think of, and random convolutions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.baselines import label_baselines, regression_baselines
from duree.baselines.rocket import Group, RocketFeatures, respond
from duree.baselines.series_features import SeriesFeatures, describe
from duree.recipe.recipe import Recipe
from duree.sequences.ragged import Ragged, offsets_of

RECIPE = Recipe.build({"evaluation": {"forest_trees": 20}})


def series(rows: int, seed: int, channels: int = 2, missing: float = 0.1) -> Ragged:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, 12, rows)
    values = rng.normal(size=(lengths.sum(), channels)) * 3 + 100
    values[rng.random(values.shape) < missing] = np.nan
    return Ragged(values, offsets_of(lengths))


def by_hand(values: np.ndarray) -> list[float]:
    """The features of one channel, one by one."""
    at = np.flatnonzero(np.isfinite(values))
    known = values[at]
    apart = np.where(np.isfinite(values), values - known.mean(), 0.0)
    slope = np.polyfit(at, known, 1)[0] if len(at) > 1 else 0.0
    changes = np.abs(np.diff(values))
    changes = changes[np.isfinite(changes)]
    squares = (apart**2).sum()
    return [
        1 - len(known) / len(values),
        known.mean(),
        known.std(),
        *np.quantile(known, [0, 0.25, 0.5, 0.75, 1]),
        known[0],
        known[-1],
        slope,
        changes.mean() if len(changes) else 0.0,
        (apart[1:] * apart[:-1]).sum() / squares if squares else 0.0,
        np.nanargmax(values) / max(len(values) - 1, 1),
    ]


@given(st.integers(0, 10_000))
def test_the_features_of_a_channel_are_those_computed_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=rng.integers(2, 9))
    values[1:][rng.random(len(values) - 1) < 0.3] = np.nan
    laid = np.full((1, len(values) + 2, 1), np.nan)  # with two padded steps
    laid[0, : len(values), 0] = values
    found = describe(laid, np.array([len(values)]))[0, :, 0]
    assert found == pytest.approx(by_hand(values), abs=1e-9)


def test_a_channel_without_a_value_has_finite_features() -> None:
    found = describe(np.full((1, 4, 1), np.nan), np.array([4]))
    assert np.isfinite(found).all()
    assert found[0, 0, 0] == 1


@pytest.mark.parametrize("features", [SeriesFeatures(), RocketFeatures(0)])
def test_a_row_has_the_same_features_alone_and_among_others(features) -> None:
    rows = series(30, 0)
    both, _ = features.fit(rows, series(5, 1))
    alone = features.count(rows.take(np.array([7])))
    assert alone.toarray()[0] == pytest.approx(both.toarray()[7], abs=1e-5)
    assert np.isfinite(both.toarray()).all()


@pytest.mark.parametrize("padded", [True, False])
def test_convolutions_are_those_computed_step_by_step(padded: bool) -> None:
    rng = np.random.default_rng(0)
    length, dilation, kernels, channels = 3, 2, 4, 2
    weights = rng.normal(size=(length * channels, kernels)).astype(np.float32)
    group = Group(weights, rng.normal(size=kernels).astype(np.float32), length, dilation, padded)
    rows = [rng.normal(size=(steps, channels)).astype(np.float32) for steps in (9, 6, 3)]
    laid = np.zeros((3, 9, channels), dtype=np.float32)
    for place, row in enumerate(rows):
        laid[place, : len(row)] = row
    found = respond(group, laid, np.array([9, 6, 3]))
    for row, response in zip(rows, found, strict=True):
        reach = dilation * (length - 1) // 2
        # Too short a row for a whole kernel is read as a padded one.
        at = range(len(row)) if padded or len(row) <= 2 * reach else range(reach, len(row) - reach)
        responses = []
        for step in at:
            taps = [step + (tap - 1) * dilation for tap in range(length)]
            seen = [row[tap] if 0 <= tap < len(row) else np.zeros(channels) for tap in taps]
            responses.append(np.concatenate(seen) @ weights + group.biases)
        wanted = [np.max(responses, axis=0), np.mean(np.array(responses) > 0, axis=0)]
        assert response == pytest.approx(np.concatenate(wanted), abs=1e-5)


def test_kernels_ignore_the_level_of_the_series() -> None:
    rows = series(20, 3, missing=0.0)
    features = RocketFeatures(0)
    found, _ = features.fit(rows, rows)
    for group in features.groups:
        sums = group.weights.reshape(group.length, 2, -1).sum(axis=0)
        assert sums == pytest.approx(np.zeros_like(sums), abs=1e-5)
    assert found.shape == (20, 2000)


@pytest.mark.parametrize("make", [label_baselines, regression_baselines])
def test_baselines_learn_from_series_what_can_be_learned(make) -> None:
    rng = np.random.default_rng(0)
    rows = series(150, 0, missing=0.05)
    risen = rng.integers(0, 2, len(rows))
    values = rows.values + 2.0 * (risen.repeat(rows.lengths) * rows.steps)[:, None]
    rows = Ragged(values, rows.offsets)
    targets = risen if make is label_baselines else risen * 5.0 + rng.normal(size=len(rows))
    train, validation, test = np.split(np.arange(150), [90, 110])
    errors = {}
    for baseline in make(RECIPE, None):
        baseline.fit(rows.take(train), targets[train], rows.take(validation), targets[validation])
        predicted = baseline.predict(rows.take(test))
        of_truth = predicted[:, 1] if make is label_baselines else predicted[:, 0] / 5
        errors[baseline.name] = float(np.mean((of_truth - risen[test]) ** 2))
    plain, *others = errors.values()
    assert len(others) == 3
    assert max(others) < 0.6 * plain
