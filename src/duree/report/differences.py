"""Differences between the network and each baseline, with the tests of the verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from duree.evaluation.verdict import Evidence, weigh
from duree.report.run_data import RunData


@dataclass(frozen=True)
class Difference:
    """Network minus one model in one metric.

    Attributes
    ----------
    metric : str
    evidence : Evidence
        The difference, with the interval and the adjusted p-value of all tests together.
    tests : {method: p-value}
        The p-value of each test.
    """

    metric: str
    evidence: Evidence
    tests: dict[str, float]

    @property
    def model(self) -> str:
        """The model that the network is compared with."""
        return self.evidence.model

    @property
    def favours(self) -> str:
        """``"network"``, ``"baseline"`` or, if there is no significant difference, ``""``."""
        if not self.evidence.is_claimed:
            return ""
        return "network" if self.evidence.gain > 0 else "baseline"


@dataclass(frozen=True)
class Agreement:
    """Numbers of test rows that both models, only one of them, or neither predicted correctly."""

    both: int
    network_only: int
    other_only: int
    neither: int


def differences(run: RunData, metric: str) -> list[Difference]:
    """The network compared with each baseline, the strongest first; then with its own parts.

    P-values are adjusted within each of these two families.
    """
    values = run.metrics.seeds.values.get(metric, []) if run.metrics.seeds else []
    spread = float(np.ptp(values)) if values else 0.0
    found = [comparison for comparison in run.metrics.comparisons if comparison.metric == metric]
    families = (
        [one for one in found if not run.is_part(one.model)],
        [one for one in found if run.is_part(one.model)],
    )
    return [
        Difference(metric, evidence, {o.method: o.p_value for o in of if o.model == evidence.model})
        for of in families
        for evidence in weigh(of, run.metrics.metric(metric), spread)
    ]


def agreements(run: RunData) -> dict[str, Agreement]:
    """The agreement of the network with each model, if rows are either correct or wrong."""
    network = run.target.correct(run, run.predictions)
    if run.baselines is None or network is None:
        return {}
    found = {}
    for model in run.baselines["model"].unique(maintain_order=True).to_list():
        # One model at a time, since there may be millions of rows.
        rows = run.baselines.filter(pl.col("model") == model).sort("row")
        if len(rows) != len(network):
            continue
        other = run.target.correct(run, rows)
        if other is not None:
            found[str(model)] = Agreement(
                int((network & other).sum()),
                int((network & ~other).sum()),
                int((~network & other).sum()),
                int((~network & ~other).sum()),
            )
    return found
