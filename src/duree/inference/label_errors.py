"""Labels that are probably wrong, by confident learning.

Source: Northcutt, Jiang & Chuang (2021), "Confident learning: estimating uncertainty in dataset
labels", Journal of Artificial Intelligence Research 70, section 3.1, equations 1 and 2: the rows
off the diagonal of the confident joint. The probabilities must be out of fold: a network that was
trained on a wrong label has learned it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelErrors:
    """What is doubtful about the label of each row.

    Attributes
    ----------
    self_confidence : float64 [rows]
        The probability of the given label.
    flagged : bool [rows]
        Whether another label is confidently more probable.
    suggested : int64 [rows]
        The label that is, -1 where the row is not flagged.
    order : int64 [rows]
        The rows as they should be reviewed: flagged ones first, both by self-confidence.
    """

    self_confidence: NDArray[np.float64]
    flagged: NDArray[np.bool_]
    suggested: NDArray[np.int64]
    order: NDArray[np.int64]


def find_label_errors(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> LabelErrors:
    """Flag the labels that are probably wrong.

    A class is confident for a row if its probability is at least the threshold of the class, its
    mean over the rows with this label. A row is flagged if the most probable of its confident
    classes is not its label.

    Parameters
    ----------
    probabilities : float64 [rows, classes]
        Out-of-fold predictions.
    labels : int64 [rows]
        The given labels, as indices of classes; every class occurs.
    """
    rows = np.arange(len(labels))
    own = probabilities[rows, labels]
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    thresholds = np.bincount(labels, weights=own, minlength=len(counts)) / counts
    confident = np.where(probabilities >= thresholds, probabilities, -np.inf)
    best = confident.argmax(axis=1)
    flagged = np.isfinite(confident[rows, best]) & (best != labels)
    return LabelErrors(
        self_confidence=own,
        flagged=flagged,
        suggested=np.where(flagged, best, -1),
        order=np.lexsort((rows, own, ~flagged)),
    )
