"""Faithfulness: do the steps that an attribution names really carry the prediction?

*Deletion* takes a sequence's steps out, those first that spoke most for its answer, and follows the
probability of that answer down; *insertion* starts from nothing and puts them back, the same first.
The area under such a curve says how well the order was chosen: small for deletion, large for
insertion, and to be read beside that of a random order (Petsiuk et al. 2018). *Agreement* is
whether a network trained from another seed names the same steps.
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

# Points of a curve: nothing changed, then a twentieth of the steps more at a time.
SHARES = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Faithfulness:
    """Mean curves over rows, float64 [points]; the mean of a curve is the area under it.

    For classes and labels a point is the probability of the explained answer. For numbers it is how
    far the prediction still is from that for an empty row, in units of the whole way.

    Attributes
    ----------
    shares : share of the steps deleted or inserted
    deletion, insertion : in the order of the attributions
    random_deletion, random_insertion : in a random order
    incomplete : median over rows of by how much the attributions miss what they should add up to
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
    """Delete and insert the steps of all rows, in the order of the attributions and at random."""
    ordered = _ranks(attributions.values)
    lot = np.random.default_rng(seed).random(len(sequences.values))
    random = _ranks(Ragged(lot, sequences.offsets))
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


def believed(
    model: Model, sequence: Ragged, methods: Mapping[str, Attributions]
) -> dict[str, dict[str, float]]:
    """How far each method is to be believed of one sequence: the areas under its curves, and as
    ``missed`` by how much it misses what it should add up to."""
    found = {name: faithfulness(model, sequence, given) for name, given in methods.items()}
    return {name: curves.areas | {"missed": curves.incomplete} for name, curves in found.items()}


def agreement(one: Attributions, other: Attributions) -> Floats:
    """Rank correlation (Spearman) of two networks' attributions, in each row that has one.

    Rows of a single step, or whose steps were all given the same, have none and are left out.
    """
    found = []
    for row in range(len(one.values)):
        ranks = rankdata(one.values[row]), rankdata(other.values[row])
        if min(np.ptp(ranks[0]), np.ptp(ranks[1])) > 0:
            found.append(np.corrcoef(*ranks)[0, 1])
    return np.array(found)


def _ranks(values: Ragged) -> Floats:
    """Each step's place among its row's, by falling value: from 0 to less than 1."""
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
        # Half a step's leeway: shares such as 0.15 of 20 steps are not exact.
        changed = ranks + 0.5 / np.repeat(sequences.lengths, sequences.lengths) < share
        keep: NDArray[np.bool_] = ~changed if delete else changed
        found = model.predictions(without(sequences, keep))
        points.append(found[np.arange(len(found)), outputs])
    curves = np.stack(points)  # (points, rows)
    if model.task.classes:
        return np.asarray(curves.mean(axis=1))
    whole, empty = (curves[0], curves[-1]) if delete else (curves[-1], curves[0])
    side = np.sign(whole - empty)
    way = max(float(np.abs(whole - empty).mean()), 1e-12)
    return np.asarray(((curves - empty) * side).mean(axis=1) / way)
