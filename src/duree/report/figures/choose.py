"""Figures: which a run has, drawn for its page or written as SVG and PDF files for a paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from duree.report.differences import differences
from duree.report.figures.classes import (
    draw_confusion,
    draw_reliability,
    draw_tags,
    reliability_models,
)
from duree.report.figures.explanations import draw_arc, draw_faithfulness, draw_map, draw_memory
from duree.report.figures.fonts import families_for
from duree.report.figures.forecasts import draw_bands, draw_fans, draw_steps
from duree.report.figures.models import draw_differences, draw_models
from duree.report.figures.regression import draw_predicted
from duree.report.figures.series import draw_channels
from duree.report.figures.split import draw_parts
from duree.report.figures.states import (
    draw_distribution,
    draw_entropy,
    draw_sequences,
    draw_transitions,
)
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
from duree.storage import write_file

FOLDER = "figures"


@dataclass(frozen=True)
class Plan:
    """One figure: its name (also the file's), what it shows, and the function that draws it."""

    name: str
    title: str
    draw: Callable[[RunData, Words], Figure]


def plan_figures(run: RunData) -> list[Plan]:
    """The figures that this run has data for, in the order of the page."""
    one_class = bool(run.classes) and not run.is_multilabel
    plans = [
        (True, Plan("parts", "Rows of the three parts and the classes’ shares", draw_parts)),
        (True, Plan("models", "Every model with its 95 % interval", draw_models)),
        (
            bool(differences(run, run.metrics.primary_metric)),
            Plan("differences", "The network minus each baseline", draw_differences),
        ),
        (bool(run.history), Plan("curves", "Learning curves", draw_curves)),
        (one_class, Plan("confusion", "Confusions of the network", draw_confusion)),
        (
            bool(reliability_models(run)),
            Plan("reliability", "Stated confidence against the share right", draw_reliability),
        ),
        (
            not run.classes and run.forecasts is None and run.tags is None,
            Plan("predicted", "Predicted against true, and residuals", draw_predicted),
        ),
    ]
    present = [plan for present, plan in plans if present]
    if run.tags is not None and run.tags.wrong:
        present.append(Plan("tags", "Confusions of tags", draw_tags))
    return present + _of_the_forecasts(run) + _of_the_sequences(run) + _of_what_was_learned(run)


def _of_the_forecasts(run: RunData) -> list[Plan]:
    facts = run.forecasts
    if facts is None:
        return []
    return [
        Plan("fans", "Forecasts against what came", lambda _, words: draw_fans(facts, words)),
        Plan("steps", "Errors by step", lambda run, words: draw_steps(run, facts, words)),
        Plan(
            "bands", "Stated against true shares", lambda run, words: draw_bands(run, facts, words)
        ),
    ]


def _of_the_sequences(run: RunData) -> list[Plan]:
    channels = run.channels
    if channels is not None:
        title = "Mean and quartiles of the series over time"
        return [Plan("channels", title, lambda _, words: draw_channels(channels, words))]
    facts = run.states
    if facts is None or not facts.states:
        return []
    return [
        Plan(
            "states",
            "Shares of the states over time",
            lambda _, words: draw_distribution(facts, words),
        ),
        Plan(
            "sequences",
            "Sequences of states, a line each",
            lambda _, words: draw_sequences(facts, words),
        ),
        Plan(
            "transitions",
            "Probabilities of the next state",
            lambda _, words: draw_transitions(facts, words),
        ),
        Plan(
            "entropy",
            "Entropy of the states over time",
            lambda _, words: draw_entropy(facts, words),
        ),
    ]


def _of_what_was_learned(run: RunData) -> list[Plan]:
    found = run.explanations
    if found is None:
        return []
    curves, arc = found.curves, found.arc
    plans = []
    if found.memory:
        title = "The figure by how much of the past the network may see"
        plans.append(Plan("memory", title, lambda _, words: draw_memory(found, words)))
    if found.words:
        title = "The telling words where their vectors lie"
        placed = [(word.word, word.answer, word.place) for word in found.words]
        plans.append(Plan("words", title, lambda _, __: draw_map(placed)))
    if arc is not None:
        title = "The prediction along the longest text"
        plans.append(Plan("arc", title, lambda _, words: draw_arc(arc, words)))
    if curves is not None:
        title = "Deletion and insertion curves of the attributions"
        plans.append(Plan("faithfulness", title, lambda _, words: draw_faithfulness(curves, words)))
    return plans


@dataclass(frozen=True)
class Drawn:
    """A figure that was drawn.

    Attributes
    ----------
    plan : Plan
    svg : str
        As matplotlib gives it; ``inline`` and ``files`` hand it on.
    fonts : list of str or None
        What its PDF needs; None where this machine has no font that would do.
    """

    plan: Plan
    svg: str
    fonts: list[str] | None

    def inline(self, words: Words) -> str:
        """An ``<svg>`` element for a page."""
        return to_inline_svg(self.svg, self.plan.name, words(self.plan.title))

    def files(self, run: RunData, words: Words) -> dict[str, bytes]:
        """SVG and PDF by file name; no PDF that would show boxes in place of letters."""
        name = self.plan.name
        files = {f"{name}.svg": to_svg_file(self.svg)}
        if self.fonts:
            with drawing_style(self.fonts):
                files[f"{name}.pdf"] = to_pdf(self.plan.draw(run, words), words(self.plan.title))
        return files


def draw_figures(run: RunData, words: Words) -> list[Drawn]:
    """Draw every figure that the run has."""
    drawn = []
    for plan in plan_figures(run):
        with drawing_style():
            figure = plan.draw(run, words)
            drawn.append(Drawn(plan, to_svg(figure), families_for(texts_of(figure))))
    return drawn


def write_drawn(drawn: list[Drawn], run: RunData, folder: Path, words: Words) -> list[Path]:
    """Write figures as SVG and PDF, for a paper; returns the files.

    A PDF is left out if this machine has no font for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for figure in drawn:
        for name, content in figure.files(run, words).items():
            write_file(folder / name, content)
            written.append(folder / name)
    return written
