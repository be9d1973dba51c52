"""Metrics of language models: perplexity per unit, and bits per character of the text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation import weighted_metrics as weighted
from duree.evaluation.metrics import MetricSet
from duree.evaluation.weighted_metrics import Floats, Weighted
from duree.results.metric import BITS_PER_CHARACTER, PERPLEXITY

# The columns of ``terms``: what is summed over the codes of a text.
SUMS = ("bits", "units", "characters", "documents")


def terms(nats: Floats, counted: NDArray[Any]) -> Floats:
    """The terms of each code in the sums of which metrics are ratios: float64 [codes, 4].

    Parameters
    ----------
    nats : float64 [codes, 1]
        The log-probability of each code.
    counted : int [codes, 3]
        The units, characters and documents that end with it.
    """
    return np.concatenate([nats / -np.log(2), counted], axis=1, dtype=np.float64)


def _ratios(of_codes: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
    sums = dict(zip(SUMS, np.ascontiguousarray(of_codes.T), strict=True))
    per_unit = weighted.mean_of_sums(sums["bits"], sums["units"])
    return {
        "perplexity": lambda weights: np.exp2(per_unit(weights)),
        "bits_per_character": weighted.mean_of_sums(sums["bits"], sums["characters"]),
    }


# Computed from ``terms``.
OF_WORDS = MetricSet(
    (PERPLEXITY, BITS_PER_CHARACTER),
    (PERPLEXITY.name, 0.0),
    False,
    _ratios,
    counted="units",
    sums=len(SUMS),
)
OF_CHARACTERS = replace(OF_WORDS, metrics=(BITS_PER_CHARACTER, PERPLEXITY))
