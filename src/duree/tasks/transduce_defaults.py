"""Defaults of networks from one sequence to another, by the kind and the amount of data.

All were chosen on development parts, one choice at a time. Share of right outputs, by the network
alone, greedy:

French sounds (3,600 words; SIGMORPHON 2020): dot attention, 256 states, rate 0.002, batches of 64:
0.893; with 128 states and embeddings of 64: 0.836, with hard attention without order 0.849, with
monotonic attention 0.871, with learned moves 0.876; that with embeddings of 128, rate 0.005 and
batches of 32: 0.916.

German spelling (RIDGES, 1,000 tokens drawn at random): dot attention, 128 states: 0.603; monotonic:
0.641, without weights of types: 0.642, with 256 states 0.681; with 128 states, embeddings of 128
and rate 0.005 0.686, by LSTM at rate 0.002 0.659; with types weighted by the root of their counts
0.690, in batches of 16 0.695; with 256 states 0.681; with more dropout 0.689; dot attention with
256 states 0.691, in twice the time. With 25,000 tokens 0.805, and 0.864 with a lookup before it.

Swedish forms (2,000 drawn at random; SIGMORPHON 2020), 128 states, embeddings of 128, rate 0.005:
dot attention 0.710, monotonic 0.797. Hindi and Georgian sounds with the latter: 0.940, 0.778.

English captions in German (Multi30k, 29,000 pairs): chrF 61.6 after 12 epochs, with a schedule that
ended there.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.recipe.recipe import Defaults
from duree.sequences.pair_units import Kind

# Monotonic attention computes each output at each pair of a step of the source and of the target:
# with words some 10,000 numbers a row, with sentences of sub-words a million. It is chosen if at
# most this share of the rows has more than so many.
LARGE_SHARE, LARGE = 0.001, 400_000

WORDS: Defaults = {
    "model": {
        "cell": "gru",
        "attention": "monotonic",
        "embedding_size": 128,
        "hidden_size": 128,
        "word_dropout": 0.1,
        "input_dropout": 0.2,
        "output_dropout": 0.3,
        "label_smoothing": 0.1,
    },
    "training": {"learning_rate": 0.005, "batch_size": 32},
}
SENTENCES: Defaults = {
    "model": {
        "cell": "gru",
        "attention": "dot",
        "embedding_size": 256,
        "hidden_size": 384,
        "word_dropout": 0.1,
        "input_dropout": 0.2,
        "output_dropout": 0.3,
        "label_smoothing": 0.1,
    },
    "training": {"learning_rate": 0.002, "batch_size": 64},
}


def suited(kinds: tuple[Kind, Kind], sources: pl.Series, targets: pl.Series) -> Defaults:
    """The defaults for training pairs.

    Parameters
    ----------
    kinds : (str, str)
        The units of sources and of targets.
    sources, targets : polars.Series of String [rows]
    """
    if not {"characters", "symbols"}.issuperset(kinds):
        return SENTENCES
    lengths = [_lengths(*side) for side in zip(kinds, (sources, targets), strict=True)]
    outputs = targets.str.split("" if kinds[1] == "characters" else " ").explode().n_unique()
    large = lengths[0] * lengths[1] * outputs > LARGE
    return SENTENCES if large.mean() > LARGE_SHARE else WORDS


def _lengths(kind: Kind, texts: pl.Series) -> NDArray[np.int64]:
    """The number of units of each text."""
    if kind == "characters":
        return texts.str.len_chars().to_numpy().astype(np.int64)
    return texts.str.count_matches(r"\S+").to_numpy().astype(np.int64)


def names(defaults: Defaults) -> tuple[str, ...]:
    """The dotted names of the settings."""
    return tuple(f"{section}.{name}" for section, values in defaults.items() for name in values)
