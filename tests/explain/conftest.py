"""Networks whose truth is known: texts that one planted word decides, and a negation before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from tests.support.planted_words import write_texts
from tests.support.untrained import untrained_model

from duree import SequenceClassifier
from duree.network.model import SequenceModel
from duree.pipeline.model import TrainedModel
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import Ragged
from duree.sequences.series_encoder import SeriesEncoder
from duree.tasks.regress import Regress


@dataclass(frozen=True)
class Planted:
    """A trained model, texts it has not seen, their answers, and the places of what decides."""

    model: TrainedModel
    texts: pl.Series
    answers: np.ndarray
    deciding: list[set[int]]

    @property
    def sequences(self) -> Ragged:
        return self.model.encode(self.texts)


def train_planted(seed: int, *, cell: str = "lstm", wide: bool = False) -> TrainedModel:
    texts, answers, _ = write_texts(1500)
    settings = {"hidden_size": 32, "embedding_size": 64, "epochs": 15, "learning_rate": 4e-3}
    model = SequenceClassifier(cell=cell, wide=wide, seed=seed, **settings)
    return model.fit(texts, answers).model_


@pytest.fixture(scope="session")
def planted() -> Planted:
    """Without a wide part, which knows pairs of words and would solve it alone."""
    texts, answers, deciding = write_texts(120, seed=1)
    model = train_planted(0)
    found = Planted(model, pl.Series("text", texts), answers, deciding)
    predicted = model.predictions(found.sequences).argmax(axis=1)
    assert (predicted == answers).mean() > 0.97
    return found


@pytest.fixture(scope="session")
def other_seed() -> TrainedModel:
    return train_planted(1)


@pytest.fixture(scope="session")
def joined() -> TrainedModel:
    """The default shape of a network: a recurrent part and a wide one."""
    return train_planted(0, cell="gru", wide=True)


@pytest.fixture(scope="session")
def numeric() -> tuple[TrainedModel, Ragged]:
    """An untrained network that reads two channels of numbers and answers with one."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(6, 12, 2)).astype(np.float32)
    encoder = SeriesEncoder.fit(rows)
    settings = ModelSettings(hidden_size=8, cell="gru", wide=False)
    model = untrained_model(encoder, Regress(10.0, 3.0), settings, seed=3)
    assert isinstance(model.network, SequenceModel)
    model.network.eval()
    return model, model.encode(rows)
