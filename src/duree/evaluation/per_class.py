"""Classes: precision, recall and F1 of each, with intervals from the resamples of all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from duree.evaluation.resampling import Sample
from duree.evaluation.uncertainty import Interval, interval, wilson
from duree.evaluation.weighted_metrics import Floats, ratio

# Each is hits over a total; the total of F1 is the mean of the other two.
FIGURES = ("precision", "recall", "f1")

ClassFigures = dict[str, float]


def class_figures(
    plain: Mapping[str, Floats], drawn: Mapping[str, Floats], sample: Sample
) -> list[ClassFigures]:
    """The figures of one model in each class; a ratio over nothing is 0, with the interval [0, 1].

    Parameters
    ----------
    plain, drawn : {"class_hits", "class_given", "class_actual": float64 [classes, resamples]}
        How often a class was predicted correctly, predicted, and true: over the rows, and by
        resample. Without them (for numbers) there are no classes.
    sample : Sample

    Returns
    -------
    list of {"precision", "precision_low", "precision_high", and so on, "support"}
    """
    if "class_hits" not in plain:
        return []
    figures: list[ClassFigures] = [
        {"support": int(support)} for support in plain["class_actual"][:, 0]
    ]
    for name in FIGURES:
        wholes = _whole(name, plain)[:, 0]
        values = plain["class_hits"][:, 0] / np.maximum(wholes, 0.5)
        resampled = ratio(drawn["class_hits"], _whole(name, drawn))
        for place, of_class in enumerate(figures):
            value, whole = float(values[place]), float(wholes[place])
            low, high = _ends(value, whole, resampled[place], sample)
            of_class |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return figures


def _whole(name: str, counts: Mapping[str, Floats]) -> Floats:
    given, actual = counts["class_given"], counts["class_actual"]
    return {"precision": given, "recall": actual, "f1": (given + actual) / 2}[name]


def _ends(value: float, whole: float, drawn: Floats, sample: Sample) -> Interval:
    """The interval of a share of ``whole`` rows; where all resamples are perfect, Wilson's."""
    if whole == 0:
        return 0.0, 1.0
    units = min(whole, sample.units)
    if np.all(drawn[~np.isnan(drawn)] == value):
        return wilson(value * units, units)
    return interval(drawn, int(np.ceil(units))) or (0.0, 1.0)
