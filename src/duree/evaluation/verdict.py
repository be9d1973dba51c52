"""The verdict: whether the network is better than the baselines, in a few sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Literal

import numpy as np

from duree.errors import translate
from duree.evaluation.comparison import holm
from duree.evaluation.metrics import MetricSet
from duree.evaluation.resampling import Sample
from duree.evaluation.uncertainty import NORMAL
from duree.results.metric import LOG_LOSS, Metric
from duree.results.metrics_file import NETWORK, Comparison
from duree.results.run_files import Ending

# The level of the tests: the share of runs on data without signal in which a difference is claimed.
SIGNIFICANCE = 0.05
# With fewer test rows (or groups of them) than this every interval is imprecise.
FEW_UNITS = 30
# With fewer rows than this a third decimal means nothing.
FEW_ROWS = 100
# Standard errors that a difference must measure to be detected with a power of 80 %.
DETECTABLE = NORMAL + 0.8416
# Larger numbers of rows are not reported, since they are unrealistic.
MOST_ROWS = 10_000_000
# The places of the network's own figure and its interval in the sentences.
ENDS = {"value": "network", "low": "low", "high": "high"}

BETTER = (
    "The network outperforms every baseline: on {rows} test {counted} its {metric} is {network}, "
    "that of the best baseline, {baseline}, {best} (network minus baseline {difference}, 95 % "
    "confidence interval {low} to {high})."
)
WORSE = (
    "A baseline outperforms the network: on {rows} test {counted} the {metric} of {baseline} is "
    "{best}, that of the network {network} (network minus baseline {difference}, 95 % confidence "
    "interval {low} to {high}); use {baseline}."
)
NO_DIFFERENCE = (
    "The network and {baseline} do not differ significantly on {rows} test {counted}: {metric} "
    "{network} and {best} (network minus baseline {difference}, 95 % confidence interval {low} to "
    "{high}); {baseline} is the simpler choice."
)
WITHIN_SEEDS = (
    "The network and {baseline} do not differ by more than random seeds do: {metric} {network} and "
    "{best} on {rows} test {counted}, while networks trained from {seeds} seeds vary by {spread}."
)
ALONE = (
    "On {rows} test {counted} the network's {metric} is {network} (95 % confidence interval {low} "
    "to {high}); without baselines its benefit cannot be assessed."
)
UNCALIBRATED = (
    " Do not use its probabilities: their log-loss is {log_loss}, worse than the {constant_loss} "
    "of {constant}."
)
BEYOND_ZERO = (
    " The interval excludes 0, but the tests, adjusted for the number of baselines, do not all "
    "support a difference."
)
NEEDED = " Detecting a difference of this size would take about {needed} test {counted}."
NOTHING_LEARNED = " There is no evidence that the network learned more than a constant prediction."
# Where training ended before the validation metric had stopped improving, by the reason.
UNFINISHED: Mapping[Ending, str] = {
    "epochs": (
        " The validation metric was still improving when training ended after its last epoch: "
        "train for more epochs before drawing conclusions."
    ),
    "time": (
        " The validation metric was still improving when training ended at its time limit: train "
        "longer before drawing conclusions."
    ),
    "request": (
        " The validation metric was still improving when training was ended by hand: train longer "
        "before drawing conclusions."
    ),
}
FEW = " With so few test {counted} all figures are imprecise."
FEW_GROUPS: Mapping[str, str] = {
    "groups": " With test {counted} from {units} groups only, all figures are imprecise.",
    "series": " With test {counted} from {units} series only, all figures are imprecise.",
}
UNDEFINED: Mapping[str, str] = {
    "groups": (
        " {undefined} is not defined here, as where all predictions are equal; {metric} stands in."
    ),
    "series": (
        " Not defined on these {counted}: {undefined}; the naive forecasts that they are relative "
        "to have no error there, as of a series that does not change."
    ),
}

# Where Chinese and Latin letters meet without a space, as where a metric has no Chinese name.
SCRIPT_CHANGE = re.compile("(?<=[\u4e00-\u9fff])(?=[A-Za-z])|(?<=[A-Za-z0-9²])(?=[\u4e00-\u9fff])")

Claim = Literal["better", "worse", "none"]


@dataclass(frozen=True)
class Verdict:
    """Sentences as templates and values, so that they can be translated.

    ``claim``: the network is "better" or "worse" than the baselines, or "none" of both.
    """

    claim: Claim
    templates: tuple[str, ...]
    values: dict[str, object]

    def sentence(self, language: str = "en") -> str:
        """The verdict in ``language``."""
        shown = {name: _shown(value, language) for name, value in self.values.items()}
        text = "".join(translate(part, language) for part in self.templates).format(**shown)
        return SCRIPT_CHANGE.sub(" ", text)


@dataclass(frozen=True)
class Evidence:
    """All tests of the network against one baseline, summarised.

    Attributes
    ----------
    gain : float
        How much better the network is (below 0: worse).
    difference, low, high : float
        Network minus baseline; the interval contains those of all tests.
    p_value : float
        The largest of all tests, adjusted for all baselines.
    is_bound : bool
        The p-value is an upper bound: more resamples could give a smaller one.
    within_seeds : bool
        The difference is no larger than that of networks from different seeds.
    """

    model: str
    gain: float
    difference: float
    low: float
    high: float
    p_value: float
    is_bound: bool
    within_seeds: bool

    @property
    def is_claimed(self) -> bool:
        """Whether a difference may be claimed."""
        return self.p_value < SIGNIFICANCE and not self.within_seeds


def decide(
    models: Mapping[str, Mapping[str, Mapping[str, float]]],
    comparisons: Collection[Comparison],
    metrics: MetricSet,
    sample: Sample,
    *,
    constant: Collection[str] = (),
    seeds: Mapping[str, list[float]] | None = None,
    unfinished: Ending | None = None,
    undefined: Sequence[str] = (),
) -> Verdict:
    """Compare the network with the baselines in the primary metric.

    A difference is claimed only if every test of it is significant after Holm's correction for the
    number of baselines, and if it exceeds the spread of the seeds. "Better" means better than each.

    Parameters
    ----------
    models : {model: {metric: {"value", "low", "high"}}}
    comparisons : collection of Comparison
        Of the network with the baselines.
    metrics : MetricSet
    sample : Sample
    constant : collection of str
        Baselines with the same prediction for every row.
    seeds : {metric: values}, optional
        The figures of networks from several seeds.
    unfinished : {"epochs", "time", "request"}, optional
        Why training ended, if the validation metric was still improving.
    undefined : sequence of str
        The titles of metrics in whose place the primary one stands.
    """
    primary, network, rows = metrics.metrics[0], models[NETWORK], len(sample.unit)
    metric = primary.name
    write = _writer(primary, network[metric]["value"], rows)
    of_seeds = (seeds or {}).get(metric, [network[metric]["value"]])
    evidence = weigh(comparisons, primary, float(np.ptp(of_seeds)))
    values: dict[str, object] = {
        "metric": primary.title,
        "counted": metrics.counted,
        "rows": f"{rows:,}",
        "units": sample.units,
        "seeds": len(of_seeds),
        "spread": write(np.ptp(of_seeds)),
        "undefined": tuple(undefined),
    } | {name: write(network[metric][end]) for end, name in ENDS.items()}
    losses = _poor_probabilities(models, constant)
    values |= losses
    early = (UNFINISHED[unfinished],) if unfinished else ()
    few: tuple[str, ...] = (
        (FEW_GROUPS[metrics.grouped] if sample.grouped else FEW,)
        if sample.units < FEW_UNITS
        else ()
    )
    few += (UNDEFINED[metrics.grouped],) if undefined else ()
    if not evidence:
        return Verdict("none", (ALONE, *early, *few), values)
    claim, against = conclude(evidence)
    needed = rows_needed(against, rows)
    values |= {
        "baseline": against.model,
        "best": write(models[against.model][metric]["value"]),
        "needed": f"{needed:,}",
    } | {end: write(getattr(against, end), "+") for end in ("difference", "low", "high")}
    undecided = WITHIN_SEEDS if against.within_seeds else NO_DIFFERENCE
    first = {"better": BETTER, "worse": WORSE, "none": undecided}[claim]
    remarks = {
        BEYOND_ZERO: first == NO_DIFFERENCE
        and against.low * against.high > 0
        and all(is_some(str(values[end])) for end in ("low", "high")),
        NEEDED: first == NO_DIFFERENCE and rows < needed < MOST_ROWS,
        NOTHING_LEARNED: _is_chance(network, metrics, evidence, constant),
        UNCALIBRATED: bool(losses),
        **dict.fromkeys(early, claim != "better"),
    }
    true = (remark for remark, is_true in remarks.items() if is_true)
    return Verdict(claim, (first, *true, *few), values)


def weigh(comparisons: Collection[Comparison], metric: Metric, spread: float) -> list[Evidence]:
    """All tests in one metric together, the strongest baseline first."""
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
            max(tests, key=lambda test: test.p_value).is_least,
            abs(tests[0].difference) <= spread and spread > 0,
        )
        for model, tests in by_model.items()
    ]
    return sorted(evidence, key=lambda against: against.gain)


def conclude(evidence: list[Evidence]) -> tuple[Claim, Evidence]:
    """The claim, and the strongest baseline that decides it; ``evidence`` comes from ``weigh``."""
    winners = [against for against in evidence if against.is_claimed and against.gain < 0]
    unbeaten = [against for against in evidence if not against.is_claimed]
    if winners:
        return "worse", winners[0]
    if unbeaten:
        return "none", unbeaten[0]
    return "better", evidence[0]


def rows_needed(against: Evidence, rows: int) -> int:
    """About how many rows detect a difference of this size with a power of 80 %, in two digits.

    Source: the usual formula for a normal mean (Cohen 1988), with the standard error
    taken from the interval.
    """
    error = (against.high - against.low) / (2 * NORMAL)
    if DETECTABLE * error * (rows / MOST_ROWS) ** 0.5 >= abs(against.difference):
        return MOST_ROWS
    exact = rows * (DETECTABLE * error / against.difference) ** 2
    return int(float(f"{exact:.1e}"))


def _shown(value: object, language: str) -> object:
    """A value as it is written in the sentences; lists are translated one by one."""
    if isinstance(value, tuple):
        return ("、" if language == "zh" else ", ").join(translate(one, language) for one in value)
    return translate(value, language) if isinstance(value, str) else value


def _is_chance(
    network: Mapping[str, Mapping[str, float]],
    metrics: MetricSet,
    evidence: list[Evidence],
    constant: Collection[str],
) -> bool:
    """Whether the network neither beats a constant prediction nor ranks rows better than chance."""
    metric, chance = metrics.ranking
    ranks = metric in network and network[metric]["low"] > chance
    beats = [each.is_claimed and each.gain > 0 for each in evidence if each.model in constant]
    return bool(beats) and not all(beats) and not ranks


def _poor_probabilities(
    models: Mapping[str, Mapping[str, Mapping[str, float]]], constant: Collection[str]
) -> dict[str, object]:
    """The log-losses, if a constant prediction has a lower one than the network; else empty."""
    losses = {
        name: models[name][LOG_LOSS.name]["value"]
        for name in (NETWORK, *constant)
        if LOG_LOSS.name in models.get(name, {})
    }
    best = min(losses, key=lambda name: losses[name], default=NETWORK)
    if best == NETWORK or NETWORK not in losses:
        return {}
    return {
        "log_loss": f"{losses[NETWORK]:.3f}",
        "constant_loss": f"{losses[best]:.3f}",
        "constant": best,
    }


def _writer(metric: Metric, value: float, rows: int) -> Callable[..., str]:
    """A function that writes figures of one metric: with three decimals, or with four significant
    digits where the metric is not bounded; on few rows with two decimals, as in tables."""
    is_free = not metric.bounded and value != 0
    decimals = max(0, 3 - floor(log10(abs(value)))) if is_free else 3
    if rows < FEW_ROWS and not metric.in_target_units:
        decimals = min(decimals, 2)

    def write(number: float, sign: str = "") -> str:
        text = f"{number:{sign},.{decimals}f}"
        return text if is_some(text) else text.lstrip("+-")

    return write


def is_some(figure: str) -> bool:
    """Whether a figure as it is written is not zero."""
    return any(digit in figure for digit in "123456789")
