"""Faithfulness: whether the steps with high attributions really determine the prediction.

*Deletion* removes the steps of a sequence by decreasing attribution and follows the probability of
the predicted output; *insertion* starts from an empty sequence and restores them in the same order.
The area under the curve measures the order: small for deletion, large for insertion, compared with
the area for a random order (Petsiuk et al. 2018). *Agreement* is the correlation with attributions
of a network trained from another seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from duree.explain.attribution import Attributions, Floats, Rows
from duree.explain.model import Model, without
from duree.sequences.ragged import Ragged

# Points of a curve, as shares of the steps.
SHARES = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Faithfulness:
    """Mean curves over rows, float64 [points].

    For classes and labels a point is the probability of the explained output. For numbers it is the
    distance of the prediction from that of an empty row, relative to the whole distance.

    Attributes
    ----------
    shares : share of the steps deleted or inserted
    deletion, insertion : in the order of the attributions
    random_deletion, random_insertion : in a random order
    incomplete : median over rows of the relative error of the attributions' sum
    """

    shares: Floats
    deletion: Floats
    insertion: Floats
    random_deletion: Floats
    random_insertion: Floats
    incomplete: float

    @property
    def areas(self) -> dict[str, float]:
        """The area under each curve."""
        names = ("deletion", "random_deletion", "insertion", "random_insertion")
        return {name: float(np.trapezoid(getattr(self, name), self.shares)) for name in names}


def faithfulness(
    model: Model, sequences: Ragged, attributions: Attributions, seed: int = 0
) -> Faithfulness:
    """Deletion and insertion curves over all rows, in the order of attributions and at random."""
    ordered = _ranks(attributions.values)
    drawn = np.random.default_rng(seed).random(len(sequences.values))
    random = _ranks(Ragged(drawn, sequences.offsets))
    outputs = attributions.outputs

    def curve(ranks: Floats, *, delete: bool) -> Floats:
        return _curve(model, sequences, outputs, ranks, delete=delete)

    return Faithfulness(
        SHARES,
        curve(ordered, delete=True),
        curve(ordered, delete=False),
        curve(random, delete=True),
        curve(random, delete=False),
        float(np.median(attributions.incomplete)),
    )


def areas_by_method(
    model: Model, sequence: Ragged, methods: Mapping[str, Attributions]
) -> dict[str, dict[str, float]]:
    """The faithfulness of each method for one sequence: the areas under its curves, and as
    ``missed`` the relative error of its sum."""
    found = {name: faithfulness(model, sequence, given) for name, given in methods.items()}
    return {name: curves.areas | {"missed": curves.incomplete} for name, curves in found.items()}


def agreement(one: Attributions, other: Attributions) -> Floats:
    """Spearman's rank correlation of two networks' attributions, in each row.

    Rows of a single step, or with equal attributions, have none and are left out.
    """
    found = []
    for row in range(len(one.values)):
        ranks = rankdata(one.values[row]), rankdata(other.values[row])
        if min(np.ptp(ranks[0]), np.ptp(ranks[1])) > 0:
            found.append(np.corrcoef(*ranks)[0, 1])
    return np.array(found)


def _ranks(values: Ragged) -> Floats:
    """The relative rank of each step in its row, by decreasing value: from 0 to less than 1."""
    rows = np.repeat(np.arange(len(values)), values.lengths)
    order = np.lexsort((-values.values, rows))
    ranks = np.empty(len(order))
    ranks[order] = values.steps
    return ranks / np.repeat(values.lengths, values.lengths)


def _curve(
    model: Model, sequences: Ragged, outputs: Rows, ranks: Floats, *, delete: bool
) -> Floats:
    points = []
    for share in SHARES:
        # Half a step of tolerance: shares such as 0.15 of 20 steps are not exact.
        changed = ranks + 0.5 / np.repeat(sequences.lengths, sequences.lengths) < share
        keep: NDArray[np.bool_] = ~changed if delete else changed
        found = model.predictions(without(sequences, keep))
        points.append(found[np.arange(len(found)), outputs])
    curves = np.stack(points)  # (points, rows)
    if model.task.classes:
        return np.asarray(curves.mean(axis=1))
    whole, empty = (curves[0], curves[-1]) if delete else (curves[-1], curves[0])
    sign = np.sign(whole - empty)
    distance = max(float(np.abs(whole - empty).mean()), 1e-12)
    return np.asarray(((curves - empty) * sign).mean(axis=1) / distance)
