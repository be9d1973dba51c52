"""What ``metrics.json`` holds: the figures of all models, their comparison and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import AliasChoices, Field, JsonValue, model_serializer, model_validator

from duree.results.baseline import BaselineWords, LeftOut
from duree.results.metric import Metric, known_metric
from duree.results.run_files import Estimate, Record


class ModelResult(Record):
    """A model's metrics on the test rows, and the seconds it took to train.

    In the file, ``fit_seconds`` stands among the metrics.
    """

    estimates: dict[str, Estimate]
    fit_seconds: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_file(cls, found: Any) -> Any:
        if not isinstance(found, dict) or isinstance(found.get("estimates"), dict):
            return found
        figures = {name: value for name, value in found.items() if name != "fit_seconds"}
        return {"estimates": figures, "fit_seconds": found.get("fit_seconds")}

    @model_serializer
    def _for_file(self) -> dict[str, object]:
        seconds = {} if self.fit_seconds is None else {"fit_seconds": self.fit_seconds}
        return {**self.estimates, **seconds}


class Opening(Record):
    """One use of the targets of the test set."""

    when: str
    why: str


class WithoutShared(Record):
    """Figures on the test rows that have no near-duplicate in training; ``shared`` rows do."""

    rows: int
    shared: int
    models: dict[str, ModelResult]


class Seeds(Record):
    """The metrics of networks trained from several seeds: ``{metric: value of each seed}``."""

    values: dict[str, list[float]]


class ClassFigures(Record):
    """The metrics of one class, each with the ends of its 95 % interval."""

    precision: float
    precision_low: float | None = None
    precision_high: float | None = None
    recall: float
    recall_low: float | None = None
    recall_high: float | None = None
    f1: float
    f1_low: float | None = None
    f1_high: float | None = None
    support: int

    def estimate(self, name: str) -> Estimate:
        """One of ``precision``, ``recall`` and ``f1``."""
        return Estimate(
            value=getattr(self, name),
            low=getattr(self, f"{name}_low"),
            high=getattr(self, f"{name}_high"),
        )


class Watched(Record):
    """The metric by which the best epoch was chosen."""

    title: str
    better: int


class Metrics(Record):
    """``metrics.json``.

    ``manifest`` is the SHA-256 that ``model/manifest.json`` states of the evaluated network; runs
    of version 0.1.0 have none.
    """

    task: str
    cell: str
    seed: int
    rows: dict[str, int]
    seconds: dict[str, float] = Field(default_factory=dict)
    models: dict[str, ModelResult]
    comparisons: list[Comparison] = Field(default_factory=list)
    verdict: str
    claim: str = ""
    verdict_baseline: str | None = None
    verdict_zh: str = ""
    primary_metric: str
    counted: str = "rows"
    distillation_share: float = Field(
        0.0, validation_alias=AliasChoices("distillation_share", "teacher_share")
    )
    watched: Watched | None = None
    metric_names: list[str]
    metrics: dict[str, Metric] = Field(default_factory=dict)
    baselines: dict[str, BaselineWords] = Field(default_factory=dict)
    left_out: dict[str, LeftOut] = Field(default_factory=dict)
    test_openings: list[Opening] = Field(default_factory=list)
    without_shared_rows: WithoutShared | None = None
    seeds: Seeds | None = None
    per_class: dict[str, dict[str, ClassFigures]] = Field(default_factory=dict)
    choices: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)
    manifest: str | None = None
    # By model and class, if the user names a metric of decisions; else not in the file.
    decisions: dict[str, dict[str, float]] = Field(
        default_factory=dict, exclude_if=lambda decisions: not decisions
    )

    @model_validator(mode="after")
    def _check_models(self) -> Metrics:
        """There is the network, and the baseline of the verdict has the metric it is about."""
        if NETWORK not in self.models:
            raise ValueError(f"models: there is no {NETWORK}")
        named = self.verdict_baseline
        if named and (
            named not in self.models or self.primary_metric not in self.models[named].estimates
        ):
            raise ValueError(f"models: there is no {self.primary_metric} of {named}")
        return self

    def metric(self, name: str) -> Metric:
        """The metric as the file describes it, or as version 0.1.0 knew it."""
        return self.metrics.get(name) or known_metric(name)

    @property
    def primary(self) -> Metric:
        """The metric that the verdict is about."""
        return self.metric(self.primary_metric)

    @property
    def results(self) -> dict[str, ModelResult]:
        """The figures by model, the network first."""
        return dict(sorted(self.models.items(), key=lambda pair: pair[0] != NETWORK))

    def ranked(self, metric: str) -> list[str]:
        """Models that have this figure, the best first; then the network's parts."""
        found = {
            name: result.estimates[metric].value
            for name, result in self.results.items()
            if metric in result.estimates
        }
        return sorted(
            found, key=lambda name: (is_part(name), -self.metric(metric).worth(found[name]))
        )

    def best(self, metric: str) -> list[str]:
        """The models with the best figure, parts of the network included; several if equal."""
        worth = {
            name: self.metric(metric).worth(self.results[name].estimates[metric].value)
            for name in self.ranked(metric)
        }
        return [name for name, value in worth.items() if value == max(worth.values())]

    @property
    def strongest_baseline(self) -> str | None:
        """The baseline that the verdict names; in runs of 0.1.0, the best by the primary metric."""
        if self.verdict_baseline:
            return self.verdict_baseline
        names = self.ranked(self.primary_metric)
        return next((name for name in names if name != NETWORK and not is_part(name)), None)


def is_part(model: str) -> bool:
    """Whether the model is a part of the network, or its mixture with a baseline, which was
    evaluated too: no baseline."""
    return model.endswith("_part") or model == INTERPOLATED


NETWORK = "network"
# The network together with its n-gram baseline.
INTERPOLATED = "interpolated"


@dataclass(frozen=True)
class Comparison:
    """Network minus baseline in one metric; ``model`` is the baseline.

    ``is_least``: the p-value is the smallest that so many resamples can give.
    """

    model: str
    metric: str
    difference: float
    low: float
    high: float
    p_value: float
    method: str
    is_least: bool = False
