"""How often the verdict claims a difference: without signal, and with a difference of known size.

    OMP_NUM_THREADS=2 python benchmarks/no_signal.py

Without signal no model can be better than another, and at most 5 % of 200 runs may claim so. In
the first three scenarios, cheap models are trained on words that are independent of the labels (a
small perceptron in place of the network). In the others all models predict at random from the same
distribution, because trained ones would truly differ: a model that fits noise in quantities or rare
labels is worse than the mean.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import norm
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.neural_network import MLPClassifier

from duree.evaluation.evaluate import evaluate_models
from duree.evaluation.metrics import CLASSIFICATION, MULTILABEL, REGRESSION, MetricSet

RUNS = 200
MOST_CLAIMS = 0.05
NAMES = ("network", "tfidf_logistic", "nb_svm", "random_forest")


@dataclass(frozen=True)
class Data:
    """What is evaluated in one run."""

    models: dict[str, NDArray[np.float64]]
    targets: NDArray[Any]
    metrics: MetricSet
    groups: NDArray[np.int64] | None = None


Draw = Callable[[np.random.Generator], Data]


def main() -> None:
    """Print the share of runs with a claim; exit with status 1 if it is too large."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"without signal, {RUNS} runs each: claims that the network is better or worse")
    scenarios: dict[str, Draw] = {
        "trained, 2 classes, 100 test rows": lambda rng: trained(rng, 2, 100),
        "trained, 2 classes, 20 test rows": lambda rng: trained(rng, 2, 20),
        "trained, 3 classes, 99 test rows": lambda rng: trained(rng, 3, 99),
        "2 classes, 20 authors of 10 rows": by_author,
        "numbers, 60 rows, skewed errors": numbers,
        "numbers, 12 authors of 10 rows": numbers_by_author,
        "5 labels, 60 rows": some_labels,
    }
    shares = [print_claims(name, draw) for name, draw in scenarios.items()]
    print("\nwith a true difference: detected by the verdict (expected of a single test)")
    for rows in (100, 200, 400, 800, 1600):
        print_power(
            f"accuracy 0.80 against 0.75, {rows} rows", classes_apart(rows), 0.05, 0.15, rows
        )
    for rows in (25, 50, 100, 200):
        print_power(f"MAE 0.90 against 1.00, {rows} rows", numbers_apart(rows), 0.1, 0.09, rows)
    sys.exit(max(shares) > MOST_CLAIMS)


def print_claims(name: str, draw: Draw) -> float:
    """Print and return the share of runs that claim a difference."""
    claims = [claim_of(draw, seed) for seed in range(RUNS)]
    better, worse = (claims.count(claim) / RUNS for claim in ("better", "worse"))
    print(f"{name:36} better {better:6.1%}   worse {worse:6.1%}   any {better + worse:6.1%}")
    return better + worse


def print_power(name: str, draw: Draw, difference: float, square: float, rows: int) -> None:
    """Print how often a true difference is detected, and the power of a z-test.

    ``square`` is the mean squared difference per row.
    """
    claims = [claim_of(draw, seed) for seed in range(RUNS)]
    error = np.sqrt((square - difference**2) / rows)
    expected = norm.cdf(difference / error - norm.ppf(0.975))
    found, wrong = (claims.count(claim) / RUNS for claim in ("better", "worse"))
    print(f"{name:36} found {found:6.1%} ({expected:.1%})   wrong sign {wrong:6.1%}")


def claim_of(draw: Draw, seed: int) -> str:
    """The verdict's claim in one run."""
    data = draw(np.random.default_rng(seed))
    evaluation = evaluate_models(
        data.models, data.targets, data.metrics, groups=data.groups, seed=seed
    )
    return evaluation.verdict.claim


def trained(rng: np.random.Generator, classes: int, test_rows: int) -> Data:
    """Models trained on 200 texts of random words; classes are balanced in the test set."""
    words = rng.poisson(0.3, size=(200 + test_rows, 60))
    train, test = words[:200], words[200:]
    labels = rng.integers(classes, size=200)
    targets = rng.permutation(np.arange(test_rows) % classes)
    seed = int(rng.integers(1 << 31))
    models = {
        "network": MLPClassifier((16,), max_iter=30, random_state=seed),
        "majority": DummyClassifier(),
        "tfidf_logistic": LogisticRegression(),
        "nb_svm": MultinomialNB(),
        "random_forest": RandomForestClassifier(20, random_state=seed),
    }
    found = {name: model.fit(train, labels).predict_proba(test) for name, model in models.items()}
    return Data(found, targets, CLASSIFICATION)


def by_author(rng: np.random.Generator) -> Data:
    """Each author has one class, and each model a random effect for each author."""
    author = np.repeat(np.arange(20), 10)
    targets = rng.integers(2, size=20)[author]
    models = {
        name: softmax(2 * rng.normal(size=(20, 2))[author] + rng.normal(size=(200, 2)), axis=1)
        for name in NAMES
    }
    return Data(models, targets, CLASSIFICATION, author)


def numbers(rng: np.random.Generator) -> Data:
    """Quantities with a long tail."""
    targets = rng.exponential(size=60)
    models = {name: 1 + 0.5 * rng.normal(size=(60, 1)) for name in NAMES}
    return Data(models, targets, REGRESSION)


def numbers_by_author(rng: np.random.Generator) -> Data:
    """Each author has a level, and each model an error of the same size for each author."""
    author = np.repeat(np.arange(12), 10)
    targets = rng.normal(size=12)[author] + 0.5 * rng.normal(size=120)
    models = {
        name: (rng.normal(size=12)[author] + 0.2 * rng.normal(size=120))[:, None] for name in NAMES
    }
    return Data(models, targets, REGRESSION, author)


def some_labels(rng: np.random.Generator) -> Data:
    """Labels, each of a third of the rows."""
    targets = (rng.random((60, 5)) < 1 / 3).astype(np.int64)
    return Data({name: rng.beta(1, 2, size=(60, 5)) for name in NAMES}, targets, MULTILABEL)


def classes_apart(rows: int) -> Draw:
    """Only the network is right in 10 % of the rows, only the baseline in 5 %, both in 70 %."""

    def draw(rng: np.random.Generator) -> Data:
        outcome = rng.choice(4, p=[0.70, 0.10, 0.05, 0.15], size=rows)
        targets = rng.integers(2, size=rows)
        right = {"network": outcome <= 1, "tfidf_logistic": outcome % 2 == 0}
        chosen = {name: np.where(hit, targets, 1 - targets) for name, hit in right.items()}
        models = {
            name: np.where(np.eye(2)[choice] == 1, 0.8, 0.2) for name, choice in chosen.items()
        }
        return Data(models, targets, CLASSIFICATION)

    return draw


def numbers_apart(rows: int) -> Draw:
    """The network's error is 0.9, the baseline's 0.1 more on average (SD 0.28)."""

    def draw(rng: np.random.Generator) -> Data:
        error = np.full(rows, 0.9)
        excess = rng.normal(0.1, np.sqrt(0.08), size=rows)
        models = {"network": error[:, None], "tfidf_ridge": (error + excess)[:, None]}
        return Data(models, np.zeros(rows), REGRESSION)

    return draw


if __name__ == "__main__":
    main()
