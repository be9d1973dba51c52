"""Transducers of a small vocabulary, and batches for them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from duree.network.batches import IGNORED, Batch
from duree.network.length_limit import LengthLimit
from duree.network.transducer import Transducer
from duree.recipe.settings import ModelSettings
from duree.sequences.ragged import END

VOCABULARY = 12
LIMIT = LengthLimit(base=2, per_unit=1.0, longest=9)


def transducer(seed: int = 0, **settings: object) -> Transducer:
    """A network with random weights, not in training; its outputs are the codes 4 to 9."""
    torch.manual_seed(seed)
    small = {"cell": "gru", "embedding_size": 6, "hidden_size": 5, "beam": 3}
    network = Transducer(
        ModelSettings.model_validate(small | settings),
        vocabulary_size=VOCABULARY,
        outputs=range(4, 10),
        limit=LIMIT,
    )
    torch.nn.init.normal_(network.writer.bias)  # at first outputs would all be alike
    torch.nn.init.normal_(network.embeddings)
    return network.eval()


def batch(
    sources: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]] | None = None,
    weights: Sequence[float] | None = None,
    padding: int = 0,
) -> Batch:
    """Padded sources and targets, with ``padding`` steps more than the longest source needs."""
    lengths = torch.tensor([len(row) for row in sources])
    inputs = torch.zeros(len(sources), int(lengths.max()) + padding, dtype=torch.int64)
    for row, source in enumerate(sources):
        inputs[row, : len(source)] = torch.tensor(source)
    if targets is None:
        return Batch(inputs, lengths)
    ended = [[*target, END] for target in targets]
    counts = torch.tensor([len(target) for target in ended])
    padded = torch.full((len(ended), int(counts.max())), IGNORED)
    for row, target in enumerate(ended):
        padded[row, : len(target)] = torch.tensor(target)
    weighed = None if weights is None else torch.tensor(weights)
    return Batch(inputs, lengths, padded, counts, weighed)
