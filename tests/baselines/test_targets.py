"""Targets as columns and back."""

import numpy as np
import pytest

from duree.baselines.targets import Targets


def test_two_classes_are_one_binary_target():
    answers = Targets.of(np.array([0, 1, 1]))
    assert answers.columns(np.array([0, 1, 1])).tolist() == [[0], [1], [1]]
    assert answers.predictions(np.array([[0.25]])).tolist() == [[0.75, 0.25]]


def test_three_classes_are_three_binary_targets_whose_probabilities_add_up_to_one():
    answers = Targets.of(np.array([2, 0, 1]))
    assert answers.columns(np.array([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert answers.predictions(np.array([[0.1, 0.2, 0.5]])).tolist() == [[0.125, 0.25, 0.625]]


def test_labels_and_numbers_stay_as_they_are():
    labels = np.array([[0, 1, 1]])
    assert Targets.of(labels) == Targets("labels", 3)
    assert Targets.of(labels).columns(labels).tolist() == [[0, 1, 1]]
    numbers = np.array([1.5, -2.0])
    assert Targets.of(numbers) == Targets("numbers", 1)
    assert Targets.of(numbers).columns(numbers).tolist() == [[1.5], [-2.0]]


def test_validation_rows_that_lack_a_class_have_as_many_columns():
    assert Targets.of(np.array([0, 1, 2])).columns(np.array([0, 0])).shape == (2, 3)


@pytest.mark.parametrize(
    ("kind", "predicted", "targets", "loss"),
    [
        ("classes", [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], [1, 1], np.log(4) / 2),
        ("labels", [[0.5, 0.25]], [[0, 1]], (np.log(2) + np.log(4)) / 2),
    ],
)
def test_log_loss_is_the_mean_surprise_in_nats(kind, predicted, targets, loss):
    answers = Targets(kind, len(predicted[0]))
    assert answers.loss(np.array(predicted), np.array(targets)) == pytest.approx(loss)


def test_a_certain_mistake_costs_much_but_not_everything():
    answers = Targets("classes", 2)
    assert answers.loss(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(-np.log(1e-12))
