"""A run's network as a language model: bits for texts, and the text it was trained on."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from duree.errors import RunError
from duree.network.language_model import LanguageModel
from duree.pipeline.by_layout import read_dataset
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.save import save_dataset
from duree.sequences.language_encoder import LanguageEncoder
from duree.sequences.ragged import Ragged
from duree.tables.split.make_split import Split


def language_model_of(run: Run) -> TrainedModel:
    """The run's network, which gives texts probabilities.

    Raises
    ------
    RunError
        It has none yet, or it is no language model.
    """
    model = TrainedModel.of_run(run)
    if not is_language_model(model):
        raise RunError(
            "the network of {folder!r} gives no text a probability",
            fix="train a language model: duree fit TEXTS --task language",
            folder=str(run.folder),
        )
    return model


def is_language_model(model: TrainedModel) -> bool:
    """Whether a network gives texts probabilities."""
    return isinstance(model.network, LanguageModel)


def encoder_of(model: TrainedModel) -> LanguageEncoder:
    """The encoder of a language model."""
    return cast(LanguageEncoder, model.encoder)


def bits_of(model: TrainedModel, sequences: Ragged) -> Ragged:
    """The bits of each code of encoded texts, that of its end last: float64, row by row."""
    nats = model.predictions(sequences)[:, 0]
    return Ragged(np.asarray(nats, dtype=np.float64) / -math.log(2), sequences.offsets)


def rate_of(model: TrainedModel) -> str:
    """By what the surprisal of texts of different length is compared: ``"bits_per_character"``, or
    ``"bits_per_unit"`` where units are words or parts of words."""
    name = "bits_per_character"
    return name if model.task.metrics.primary == name else "bits_per_unit"


def training_texts(run: Run) -> list[str]:
    """The texts of the training and validation rows, read again from the run's files.

    Raises
    ------
    DataError
        A file cannot be read any more.
    RunError
        A file has changed.
    """
    dataset = read_dataset(run.recipe, Split.from_dict(run.read_json("split.json")))
    save_dataset(run, dataset)  # of a run that has begun, it only refuses other data
    rows = np.sort(np.concatenate([dataset.split.train, dataset.split.validation]))
    texts: list[str] = dataset.texts.gather(rows).fill_null("").to_list()
    return texts
