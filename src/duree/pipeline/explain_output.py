"""Explanations of outputs: of one row, of all rows as a table, and of test rows for the report."""

from __future__ import annotations

from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.explain.outputs import OutputSources, output_sources
from duree.network.ensemble import Decoder
from duree.pipeline.dataset import Dataset
from duree.pipeline.model import TrainedModel
from duree.pipeline.unseen import are_empty, unseen_share
from duree.results.explanations import OutputData, OutputSourcesFacts
from duree.sequences.pair_encoder import PairEncoder
from duree.sequences.ragged import evenly_spaced

ROUNDED = 5
# Test rows that are explained for the report, and those of them that are shown.
TEST_ROWS, EXAMPLES = 100, 2


def explain_output(networks: list[TrainedModel], read: pl.Series, row: int) -> OutputData:
    """Where each unit of a row's output came from.

    Parameters
    ----------
    networks : list of TrainedModel
        The explained network first.
    read : polars.Series [1]
        The input of the row.
    row : int
        The number of the row, from 1.
    """
    return _explain_row(networks[0], read, row)[0]


def explain_test_outputs(
    dataset: Dataset, model: TrainedModel, seed: int
) -> OutputSourcesFacts | None:
    """Where the outputs of evenly spaced test rows came from; None where nothing is written."""
    if not dataset.task.writes_texts:
        return None
    rows = dataset.split.test
    some = evenly_spaced(len(rows), TEST_ROWS)
    each = [
        _explain_row(model, dataset.texts.gather([rows[place]]), int(place) + 1, seed)
        for place in some
    ]
    long = [(data, found) for data, found in each if found.agreement is not None]
    if not long:
        return None
    lengths = [len(data.units) for data, _ in long]
    shown = np.argsort(np.abs(np.array(lengths) - np.median(lengths)), kind="stable")[:EXAMPLES]
    return OutputSourcesFacts(
        rows=len(long),
        agreement=float(np.mean([data.agreement for data, _ in long])),
        by_chance=float(np.quantile(np.mean([found.shuffled for _, found in long], axis=0), 0.95)),
        examples=[long[place][0] for place in shown.tolist()],
    )


def _explain_row(
    model: TrainedModel, read: pl.Series, row: int, seed: int = 0
) -> tuple[OutputData, OutputSources]:
    sequence = model.encode(read)
    predictions = model.predictions(sequence)
    columns = {column.name: column[0] for column in model.task.columns(predictions)}
    outputs, found = _explained(model, read[0], columns["prediction"], seed)
    data = OutputData(
        row=row,
        unseen=unseen_share(model, sequence),
        is_empty=bool(are_empty(model, read, sequence)[0]),
        predicted=columns,
        alone=model.task.network_alone,
        units=list(_encoder(model).units_of_source(read[0])),
        outputs=outputs,
        influence=_rounded(found.influence),
        attention=_rounded(found.attention),
        agreement=found.agreement,
        by_chance=found.by_chance,
    )
    return data, found


def sources_of_outputs(model: TrainedModel, texts: pl.Series, before: int) -> pl.DataFrame:
    """Where the outputs of some rows came from; ``before`` is the number of previous rows.

    The columns are ``row``, ``step`` and ``source_step`` (from 1), ``unit`` (of the output),
    ``source_unit``, ``influence`` and ``attention``.
    """
    predicted = model.task.columns(model.predictions(model.encode(texts)))[0]
    frames = [
        _table(before + place + 1, list(_encoder(model).units_of_source(text)), *found)
        for place, (text, found) in enumerate(
            (text, _explained(model, text, output))
            for text, output in zip(texts, predicted, strict=True)
        )
    ]
    return pl.concat(frames) if frames else _table(0, [], [], _NOTHING).clear()


_NOTHING = OutputSources(np.zeros((0, 0)), np.zeros((0, 0)), None, np.zeros(0))


def _table(row: int, units: list[str], outputs: list[str], found: OutputSources) -> pl.DataFrame:
    steps, sources = np.indices(found.influence.shape).reshape(2, -1)
    # A source without units is read as one that is empty.
    units = units or [""]
    return pl.DataFrame(
        {
            "row": np.full(len(steps), row),
            "step": steps + 1,
            "source_step": sources + 1,
            "unit": [outputs[step] for step in steps],
            "source_unit": [units[source] for source in sources],
            "influence": found.influence.reshape(-1),
            "attention": found.attention.reshape(-1),
        },
        schema_overrides={"unit": pl.String, "source_unit": pl.String},
    )


def _explained(
    model: TrainedModel, text: str, output: str, seed: int = 0
) -> tuple[list[str], OutputSources]:
    """The units of an output, and where they came from."""
    network, encoder = model.network, _encoder(model)
    assert isinstance(network, Decoder)
    source = model.encode(pl.Series([text], dtype=pl.String))[0]
    codes = encoder.encode_targets(pl.Series([output], dtype=pl.String))[0][:-1]
    found = output_sources(network, source, codes.astype(np.int64), seed)
    return encoder.texts(codes[:, None], np.ones(len(codes), dtype=np.int64)), found


def _encoder(model: TrainedModel) -> PairEncoder:
    # Networks with this kind of explanation read pairs.
    return cast("PairEncoder", model.encoder)


def _rounded(values: NDArray[np.float64]) -> list[list[float]]:
    found: list[list[float]] = values.round(ROUNDED).tolist()
    return found
