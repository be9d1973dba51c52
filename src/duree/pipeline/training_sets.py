"""The training and validation sets of a dataset as the network reads them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.network.batches import Examples
from duree.pipeline.dataset import Dataset
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged
from duree.tables.source_rows import locating
from duree.tables.split.folds import draw_folds
from duree.tasks import Task


def training_sets(
    dataset: Dataset, encoder: Encoder, sequences: Ragged
) -> tuple[Task, Examples, Examples]:
    """The task with its classes, the training set and the validation set."""
    split, counts = dataset.split, dataset.weights
    task = dataset.task.from_target(dataset.target.gather(split.train), dataset.recipe)
    task = task.with_encoder(encoder)
    sets = []
    for rows in (split.train, split.validation):
        with locating(dataset.table, rows):
            examples = task.examples(sequences.take(rows), dataset.target.gather(rows))
        weights = None if counts is None else counts[rows].astype(np.float32)
        sets.append(replace(examples, weights=weights))
    return task.with_rows(*sets), sets[0], sets[1]


def training_folds(dataset: Dataset) -> NDArray[np.int64] | None:
    """The fold of each training and then validation row; None where rows are split by time."""
    if dataset.times is not None:
        return None
    rows = np.concatenate([dataset.split.train, dataset.split.validation])
    classes = None if dataset.classes is None else dataset.classes.gather(rows)
    codes = None if classes is None else classes.rank("dense").cast(pl.Int64).to_numpy()
    groups, clusters = (
        None if codes is None else codes[rows] for codes in (dataset.groups, dataset.clusters)
    )
    return draw_folds(len(rows), codes, groups, clusters, seed=dataset.recipe.seed)
