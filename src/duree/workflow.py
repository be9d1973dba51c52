"""The workflow, from a table to an evaluated network.

    read and check → encode → train → baselines → evaluate → explain → report

Each step saves its results in the run folder before the next begins, and loads them when a run is
resumed. This module does not depend on the task or the layout of the table.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from duree.errors import DureeError, TrainingError, command, translate
from duree.evaluation.evaluate import Figures
from duree.pipeline import save
from duree.pipeline.analyses import analyse
from duree.pipeline.baselines import fit_baselines
from duree.pipeline.by_layout import read_dataset, steps_for
from duree.pipeline.dataset import Dataset
from duree.pipeline.encode import encode
from duree.pipeline.evaluate import evaluate_on_test
from duree.pipeline.explain_row import require_explainable, write_attributions, write_explained_row
from duree.pipeline.folds import (
    FoldRows,
    dataset_of_fold,
    fold_folder,
    fold_run,
    fold_splits,
    has_fold_rows,
)
from duree.pipeline.listener import SILENT, Listener
from duree.pipeline.model import TrainedModel, load_networks
from duree.pipeline.out_of_fold import (
    FoldNetworks,
    TrainFolds,
    expected_time,
    fold_title,
    require_same_classes,
)
from duree.pipeline.predict import made_from, read_like, written
from duree.pipeline.progress import noted
from duree.pipeline.run import Run
from duree.pipeline.seeds import train
from duree.pipeline.suspects import require_classes, suspects_of
from duree.pipeline.tune import tried
from duree.recipe.recipe import Recipe
from duree.report.pages.report import write_report
from duree.storage import is_sealed
from duree.tables.files.resumable import Pieces
from duree.tables.files.write import refuse_input, require_writable, write_table
from duree.tables.finding import Finding
from duree.tables.split.make_split import Split
from duree.tasks import resolve


def fit(recipe: Recipe, folder: Path | str, listener: Listener = SILENT) -> Run:
    """Run a recipe in a new run folder.

    Raises
    ------
    RunError
        The folder exists or cannot be written.
    DataError, RecipeError, TrainingError
        The run cannot continue. Completed steps stay in the folder; an empty one is removed.
    """
    run = Run.create(folder, resolve(recipe))
    with run.locked():
        try:
            return _carry_out(run, listener)
        except DureeError:
            if not run.has("split.json"):
                run.discard()
            raise


def resume(folder: Path | str, listener: Listener = SILENT) -> Run:
    """Continue an interrupted run; its results are those of an uninterrupted one."""
    run = Run(folder)
    with run.locked():
        return _carry_out(run, listener)


def tune(
    recipe: Recipe,
    folder: Path | str,
    trials: int,
    *,
    space: Path | str | None = None,
    minutes: float | None = None,
    listener: Listener = SILENT,
) -> Run:
    """Try recipes on the training rows, and carry out the one that is best on the validation rows.

    Trial 0 is ``recipe`` itself; the others vary the settings of ``space``, a TOML file, or those
    of the task. No trial begins after so many ``minutes``. The test set is opened once, for the
    best. An interrupted call continues when it is repeated. See ``duree.pipeline.tune``.

    Raises
    ------
    DataError, ExtraError, RecipeError, RunError, TrainingError
        The search cannot be carried out, or every trial failed.
    """
    dataset = read_dataset(resolve(recipe))
    _warn(dataset, listener)
    best = tried(dataset, Path(folder), trials, space, minutes, listener)
    return resume(best.folder, listener)


def _carry_out(run: Run, listener: Listener) -> Run:
    with noted(run, listener) as listener, _with_remedy(run):
        if run.has("report.html"):
            listener.message(
                translate("{folder} is finished: nothing is left to do").format(folder=run.folder)
            )
        else:
            _train_and_evaluate(run, listener)
            # Called here, so that the data of the previous steps are no longer in memory.
            write_report(run.folder)
        for work in ("checkpoint", "baselines"):
            shutil.rmtree(run.folder / work, ignore_errors=True)
    return run


@contextmanager
def _with_remedy(run: Run) -> Iterator[None]:
    """Add to an error what is saved, and the command that continues from there."""
    try:
        yield
    except TrainingError:  # it would occur again
        raise
    except Exception as error:
        if run.has("metrics.json"):
            saved = "the network and its results are saved; write the report with: {command}"
            error.add_note(translate(saved).format(command=command("duree", "report", run.folder)))
        elif run.has("split.json"):
            saved = "what was done is saved; continue with: {command}"
            error.add_note(translate(saved).format(command=command("duree", "resume", run.folder)))
        raise


def _train_and_evaluate(run: Run, listener: Listener) -> None:
    with save.step(run, "read", listener):
        dataset = read(run, listener)
    with save.step(run, "encode", listener):
        encoder, sequences = encode(run, dataset)
    with save.step(run, "train", listener):
        networks = train(run, dataset, encoder, sequences, listener)
    with save.step(run, "baselines", listener):
        baselines = fit_baselines(run, dataset, encoder, sequences, networks[0].task, listener)
    with save.step(run, "evaluate", listener):
        result = evaluate_on_test(run, dataset, sequences, networks, baselines)
    with save.step(run, "explain", listener):
        analyse(run, dataset, sequences, networks, result)
    save.save_predictions(run, dataset, networks[0].task, result)
    save.save_metrics(run, dataset, networks[0].task, result)


def read(run: Run, listener: Listener) -> Dataset:
    """Read, check and split the table; a resumed run loads its split."""
    drawn = Split.from_dict(run.read_json("split.json")) if run.has("split.json") else None
    dataset = read_dataset(run.recipe, drawn)
    if dataset.recipe.to_toml() != run.recipe.to_toml():
        run.decide(dataset.recipe)
    save.save_dataset(run, dataset)
    _warn(dataset, listener)
    return dataset


def _warn(dataset: Dataset, listener: Listener) -> None:
    for finding in dataset.findings:
        if finding.level in ("warning", "error"):
            listener.message(finding.message())


def evaluate(
    folder: Path | str,
    data: Path | str,
    notify: Callable[[Finding], None] = lambda finding: None,
) -> Figures:
    """Evaluate a trained network on other rows with known targets.

    Intervals are by group and rows are weighted if both the run and the table have such columns.
    ``notify`` is called with each finding on rows that are left out, as the run's recipe asks.

    Raises
    ------
    DataError
        The table lacks a column, or has a target that does not occur in training.
    """
    run = Run(folder)
    model = TrainedModel.of_run(run)
    return steps_for(type(model.layout)).evaluate(run, model, data, notify)


def predict(
    folder: Path | str,
    data: Path | str,
    output: Path | str,
    *,
    raw: bool = False,
    paths: int | None = None,
    folds: int | None = None,
    nbest: int | None = None,
    listener: Listener = SILENT,
    progress: Callable[[int, int | None], None] = lambda done, rows: None,
) -> list[Finding]:
    """Write the table with predictions: all columns and the order of rows are kept.

    For spells and events there is one row per person, with the columns that are constant within
    persons. Token files may be written in their own format: see ``duree.tables.files.conll``.
    Tables larger than memory are processed in pieces. An interrupted call continues when it is
    repeated. ``progress`` is called with the number of rows done and their total (None if unknown).
    For series, forecasts are written (see ``duree.pipeline.forecast_dataset``), or ``paths`` sample
    paths of each. With ``folds``, rows that trained the run are predicted by networks that they
    did not train (see ``train_folds``, which gets ``listener``), and ``fold`` is added. With
    ``nbest``, so many outputs of each row are written, where outputs are sequences. What is
    known of the network is written beside the output: see ``duree.inference.provenance``.

    Returns
    -------
    list of Finding
        What was written, with the number of rows, of rows without text, and of altered cells.

    Raises
    ------
    DataError
        The table lacks the text column, already has a column with the name of one to add, or would
        be overwritten.
    """
    run = Run(folder)
    model = TrainedModel.of_run(run)
    return steps_for(type(model.layout)).predict(
        run,
        model,
        data,
        Path(output),
        raw=raw,
        paths=paths,
        folds=TrainFolds(folds, partial(train_folds, run, folds, listener)) if folds else None,
        nbest=nbest,
        progress=progress,
    )


def train_folds(
    run: Run, count: int, listener: Listener = SILENT, dataset: Dataset | None = None
) -> FoldNetworks:
    """One network for each of ``count`` folds of the rows that trained a run, and the run's own.

    ``dataset`` is the run's, if it has been read already.

    They are kept in ``RUN/folds/COUNT``: an interrupted call continues when it is repeated, and
    networks that are there are not trained again.

    Raises
    ------
    DataError
        A fold would have too few rows of a class; the run's table cannot be read.
    RunError
        The run's table has changed, or another process writes the run.
    """
    model, folder = TrainedModel.of_run(run), fold_folder(run, count)
    folders = [folder / str(number) for number in range(1, count + 1)]
    left = [one for one in folders if not is_sealed(one / "model")]
    if left or not has_fold_rows(folder):
        with run.locked():
            dataset = dataset or read(run, SILENT)
            splits = fold_splits(folder, dataset, model, count)
            listener.message(expected_time(run, count, len(left)).message())
            for number, (of_fold, split) in enumerate(zip(folders, splits, strict=True), 1):
                if of_fold in left:
                    listener.message(fold_title(number, count))
                    _train_fold(fold_run(run, of_fold, split), dataset, listener)
    networks = [TrainedModel.load(one / "model", run.recipe.data) for one in folders]
    for number, network in enumerate(networks, 1):
        require_same_classes(model, network, number)
    return FoldNetworks(FoldRows.read(folder, count), [model, *networks])


def suspects(
    folder: Path | str,
    output: Path | str,
    *,
    folds: int = 5,
    raw: bool = False,
    listener: Listener = SILENT,
) -> list[Finding]:
    """Write the rows that trained a run, those whose label is doubtful first, for a second look.

    Labels are compared with out-of-fold predictions (see ``train_folds``) by confident learning:
    see ``duree.inference.label_errors``.

    Returns
    -------
    list of Finding
        What was written, and how many labels are doubtful.

    Raises
    ------
    DataError
        The run does not predict one class for each row, or the file cannot or must not be written.
    """
    run, output = Run(folder), Path(output)
    require_writable(output)
    for file in run.recipe.data.files:
        refuse_input(output, Path(file))
    replaced = output.exists()
    dataset = read(run, SILENT)
    require_classes(dataset)
    frame, found = suspects_of(run, dataset, train_folds(run, folds, listener, dataset))
    altered = write_table(frame, output, raw=raw)
    return [written(output, len(frame), replaced), found, *altered]


def _train_fold(run: Run, dataset: Dataset, listener: Listener) -> None:
    of_fold = dataset_of_fold(dataset, run)
    encoder, sequences = encode(run, of_fold)
    train(run, of_fold, encoder, sequences, listener)
    shutil.rmtree(run.folder / "checkpoint", ignore_errors=True)


def explain_row(
    folder: Path | str,
    data: Path | str,
    row: int,
    output: Path | None = None,
    notify: Callable[[Finding], None] = lambda finding: None,
) -> Path:
    """Explain the prediction of a run's network for one row, as a page and as JSON.

    Parameters
    ----------
    folder, data
        A run folder, and a table with the run's text column.
    row : int
        Counted from 1.
    output : Path, optional
        The file of the page; in the run folder if not given.
    notify : callable, optional
        Called with a finding if the row is empty, or mostly of words that do not occur in training.

    Raises
    ------
    DataError
        The table has no such row or lacks the text column.
    """
    run = Run(folder)
    networks = load_networks(run)
    require_explainable(networks[0])
    table = read_like(run, data, networks[0])
    page = output or run.folder / "explanations" / f"{Path(data).stem}-{row}.html"
    refuse_input(page, Path(data))
    write_explained_row(networks, table, row, page, notify)
    return page


def explain_all(
    folder: Path | str,
    data: Path | str,
    output: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, rows: None,
) -> Path:
    """Write the attribution of each word of each row, as Parquet.

    An interrupted call continues when it is repeated. ``progress`` is called with the number of
    rows done and their total.

    Raises
    ------
    DataError
        The table lacks the text column.
    """
    run = Run(folder)
    model = TrainedModel.of_run(run)
    require_explainable(model)
    file = output or run.folder / "explanations" / f"{Path(data).stem}.parquet"
    refuse_input(file, Path(data))
    texts = model.texts(read_like(run, data, model))
    pieces = Pieces(file, made_from(run, Path(data)))
    write_attributions(model, texts, pieces, lambda done: progress(done, len(texts)))
    return file
