"""Networks whose truth is known: texts that one planted word decides, and a negation before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from duree import SequenceClassifier
from duree.network.model import SequenceModel
from duree.recipe import ModelSettings
from duree.sequences.ragged import Ragged
from duree.sequences.series import SeriesEncoder
from duree.tasks.regress import Regress
from duree.trained import TrainedModel

FILLERS = [first + last for first in "bdfgklmnpr" for last in "aeiou"]
DECIDING, NEGATION = ("zorin", "vexal"), "nor"


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


def write_texts(rows: int, seed: int = 0) -> tuple[list[str], np.ndarray, list[set[int]]]:
    """Texts of fillers, one deciding word in each, half of them negated."""
    rng = np.random.default_rng(seed)
    texts, answers, deciding = [], [], []
    for _ in range(rows):
        words = list(rng.choice(FILLERS, rng.integers(8, 20)))
        kind, negated, place = rng.integers(2), rng.random() < 0.5, int(rng.integers(1, len(words)))
        words[place] = DECIDING[kind]
        if negated:
            words[place - 1] = NEGATION
        texts.append(" ".join(words))
        answers.append(int(kind) ^ int(negated))
        deciding.append({place - 1, place} if negated else {place})
    return texts, np.array(answers), deciding


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
    said = model.predictions(found.sequences).argmax(axis=1)
    assert (said == answers).mean() > 0.97
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
    model = TrainedModel.build(encoder, Regress(10.0, 3.0), settings, {}, seed=3)
    assert isinstance(model.network, SequenceModel)
    model.network.eval()
    return model, model.encode(rows)
