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
256 states 0.691, in twice the time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from duree.recipe.recipe import Defaults

# Monotonic attention computes each output at each pair of a step of the source and of the target:
# with words some 10,000 numbers a row, with sentences of sub-words a million. It is chosen if at
# most this share of the rows has more than so many.
LARGE_SHARE, LARGE = 0.001, 400_000
# The schedule of the learning rate ends with the last epoch, so there are about as many as needed.
FEWEST_EPOCHS, MOST_EPOCHS = 6, 40

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


def suited(sources: NDArray[np.int64], targets: NDArray[np.int64], outputs: int) -> Defaults:
    """The defaults for training pairs: those of words or of sentences, and how many epochs.

    Parameters
    ----------
    sources, targets : int64 [rows]
        The lengths of different pairs, in units.
    outputs : int
        Number of different units in the targets.
    """
    large = sources * targets * outputs > LARGE
    chosen, steps = (SENTENCES, 12_000) if large.mean() > LARGE_SHARE else (WORDS, 3_000)
    training = dict(chosen["training"])
    per_epoch = -(-len(sources) // training["batch_size"])
    epochs = min(max(-(-steps // per_epoch), FEWEST_EPOCHS), MOST_EPOCHS)
    return {**chosen, "training": training | {"epochs": epochs}}
