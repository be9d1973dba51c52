"""The facet of rare classes: their precision and recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from duree.report.facets.extra import Extra
from duree.report.figures.plan import Plan
from duree.report.figures.precision_recall import MOST_PANELS, draw_precision_recall
from duree.report.numbers import Shown, count, estimate, share
from duree.report.pages.section import Page, Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label
from duree.report.vocabulary import Words
from duree.results.metric import AVERAGE_PRECISION
from duree.results.precision_recall import PrecisionRecall, RareClass

MOST_CLASSES = 20
ONE = (
    "Precision by recall for the rare class, as the probability from which on it is predicted "
    "falls."
)
SEVERAL = (
    "Precision by recall for the {n} rarest classes, as the probability from which on the class is "
    "predicted falls."
)


@dataclass(frozen=True)
class RareClasses(Extra):
    """Classes with few of the test rows."""

    found: PrecisionRecall

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.record_if_there(PrecisionRecall, "precision_recall.json")
        return None if found is None else cls(found)

    def sections(self) -> Sequence[Section]:
        return [RareClassesSection(self.found)]

    def figures(self, run: RunData) -> Sequence[Plan]:
        def draw(run: RunData, words: Words) -> Any:
            return draw_precision_recall(self.found.classes[:MOST_PANELS], run, words)

        return [Plan("precision_recall", "Precision and recall of rare classes", draw)]


@dataclass(frozen=True)
class RareRow:
    """One class, with formatted figures; ``averages`` are those of the models."""

    label: str
    rows: str
    share: str
    averages: list[Shown | None]
    precision: str
    recall: str


@dataclass(frozen=True)
class RareClassesSection(Section):
    """The section on the precision and recall of rare classes."""

    found: PrecisionRecall

    anchor = "rare"
    title = "Rare classes"
    template = "rare_classes.html"
    after = "result"

    def facts(self, page: Page) -> dict[str, Any]:
        run, words = page.run, page.words.of_answers
        classes = self.found.classes[:MOST_CLASSES]
        models = list(dict.fromkeys(name for one in classes for name in one.curves))
        names = [words.model(name, run.metrics.cell) for name in models]
        return {
            "lead": words(
                "Most rows do not have these classes, so that a network which hardly ever predicts "
                "them may still be accurate. How many of a class are found (recall), and how many "
                "of those named so are right (precision), depends on the probability from which "
                "on it is predicted: the figure shows every choice."
            ),
            "caption": words.joined(
                words(SEVERAL if len(classes) > 1 else ONE, n=len(classes[:MOST_PANELS])),
                words("Blue: the network; dashed: chance."),
                *(words("Black: {baseline}.", baseline=name) for name in names[1:]),
                words("The diamond marks what the network predicts."),
            ),
            "models": names,
            "rare": [_row(one, models, run) for one in classes],
            "table_caption": words(
                "Average precision (the area below the curve) with 95 % intervals; chance has the "
                "share of the class. Precision and recall are those of the network’s predictions."
            ),
        }


def _row(one: RareClass, models: list[str], run: RunData) -> RareRow:
    return RareRow(
        label(one.name),
        count(one.rows),
        share(one.share, run.test_rows),
        [
            estimate(one.curves[name].average, AVERAGE_PRECISION, one.rows)
            if name in one.curves
            else None
            for name in models
        ],
        "–" if one.precision is None else share(one.precision, one.rows),
        share(one.recall, one.rows),
    )
