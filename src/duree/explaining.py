"""The step of a run that asks the network what it learned, on rows of the test part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duree.evaluation.comparison import NETWORK
from duree.evaluation.judgement import judge_alone, judge_models
from duree.explain.arcs import ARC_UNITS, arc
from duree.explain.attribution import Attributions, integrated_gradients
from duree.explain.contrast import strengths
from duree.explain.faithfulness import agreement, faithfulness
from duree.explain.gates import KEEPS, forgetting, memories
from duree.explain.memory import memory_cost, memory_curve
from duree.explain.model import recurrent_part, shuffled
from duree.explain.words import neighbours, word_map
from duree.judging import Judged
from duree.network.wide import JoinedModel
from duree.question import Question
from duree.report.texts import quote
from duree.sequences.ragged import Ragged
from duree.sequences.text import SPECIAL, TextEncoder
from duree.trained import TrainedModel

# Rows that are looked at, drawn by the recipe's seed: enough to tell, few enough to take seconds.
ATTRIBUTED, DELETED, TRACED, SHUFFLED = 300, 100, 200, 5000
# Steps that the memory curve may read, and rows that it needs to say anything.
MEMORY_STEPS, MEMORY_ROWS = 6_000_000, 50
# Of each class: examples, and among them none of more units where others do; words, and neighbours.
EXAMPLES, EXAMPLE_UNITS, WORDS, NEIGHBOURS = 2, 300, 6, 5
MOST_CLASSES, LEAST_ROWS = 6, 5
# At each turn of an arc so many characters of the text are quoted.
TURN = 120
FORGETTING_WORDS = 12


def explain_test(
    question: Question,
    sequences: Ragged,
    networks: list[TrainedModel],
    judged: Judged,
    seed: int,
) -> dict[str, Any]:
    """What ``explanations.json`` holds; see ``duree.report.explanations``.

    Parameters
    ----------
    question, sequences
        All rows of the run.
    networks : list of TrainedModel
        The one that is explained, then those of other seeds.
    judged : Judged
        Predictions and answers of the test rows.
    seed : int
        By which rows are drawn.
    """
    model = networks[0]
    tested = sequences.take(question.split.test)
    order = np.random.default_rng(seed).permutation(len(tested))
    sample = order[:ATTRIBUTED]
    attributions = integrated_gradients(model, tested.take(sample))
    found: dict[str, Any] = {"rows": len(sample), "metric": model.task.metrics.primary}
    found["examples"] = list(_examples(question, tested, model, judged))
    found["words"] = _telling_words(model, tested.take(sample), attributions)
    found["order"] = _order(question, tested, model, judged, order[:SHUFFLED], seed)
    found |= _memory(tested, model, judged, order, seed)
    found["curves"] = _curves(networks, tested, sample[:DELETED], attributions, seed)
    found["arc"] = _arc(question, tested, model, seed)
    if recurrent_part(model).recurrent.kind in KEEPS:
        found |= _gates(networks, tested.take(order[:TRACED]), seed)
    return found


def answer_names(model: TrainedModel) -> list[str]:
    """What each output is called: its class, or the target column."""
    return list(model.task.classes) or [model.columns["target"]]


def _examples(
    question: Question, tested: Ragged, model: TrainedModel, judged: Judged
) -> Iterator[dict[str, Any]]:
    """Rows of each class that the network got right and was surest of; of numbers, both ends."""
    predictions, names = judged.predictions[NETWORK], answer_names(model)
    short = tested.lengths <= EXAMPLE_UNITS
    if model.task.classes:
        right = model.task.marks(judged.targets) & (
            model.task.chosen(predictions)[:, None] == np.arange(len(names))
        )
        merits = [
            np.where(right[:, k], predictions[:, k] + short, -np.inf)
            for k in range(min(len(names), MOST_CLASSES))
        ]
    else:
        value = predictions[:, 0]
        merits = [np.where(short, sign * value, -np.inf) for sign in (1, -1)]
    for output, merit in enumerate(merits):
        best = np.argsort(-merit, kind="stable")[:EXAMPLES]
        for row in best[np.isfinite(merit[best])]:
            k = output if model.task.classes else 0
            given = integrated_gradients(model, tested.take(np.array([row])), np.array([k]))
            text = question.texts[int(question.split.test[row])]
            yield shading(model, text, given, int(row), float(predictions[row, k]))


def shading(
    model: TrainedModel, text: str, given: Attributions, row: int, sure: float
) -> dict[str, Any]:
    """One explained text as ``duree.report.explanations.Shading``."""
    assert isinstance(model.encoder, TextEncoder)
    return {
        "row": row,
        "said": answer_names(model)[int(given.outputs[0])],
        "sure": sure,
        "places": model.encoder.places(text),
        "values": [round(float(value), 4) for value in given.values[0]],
    }


def _telling_words(
    model: TrainedModel, sequences: Ragged, given: Attributions
) -> list[dict[str, Any]]:
    """The words that spoke most for each answer, with their neighbours and their map."""
    vocabulary, names = model.encoder.vocabulary, answer_names(model)  # type: ignore[union-attr]
    found: list[dict[str, Any]] = []
    signs = [(k, 1) for k in range(len(names))] if model.task.classes else [(0, 1), (0, -1)]
    for output, sign in signs[:MOST_CLASSES]:
        chosen = np.flatnonzero(given.outputs == output)
        if len(chosen) == 0:
            continue
        values = given.values.take(chosen)
        signed = Ragged(sign * values.values, values.offsets)
        telling = [
            strength
            for strength in strengths(sequences.take(chosen), signed)
            if strength.token >= len(SPECIAL) and strength.rows >= LEAST_ROWS and strength.least > 0
        ]
        for token, rows, mean, _ in telling[:WORDS]:
            word = vocabulary[token]
            near = [asdict(neighbour) for neighbour in neighbours(model, word, NEIGHBOURS)]
            found.append(
                {"word": word, "answer": names[output], "rows": rows, "mean": sign * mean}
                | {"neighbours": near}
            )
    if len(found) < 2:
        return []
    for word, place in zip(found, word_map(model, [w["word"] for w in found]), strict=True):
        word["place"] = place.tolist()
    return found


def _order(
    question: Question,
    tested: Ragged,
    model: TrainedModel,
    judged: Judged,
    rows: NDArray[np.int64],
    seed: int,
) -> dict[str, Any]:
    """The network's figure with the words of each text in order, and in random order."""
    metric, groups = model.task.metrics.primary, question.groups
    judgement = judge_models(
        {
            NETWORK: judged.predictions[NETWORK][rows],
            "shuffled": model.predictions(shuffled(tested.take(rows), seed)),
        },
        judged.targets[rows],
        model.task.metrics,
        groups=None if groups is None else groups[question.split.test][rows],
        seed=seed,
    )
    drop = next(found for found in judgement.comparisons if found["metric"] == metric)
    return {
        "rows": len(rows),
        "in_order": judgement.models[NETWORK][metric],
        "shuffled": judgement.models["shuffled"][metric],
        "difference": {
            "value": drop["difference"],
            "low": drop["low"],
            "high": drop["high"],
        },
    }


def _memory(
    tested: Ragged, model: TrainedModel, judged: Judged, order: NDArray[np.int64], seed: int
) -> dict[str, Any]:
    """The recurrent part's figure by how much of the past it may see."""
    enough = int(np.searchsorted(np.cumsum(memory_cost(tested.lengths[order])), MEMORY_STEPS))
    rows = order[: max(enough, MEMORY_ROWS)]
    curve = memory_curve(model, tested.take(rows))
    metrics = model.task.metrics
    share = float(model.network.alone[0]) if isinstance(model.network, JoinedModel) else 1.0
    spans = []
    for steps, scores in zip(curve.spans, curve.scores, strict=True):
        predictions = model.task.predictions(scores * share)
        figures = judge_alone(predictions, judged.targets[rows], metrics, seed=seed)
        spans.append({"steps": steps, "figure": figures[metrics.primary]})
    return {"memory_rows": len(rows), "memory": spans}


def _curves(
    networks: list[TrainedModel],
    tested: Ragged,
    rows: NDArray[np.int64],
    attributions: Attributions,
    seed: int,
) -> dict[str, Any]:
    """Deletion and insertion, and whether networks of other seeds name the same words."""
    sequences = tested.take(rows)
    given = attributions.first(len(rows))
    found = faithfulness(networks[0], sequences, given, seed)
    others = [integrated_gradients(other, sequences, given.outputs) for other in networks[1:]]
    return {
        "rows": len(rows),
        **{name: np.asarray(value).tolist() for name, value in asdict(found).items()},
        "areas": found.areas,
        "agreement": [float(np.nanmean(agreement(given, other))) for other in others],
    }


def _arc(
    question: Question, tested: Ragged, model: TrainedModel, seed: int
) -> dict[str, Any] | None:
    """The arc of the longest text of the test part, if it is a long one."""
    assert isinstance(model.encoder, TextEncoder)
    texts = question.texts.gather(question.split.test)
    row = int(texts.str.len_chars().arg_max() or 0)
    units = len(model.encoder.segment(texts[row]))
    if units < ARC_UNITS:
        return None
    return arc_record(model, texts[row], row, units, seed)


def arc_record(
    model: TrainedModel, text: str, row: int, units: int, seed: int = 0
) -> dict[str, Any]:
    """One arc as ``duree.report.explanations.ArcData``."""
    found = arc(model, text, seed=seed)
    return {
        "row": row,
        "said": answer_names(model)[found.output],
        "units": units,
        "values": found.said.tolist(),
        "smooth": found.smooth.tolist(),
        "low": found.low.tolist(),
        "high": found.high.tolist(),
        "changes": found.changes,
        "turns": [quote(text[found.begin[c] :][: 2 * TURN], TURN) for c in found.changes],
        "p_value": found.p_value,
        "passage": found.passage,
        "window": found.window,
    }


def _gates(networks: list[TrainedModel], sequences: Ragged, seed: int) -> dict[str, Any]:
    """How long units remember, and the words that make the network forget: findings alone."""
    vocabulary = networks[0].encoder.vocabulary  # type: ignore[union-attr]
    words = [
        asdict(word)
        for word in forgetting(networks, sequences, vocabulary, seed)
        if word.finding and word.kept < 0
    ]
    units = [asdict(memory) for memory in memories(networks, sequences, seed)]
    return {
        "gate_rows": len(sequences),
        "units": units,
        "forgetting": words[:FORGETTING_WORDS],
    }
