"""Served: one run, loaded once, that answers; and the rows of most, which are texts or states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from fastapi import HTTPException
from pydantic import BaseModel

from duree.explain.attribution import integrated_gradients
from duree.explain.model import text_encoder
from duree.network.model import tabulated
from duree.pipeline.explain_test import answer_names
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.run_folder import RunFolder
from duree.results.run_files import Estimate
from duree.serving.batching import Batcher
from duree.serving.bodies import (
    Asked,
    AskedLists,
    Card,
    Cell,
    Line,
    answers_of,
    column_of,
    unfit,
)
from duree.serving.numbers import Numbers
from duree.serving.sentences import Sentences
from duree.serving.series import SeriesRows
from duree.tables.layouts.covariates import prepend_covariates_to_row
from duree.tables.layouts.forecast_origins import ForecastOrigins
from duree.tables.layouts.numeric_series import NumericSeries
from duree.tables.layouts.persons import GAPS
from duree.tables.layouts.sentences import Tokens
from duree.tables.layouts.state_strings import ARROW
from duree.tables.layouts.step_attributes import with_step_features
from duree.tables.table import Table
from duree.version import __version__

# More tokens than any table of words costs, so that it is always made.
ALL = 2**62


class Rows:
    """Rows with a text, or with states, each of which gets one answer.

    Parameters
    ----------
    model : TrainedModel
    recipe : Recipe
        That of its run.
    """

    body: type[BaseModel] = Asked

    def __init__(self, model: TrainedModel, recipe: Recipe) -> None:
        self.model = model

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
        """What the network reads of a row; HTTPException 422 where it lacks a column."""
        values = []
        for column in self.model.inputs:
            value = column_of(row, column, number)
            if isinstance(value, list):
                raise unfit(number, f"{column!r} is a list, and a single value is wanted")
            values.append(value)
        return self.text_of(values)

    size = staticmethod(len)  # the characters of a text

    def text_of(self, values: Sequence[Cell]) -> str:
        """The values of a row's columns as one text."""
        given = [None if value is None else written(value) for value in values]
        heads = self.model.layout.covariates
        sequence, covariates = given[: len(given) - len(heads)], given[len(given) - len(heads) :]
        text = self.model.layout.join_row(sequence)
        return prepend_covariates_to_row(heads, covariates, text)

    def answers(self, texts: list[str]) -> list[dict[str, Any]]:
        """A prediction for each text, as the service tells it."""
        model = self.model
        sequences = model.encode(self.series(texts))
        predictions = model.predictions(sequences)
        return answers_of(model.task, model.task.row_predictions(predictions, sequences.lengths))

    def series(self, texts: list[str]) -> pl.Series:
        """Rows as the encoder takes them."""
        return pl.Series("text", texts, dtype=pl.String)

    def as_columns(self, answers: list[dict[str, Any]]) -> list[pl.Series]:
        """The same predictions as columns, as ``duree predict`` writes them."""
        rows = [list(one.get("probability", one).values()) for one in answers]
        outputs = self.model.task.outputs  # of a number it is the first, before its range
        return self.model.task.columns(np.array([row[:outputs] for row in rows], dtype=np.float64))

    def explained(self, text: str) -> dict[str, Any]:
        """A prediction, and what each word of its text added."""
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
    """Events as they are told, and for each of them a value of what stands beside, where that is
    known."""

    step_features: dict[str, list[Any]]


class Events(Rows):
    """Rows with events, beside which stand the time since the one before, or attributes.

    Each attribute is sent as a list with a value for each event; so may times be, as ``gaps``.
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
        """What the network reads of a row; HTTPException 422 where it does not fit."""
        text_of = SequenceWithFeatures(super().read(row, number))
        lists = {
            name: column_of(row, name, number) for name in self.model.step_features if name != GAPS
        }
        lists |= {GAPS: row[GAPS]} if row.get(GAPS) is not None else {}
        steps = len(text_of.split(ARROW)) - len(self.model.layout.covariates) if text_of else 0
        text_of.step_features = {}
        for name in self.model.step_features:
            if (given := lists.get(name)) is None:
                continue
            if not isinstance(given, list) or len(given) != steps:
                raise unfit(number, f"{name!r} is to be a list with a value for each of {steps}")
            if self._has_numbers(name) and any(isinstance(value, str) for value in given):
                raise unfit(number, f"{name!r} is to hold numbers")
            text_of.step_features[name] = list(given)
        return text_of

    def _has_numbers(self, name: str) -> bool:
        """Whether a step feature is a number."""
        return self.model.encoder.step_classes[name][1]

    def series(self, texts: list[str]) -> pl.Series:
        """Rows as the encoder takes them; of texts alone nothing is known beside."""
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


class Served:
    """One run, loaded once.

    Parameters
    ----------
    folder : Path
        A finished run.
    waiting : int
        Rows that may wait for it.

    Raises
    ------
    RunError
        There is no finished run in the folder, or it was altered.
    """

    def __init__(self, folder: Path, waiting: int) -> None:
        run = Run(folder)
        self.folder, self.waiting = folder, waiting
        self.model = TrainedModel.of_run(run)
        self.rows = rows_of(self.model, run.recipe)
        self.name = run.folder.resolve().name
        metrics = run.read_json("metrics.json")
        figures = metrics["models"]["network"]
        self.card = Card(
            name=self.name,
            duree=__version__,
            task=self.model.task.name,
            cell=metrics["cell"],
            columns=self.model.columns,
            inputs=self.rows.needed,
            answers=answer_names(self.model),
            rows=metrics["rows"],
            figures={name: Estimate(**f) for name, f in figures.items() if isinstance(f, dict)},
            verdict=RunFolder(run.folder).metrics.verdict,
        )
        # For as long as it serves.
        self.table = ExitStack()
        self.table.enter_context(tabulated(self.model.network, ALL))

    def open(self, threads: int) -> None:
        """Make ready to take requests, in the event loop that runs; threads do what is large."""
        prepare = partial(torch.set_num_threads, threads)
        self.batcher: Batcher[Any, dict[str, Any]] = Batcher(
            self.rows.answers, self.waiting, prepare, self.rows.size
        )


# How rows are sent, where they are no text and no states.
OTHER_ROWS: dict[str, type[Numbers] | type[SeriesRows] | type[Sentences]] = {
    NumericSeries.name: Numbers,
    ForecastOrigins.name: SeriesRows,
    Tokens.name: Sentences,
}


def rows_of(model: TrainedModel, recipe: Recipe) -> Rows | Sentences | SeriesRows | Numbers:
    """What the network is asked, and what it answers."""
    plain = Events if model.step_features else Rows
    return OTHER_ROWS.get(model.layout.name, plain)(model, recipe)


def written(value: Cell) -> str:
    """A value as a text: numbers as they are written, a missing one as nothing."""
    return "" if value is None else str(value)
