"""Mistakes: the wrong predictions with the highest probability or error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from markupsafe import Markup
from numpy.typing import NDArray

from duree.report.figures.regression import quantities
from duree.report.numbers import decimals, number, share
from duree.report.run_data import RunData
from duree.report.safe_text import label, quote
from duree.report.vocabulary import Words
from duree.results.metric import MAE
from duree.tables.columns import PROBABILITY

MOST = 12
TEXT_COLUMNS = 420

# A row of predictions as a text or a drawing.
Shown = Callable[[RunData, int], str | Markup]


@dataclass(frozen=True)
class Mistake:
    """One row with a wrong prediction.

    ``place`` is its number among the test rows, from 1. ``of_true`` and ``of_predicted`` are shown
    after the true and the predicted value: their probabilities, or the error. ``shown`` is the row
    as a text or a drawing.
    """

    place: int
    true: str
    predicted: str
    of_true: str
    of_predicted: str
    shown: Markup


def wrong_rows(run: RunData) -> pl.Series:
    """Which test rows the network predicted wrongly."""
    return run.predictions["prediction"].cast(pl.String) != _answers(run)


def probability_of_predicted(columns: Mapping[str, str]) -> pl.Expr:
    """The probability of the class predicted, which need not be the most probable one.

    ``columns`` is {class: column of its probability}; where the class has none, the largest is
    taken.
    """
    predicted = pl.col("prediction").cast(pl.String)
    each = (pl.when(predicted == name).then(pl.col(column)) for name, column in columns.items())
    return pl.coalesce(*each, pl.max_horizontal(columns.values()))


def mistaken_classes(run: RunData, shown: Shown | None = None) -> Iterator[Mistake]:
    """Rows whose predicted class is wrong, the most probable first."""
    named = {name: PROBABILITY + name for name in run.target.classes(run)}
    known = {name: column for name, column in named.items() if column in run.predictions.columns}
    answers = _answers(run)
    # With many states the file contains only the probability of the most probable one.
    given = probability_of_predicted(known) if known else pl.col("probability")
    sure = run.predictions.select(given).to_series().to_numpy()
    for row in _worst(np.where(wrong_rows(run).to_numpy(), sure, -1.0)):
        column = known.get(answers[row])
        of_true = "–" if column is None else share(run.predictions[column][row], run.test_rows)
        of_predicted = f" ({share(sure[row], run.test_rows)})"
        yield _mistake(
            run, row, (answers[row], f" ({of_true})"), (_predicted(run, row), of_predicted), shown
        )


def mistaken_labels(run: RunData, names: list[str], separator: str) -> Iterator[Mistake]:
    """Rows with the largest error in the probability of a label."""
    probabilities = run.predictions.select(PROBABILITY + name for name in names).to_numpy()
    answers = _answers(run)
    marks = np.array(
        [[name in _labels(cell, separator) for name in names] for cell in answers], dtype=float
    )
    gaps = np.abs(probabilities - marks)
    for row in _worst(np.where(gaps.max(axis=1) > 0.5, gaps.max(axis=1), -1.0)):
        place = int(gaps[row].argmax())
        probability = share(probabilities[row, place], run.test_rows)
        of_predicted = f" · {label(names[place])}: {probability}"
        yield _mistake(run, row, (answers[row], ""), (_predicted(run, row), of_predicted))


def missed_numbers(run: RunData, words: Words) -> Iterator[Mistake]:
    """Rows with the largest errors."""
    true, predicted = quantities(run)
    figure = run.metrics.results["network"].estimates.get("mae")
    scale = figure.value if figure else float(np.abs(predicted - true).mean())
    places = decimals(MAE, run.test_rows, scale)
    for row in _worst(np.abs(predicted - true)):
        answer, given = float(true[row]), float(predicted[row])
        missed = words("residual")
        residual = f" · {missed} {number(given - answer, places)}"
        yield _mistake(run, row, (number(answer, places), ""), (number(given, places), residual))


def _answers(run: RunData) -> pl.Series:
    return run.predictions[run.target_column()].cast(pl.String).fill_null("")


def _predicted(run: RunData, row: int) -> str:
    return str(run.predictions["prediction"][row])


def _worst(badness: NDArray[np.float64]) -> list[int]:
    """Rows with positive ``badness``, the worst first; ties in the order of rows."""
    order = np.argsort(-badness, kind="stable")[:MOST]
    return [int(row) for row in order if badness[row] > 0]


def _mistake(
    run: RunData,
    row: int,
    true: tuple[str, str],
    predicted: tuple[str, str],
    shown: Shown | None = None,
) -> Mistake:
    """The mistake of a row; true and predicted values are pairs of value and addition."""
    return Mistake(
        place=row + 1,
        true=label(true[0]),
        predicted=label(predicted[0]),
        of_true=true[1],
        of_predicted=predicted[1],
        shown=_framed((shown or run.rows.shown)(run, row)),
    )


def _framed(row: str | Markup) -> Markup:
    """A drawing, or a text, shortened if it is long; empty for an empty text."""
    if isinstance(row, Markup):
        return Markup('<p class="sparks">{}</p>').format(row)
    text = quote(row, TEXT_COLUMNS)
    return Markup('<blockquote dir="auto">{}</blockquote>').format(text) if text else Markup("")


def _labels(cell: str, separator: str) -> set[str]:
    return {part.strip() for part in cell.split(separator)}
