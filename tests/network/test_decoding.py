"""Decoding: the outputs found are those that a search of all outputs would find."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.transducer import LIMIT, VOCABULARY, batch, transducer
from torch import Tensor

from duree.network.attention import Source
from duree.network.batches import Batch
from duree.network.decoding import LENGTH_POWER, decode, score
from duree.network.length_limit import LengthLimit
from duree.network.recurrent import State
from duree.network.transducer import Transducer
from duree.sequences.ragged import END

SOURCES = [[4, 5, VOCABULARY + 40, 6], [10, 4], [7, 11, 8, 9, 4, 5], [9]]
KINDS: list[dict[str, Any]] = [
    {"cell": "gru"},
    {"cell": "lstm", "num_layers": 2, "attention": "additive"},
    {"cell": "rnn", "copying": False},
    {"cell": "gru", "attention": "monotonic"},
]


def greedily(network: Transducer, source: list[int]) -> list[int]:
    """The most probable unit at each step, until END or the limit."""
    given = batch([source])
    read, state = network.read(given.inputs, given.lengths)
    most, written, last = int(network.limit.of(given.lengths)), [], END
    while len(written) < most:
        chances, state = network.step(torch.tensor([[last]]), state, read)
        last = int(network.code_of(chances[0, 0].argmax()[None, None], read))
        if last == END:
            break
        written.append(last)
    return written


@pytest.mark.parametrize("kind", KINDS)
def test_one_beam_is_greedy_search(kind: dict[str, Any]) -> None:
    for seed in range(4):
        network = transducer(seed, **kind)
        for source, found in zip(SOURCES, decode([network], batch(SOURCES), 1, 1), strict=True):
            assert found[0][0].tolist() == greedily(network, source)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2])
def test_probabilities_are_those_that_score_gives(kind: dict[str, Any], count: int) -> None:
    networks = [transducer(seed, **kind) for seed in range(count)]
    for source, found in zip(SOURCES, decode(networks, batch(SOURCES), 4, 4), strict=True):
        targets = [codes.tolist() for codes, _ in found]
        expected = score(networks, batch([source] * len(targets), targets))
        np.testing.assert_allclose([chance for _, chance in found], expected, rtol=1e-4)


def test_a_wide_beam_finds_the_best_of_all_outputs() -> None:
    network = transducer(3, copying=False)
    network.limit = LIMIT._replace(longest=2)
    every = [list(codes) for units in range(3) for codes in product(range(4, 10), repeat=units)]
    chances = score([network], batch([[4, 5]] * len(every), every))
    # At the limit an output ends whatever END's probability is: those are compared as they are.
    values = chances / (np.array([len(codes) for codes in every]) + 1) ** LENGTH_POWER
    best = [every[place] for place in np.argsort(-values)[:4]]
    found = decode([network], batch([[4, 5]]), 60, 4)[0]
    assert [codes.tolist() for codes, _ in found] == best


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_is_decoded_the_same_alone_and_in_any_batch(kind: dict[str, Any]) -> None:
    networks = [transducer(seed, **kind) for seed in (0, 1)]
    together = decode(networks, batch(SOURCES, padding=2), 3, 3)
    for source, found in zip(SOURCES, together, strict=True):
        alone = decode(networks, batch([source]), 3, 3)[0]
        assert [codes.tolist() for codes, _ in alone] == [codes.tolist() for codes, _ in found]
        np.testing.assert_allclose([p for _, p in alone], [p for _, p in found], rtol=1e-4)


def test_outputs_are_different_sorted_and_within_the_limit() -> None:
    for seed in range(5):
        network = transducer(seed)
        most = network.limit.of(torch.tensor([len(source) for source in SOURCES])).tolist()
        for limit, found in zip(most, decode([network], batch(SOURCES), 5, 5), strict=True):
            values = [chance / (len(codes) + 1) ** LENGTH_POWER for codes, chance in found]
            assert values == sorted(values, reverse=True)
            assert len({tuple(codes) for codes, _ in found}) == len(found) >= 1
            assert all(len(codes) <= limit for codes, _ in found)
            assert all(bool((codes > END).all()) for codes, _ in found)


def test_an_output_that_would_never_end_is_ended_at_the_limit() -> None:
    network = transducer()
    with torch.no_grad():
        network.writer.bias[network.writer.place[END]] = -50.0
    for source, ((codes, chance), *_) in zip(
        SOURCES, decode([network], batch(SOURCES), 2, 1), strict=True
    ):
        assert len(codes) == int(network.limit.of(torch.tensor([len(source)])))
        assert np.isfinite(chance)


def test_two_networks_write_what_their_mean_probabilities_say() -> None:
    networks = [transducer(0), transducer(5)]
    each = [one.log_probabilities(batch([[4, 5]], [[6]])).exp() for one in networks]
    expected = (sum(each) / 2).log().sum().item()
    assert score(networks, batch([[4, 5]], [[6]]))[0] == pytest.approx(expected, rel=1e-5)
    same = decode([networks[0]] * 2, batch(SOURCES), 3, 2)
    alone = decode([networks[0]], batch(SOURCES), 3, 2)
    assert [[codes.tolist() for codes, _ in row] for row in same] == [
        [codes.tolist() for codes, _ in row] for row in alone
    ]


class Scripted:
    """Writes code 4 six times and ends, each with probability 0.9; ends too early with 0.06."""

    limit = LengthLimit(base=12, per_unit=0.0, longest=12)

    def read(self, codes: Tensor, lengths: Tensor) -> tuple[Source, State]:
        empty = torch.zeros(len(codes), codes.shape[1], 1)
        real = torch.ones_like(codes, dtype=torch.bool)
        return Source(codes, real, real, empty, empty), (torch.zeros(1, len(codes), 1),)

    def step(self, codes: Tensor, state: State, source: Source) -> tuple[Tensor, State]:
        written = state[0].view(*codes.shape, 1)
        early, late = torch.tensor([0.06, 0.9, 0.04]), torch.tensor([0.9, 0.06, 0.04])
        return torch.where(written < 6, early, late), (state[0] + 1,)

    def code_of(self, slots: Tensor, source: Source) -> Tensor:
        return torch.tensor([END, 4, 5])[slots]

    def log_probabilities(self, batch: Batch) -> Tensor:
        raise NotImplementedError


@pytest.mark.parametrize("beam", [1, 2, 3, 5])
def test_unlikely_early_ends_do_not_stop_the_search(beam: int) -> None:
    ((codes, chance), *_) = decode([Scripted()], batch([[4]]), beam, 1)[0]
    assert codes.tolist() == [4] * 6
    assert chance == pytest.approx(7 * np.log(0.9), rel=1e-5)


def test_more_outputs_than_beams_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n must be from 1 to beam \(2\), not 3"):
        decode([transducer()], batch(SOURCES), 2, 3)
