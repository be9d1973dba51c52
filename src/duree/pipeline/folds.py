"""Folds of the rows that trained a run, and the run folder of each fold's network.

Every row of the training and validation sets is in one fold; the network of a fold is trained, by
the same recipe, on the rows of all others (cross-fitting: Chernozhukov et al. 2018, definition
3.1). Rows of one group, near-duplicates and rows with the same input are in the same fold, as in
the run's own split.

    RUN/folds/5/rows.parquet    the fold of each row
    RUN/folds/5/1 ... 5/5       one run folder for each network
"""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError, RunError
from duree.inference.provenance import Keys, row_keys
from duree.pipeline.dataset import Dataset
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.trained_rows import input_keys
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings
from duree.storage import write_file
from duree.tables.columns import find_column
from duree.tables.finding import listed
from duree.tables.split.assignment import MIN_ROWS, assign_units, tie_units
from duree.tables.split.folds import draw_folds
from duree.tables.split.split import TRAIN, VALIDATION, Split
from duree.tables.table import Table

FOLDER, ROWS = "folds", "rows.parquet"
SCHEMA = pl.Schema({"row": pl.Int64, "fold": pl.Int64, "unit": pl.UInt64, "input": pl.UInt64})
CLAUSE = "the test rows are those of fold {fold} of {folds}"

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FoldRows:
    """The fold of each row that trained a run.

    Attributes
    ----------
    count : int
        The number of folds.
    row : int64 [k]
        Row indices of the run's table, ascending.
    fold : int64 [k]
        The fold of each, from 1.
    unit : uint64 [k]
        The key of its input and group: rows with the same are in the same fold.
    input : uint64 [k]
        The key of its input alone.
    """

    count: int
    row: Ints
    fold: Ints
    unit: Keys
    input: Keys

    def write(self, folder: Path) -> None:
        """Write ``rows.parquet``."""
        content = io.BytesIO()
        columns = {name: getattr(self, name) for name in SCHEMA}
        pl.DataFrame(columns, schema=SCHEMA).write_parquet(content)
        write_file(folder / ROWS, content.getvalue())

    @classmethod
    def read(cls, folder: Path, count: int) -> FoldRows:
        """What ``write`` wrote.

        Raises
        ------
        RunError
            The file was altered.
        """
        try:
            frame = pl.read_parquet(folder / ROWS, glob=False)
            if frame.schema != SCHEMA or set(frame["fold"]) != set(range(1, count + 1)):
                raise ValueError(str(frame.schema))
        except (OSError, ValueError, pl.exceptions.PolarsError) as error:
            raise RunError(
                "{file} cannot be read: {reason}",
                fix="remove the folder {folder!r}: its networks are trained again",
                file=str(folder / ROWS),
                reason=str(error).partition("\n")[0],
                folder=str(folder),
            ) from None
        return cls(count, **{name: frame[name].to_numpy() for name in SCHEMA})

    def of(self, units: Keys, inputs: Keys) -> Ints:
        """The fold of each row of another table, from 1; 0 for rows that did not train the run.

        A row is known by its input and group, or else by its input alone.
        """
        by_input = _looked_up(inputs, self.input, self.fold)
        known = _looked_up(units, self.unit, self.fold)
        return np.where(known > 0, known, by_input)

    def are_spread(self, inputs: Keys) -> NDArray[np.bool_]:
        """Whether the input of each row is that of training rows in several folds, bool [rows]."""
        frame = pl.DataFrame({"input": self.input, "fold": self.fold})
        folds = frame.group_by("input").agg(pl.col("fold").n_unique())
        return np.isin(inputs, folds.filter(pl.col("fold") > 1)["input"].to_numpy())


def fold_folder(run: Run, count: int) -> Path:
    """The folder of a run's folds."""
    return run.folder / FOLDER / str(count)


def tied_rows(dataset: Dataset, inputs: Keys) -> Ints:
    """Codes of the rows that must be in the same fold, int64 [rows].

    These are rows of one group, near-duplicates, and rows with the same input; ``inputs`` uint64
    [rows] are its keys. Where near-duplicates tie most groups together, only groups count.
    """
    same = _recoded(inputs)
    near = same if dataset.clusters is None else tie_units(same, dataset.clusters)
    groups = dataset.groups
    if groups is None:
        return near
    # A row without a group has a code above the number of rows: it is known by its input alone.
    return tie_units(np.where(groups > len(groups), 2 * len(groups) + 1 + same, groups), near)


def draw_rows(dataset: Dataset, inputs: Keys, ties: Ints, count: int) -> FoldRows:
    """Draw the folds of the rows that trained a run; deterministic in the recipe's seed.

    Parameters
    ----------
    dataset : Dataset
        Of the run, with its split.
    inputs : uint64 [rows]
        The keys of the inputs of all rows of the table.
    ties : int64 [rows]
        See ``tied_rows``.
    count : int
        The number of folds.

    Raises
    ------
    DataError
        There are too few rows, or too few that are not tied together.
    """
    rows = np.sort(np.concatenate([dataset.split.train, dataset.split.validation]))
    fold = np.zeros(len(rows), dtype=np.int64)
    if len(np.unique(ties[rows])) >= count:
        classes, seed = _classes(dataset, rows)[1], dataset.recipe.seed
        fold = draw_folds(len(rows), classes, ties[rows], seed=seed, count=count)
    if len(np.unique(fold)) < count:
        raise DataError(
            "the rows are too few, or too closely tied by group or duplicates, for {folds} folds",
            fix="use fewer folds",
            folds=count,
        )
    units = unit_keys(dataset.table, dataset.recipe.data, inputs)[rows]
    return FoldRows(count, rows, fold + 1, units, inputs[rows])


def has_fold_rows(folder: Path) -> bool:
    """Whether the folds of a run have been drawn."""
    return (folder / ROWS).exists()


def fold_splits(folder: Path, dataset: Dataset, model: TrainedModel, count: int) -> list[Split]:
    """The split of each fold's run, whose test rows are the fold; the folds are drawn if they have
    not been.

    Raises
    ------
    DataError, RunError
        As ``draw_rows``, ``fold_split`` and ``FoldRows.read``.
    """
    inputs = input_keys(dataset.texts, lambda: model.encode(dataset.texts))
    ties, is_drawn = tied_rows(dataset, inputs), has_fold_rows(folder)
    drawn = FoldRows.read(folder, count) if is_drawn else draw_rows(dataset, inputs, ties, count)
    splits = [fold_split(dataset, drawn, ties, number) for number in range(1, count + 1)]
    if not is_drawn:  # now that every fold can be split
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        drawn.write(folder)
    return splits


def fold_split(dataset: Dataset, drawn: FoldRows, ties: Ints, number: int) -> Split:
    """The rows of the other folds, split into training and validation as by the run's recipe.

    Raises
    ------
    DataError
        One of both would have too few rows of a class.
    """
    rest = drawn.row[drawn.fold != number]
    share = dataset.recipe.data.validation_share
    names, classes = _classes(dataset, rest)
    rng = np.random.default_rng([dataset.recipe.seed, drawn.count, number])
    assigned = assign_units(_recoded(ties[rest]), classes, np.array([1 - share, share]), rng)
    for part in (TRAIN, VALIDATION):
        counts = np.bincount(classes[assigned == part], minlength=len(names))
        if (counts < MIN_ROWS).any():
            raise DataError(
                "with {folds} folds, a network would have fewer than 2 rows of {classes} for "
                "training or validation",
                fix="leave these rows out, or merge the class with another, and train again",
                folds=drawn.count,
                classes=listed([names[place] for place in np.flatnonzero(counts < MIN_ROWS)]),
            )
    test = drawn.row[drawn.fold == number]
    train, validation = (rest[assigned == part] for part in (TRAIN, VALIDATION))
    used = np.concatenate([train, validation, test])
    return Split(
        train=train,
        validation=validation,
        test=test,
        left_out=np.setdiff1d(np.arange(len(dataset.table)), used),
        shared=np.zeros(0, dtype=np.int64),
        seed=dataset.recipe.seed,
        clauses=(CLAUSE,),
        values={"fold": number, "folds": drawn.count},
    )


def fold_run(run: Run, folder: Path, split: Split) -> Run:
    """The run folder of a fold's network, made if it is not there.

    Raises
    ------
    RunError
        The folder was altered: its split is another one.
    """
    if not (folder / "recipe.toml").is_file():  # also where the process ended while making it
        shutil.rmtree(folder, ignore_errors=True)
        Run.create(folder, _recipe(run.recipe))
    of_fold = Run(folder)
    if not of_fold.has("split.json"):
        of_fold.write_json("split.json", split.to_dict())
    drawn = Split.from_dict(of_fold.read_json("split.json"))
    if not np.array_equal(drawn.test, split.test):
        raise RunError(
            "the folder {folder!r} holds the network of another fold",
            fix="remove the folder {folds!r}: its networks are trained again",
            folder=str(folder),
            folds=str(folder.parent),
        )
    return of_fold


def dataset_of_fold(dataset: Dataset, run: Run) -> Dataset:
    """The run's dataset with the recipe and the split of one of its folds."""
    split = Split.from_dict(run.read_json("split.json"))
    split.require_rows(len(dataset.table))
    weights = dataset.weights
    if weights is not None:
        weights = weights / weights[split.train].mean()
    return replace(dataset, split=split, weights=weights, recipe=_recipe(dataset.recipe))


def unit_keys(table: Table, data: DataSettings, inputs: Keys) -> Keys:
    """The keys of input and group of each row, uint64 [rows]."""
    name = find_column(table.frame.columns, data.group)
    group = pl.Series([""] * len(table)) if name is None else table.frame[name].cast(pl.String)
    return row_keys(pl.DataFrame({"input": [f"key {key}" for key in inputs], "group": group}))


def _recipe(recipe: Recipe) -> Recipe:
    """The recipe of a fold's network: one seed, and no baselines."""
    return recipe.replace({"evaluation.seeds": 1, "evaluation.baselines": False})


def _classes(dataset: Dataset, rows: Ints) -> tuple[list[str], Ints]:
    """The class names, and the class of each of the rows; one class if the task has none."""
    if dataset.classes is None:
        return [""], np.zeros(len(rows), dtype=np.int64)
    labels = dataset.classes.gather(dataset.split.train).unique().sort().cast(pl.String)
    found = dataset.classes.gather(rows).cast(pl.String)
    return labels.to_list(), labels.search_sorted(found).cast(pl.Int64).to_numpy()


def _looked_up(keys: Keys, known: Keys, folds: Ints) -> Ints:
    """The fold of each key, the first of several; 0 for those that are not known."""
    unique, first = np.unique(known, return_index=True)
    place = np.minimum(np.searchsorted(unique, keys), len(unique) - 1)
    return np.where(unique[place] == keys, folds[first][place], 0)


def _recoded(codes: NDArray[Any]) -> Ints:
    return np.unique(codes, return_inverse=True)[1].reshape(-1)
