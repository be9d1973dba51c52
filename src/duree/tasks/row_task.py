"""RowTask: the base of tasks with one prediction per row, with explanations and export."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from duree.network.contracts import Explanation, Link
from duree.tasks.task import Task


class RowTask(Task):
    """The base of the tasks for classes, labels and numbers."""

    layouts: ClassVar[tuple[str, ...]] = ("states", "spells", "events", "numeric_series", "texts")

    is_exported: ClassVar[bool] = True

    @property
    def explanation(self) -> Explanation:
        return Explanation(self.explained, self.chosen, self.indicators)

    @property
    @abstractmethod
    def export(self) -> Link:
        """How predictions follow from scores."""

    @abstractmethod
    def explained(self, scores: Tensor, outputs: Tensor) -> Tensor:
        """See ``Explanation``."""

    @abstractmethod
    def chosen(self, predictions: NDArray[np.float64]) -> NDArray[np.int64]:
        """See ``Explanation``."""

    @abstractmethod
    def indicators(self, targets: NDArray[Any]) -> NDArray[np.bool_]:
        """See ``Explanation``."""
