"""Parts of a joined model, which are evaluated alone too: their decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.decision import Decision
from duree.network.batches import Examples
from duree.network.scoring import WIDE_PART, part_scores
from duree.network.wide import JoinedModel
from duree.tasks import Task


def fit_part_decisions(
    task: Task, network: JoinedModel, validation: Examples, of_wide: NDArray[np.float32]
) -> dict[str, Decision]:
    """The decision of each part for the metric that the user names; empty if it needs none.

    ``of_wide`` are the scores of the validation rows by wide parts that were not fitted on them.
    """
    if task.decision is None:
        return {}
    found = part_scores(network, validation.sequences)
    found |= {WIDE_PART: of_wide * network.alone[1].item()}
    decisions = {
        name: task.fit_decision(task.predictions(of_part), validation.answers, *validation.weighed)
        for name, of_part in found.items()
    }
    return {name: decision for name, decision in decisions.items() if decision is not None}


def read_part_decisions(
    task: Task, offsets: Mapping[str, tuple[float, ...]]
) -> dict[str, Decision]:
    """The decisions of parts from their stored offsets; ValueError if these do not fit the task."""
    decision = task.decision
    if decision is None:
        return {}
    if any(len(given) != task.outputs for given in offsets.values()):
        raise ValueError(f"part_offsets: {task.outputs} numbers are needed for each")
    return {name: replace(decision, offsets=given) for name, given in offsets.items()}
