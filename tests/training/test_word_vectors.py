"""A network that starts from word vectors ends with the better of frozen and tuned ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.loop import Progress, Stop, raises
from tests.support.training import VOCABULARY, network, plan, same, weights

from duree.tables.files.word_vectors import WordVectors
from duree.training.word_vectors import DEVIATION, FROZEN, TUNED, VectorChoice, train_from_vectors


def vectors(spread: float = 1.0, decisive: int = 3) -> WordVectors:
    """Vectors of every second token; only ``decisive`` has another first number than the rest."""
    values = np.random.default_rng(0).normal(0, spread, (VOCABULARY, 6)).astype(np.float32)
    values[decisive, 0] = 5 * spread
    found = np.arange(VOCABULARY) % 2 == 1
    values[~found] = 0
    return WordVectors(values, found, 1000)


def trained(given: WordVectors, **settings: Any) -> tuple[VectorChoice, torch.nn.Module]:
    model = network()
    choice = train_from_vectors(given, model, plan(**settings))
    return choice, model


def test_frozen_vectors_keep_the_files_directions_at_one_scale() -> None:
    given = vectors(spread=40.0)
    model, untrained = network(), network()
    choice = train_from_vectors(given, model, plan(learning_rate=1e-9))
    assert choice.figures.keys() == {FROZEN, TUNED}
    table = model.word_table.weight.detach().numpy()
    kept = table[given.found] / given.values[given.found]
    np.testing.assert_allclose(kept, kept.flat[0], rtol=1e-4)
    assert np.square(table[given.found]).mean() == pytest.approx(DEVIATION**2)
    others = untrained.word_table.weight.detach().numpy()[~given.found]
    np.testing.assert_allclose(table[~given.found], others, atol=1e-6)


def test_the_better_validation_metric_decides_and_both_are_reported() -> None:
    for settings in ({"learning_rate": 0.01}, {"learning_rate": 0.1, "epochs": 6}):
        choice, model = trained(vectors(), **settings)
        assert choice.figures[choice.chosen] == max(choice.figures.values())
        given = vectors().values[vectors().found]
        expected = torch.from_numpy(given * DEVIATION / np.sqrt(np.square(given).mean()))
        found = model.word_table.weight.detach()[vectors().found]
        assert torch.allclose(found, expected, atol=1e-6) is (choice.chosen == FROZEN)
        assert model.word_table.weight.requires_grad


def test_it_does_not_depend_on_the_vectors_of_other_scales() -> None:
    (_, small), (_, large) = trained(vectors(spread=0.5)), trained(vectors(spread=8.0))
    assert same(weights(small), weights(large))


@pytest.mark.parametrize("step", [3, 20, 36, 40, 50, 71])
def test_interrupted_at_any_step_it_ends_with_the_same_weights(tmp_path: Path, step: int) -> None:
    choice, model = trained(vectors(), checkpoint_seconds=1e-9)
    history, resumed = tmp_path / "history.jsonl", network()
    steps = 0

    class Counting(Progress):
        def step(self, loss: float, rows: int) -> None:
            nonlocal steps
            steps += 1
            if steps == step:
                raises(Stop())()

    arguments = vectors(), plan(checkpoint_seconds=1e-9)
    with pytest.raises(Stop):
        train_from_vectors(
            arguments[0], network(), arguments[1], Counting(), tmp_path / "checkpoint", history
        )
    again = train_from_vectors(
        arguments[0], resumed, arguments[1], Progress(), tmp_path / "checkpoint", history
    )
    assert again == choice
    assert same(weights(resumed), weights(model))
    assert len(history.read_text().splitlines()) == 4


def test_the_minutes_of_the_recipe_are_divided_between_both() -> None:
    seen = []

    class Watching(Progress):
        def start(self, steps: int, done: int, expected: Any) -> None:
            seen.append(expected)

    train_from_vectors(vectors(), network(), plan(max_minutes=1e-9), Watching())
    assert len(seen) == 2


def test_vectors_of_another_shape_are_refused() -> None:
    given = vectors()
    narrow = WordVectors(given.values[:, :4], given.found, 1)
    with pytest.raises(ValueError, match="shape"):
        train_from_vectors(narrow, network(), plan())
