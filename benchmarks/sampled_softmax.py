"""Training by a sampled softmax beside the exact loss and an adaptive one, with 30,000 words.

    python benchmarks/sampled_softmax.py [--words 300000] [--epochs 2] [--samples 4096 8192]

An LSTM language model of 128 units with tied embeddings reads the first words of IMDB's training
reviews (in DUREE_DATA, default ../shared/data), 64 streams of 64 words a step, with state carried.
The output layer's bias starts at the words' log-frequencies, which no sample need teach it. The
adaptive softmax (Grave et al. 2017) is torch's, with weights of its own: the 2,000 most frequent
words, then 8,000 in a quarter of the dimensions, then the rest in a sixteenth. Prints for each the
processor time of a training step and, after each epoch, the perplexity of 40,000 further words by
the whole softmax. About 6 minutes on one thread.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

VOCABULARY, SIZE, STREAMS, STEPS, HELD_OUT = 30_000, 128, 64, 64, 40_960


def words_of(folder: Path, count: int) -> Any:
    """The first words, coded by falling frequency from 1; those that are none of them share 0."""
    import polars as pl
    import torch

    reviews = pl.read_parquet(folder / "train.parquet")["review"].shuffle(seed=0)
    words: list[str] = []
    for review in reviews:
        words += review.lower().split()
        if len(words) >= count:
            break
    frequent = [word for word, _ in Counter(words).most_common(VOCABULARY - 1)]
    codes = {word: code for code, word in enumerate(frequent, start=1)}
    return torch.tensor([codes.get(word, 0) for word in words[:count]])


class Model:
    """The network, its optimiser, and the state that its streams carry on."""

    def __init__(self, counts: Any) -> None:
        import torch

        from duree.network.recurrent import LSTM

        torch.manual_seed(0)
        self.embedding = torch.nn.Parameter(torch.randn(VOCABULARY, SIZE) * 0.1)
        self.bias = torch.nn.Parameter(((counts + 1) / (counts + 1).sum()).log())
        self.layer, self.state = LSTM(SIZE, SIZE), None
        parameters = [self.embedding, self.bias, *self.layer.parameters()]
        self.optimiser = torch.optim.Adam(parameters, lr=0.003, fused=True)

    def states(self, codes: Any) -> Any:
        """Hidden states of codes [streams, steps], flat."""
        import torch
        from torch.nn.functional import embedding

        lengths = torch.full((len(codes),), codes.shape[1])
        output, state = self.layer(embedding(codes, self.embedding), lengths, self.state)
        self.state = tuple(part.detach() for part in state)
        return output.flatten(0, 1)

    def step(self, codes: Any, targets: Any, samples: int) -> None:
        from duree.network.output_layer import cross_entropy
        from duree.network.sampled_softmax import sampled_cross_entropy

        self.optimiser.zero_grad()
        given = (self.states(codes), self.embedding, self.bias, targets.flatten(), None)
        losses = sampled_cross_entropy(*given, samples) if samples else cross_entropy(*given)
        losses.mean().backward()
        self.optimiser.step()

    def perplexity(self, codes: Any) -> float:
        """Of one stream of codes, by the exact softmax."""
        import torch

        from duree.network.output_layer import cross_entropy

        self.state = None
        with torch.no_grad():
            losses = cross_entropy(
                self.states(codes[None, :-1]), self.embedding, self.bias, codes[1:]
            )
        return math.exp(float(losses.mean()))


class Adaptive(Model):
    """The same network below an adaptive softmax."""

    def __init__(self, counts: Any) -> None:
        import torch

        super().__init__(counts)
        self.output = torch.nn.AdaptiveLogSoftmaxWithLoss(
            SIZE, VOCABULARY, cutoffs=[2_000, 10_000], head_bias=True
        )
        parameters = [self.embedding, *self.layer.parameters(), *self.output.parameters()]
        self.optimiser = torch.optim.Adam(parameters, lr=0.003, fused=True)

    def step(self, codes: Any, targets: Any, samples: int) -> None:
        self.optimiser.zero_grad()
        self.output(self.states(codes), targets.flatten()).loss.backward()
        self.optimiser.step()

    def perplexity(self, codes: Any) -> float:
        import torch

        self.state = None
        with torch.no_grad():
            return math.exp(float(self.output(self.states(codes[None, :-1]), codes[1:]).loss))


def train(codes: Any, epochs: int, samples: int, of: type[Model] = Model) -> None:
    """Print the time of a step and the perplexity after each epoch."""
    held_out, learnt = codes[:HELD_OUT], codes[HELD_OUT:]
    model = of(learnt.bincount(minlength=VOCABULARY).float())
    name = "adaptive" if of is Adaptive else f"{samples} samples" if samples else "exact"
    streams = learnt[: len(learnt) // STREAMS * STREAMS].view(STREAMS, -1)
    took = []
    for epoch in range(epochs):
        model.state = None
        for first in range(0, streams.shape[1] - STEPS - 1, STEPS):
            began = time.process_time()
            model.step(
                streams[:, first : first + STEPS],
                streams[:, first + 1 : first + STEPS + 1],
                samples,
            )
            took.append(time.process_time() - began)
        print(
            f"{name:14} epoch {epoch + 1}:"
            f" {statistics.median(took):.3f} s a step, {sum(took):4.0f} s in all,"
            f" perplexity {model.perplexity(held_out):.1f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=300_000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--samples", type=int, nargs="+", default=[4096, 8192])
    options = parser.parse_args()
    folder = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "imdb"
    if not folder.is_dir():
        print(f"IMDB skipped: there is no {folder}")
        return
    codes = words_of(folder, options.words + HELD_OUT)
    for samples in (*options.samples, 0):
        train(codes, options.epochs, samples)
    train(codes, options.epochs, 0, Adaptive)


if __name__ == "__main__":
    main()
