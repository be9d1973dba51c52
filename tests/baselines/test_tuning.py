"""Tuning by the validation loss."""

from __future__ import annotations

import pytest
from tests.support.clock import Clock

from duree.baselines.time_limit import OutOfTime, time_limit
from duree.baselines.tuning import choose


def ignore(seconds: float) -> None:
    pass


def test_the_setting_with_the_smallest_loss_is_chosen_with_its_model() -> None:
    assert choose((3, 1, 2), lambda setting: 10 * setting, float) == (1, 10)


def test_of_equal_losses_the_first_setting_is_chosen() -> None:
    assert choose("abc", str.upper, lambda model: 0.0) == ("a", "A")


def test_each_model_is_evaluated_before_the_next_is_fitted() -> None:
    order: list[str] = []
    choose(
        (1, 2), lambda setting: order.append(f"fit {setting}"), lambda _: order.append("") or 0.0
    )
    assert order == ["fit 1", "", "fit 2", ""]


def test_within_a_time_limit_fewer_settings_are_tried_and_a_note_says_so(clock: Clock) -> None:
    with time_limit(5, ignore) as limit:
        chosen = choose((3, 2, 1), lambda setting: clock.spend(90, setting), float)
    assert chosen == (2, 2)
    assert limit.notes == ["2 of 3 settings were tried: the time ran out"]


def test_without_time_for_the_last_fit_a_baseline_is_given_up_with_an_estimate(
    clock: Clock,
) -> None:
    expected: list[float] = []
    with time_limit(1.5, expected.append), pytest.raises(OutOfTime) as late:
        choose((3, 2, 1), lambda setting: clock.spend(60, setting), float)
    assert late.value.seconds == 120
    assert expected == [240]


def test_without_a_limit_every_setting_is_tried(clock: Clock) -> None:
    with time_limit(None, ignore) as limit:
        assert choose((3, 2, 1), lambda setting: clock.spend(1e9, setting), float) == (1, 1)
    assert limit.notes == []
