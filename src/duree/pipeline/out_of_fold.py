"""Out-of-fold predictions: each row is predicted by a network that it did not train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError, Phrase, translate
from duree.inference.provenance import Keys
from duree.pipeline.folds import FoldRows, unit_keys
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.report.run_folder import RunFolder
from duree.results.metrics_file import Metrics
from duree.tables.columns import require_free, with_columns
from duree.tables.finding import Finding
from duree.tables.table import Table

FOLD = "fold"
SECONDS, MINUTES, HOURS = "{time:.0f} s", "{time:.0f} min", "{time:.1f} h"


@dataclass(frozen=True)
class TrainFolds:
    """The number of folds, and what trains their networks or loads them."""

    count: int
    networks: Callable[[], FoldNetworks]


@dataclass(frozen=True)
class FoldNetworks:
    """The networks of a run's folds, and that of the run itself.

    Attributes
    ----------
    rows : FoldRows
    networks : list of TrainedModel
        Of the run, for rows that did not train it, then of each fold.
    """

    rows: FoldRows
    networks: list[TrainedModel]

    def predicted(
        self, run: Run, table: Table, inputs: Keys
    ) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
        """The table with the predictions of networks that have not seen the rows.

        Parameters
        ----------
        inputs : uint64 [rows]
            The keys of the rows' inputs.

        Returns
        -------
        polars.DataFrame [rows]
            All columns, those of the predictions, and ``fold``: null for rows that trained nothing.
        bool [rows]
            Whether training rows of another fold have the same input as a row of a fold.
        """
        folds = self.rows.of(unit_keys(table, run.recipe.data, inputs), inputs)
        parts, order = [], []
        for number, network in enumerate(self.networks):
            rows = np.flatnonzero(folds == number)
            if len(rows):
                parts.append(predicted_by(network, table.rows(rows)))
                order.append(rows)
        frame = pl.concat(parts)[np.argsort(np.concatenate(order))]
        fold = pl.Series(FOLD, folds, dtype=pl.Int64)
        predicted = with_columns(frame, [fold.replace(0, None)])
        return predicted, (folds > 0) & self.rows.are_spread(inputs)


def predicted_by(model: TrainedModel, table: Table) -> pl.DataFrame:
    """The table with the predictions of one network."""
    frame = table.frame.drop(model.layout.added, strict=False)
    sequences = model.encode(model.texts(table))
    found = model.predictions(sequences)
    return model.task.predicted_table(frame, found, sequences.lengths)


def require_out_of_fold(frame: pl.DataFrame, predicted: pl.DataFrame, has_waits: bool) -> None:
    """Refuse tables and networks of which there are no out-of-fold predictions; DataError."""
    require_free(frame.columns, [FOLD])
    if len(frame) != len(predicted) or has_waits:
        raise no_folds()


def no_folds() -> DataError:
    """The error where a network has no out-of-fold predictions."""
    return DataError(
        "out-of-fold predictions are for networks with one prediction for each row",
        fix="leave --folds out",
    )


def require_same_classes(run: TrainedModel, of_fold: TrainedModel, number: int) -> None:
    """Refuse a fold's network that does not know all classes of the run's; DataError."""
    missing = [name for name in run.task.classes if name not in of_fold.task.classes]
    if missing:
        raise DataError(
            "only rows of fold {fold} have {classes}, so that its network cannot learn to "
            "predict it",
            fix="leave these rows out, or merge the class with another, and train again",
            fold=number,
            classes=repr(missing[0]),
        )


def spread_findings(numbers: list[int], rows: int) -> list[Finding]:
    """The finding on rows whose input also trained their fold's network, in another group."""
    if not numbers:
        return []
    what = "rows with the input of a training row of another group and fold: {count} of {rows}"
    fix = "the network of their fold has seen this input, though not in their group"
    return [Finding("spread_rows", "warning", what, fix, {"count": len(numbers), "rows": rows})]


def expected_time(run: Run, count: int, left: int) -> Phrase:
    """How long the networks of ``left`` of ``count`` folds will take to train, as a sentence.

    Measured by the training of the run's own network, on a share of (k - 1) / k of its rows.
    """
    metrics = RunFolder(run.folder).record_if_there(Metrics, "metrics.json")
    seconds = metrics.seconds.get("train") if metrics else None
    if seconds is None:
        return Phrase("networks to train: {left}, one for each fold", left=left)
    each = seconds / run.recipe.evaluation.seeds * (count - 1) / count
    return Phrase(
        "networks to train: {left}, one for each fold; about {time} in all, as the run's own took "
        "{own}; after an interruption, the same command continues",
        left=left,
        time=_duration(each * left),
        own=_duration(seconds / run.recipe.evaluation.seeds),
    )


def fold_title(number: int, count: int) -> str:
    """What is printed before a fold's network is trained."""
    return translate("fold {fold} of {folds}").format(fold=number, folds=count)


def _duration(seconds: float) -> Phrase:
    if seconds < 90:
        return Phrase(SECONDS, time=max(seconds, 1))
    if seconds < 90 * 60:
        return Phrase(MINUTES, time=seconds / 60)
    return Phrase(HOURS, time=seconds / 3600)
