"""Export of a run's network as ONNX, with its tables for encoding and its model card.

A graph is written only after its outputs were verified against the network's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from duree.errors import DataError, RunError, require_packages
from duree.evaluation.decision import Decision
from duree.network.contracts import Link
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.sequences.ragged import EMPTY, PADDING, UNKNOWN
from duree.sequences.text_encoder import SPECIAL
from duree.serving.card import write_card
from duree.storage import write_file

FORMAT = 1
# The batches with which a graph is verified: rows and steps.
TRIALS = ((1, 1), (3, 7), (5, 64))
TOLERANCE = 1e-5
# The pattern of units in ASCII text, in syntax common to regular expressions in all languages.
ASCII_UNIT = (
    r"[0-9]+(?:[.,:/][0-9]+)+|[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*|"
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"
)


def export(folder: Path | str, output: Path | str) -> list[Path]:
    """Write a run's network as ONNX, with its tables (.json) and its model card (.md).

    Parameters
    ----------
    folder : Path
        A run folder.
    output : Path
        ``NAME.onnx``; the others are ``NAME.json`` and ``NAME.md``.

    Returns
    -------
    list of Path
        The three files.

    Raises
    ------
    DataError
        The name does not end in .onnx.
    ExtraError
        onnx or onnxruntime is not installed.
    RunError
        The run has no network yet or one that cannot be exported, a file cannot be written, or
        the outputs of the graph differ.
    """
    output = Path(output)
    if output.suffix.lower() != ".onnx":
        raise DataError(
            "a network cannot be exported as {name!r}",
            fix="end the name in .onnx",
            name=output.name,
        )
    require_packages(("onnx", "onnxruntime"), "onnx", "exporting a network")
    run = Run(folder)
    model = TrainedModel.of_run(run)
    _ = model.inputs  # raises if the network reads whole series
    link = model.task.export
    if link is None:
        raise RunError(
            "a network for the task {task} cannot be exported as ONNX",
            fix="predict files with duree predict, or for other programs with duree serve",
            task=model.task.name,
        )
    graph = _graph(model, link)
    _try(model, graph, _decision(model, link))
    tables = json.dumps(_tables(model, link), ensure_ascii=False, allow_nan=False).encode()
    files = {
        output: graph,
        output.with_suffix(".json"): tables,
        output.with_suffix(".md"): write_card(run, model, output.name).encode(),
    }
    for path, content in files.items():
        write_file(path, content)
    return list(files)


def _graph(model: TrainedModel, link: Link) -> bytes:
    from duree.serving.graph import to_onnx

    graph = to_onnx(model.network, link, _decision(model, link))
    content: bytes = graph.SerializeToString()
    return content


def _decision(model: TrainedModel, link: Link) -> Decision | None:
    """Which classes or labels are predicted; None for a number."""
    if link.function == "Identity":
        return None
    exclusive = link.function == "Softmax"
    return model.task.decision or Decision.unmoved(model.task.outputs, exclusive=exclusive)


def _try(model: TrainedModel, graph: bytes, decision: Decision | None) -> None:
    """Compare the outputs of the graph with the network's on rows of several lengths."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for rows, steps in TRIALS:
        lengths = rng.integers(1, steps + 1, rows)
        lengths[0] = steps
        values = _values(model, rng, rows, steps)
        with torch.inference_mode():
            scores = model.network(torch.from_numpy(values), torch.from_numpy(lengths)).numpy()
        wanted = {"scores": scores, "predictions": model.task.predictions(scores)}
        if decision is not None:
            wanted["decided"] = decision.given(wanted["predictions"]).astype(np.float32)
        found = session.run(list(wanted), {"values": values, "lengths": lengths})
        for name, answer in zip(wanted, found, strict=True):
            expected = wanted[name]
            apart = np.abs(answer.astype(np.float32) - expected) / np.maximum(np.abs(expected), 1.0)
            if not apart.max() <= TOLERANCE:
                raise RunError(
                    "the exported graph says something else than the network: its {name} are "
                    "{apart:.1e} apart on rows of {steps} steps",
                    fix="nothing was written; try another version of onnxruntime",
                    name=name,
                    apart=float(apart.max()),
                    steps=steps,
                )


def _values(model: TrainedModel, rng: np.random.Generator, rows: int, steps: int) -> NDArray[Any]:
    """Random inputs for the network."""
    encoder = model.encoder
    if encoder.vocabulary_size is None:
        return rng.normal(size=(rows, steps, encoder.input_size or 0)).astype(np.float32)
    tokens = rng.integers(UNKNOWN, encoder.vocabulary_size, (rows, steps))
    features = [rng.integers(size, size=tokens.shape) for size, _ in encoder.step_classes.values()]
    return np.stack([tokens, *features], axis=2) if features else tokens


def _tables(model: TrainedModel, link: Link) -> dict[str, Any]:
    """The data that other programs need to encode rows for the graph and read its outputs."""
    tables: dict[str, Any] = {
        "format": FORMAT,
        "task": model.task.name,
        "columns": model.columns,
        "answers": list(model.task.classes) or [model.columns["target"]],
        "predictions": link._asdict(),
    }
    if decision := model.task.decision:
        of_names = "offsets" if decision.exclusive else "thresholds"
        tables |= {"decision": {of_names: decision.by_name(model.task.classes)}}
    units, layout = model.encoder.units_encoder, model.layout
    if units is None:
        return tables | {"series": model.encoder.to_dict(), "reading": dict(layout.reading)}
    tables |= layout.portable()
    tables |= {
        "padding": PADDING,
        "unknown": UNKNOWN,
        "empty": EMPTY,
        "units": {unit: k for k, unit in enumerate(units.vocabulary) if k >= len(SPECIAL)},
        "settings": units.settings.model_dump(),
        "ascii_unit": ASCII_UNIT,
    }
    if model.encoder.step_classes:
        tables |= {"step_features": model.encoder.to_dict()["step_features"]}
    return tables
