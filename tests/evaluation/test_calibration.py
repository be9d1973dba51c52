"""Calibration: temperatures that are known, and curves that can be worked out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from duree.evaluation.calibration import fit_temperature, reliability, smoothed_loss
from duree.evaluation.uncertainty import wilson


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_scores_overconfident_is_found(truth: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=1.5, size=(20_000, 3))
    chances = softmax(logits, axis=1).cumsum(axis=1)
    targets = (rng.random((20_000, 1)) > chances).sum(axis=1)
    found = fit_temperature((logits * truth).astype(np.float32), targets)
    # 0.06: three standard errors of the fit to 20,000 rows.
    assert found == pytest.approx(truth, rel=0.06)


def test_no_other_temperature_has_a_smaller_log_loss() -> None:
    rng = np.random.default_rng(1)
    scores, targets = rng.normal(size=(500, 4)) * 3, rng.integers(4, size=500)
    scores[np.arange(500), targets] += 2
    found = fit_temperature(scores, targets)

    # Of 500 rows the true class counts 502/504, each of the other three a third of the rest.
    expected = np.full((500, 4), 2 / 504 / 3)
    expected[np.arange(500), targets] = 502 / 504

    def cost(temperature: float) -> float:
        logs = log_softmax(scores / temperature, axis=1)
        return float(np.log(temperature) ** 2 / 2 - (expected * logs).sum())

    grid = np.exp(np.linspace(-3, 3, 601))
    assert cost(found) <= min(cost(temperature) for temperature in grid) + 1e-6


def test_a_few_rows_that_are_all_right_do_not_make_the_network_certain() -> None:
    scores = np.tile([2.0, -2.0], (10, 1))
    temperature = fit_temperature(scores, np.zeros(10, dtype=np.int64))
    confidence = softmax(scores[0] / temperature)[0]
    # Between 12 of 14, which ten right rows show, and the network's own confidence, 0.98.
    assert 12 / 14 < confidence < 0.95


def test_scores_that_are_all_right_are_scaled_to_what_so_few_rows_show() -> None:
    targets = np.arange(10) % 2
    scores = np.where(np.eye(2)[targets] == 1, 1.0, -1.0)

    def loss(scale: float) -> float:
        return smoothed_loss(scores * scale, targets)

    best = min(np.linspace(0.1, 5.0, 491), key=loss)
    # 12 of 14: what ten rows of ten, two right and two wrong ones make.
    assert expit(2 * best) == pytest.approx(12 / 14, abs=2e-3)
    twice = np.full(10, 2.0)
    assert smoothed_loss(scores, targets, twice) == pytest.approx(
        smoothed_loss(np.tile(scores, (2, 1)), np.tile(targets, 2))
    )


def test_uninformative_scores_keep_a_temperature_of_1() -> None:
    found = fit_temperature(np.zeros((30, 2)), np.arange(30) % 2)
    assert found == pytest.approx(1.0, abs=1e-5)


def test_a_reliability_curve_worked_out_by_hand() -> None:
    confidence = np.repeat([0.6, 0.9], [40, 60])
    p = np.stack([confidence, 1 - confidence], axis=1)
    targets = np.repeat([0, 1, 0, 1], [30, 10, 57, 3])
    low_bin, high_bin = reliability(p, targets)
    expected = {"rows": 40, "confidence": 0.6, "observed": 0.75}
    expected |= dict(zip(("low", "high"), wilson(30, 40), strict=True))
    assert low_bin.model_dump() == pytest.approx(expected)
    assert (high_bin.rows, high_bin.observed) == (60, pytest.approx(0.95))


def test_bins_hold_equal_numbers_of_rows_and_all_of_them() -> None:
    rng = np.random.default_rng(2)
    p = softmax(rng.normal(size=(1000, 3)), axis=1)
    curve = reliability(p, rng.integers(3, size=1000))
    assert [bin_.rows for bin_ in curve] == [100] * 10
    assert sorted(bin_.confidence for bin_ in curve) == [bin_.confidence for bin_ in curve]


def test_a_model_that_is_always_equally_sure_has_one_bin() -> None:
    curve = reliability(np.tile([0.3, 0.7], (25, 1)), np.arange(25) % 2)
    assert [bin_.rows for bin_ in curve] == [25]
