"""The primary metrics that a form offers."""

from __future__ import annotations

from collections.abc import Iterable

from duree.results.metric import known_metric
from duree.tasks import Task

USUAL = ("", "the usual one")


def metric_choices(tasks: Iterable[type[Task]]) -> tuple[tuple[str, str], ...]:
    """The names of the metrics of some tasks with their titles, the usual one first; empty if none
    of the tasks has a choice."""
    names = dict.fromkeys(name for task in tasks for name in task.metric_choices())
    return (USUAL, *((name, known_metric(name).title) for name in names)) if names else ()
