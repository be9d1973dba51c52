"""Requests and responses of networks for texts, state sequences and events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from fastapi import HTTPException
from pydantic import BaseModel

from duree.errors import DataError
from duree.explain.attribution import integrated_gradients
from duree.explain.model import explanation_of, text_encoder
from duree.pipeline.explain_row import is_explainable
from duree.pipeline.explain_test import answer_names, shading
from duree.results.explanations import Shading
from duree.sequences.ragged import EMPTY
from duree.serving.arrow import read_column, write_table
from duree.serving.bodies import (
    ARROW,
    JSON,
    Asked,
    AskedLists,
    Cell,
    Line,
    answers_of,
    column_of,
    finite_number,
    unfit,
)
from duree.serving.rows import ServedRows, Tried
from duree.tables.columns import listed
from duree.tables.layouts.covariates import called, prepend_covariates_to_row
from duree.tables.layouts.persons import GAPS
from duree.tables.layouts.state_strings import ARROW as NEXT_STATE
from duree.tables.layouts.step_attributes import with_step_features
from duree.tables.table import Table

# Classes that are listed for typed input, the most probable ones.
MAX_CLASSES = 12


@dataclass(frozen=True)
class TriedRow:
    """The prediction for a typed text or sequence: a class with probabilities, or a number with its
    interval; the attributions of words, if there are any; and the share of its units that do not
    occur in training, with their number."""

    page: ClassVar[str] = "try_prediction.html"
    text: str
    prediction: object
    probabilities: list[tuple[str, float]]
    interval: tuple[float, float] | None
    shading: Shading | None
    unseen: float | None
    units: int


class Rows(ServedRows[str]):
    """Requests and responses of a network with one prediction per text or state sequence."""

    body: type[BaseModel] = Asked

    @property
    def needed(self) -> list[str]:
        """The columns that every row must have."""
        return self.model.inputs

    @property
    def example(self) -> dict[str, Line]:
        """A row that it can predict."""
        units = self.model.encoder.units_encoder
        return self.model.layout.example_row(units.vocabulary if units else [])

    def read(self, row: Mapping[str, Line], number: int) -> str:
        """The input of a row; HTTPException 422 if it lacks a column."""
        values = []
        for column in self.model.inputs:
            value = column_of(row, column, number)
            if isinstance(value, list):
                raise unfit(number, f"{column!r} is a list, and a single value is wanted")
            values.append(value)
        return self.text_of(values)

    def size(self, text: str) -> int:
        """The number of its characters."""
        return len(text)

    async def receive(self, body: bytes, media_type: str) -> list[str]:
        """The rows of a JSON object or of an Arrow table."""
        return self.of_table(body) if media_type == ARROW else self.of_json(body)

    def of_table(self, body: bytes) -> list[str]:
        """The rows of an Arrow table; HTTPException 422 if it is invalid."""
        if self.needed != self.model.inputs:
            raise HTTPException(422, "event attributes are lists: send the rows as JSON")
        try:
            columns = [read_column(body, column) for column in self.needed]
            return [self.text_of(row) for row in zip(*columns, strict=True)]
        except ValueError as error:
            raise HTTPException(422, str(error)) from None

    def media_type(self, sent: str, accepted: str) -> str:
        """The format that is asked for, or that of the rows."""
        return ARROW if ARROW in accepted or (sent == ARROW and JSON not in accepted) else JSON

    def send(self, answers: list[dict[str, Any]], media_type: str) -> bytes:
        """Predictions as a JSON object or as an Arrow table."""
        if media_type == ARROW:
            return write_table(self.as_columns(answers))
        return super().send(answers, media_type)

    def text_of(self, values: Sequence[Cell]) -> str:
        """The values of a row's columns as one text, with covariates first."""
        given = [None if value is None else written(value) for value in values]
        heads = self.model.layout.covariates
        sequence, covariates = given[: len(given) - len(heads)], given[len(given) - len(heads) :]
        text = self.model.layout.join_row(sequence)
        return prepend_covariates_to_row(heads, covariates, text, self.model.layout.cells)

    def answers(self, texts: list[str]) -> list[dict[str, Any]]:
        """The predictions for some texts, as the service returns them."""
        model = self.model
        sequences = model.encode(self.series(texts))
        predictions = model.predictions(sequences)
        answers = answers_of(model.task, model.task.row_predictions(predictions, sequences.lengths))
        return list(self.doubted(answers, sequences))

    def series(self, texts: list[str]) -> pl.Series:
        """The input of the encoder."""
        return pl.Series("text", texts, dtype=pl.String)

    def as_columns(self, answers: list[dict[str, Any]]) -> list[pl.Series]:
        """Responses as the columns that ``duree predict`` writes."""
        rows = [list(one.get("probability", one).values()) for one in answers]
        outputs = self.model.task.outputs  # for a number 1: its interval is left out
        return self.model.task.columns(np.array([row[:outputs] for row in rows], dtype=np.float64))

    def try_typed(self, text: str, covariates: Mapping[str, str]) -> Tried:
        """The prediction for a typed text or state sequence."""
        model = self.model
        row = model.layout.row_of_text(text, covariates)
        self._require_known(model.layout.typed_units(text))
        text = self.read(row, 1)
        answer = self.answers([text])[0]
        probabilities = list(answer.get("probability", {}).items())
        if len(probabilities) > MAX_CLASSES:
            probabilities = sorted(probabilities, key=lambda pair: -pair[1])[:MAX_CLASSES]
        shades, sequence = None, model.encode(self.series([text]))
        if is_explainable(model):
            chosen = explanation_of(model).chosen(model.predictions(sequence))
            shades = shading(model, text, integrated_gradients(model, sequence, chosen))
        interval = (answer["low"], answer["high"]) if "low" in answer else None
        units = len(sequence.values)
        return TriedRow(
            text, answer["prediction"], probabilities, interval, shades, answer["unseen"], units
        )

    def _require_known(self, units: list[str]) -> None:
        """Refuse states that the network has not seen: it would read each as unknown."""
        encoder = self.model.encoder.units_encoder
        if encoder is None or not units:
            return
        known = set(encoder.vocabulary)
        unknown = [unit for unit in units if not known.issuperset(encoder.units(unit))]
        if unknown:
            covariates = tuple(map(called, self.model.layout.covariates))
            states = encoder.vocabulary[EMPTY + 1 :]
            raise DataError(
                "the network was not trained on {unknown}",
                fix="write states that it knows, separated by commas: {known}",
                unknown=listed(list(dict.fromkeys(unknown))),
                known=listed([state for state in states if not state.startswith(covariates)]),
            )

    @property
    def explain(self) -> Callable[[str], dict[str, Any]] | None:
        """``explained``."""
        return self.explained

    def explained(self, text: str) -> dict[str, Any]:
        """A prediction, with the attribution of each word of its text."""
        model = self.model
        if model.task.explanation is None or model.encoder.units_encoder is None:
            raise HTTPException(422, "a network that answers at each step is not explained")
        given = integrated_gradients(model, model.encode(self.series([text])))
        encoder = text_encoder(model)
        words = zip(
            encoder.units(text),
            encoder.places(text),
            given.values.values.tolist(),
            strict=True,
        )
        return {
            **self.answers([text])[0],
            "answer": answer_names(model)[int(given.outputs[0])],
            "words": [
                {"unit": unit, "begin": begin, "end": end, "attribution": attribution}
                for unit, (begin, end), attribution in words
            ],
        }


class SequenceWithFeatures(str):
    """A sequence of events as a text, with the values of its step features, if known."""

    step_features: dict[str, list[Any]]


class Events(Rows):
    """Requests and responses of a network for events with step features.

    Each attribute is a list with one value per event; so are the times since the previous event,
    which are optional, as ``gaps``.
    """

    body = AskedLists

    @property
    def needed(self) -> list[str]:
        """The columns that every row must have."""
        return [*self.model.inputs, *(name for name in self.model.step_features if name != GAPS)]

    @property
    def example(self) -> dict[str, Line]:
        """A row that it can predict."""
        return {**super().example, **{name: [None] for name in self.model.step_features}}

    def read(self, row: Mapping[str, Line], number: int) -> SequenceWithFeatures:
        """The input of a row; HTTPException 422 if it is invalid."""
        text_of = SequenceWithFeatures(super().read(row, number))
        lists = {
            name: column_of(row, name, number) for name in self.model.step_features if name != GAPS
        }
        lists |= {GAPS: row[GAPS]} if row.get(GAPS) is not None else {}
        steps = len(text_of.split(NEXT_STATE)) - len(self.model.layout.covariates) if text_of else 0
        text_of.step_features = {}
        for name in self.model.step_features:
            if (given := lists.get(name)) is None:
                continue
            if not isinstance(given, list) or len(given) != steps:
                raise unfit(number, f"{name!r} is to be a list with a value for each of {steps}")
            if self._has_numbers(name):
                plain = [int(value) if isinstance(value, bool) else value for value in given]
                text_of.step_features[name] = [finite_number(one, name, number) for one in plain]
            else:
                text_of.step_features[name] = list(given)
        return text_of

    def _has_numbers(self, name: str) -> bool:
        """Whether a step feature is a number."""
        return self.model.encoder.step_classes[name][1]

    def series(self, texts: list[str]) -> pl.Series:
        """The input of the encoder; the step features of plain texts are missing."""
        columns = []
        for name in self.model.step_features:
            given = [
                text.step_features.get(name) if isinstance(text, SequenceWithFeatures) else None
                for text in texts
            ]
            make, kind = (float, pl.Float64) if self._has_numbers(name) else (str, pl.String)
            cells = [
                None if one is None else [None if cell is None else make(cell) for cell in one]
                for one in given
            ]
            columns.append(pl.Series(name, cells, pl.List(kind)))
        return with_step_features(
            Table(pl.DataFrame(columns), ()), super().series(texts), self.model.step_features
        )


def written(value: Cell) -> str:
    """A value as a text; a missing one is empty."""
    return "" if value is None else str(value)
