"""Features: what simple models see of a text or a sequence."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


class Features(Protocol):
    """Counts of what each row holds; rows are a list of texts, or a Ragged of numbers.

    Attributes
    ----------
    is_unit : bool [features]
        Which of them a forest may see, after ``fit``.
    """

    is_unit: NDArray[np.bool_]

    def fit(self, texts: Any, validation_texts: Any) -> tuple[csr_matrix, csr_matrix]:
        """Learn which features there are, and count them in both lists, [rows, features]."""
        ...

    def count(self, texts: Any) -> csr_matrix:
        """The same for other rows."""
        ...
