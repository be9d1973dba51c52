"""A checkpoint is whole or refused; where the newest is damaged, the one before it serves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.support.loop import Progress, Stop, raises
from tests.support.training import network, plan, same, weights

from duree.errors import RunError
from duree.training.loop import train


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two checkpoints of a training that died at step 20, the newer one a step further."""
    with pytest.raises(Stop):
        train(
            network(), plan(checkpoint_seconds=1e-9), Progress({20: raises(Stop)}),
            checkpoint=tmp_path / "checkpoint",
        )  # fmt: skip
    return tmp_path / "checkpoint"


def slots(folder: Path) -> list[Path]:
    """The newer checkpoint first."""

    def saves(slot: Path) -> int:
        return json.loads((slot / "position.json").read_text())["position"]["saves"]

    return sorted(folder.iterdir(), key=saves, reverse=True)


def flip(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    path.write_bytes(content)


def cut(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(path.read_bytes()[: rng.integers(path.stat().st_size)])


def remove(path: Path, rng: np.random.Generator) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [flip, cut, remove])
@pytest.mark.parametrize("name", ["position.json", "tensors.safetensors", "manifest.json"])
def test_a_damaged_checkpoint_is_reported_and_the_one_before_it_serves(folder, damage, name):
    undisturbed = network()
    train(undisturbed, plan())
    damage(slots(folder)[0] / name, np.random.default_rng(0))
    resumed, progress = network(), Progress()
    train(resumed, plan(), progress, checkpoint=folder)
    assert len(progress.messages) == 1
    assert same(weights(resumed), weights(undisturbed))


def test_where_both_are_damaged_training_begins_anew_and_says_so(folder):
    undisturbed, resumed, progress = network(), network(), Progress()
    train(undisturbed, plan())
    for slot in slots(folder):
        cut(slot / "tensors.safetensors", np.random.default_rng(0))
    train(resumed, plan(), progress, checkpoint=folder)
    assert len(progress.messages) == 2
    assert progress.expected_steps == 36
    assert len(progress.records) == 4
    assert same(weights(resumed), weights(undisturbed))


def test_a_checkpoint_of_another_network_is_refused(folder):
    with pytest.raises(RunError, match="does not fit the network"):
        train(network(hidden_size=9), plan(), checkpoint=folder)


def test_a_newer_checkpoint_than_this_program_is_refused_with_a_remedy(folder):
    import hashlib

    for slot in slots(folder):
        body = json.dumps({"format": 99, "files": {}})
        outer = {"body": body, "sha256": hashlib.sha256(body.encode()).hexdigest()}
        (slot / "manifest.json").write_text(json.dumps(outer))
    progress = Progress()
    train(network(), plan(epochs=4), progress, checkpoint=folder)
    assert all("newer" in message for message in progress.messages)
