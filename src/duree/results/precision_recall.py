"""What ``precision_recall.json`` holds: precision and recall of classes that are rare."""

from __future__ import annotations

from duree.results.run_files import Estimate, Record


class Curve(Record):
    """Precision by recall, as the least probability that counts as the class falls; with the
    average precision (the area below)."""

    recall: list[float]
    precision: list[float]
    average: Estimate


class RareClass(Record):
    """One class or label.

    ``rows`` of the test set have it, a ``share`` of all, which is the average precision of chance.
    ``recall`` and ``precision`` are those of the network's predictions; ``curves`` are those of the
    network and the strongest baseline.
    """

    name: str
    rows: int
    share: float
    recall: float
    precision: float | None
    curves: dict[str, Curve]


class PrecisionRecall(Record):
    """The rare classes of a run, the rarest first."""

    classes: list[RareClass]
