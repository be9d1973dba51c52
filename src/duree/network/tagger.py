"""Tagger: word vectors, recurrent layers over the sentence, and a tag at each step.

Source: Lample et al. 2016 and Ma & Hovy 2016: word vectors are concatenated with vectors of their
characters, and the tags of a sentence are predicted jointly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from duree.network import kernels
from duree.network.crf import CRF
from duree.network.kernels.rows import look_up
from duree.network.model import CELLS, EMBEDDING_DEVIATION, distinct, recurrent_layers
from duree.network.network import Network
from duree.network.word_features import WordFeatures
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import PADDING
from duree.sequences.token_encoder import CHARACTERS, WORD_FEATURES

# Embedding sizes of word features (shape, ending) and characters, and the larger initial deviation
# of characters, since few of them make a word; number and width of filters.
FEATURE_SIZE, CHARACTER_SIZE, CHARACTER_DEVIATION = 30, 50, 0.3
FILTERS, WIDTH = 100, 3


class TagScores(NamedTuple):
    """The scores of a tagger for a batch in training.

    Attributes
    ----------
    layers : list of float [batch, steps, tags]
    chains : list of CRF or None
    lengths : int64 [batch]
    """

    layers: list[Tensor]
    chains: list[CRF | None]
    lengths: Tensor


class Tagger(Network):
    """A recurrent network from the words of sentences to tags.

    Parameters
    ----------
    settings : ModelSettings
    sizes : (int, int, int)
        Number of indices of words, word features and characters; see ``TokenEncoder``.
    rare : tuple of (int, int, int)
        For each column of words: the index of the unknown word, then the range of indices of words
        that occur once.
    layers : list of int
        Number of tags of each layer.
    allowed : list of bool [tags + 1, tags] or None
        For each layer with a CRF, the tags that may follow each tag (see ``CRF``); None for a layer
        whose tags are predicted one by one.
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        sizes: tuple[int, int, int],
        rare: tuple[tuple[int, int, int], ...],
        layers: Sequence[int],
        allowed: Sequence[Tensor | None],
    ) -> None:
        super().__init__()
        self.settings, self.rare, self.tags = settings, rare, list(layers)
        words, word_features, characters = sizes
        self.words = _embedding(words, settings.embedding_size, EMBEDDING_DEVIATION)
        self.word_features = _embedding(word_features, FEATURE_SIZE, EMBEDDING_DEVIATION)
        self.spelling = _spelling(settings, characters)
        width = (
            WORD_FEATURES * settings.embedding_size + (CHARACTERS - WORD_FEATURES) * FEATURE_SIZE
        )
        width += self.spelling.size if self.spelling else 0
        self.recurrent = recurrent_layers(settings, width)
        self.head = nn.Linear(settings.hidden_size * self.recurrent.directions, sum(layers))
        self.seen = nn.ModuleList(
            nn.Identity()
            if allow is None or not settings.wide
            else WordFeatures(count, settings.input_dropout)
            for count, allow in zip(layers, allowed, strict=True)
        )
        self.chains = nn.ModuleList(
            nn.Identity() if allow is None else CRF(count, allow)
            for count, allow in zip(layers, allowed, strict=True)
        )

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor | TagScores:
        """The scores in training, otherwise float [batch, steps, 2 * layers].

        For each layer the predicted tag, then its probability; ``values`` are int64
        [batch, steps, columns], as ``TokenEncoder`` gives them.
        """
        layers = self._scores(values, lengths)
        chains = [chain if isinstance(chain, CRF) else None for chain in self.chains]
        if self.training:
            return TagScores(layers, chains, lengths)
        found = []
        for scores, chain in zip(layers, chains, strict=True):
            if chain is None:
                logarithms = scores.log_softmax(dim=2)
                chosen = logarithms.argmax(dim=2)
            else:
                logarithms = chain.log_marginals(scores, lengths)
                chosen = chain.best(scores, lengths)
            chance = logarithms.gather(2, chosen[:, :, None])[:, :, 0].exp()
            found += [chosen.to(scores.dtype), chance.clamp(0.0, 1.0)]
        return torch.stack(found, dim=2)

    @property
    def word_table(self) -> nn.Embedding:
        return self.words

    def _scores(self, values: Tensor, lengths: Tensor) -> list[Tensor]:
        """The scores of each layer, [batch, steps, tags]."""
        vectors = dropout_by_step(self._vectors(values), self.settings.input_dropout, self.training)
        states = self.recurrent.hidden_states(vectors, lengths)
        states = dropout_by_step(states, self.settings.output_dropout, self.training)
        scores = list(torch.split(self.head(states), self.tags, dim=2))
        for layer, seen in enumerate(self.seen):
            if isinstance(seen, WordFeatures):
                scores[layer] = scores[layer] + self._from_word_features(seen, values)
        return scores

    def _from_word_features(self, seen: WordFeatures, values: Tensor) -> Tensor:
        """Scores from the features of each word and its neighbours, [batch, steps, tags]."""
        places = seen.places(values)
        if self.training and seen.dropout > 0:
            hidden = torch.rand(places.shape) < seen.dropout
            places = places.masked_fill(hidden, PADDING)
            return rows_of(seen.weights, places).sum(dim=2) / (1 - seen.dropout)
        return rows_of(seen.weights, places).sum(dim=2)

    def _vectors(self, values: Tensor) -> Tensor:
        """The vector of each word, float [batch, steps, size]."""
        words = values[:, :, :WORD_FEATURES]
        if self.training and self.settings.word_dropout > 0:
            words = self._hide(words)
        parts = [
            rows_of(self.words, words).flatten(2),
            rows_of(self.word_features, values[:, :, WORD_FEATURES:CHARACTERS]).flatten(2),
        ]
        if self.spelling is not None:
            parts.append(self.spelling(values[:, :, CHARACTERS:]))
        return torch.cat(parts, dim=2)

    def _hide(self, words: Tensor) -> Tensor:
        """Replaces some words that occur once by the unknown word, so that it is trained."""
        columns = []
        for column, (unknown, begin, end) in zip(words.unbind(2), self.rare, strict=True):
            hidden = torch.rand(column.shape) < self.settings.word_dropout
            columns.append(column.masked_fill(hidden & (column >= begin) & (column < end), unknown))
        return torch.stack(columns, dim=2)


class Convolution(nn.Module):
    """The maximum of each filter over the characters of a word (dos Santos & Zadrozny 2014)."""

    size = FILTERS

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.characters = _embedding(characters, CHARACTER_SIZE, CHARACTER_DEVIATION)
        self.filters = nn.Conv1d(CHARACTER_SIZE, FILTERS, WIDTH, padding=WIDTH // 2)

    def forward(self, spelt: Tensor) -> Tensor:
        """Characters int64 [batch, steps, longest] to [batch, steps, size]."""
        words, places = distinct_words(spelt)
        vectors = rows_of(self.characters, words)  # (W, C, E)
        answers = self.filters(vectors.transpose(1, 2)).relu()
        answers = answers.masked_fill((words == PADDING)[:, None], 0.0).amax(dim=2)  # (W, F)
        return rows_at(answers, places)


class Spelling(nn.Module):
    """The final states of a bidirectional recurrent layer over the characters of a word."""

    size = FILTERS

    def __init__(self, cell: str, characters: int) -> None:
        super().__init__()
        self.characters = _embedding(characters, CHARACTER_SIZE, CHARACTER_DEVIATION)
        self.recurrent = CELLS[cell](CHARACTER_SIZE, FILTERS // 2, bidirectional=True)

    def forward(self, spelt: Tensor) -> Tensor:
        """Characters int64 [batch, steps, longest] to [batch, steps, size]."""
        words, places = distinct_words(spelt)
        lengths = (words != PADDING).sum(dim=1)
        words = words[:, : int(lengths.max())]
        _, final = self.recurrent(rows_of(self.characters, words), lengths)
        last = final[0] if isinstance(final, tuple) else final
        return rows_at(torch.cat([last[0], last[1]], dim=1), places)


def rows_of(embedding: nn.Embedding, indices: Tensor) -> Tensor:
    """``embedding(indices)``, with one gradient for all occurrences of a row."""
    if not kernels.serves(embedding.weight):
        plain: Tensor = embedding(indices)
        return plain
    rows, places = distinct(indices, embedding.num_embeddings)
    return rows_at(embedding(rows), places)


def rows_at(vectors: Tensor, places: Tensor) -> Tensor:
    """``vectors[places]``, with a fast gradient."""
    if not kernels.serves(vectors):
        return vectors[places]
    return look_up(vectors, places.flatten()[None])[0].view(*places.shape, vectors.shape[1])


def distinct_words(spelt: Tensor) -> tuple[Tensor, Tensor]:
    """The distinct words of a batch, int64 [words, longest], and the index of each token."""
    flat = spelt.flatten(0, 1).numpy()
    keys = np.ascontiguousarray(flat).view(np.dtype((np.void, flat.itemsize * flat.shape[1])))
    _, first, places = np.unique(keys[:, 0], return_index=True, return_inverse=True)
    words = torch.from_numpy(flat[first])
    return words, torch.from_numpy(places).view(spelt.shape[:2])


def dropout_by_step(x: Tensor, share: float, training: bool) -> Tensor:
    """Dropout with a new mask at each step, since a tag depends mainly on its own step."""
    return nn.functional.dropout(x, share, training)


def _embedding(count: int, size: int, deviation: float) -> nn.Embedding:
    embedding = nn.Embedding(count, size, PADDING)
    nn.init.normal_(embedding.weight, std=deviation)
    nn.init.zeros_(embedding.weight.data[PADDING])
    return embedding


def _spelling(settings: ModelSettings, characters: int) -> Convolution | Spelling | None:
    kind = settings.characters
    if kind == "none":
        return None
    if kind == "convolution":
        return Convolution(characters)
    return Spelling(settings.cell, characters)
