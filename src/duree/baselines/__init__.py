"""Baselines: what anyone should try before a network, as strong as they can honestly be made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from duree.baselines.forest import Forest, RegressionForest
from duree.baselines.linear import NbSvm, TfidfLogistic, TfidfRidge
from duree.baselines.majority import Majority, Mean
from duree.baselines.ngrams import Ngrams
from duree.recipe import Recipe

Units = Callable[[str], list[str]]


class Baseline(Protocol):
    """A rival of the network. ``choices`` tells what was tuned, ``notes`` what a reader must know."""

    name: ClassVar[str]
    choices: dict[str, Any]
    notes: list[str]

    def fit(
        self,
        texts: list[str],
        targets: NDArray[Any],
        validation_texts: list[str],
        validation_targets: NDArray[Any],
    ) -> None:
        """Choose on the validation rows, then learn from all."""
        ...

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Probabilities or numbers, float64 [rows, outputs]."""
        ...


def label_baselines(recipe: Recipe, units: Units) -> Sequence[Baseline]:
    """Rivals for classes, which take int [rows], or labels, which take 0/1 [rows, labels]."""
    ngrams = Ngrams(units)
    trees, minutes = recipe.judging.forest_trees, recipe.training.max_minutes
    return [
        Majority(),
        TfidfLogistic(ngrams, recipe.seed),
        NbSvm(ngrams, recipe.seed),
        Forest(ngrams, trees, minutes, recipe.seed),
    ]


def regression_baselines(recipe: Recipe, units: Units) -> Sequence[Baseline]:
    """Rivals for numbers; they take float [rows]."""
    ngrams = Ngrams(units)
    trees, minutes = recipe.judging.forest_trees, recipe.training.max_minutes
    return [Mean(), TfidfRidge(ngrams), RegressionForest(ngrams, trees, minutes, recipe.seed)]
