"""Predictions for a text, states, a sentence or a series that the user types in."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from duree.errors import DataError
from duree.explain.attribution import integrated_gradients
from duree.explain.model import explanation_of
from duree.pipeline.explain_row import is_explainable
from duree.pipeline.explain_test import shading
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.results.explanations import Shading
from duree.serving.sentences import Sentences
from duree.serving.series import SeriesRows
from duree.serving.served import Rows, rows_of
from duree.serving.studio.test_rows import ONE_AT_A_TIME, networks
from duree.tables.files.conll import LONGEST_SENTENCE
from duree.tasks import layout_for

MAX_LENGTH = 20_000  # characters
MAX_CLASSES = 12  # that are listed, the most probable ones
# Cells of a step without a value.
MISSING = frozenset({"", "-", ".", "?", "na", "nan", "null", "none"})


@dataclass(frozen=True)
class Prediction:
    """The prediction for a text or states: a class with the probabilities, or a number with its
    interval; and the attributions of words, if these are explained."""

    page: ClassVar[str] = "try_prediction.html"
    text: str
    prediction: object
    probabilities: list[tuple[str, float]]
    interval: tuple[float, float] | None
    shading: Shading | None


@dataclass(frozen=True)
class Tags:
    """The words of a sentence, each with a tag and its probability in every layer."""

    page: ClassVar[str] = "try_tags.html"
    layers: list[str]
    words: list[tuple[str, list[tuple[str, float]]]]


@dataclass(frozen=True)
class Forecast:
    """The forecast steps: time, median, and the ends of both intervals."""

    page: ClassVar[str] = "try_forecast.html"
    steps: list[tuple[str, list[float | None]]]

    @property
    def places(self) -> int:
        """Decimal places that show four digits of the largest value."""
        figures = [abs(end) for _, ends in self.steps for end in ends if end]
        return max(0, 3 - math.floor(math.log10(max(figures, default=1.0))))


def input_kind(recipe: Recipe) -> str:
    """What the user may type in: ``text``, ``states``, ``sentence``, ``series`` or nothing."""
    return layout_for(recipe).typed_input(recipe)


def predict_input(run: Run, given: Mapping[str, str]) -> Prediction | Tags | Forecast:
    """The network's prediction for what was typed into the form.

    Raises
    ------
    DataError
        The network cannot read it.
    """
    text = given.get("text", "")[:MAX_LENGTH]
    with ONE_AT_A_TIME:
        model = networks(run)[0]
        rows = rows_of(model, run.recipe)
        if isinstance(rows, Sentences):
            return _tag_sentence(rows, text)
        if isinstance(rows, SeriesRows):
            return _forecast(rows, text)
        if not isinstance(rows, Rows):  # which the form does not offer
            raise DataError(
                "a series with several channels cannot be entered by hand",
                fix="predict a table, or use duree serve",
            )
        known = {name: given.get(f"known {name}", "") for name in model.layout.covariates}
        return _predict_row(rows, model.layout.row_of_text(text, known))


def _predict_row(rows: Rows, row: Mapping[str, str | None]) -> Prediction:
    model, text = rows.model, rows.read(row, 1)
    answer = rows.answers([text])[0]
    probabilities = list(answer.get("probability", {}).items())
    if len(probabilities) > MAX_CLASSES:
        probabilities = sorted(probabilities, key=lambda pair: -pair[1])[:MAX_CLASSES]
    shades = None
    if is_explainable(model):
        sequence = model.encode(rows.series([text]))
        chosen = explanation_of(model).chosen(model.predictions(sequence))
        shades = shading(model, text, integrated_gradients(model, sequence, chosen))
    interval = (answer["low"], answer["high"]) if "low" in answer else None
    return Prediction(text, answer["prediction"], probabilities, interval, shades)


def _tag_sentence(rows: Sentences, text: str) -> Tags:
    words = text.split()[:LONGEST_SENTENCE]
    if not words:
        raise DataError("no words were given", fix="write words separated by spaces")
    answer = rows.answers([words])[0]
    layers = [name for name in answer if name.startswith("prediction")]
    pairs = [
        list(zip(answer[name], answer[name.replace("prediction", "probability", 1)], strict=True))
        for name in layers
    ]
    names = rows.model.columns["target"].split(",")
    return Tags(names, list(zip(words, map(list, zip(*pairs, strict=True)), strict=True)))


def _forecast(rows: SeriesRows, text: str) -> Forecast:
    """One line per step: its value, after its time if the network reads times."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if rows.time is None:
        lines = re.split(r"[\s;]+", text.strip())
    columns: dict[str, list[str | float | None]] = {name: [] for name in rows.needed}
    for number, line in enumerate(lines, start=1):
        time, value = "", line
        if rows.time is not None:
            time, _, value = re.sub(r"[\t;]+", " ", line).rpartition(" ")
            columns[rows.time].append(time.strip().rstrip(",") or None)
        columns[rows.value].append(_number(value, line, number))
    answer = rows.answers([rows.begun(columns)])[0]
    ends = ("prediction", "low_80", "high_80", "low", "high")
    figures = zip(*(answer[name] for name in ends), strict=True)
    return Forecast(list(zip(answer["time"], map(list, figures), strict=True)))


def _number(value: str, line: str, number: int) -> float | None:
    if value.strip().lower() in MISSING:
        return None
    try:
        return float(value)
    except ValueError:
        raise DataError(
            "{value!r} is not a number",
            "line {number}: {line!r}",
            "write one step per line: time, space, value with a decimal point",
            value=value,
            number=number,
            line=line[:80],
        ) from None
