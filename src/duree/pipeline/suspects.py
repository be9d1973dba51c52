"""Training rows whose label is doubtful, for a second look."""

from __future__ import annotations

import numpy as np
import polars as pl

from duree.errors import DataError
from duree.inference.label_errors import find_label_errors
from duree.pipeline.dataset import Dataset
from duree.pipeline.out_of_fold import FOLD, FoldNetworks
from duree.pipeline.run import Run
from duree.pipeline.save import origin_columns
from duree.pipeline.trained_rows import input_keys
from duree.tables.columns import PROBABILITY, own_and_added, require_free, with_columns
from duree.tables.finding import Finding

ADDED = ("given_label", "suggested_label", "self_confidence", "flagged")


def require_classes(dataset: Dataset) -> None:
    """Refuse a run whose rows have no classes, or columns that would be added; DataError."""
    if dataset.classes is None:
        raise DataError(
            "doubtful labels are found in runs that predict one class for each row",
            "target {column!r}",
            column=dataset.target.name,
        )
    require_free(dataset.table.frame.columns, [*ADDED, FOLD])


def suspects_of(run: Run, dataset: Dataset, folds: FoldNetworks) -> tuple[pl.DataFrame, Finding]:
    """The rows that trained a run, the most doubtful labels first, and what was found.

    Returns
    -------
    polars.DataFrame [k]
        All columns of the table and the row of the file, then ``given_label``, ``suggested_label``
        (null for rows that are not flagged), ``self_confidence``, ``flagged`` and ``fold``.
    Finding
    """
    rows, classes = folds.rows.row, list(folds.networks[0].task.classes)
    table = dataset.table.rows(rows)
    texts = dataset.texts.gather(rows)
    inputs = input_keys(texts, lambda: folds.networks[0].encode(texts))
    predicted, _ = folds.predicted(run, table, inputs)
    own, _ = own_and_added(predicted.columns)
    columns = [f"{PROBABILITY}{name}" for name in classes]
    given = dataset.target.gather(rows).alias("given_label")
    places = given.replace_strict(classes, range(len(classes)), return_dtype=pl.Int64).to_numpy()
    found = find_label_errors(predicted.select(columns).to_numpy(), places)
    suggested = [classes[place] if place >= 0 else None for place in found.suggested]
    frame = with_columns(predicted.select(own), origin_columns(dataset, rows))
    frame = with_columns(
        frame,
        [
            given,
            pl.Series("suggested_label", suggested, dtype=pl.String),
            pl.Series("self_confidence", found.self_confidence),
            pl.Series("flagged", found.flagged),
            predicted[FOLD],
        ],
    )
    count = int(np.sum(found.flagged))
    what = "rows whose label is doubtful: {count} of {rows}; they come first"
    facts: dict[str, object] = {"count": count, "rows": len(rows)}
    return frame[found.order], Finding("suspects", "note", what, values=facts)
