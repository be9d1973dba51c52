"""The verdict: whether the network was worth it, in a few plain words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Literal

import numpy as np

from duree.errors import translate
from duree.evaluation.comparison import holm
from duree.evaluation.metrics import MetricSet
from duree.evaluation.resampling import Sample
from duree.evaluation.uncertainty import NORMAL
from duree.results.metric import Metric, known_metric
from duree.results.run_files import NETWORK, Comparison

# The share of runs on data without signal in which a difference may be claimed.
SIGNIFICANCE = 0.05
# Fewer test rows (or groups of them) than this leave every interval rough.
FEW_UNITS = 30
# Standard errors that a difference must measure to be found in 80 of 100 tries.
FINDABLE = NORMAL + 0.8416
# More rows than this are out of anyone's reach.
MOST_ROWS = 10_000_000
# What the sentences call the network's own figure and its interval.
ENDS = {"value": "network", "low": "low", "high": "high"}

BETTER = (
    "The network is better than every baseline: on {rows} test {counted} its {metric} is "
    "{network}, that of the best of them, {baseline}, {best} (network minus baseline "
    "{difference}, 95 % interval {low} to {high})."
)
WORSE = (
    "A baseline wins, use {baseline}: on {rows} test {counted} its {metric} is {best}, the "
    "network's {network} (network minus baseline {difference}, 95 % interval {low} to {high})."
)
NO_DIFFERENCE = (
    "The network and {baseline} cannot be told apart on {rows} test {counted}: {metric} {network} "
    "against {best} (network minus baseline {difference}, 95 % interval {low} to {high}); "
    "{baseline} is the simpler choice."
)
WITHIN_SEEDS = (
    "The network and {baseline} cannot be told apart: {metric} {network} against {best} on {rows} "
    "test {counted}, and networks from {seeds} seeds differ by {spread} among themselves."
)
ALONE = (
    "On {rows} test {counted} the network's {metric} is {network} (95 % interval {low} to {high}); "
    "without baselines nothing tells whether it was worth it."
)
NEEDED = " To tell a difference of this size takes about {needed} test {counted}."
NOTHING_LEARNED = (
    " Nothing shows that the network learned more than to always give the same answer."
)
FEW = " With so few test {counted} every figure is rough."
FEW_GROUPS = " With test {counted} from {units} groups only, every figure is rough."


Claim = Literal["better", "worse", "none"]


@dataclass(frozen=True)
class Verdict:
    """Sentences as templates and values, so that they can be told in several languages.

    ``claim`` is "better" or "worse" (than the baselines, of the network), or "none".
    """

    claim: Claim
    templates: tuple[str, ...]
    values: dict[str, object]

    def sentence(self, language: str = "en") -> str:
        """The verdict in ``language``."""
        shown = {
            name: translate(value, language) if isinstance(value, str) else value
            for name, value in self.values.items()
        }
        return "".join(translate(part, language) for part in self.templates).format(**shown)


@dataclass(frozen=True)
class Evidence:
    """What all tests together say of the network against one baseline.

    Attributes
    ----------
    gain : float
        How much better the network is (below 0: worse).
    difference, low, high : float
        Network minus baseline; the interval holds those of all tests.
    p_value : float
        The largest of all tests, adjusted for all baselines.
    within_seeds : bool
        The difference is no larger than that of networks from different seeds.
    """

    model: str
    gain: float
    difference: float
    low: float
    high: float
    p_value: float
    within_seeds: bool

    @property
    def is_claimed(self) -> bool:
        """Whether the two may be told apart."""
        return self.p_value < SIGNIFICANCE and not self.within_seeds


def decide(
    models: Mapping[str, Mapping[str, Mapping[str, float]]],
    comparisons: Collection[Comparison],
    metrics: MetricSet,
    sample: Sample,
    *,
    constant: Collection[str] = (),
    seeds: Mapping[str, list[float]] | None = None,
) -> Verdict:
    """Hold the network against the baselines in the primary metric.

    A difference is claimed only if every test of it does so after Holm's correction for the number
    of baselines, and if it exceeds the spread of the seeds. "Better" means better than each.

    Parameters
    ----------
    models : {model: {metric: {"value", "low", "high"}}}
    comparisons : collection of Comparison
        Of the network with the baselines.
    metrics : MetricSet
    sample : Sample
    constant : collection of str
        Baselines that give every row the same answer.
    seeds : {metric: values}, optional
        The same figures of networks from several seeds.
    """
    primary, network, rows = metrics.metrics[0], models[NETWORK], len(sample.unit)
    metric = primary.name
    write = _writer(primary, network[metric]["value"])
    of_seeds = (seeds or {}).get(metric, [network[metric]["value"]])
    evidence = weigh(comparisons, primary, float(np.ptp(of_seeds)))
    values: dict[str, object] = {
        "metric": primary.title,
        "counted": metrics.counted,
        "rows": f"{rows:,}",
        "units": sample.units,
        "seeds": len(of_seeds),
        "spread": write(np.ptp(of_seeds)),
    } | {name: write(network[metric][end]) for end, name in ENDS.items()}
    few = (FEW_GROUPS if sample.grouped else FEW,) if sample.units < FEW_UNITS else ()
    if not evidence:
        return Verdict("none", (ALONE, *few), values)
    claim, against = conclude(evidence)
    needed = rows_needed(against, rows)
    values |= {
        "baseline": against.model,
        "best": write(models[against.model][metric]["value"]),
        "needed": f"{needed:,}",
    } | {end: write(getattr(against, end), "+") for end in ("difference", "low", "high")}
    undecided = WITHIN_SEEDS if against.within_seeds else NO_DIFFERENCE
    first = {"better": BETTER, "worse": WORSE, "none": undecided}[claim]
    further = {
        NEEDED: first == NO_DIFFERENCE and rows < needed < MOST_ROWS,
        NOTHING_LEARNED: _is_chance(network, metrics, evidence, constant),
    }
    sentences = (first, *(sentence for sentence, is_true in further.items() if is_true), *few)
    return Verdict(claim, sentences, values)


def weigh(
    comparisons: Collection[Comparison], metric: Metric | str, spread: float
) -> list[Evidence]:
    """All tests in one metric together, the strongest baseline first.

    A name alone stands for the metric of version 0.1.0.
    """
    if isinstance(metric, str):
        metric = known_metric(metric)
    by_model: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        if comparison.metric == metric.name:
            by_model.setdefault(comparison.model, []).append(comparison)
    largest = {model: max(test.p_value for test in tests) for model, tests in by_model.items()}
    adjusted = holm(largest)
    evidence = [
        Evidence(
            model,
            metric.gain(tests[0].difference),
            tests[0].difference,
            min(test.low for test in tests),
            max(test.high for test in tests),
            adjusted[model],
            abs(tests[0].difference) <= spread and spread > 0,
        )
        for model, tests in by_model.items()
    ]
    return sorted(evidence, key=lambda against: against.gain)


def conclude(evidence: list[Evidence]) -> tuple[Claim, Evidence]:
    """What may be claimed, and the strongest baseline that decides it; ``evidence`` as weighed."""
    winners = [against for against in evidence if against.is_claimed and against.gain < 0]
    unbeaten = [against for against in evidence if not against.is_claimed]
    if winners:
        return "worse", winners[0]
    if unbeaten:
        return "none", unbeaten[0]
    return "better", evidence[0]


def rows_needed(against: Evidence, rows: int) -> int:
    """About how many rows tell a true difference of this size in 80 of 100 tries, in two digits.

    Source: the usual formula for a normal mean (Cohen 1988), the standard error taken
    from the interval.
    """
    error = (against.high - against.low) / (2 * NORMAL)
    if FINDABLE * error * (rows / MOST_ROWS) ** 0.5 >= abs(against.difference):
        return MOST_ROWS
    exact = rows * (FINDABLE * error / against.difference) ** 2
    return int(float(f"{exact:.1e}"))


def _is_chance(
    network: Mapping[str, Mapping[str, float]],
    metrics: MetricSet,
    evidence: list[Evidence],
    constant: Collection[str],
) -> bool:
    """Whether the network neither beats an unchanging answer nor ranks rows better than chance."""
    metric, chance = metrics.ranking
    ranks = metric in network and network[metric]["low"] > chance
    beats = [each.is_claimed and each.gain > 0 for each in evidence if each.model in constant]
    return bool(beats) and not all(beats) and not ranks


def _writer(metric: Metric, value: float) -> Callable[..., str]:
    """Writes figures of one metric: with three decimals, or four digits where it has a unit."""
    is_free = not metric.bounded and value != 0
    decimals = max(0, 3 - floor(log10(abs(value)))) if is_free else 3
    return lambda number, sign="": f"{number:{sign},.{decimals}f}"
