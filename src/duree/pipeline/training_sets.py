"""The training and validation sets of a dataset as the network reads them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from duree.network.batches import Examples
from duree.pipeline.dataset import Dataset
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged
from duree.tasks import Task


def training_sets(
    dataset: Dataset, encoder: Encoder, sequences: Ragged
) -> tuple[Task, Examples, Examples]:
    """The task with its classes, the training set and the validation set."""
    split, counts = dataset.split, dataset.weights
    task = dataset.task.from_target(dataset.target.gather(split.train), dataset.recipe)
    task = task.with_encoder(encoder)
    examples, validation = (
        replace(
            task.examples(sequences.take(rows), dataset.target.gather(rows)),
            weights=None if counts is None else counts[rows].astype(np.float32),
        )
        for rows in (split.train, split.validation)
    )
    return task, examples, validation
