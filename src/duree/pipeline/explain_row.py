"""Explanations for ``duree explain``: one row as a page and JSON, or all rows as Parquet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError, user_language
from duree.explain.arcs import ARC_UNITS
from duree.explain.attribution import METHODS, integrated_gradients, occlusion
from duree.explain.contrast import flip
from duree.explain.faithfulness import agreement, areas_by_method
from duree.explain.gates import RETAINING, trace
from duree.explain.model import (
    explanation_of,
    not_explained,
    recurrent_part,
    sentences,
    text_encoder,
)
from duree.pipeline.explain_output import explain_output, sources_of_outputs
from duree.pipeline.explain_series import attributed_series, explain_series
from duree.pipeline.explain_test import answer_names, arc_data, are_words, shading
from duree.pipeline.model import TrainedModel
from duree.pipeline.unseen import (
    MOST_UNSEEN,
    are_empty,
    empty_findings,
    unseen_findings,
    unseen_share,
)
from duree.report.pages.output import render_output
from duree.report.pages.row import render_row
from duree.report.pages.series import render_series
from duree.report.vocabulary import Words
from duree.results.explanations import OutputData, RowData, SeriesData
from duree.storage import cannot_write, write_file
from duree.tables.class_names import with_class_names
from duree.tables.columns import find_column, is_blank
from duree.tables.files.resumable import Pieces
from duree.tables.finding import Finding
from duree.tables.layouts.step_attributes import sequences_of
from duree.tables.table import Table

Explained = RowData | SeriesData | OutputData

# Number of rows processed at a time.
CHUNK = 256


def is_explainable(model: TrainedModel) -> bool:
    """Whether predictions can be explained, by units or by channels."""
    found = EXPLAINERS.get(model.encoder.explained_by or "")
    return found is not None and (model.task.explanation is not None or not found.attributes)


def require_explainable(model: TrainedModel) -> None:
    """Refuse a network whose predictions cannot be explained.

    Raises
    ------
    RunError
        The network predicts at each step, or forecasts.
    """
    if not is_explainable(model):
        raise not_explained()


def write_explained_row(
    networks: list[TrainedModel],
    table: Table,
    row: int,
    output: Path,
    notify: Callable[[Finding], None],
) -> None:
    """Write ``output`` (an HTML page) and a JSON file with the same name and content.

    Parameters
    ----------
    networks : list of TrainedModel
        The explained network, then those of other seeds, for comparison.
    table : Table
        As the network reads it.
    row : int
        The number of the row, from 1.
    output : Path
    notify : callable
        Called with a finding if the row is empty, or mostly of unseen units.

    Raises
    ------
    DataError
        There is no such row, or the name does not end in .html.
    RunError
        A file cannot be written.
    """
    _require_suffix(output, ".html")
    if not 1 <= row <= len(table):
        raise DataError(
            "there is no row {row}: the table has {rows}",
            fix="rows are counted from 1",
            row=row,
            rows=len(table),
        )
    model, (number, file) = networks[0], _source(table, row)
    read = model.texts(table)[row - 1 : row]
    own = Table(table.frame[row - 1 : row], table.sources)
    found = explain_read(networks, read, row).model_copy(
        update={
            "source_row": number,
            "source_file": file,
            "true": true_value(model, with_class_names(own, model.layout.settings).frame, 1),
        }
    )
    empty = [row] if found.is_empty else []
    unseen = [row] if (found.unseen or 0.0) > MOST_UNSEEN else []
    for finding in (*empty_findings(empty, model.layout.input_name), *unseen_findings(unseen, 1)):
        notify(finding)
    page = render_explained(found, words_for(model))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(output, error) from None
    write_file(output, page.encode())
    write_file(output.with_suffix(".json"), found.model_dump_json().encode())


def write_attributions(
    model: TrainedModel, texts: pl.Series, pieces: Pieces, progress: Callable[[int], None]
) -> None:
    """Write the attributions of all rows, one line per unit, in constant memory.

    The columns are ``row`` (from 1), ``step`` (from 1), ``unit``, ``begin``, ``end`` (positions in
    the text, in characters), ``answer`` and ``attribution``; for series those of
    ``attributed_series``. ``progress`` is called with the number of rows done.

    Raises
    ------
    DataError
        The name does not end in .parquet.
    RunError
        The file cannot be written; one that was there before is intact.
    """
    attribute_some = _explainer(model).attribute
    with pieces:
        _require_suffix(pieces.output, ".parquet")
        for begin in range(pieces.count * CHUNK, max(len(texts), 1), CHUNK):
            pieces.add(attribute_some(model, texts[begin : begin + CHUNK], begin))
            progress(min(begin + CHUNK, len(texts)))
        pieces.put_together()


def explain_read(networks: list[TrainedModel], read: pl.Series, row: int) -> Explained:
    """The explanation of one row, a text, a series or a pair; see ``explain_text``."""
    return _explainer(networks[0]).explain(networks, read, row)


def true_value(model: TrainedModel, frame: pl.DataFrame, row: int) -> str | None:
    """The value of a row, from 1, in the target's column; None where there is none."""
    target = find_column(frame.columns, model.columns["target"])
    if target is None or is_blank(cell := frame[target][row - 1 : row])[0]:
        return None
    return str(cell[0])


def _source(table: Table, row: int) -> tuple[int | None, str | None]:
    """The number of a row in its file, from 1, and that file, if there are several."""
    if table.origins is None:
        return None, None
    file, number = table.origins.row(row - 1)
    name = Path(table.sources[file].path).name
    return number, name if len(table.sources) > 1 else None


def words_for(model: TrainedModel) -> Words:
    """The texts of pages in the user's language, with the nouns of the model's rows."""
    return Words(user_language(), model.layout.nouns)


def render_explained(found: Explained, words: Words) -> str:
    """The explanation of a row as an HTML page."""
    if isinstance(found, OutputData):
        return render_output(found, words)
    return render_row(found, words) if isinstance(found, RowData) else render_series(found, words)


def explain_text(networks: list[TrainedModel], read: pl.Series, row: int) -> RowData:
    """The explanation of one text or sequence, with its step features.

    Parameters
    ----------
    networks : list of TrainedModel
        The explained network, then those of other seeds, for comparison.
    read : polars.Series [1]
        The input of the row.
    row : int
        The number of the row, from 1.
    """
    model, text = networks[0], sequences_of(read)[0]
    encoder = text_encoder(model)
    sequence = model.encode(read)
    has_arc = len(encoder.segment(text)) >= ARC_UNITS and not model.step_features
    predictions = model.predictions(sequence)
    chosen = explanation_of(model).chosen(predictions)
    methods = {name: attribute(model, sequence, chosen) for name, attribute in METHODS.items()}
    given = methods["integrated_gradients"]
    by_sentence = occlusion(model, sequence, chosen, segments=sentences(encoder.vocabulary))
    gates = None
    if recurrent_part(model).recurrent.kind in RETAINING:
        means = next(trace(model, sequence)).means()
        gates = {name: _rounded(values) for name, values in means.items()}
    units = encoder.units(text)
    words = are_words(encoder, units)
    return RowData(
        row=row,
        unseen=unseen_share(model, sequence),
        is_empty=bool(are_empty(model, pl.Series([text]), sequence)[0]),
        text=text,
        units=units,
        step_features=model.encoder.features_of_steps(read),
        predicted={column.name: column[0] for column in model.task.columns(predictions)},
        shading=shading(model, text, given, row - 1, float(predictions[0, chosen[0]])),
        by_sentence=_rounded(by_sentence.values.values),
        attributions={name: _rounded(one.values.values) for name, one in methods.items()},
        start=float(given.start[0]),
        score=float(given.score[0]),
        faithful=areas_by_method(model, sequence, methods),
        seeds=[
            float(alike)
            for other in networks[1:]
            for alike in agreement(given, integrated_gradients(other, sequence, chosen))
        ],
        flip=flip(model, sequence[0], np.array(words)) if model.task.classes else None,
        gates=gates,
        arc=arc_data(model, text, row - 1) if has_arc else None,
    )


def _rounded(values: NDArray[np.float32]) -> list[float]:
    """The values with four decimals, to keep files small."""
    return [round(float(value), 4) for value in values]


def _attributed(model: TrainedModel, read: pl.Series, before: int) -> pl.DataFrame:
    """The attributions of some rows as a table; ``before`` is the number of previous rows."""
    encoder, names = text_encoder(model), np.array(answer_names(model), dtype=object)
    sequences, texts = model.encode(read), sequences_of(read)
    given = integrated_gradients(model, sequences)
    places = np.array([place for text in texts for place in encoder.places(text)])
    rows = np.repeat(np.arange(len(texts)), sequences.lengths)
    return pl.DataFrame(
        {
            "row": before + rows + 1,
            "step": sequences.steps + 1,
            "unit": [unit for text in texts for unit in encoder.units(text)],
            "begin": places.reshape(-1, 2)[:, 0],
            "end": places.reshape(-1, 2)[:, 1],
            "answer": names[given.outputs[rows]],
            "attribution": given.values.values,
        },
        schema_overrides={"unit": pl.String, "answer": pl.String},
    )


def _require_suffix(output: Path, suffix: str) -> None:
    if output.suffix.lower() != suffix:
        raise DataError(
            "explanations cannot be written as {name!r}",
            fix="end the name in {suffix}",
            name=output.name,
            suffix=suffix,
        )


class Explainer(NamedTuple):
    """The functions that explain one row, and attribute many; ``attributes``: whether it is done by
    the attributions that ``Task.explanation`` defines."""

    explain: Callable[[list[TrainedModel], pl.Series, int], Explained]
    attribute: Callable[[TrainedModel, pl.Series, int], pl.DataFrame]
    attributes: bool = True


# By ``Encoder.explained_by``.
EXPLAINERS = {
    "units": Explainer(explain_text, _attributed),
    "channels": Explainer(explain_series, attributed_series),
    "outputs": Explainer(explain_output, sources_of_outputs, attributes=False),
}


def _explainer(model: TrainedModel) -> Explainer:
    found = EXPLAINERS.get(model.encoder.explained_by or "")
    if found is None:
        raise not_explained()
    return found
