"""Trying: what a run's network says of a text, states, a sentence or a series of one's own."""

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
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.results.explanations import Shading
from duree.serving.numbers import Numbers
from duree.serving.sentences import Sentences
from duree.serving.series import SeriesRows
from duree.serving.served import Rows, rows_of
from duree.serving.studio.forms import of_series
from duree.serving.studio.test_rows import ONE_AT_A_TIME, networks
from duree.tables.files.conll import LONGEST_SENTENCE
from duree.tables.layouts.state_strings import ARROW

TEXT = 20_000  # characters that may be tried
MOST_CHANCES = 12  # that are listed, where there are more answers
# Signs of a step without a value.
NOTHING = frozenset({"", "-", ".", "?", "na", "nan", "null", "none"})


@dataclass(frozen=True)
class Answered:
    """What the network says of a text or of states: an answer with its chances, or a number with
    its range; and the shades of words, where these are explained."""

    page: ClassVar[str] = "try_prediction.html"
    text: str
    prediction: object
    chances: list[tuple[str, float]]
    between: tuple[float, float] | None
    shading: Shading | None


@dataclass(frozen=True)
class Tagged:
    """The words of a sentence, each with a tag and its chance in every layer."""

    page: ClassVar[str] = "try_tags.html"
    layers: list[str]
    words: list[tuple[str, list[tuple[str, float]]]]


@dataclass(frozen=True)
class Ahead:
    """The steps to come: time, median, and the ends of both bands."""

    page: ClassVar[str] = "try_forecast.html"
    steps: list[tuple[str, list[float | None]]]

    @property
    def places(self) -> int:
        """Decimal places that show four digits of the largest figure."""
        figures = [abs(end) for _, ends in self.steps for end in ends if end]
        return max(0, 3 - math.floor(math.log10(max(figures, default=1.0))))


def asks_for(recipe: Recipe) -> str:
    """What may be tried of a run: ``text``, ``states``, ``sentence``, ``series`` or nothing."""
    data = recipe.data
    if of_series(recipe):
        return "" if recipe.forecast.past or recipe.forecast.known else "series"
    if data.token is not None:
        return "sentence"
    if data.reads_numbers or data.attribute:
        return ""
    return "states" if data.reads_states else "text"


def say(run: Run, given: Mapping[str, str]) -> Answered | Tagged | Ahead:
    """What the network says of what was written in the form.

    Raises
    ------
    DataError
        It cannot be read as what the network reads.
    """
    text = given.get("text", "")[:TEXT]
    with ONE_AT_A_TIME:
        model = networks(run)[0]
        rows = rows_of(model, run.recipe)
        if isinstance(rows, Sentences):
            return _tagged(rows, text)
        if isinstance(rows, SeriesRows):
            return _ahead(rows, text)
        if isinstance(rows, Numbers):  # which the form does not offer
            raise DataError(
                "series of several channels are not written by hand",
                fix="predict a table of them, or send them to duree serve",
            )
        if model.layout.takes_covariates:
            return _answered(rows, _states(model, text, given))
        return _answered(rows, {model.columns["text"]: text})


def _answered(rows: Rows, row: Mapping[str, str | None]) -> Answered:
    model, text = rows.model, rows.read(row, 1)
    answer = rows.answers([text])[0]
    chances = list(answer.get("probability", {}).items())
    if len(chances) > MOST_CHANCES:
        chances = sorted(chances, key=lambda chance: -chance[1])[:MOST_CHANCES]
    shades = None
    if is_explainable(model):
        sequence = model.encode(rows.series([text]))
        chosen = explanation_of(model).chosen(model.predictions(sequence))
        shades = shading(model, text, integrated_gradients(model, sequence, chosen))
    between = (answer["low"], answer["high"]) if "low" in answer else None
    return Answered(text, answer["prediction"], chances, between, shades)


def _states(model: TrainedModel, text: str, given: Mapping[str, str]) -> dict[str, str | None]:
    """States in their order, with commas or line ends between them, as a row of the table."""
    states = [state for part in re.split(r"[›,;\t\n]", text) if (state := part.strip())]
    if not states:
        raise DataError("there are no states", fix="write some, in their order")
    row: dict[str, str | None] = {
        name: given.get(f"known {name}") for name in model.layout.covariates
    }
    if not model.layout.step_columns:
        return row | {model.columns["text"]: ARROW.join(states)}
    columns = model.layout.step_columns
    if len(states) > len(columns):
        raise DataError(
            "{count} states are more than the {most} time points of the table",
            fix="leave some out",
            count=len(states),
            most=len(columns),
        )
    return row | dict.fromkeys(columns) | dict(zip(columns, states, strict=False))


def _tagged(rows: Sentences, text: str) -> Tagged:
    words = text.split()[:LONGEST_SENTENCE]
    if not words:
        raise DataError("there are no words", fix="write some, with blanks between them")
    answer = rows.answers([words])[0]
    layers = [name for name in answer if name.startswith("prediction")]
    pairs = [
        list(zip(answer[name], answer[name.replace("prediction", "probability", 1)], strict=True))
        for name in layers
    ]
    names = rows.model.columns["target"].split(",")
    return Tagged(names, list(zip(words, map(list, zip(*pairs, strict=True)), strict=True)))


def _ahead(rows: SeriesRows, text: str) -> Ahead:
    """A line for each step: its value, after its time where the network reads times."""
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
    return Ahead(list(zip(answer["time"], map(list, figures), strict=True)))


def _number(value: str, line: str, number: int) -> float | None:
    if value.strip().lower() in NOTHING:
        return None
    try:
        return float(value)
    except ValueError:
        raise DataError(
            "{value!r} is no number",
            "line {number}: {line!r}",
            "write a step on each line: its time, a blank, its value with a decimal point",
            value=value,
            number=number,
            line=line[:80],
        ) from None
