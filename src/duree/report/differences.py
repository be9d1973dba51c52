"""Differences: the network held against each baseline, with every p-value that the run found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from duree.evaluation.comparison import holm
from duree.report.records import Comparison, Metrics
from duree.report.run_data import RunData
from duree.report.vocabulary import gain

MCNEMAR = "McNemar"
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Difference:
    """Network minus ``model`` in one metric.

    Attributes
    ----------
    found : Comparison
        The difference, its interval and the bootstrap's p-value.
    mcnemar : float or None
        The p-value of McNemar's test.
    adjusted : float or None
        The larger of the two, by Holm's method for all baselines.
    """

    model: str
    found: Comparison
    mcnemar: float | None
    adjusted: float | None

    @property
    def favours(self) -> str:
        """``"network"``, ``"baseline"`` or, where the two cannot be told apart, ``""``."""
        if self.adjusted is None or self.adjusted > SIGNIFICANCE:
            return ""
        return "network" if gain(self.found.metric) * self.found.difference > 0 else "baseline"


@dataclass(frozen=True)
class Agreement:
    """Of the test rows, how many both models got right, only one of them, or neither."""

    both: int
    network_only: int
    baseline_only: int
    neither: int


def differences(metrics: Metrics, metric: str) -> list[Difference]:
    """The network against every baseline in one metric, the strongest baseline first."""
    found: dict[str, Comparison] = {}
    exact: dict[str, float] = {}
    for comparison in metrics.comparisons:
        if comparison.metric != metric:
            continue
        if comparison.method.startswith(MCNEMAR):
            if comparison.p_value is not None:
                exact[comparison.model] = comparison.p_value
        else:
            found[comparison.model] = comparison
    worst = {
        model: max(p for p in (comparison.p_value, exact.get(model)) if p is not None)
        for model, comparison in found.items()
        if comparison.p_value is not None
    }
    adjusted = holm(worst)
    order = sorted(found, key=lambda model: gain(metric) * found[model].difference)
    return [
        Difference(model, found[model], exact.get(model), adjusted.get(model)) for model in order
    ]


def agreements(run: RunData) -> dict[str, Agreement]:
    """How the network's and each baseline's right rows overlap; only where a row has one class."""
    if run.baselines is None or not run.classes or run.is_multilabel:
        return {}
    answers = run.predictions[run.target_column()].cast(pl.String)
    network = (run.predictions["prediction"].cast(pl.String) == answers).to_numpy()
    columns = [f"probability_{name}" for name in run.classes]
    classes = np.array(run.classes, dtype=object)
    found = {}
    for (model,), rows in run.baselines.sort("row").group_by("model", maintain_order=True):
        if len(rows) != len(answers):
            continue
        said = classes[rows.select(columns).to_numpy().argmax(axis=1)]
        right = said == answers.to_numpy()
        found[str(model)] = Agreement(
            int((network & right).sum()),
            int((network & ~right).sum()),
            int((~network & right).sum()),
            int((~network & ~right).sum()),
        )
    return found
