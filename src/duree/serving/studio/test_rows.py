"""Answers: what a run's networks say of its test rows, with both held at hand."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from duree.errors import DataError, RunError
from duree.pipeline.explain_row import explain_read, render_explained, require_explainable
from duree.pipeline.model import TrainedModel, load_networks
from duree.pipeline.run import Run
from duree.report.pages.report import render_report
from duree.report.run_data import RunData, load_run
from duree.report.vocabulary import Words
from duree.results.explanations import RowData, SeriesData
from duree.storage import MANIFEST
from duree.tables.layouts.step_attributes import with_step_features
from duree.tables.table import Table

# Figures are drawn, and networks asked, one at a time.
ONE_AT_A_TIME = threading.Lock()
ROWS = 50  # on a page


@dataclass(frozen=True)
class ListedRow:
    """One test row as the list shows it; ``place`` counts from 1."""

    place: int
    text: str
    true: str
    predicted: str
    sure: float
    right: bool


def row_page(run: Run, place: int, words: Words) -> str:
    """The page that explains one test row, counted from 1.

    Raises
    ------
    DataError
        There is no such row.
    """
    data = finished(run)
    rows = data.predictions.height
    if not 1 <= place <= rows:
        raise DataError(
            "there is no row {row}: the table has {rows}",
            fix="rows are counted from 1",
            row=place,
            rows=rows,
        )
    with ONE_AT_A_TIME:
        explained = _explained(str(run.folder), _stamp(run), place)
        return render_explained(explained, data.words(words.language))


def report_page(run: Run, words: Words) -> str:
    """The run's report, in the language of the words."""
    with ONE_AT_A_TIME:
        return _report(str(run.folder), _stamp(run), words.language)


def finished(run: Run) -> RunData:
    """All that a finished run tells of itself.

    Raises
    ------
    RunError
        It is not finished.
    """
    return _data(str(run.folder), _stamp(run))


def lists_rows(data: RunData) -> bool:
    """Whether the test rows can be shown one by one: they have a text, or states told as one, or
    are series, which go by their names."""
    kind = data.predictions.schema.get(data.column("text") or "")
    is_shown = kind is not None and (data.channels is not None or not kind.is_nested())
    return data.tags is None and is_shown


def list_rows(data: RunData, contains: str, wrong: bool, page: int) -> tuple[list[ListedRow], int]:
    """A page of the test rows, and how many there are on all pages.

    ``contains`` is looked for in the texts, in any case. With ``wrong`` only mistakes are shown,
    the surest first; where the target is a number, all rows with the largest errors first.
    """
    if data.tags is not None:
        raise RunError(
            "the tokens of the run {run!r} are not listed one by one",
            fix="see its report, or predictions.parquet in its folder",
            run=data.name,
        )
    text, target = _text_column(data), data.target_column()
    frame = data.predictions.select(
        pl.int_range(1, pl.len() + 1).alias("place"),
        _as_text(data, text).fill_null("").alias("text"),
        pl.col(target).cast(pl.String).fill_null("").alias("true"),
        pl.col("prediction").cast(pl.String).alias("predicted"),
        _sureness(data, target).alias("sure"),
    ).with_columns((pl.col("true") == pl.col("predicted")).alias("right"))
    if contains:
        folded = pl.col("text").str.to_lowercase()
        frame = frame.filter(folded.str.contains(contains.lower(), literal=True))
    if wrong:
        frame = frame if not data.classes else frame.filter(~pl.col("right"))
        frame = frame.sort("sure", descending=True, maintain_order=True)
    shown = frame.slice((page - 1) * ROWS, ROWS)
    return [ListedRow(**row) for row in shown.iter_rows(named=True)], frame.height


def _as_text(data: RunData, text: str) -> pl.Expr:
    """What the list shows of each row: its text; of series their names, where they have some."""
    if data.channels is None:
        return pl.col(text).cast(pl.String)
    name = data.column("id")
    if name in data.predictions.columns:
        return pl.col(name).cast(pl.String)
    return pl.int_range(1, pl.len() + 1).cast(pl.String)


def _sureness(data: RunData, target: str) -> pl.Expr:
    """Probability of the surest class; for numbers, how far the prediction is off."""
    if "probability" in data.predictions.columns:  # of many states, the likeliest one's alone
        return pl.col("probability")
    if data.classes:
        return pl.max_horizontal(f"probability_{name}" for name in data.classes)
    return (pl.col("prediction") - pl.col(target).cast(pl.Float64)).abs()


def _stamp(run: Run) -> float:
    """Changes whenever the run's results do."""
    path = run.folder / "metrics.json"
    return path.stat().st_mtime if path.exists() else 0.0


def networks(run: Run) -> list[TrainedModel]:
    """The run's networks, loaded once; RunError where it has none yet."""
    manifest = run.folder / "model" / MANIFEST
    return _loaded(str(run.folder), manifest.stat().st_mtime if manifest.exists() else 0.0)


@lru_cache(maxsize=2)
def _loaded(folder: str, stamp: float) -> list[TrainedModel]:
    return load_networks(Run(folder))


@lru_cache(maxsize=4)
def _data(folder: str, stamp: float) -> RunData:
    return load_run(Path(folder))


def _text_column(data: RunData) -> str:
    """The column of the texts; DataError where the run has none to show."""
    if not lists_rows(data):
        raise DataError(
            "the answers of this run are not shown one by one",
            fix="read its report, or take predictions.parquet away",
        )
    return data.column("text") or ""


@lru_cache(maxsize=32)
def _explained(folder: str, stamp: float, place: int) -> RowData | SeriesData:
    data, run = _data(folder, stamp), Run(folder)
    read = data.predictions[_text_column(data)][place - 1 : place]
    found = networks(run)
    require_explainable(found[0])
    if found[0].encoder.units_encoder is not None:
        read = pl.Series("text", [str(read[0] or "")])
    if step_features := found[0].step_features:
        read = with_step_features(
            Table(data.predictions[place - 1 : place], ()), read, step_features
        )
    return explain_read(found, read, place)


@lru_cache(maxsize=8)
def _report(folder: str, stamp: float, language: str) -> str:
    data = _data(folder, stamp)
    return render_report(data, data.words(language))
