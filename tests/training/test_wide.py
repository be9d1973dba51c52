"""The wide part is a penalised linear model, at last fitted on all rows that are not the test's."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from tests.support.training import VOCABULARY, accuracy, examples, loss, plan, same, weights
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from duree.network.batches import Examples
from duree.network.scoring import scores
from duree.network.wide import WideModel
from duree.sequences.ragged import Ragged
from duree.sequences.spelling import character_ngrams
from duree.training import wide as training
from duree.training.plan import Plan
from duree.training.wide import STRENGTHS, WideFit, refit_wide, time_for_the_rest, train_wide

NO_NGRAMS = csr_matrix((VOCABULARY, 0))
# Every unit but the special ones is a word of two syllables.
WORDS = ["", "", "", *("".join(two) for two in product(("ba", "ke", "lo", "mi", "nu"), repeat=2))]
NGRAMS = character_ngrams(WORDS[:VOCABULARY])


def marks(rows: Examples) -> np.ndarray:
    return np.eye(2, dtype=bool)[rows.targets]


def test_it_learns_which_token_decides_and_how_strongly_to_fit() -> None:
    wide, chosen = WideModel(VOCABULARY, 2), plan()
    strength, ngrams = train_wide(wide, chosen, marks(chosen.examples), NGRAMS)
    assert accuracy(scores(wide, chosen.validation.sequences), chosen.validation.targets) > 0.9
    assert strength in STRENGTHS
    assert ngrams.shape in (NGRAMS.shape, NO_NGRAMS.shape)


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


@pytest.mark.parametrize("they_help", [True, False])
def test_characters_are_used_if_they_lower_the_validation_loss(
    they_help: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loss_of(wide: WideModel, plan: Plan) -> float:
        size = float(wide.spelling.detach().abs().sum())
        return -size if they_help else size

    monkeypatch.setattr(training, "_validation_loss", loss_of)
    wide, chosen = WideModel(VOCABULARY, 2), plan()
    _, ngrams = train_wide(wide, chosen, marks(chosen.examples), NGRAMS)
    assert (ngrams.shape[1] > 0) == they_help
    assert bool(wide.spelling.any()) == they_help


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


def test_refitted_it_knows_what_stands_in_validation_rows_alone() -> None:
    # Token 3 decides in training; token 9 stands in validation rows only, and decides there.
    plain = examples(60, 0)
    odd = Examples(Ragged.from_rows([[9, 4, 5], [4, 5, 6]] * 10), np.array([1, 0] * 10))
    chosen = plan()
    chosen = Plan(plain, odd, loss, accuracy, chosen.settings, chosen.seed)
    wide = WideModel(VOCABULARY, 2)
    strength, ngrams = train_wide(wide, chosen, marks(plain), NGRAMS)
    before = scores(wide, odd.sequences)
    every = np.concatenate([marks(plain), marks(odd)])
    refit_wide(wide, chosen, every, ngrams, strength)
    after = scores(wide, odd.sequences)

    def margin(found: np.ndarray) -> float:
        return float((found[::2, 1] - found[::2, 0]).mean())

    assert margin(after) > margin(before) + 0.1


def test_both_fits_and_the_rest_share_the_minutes_that_the_recipe_allows() -> None:
    chosen = plan(max_minutes=1e-9)
    strength, _ = train_wide(WideModel(VOCABULARY, 2), chosen, marks(chosen.examples), NGRAMS)
    assert strength == STRENGTHS[0]
    assert time_for_the_rest(plan(max_minutes=10.0)).settings.max_minutes == pytest.approx(8.0)
    assert time_for_the_rest(plan()).settings.max_minutes is None


def test_refitting_forgets_what_was_learned_before() -> None:
    chosen = plan()
    all_marks = np.concatenate([marks(chosen.examples), marks(chosen.validation)])
    trained, fresh = WideModel(VOCABULARY, 2), WideModel(VOCABULARY, 2)
    train_wide(trained, replace(chosen, seed=1), marks(chosen.examples), NGRAMS)
    for wide in (trained, fresh):
        refit_wide(wide, chosen, all_marks, NGRAMS, 4.0)
    assert same(weights(trained), weights(fresh))
