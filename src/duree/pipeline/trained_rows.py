"""The rows that trained a run's network, by keys of their inputs: which rows of a table they are.

Rows of the validation set count as well, as they choose the epoch and calibrate the network. Texts
without labels (``data.unlabelled``) do not: no answer was learned from them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import RunError
from duree.inference.provenance import Keys, Provenance, keys_of, recognised_by, row_keys
from duree.pipeline.dataset import Dataset
from duree.pipeline.run import Run
from duree.pipeline.unseen import first
from duree.report.run_folder import RunFolder
from duree.results.run_files import DataFacts
from duree.sequences.ragged import Ragged
from duree.storage import write_file
from duree.tables.columns import own_and_added
from duree.tables.files.resumable import Pieces
from duree.tables.finding import Finding
from duree.tables.layouts.layout import Layout

FILE = "trained_rows.npy"
TRAINED = "rows with the input of a row that trained the network: {count} of {rows} (row {shown})"
TRAINED_FIX = (
    "their predictions are better than those of new rows; for estimates, get out-of-fold "
    "predictions with --folds 5"
)


def input_keys(inputs: pl.Series, encode: Callable[[], Ragged]) -> Keys:
    """A key for the input of each row, uint64 [rows]: of its text, else of its encoded sequence."""
    if inputs.dtype == pl.String:
        return row_keys(inputs.alias("input").to_frame())
    sequences = encode()
    return keys_of(sequences[row].tobytes() for row in range(len(sequences)))


def write_trained_rows(run: Run, dataset: Dataset, sequences: Ragged) -> None:
    """Write ``trained_rows.npy``: the keys of training and validation rows, uint64, ascending."""
    rows = np.sort(np.concatenate([dataset.split.train, dataset.split.validation]))
    content = io.BytesIO()
    keys = input_keys(dataset.texts.gather(rows), lambda: sequences.take(rows))
    np.save(content, np.unique(keys), allow_pickle=False)
    write_file(run.folder / FILE, content.getvalue())


def read_trained_rows(run: Run) -> Keys | None:
    """The keys of the rows that trained the run; None for runs of earlier versions.

    Raises
    ------
    RunError
        The file was altered.
    """
    if not run.has(FILE):
        return None
    try:
        keys: NDArray[np.uint64] = np.load(run.folder / FILE, allow_pickle=False)
        if keys.dtype != np.uint64 or keys.ndim != 1:
            raise ValueError(f"{keys.dtype} {keys.shape}")
    except (OSError, ValueError, EOFError) as error:
        raise RunError(
            "{name} of the run {folder!r} cannot be read: {reason}",
            fix="copy the run folder again from where it was made, or start a new run",
            folder=str(run.folder),
            name=FILE,
            reason=str(error),
        ) from None
    return keys


def training_files(run: Run) -> tuple[str, ...]:
    """The SHA-256 of the files with training and validation rows; not that of a test file."""
    facts = RunFolder(run.folder).record_if_there(DataFacts, "data.json")
    sources = facts.sources if facts else []
    test = run.recipe.data.test_file
    return tuple(source.sha256 for source in sources if test is None or source.path != test)


def keys_of_rows(
    layout: Layout, predicted: pl.DataFrame, rows: NDArray[np.bool_]
) -> dict[str, list[int]]:
    """The keys by which some rows of predictions are recognised, as ``numbers`` of a piece."""
    if len(predicted) != len(rows):  # one row for each step: they stand for no single input
        return {"unmatched": [1]}
    own, _ = own_and_added(predicted.columns)
    columns = recognised_by(own, layout.asked_columns, layout.data.id)
    return {"keys": row_keys(predicted.select(columns).filter(rows)).tolist()}


def provenance_of(
    run: Run, layout: Layout, pieces: Pieces, trained_rows: Keys | None, folds: int | None
) -> Provenance:
    """The provenance of complete predictions by a run's network, or by those of its folds."""
    own, _ = own_and_added(pieces.scan().collect_schema().names())
    keys = None
    if trained_rows is not None and not pieces.numbers("unmatched"):
        keys = np.unique(np.array(pieces.numbers("keys"), dtype=np.uint64))
    return Provenance(
        run=run.folder.resolve().name,
        training_sha256=training_files(run),
        columns=tuple(recognised_by(own, layout.asked_columns, layout.data.id)),
        trained_rows=keys,
        out_of_fold=folds is not None,
        folds=folds,
    )


def trained_findings(numbers: Sequence[int], rows: int) -> Iterator[Finding]:
    """The finding on rows that trained the network; ``numbers`` are theirs, from 1."""
    if numbers:
        facts: dict[str, object] = {"count": len(numbers), "rows": rows, "shown": first(numbers)}
        yield Finding("trained_rows", "warning", TRAINED, TRAINED_FIX, facts)
