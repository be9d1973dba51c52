"""NB-SVM by hand-computed figures."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from duree.baselines.nb_svm import Fit, NbSvm, _interpolate, _log_count_ratios, _presence
from duree.baselines.ngrams import Ngrams


def test_log_count_ratios_are_those_of_the_paper():
    present = csr_matrix([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    # p = 1 + (2, 1, 0), q = 1 + (0, 1, 1); their sums are 6 and 5.
    expected = np.log(np.array([3, 2, 1]) / 6) - np.log(np.array([1, 2, 2]) / 5)
    np.testing.assert_allclose(_log_count_ratios(present, np.array([1.0, 1.0, 0.0])), expected)


def test_interpolation_draws_weights_towards_their_mean_size():
    one = Fit(np.array([2.0, -1.0]), np.array([3.0, -1.0]), 0.5)
    assert _interpolate([one], 1.0).weights[:, 0].tolist() == [6.0, 1.0]
    assert _interpolate([one], 0.0).weights[:, 0].tolist() == [4.0, -2.0]
    assert _interpolate([one], 0.5).weights[:, 0].tolist() == [5.0, -0.5]
    assert _interpolate([one], 0.5).biases.tolist() == [0.5]


def test_presence_counts_a_repeated_unit_once():
    assert _presence(csr_matrix([[3.0, 0.0, 1.0]])).toarray().tolist() == [[1, 0, 1]]


def test_a_pair_carries_information_that_its_units_do_not():
    # "not good" and "not bad" say the opposite of "good" and "bad".
    texts = ["not good", "bad not", "good", "bad"] * 20
    classes = np.array([0, 0, 1, 0] * 20)
    texts += ["not bad", "good not"] * 20
    classes = np.append(classes, [1, 1] * 20)
    model = NbSvm(Ngrams(str.split), 0).fit(texts, classes, texts[:6], classes[:6])
    predicted = model.predict(["not good", "not bad", "good", "bad"])[:, 1]
    assert (predicted > 0.5).tolist() == [False, True, True, False]
    assert set(model.choices) == {"C", "beta"}


@pytest.mark.parametrize("copies", [1, 5])
def test_repeating_a_word_in_a_text_changes_nothing(copies):
    texts, classes = ["war x", "bread x"] * 20, np.array([0, 1] * 20)
    model = NbSvm(Ngrams(lambda text: sorted(set(text.split()))), 0)
    model.fit(texts, classes, texts, classes)
    predicted = model.predict([" ".join(["war"] * copies)])
    np.testing.assert_array_equal(predicted, model.predict(["war"]))
