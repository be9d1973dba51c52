"""Served: one loaded run, and the class of its requests by layout."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch

from duree.network.model import tabulated
from duree.pipeline.explain_test import answer_names
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.run_folder import RunFolder
from duree.results.metrics_file import NETWORK
from duree.serving.batching import Batcher
from duree.serving.bodies import Card
from duree.serving.documents import DocumentRows
from duree.serving.numbers import Numbers
from duree.serving.pairs import Pairs
from duree.serving.rows import ServedRows
from duree.serving.sentences import Sentences
from duree.serving.series import SeriesRows
from duree.serving.texts import Events, Rows
from duree.tables.layouts.documents import Documents
from duree.tables.layouts.forecast_origins import ForecastOrigins
from duree.tables.layouts.layout import Layout
from duree.tables.layouts.numeric_series import NumericSeries
from duree.tables.layouts.pairs import Pairs as PairRows
from duree.tables.layouts.sentences import Tokens
from duree.version import __version__

# A number of tokens that justifies any table of projected words, so that it is always computed.
ALL = 2**62


class Served:
    """One run, loaded once.

    Parameters
    ----------
    folder : Path
        A finished run.
    waiting : int
        Maximum number of waiting rows.

    Raises
    ------
    RunError
        There is no finished run in the folder, or it was altered.
    """

    def __init__(self, folder: Path, waiting: int) -> None:
        run = Run(folder)
        self.folder, self.waiting = folder, waiting
        self.model = TrainedModel.of_run(run)
        self.rows = rows_of(self.model, run.recipe, run)
        self.name = run.folder.resolve().name
        metrics = RunFolder(run.folder).metrics
        self.card = Card(
            name=self.name,
            duree=__version__,
            task=self.model.task.name,
            cell=metrics.cell,
            columns=self.model.columns,
            inputs=self.rows.needed,
            answers=answer_names(self.model),
            rows=metrics.rows,
            figures=metrics.models[NETWORK].estimates,
            verdict=metrics.verdict,
        )
        # The table of projected words, for the life of this object.
        self.table = ExitStack()
        self.table.enter_context(tabulated(self.model.network, ALL))

    def open(self, threads: int) -> None:
        """Prepare for requests in the running event loop; large batches use ``threads`` threads."""
        prepare = partial(torch.set_num_threads, threads)
        self.batcher: Batcher[Any, dict[str, Any]] = Batcher(
            self.rows.answers, self.waiting, prepare, self.rows.size
        )


# Layouts whose requests differ from texts and states.
OTHERS: dict[type[Layout], type[ServedRows[Any]]] = {
    NumericSeries: Numbers,
    ForecastOrigins: SeriesRows,
    Tokens: Sentences,
    PairRows: Pairs,
    Documents: DocumentRows,
}


def rows_of(model: TrainedModel, recipe: Recipe, run: Run | None = None) -> ServedRows[Any]:
    """The requests and responses for a model, which may be that of a run."""
    plain = Events if model.step_features else Rows
    found = OTHERS.get(type(model.layout), plain)(model, recipe)
    found.run = run
    return found
