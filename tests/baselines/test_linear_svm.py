"""The linear SVM on words and characters."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from duree.baselines import linear_svm
from duree.baselines.linear_svm import LinearSvm
from duree.baselines.nb_svm import NbSvm
from duree.baselines.ngrams import Ngrams
from duree.baselines.targets import CaseWeights


def fitted(texts, targets, weights=None) -> LinearSvm:
    held_out = slice(None, None, 3)
    case = CaseWeights() if weights is None else CaseWeights(weights, weights[held_out])
    model = LinearSvm(Ngrams(str.split), 0)
    return model.fit(texts, targets, texts[held_out], targets[held_out], case)


def test_classes_are_learned_and_probabilities_add_up_to_one(letters):
    (texts, classes), (held_out, held_out_classes), (new, expected) = letters
    model = LinearSvm(Ngrams(str.split), 0).fit(texts, classes, held_out, held_out_classes)
    found = model.predict(new)
    assert f1_score(expected, found.argmax(axis=1), average="macro") > 0.95
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert set(model.choices) == {"C", "class weights"}


def test_a_word_that_training_never_saw_is_known_by_its_characters():
    texts = [f"{word} ship" for word in ("sailing", "sailors", "sailed", "farming", "farmers")] * 8
    classes = np.array([0, 0, 0, 1, 1] * 8)
    found = fitted(texts, classes).predict(["sailor ship", "farmer ship"]).argmax(axis=1)
    assert found.tolist() == [0, 1]


def test_texts_that_another_baseline_has_split_are_not_split_again(letters):
    (texts, classes), (held_out, held_out_classes), (new, _) = letters
    split = []
    ngrams = Ngrams(lambda text: split.append(text) or text.split())
    for kind in (NbSvm, LinearSvm, NbSvm):
        kind(ngrams, 0).fit(texts, classes, held_out, held_out_classes).predict(new)
    assert len(split) == len(texts) + len(held_out) + len(new)


def test_very_many_characters_are_left_out(monkeypatch):
    texts, classes = ["war x", "bread x"] * 20, np.array([0, 1] * 20)
    monkeypatch.setattr(linear_svm, "MOST_CHARACTERS", 100)
    model = fitted(texts, classes)
    assert model.of_characters is None
    assert model.predict(["war", "bread"]).argmax(axis=1).tolist() == [0, 1]


def test_several_labels_are_learned_one_by_one():
    texts = ["war", "bread", "war bread", "rain"] * 15
    labels = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]] * 15)
    found = fitted(texts, labels).predict(["war", "bread", "war bread"])
    assert found.shape == (3, 3)
    assert (found > 0.5).tolist() == [
        [True, False, False],
        [False, True, False],
        [True, True, False],
    ]


def test_a_rare_class_is_found_where_balance_pays():
    rng = np.random.default_rng(0)
    rare = np.arange(300) % 15 == 0
    texts = [
        " ".join([*rng.choice(list("abcdefgh"), 6), *(["odd"] if r and rng.random() < 0.8 else [])])
        for r in rare
    ]
    model = fitted(texts, rare.astype(int))
    assert model.predict(["odd a b c"])[0, 1] > 0.5


@pytest.mark.parametrize("texts", [["", ""], ["a", "b"], ["酒店 好", "酒店 差"]])
def test_texts_with_little_or_nothing_in_common_are_fitted_too(texts):
    found = fitted(texts * 6, np.array([0, 1] * 6)).predict(texts)
    assert np.isfinite(found).all()


def test_rows_of_no_weight_change_nothing():
    texts, classes = ["war x", "bread x", "war y", "bread y"] * 9, np.array([0, 1, 0, 1] * 9)
    weights = np.tile([1.0, 1.0, 0.0, 0.0], 9)
    flipped = np.where(weights == 0, 1 - classes, classes)
    found = [
        fitted(texts, each, weights).predict(texts).argmax(axis=1) for each in (classes, flipped)
    ]
    np.testing.assert_array_equal(*found)
