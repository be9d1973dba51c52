"""Training steps and decoding of a transducer, compared with the same network in PyTorch.

    OMP_NUM_THREADS=2 taskset -c 0,1 python benchmarks/transducer_speed.py [--threads 2]

Both have the same weights (their losses are compared first), optimiser and clipping, no dropout,
and take steps in turn; a figure is the median. PyTorch's is written as one would write it:
nn.GRU or nn.LSTM, batched attention, log_softmax over the padded targets, and the probability of
the true unit gathered; rows of unequal length are packed. Two minutes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from duree.network.allocator import keep_freed_memory
from duree.network.batches import IGNORED, Batch
from duree.network.decoding import decode
from duree.network.length_limit import LengthLimit
from duree.network.transducer import Transducer
from duree.recipe.settings import ModelSettings, TrainingSettings
from duree.sequences.ragged import END
from duree.training.optimiser import make_optimiser, update

ROUNDS, WORDS, BEAM = 15, 10_000, 5


class Size(NamedTuple):
    """Sequences and network: units of a source and of a target, vocabulary, sizes of layers."""

    title: str
    steps: int
    vocabulary: int
    embedding: int
    hidden: int


SIZES = (Size("words", 12, 60, 128, 256), Size("sentences", 15, 6000, 512, 512))


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    for size in SIZES:
        for cell in ("gru", "lstm"):
            for unequal in (False, True):
                compare(size, cell, unequal)
    beam_search(SIZES[0])


def network_of(size: Size, cell: str) -> Transducer:
    settings = ModelSettings(
        cell=cell,
        embedding_size=size.embedding,
        hidden_size=size.hidden,
        word_dropout=0.0,
        input_dropout=0.0,
        output_dropout=0.0,
        label_smoothing=0.1,
    )
    torch.manual_seed(0)
    return Transducer(
        settings,
        vocabulary_size=size.vocabulary,
        outputs=range(4, size.vocabulary),
        limit=LengthLimit(5, 1.0, 2 * size.steps),
    )


def batch_of(size: Size, rows: int, unequal: bool, seed: int = 0) -> Batch:
    """Sources and targets of random units; lengths from a third of ``size.steps`` if unequal."""
    random = torch.Generator().manual_seed(seed)
    lengths = torch.full((rows,), size.steps)
    if unequal:
        lengths = torch.randint(size.steps // 3, size.steps + 1, (rows,), generator=random)
    inputs, targets = (
        torch.randint(4, size.vocabulary, (rows, size.steps), generator=random) for _ in range(2)
    )
    steps = torch.arange(size.steps)
    targets.masked_fill_(steps == lengths[:, None] - 1, END)
    padding = steps >= lengths[:, None]
    return Batch(
        inputs.masked_fill(padding, 0), lengths, targets.masked_fill(padding, IGNORED), lengths
    )


class Plain(nn.Module):
    """The same network by torch.nn, from the weights of ours."""

    outputs: Tensor
    place: Tensor

    def __init__(self, ours: Transducer, cell: str) -> None:
        super().__init__()
        hidden, size = ours.settings.hidden_size, ours.settings.embedding_size
        kind = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.embedding = nn.Embedding(len(ours.embeddings), size)
        self.encoder = kind(size, hidden, batch_first=True, bidirectional=True)
        self.decoder = kind(size, hidden, batch_first=True)
        self.bridge = nn.Linear(2 * hidden, len(ours.bridge.bias))
        self.of_memory = nn.Linear(2 * hidden, hidden, bias=False)
        self.readout, self.gate = nn.Linear(3 * hidden, size), nn.Linear(size, 1)
        self.bias = nn.Parameter(ours.writer.bias.detach().clone())
        self.register_buffer("outputs", ours.writer.outputs)
        self.register_buffer("place", ours.writer.place)
        self.embedding.weight.data.copy_(ours.embeddings)
        self.of_memory.load_state_dict(ours.writer.attention.of_memory.state_dict())
        halves = [ours.writer.of_context.weight, ours.writer.of_state.weight]
        self.readout.weight.data.copy_(torch.cat(halves, dim=1))
        self.readout.bias.data.copy_(ours.writer.of_state.bias)
        assert ours.writer.gate is not None
        self.gate.load_state_dict(ours.writer.gate.state_dict())
        for name in ("encoder", "decoder", "bridge"):
            getattr(self, name).load_state_dict(getattr(ours, name).state_dict())

    def recurrent(self, layer: nn.Module, x: Tensor, lengths: Tensor, state: Any) -> Any:
        if bool((lengths == x.shape[1]).all()):
            return layer(x, state)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        output, final = layer(packed, state)
        return pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])[0], final

    def loss(self, batch: Batch) -> Tensor:
        codes, targets = batch.inputs, batch.targets
        assert targets is not None
        memory, final = self.recurrent(self.encoder, self.embedding(codes), batch.lengths, None)
        h = final[0] if isinstance(final, tuple) else final
        begun = torch.tanh(self.bridge(torch.cat([h[0], h[1]], dim=1)))
        states = tuple(
            part.unsqueeze(0).contiguous()
            for part in begun.chunk(2 if isinstance(final, tuple) else 1, dim=1)
        )
        real = targets != IGNORED
        true = targets.masked_fill(~real, 0)
        before = torch.cat([torch.full_like(true[:, :1], END), true[:, :-1]], dim=1)
        given = states if len(states) > 1 else states[0]
        output, _ = self.recurrent(self.decoder, self.embedding(before), real.sum(1), given)
        scores = torch.bmm(output, self.of_memory(memory).transpose(1, 2)) * output.shape[2] ** -0.5
        padding = torch.arange(codes.shape[1]) >= batch.lengths[:, None]
        attention = torch.softmax(scores.masked_fill(padding[:, None], -1e9), dim=2)
        context = torch.bmm(attention, memory)
        readout = torch.tanh(self.readout(torch.cat([context, output], dim=2)))
        every = torch.log_softmax(
            readout @ self.embedding.weight[self.outputs].T + self.bias, dim=2
        )
        place = self.place[true].clamp(max=len(self.outputs) - 1)
        written = every.gather(2, place[:, :, None])[:, :, 0].exp()
        copied = (attention * (true[:, :, None] == codes[:, None])).sum(2)
        gate = torch.sigmoid(self.gate(readout)[:, :, 0])
        chance = (gate * written + (1 - gate) * copied).clamp(min=1e-30)
        losses = -0.9 * chance.log() - 0.1 * every.mean(2)
        return (losses * real).sum() / real.sum()


def compare(size: Size, cell: str, unequal: bool) -> None:
    """Print the time of a training step of each, and their ratio."""
    ours, batch = network_of(size, cell).train(), batch_of(size, 64, unequal)
    plain = Plain(ours, cell)
    torch.testing.assert_close(plain.loss(batch), ours.loss(batch), rtol=1e-4, atol=1e-4)
    optimiser = make_optimiser(ours, TrainingSettings())
    adam = torch.optim.Adam(plain.parameters(), 2e-3, fused=True)

    def step() -> None:
        adam.zero_grad()
        torch.autograd.backward(plain.loss(batch))
        nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        adam.step()

    mine, theirs = alternating(lambda: update(ours, optimiser, batch, 1.0), step)
    print(
        f"{size.title}, {cell}, {'unequal' if unequal else 'equal'} lengths: a training step "
        f"{1000 * mine:.1f} ms, torch {1000 * theirs:.1f} ms: {theirs / mine:.2f} times as fast",
        flush=True,
    )


def alternating(*calls: Callable[[], object]) -> list[float]:
    """Median seconds of calls made in turn, after a warm-up."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(ROUNDS + 3):
        for call, taken in zip(calls, times, strict=True):
            began = time.perf_counter()
            call()
            if turn >= 3:
                taken.append(time.perf_counter() - began)
    return [statistics.median(taken) for taken in times]


def beam_search(size: Size) -> None:
    """Print the time to decode words after some training (random weights would never end)."""
    network = network_of(size, "gru").train()
    optimiser = make_optimiser(network, TrainingSettings())
    for step in range(60):  # enough to learn to copy most units, and to end
        batch = batch_of(size, 64, True, step)
        copied = batch.inputs.masked_fill(batch.inputs == 0, IGNORED)
        steps = torch.arange(size.steps)
        targets = copied.masked_fill(steps == batch.lengths[:, None] - 1, END)
        update(network, optimiser, Batch(batch.inputs, batch.lengths, targets), 1.0)
    network.eval()
    began, units = time.perf_counter(), 0
    for seed in range(0, WORDS, 250):
        found = decode([network], batch_of(size, 250, True, seed), BEAM, BEAM)
        units += sum(len(codes) for (codes, _), *_ in found)
    took = time.perf_counter() - began
    print(f"beam {BEAM}, {WORDS:,} words of {units / WORDS:.1f} units: {took:.1f} s (asked: 20)")


if __name__ == "__main__":
    main()
