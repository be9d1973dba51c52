"""The fit of the wide part: a penalised linear model, solved to its optimum.

Weights are those of logistic or ridge regression on TF-IDF features, each feature multiplied by the
square root of its log-count ratio, so that predictive features are penalised less (after NB-SVM:
Wang & Manning 2012).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags

from duree.network.batches import Examples
from duree.network.contracts import Criterion
from duree.network.wide import WideModel

Floats = NDArray[np.float64]

# The power of log-count ratios by which features are multiplied.
RATIO_POWER = 0.5
# Units and pairs of a single row cannot be shared with another, and cost memory.
LEAST_SEEN = 2
# L-BFGS (Liu & Nocedal 1989): pairs of vectors it remembers, the relative gain at which it ends,
# and its most steps.
MEMORY, TOLERANCE, MOST_STEPS = 5, 1e-6, 200
# Rows whose n-grams are counted at a time, to bound memory.
CHUNK = 500


class WideFit:
    """Fits of a wide part to the same rows, one strength after another.

    Parameters
    ----------
    wide : WideModel
        Its weights are replaced.
    rows : Examples
    indicators : bool [rows, outputs]
    criterion : Criterion
    ngrams : csr_matrix [units, n-grams]
    """

    def __init__(
        self,
        wide: WideModel,
        rows: Examples,
        indicators: NDArray[np.bool_],
        criterion: Criterion,
        ngrams: csr_matrix,
    ) -> None:
        self.wide, self.criterion, self.answers = wide, criterion, rows.answer_tensors
        marks = indicators.astype(np.float64)
        bags = wide.bags(rows.sequences)
        units = bags[:, : wide.vocabulary_size]
        self.columns = np.flatnonzero(bags.getnnz(axis=0) >= LEAST_SEEN)
        words = bags[:, self.columns]
        held = _Counts(words.sum(axis=0).A1, words.T @ marks)
        spelled = _counts_of_products(units, ngrams, marks)
        self.idf, self.ngram_idf = held.idf(len(rows)), spelled.idf(len(rows))
        self.ratios = np.concatenate([held.ratios(), spelled.ratios()])
        self.spelling_size = ngrams @ self.ngram_idf**2
        self.words = _over(words @ diags(self.idf), words @ self.idf**2)
        self.units = _over(units, units @ self.spelling_size)
        self.weighted_ngrams = csr_matrix(ngrams @ diags(self.ngram_idf))
        # The last row is the bias.
        self.found = np.zeros((len(self.ratios) + 1, marks.shape[1]))

    def solve(self, strength: float) -> None:
        """Fit, beginning where the fit before ended, and set the weights of the wide part."""
        with one_thread():
            found = minimize(
                self._objective,
                self.found.ravel(),
                args=(strength,),
                jac=True,
                method="L-BFGS-B",
                options={"maxcor": MEMORY, "ftol": TOLERANCE, "maxiter": MOST_STEPS},
            )
        self.found = found.x.reshape(self.found.shape)
        weights, columns = self.found[:-1] * self.ratios, len(self.columns)
        wide, size = self.wide, np.zeros(len(self.wide.weight))
        size[self.columns] = self.idf**2
        of_words = np.zeros(wide.weight.shape)
        of_words[self.columns] = self.idf[:, None] * weights[:columns]
        state = {
            "weight": of_words,
            "size": size,
            "spelling": self.weighted_ngrams @ weights[columns:],
            "spelling_size": self.spelling_size,
            "bias": self.found[-1],
        }
        wide.load_state_dict({name: torch.from_numpy(each) for name, each in state.items()})

    def _objective(self, flat: Floats, strength: float) -> tuple[float, Floats]:
        """Loss and penalty, and their gradient."""
        parameters = flat.reshape(self.found.shape)
        weights, columns = parameters[:-1] * self.ratios, len(self.columns)
        sums = self.words @ weights[:columns]
        sums += self.units @ (self.weighted_ngrams @ weights[columns:])
        scored = torch.from_numpy(sums + parameters[-1]).requires_grad_()
        loss = strength * len(scored) * self.criterion(scored, *self.answers)
        slopes = torch.autograd.grad(loss, scored)[0].numpy()
        of_ngrams = self.weighted_ngrams.T @ (self.units.T @ slopes)
        gradient = np.concatenate([self.words.T @ slopes, of_ngrams]) * self.ratios
        gradient += parameters[:-1]
        penalty = 0.5 * float((parameters[:-1] ** 2).sum())
        every = np.concatenate([gradient, slopes.sum(axis=0, keepdims=True)])
        return loss.item() + penalty, every.ravel()


@dataclass(frozen=True)
class _Counts:
    """In how many rows each feature is: float64 [features]; and in how many positive ones,
    [features, outputs]."""

    rows: Floats
    positive: Floats

    def idf(self, rows: int) -> Floats:
        """Inverse document frequency, smoothed as if one more row had every feature."""
        return np.asarray(np.log((1 + rows) / (1 + self.rows)) + 1)

    def ratios(self) -> Floats:
        """The power of the size of the log-count ratios, [features, outputs]."""
        yes, no = self.positive + 1, self.rows[:, None] - self.positive + 1
        ratios = np.log(yes / yes.sum(axis=0)) - np.log(no / no.sum(axis=0))
        return np.asarray(np.abs(ratios) ** RATIO_POWER)


def _counts_of_products(units: csr_matrix, ngrams: csr_matrix, marks: Floats) -> _Counts:
    """The counts of the n-grams of the units of rows."""
    rows, positive = np.zeros(ngrams.shape[1]), np.zeros((ngrams.shape[1], marks.shape[1]))
    for begin in range(0, units.shape[0], CHUNK):
        chunk = slice(begin, begin + CHUNK)
        present = csr_matrix(units[chunk] @ ngrams)
        present.data[:] = 1.0
        rows += present.sum(axis=0).A1
        positive += present.T @ marks[chunk]
    return _Counts(rows, positive)


def _over(features: csr_matrix, squares: Floats) -> csr_matrix:
    """Rows over their lengths."""
    return csr_matrix(diags(1 / np.sqrt(np.maximum(squares, 1.0))) @ features)


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums do not depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
