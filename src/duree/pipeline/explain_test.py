"""The step of a run that explains the network on test rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from duree.evaluation.evaluate import evaluate_model, evaluate_models
from duree.explain.arcs import ARC_UNITS, arc
from duree.explain.attribution import Attributions, integrated_gradients
from duree.explain.chance import (
    QUANTILE,
    SHUFFLES,
    chance_similarity,
    go_with_answers,
    is_mark,
)
from duree.explain.context_length import memory_cost, memory_curve
from duree.explain.contrast import strengths
from duree.explain.faithfulness import agreement, faithfulness
from duree.explain.gates import RETAINING, forgetting, memories, watch_both
from duree.explain.model import explanation_of, recurrent_part, shuffled, text_encoder
from duree.explain.words import neighbours, word_map
from duree.network.scoring import RECURRENT_PART
from duree.network.wide import JoinedModel
from duree.pipeline.dataset import Dataset
from duree.pipeline.evaluate import TestResult
from duree.pipeline.model import TrainedModel
from duree.report.safe_text import quote
from duree.results.explanations import (
    ArcData,
    Chance,
    Curves,
    Explanations,
    Forgetting,
    Memory,
    Order,
    PredictiveWord,
    Shading,
    Span,
)
from duree.results.metrics_file import NETWORK
from duree.results.run_files import Estimate
from duree.sequences.ragged import Ragged
from duree.sequences.text_encoder import SPECIAL, TextEncoder
from duree.tables.layouts.step_attributes import sequences_of
from duree.tasks.features import has_state_units

# Numbers of rows, drawn by the recipe's seed, for each analysis: each takes a few seconds.
ATTRIBUTED, DELETED, TRACED, SHUFFLED = 300, 100, 200, 5000
# Maximum number of steps, and minimum number of rows, of the memory curve.
MEMORY_STEPS, MEMORY_ROWS = 6_000_000, 50
# For each class: examples, preferably of at most so many units; words; neighbours of each.
EXAMPLES, EXAMPLE_UNITS, WORDS, NEIGHBOURS = 2, 300, 6, 5
# The nearest words of which some are no neighbours, as they are marks.
CONSIDERED = 50
MOST_CLASSES, LEAST_ROWS = 6, 5
# Number of characters of the text quoted at each change point of an arc.
TURN = 120
FORGETTING_WORDS = 12


def explain_test(
    dataset: Dataset,
    sequences: Ragged,
    networks: list[TrainedModel],
    result: TestResult,
    seed: int,
) -> Explanations | None:
    """Explanations of the network on rows of the test set.

    None if it has several predictions per row, or its input has no units.

    Parameters
    ----------
    dataset, sequences
        All rows of the run, and their encoding.
    networks : list of TrainedModel
        The explained network, then those of other seeds.
    result : TestResult
        Predictions and targets of the test rows.
    seed : int
        Seed for drawing rows.
    """
    model = networks[0]
    if model.task.explanation is None or model.encoder.units_encoder is None:
        return None
    tested = sequences.take(dataset.split.test)
    texts = sequences_of(dataset.texts.gather(dataset.split.test))
    order = np.random.default_rng(seed).permutation(len(tested))
    sample = order[:ATTRIBUTED]
    given = integrated_gradients(model, tested.take(sample))
    known = _Answered(tested, result.targets, order[:SHUFFLED])
    words, chance = _predictive_words(model, tested.take(sample), given, known, seed)
    memory_rows = _affordable(tested, order)
    traced = order[:TRACED] if recurrent_part(model).recurrent.kind in RETAINING else order[:0]
    units, forgotten = _gates(networks, tested.take(traced), seed) if len(traced) else ([], [])
    return Explanations(
        rows=len(sample),
        metric=model.task.metrics.primary,
        examples=list(_examples(texts, tested, model, result)),
        words=words,
        chance=chance,
        order=_order(dataset, tested, model, result, order[:SHUFFLED], seed),
        memory_rows=len(memory_rows),
        memory=_memory(tested.take(memory_rows), model, result, memory_rows, seed),
        curves=_curves(networks, tested.take(sample[:DELETED]), given.first(DELETED), seed),
        arc=_arc(texts, model, seed),
        gate_rows=len(traced),
        units=units,
        forgetting=forgotten,
    )


def answer_names(model: TrainedModel) -> list[str]:
    """The names of the outputs: the classes, or the target column."""
    return list(model.task.classes) or [model.columns["target"]]


def shading(
    model: TrainedModel, text: str, given: Attributions, row: int = 0, sure: float = 0.0
) -> Shading:
    """The shading of a text by its attributions; ``row`` is counted from 0."""
    return Shading(
        row=row,
        answer=answer_names(model)[int(given.outputs[0])],
        sure=sure,
        places=text_encoder(model).places(text),
        values=[round(float(value), 4) for value in given.values[0]],
    )


def arc_data(model: TrainedModel, text: str, row: int = 0, seed: int = 0) -> ArcData:
    """The arc of a text; ``row`` is counted from 0.

    Raises
    ------
    DataError
        The text is too short for an arc.
    """
    found = arc(model, text, seed=seed)
    return ArcData(
        row=row,
        answer=answer_names(model)[found.output],
        units=found.units,
        values=found.curve.tolist(),
        smooth=found.smooth.tolist(),
        low=found.low.tolist(),
        high=found.high.tolist(),
        changes=found.changes,
        turns=[quote(text[found.begin[c] :][: 2 * TURN], TURN) for c in found.changes],
        p_value=found.p_value,
        passage=found.passage,
        window=found.window,
    )


def _examples(
    texts: pl.Series, tested: Ragged, model: TrainedModel, result: TestResult
) -> Iterator[Shading]:
    """The correct rows of each class with the highest probability; for numbers, the extremes."""
    outputs = np.arange(model.task.outputs)
    predictions = result.predictions[NETWORK][:, : model.task.outputs]
    short = tested.lengths <= EXAMPLE_UNITS
    if model.task.classes:
        explanation = explanation_of(model)
        chosen = explanation.chosen(predictions)[:, None] == outputs
        right = explanation.indicators(result.targets) & chosen
        merits = np.where(right, predictions + short[:, None], -np.inf).T
    else:
        outputs = np.zeros(2, dtype=np.int64)
        merits = np.where(short, np.stack([predictions[:, 0], -predictions[:, 0]]), -np.inf)
    # Of many classes, those that have an example come first.
    for place in np.flatnonzero(np.isfinite(merits).any(axis=1))[:MOST_CLASSES]:
        output, merit = outputs[place], merits[place]
        best = np.argsort(-merit, kind="stable")[:EXAMPLES]
        for row in best[np.isfinite(merit[best])].tolist():
            given = integrated_gradients(model, tested.take(np.array([row])), np.array([output]))
            yield shading(model, texts[row], given, row, float(predictions[row, output]))


class _Answered(NamedTuple):
    """Test rows with their true answers, and those by which words are tested."""

    sequences: Ragged
    targets: NDArray[Any]
    rows: NDArray[np.int64]

    def answers(self, model: TrainedModel, output: int, sign: int) -> NDArray[np.float64]:
        """Whether each row has the answer, as 0 and 1; of numbers their ranks, or minus these."""
        targets = self.targets[self.rows]
        if not model.task.classes:
            return np.asarray(sign * rankdata(targets), dtype=np.float64)
        return explanation_of(model).indicators(targets)[:, output].astype(np.float64)


def _predictive_words(
    model: TrainedModel, sequences: Ragged, given: Attributions, known: _Answered, seed: int
) -> tuple[list[PredictiveWord], Chance]:
    """The most predictive words of each output, with their neighbours and positions on a map.

    Those that go with the answer no more than chance explains are left out.
    """
    encoder, tested = text_encoder(model), known.sequences.take(known.rows)
    vocabulary, names = encoder.vocabulary, answer_names(model)
    listed = [False] * len(SPECIAL) + are_words(encoder, vocabulary[len(SPECIAL) :])
    signs = [(k, 1) for k in range(len(names))] if model.task.classes else [(0, 1), (0, -1)]
    found: list[tuple[str, str, int, float]] = []
    for output, sign in signs[:MOST_CLASSES]:
        chosen = np.flatnonzero(given.outputs == output)
        if len(chosen) == 0:
            continue
        values = given.values.take(chosen)
        signed = Ragged(sign * values.values, values.offsets)
        strong = [
            one
            for one in strengths(sequences.take(chosen), signed)
            if listed[one.token] and one.rows >= LEAST_ROWS and one.least > 0
        ]
        tokens = np.array([one.token for one in strong], dtype=np.int64)
        beyond = go_with_answers(tested, tokens, known.answers(model, output, sign), seed)
        predictive = [
            (vocabulary[one.token], names[output], one.rows, sign * one.mean)
            for one, is_beyond in zip(strong, beyond, strict=True)
            if is_beyond
        ]
        found += predictive[:WORDS]
    chance = Chance(
        rows=len(tested),
        shuffles=SHUFFLES,
        quantile=QUANTILE,
        cosine=chance_similarity(model, seed),
        without_marks=not has_state_units(encoder),
    )
    if not found:
        return [], chance
    marks = {unit for unit, is_listed in zip(vocabulary, listed, strict=True) if not is_listed}
    places = word_map(model, [word for word, *_ in found]).tolist()
    words = [
        PredictiveWord(
            word=word,
            answer=answer,
            rows=rows,
            mean=mean,
            neighbours=[
                near
                for near in neighbours(model, word, CONSIDERED)
                if near.cosine > chance.cosine and near.word not in marks
            ][:NEIGHBOURS],
            place=place,
        )
        for (word, answer, rows, mean), place in zip(found, places, strict=True)
    ]
    return words, chance


def are_words(encoder: TextEncoder, units: Sequence[str]) -> list[bool]:
    """Whether units may be listed as words: in texts, no mark or number; of states, all."""
    of_states = has_state_units(encoder)
    return [of_states or not is_mark(unit) for unit in units]


def _order(
    dataset: Dataset,
    tested: Ragged,
    model: TrainedModel,
    result: TestResult,
    rows: NDArray[np.int64],
    seed: int,
) -> Order | None:
    """The primary metric with the words of each text in order, and in random order; None if it is
    not defined, as a correlation of equal predictions is not."""
    metric, groups = model.task.metrics.primary, dataset.groups
    evaluation = evaluate_models(
        {
            NETWORK: result.predictions[NETWORK][rows],
            "shuffled": model.task.summarise(
                model.predictions(shuffled(tested.take(rows), seed)), result.targets[rows]
            ),
        },
        result.targets[rows],
        model.task.metrics,
        weights=None if result.weights is None else result.weights[rows],
        groups=None if groups is None else groups[dataset.split.test][rows],
        seed=seed,
    )
    drop = next((found for found in evaluation.comparisons if found.metric == metric), None)
    if drop is None:
        return None
    return Order(
        rows=len(rows),
        in_order=Estimate(**evaluation.models[NETWORK][metric]),
        shuffled=Estimate(**evaluation.models["shuffled"][metric]),
        difference=Estimate(value=drop.difference, low=drop.low, high=drop.high),
    )


def _affordable(tested: Ragged, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows for which the memory curve takes a few seconds."""
    costs = np.cumsum(memory_cost(tested.lengths[order]))
    return order[: max(int(np.searchsorted(costs, MEMORY_STEPS)), MEMORY_ROWS)]


def _memory(
    read: Ragged, model: TrainedModel, result: TestResult, rows: NDArray[np.int64], seed: int
) -> list[Span]:
    """The primary metric of the recurrent part by length of context, where it is defined."""
    curve, metrics = memory_curve(model, read), model.task.metrics
    weights = None if result.weights is None else result.weights[rows]
    share = float(model.network.alone[0]) if isinstance(model.network, JoinedModel) else 1.0
    spans = []
    for steps, scores in zip(curve.spans, curve.scores, strict=True):
        figures = evaluate_model(
            model.of_part(RECURRENT_PART, scores * share),
            result.targets[rows],
            metrics,
            weights=weights,
            seed=seed,
        )
        if figure := figures.get(metrics.primary):
            spans.append(Span(steps=steps, figure=Estimate(**figure)))
    return spans


def _curves(networks: list[TrainedModel], rows: Ragged, given: Attributions, seed: int) -> Curves:
    """Deletion and insertion curves, and the agreement with networks of other seeds."""
    found = faithfulness(networks[0], rows, given, seed)
    others = [integrated_gradients(other, rows, given.outputs) for other in networks[1:]]
    alike = [agreement(given, other) for other in others]
    return Curves(
        rows=len(rows),
        **{name: np.asarray(value).tolist() for name, value in asdict(found).items()},
        areas=found.areas,
        agreement=[float(each.mean()) for each in alike if len(each)],
    )


def _arc(texts: pl.Series, model: TrainedModel, seed: int) -> ArcData | None:
    """The arc of the longest text of the test set, if it is long enough.

    None if there are step features, which passages do not have.
    """
    if model.step_features:
        return None
    row = int(texts.str.len_chars().arg_max() or 0)
    units = len(text_encoder(model).segment(texts[row]))
    return arc_data(model, texts[row], row, seed) if units >= ARC_UNITS else None


def _gates(
    networks: list[TrainedModel], rows: Ragged, seed: int
) -> tuple[list[Memory], list[Forgetting]]:
    """The memory of units, and the words that significantly make the network forget."""
    watched = watch_both(networks, rows, seed)
    words = forgetting(watched, text_encoder(networks[0]).vocabulary)
    forgotten = [word for word in words if word.finding and word.retained < 0]
    return memories(watched), forgotten[:FORGETTING_WORDS]
