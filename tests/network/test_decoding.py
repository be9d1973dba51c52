"""Decoding: the outputs found are those that a search of all outputs would find."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.transducer import LIMIT, VOCABULARY, batch, transducer

from duree.network.decoding import LENGTH_POWER, decode, score
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


def test_more_outputs_than_beams_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n must be from 1 to beam \(2\), not 3"):
        decode([transducer()], batch(SOURCES), 2, 3)
