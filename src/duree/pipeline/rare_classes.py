"""Rare classes of the test set: their precision and recall by the network and a baseline."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from numpy.typing import NDArray

from duree.evaluation.precision_recall import rare_class, rare_outputs
from duree.evaluation.resampling import Trial
from duree.evaluation.weighted_metrics import Floats
from duree.results.metrics_file import NETWORK
from duree.results.precision_recall import PrecisionRecall
from duree.tasks import Task


def rare_classes(
    task: Task,
    predictions: Mapping[str, Floats],
    targets: NDArray[Any],
    trial: Trial,
    shown: Collection[str],
) -> PrecisionRecall | None:
    """The figures of the classes that are rare among the test rows; None if there are none.

    ``shown`` are the models whose curves are drawn, besides the network.
    """
    given, explanation = task.given(predictions[NETWORK][:, : task.outputs]), task.explanation
    if given is None or explanation is None:
        return None
    actual = explanation.indicators(targets)
    models = [NETWORK, *(name for name in shown if name in predictions)]
    found = [
        rare_class(
            task.classes[place],
            {name: predictions[name][:, place] for name in models},
            given[:, place],
            actual[:, place],
            trial,
        )
        for place in rare_outputs(actual, exclusive=bool((actual.sum(axis=1) == 1).all()))
    ]
    return PrecisionRecall(classes=found) if found else None
