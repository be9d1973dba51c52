"""Tuning by the validation loss."""

from __future__ import annotations

from duree.baselines.tuning import choose


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
