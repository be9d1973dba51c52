"""The figures of a run: drawn for its page, or written as SVG and PDF files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from duree.report.differences import differences
from duree.report.figures.fonts import families_for
from duree.report.figures.models import draw_differences, draw_models
from duree.report.figures.plan import Plan
from duree.report.figures.split import draw_parts
from duree.report.figures.style import (
    drawing_style,
    texts_of,
    to_inline_svg,
    to_pdf,
    to_svg,
    to_svg_file,
)
from duree.report.figures.training import draw_curves
from duree.report.run_data import RunData
from duree.report.vocabulary import Words
from duree.storage import cannot_write, write_file

FOLDER = "figures"


def plan_figures(run: RunData) -> list[Plan]:
    """The figures for which the run has data."""
    plans = [
        Plan(
            "parts", "Rows of the training, validation and test sets, and class shares", draw_parts
        ),
        Plan("models", "Every model with its 95 % interval", draw_models),
    ]
    if differences(run, run.metrics.primary_metric):
        plans.append(Plan("differences", "The network minus each baseline", draw_differences))
    if run.history:
        plans.append(Plan("curves", "Learning curves", draw_curves))
    for facet in (run.target, run.rows, *run.extras):
        plans += facet.figures(run)
    return plans


@dataclass(frozen=True)
class Drawn:
    """A drawn figure.

    Attributes
    ----------
    plan : Plan
    svg : str
        The output of matplotlib.
    fonts : list of str or None
        The fonts for its PDF; None if this machine lacks them.
    """

    plan: Plan
    svg: str
    fonts: list[str] | None

    def inline(self, words: Words) -> str:
        """An ``<svg>`` element for a page."""
        return to_inline_svg(self.svg, self.plan.name, words(self.plan.title))

    def files(self, run: RunData, words: Words) -> dict[str, bytes]:
        """SVG and PDF by file name; no PDF if fonts are missing."""
        name = self.plan.name
        files = {f"{name}.svg": to_svg_file(self.svg)}
        if self.fonts:
            with drawing_style(self.fonts):
                files[f"{name}.pdf"] = to_pdf(self.plan.draw(run, words), words(self.plan.title))
        return files


def draw_figures(run: RunData, words: Words) -> list[Drawn]:
    """Draw all figures of a run."""
    drawn = []
    for plan in plan_figures(run):
        with drawing_style():
            figure = plan.draw(run, words)
            drawn.append(Drawn(plan, to_svg(figure), families_for(texts_of(figure))))
    return drawn


def write_drawn(drawn: list[Drawn], run: RunData, folder: Path, words: Words) -> list[Path]:
    """Write figures as SVG and PDF; returns the files.

    A PDF is left out if this machine has no font for it.

    Raises
    ------
    RunError
        The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    written = []
    for figure in drawn:
        for name, content in figure.files(run, words).items():
            write_file(folder / name, content)
            written.append(folder / name)
    return written
