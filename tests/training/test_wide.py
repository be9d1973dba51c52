"""The fit of the wide part is that of a penalised linear model."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from tests.support.training import VOCABULARY, examples, loss, same, weights
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from duree.network.batches import Examples
from duree.network.scoring import scores
from duree.network.wide import WideModel
from duree.sequences.ragged import Ragged
from duree.sequences.spelling import character_ngrams
from duree.training import wide as training
from duree.training.wide import WideFit

NO_NGRAMS = csr_matrix((VOCABULARY, 0))
# Every unit but the special ones is a word of two syllables.
WORDS = ["", "", "", *("".join(two) for two in product(("ba", "ke", "lo", "mi", "nu"), repeat=2))]
NGRAMS = character_ngrams(WORDS[:VOCABULARY])


def marks(rows: Examples) -> np.ndarray:
    return np.eye(2, dtype=bool)[rows.targets]


def test_a_word_is_known_by_the_words_that_are_written_like_it() -> None:
    # Words that end in "mi" decide; one of them is not among the training rows.
    rng = np.random.default_rng(0)
    every = np.arange(3, VOCABULARY)
    ends = np.array([word.endswith("mi") for word in WORDS])
    unseen = int(every[ends[every]][-1])
    drawn = [rng.choice(every[every != unseen], 2, replace=False) for _ in range(200)]
    rows = Examples(Ragged.from_rows(drawn), np.array([int(ends[row].any()) for row in drawn]))
    wide = WideModel(VOCABULARY, 2)
    WideFit(wide, rows, marks(rows), loss, NGRAMS).solve(16.0)
    other = int(every[~ends[every]][0])
    found = scores(wide, Ragged.from_rows([[unseen, other], [other, other]]))
    margin = found[:, 1] - found[:, 0]
    assert margin[0] > margin[1] + 1.0


def test_it_is_logistic_regression_on_tfidf_weights_and_the_roots_of_log_count_ratios() -> None:
    rows = examples(80, 3)
    wide = WideModel(VOCABULARY, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "TOLERANCE", 1e-14)
        WideFit(wide, rows, marks(rows), loss, NO_NGRAMS).solve(4.0)
    held = wide.bags(rows.sequences).toarray()
    held = held[:, held.sum(axis=0) >= 2]
    idf = np.log((1 + len(rows)) / (1 + held.sum(axis=0))) + 1
    features = held * idf
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    yes, no = (held[rows.targets == which].sum(axis=0) + 1 for which in (1, 0))
    ratios = np.abs(np.log(yes / yes.sum()) - np.log(no / no.sum()))
    # Two scores with the same penalty are one with half of it.
    expected = LogisticRegression(C=8.0, tol=1e-10, max_iter=10_000).fit(
        features * np.sqrt(ratios), rows.targets
    )
    found = scores(wide, rows.sequences)
    np.testing.assert_allclose(
        found[:, 1] - found[:, 0],
        expected.decision_function(features * np.sqrt(ratios)),
        atol=2e-3,
    )


def squared(scores: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    each = (scores[:, 0] - targets) ** 2
    return (each if weights is None else weights * each).mean()


@pytest.mark.parametrize("with_weights", [False, True])
def test_the_gradient_is_that_of_the_loss_and_the_penalty(with_weights: bool) -> None:
    rng = np.random.default_rng(0)
    rows = examples(30, 0)
    case = rng.random(30) + 0.5 if with_weights else None
    rows = Examples(rows.sequences, rng.normal(size=30), case)
    fit = WideFit(WideModel(VOCABULARY, 1), rows, rows.targets[:, None] > 0, squared, NGRAMS)
    at, towards = rng.normal(size=fit.found.size), rng.normal(size=fit.found.size)
    above, below = (fit._objective(at + step * towards, 4.0)[0] for step in (1e-5, -1e-5))
    assert fit._objective(at, 4.0)[1] @ towards == pytest.approx((above - below) / 2e-5, rel=1e-6)


def test_numbers_and_several_labels_are_learned_too() -> None:
    rows = examples(200, 0)
    number = Examples(rows.sequences, rows.targets.astype(np.float64))
    wide = WideModel(VOCABULARY, 1)
    WideFit(wide, number, number.targets[:, None] > 0.5, squared, NGRAMS).solve(64.0)
    assert mse_loss(
        torch.from_numpy(scores(wide, rows.sequences)[:, 0]), torch.from_numpy(number.targets)
    ) < 0.5 * float(np.var(number.targets))
    labels = np.stack([rows.targets, 1 - rows.targets], axis=1)
    both = Examples(rows.sequences, labels)

    def of_labels(scores: Tensor, targets: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(scores, targets.to(scores.dtype))

    wide = WideModel(VOCABULARY, 2)
    WideFit(wide, both, labels.astype(bool), of_labels, NGRAMS).solve(64.0)
    assert float(((scores(wide, rows.sequences) > 0) == labels).mean()) > 0.9


def test_the_number_of_threads_changes_nothing() -> None:
    rows = examples(40_000, 0)
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        wide = WideModel(VOCABULARY, 2)
        WideFit(wide, rows, marks(rows), loss, NGRAMS).solve(1.0)
        assert torch.get_num_threads() == threads
        found.append(weights(wide))
    assert same(*found)
