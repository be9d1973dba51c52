"""Prediction and evaluation of the rows of a table by a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.evaluation.evaluate import Figures, evaluate_model
from duree.inference.provenance import Keys, remove_provenance
from duree.pipeline.model import TrainedModel
from duree.pipeline.out_of_fold import (
    FoldNetworks,
    TrainFolds,
    require_out_of_fold,
    spread_findings,
)
from duree.pipeline.run import Run
from duree.pipeline.trained_rows import (
    input_keys,
    keys_of_rows,
    provenance_of,
    read_trained_rows,
    trained_findings,
)
from duree.pipeline.unseen import (
    are_empty,
    are_unseen,
    empty_findings,
    long_findings,
    unseen_findings,
)
from duree.pipeline.waiting_times import WaitingTimes
from duree.storage import MANIFEST
from duree.tables.checks.weights import read_weights
from duree.tables.class_names import with_class_names
from duree.tables.columns import (
    find_column,
    is_list_of_labels,
    join_labels,
    require_free,
    with_columns,
)
from duree.tables.files.cells import require_cells
from duree.tables.files.conll import tokens_go_to, write_tagged
from duree.tables.files.encoding import has_mark
from duree.tables.files.read import read_tables
from duree.tables.files.resumable import Pieces
from duree.tables.files.stream import count_rows, stream_table
from duree.tables.files.write import refuse_input, require_writable
from duree.tables.finding import Finding
from duree.tables.layouts.persons import GAPS
from duree.tables.source_rows import locating
from duree.tables.split.make_split import group_codes
from duree.tables.table import Table
from duree.version import __version__

# Findings on rows that are left out.
LEFT_OUT = ("bad_rows", "missing_target")
# Rows in which a table is checked before networks of folds are trained.
CHECKED = 5
# Called with the number of rows done, and their total (None if unknown).
Progress = Callable[[int, int | None], None]


def evaluate_rows(
    run: Run, model: TrainedModel, data: Path | str, notify: Callable[[Finding], None]
) -> Figures:
    """The metrics of a run's network on the rows of a table; see ``workflow.evaluate``."""
    table = _with_targets(run, read_like(run, data, model, with_answers=True), model)
    for finding in table.findings:
        if finding.check in LEFT_OUT:
            notify(finding)
    sequences = model.encoder.encode(model.texts(table))
    rows = _numbers(table, 0)[are_unseen(model, sequences)].tolist()
    for finding in unseen_findings(rows, len(table)):
        notify(finding)
    with locating(table):
        examples = model.task.examples(sequences, model.target(table))
    group, weight = (
        find_column(table.frame.columns, name)
        for name in (run.recipe.data.group, run.recipe.data.weight)
    )
    groups = group_codes(table.frame[group]) if group is not None else None
    counts = read_weights(table, weight) if weight is not None else None
    return evaluate_model(
        model.summarise(examples),
        model.task.answers(examples),
        model.task.metrics,
        groups=examples.units(groups),
        weights=None if counts is None else examples.each(counts),
        seed=run.recipe.seed,
    )


@dataclass
class _Predictor:
    """What predicts pieces of a table: a run's network, or those of its folds."""

    run: Run
    model: TrainedModel
    waiting_times: WaitingTimes | None
    trained_rows: Keys | None
    nbest: int = 1
    folds: FoldNetworks | None = None

    def predict(self, table: Table) -> tuple[pl.DataFrame, dict[str, NDArray[np.bool_]]]:
        """The table with its predictions, and its rows that are to be reported, by reason."""
        model, folds = self.model, self.folds
        frame = table.frame.drop(model.layout.added, strict=False)
        require_free(frame.columns, ["prediction"])
        texts = model.texts(table)
        sequences = model.encode(texts)
        marked = {
            "empty": are_empty(model, texts, sequences),
            "unseen": are_unseen(model, sequences),
            "long": model.task.are_too_long(sequences),
        }
        if self.trained_rows is not None or folds is not None:
            inputs = input_keys(texts, lambda: sequences)
        if self.trained_rows is not None:
            marked["trained"] = np.isin(inputs, self.trained_rows)
        if folds is not None:
            predicted, marked["spread"] = folds.predicted(self.run, table, inputs)
            return predicted, marked
        predicted = model.task.predicted_table(
            frame, model.predictions(sequences), sequences.lengths
        )
        if self.nbest > 1:
            predicted = with_columns(predicted, model.alternatives(sequences, self.nbest))
        if self.waiting_times is not None:
            wait = self.waiting_times.expected(model, sequences, table.frame[GAPS])
            predicted = with_columns(predicted, [wait])
        return predicted, marked

    def use(self, folds: FoldNetworks) -> None:
        """Predict the rows that trained the run by the networks of its folds."""
        self.folds, self.trained_rows = folds, folds.rows.input

    def check(self, table: Table, *, out_of_fold: bool) -> None:
        """Find in its first rows what keeps a table from being predicted, before all of it is."""
        first = Table(table.frame.head(CHECKED if out_of_fold else 1), table.sources)
        predicted, _ = self.predict(first)
        if out_of_fold:
            require_out_of_fold(first.frame, predicted, self.waiting_times is not None)

    def keys(
        self, predicted: pl.DataFrame, marked: dict[str, NDArray[np.bool_]]
    ) -> dict[str, list[int]]:
        """The keys of the rows that trained the network, as ``numbers`` of a piece."""
        trained = marked.get("trained")
        return {} if trained is None else keys_of_rows(self.model.layout, predicted, trained)


def predict_rows(
    run: Run,
    model: TrainedModel,
    data: Path | str,
    output: Path,
    *,
    raw: bool,
    paths: int | None,
    folds: TrainFolds | None,
    nbest: int | None,
    progress: Progress,
) -> list[Finding]:
    """Write a table with the predictions of a run's network; see ``workflow.predict``.

    ``folds`` trains the networks of the run's folds, after the table has been checked.
    """
    as_read = tokens_go_to(output, Path(data))
    if not as_read:
        require_writable(output)
    refuse_input(output, Path(data))
    replaced = output.exists()
    if paths:
        raise DataError(
            "sample paths are for forecasts of series",
            fix="leave --paths out: this network answers row by row",
        )
    if nbest and folds:
        raise DataError(
            "--nbest is not for out-of-fold predictions", fix="leave --nbest or --folds out"
        )
    waiting_times, trained_rows = WaitingTimes.of_run(run), read_trained_rows(run)
    predictor = _Predictor(run, model, waiting_times, trained_rows, nbest or 1)
    layout = model.layout
    rows = None if layout.is_long else count_rows(data)
    count = folds.count if folds else None
    with Pieces(output, made_from(run, Path(data), count, nbest)) as pieces:
        begun, is_first = pieces.rows, True
        of_reading: list[Finding] = []
        for table in pieces_like(run, data, model, pieces.rows, of_reading.append):
            if not len(table):
                continue
            if not as_read:
                require_cells(table.frame.schema, output.suffix.lower())
            if is_first:
                # A name that is taken is found before a whole piece is predicted.
                predictor.check(table, out_of_fold=folds is not None)
                if folds:
                    predictor.use(folds.networks())
                is_first = False
            predicted, marked = predictor.predict(table)
            numbers = _numbers(table, begun)
            begun += len(table)
            reported = {name: numbers[marks].tolist() for name, marks in marked.items()}
            pieces.add(predicted, reported | predictor.keys(predicted, marked))
            progress(pieces.rows, rows)
        trained = [] if folds else trained_findings(pieces.numbers("trained"), begun)
        findings = [
            written(output, pieces.rows, replaced),
            *map(_without_options, (one for one in of_reading if one.level != "ok")),
            *empty_findings(pieces.numbers("empty"), layout.input_name),
            *unseen_findings(pieces.numbers("unseen"), begun),
            *long_findings(pieces.numbers("long"), begun),
            *trained,
            *spread_findings(pieces.numbers("spread"), begun),
        ]
        provenance = provenance_of(run, layout, pieces, predictor.trained_rows, count)
        # Removed first: after an interruption none is better than that of other predictions.
        remove_provenance(output)
        if as_read:
            write_tagged(pieces, Path(data), run.recipe.data.encoding, model.columns["target"])
        else:
            findings += pieces.put_together(raw=raw, mark=has_mark(Path(data)))
        provenance.write(output)
        return findings


def written(output: Path, rows: int, replaced: bool) -> Finding:
    """The finding that a file was written, or replaced."""
    return Finding(
        "written",
        "ok",
        "{file} replaced: {rows} rows" if replaced else "{file} written: {rows} rows",
        values={"file": str(output), "rows": rows},
    )


def _without_options(finding: Finding) -> Finding:
    """A finding of reading, where a table is read as the run's and no option says how."""
    if finding.check != "encoding":
        return finding
    return replace(finding, fix="if its text looks wrong, save it in UTF-8")


def _numbers(table: Table, begun: int) -> NDArray[np.int64]:
    """The number of each row, or of the first of its rows, in the file, from 1; ``begun`` rows came
    before the table."""
    if table.origins is None:
        return np.arange(begun + 1, begun + len(table) + 1)
    rows = table.origins["row"]
    return (rows.list.first() if rows.dtype == pl.List else rows).to_numpy()


def made_from(
    run: Run, data: Path, folds: int | None = None, nbest: int | None = None
) -> dict[str, Any]:
    """What predictions depend on: the network, and the current state of the file."""
    stat = data.stat() if data.is_file() else None
    return {
        "model": (run.folder / "model" / MANIFEST).read_text(encoding="utf-8"),
        "data": [str(data.absolute()), stat and [stat.st_size, stat.st_mtime_ns]],
        "duree": __version__,
    } | {name: given for name, given in (("folds", folds), ("nbest", nbest)) if given is not None}


def read_like(
    run: Run, data: Path | str, model: TrainedModel, *, with_answers: bool = False
) -> Table:
    """A table, read in the same way as the run's; ``with_answers``: targets are needed, and get the
    names of classes that the run gave them."""
    settings = run.recipe.data
    table = read_tables(
        [data],
        encoding=settings.encoding,
        delimiter=settings.delimiter,
        drop_bad=settings.drop_bad and with_answers,
        header=_header(model, with_answers=with_answers),
        documents=model.layout.are_documents,
    )
    if with_answers:
        table = _with_joined_labels(table, model)
    if model.layout.is_long:
        table = model.layout.lay_out(table, with_answers=with_answers)[0]
    return with_class_names(table, settings) if with_answers else table


def _with_joined_labels(table: Table, model: TrainedModel) -> Table:
    """The table with lists of labels as texts."""
    target = find_column(table.frame.columns, model.columns["target"])
    separator = getattr(model.task, "separator", None)
    if target is None or separator is None or not is_list_of_labels(table.frame.schema[target]):
        return table
    return join_labels(table, target, separator)


def _with_targets(run: Run, table: Table, model: TrainedModel) -> Table:
    """The rows with a target, if the run has left out those without; otherwise all."""
    target = find_column(table.frame.columns, model.columns["target"])
    if target is None or target == model.columns["text"]:
        return table
    return model.layout.without_missing(table, target, run.recipe.data)[0]


def pieces_like(
    run: Run, data: Path | str, model: TrainedModel, skip: int, notify: Callable[[Finding], None]
) -> Iterator[Table]:
    """The table in pieces, if each row is a sequence; the first ``skip`` rows are left out.

    ``notify`` is called with what was found in reading.
    """
    settings = run.recipe.data
    if model.layout.is_long:
        table = read_like(run, data, model)
        for finding in table.findings:
            notify(finding)
        yield replace(
            table,
            frame=table.frame[skip:],
            origins=None if table.origins is None else table.origins[skip:],
        )
        return
    yield from stream_table(
        data,
        encoding=settings.encoding,
        delimiter=settings.delimiter,
        skip=skip,
        header=_header(model, with_answers=False),
        documents=model.layout.are_documents,
        notify=notify,
    )


def _header(model: TrainedModel, *, with_answers: bool) -> list[str]:
    """The columns that a new table must have, by which a text file is known to be a table."""
    layout, target = model.layout, model.columns["target"]
    if not layout.header(layout.data):
        return []
    has_target = with_answers and target != model.columns["text"]
    return [*layout.asked_columns, *([target] if has_target else [])]
