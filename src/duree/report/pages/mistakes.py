"""The mistakes that the network was surest of: what a reader should look at first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from markupsafe import Markup
from numpy.typing import NDArray

from duree.report.figures.regression import quantities
from duree.report.figures.sparklines import draw_sparks
from duree.report.numbers import decimals, number, share
from duree.report.run_data import RunData
from duree.report.safe_text import label, quote

MOST = 12
TEXT_COLUMNS = 420


@dataclass(frozen=True)
class Mistake:
    """One row that the network got wrong.

    ``place`` is its place among the test rows, from 1, and ``id`` its own name where it has one.
    ``sure`` is the probability of what the network said (for numbers: the error), ``of_true`` that
    of the true answer. ``drawing`` is the row as pictures, where it is a series of numbers.
    """

    place: int
    id: str
    text: str
    true: str
    predicted: str
    sure: str
    of_true: str
    drawing: Markup


def surest_mistakes(run: RunData) -> list[Mistake]:
    """The mistakes with the highest probability, or the largest errors, worst first."""
    if run.forecasts:
        return []  # its worst forecasts stand in a table of their own
    if not run.classes:
        return list(_quantities(run))
    return list(_labels(run) if run.is_multilabel else _classes(run))


def count_mistakes(run: RunData) -> int:
    """How many test rows the network got wrong."""
    return int(_wrong(run).sum())


def _wrong(run: RunData) -> pl.Series:
    answers = run.predictions[run.target_column()].cast(pl.String).fill_null("")
    return run.predictions["prediction"].cast(pl.String) != answers


def _classes(run: RunData) -> Iterator[Mistake]:
    named = {name: f"probability_{name}" for name in run.classes}
    shown = {name: column for name, column in named.items() if column in run.predictions.columns}
    answers = run.predictions[run.target_column()].cast(pl.String).fill_null("")
    # Of many states only the likeliest has its probability told.
    columns = list(shown.values()) or ["probability"]
    sure = run.predictions.select(pl.max_horizontal(columns)).to_series().to_numpy()
    for row in _worst(np.where(_wrong(run).to_numpy(), sure, -1.0)):
        true = shown.get(answers[row])
        of_true = share(run.predictions[true][row], run.test_rows) if true is not None else "–"
        predicted = run.predictions["prediction"][row]
        yield _mistake(
            run, row, answers[row], str(predicted), share(sure[row], run.test_rows), of_true
        )


def _labels(run: RunData) -> Iterator[Mistake]:
    """Rows with the label that was most confidently given or denied amiss."""
    separator = run.recipe.data.label_separator or ";"
    probabilities = run.predictions.select(f"probability_{name}" for name in run.classes).to_numpy()
    answers = run.predictions[run.target_column()].cast(pl.String).fill_null("").to_list()
    marks = np.array(
        [[name in _parts(cell, separator) for name in run.classes] for cell in answers], dtype=float
    )
    gaps = np.abs(probabilities - marks)
    for row in _worst(np.where(gaps.max(axis=1) > 0.5, gaps.max(axis=1), -1.0)):
        place = int(gaps[row].argmax())
        shown = f"{label(run.classes[place])}: {share(probabilities[row, place], run.test_rows)}"
        predicted = run.predictions["prediction"][row]
        yield _mistake(run, row, answers[row], str(predicted), shown, "")


def _quantities(run: RunData) -> Iterator[Mistake]:
    true, predicted = quantities(run)
    figure = run.metrics.results["network"].estimates.get("mae")
    scale = figure.value if figure else float(np.abs(predicted - true).mean())
    places = decimals("mae", run.test_rows, scale)
    for row in _worst(np.abs(predicted - true)):
        answer, given = float(true[row]), float(predicted[row])
        missed = number(given - answer, places)
        yield _mistake(run, row, number(answer, places), number(given, places), missed, "")


def _worst(badness: NDArray[np.float64]) -> list[int]:
    """Rows that are wrong at all, the worst first; ties by their order."""
    order = np.argsort(-badness, kind="stable")[:MOST]
    return [int(row) for row in order if badness[row] > 0]


def _mistake(run: RunData, row: int, true: str, predicted: str, sure: str, of_true: str) -> Mistake:
    text, name = run.column("text"), run.column("id")
    shown, drawing = "", Markup("")
    if text and run.channels:
        names = [channel.name for channel in run.channels.channels]
        drawing = draw_sparks(run.predictions[text][row].to_numpy(), names)
    elif text:
        shown = str(run.predictions[text][row] or "")
    if "before" in run.predictions.columns and run.answers_steps:
        shown = f"{run.predictions['step'][row]}: {run.predictions['before'][row]} › {true}"
    return Mistake(
        row + 1,
        label(str(run.predictions[name][row])) if name else "",
        quote(shown, TEXT_COLUMNS),
        label(true),
        label(predicted),
        sure,
        of_true,
        drawing,
    )


def _parts(cell: str, separator: str) -> set[str]:
    return {part.strip() for part in cell.split(separator)}
