"""Tasks: what is predicted, one file per task."""

from duree.tasks.registry import (
    TASKS,
    infer_task,
    layout_for,
    register,
    require_metric,
    resolve,
)
from duree.tasks.task import Task

__all__ = ["TASKS", "Task", "infer_task", "layout_for", "register", "require_metric", "resolve"]
