"""Baselines: the simpler models that a network is compared with, well tuned.

Settings are chosen on the validation rows; the model is then fitted on training and validation rows
together, since a baseline needs no rows for early stopping.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from duree.baselines.boosted import MOST_STATES, BoostedTrees
from duree.baselines.hidden_markov import HiddenMarkov
from duree.baselines.linear import LeastSquares, LinearBaseline, Logistic
from duree.baselines.linear_svm import LinearSvm
from duree.baselines.majority import Majority
from duree.baselines.markov import (
    LastState,
    Markov,
    nothing_before,
    one_before,
    one_before_and_time,
    two_before,
)
from duree.baselines.nb_svm import NbSvm
from duree.baselines.next_steps import Read, StepBaseline, StepModel
from duree.baselines.ngrams import Features, Ngrams
from duree.baselines.random_forest import Forest
from duree.baselines.rocket import RocketFeatures
from duree.baselines.series_features import SeriesFeatures
from duree.baselines.state_features import StateFeatures
from duree.baselines.step_attributes import Encoding, WithStepFeatures
from duree.baselines.step_forest import StepForest
from duree.baselines.step_logistic import StepLogistic
from duree.baselines.targets import EQUAL_WEIGHTS, CaseWeights
from duree.recipe.recipe import Recipe

Units = Callable[[str], list[str]]

# Values of C and alpha to try: TF-IDF rows have length 1, features of states standard deviation 1.
STRENGTHS, STATE_STRENGTHS = (1.0, 4.0, 16.0, 64.0, 256.0), (0.001, 0.003, 0.01, 0.03, 0.1, 1.0)
PENALTIES, STATE_PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0), (1.0, 10.0, 100.0, 1000.0)

# Series have few features, or the 2,000 of ROCKET, whose paper tries penalties over six orders of
# magnitude too.
SERIES_STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
SERIES_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)

# Name, title and description of linear models on random convolutions, for classes and for numbers.
ROCKET = (
    "rocket",
    "random convolutions (ROCKET)",
    "a linear model on the largest response to each of 1,000 random convolutional kernels, and on "
    "how often it responds (after ROCKET; {dempster2020})",
)
# Descriptions of the forest, which has the features of the linear model before it.
FOREST_OF_TEXTS = "a random forest ({breiman2001}) on TF-IDF weights of units"
FOREST_OF_STATES = "a random forest ({breiman2001}) on the same features"
FOREST_OF_SERIES = "a random forest ({breiman2001}) on the same features of each channel"


class Baseline(Protocol):
    """A model to compare the network with.

    Attributes
    ----------
    name : str
        In ``metrics.json``.
    title : str
        In tables; an English template, translated through the catalogue.
    description : str
        In the methods section: a phrase, with the keys of the works that it cites in braces;
        translated likewise.
    choices : dict
        Settings that were tuned, and their values.
    notes : list of str
        Remarks for the reader, such as that a forest has fewer trees than asked for.
    """

    name: str
    title: str
    description: str
    choices: dict[str, Any]
    notes: list[str]

    def fit(
        self,
        texts: Any,
        targets: Any,
        validation_texts: Any,
        validation_targets: Any,
        weights: CaseWeights = EQUAL_WEIGHTS,
    ) -> Self:
        """Tune on the validation rows, then fit on all rows.

        Targets are class indices int [rows], 0/1 labels int [rows, labels] or numbers float [rows].
        """
        ...

    def predict(self, texts: Any) -> NDArray[np.float64]:
        """Probabilities or numbers, float64 [rows, outputs]."""
        ...


class LabelBaseline(Baseline, Protocol):
    """A baseline for classes or labels.

    Attributes
    ----------
    held_out : float64 [validation rows, outputs]
        Predictions of the validation rows by a model that was not fitted on them.
    """

    @property
    def held_out(self) -> NDArray[np.float64]: ...


def label_baselines(
    recipe: Recipe, units: Units | None, encoding: Encoding | None = None, *, states: bool = False
) -> Sequence[LabelBaseline]:
    """Baselines for classes or labels.

    ``units`` splits a text into all its units, none truncated; None: the rows are series of
    numbers. ``encoding`` reads the attributes of steps, where there are any. ``states``: the units
    are states or events, and not words.
    """
    majority = Majority(
        "majority", "majority class", "the most frequent class of the training rows"
    )
    if units is None:
        return [
            majority,
            LinearBaseline(
                "series_logistic",
                "series features + logistic regression",
                "logistic regression on length and, of each channel, the share of missing steps, "
                "mean, standard deviation, quartiles, extremes, first and last value, slope, mean "
                "absolute change, autocorrelation and the place of the largest value",
                SeriesFeatures(),
                _standardised,
                Logistic(SERIES_STRENGTHS, recipe.seed, dual=False),
            ),
            LinearBaseline(
                *ROCKET,
                RocketFeatures(recipe.seed),
                _standardised,
                Logistic(SERIES_STRENGTHS, recipe.seed, dual=False),
            ),
            _forest(SeriesFeatures(), recipe, FOREST_OF_SERIES),
        ]
    if states:
        features = _state_features(recipe, units, encoding)
        logistic = LinearBaseline(
            "state_logistic",
            "states + logistic regression",
            "logistic regression on times spent in each state, spells, and the first and last "
            "states ({studer2016})",
            features,
            _scaled,
            Logistic(STATE_STRENGTHS, recipe.seed),
        )
        return [majority, logistic, _forest(features, recipe, FOREST_OF_STATES)]
    ngrams = Ngrams(units)
    logistic = LinearBaseline(
        "tfidf_logistic",
        "TF-IDF + logistic regression",
        "logistic regression on TF-IDF weights ({sparckjones1972}) of units and pairs of "
        "neighbouring units",
        ngrams,
        _tfidf,
        Logistic(STRENGTHS, recipe.seed),
    )
    forest = _forest(ngrams, recipe, FOREST_OF_TEXTS)
    machine = LinearSvm(ngrams, recipe.seed)
    return [majority, logistic, NbSvm(ngrams, recipe.seed), machine, forest]


def regression_baselines(
    recipe: Recipe, units: Units | None, encoding: Encoding | None = None, *, states: bool = False
) -> Sequence[Baseline]:
    """Baselines for numbers; the parameters are those of ``label_baselines``."""
    mean = Majority("mean", "training mean", "the mean of the training rows")
    if units is None:
        return [
            mean,
            LinearBaseline(
                "series_ridge",
                "series features + ridge regression",
                "ridge regression ({hoerl1970}) on length and, of each channel, the share of "
                "missing steps, mean, standard deviation, quartiles, extremes, first and last "
                "value, slope, mean absolute change, autocorrelation and the place of the largest "
                "value",
                SeriesFeatures(),
                _standardised,
                LeastSquares(SERIES_PENALTIES),
            ),
            LinearBaseline(
                *ROCKET,
                RocketFeatures(recipe.seed),
                _standardised,
                LeastSquares(SERIES_PENALTIES),
            ),
            _forest(SeriesFeatures(), recipe, FOREST_OF_SERIES),
        ]
    if states:
        features = _state_features(recipe, units, encoding)
        ridge = LinearBaseline(
            "state_ridge",
            "states + ridge regression",
            "ridge regression ({hoerl1970}) on times spent in each state, spells, and the first "
            "and last states ({studer2016})",
            features,
            _scaled,
            LeastSquares(STATE_PENALTIES),
        )
        return [mean, ridge, _forest(features, recipe, FOREST_OF_STATES)]
    ngrams = Ngrams(units)
    ridge = LinearBaseline(
        "tfidf_ridge",
        "TF-IDF + ridge regression",
        "ridge regression ({hoerl1970}) on TF-IDF weights ({sparckjones1972}) of units and pairs "
        "of neighbouring units",
        ngrams,
        _tfidf,
        LeastSquares(PENALTIES),
    )
    return [mean, ridge, _forest(ngrams, recipe, FOREST_OF_TEXTS)]


def next_baselines(read: Read, states: int, recipe: Recipe, *, on_grid: bool) -> Sequence[Baseline]:
    """Baselines for the next step.

    ``read`` turns texts into steps, whose states are numbers below ``states``; ``on_grid``: whether
    steps at the same place are at the same time in all sequences.
    """

    def shares() -> Markov:
        return Markov(
            "majority",
            states,
            nothing_before,
            title="most frequent state",
            description="the shares of the states among all steps",
        )

    def first_order() -> Markov:
        return Markov(
            "markov",
            states,
            one_before,
            shares(),
            title="Markov chain",
            description="a Markov chain, smoothed towards those shares ({mackay1995})",
        )

    models: list[StepModel] = [LastState(states), shares(), first_order()]
    models.append(
        Markov(
            "markov_2",
            states,
            two_before,
            first_order(),
            title="Markov chain of order 2",
            description="a chain of order 2, smoothed towards the first",
        )
    )
    if on_grid:
        models.append(
            Markov(
                "markov_by_time",
                states,
                one_before_and_time,
                first_order(),
                title="Markov chain by time",
                description="a chain with separate transition probabilities for each time point, "
                "smoothed towards the first",
            )
        )
    if find_spec("hmmlearn"):
        models.append(HiddenMarkov(states, recipe.seed))
    if states <= MOST_STATES:
        models.append(StepLogistic(states, recipe.seed))
        trees = recipe.evaluation.forest_trees
        models.append(StepForest(states, trees, recipe.seed, _threads()))
        models.append(BoostedTrees(states, recipe.seed))
    return [StepBaseline(model, read) for model in models]


def _state_features(recipe: Recipe, units: Units, encoding: Encoding | None) -> Features:
    features = StateFeatures(units, len(recipe.data.covariate))
    return features if encoding is None else WithStepFeatures(features, encoding)


def _tfidf() -> TfidfTransformer:
    """TF-IDF with logarithmic counts; rows have length 1."""
    return TfidfTransformer(sublinear_tf=True)


def _scaled() -> StandardScaler:
    """Features scaled to standard deviation 1."""
    return StandardScaler(with_mean=False)


def _standardised() -> Any:
    """Features standardised to mean 0 and standard deviation 1."""
    return make_pipeline(FunctionTransformer(csr_matrix.toarray), StandardScaler())


def _threads() -> int:
    """OMP_NUM_THREADS, or the number of cores."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return int(threads) if threads.isdigit() and int(threads) > 0 else os.cpu_count() or 1


def _forest(features: Features, recipe: Recipe, description: str) -> Forest:
    return Forest(
        features,
        recipe.evaluation.forest_trees,
        recipe.seed,
        threads=_threads(),
        max_minutes=recipe.training.max_minutes,
        description=description,
    )
