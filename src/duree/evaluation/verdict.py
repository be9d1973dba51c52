"""The verdict: one plain sentence on whether the network was worth it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from duree.errors import translate
from duree.evaluation.comparison import NETWORK, Comparison, holm
from duree.evaluation.metrics import MetricSet

# The share of runs on data without signal in which a difference may be claimed.
SIGNIFICANCE = 0.05
# What is no rival: the network, and its recurrent part by itself. Its wide part is one, for it only
# counts words; a network that is no better than that has learned nothing from their order.
OWN = (NETWORK, "recurrent_part")
# Fewer test rows than this leave any interval rough.
FEW_ROWS = 100

BETTER = (
    "The network is better than every baseline: {metric} {network} against {best} for {baseline}, "
    "the best of them (difference {difference} [{low}, {high}])."
)
WORSE = (
    "A baseline wins: {baseline} reaches {metric} {best}, the network {network} "
    "(difference {difference} [{low}, {high}]); use {baseline}."
)
NO_DIFFERENCE = (
    "The network and {baseline}, the best baseline, cannot be told apart on {rows} test rows: "
    "{metric} {network} against {best} (difference {difference} [{low}, {high}]); "
    "{baseline} is the simpler choice."
)
WITHIN_SEEDS = (
    "The network and {baseline}, the best baseline, cannot be told apart: {metric} {network} against "
    "{best}, and networks from {seeds} seeds differ by {spread} among themselves."
)
ALONE = "The network reaches {metric} {network} [{low}, {high}] on {rows} test rows; no baseline was trained beside it."
NOTHING_LEARNED = " Neither is reliably better than always giving the commonest answer."
FEW = " With so few test rows every figure here is rough."


@dataclass(frozen=True)
class Verdict:
    """A sentence as templates and values, so that it can be told in several languages.

    ``claim`` is "better", "worse" or "none".
    """

    claim: str
    templates: tuple[str, ...]
    values: dict[str, object] = field(default_factory=dict)

    def sentence(self, language: str = "en") -> str:
        """The verdict in ``language``."""
        joined = "".join(translate(template, language) for template in self.templates)
        return joined.format(**self.values)


def decide(
    models: Mapping[str, Mapping[str, Mapping[str, float]]],
    comparisons: list[Comparison],
    metrics: MetricSet,
    rows: int,
    seeds: Mapping[str, list[float]] | None,
) -> Verdict:
    """Hold the network against the baseline that did best in the primary metric.

    A difference is claimed only if it survives Holm's correction for all baselines, and exceeds what
    the network's own seeds differ by. In accuracy both the bootstrap and McNemar's test must agree.
    """
    metric = metrics.primary
    network = models[NETWORK][metric]
    few = (FEW,) if rows < FEW_ROWS else ()
    values: dict[str, object] = {
        "metric": metric.replace("_", "-"),
        "network": _number(network["value"]),
        "rows": f"{rows:,}",
    }
    rivals = {n: figures[metric]["value"] for n, figures in models.items() if n not in OWN}
    if not rivals:
        bounds = {"low": _number(network["low"]), "high": _number(network["high"])}
        return Verdict("none", (ALONE, *few), values | bounds)
    gain = metrics.gain(metric)
    best = max(rivals, key=lambda name: gain * rivals[name])
    against = {c.model: c for c in comparisons if c.metric == metric and c.model not in OWN}
    p_values = {
        name: max(c.p_value for c in comparisons if c.metric == metric and c.model == name)
        for name in against
    }
    adjusted = holm(p_values)
    between = against[best]
    spread = float(np.ptp(seeds[metric])) if seeds else 0.0
    values |= {
        "baseline": best,
        "best": _number(rivals[best]),
        "difference": f"{between.difference:+.3f}",
        "low": f"{between.low:+.3f}",
        "high": f"{between.high:+.3f}",
        "seeds": len(seeds[metric]) if seeds else 1,
        "spread": _number(spread),
    }
    nothing = (NOTHING_LEARNED,) if adjusted.get("majority", 0.0) > SIGNIFICANCE else ()
    if adjusted[best] > SIGNIFICANCE:
        return Verdict("none", (NO_DIFFERENCE, *nothing, *few), values)
    if abs(between.difference) <= spread:
        return Verdict("none", (WITHIN_SEEDS, *nothing, *few), values)
    if gain * between.difference > 0:
        return Verdict("better", (BETTER, *few), values)
    return Verdict("worse", (WORSE, *nothing, *few), values)


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"


def as_json(verdict: Verdict) -> dict[str, Any]:
    """What metrics.json holds of it."""
    return {"verdict": verdict.sentence("en"), "verdict_zh": verdict.sentence("zh")}
