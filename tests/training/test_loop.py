"""Training learns, keeps its best epoch, stops on request, and resumes as if uninterrupted."""

from __future__ import annotations

import json
import math
import os
import signal

import numpy as np
import pytest
import torch
from tests.support.loop import Progress, Stop, raises
from tests.support.training import accuracy, examples, loss, network, plan, same, weights

from duree.errors import RunError, TrainingError
from duree.network import kernels
from duree.network.scoring import scores
from duree.training import loop
from duree.training.loop import train


def trained(**settings):
    model = network()
    history = train(model, plan(**settings))
    return model, history


def test_a_network_learns_which_token_decides():
    model, history = trained(epochs=20, learning_rate=0.05)
    validation = examples(40, 1)
    assert accuracy(scores(model, validation.sequences), validation.targets) > 0.9
    assert history[-1]["train_loss"] < 0.7 * history[0]["train_loss"]


def test_the_same_seed_gives_the_same_weights_to_the_bit_and_another_seed_others():
    first, second, other = network(), network(), network()
    for model, seed in ((first, 0), (second, 0), (other, 1)):
        torch.rand(3)  # what went before in the process must not matter
        train(model, plan(seed=seed))
    assert same(weights(first), weights(second))
    assert not same(weights(first), weights(other))


def test_the_random_numbers_of_others_are_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    train(network(), plan(epochs=1))
    torch.manual_seed(5)
    assert torch.equal(torch.rand(4), expected)


def test_the_weights_are_those_of_the_best_epoch():
    # A rate so high that the last epochs are no better than the first ones.
    model, history = trained(epochs=8, learning_rate=0.3, schedule="constant")
    validation = examples(40, 1)
    best = max(record["metric"] for record in history)
    assert accuracy(scores(model, validation.sequences), validation.targets) == best


def test_ties_in_the_metric_are_broken_by_the_loss():
    chosen = plan(epochs=6)
    flat = loop.Plan(
        chosen.examples, chosen.validation, loss, lambda s, t: 0.5, chosen.settings, chosen.seed
    )
    model = network()
    history = train(model, flat)
    least = min(record["validation_loss"] for record in history)
    found = torch.from_numpy(scores(model, flat.validation.sequences))
    assert float(loss(found, torch.from_numpy(flat.validation.targets))) == pytest.approx(least)


def test_training_stops_after_so_many_epochs_without_gain():
    chosen = plan(epochs=30, patience=2, learning_rate=1e-9)
    still = loop.Plan(
        chosen.examples, chosen.validation, lambda s, t: s.sum() * 0 + 1.0, lambda s, t: 0.5,
        chosen.settings, 0,
    )  # fmt: skip
    history = train(network(), still)
    assert len(history) == 3
    assert [record.get("ended") for record in history] == [None, None, "patience"]


def test_an_epoch_is_recorded_with_what_it_took(tmp_path):
    history = train(network(), plan(epochs=3), history=tmp_path / "history.jsonl")
    written = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert written == history
    assert [record["epoch"] for record in history] == [1, 2, 3]
    assert history[-1].pop("ended") == "epochs"
    for record in history:
        assert set(record) == {
            *("epoch", "train_loss", "validation_loss", "metric"),
            *("learning_rate", "rows_per_second", "seconds"),
        }
        assert all(math.isfinite(value) for value in record.values())


def test_the_average_of_the_weights_is_evaluated_and_kept():
    chosen = {"epochs": 10, "learning_rate": 0.03}
    with_it, without = (trained(averaging=averaging, **chosen)[0] for averaging in (True, False))
    assert not same(weights(with_it), weights(without))


def test_the_average_of_few_steps_is_not_held_back_by_the_first_ones():
    # One batch an epoch: what was learned in 30 steps must show in the average.
    model, _ = trained(epochs=30, batch_size=100, learning_rate=0.1)
    validation = examples(40, 1)
    assert accuracy(scores(model, validation.sequences), validation.targets) > 0.85


def test_time_that_is_spent_ends_the_epoch_under_way():
    progress = Progress()
    train(network(), plan(max_minutes=1e-9), progress)
    assert progress.steps == 1
    assert [record.ended for record in progress.records] == ["time"]


def test_a_loss_that_is_no_number_ends_training_with_a_remedy():
    def diverging(scores, targets):
        return loss(scores, targets) * math.nan

    chosen = plan()
    broken = loop.Plan(chosen.examples, chosen.validation, diverging, accuracy, chosen.settings, 0)
    progress = Progress()
    with pytest.raises(TrainingError, match=r"nan at step 0.*learning_rate"):
        train(network(), broken, progress)
    assert progress.ended == 1


@pytest.mark.parametrize("step", range(2, 37, 5))
def test_a_training_that_died_at_any_step_ends_in_the_same_weights(step, tmp_path):
    undisturbed = network()
    history = train(undisturbed, plan())
    with pytest.raises(Stop):
        train(
            network(),
            plan(checkpoint_seconds=1e-9),
            Progress({step: raises(Stop)}),
            checkpoint=tmp_path / "checkpoint",
            history=tmp_path / "history.jsonl",
        )
    resumed, progress = network(seed=7), Progress()
    train(resumed, plan(), progress, tmp_path / "checkpoint", tmp_path / "history.jsonl")
    assert same(weights(resumed), weights(undisturbed))
    assert progress.steps == progress.expected_steps
    written = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    for name in ("epoch", "train_loss", "validation_loss", "metric", "learning_rate"):
        assert [record[name] for record in written] == [record[name] for record in history]


def test_an_epoch_that_died_after_its_last_step_records_the_learning_rate_of_that_step(
    tmp_path, monkeypatch
):
    history = train(network(), plan(schedule="cosine"))
    monkeypatch.setattr(loop, "scores", lambda *_: raises(Stop)())
    with pytest.raises(Stop):
        train(network(), plan(schedule="cosine", checkpoint_seconds=1e-9), None, tmp_path)
    monkeypatch.undo()
    resumed = train(network(), plan(schedule="cosine"), None, tmp_path)
    rates = [[record["learning_rate"] for record in one] for one in (history, resumed)]
    assert rates[0] == rates[1]


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "sgd", "rmsprop"])
def test_every_update_rule_goes_on_where_it_was(optimiser, tmp_path):
    undisturbed, resumed = network(), network()
    chosen = {"optimiser": optimiser, "weight_decay": 0.01, "checkpoint_seconds": 1e-9}
    train(undisturbed, plan(**chosen))
    with pytest.raises(Stop):
        train(network(), plan(**chosen), Progress({14: raises(Stop)}), tmp_path)
    train(resumed, plan(**chosen), checkpoint=tmp_path)
    assert same(weights(resumed), weights(undisturbed))


def test_a_finished_training_is_not_trained_further(tmp_path):
    first, again, progress = network(), network(), Progress()
    history = train(first, plan(), checkpoint=tmp_path)
    assert train(again, plan(), progress, checkpoint=tmp_path) == history
    assert same(weights(first), weights(again))
    assert progress.records == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_saves_the_step_under_way_and_then_interrupts(tmp_path):
    undisturbed, resumed = network(), network()
    train(undisturbed, plan())
    progress = Progress({5: lambda: os.kill(os.getpid(), signal.SIGINT)})
    with pytest.raises(KeyboardInterrupt):
        train(network(), plan(), progress, checkpoint=tmp_path)
    assert progress.steps == 5
    following = Progress()
    train(resumed, plan(), following, checkpoint=tmp_path)
    assert following.steps == 36
    assert same(weights(resumed), weights(undisturbed))


@pytest.mark.parametrize(("seconds", "most"), [(1e-9, 40), (1000.0, 4)])
def test_a_checkpoint_is_written_as_often_as_asked_for(seconds, most, tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(loop, "save_checkpoint", lambda training, folder: saved.append(folder))
    train(network(), plan(checkpoint_seconds=seconds), checkpoint=tmp_path)
    # 36 steps, and the end of each of 4 epochs.
    assert len(saved) == most


def test_other_choices_than_those_of_the_checkpoint_are_refused_by_name(tmp_path):
    train(network(), plan(epochs=1), checkpoint=tmp_path)
    with pytest.raises(RunError, match=r"learning_rate = 0\.01, which is 0\.02 now"):
        train(network(), plan(epochs=1, learning_rate=0.02), checkpoint=tmp_path)


def test_the_estimate_comes_before_the_first_step_and_grows_with_the_network():
    memory = []
    for hidden_size in (5, 200):
        progress = Progress()
        train(network(hidden_size=hidden_size), plan(epochs=1), progress)
        assert progress.estimate.seconds > 0
        memory.append(progress.estimate.memory)
    assert memory[1] > 10 * memory[0]


def test_scores_come_in_the_order_of_the_rows_however_they_are_batched(monkeypatch):
    model, sequences = network().eval(), examples(50, 3).sequences
    expected = scores(model, sequences)
    monkeypatch.setattr("duree.network.network.SCORING_BATCH", 1)
    np.testing.assert_allclose(scores(model, sequences), expected, atol=1e-6)


def test_a_training_without_the_compiled_recurrence_says_that_it_is_slower(monkeypatch):
    progress = Progress()
    train(network(), plan(), progress)
    assert progress.messages == []
    monkeypatch.setattr(kernels, "compiled", None)
    monkeypatch.setattr(kernels, "missing", "no compiler was here")
    train(network(), plan(), progress)
    assert len(progress.messages) == 1
    assert "missing (no compiler was here): torch.nn is used instead" in progress.messages[0]


def test_after_early_stopping_the_best_weights_so_far_are_returned():
    progress, model = Progress(stop_at=14), network()
    history = train(model, plan(epochs=20), progress)
    assert progress.steps == 14
    assert [record["epoch"] for record in history] == [record.epoch for record in progress.records]
    assert len(history) < 20
    validation = examples(40, 1)
    best = max(history, key=lambda record: (record["metric"], -record["validation_loss"]))
    assert accuracy(scores(model, validation.sequences), validation.targets) == best["metric"]
