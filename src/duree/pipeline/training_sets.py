"""The training and validation sets of a dataset as the network reads them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from duree.network.batches import Examples
from duree.pipeline.dataset import Dataset
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged
from duree.tables.source_rows import locating
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
    return task, sets[0], sets[1]
