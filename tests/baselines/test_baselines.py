"""What holds for every baseline."""

import numpy as np
import pytest

from duree.baselines import label_baselines, regression_baselines
from duree.recipe.recipe import Recipe

RECIPE = Recipe.build({"evaluation": {"forest_trees": 60}})
LABEL_NAMES = ["majority", "tfidf_logistic", "nb_svm", "linear_svm", "random_forest"]
NUMBER_NAMES = ["mean", "tfidf_ridge", "random_forest"]


def fitted(parts, kind=label_baselines, recipe=RECIPE):
    (texts, targets), (other_texts, other_targets), (test_texts, _) = parts
    found = kind(recipe, str.split)
    for baseline in found:
        assert baseline.fit(texts, targets, other_texts, other_targets) is baseline
    return {baseline.name: (baseline, baseline.predict(test_texts)) for baseline in found}


def with_targets(parts, change):
    return [(texts, change(targets)) for texts, targets in parts]


@pytest.fixture(scope="module")
def of_classes(letters):
    return fitted(letters)


@pytest.fixture(scope="module")
def of_labels(letters):
    # Is it about war? About war or bread? About anything?
    parts = with_targets(letters, lambda c: np.stack([c == 0, c < 2, c >= 0], axis=1).astype(int))
    return parts, fitted(parts)


@pytest.fixture(scope="module")
def of_numbers(letters):
    parts = with_targets(letters, lambda c: np.array([-1.0, 10.0, 12.0])[c])
    return parts, fitted(parts, regression_baselines)


def test_the_names_are_those_of_the_contract(of_classes, of_numbers):
    assert list(of_classes) == LABEL_NAMES
    assert list(of_numbers[1]) == NUMBER_NAMES


@pytest.mark.parametrize("name", LABEL_NAMES)
def test_classes_get_probabilities_that_add_up_to_one(of_classes, name):
    probabilities = of_classes[name][1]
    assert probabilities.shape == (120, 3)
    assert probabilities.dtype == np.float64
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("name", LABEL_NAMES[1:])
def test_words_that_determine_the_class_are_found(letters, of_classes, name):
    assert np.mean(of_classes[name][1].argmax(axis=1) == letters[2][1]) >= 0.95


@pytest.mark.parametrize("name", LABEL_NAMES[1:])
def test_labels_are_predicted_each_by_itself(of_labels, name):
    (*_, (_, targets)), found = of_labels
    probabilities = found[name][1]
    assert probabilities.shape == (120, 3)
    assert np.mean((probabilities[:, :2] >= 0.5) == targets[:, :2]) >= 0.95
    assert probabilities[:, 2].min() > 0.9
    assert probabilities.max() <= 1


@pytest.mark.parametrize("name", NUMBER_NAMES[1:])
def test_numbers_are_predicted_better_than_by_the_mean(of_numbers, name):
    (*_, (_, targets)), found = of_numbers
    errors = {n: np.mean((predicted[:, 0] - targets) ** 2) for n, (_, predicted) in found.items()}
    assert found[name][1].shape == (120, 1)
    assert found[name][1].dtype == np.float64
    assert errors[name] < 0.3 * errors["mean"]


def test_the_majority_predicts_the_class_shares_of_all_known_rows():
    parts = [
        (["x"] * 3, np.array([0, 1, 2])),
        (["x"], np.array([1])),
        (["x", "y"], np.array([0, 0])),
    ]
    majority = label_baselines(RECIPE, str.split)[0]
    majority.fit(*parts[0], *parts[1])
    assert majority.predict(parts[2][0]).tolist() == [[0.25, 0.5, 0.25]] * 2


def test_the_mean_is_that_of_all_known_rows():
    mean = regression_baselines(RECIPE, str.split)[0]
    mean.fit(["x", "y"], np.array([1.0, 2.0]), ["z"], np.array([6.0]))
    assert mean.predict(["a"]).tolist() == [[3.0]]


def test_the_same_seed_gives_the_same_predictions_to_the_bit(letters, of_classes):
    for name, (_, predicted) in fitted(letters).items():
        np.testing.assert_array_equal(predicted, of_classes[name][1])


@pytest.mark.parametrize("kind", [label_baselines, regression_baselines])
def test_predictions_do_not_depend_on_the_order_or_number_of_test_rows(letters, kind):
    parts = letters if kind is label_baselines else with_targets(letters, lambda c: c * 1.0)
    texts = parts[2][0]
    for baseline, predicted in fitted(parts, kind).values():
        np.testing.assert_allclose(
            baseline.predict(texts[::-1]), predicted[::-1], rtol=0, atol=1e-12
        )
        np.testing.assert_allclose(baseline.predict(texts[:1]), predicted[:1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", [label_baselines, regression_baselines])
def test_texts_without_units_and_unknown_units_are_predicted(letters, kind):
    parts = letters if kind is label_baselines else with_targets(letters, lambda c: c * 1.0)
    for baseline, _ in fitted(parts, kind).values():
        assert np.isfinite(baseline.predict(["", "never seen", "war"])).all()


@pytest.mark.parametrize("kind", [label_baselines, regression_baselines])
def test_two_texts_without_any_unit_are_enough_to_fit(kind):
    targets = np.array([0, 1]) if kind is label_baselines else np.array([0.0, 1.0])
    parts = [(["", " "], targets), (["", ""], targets), (["", "word"], targets)]
    for name, (_, predicted) in fitted(parts, kind).items():
        # Sixty trees see one class or the other more often by chance.
        np.testing.assert_allclose(predicted, 0.5, atol=0.2, err_msg=name)


def test_on_uninformative_words_no_model_is_overconfident(letters):
    rng = np.random.default_rng(1)
    parts = with_targets(letters, lambda c: rng.integers(0, 2, len(c)))
    truth = parts[2][1]
    for name, (_, predicted) in fitted(parts).items():
        surprise = -np.log(predicted[np.arange(len(truth)), truth]).mean()
        assert surprise < np.log(2) + 0.2, name


def test_choices_are_made_on_the_validation_rows(letters):
    (texts, classes), (other_texts, other_classes), _ = letters
    logistic, nb_svm = label_baselines(RECIPE, str.split)[1:3]
    for baseline in (logistic, nb_svm):
        honest = baseline.fit(texts, classes, other_texts, other_classes).choices
        # Where validation contradicts training, the weakest fit is the least wrong.
        misled = baseline.fit(texts, classes, other_texts, (other_classes + 1) % 3).choices
        assert misled["C"] < honest["C"]


def test_the_final_fit_includes_the_validation_rows():
    for baseline in label_baselines(RECIPE, str.split)[1:]:
        baseline.fit(
            ["war x", "bread x"] * 9, np.array([0, 1] * 9), ["hymn y"] * 9, np.array([1] * 9)
        )
        predicted = baseline.predict(["hymn", "x"])
        assert predicted[0, 1] > predicted[1, 1] + 0.05, baseline.name


def test_held_out_predictions_of_validation_rows_are_made_without_their_targets(letters):
    train, (texts, targets), test = letters
    shuffled = np.random.default_rng(0).permutation(targets)
    found = fitted([train, (texts, shuffled), test])
    for name, (baseline, _) in found.items():
        held_out = baseline.held_out
        assert held_out.shape == (len(targets), 3), name
        np.testing.assert_allclose(held_out.sum(axis=1), 1, err_msg=name)
        if name != "majority":
            assert np.mean(held_out.argmax(axis=1) == targets) > 0.85, name


def test_held_out_predictions_of_labels_are_probabilities_of_each(of_labels):
    (_, (_, targets), _), found = of_labels
    for name, (baseline, _) in found.items():
        held_out = baseline.held_out
        assert held_out.shape == targets.shape, name
        assert 0 <= held_out.min() <= held_out.max() <= 1, name
