"""Language models, and documents for them."""

from __future__ import annotations

import numpy as np
import torch

from duree.network.documents import Documents
from duree.network.language_model import LanguageModel
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import END, Ragged

CODES = 12
NO_DROPOUT = dict.fromkeys(
    ("word_dropout", "input_dropout", "layer_dropout", "recurrent_dropout", "output_dropout"), 0.0
)


def model(seed: int = 0, **build: object) -> LanguageModel:
    torch.manual_seed(seed)
    small = {"hidden_size": 6, "embedding_size": 5, "cell": "gru", **NO_DROPOUT}
    network = LanguageModel(ModelSettings(**small | build), vocabulary_size=CODES)
    with torch.no_grad():  # otherwise nearly all probabilities are equal
        network.embedding.mul_(10)
    return network


def documents(lengths: list[int], chunk: int = 100, seed: int = 0) -> Documents:
    """Documents with so many codes, the last one END."""
    rng = np.random.default_rng(seed)
    rows = [[*rng.integers(4, CODES, length - 1), END] for length in lengths]
    codes = Ragged.from_rows(rows)
    return Documents(codes, np.zeros(len(codes)), chunk=chunk)
