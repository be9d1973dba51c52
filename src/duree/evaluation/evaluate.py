"""Evaluation: every model's figures with intervals, the comparisons, and the verdict."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.errors import DataError, TrainingError
from duree.evaluation.comparison import compare
from duree.evaluation.metrics import MetricSet
from duree.evaluation.per_class import ClassFigures, class_figures
from duree.evaluation.resampling import Sample, Trial
from duree.evaluation.uncertainty import metric_interval
from duree.evaluation.verdict import Verdict, decide
from duree.evaluation.weighted_metrics import Floats
from duree.results.metrics_file import NETWORK, Comparison
from duree.results.run_files import Ending

Figures = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Evaluation:
    """The results of all models on the same rows.

    Attributes
    ----------
    models : {model: {metric: {"value", "low", "high"}}}
        Metrics that are not defined on the rows are left out.
    classes : {model: list of {"precision", "precision_low", "precision_high", ..., "support"}}
        One for each class or label; see ``class_figures``. Empty for numbers.
    comparisons : list of Comparison
        P-values of single tests; the verdict corrects them for the number of baselines.
    verdict : Verdict
    primary : str
        The metric of the verdict.
    """

    models: dict[str, Figures]
    classes: dict[str, list[ClassFigures]]
    comparisons: list[Comparison]
    verdict: Verdict
    primary: str


def evaluate_models(
    predictions: Mapping[str, Floats],
    targets: NDArray[Any],
    metrics: MetricSet,
    *,
    groups: NDArray[np.int64] | None = None,
    weights: Floats | None = None,
    parts: Collection[str] = (),
    seeds: Mapping[str, list[float]] | None = None,
    unfinished: Ending | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> Evaluation:
    """Evaluate all models on the same rows.

    Parameters
    ----------
    predictions : {model: float64 [rows, outputs]}
        Probabilities or numbers, as ``metrics`` takes them; ``network`` is compared with others.
    targets : ndarray [rows] or [rows, labels]
        Class indices, 0/1 marks or numbers.
    metrics : MetricSet
    groups : int64 [rows], optional
        Clusters of rows; whole groups are resampled then.
    weights : float64 [rows], optional
        Weights of the rows, in every figure and resample.
    parts : collection of str
        Models that are components of the network: compared, but not in the verdict.
    seeds : {metric: values}, optional
        The figures of networks from several seeds; see ``spread_of_seeds``.
    unfinished : {"epochs", "time", "request"}, optional
        Why the training of the network ended, if the validation metric was still improving.
    resamples, seed : int
        The number of resamples, and the seed of their random numbers.

    Raises
    ------
    DataError
        There are no rows, or the primary metric is not defined on them.
    TrainingError
        A prediction is not a finite number.
    """
    _refuse_unusable(predictions, targets, metrics.sums)
    plain = {name: metrics.plain(found, targets, weights) for name, found in predictions.items()}
    values = {name: metrics.defined(of_model) for name, of_model in plain.items()}
    undefined = [metric.title for metric in metrics.metrics if metric.name not in values[NETWORK]]
    asked, metrics = metrics, metrics.led_by_defined(values[NETWORK])
    if metrics.primary not in values[NETWORK]:
        raise DataError(
            "the primary metric is not defined on these {rows} rows",
            fix="give rows with at least two different targets",
            rows=len(targets),
        )
    trial = Trial(targets, metrics, Sample.of(len(targets), groups, weights), resamples, seed)
    drawn = trial.resampled(predictions)
    models = {name: _figures(values[name], drawn[name], trial) for name in values}
    comparisons = compare(predictions, values, drawn, trial)
    verdict = decide(
        models,
        [comparison for comparison in comparisons if comparison.model not in parts],
        metrics,
        trial.sample,
        constant=[name for name, found in predictions.items() if _is_constant(found, metrics)],
        seeds=seeds,
        unfinished=unfinished,
        undefined=undefined if metrics.primary != asked.primary else (),
    )
    by_class = {
        name: class_figures(of_model, drawn[name], trial.sample) for name, of_model in plain.items()
    }
    return Evaluation(models, by_class, comparisons, verdict, metrics.primary)


def evaluate_model(
    predictions: Floats,
    targets: NDArray[Any],
    metrics: MetricSet,
    *,
    groups: NDArray[np.int64] | None = None,
    weights: Floats | None = None,
    seed: int = 0,
) -> Figures:
    """One model's figures with their intervals; see ``evaluate_models``."""
    evaluation = evaluate_models(
        {NETWORK: predictions}, targets, metrics, groups=groups, weights=weights, seed=seed
    )
    return evaluation.models[NETWORK]


def spread_of_seeds(
    networks: list[Floats],
    targets: NDArray[Any],
    metrics: MetricSet,
    weights: Floats | None = None,
) -> dict[str, list[float]] | None:
    """Each metric's value for the network of every seed; None where there is only one.

    A metric that is not defined for some network is left out.
    """
    if len(networks) < 2:
        return None
    each = [metrics.values(found, targets, weights) for found in networks]
    shared = [name for name in each[0] if all(name in values for values in each)]
    return {name: [values[name] for values in each] for name in shared}


def _figures(values: Mapping[str, float], drawn: Mapping[str, Floats], trial: Trial) -> Figures:
    figures, rows_of = {}, trial.metrics.rows_of
    for name, value in values.items():
        about = None if rows_of is None else rows_of(name, trial.targets)
        between = metric_interval(
            trial.metrics[name], value, drawn, trial.targets, trial.sample, about
        )
        if between is not None:
            figures[name] = {"value": value, "low": between[0], "high": between[1]}
    return figures


def _is_constant(predictions: Floats, metrics: MetricSet) -> bool:
    """Whether predictions are the same for every row; leading columns may be sums of terms."""
    predicted = predictions[:, metrics.sums :]
    return bool(np.all(predicted == predicted[0]))


def _refuse_unusable(predictions: Mapping[str, Floats], targets: NDArray[Any], sums: int) -> None:
    """Refuse no rows, and numbers in the columns of the metrics that are not finite; in columns
    after sums they say that a model has no such number, as no probability."""
    if len(targets) == 0:
        raise DataError("there are no rows to evaluate on", fix="give rows with known targets")
    for name, found in predictions.items():
        counted = found[:, :sums] if sums else found
        if not np.isfinite(counted).all():
            raise TrainingError(
                "the predictions of {model!r} are not finite in {count} of {rows} rows",
                fix="lower training.learning_rate or training.clip_norm",
                count=int((~np.isfinite(counted)).any(axis=1).sum()),
                rows=len(targets),
                model=name,
            )
