"""The step that turns the rows of a dataset into sequences of numbers."""

from __future__ import annotations

from duree.pipeline import save
from duree.pipeline.dataset import Dataset
from duree.pipeline.run import Run
from duree.pipeline.trained_rows import write_trained_rows
from duree.sequences.encoder import Encoder
from duree.sequences.ragged import Ragged


def encode(run: Run, dataset: Dataset) -> tuple[Encoder, Ragged]:
    """Fit the encoder on the training rows, then encode all rows."""
    rows = dataset.split.train
    texts, target = dataset.texts.gather(rows), dataset.target.gather(rows)
    encoder = dataset.task.fit_encoder(texts, target, dataset.recipe)
    save.save_encoder(run, encoder)
    sequences = encoder.encode(dataset.texts)
    write_trained_rows(run, dataset, sequences)
    return encoder, sequences
