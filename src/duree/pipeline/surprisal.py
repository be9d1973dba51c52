"""Surprisal: the bits of texts by a language model, for ``duree surprisal``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.pipeline.compare_surprisal import compare_by
from duree.pipeline.explain_row import words_for
from duree.pipeline.language_model import bits_of, encoder_of, language_model_of
from duree.pipeline.model import TrainedModel
from duree.pipeline.predict import made_from, pieces_like, written
from duree.pipeline.run import Run
from duree.pipeline.surprisal_page import page_data
from duree.pipeline.trained_rows import input_keys, read_trained_rows
from duree.pipeline.unseen import are_unseen, empty_findings, first, unseen_findings
from duree.report.pages.surprisal import render_surprisal
from duree.results.surprisal import Comparison
from duree.sequences.ragged import Ragged, pieces
from duree.sequences.surprisal import Level, surprisals
from duree.storage import write_file
from duree.tables.columns import find_column, is_blank, require_free, resolve_column
from duree.tables.files.cells import require_cells
from duree.tables.files.resumable import Pieces
from duree.tables.files.stream import count_rows
from duree.tables.files.write import refuse_input, require_writable
from duree.tables.finding import Finding
from duree.tables.table import Table

By = Literal["document", "sentence", "word", "unit"]

# Characters scored at once, in at least one document: some 50 MB, and some seconds of work that
# an interruption would lose.
AT_ONCE = 250_000
TRAINED = "documents that trained the network: {count} of {rows} (row {shown})"
TRAINED_FIX = (
    "they surprise it less than new ones would: leave out what `in_training` marks when you compare"
)
# The columns that are added to documents.
OF_DOCUMENTS = ("units", "characters", "bits", "bits_per_unit", "bits_per_character", "perplexity")
FLAG, DOCUMENT = "in_training", "document"


@dataclass(frozen=True)
class SurprisalResult:
    """What was written and found: the findings, the comparison of groups, and the page."""

    findings: list[Finding]
    comparison: Comparison | None
    page: Path | None


def write_surprisal(
    folder: Path | str,
    data: Path | str,
    output: Path | str,
    *,
    by: By = "document",
    compare: str | None = None,
    page: Path | None = None,
    raw: bool = False,
    progress: Callable[[int, int | None], None] = lambda done, rows: None,
) -> SurprisalResult:
    """Write the surprisal of texts: minus the binary logarithm of their probability, in bits.

    Every unit is scored given all units before it in its document; the end of the document is its
    last unit. The bits of units add up to those of words, sentences and documents; see
    ``duree.sequences.regions``. Documents that are training or validation rows of the run are
    flagged. An interrupted call continues when it is repeated.

    Parameters
    ----------
    folder, data
        A run of a language model; a table with its text column, a folder of texts, or one text.
    output : path
        By document the table with ``units``, ``characters``, ``bits``, ``bits_per_unit``,
        ``bits_per_character``, ``perplexity`` and ``in_training``; by smaller parts the columns of
        ``Surprisal.table``, after ``document``, the row of the table from 1, and before
        ``in_training``. The last unit of a document is its end, with an empty text.
    compare : str, optional
        Compare the means by this column; see ``compare_by``.
    page : Path, optional
        An HTML page with shaded texts, changes along long ones, and the comparison.
    progress : callable
        Called with the number of documents done and their total (None if unknown).

    Raises
    ------
    DataError
        The table lacks a column, or has one with the name of one to add; a file cannot or must not
        be written; groups cannot be compared, though ``output`` is written.
    RunError
        The run has no language model.
    """
    run, output, data = Run(folder), Path(output), Path(data)
    model = language_model_of(run)
    require_writable(output)
    for file in filter(None, (output, page)):
        refuse_input(file, data)
    _require_page(page)
    scorer = _Scorer(run, model, by, compare)
    replaced = output.exists()
    with Pieces(output, made_from(run, data) | {"by": by, "compare": compare}) as done:
        count, of_reading = _score_all(scorer, data, done, progress)
        documents = scorer.documents(done, count)
        reported = [
            written(output, done.rows, replaced),
            *(one for one in of_reading if one.level != "ok"),
            *empty_findings(done.numbers("empty"), model.layout.input_name),
            *unseen_findings(done.numbers("unseen"), count),
            *_trained_findings(done.numbers("trained"), count),
        ]
        reported += done.put_together(raw=raw)
    # After the file is written: groups that cannot be compared must not lose it.
    comparison = None
    if compare is not None:
        comparison = compare_by(documents, compare, model, run.recipe.seed)
    if page is not None:
        found = page_data(run, model, data, documents, comparison)
        write_file(page, render_surprisal(found, words_for(model)).encode())
    return SurprisalResult(reported, comparison, page)


def _score_all(
    scorer: _Scorer, data: Path, done: Pieces, progress: Callable[[int, int | None], None]
) -> tuple[int, list[Finding]]:
    """Score the documents that are not done; their number, and what was found in reading."""
    of_reading: list[Finding] = []
    total = None if scorer.model.layout.is_long else count_rows(data)
    begun = sum(done.numbers("documents"))
    for table in pieces_like(scorer.run, data, scorer.model, begun, of_reading.append):
        for some in _small(scorer.model, table):
            frame, numbers = scorer.score(some, begun)
            require_cells(frame.schema, done.output.suffix.lower())
            done.add(frame, numbers)
            begun += len(some)
            progress(begun, total)
    if begun == 0:
        raise DataError("{file} has no documents", fix="give some texts", file=str(data))
    return begun, of_reading


@dataclass
class _Scorer:
    """What scores the documents of a table."""

    run: Run
    model: TrainedModel
    by: By
    compare: str | None

    def __post_init__(self) -> None:
        self.trained = read_trained_rows(self.run)

    def score(self, table: Table, begun: int) -> tuple[pl.DataFrame, dict[str, list[int]]]:
        """The rows to write of some documents, and the numbers of those that are reported;
        ``begun`` documents came before them."""
        model, texts = self.model, self.model.texts(table)
        group = None if self.compare is None else resolve_column(table, self.compare)
        sequences = model.encode(texts)
        bits = bits_of(model, sequences)
        trained = self._are_trained(table, texts)
        numbers = np.arange(begun + 1, begun + len(texts) + 1)
        marked = {
            "trained": trained,
            "empty": is_blank(texts),
            "unseen": are_unseen(model, sequences),
        }
        reported = {name: numbers[marks].tolist() for name, marks in marked.items()}
        reported["documents"] = [len(texts)]
        if self.by == "document":
            frame = self._of_documents(table.frame, texts, bits)
        else:
            named = find_column(table.frame.columns, self.run.recipe.data.id)
            columns = [*dict.fromkeys(filter(None, (named, group)))]
            frame = self._of_parts(table.frame.select(columns), texts, bits, numbers, self.by)
            trained = trained[frame[DOCUMENT].to_numpy() - begun - 1]
        flags = pl.Series(FLAG, trained, dtype=pl.Boolean)
        require_free(frame.columns, [FLAG])
        return frame.with_columns(flags), reported

    def _are_trained(self, table: Table, texts: pl.Series) -> NDArray[np.bool_]:
        """Whether each document trained the network, or a part of it did, bool [documents]."""
        found = self._stand_in(texts)
        layout = self.model.layout
        if layout.reading:  # few documents were divided, and their parts were the rows
            whole = type(layout)(layout.data)
            for row in np.flatnonzero(~found).tolist():
                one = replace(table, frame=table.frame[row : row + 1], origins=None)
                parts, _ = whole.lay_out(one)
                found[row] = self._stand_in(self.model.texts(parts)).any()
        return found

    def _stand_in(self, texts: pl.Series) -> NDArray[np.bool_]:
        """Whether each text is a row that trained the network."""
        keys = input_keys(texts, lambda: self.model.encode(texts))
        return np.isin(keys, [] if self.trained is None else self.trained)

    def _of_documents(self, frame: pl.DataFrame, texts: pl.Series, bits: Ragged) -> pl.DataFrame:
        """The table with the sums of each document."""
        require_free(frame.columns, OF_DOCUMENTS)
        counts = encoder_of(self.model).counted(texts).sums().astype(np.int64)
        units, characters, _ = counts.T
        total = bits.sums()
        per_character = pl.Series(total / np.maximum(characters, 1)).set(
            pl.Series(characters == 0), None
        )
        sums = (units, characters, total, total / units, per_character, 2.0 ** (total / units))
        return frame.with_columns(
            pl.Series(name, of_rows) for name, of_rows in zip(OF_DOCUMENTS, sums, strict=True)
        )

    def _of_parts(
        self,
        given: pl.DataFrame,
        texts: pl.Series,
        bits: Ragged,
        numbers: NDArray[np.int64],
        level: Level,
    ) -> pl.DataFrame:
        """A row for each part of each document, after the columns ``given`` of the documents."""
        found = surprisals(texts.to_list(), encoder_of(self.model), bits)
        tables = [one.table(level) for one in found]
        parts = pl.concat(tables)
        require_free(given.columns, [DOCUMENT, *parts.columns])
        rows = np.repeat(np.arange(len(numbers)), [table.height for table in tables])
        document = pl.DataFrame({DOCUMENT: numbers}).hstack(given)[rows]
        return pl.concat([document, parts], how="horizontal")

    def documents(self, done: Pieces, count: int) -> pl.DataFrame:
        """``document``, ``units``, ``characters``, ``bits``, ``in_training`` of each, and the
        compared column."""
        rows = done.scan()
        group = None
        if self.compare is not None:
            group = find_column(rows.collect_schema().names(), self.compare)
        sums = ["units", "characters", "bits"]
        others = [FLAG, *filter(None, (group,))]
        if self.by == "document":
            chosen = rows.select(*sums, *others).collect()
            return chosen.with_columns(pl.Series(DOCUMENT, np.arange(1, count + 1)))
        return (
            rows.group_by(DOCUMENT, maintain_order=True)
            .agg(*(pl.col(name).sum() for name in sums), *(pl.col(o).first() for o in others))
            .collect()
        )


def _small(model: TrainedModel, table: Table) -> Iterator[Table]:
    """A table in pieces of at most ``AT_ONCE`` characters, or one document."""
    lengths = model.texts(table).str.len_chars().fill_null(0).to_numpy().astype(np.int64)
    for rows in pieces(lengths, AT_ONCE):
        origins = None if table.origins is None else table.origins[rows]
        yield replace(table, frame=table.frame[rows], origins=origins)


def _require_page(page: Path | None) -> None:
    if page is not None and page.suffix.lower() != ".html":
        raise DataError(
            "a page cannot be written as {name!r}", fix="end the name in .html", name=page.name
        )


def _trained_findings(numbers: list[int], rows: int) -> Iterator[Finding]:
    if numbers:
        facts: dict[str, object] = {"count": len(numbers), "rows": rows, "shown": first(numbers)}
        yield Finding("trained_rows", "warning", TRAINED, TRAINED_FIX, facts)
