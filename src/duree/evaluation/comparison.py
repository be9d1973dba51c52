"""Comparison of the network with each baseline, paired on the same rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from duree.evaluation.resampling import Trial
from duree.evaluation.uncertainty import LEVEL, Interval, interval, p_value
from duree.evaluation.weighted_metrics import Floats
from duree.results.metrics_file import NETWORK, Comparison


def compare(
    models: Mapping[str, Floats],
    values: Mapping[str, Mapping[str, float]],
    drawn: Mapping[str, Mapping[str, Floats]],
    trial: Trial,
) -> list[Comparison]:
    """The network against every other model: by paired bootstrap in every metric that both have.

    In the primary metric there is a second test, which keeps its level on few rows too: McNemar's
    where that metric is the share of correct rows and rows are independent, else a paired
    permutation test (with the bootstrap's interval, as it has none of its own).
    """
    found = []
    for model in (name for name in models if name != NETWORK):
        for metric in (name for name in values[NETWORK] if name in values[model]):
            difference = values[NETWORK][metric] - values[model][metric]
            differences = drawn[NETWORK][metric] - drawn[model][metric]
            between = interval(differences, trial.sample.units)
            if between is None:
                continue
            p = p_value(differences, trial.sample.units)
            least = p_value(np.abs(differences) + 1.0, trial.sample.units)
            method = _by_group("paired bootstrap", trial)
            found.append(Comparison(model, metric, difference, *between, p, method, p == least))
            if metric == trial.metrics.primary:
                exact = _second_test(models[NETWORK], models[model], trial, between)
                found.append(Comparison(model, metric, difference, *exact))
    return found


def _second_test(
    network: Floats, baseline: Floats, trial: Trial, between: Interval
) -> tuple[float, float, float, str, bool]:
    right = trial.metrics.right
    if right is not None and trial.sample.is_plain:
        marks = (right(found, trial.targets) for found in (network, baseline))
        return *mcnemar(*marks), "McNemar exact", False
    p = permutation_p_value(network, baseline, trial)
    least = 1 / (trial.resamples + 1)
    return *between, p, _by_group("paired permutation", trial), p == least


def _by_group(method: str, trial: Trial) -> str:
    return f"{method} by group" if trial.sample.grouped else method


def mcnemar(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Difference of two shares of correct rows: its 95 % interval, and McNemar's exact p-value.

    Both depend on the discordant rows alone, and agree: the interval is Clopper & Pearson's for the
    share of these that ``one`` predicted correctly. Without any discordant row it contains the
    differences at which none would occur in 2.5 % of samples.

    Source: McNemar 1947; Clopper & Pearson 1934.
    """
    rows, only_one, only_other = len(one), int((one & ~other).sum()), int((other & ~one).sum())
    discordant = only_one + only_other
    if discordant == 0:
        unseen = 1 - ((1 - LEVEL) / 2) ** (1 / rows)
        return -unseen, unseen, 1.0
    test = binomtest(only_one, discordant)
    share = test.proportion_ci(LEVEL, "exact")
    scale = discordant / rows
    return (2 * share.low - 1) * scale, (2 * share.high - 1) * scale, float(test.pvalue)


def permutation_p_value(one: Floats, other: Floats, trial: Trial) -> float:
    """Two-sided p-value of the hypothesis that two models are exchangeable in the primary metric.

    The predictions of every row (or group) are swapped at random; the p-value is the share of
    permutations with a difference as large as the observed one.

    Source: Pitman 1937; Phipson & Smyth 2010 (why 1 is added).
    """
    targets = np.concatenate([trial.targets, trial.targets])
    one, other = trial.scored(one), trial.scored(other)
    here, there = (
        trial.metrics.prepare(np.concatenate(pair), targets)[trial.metrics.primary]
        for pair in ((one, other), (other, one))
    )

    def distance(swaps: Floats) -> Floats:
        weights = np.concatenate([trial.drawn.weighed(drawn) for drawn in (1 - swaps, swaps)])
        return np.abs(here(weights) - there(weights))

    # Sums in another order differ in the last digits.
    found = distance(np.zeros((len(one), 1)))[0] * (1 - 1e-9)
    as_far = sum(int((distance(swaps) >= found).sum()) for swaps in trial.swaps())
    return (as_far + 1) / (trial.resamples + 1)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values adjusted for multiple comparisons (Holm 1979)."""
    adjusted, largest = {}, 0.0
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda pair: pair[1])):
        largest = max(largest, min(1.0, p * (len(p_values) - place)))
        adjusted[name] = largest
    return adjusted
