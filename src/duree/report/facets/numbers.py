"""The facet of numeric targets, with the errors of the network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from duree.report.facets.target import Target
from duree.report.figures.plan import Plan
from duree.report.figures.regression import draw_predicted
from duree.report.methods.phrases import Phrases
from duree.report.pages.mistakes import missed_numbers
from duree.report.pages.section import Page, Section
from duree.report.run_data import RunData
from duree.report.run_folder import RunFolder
from duree.report.safe_text import label


class Numbers(Target):
    """One number per row."""

    watched: ClassVar[tuple[str, int]] = ("validation mean absolute error", -1)
    of_examples: ClassVar[str] = (
        "Test rows with the highest and the lowest predictions. Blue words raise the predicted "
        "number, orange underlined words lower it (integrated gradients); darker means "
        "stronger."
    )

    @classmethod
    def find(cls, folder: RunFolder) -> Self | None:
        found = folder.predictions
        is_number = "prediction" in found.columns and found["prediction"].dtype.is_numeric()
        return cls() if is_number else None

    def question_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        yield say(
            "From {source} the number in “{target}” was predicted.",
            source=run.rows.source(run, say),
            target=label(self.column(run)),
        )

    def loss(self, run: RunData, say: Phrases) -> str:
        return say("squared error")

    def calibration_sentences(self, run: RunData, say: Phrases) -> Iterable[str]:
        if "low" in run.predictions.columns:
            yield say(
                "The 95 % prediction intervals are split conformal, from the errors on the "
                "validation set ({lei2018})."
            )

    def answer_shown(self, run: RunData, answer: str, sure: float) -> tuple[str, str]:
        return f"{sure:.4g}", ""

    def sections(self) -> Sequence[Section]:
        return [NumberErrors(), NumberMistakes()]

    def figures(self, run: RunData) -> Sequence[Plan]:
        return [Plan("predicted", "Predicted and true values, and residuals", draw_predicted)]


@dataclass(frozen=True)
class NumberErrors(Section):
    """Predicted against true numbers."""

    anchor = "errors"
    title = "Errors of the network"
    template = "number_errors.html"
    after = "training"


@dataclass(frozen=True)
class NumberMistakes(Section):
    """The rows with the largest errors."""

    anchor = "mistakes"
    title = "Worst errors"
    template = "mistakes.html"
    after = "training"

    def facts(self, page: Page) -> dict[str, Any]:
        return {
            "lead": page.words("The rows with the largest errors."),
            "mistakes": list(missed_numbers(page.run, page.words)),
        }
