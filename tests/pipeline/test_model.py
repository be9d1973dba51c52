"""A model folder is loaded whole and right, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from duree import SequenceClassifier, load
from duree.errors import RunError
from duree.storage import read_sealed, write_sealed

TEXTS = [f"day {n} was {word}" for n in range(30) for word in ("fine", "grim")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = SequenceClassifier(hidden_size=8, embedding_size=8, epochs=1)
    model.fit(TEXTS, ["up", "down"] * 30).save(tmp_path / "run")
    return tmp_path / "run"


def reseal(
    folder: Path,
    description: Callable[[dict[str, Any]], None] = lambda found: None,
    weights: Callable[[dict[str, torch.Tensor]], None] = lambda found: None,
) -> None:
    """Change what the model folder says, and seal it again, so that the seal is right."""
    files = read_sealed(folder / "model")
    plain, tensors = (
        json.loads(files["model.json"]),
        safetensors.torch.load(files["weights.safetensors"]),
    )
    description(plain)
    weights(tensors)
    write_sealed(
        folder / "model",
        {
            "model.json": json.dumps(plain).encode(),
            "weights.safetensors": safetensors.torch.save(tensors),
        },
    )


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors", "manifest.json"])
def test_one_flipped_bit_anywhere_is_noticed(name: str, folder: Path) -> None:
    path = folder / "model" / name
    whole = path.read_bytes()
    for place in np.random.default_rng(0).integers(len(whole), size=20):
        content = bytearray(whole)
        content[place] ^= 1
        path.write_bytes(content)
        with pytest.raises(RunError, match=name.replace(".", r"\.")):
            load(folder)


def test_weights_of_another_shape_are_refused(folder: Path) -> None:
    reseal(folder, lambda found: found["settings"].update(hidden_size=9))
    with pytest.raises(RunError, match="does not fit together"):
        load(folder)


def test_a_weight_that_is_no_number_is_refused(folder: Path) -> None:
    reseal(folder, weights=lambda found: next(iter(found.values())).view(-1)[:1].fill_(torch.nan))
    with pytest.raises(RunError, match="no finite numbers"):
        load(folder)


def test_a_missing_weight_is_refused(folder: Path) -> None:
    reseal(folder, weights=lambda found: found.__delitem__(min(found)))
    with pytest.raises(RunError, match="does not fit together"):
        load(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["task"].update(name="os.system"),
        lambda found: found["encoder"].update(kind="pickle"),
        lambda found: found["encoder"]["vocabulary"].pop(),
        lambda found: found["task"].update(classes=["up"]),
        lambda found: found["settings"].update(cell="transformer"),
        lambda found: found["settings"].update(unheard_of=1),
        lambda found: found.pop("columns"),
        lambda found: found.update(task=None),
        lambda found: found.update(columns=[]),
        lambda found: found.update(columns={"text": 1}),
        lambda found: found.update(extra=None),
        lambda found: found.update(settings=[]),
        lambda found: found.update(encoder="text"),
        lambda found: found["extra"].update(parameters=None),
        lambda found: found["extra"].update(attributes={"classes": ["up"]}),
        lambda found: found["extra"].update(attributes={"classes": [[], []]}),
    ],
)
def test_a_description_that_does_not_fit_is_refused(
    change: Callable[[dict[str, Any]], None], folder: Path
) -> None:
    reseal(folder, change)
    with pytest.raises(RunError):
        load(folder)


@pytest.mark.parametrize(
    "sizes",
    [{"hidden_size": 12_000}, {"num_layers": 100_000}, {"embedding_size": 10**9}],
)
def test_sizes_are_compared_with_the_weights_before_memory_is_taken(
    sizes: dict[str, int], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reseal(folder, lambda found: found["settings"].update(sizes))
    built = []
    monkeypatch.setattr(torch.nn.Module, "load_state_dict", lambda *_: built.append(1))
    with pytest.raises(RunError, match=r"does not fit together: .*(weights|layers)"):
        load(folder)
    assert not built


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 8, b"\xff" * 16, (10**6).to_bytes(8, "little") + b"{}", b"\2" + bytes(7) + b"{}"],
)
def test_weights_with_a_broken_header_are_refused(content: bytes, folder: Path) -> None:
    description = read_sealed(folder / "model")["model.json"]
    write_sealed(folder / "model", {"model.json": description, "weights.safetensors": content})
    with pytest.raises(RunError, match="does not fit together"):
        load(folder)


def test_weights_of_another_type_are_refused(folder: Path) -> None:
    def double(weights: dict[str, torch.Tensor]) -> None:
        name = min(weights)
        weights[name] = weights[name].double()

    reseal(folder, weights=double)
    with pytest.raises(RunError, match="are float64"):
        load(folder)


def test_a_folder_without_a_model_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no"):
        load(tmp_path)
