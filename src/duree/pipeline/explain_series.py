"""Explanations of numeric series for ``duree explain``: of one series, or as a table of all."""

from __future__ import annotations

from typing import cast

import numpy as np
import polars as pl

from duree.explain.attribution import METHODS
from duree.explain.faithfulness import agreement, areas_by_method
from duree.explain.model import explanation_of
from duree.explain.series import by_channel
from duree.pipeline.explain_test import answer_names
from duree.pipeline.model import TrainedModel
from duree.results.explanations import Read, SeriesData
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder, as_ragged
from duree.tables.layouts.read_numbers import channel_names

ROUNDED = 6


def explain_series(networks: list[TrainedModel], read: pl.Series, row: int) -> SeriesData:
    """The explanation of one series.

    Parameters
    ----------
    networks : list of TrainedModel
        The explained network, then those of other seeds, for comparison.
    read : polars.Series [1]
        The input of the row.
    row : int
        The number of the row, from 1.
    """
    model = networks[0]
    sequence = model.encode(read)
    predictions = model.predictions(sequence)
    chosen = explanation_of(model).chosen(predictions)
    numbers, given = by_channel(model, sequence, chosen)
    methods = {name: attribute(model, sequence, chosen) for name, attribute in METHODS.items()}
    methods["integrated_gradients"] = given
    values = _encoder(model).shortened(as_ragged(read)).values
    return SeriesData(
        row=row,
        predicted={column.name: column[0] for column in model.task.columns(predictions)},
        answer=answer_names(model)[int(chosen[0])],
        steps=_steps(model, len(values)),
        channels=[
            Read(
                name=name,
                values=[float(value) if np.isfinite(value) else None for value in of_channel],
                attributions=[round(float(added), ROUNDED) for added in given_to],
            )
            for name, of_channel, given_to in zip(
                channel_names(model.layout.reading),
                values.T,
                _by_name(model, numbers).values.T,
                strict=True,
            )
        ],
        start=float(given.start[0]),
        score=float(given.score[0]),
        faithful=areas_by_method(model, sequence, methods),
        seeds=[
            float(alike)
            for other in networks[1:]
            for alike in agreement(given, by_channel(other, other.encode(read), chosen)[1])
        ],
    )


def attributed_series(model: TrainedModel, series: pl.Series, before: int) -> pl.DataFrame:
    """The attribution of each number of some series; ``before`` is the number of previous rows.

    The columns are ``row`` and ``step`` (from 1), ``channel``, ``value``, ``answer`` and
    ``attribution``.
    """
    sequences = model.encode(series)
    numbers, given = by_channel(model, sequences)
    values, added = _encoder(model).shortened(as_ragged(series)), _by_name(model, numbers)
    channels = channel_names(model.layout.reading)
    rows = np.repeat(np.arange(len(series)), sequences.lengths)
    names = np.array(answer_names(model), dtype=object)
    each = len(channels)
    return pl.DataFrame(
        {
            "row": np.repeat(before + rows + 1, each),
            "step": np.repeat(sequences.steps + 1, each),
            "channel": channels * len(rows),
            "value": values.values.ravel(),
            "answer": np.repeat(names[given.outputs[rows]], each),
            "attribution": added.values.ravel(),
        },
        schema_overrides={"answer": pl.String},
        nan_to_null=True,
    )


def _by_name(model: TrainedModel, numbers: Ragged) -> Ragged:
    """Attributions by channel; those of marks for missing values are added to their channel."""
    encoder = _encoder(model)
    found = numbers.values[:, : encoder.channels].copy()
    for place, channel in enumerate(encoder.marked, start=encoder.channels):
        found[:, channel] += numbers.values[:, place]
    return Ragged(found, numbers.offsets)


def _steps(model: TrainedModel, steps: int) -> list[str]:
    """The names of the steps; numbers if they have no names."""
    encoder = _encoder(model)
    whole = encoder.longest is None or steps < encoder.longest
    if "series" in model.layout.reading and whole:
        return list(model.layout.reading["series"][:steps])
    return [str(step + 1) for step in range(steps)]


def _encoder(model: TrainedModel) -> SeriesEncoder:
    return cast(SeriesEncoder, model.encoder)
