"""A training that carries states from batch to batch goes on as if it had not been interrupted."""

from __future__ import annotations

import numpy as np
import pytest
from tests.support.language import documents, model
from tests.support.loop import Progress, Stop, raises
from tests.support.training import same, weights

from duree.recipe.settings import TrainingSettings
from duree.training.loop import train
from duree.training.plan import Plan

DROPOUT = {"recurrent_dropout": 0.3, "word_dropout": 0.2, "input_dropout": 0.2}


def plan(**settings: object) -> Plan:
    """Four epochs of 8 steps; all but the first go on from carried states."""
    chosen = TrainingSettings(epochs=4, batch_size=4, learning_rate=0.01, **settings)
    sets = documents([155, 165], 10), documents([30, 20], seed=1)
    return Plan(*sets, lambda *_: None, lambda found, _: float(found.mean()), chosen, seed=0)


@pytest.mark.parametrize("step", [3, 8, 21])
def test_a_resumed_training_ends_with_the_weights_of_an_uninterrupted_one(tmp_path, step):
    undisturbed, resumed = model(cell="lstm", **DROPOUT), model(cell="lstm", **DROPOUT)
    records = train(undisturbed, plan())
    assert len(records) == 4
    with pytest.raises(Stop):
        train(
            resumed, plan(checkpoint_seconds=1e-9), Progress({step: raises(Stop)}),
            checkpoint=tmp_path,
        )  # fmt: skip
    again = model(seed=5, cell="lstm", **DROPOUT)
    found = train(again, plan(), checkpoint=tmp_path)
    assert same(weights(again), weights(undisturbed))
    assert [one["metric"] for one in found] == [one["metric"] for one in records]


def test_states_matter_to_training(tmp_path):
    carrying, forgetting = model(), model()
    forgetting._begin = lambda batch: None
    for network in (carrying, forgetting):
        train(network, plan())
    assert not same(weights(carrying), weights(forgetting))


def test_nothing_is_carried_beyond_a_training():
    network = model()
    train(network, plan())
    assert not network.carried


def test_training_learns_what_follows_what():
    network, given = model(hidden_size=24, embedding_size=16), plan()
    cycle = np.arange(len(given.examples.sequences.values)) % 7 + 4
    given.examples.sequences.values[:] = cycle
    given.validation.sequences.values[:] = cycle[: len(given.validation.sequences.values)]
    records = train(network, given)
    assert records[-1]["validation_loss"] < records[0]["validation_loss"] < np.log(12)
