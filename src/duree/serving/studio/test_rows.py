"""Test rows of a finished run: listed with their predictions, and explained one by one.

Runs and networks are cached.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from duree.errors import DataError, RunError
from duree.pipeline.explain_row import (
    Explained,
    explain_read,
    is_explainable,
    render_explained,
    require_explainable,
    true_value,
)
from duree.pipeline.model import TrainedModel, load_networks
from duree.pipeline.run import Run
from duree.report.figures.choose import draw_figures, write_drawn
from duree.report.load import load_run
from duree.report.pages.report import render_report
from duree.report.run_data import RunData
from duree.report.vocabulary import Words
from duree.storage import MANIFEST
from duree.tables.table import Table

# Figures are drawn, and networks run, one at a time.
ONE_AT_A_TIME = threading.Lock()
ROWS = 50  # on a page


@dataclass(frozen=True)
class ListedRow:
    """One test row as the list shows it.

    ``place`` counts from 1, among the test rows; ``source`` is its row in the file, as it is shown.
    ``figure`` is the one that ``Target.listed_title`` names.
    """

    place: int
    source: str
    text: str
    true: str
    predicted: str
    figure: float
    is_wrong: bool


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
    """The run's report, in the language of ``words``."""
    with ONE_AT_A_TIME:
        return _report(str(run.folder), _stamp(run), words.language)


def write_figures(run: Run, words: Words, folder: Path) -> None:
    """The figures of the run's report in the language of ``words``, as files."""
    with ONE_AT_A_TIME:
        data = finished(run)
        own = data.words(words.language)
        write_drawn(draw_figures(data, own), data, folder, own)


def finished(run: Run) -> RunData:
    """The results of a finished run.

    Raises
    ------
    RunError
        It is not finished.
    """
    return _data(str(run.folder), _stamp(run))


def lists_rows(data: RunData) -> bool:
    """Whether the test rows can be listed."""
    return data.rows.listed(data) is not None


def is_explained(run: Run) -> bool:
    """Whether the page of a test row explains its prediction."""
    try:
        with ONE_AT_A_TIME:
            return is_explainable(networks(run)[0])
    except RunError:  # the rows of a network that cannot be loaded are listed all the same
        return False


def list_rows(
    data: RunData, contains: str, wrong: bool, page: int, words: Words
) -> tuple[list[ListedRow], int]:
    """A page of the test rows, and how many there are on all pages.

    ``contains`` is searched for in the texts, ignoring case. With ``wrong`` the highest figures
    come first, and only errors are shown where predictions are right or wrong.
    """
    true = pl.col(data.target_column()).cast(pl.String).fill_null("")
    predicted = pl.col("prediction").cast(pl.String)
    is_wrong = true != predicted if data.target.is_right_or_wrong else pl.lit(False)
    frame = data.predictions.select(
        pl.int_range(1, pl.len() + 1).alias("place"),
        _listed(data).fill_null("").alias("text"),
        true.alias("true"),
        predicted.alias("predicted"),
        data.target.listed_figure(data).alias("figure"),
        is_wrong.alias("is_wrong"),
    )
    if contains:
        folded = pl.col("text").str.to_lowercase()
        frame = frame.filter(folded.str.contains(contains.lower(), literal=True))
    if wrong:
        frame = frame.filter("is_wrong") if data.target.is_right_or_wrong else frame
        frame = frame.sort("figure", descending=True, maintain_order=True)
    shown = frame.slice((page - 1) * ROWS, ROWS)
    return [
        ListedRow(**row, source=data.source_title(row["place"] - 1, words))
        for row in shown.iter_rows(named=True)
    ], frame.height


def _stamp(run: Run) -> float:
    """A key for caches that changes whenever the run's results do."""
    path = run.folder / "metrics.json"
    return path.stat().st_mtime if path.exists() else 0.0


def networks(run: Run) -> list[TrainedModel]:
    """The run's networks, loaded once; RunError if it has none yet."""
    manifest = run.folder / "model" / MANIFEST
    return _loaded(str(run.folder), manifest.stat().st_mtime if manifest.exists() else 0.0)


@lru_cache(maxsize=2)
def _loaded(folder: str, stamp: float) -> list[TrainedModel]:
    return load_networks(Run(folder))


@lru_cache(maxsize=4)
def _data(folder: str, stamp: float) -> RunData:
    return load_run(Path(folder))


def _listed(data: RunData) -> pl.Expr:
    """What is shown of each row; DataError where the run has none to show."""
    listed = data.rows.listed(data)
    if listed is None:
        raise DataError(
            "the predictions of this run are not listed row by row",
            fix="read its report, or download predictions.parquet",
        )
    return listed


@lru_cache(maxsize=32)
def _explained(folder: str, stamp: float, place: int) -> Explained:
    data = _data(folder, stamp)
    _listed(data)
    found = networks(Run(folder))
    require_explainable(found[0])
    row = Table(data.predictions[place - 1 : place], ())
    number, file = data.source(place - 1)
    true = true_value(found[0], data.predictions, place)
    return explain_read(found, found[0].texts(row), place).model_copy(
        update={"source_row": number, "source_file": file or None, "true": true}
    )


@lru_cache(maxsize=8)
def _report(folder: str, stamp: float, language: str) -> str:
    data = _data(folder, stamp)
    return render_report(data, data.words(language))
