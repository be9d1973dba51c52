"""Entities are counted as conlleval counts them: its rules are written out here word by word."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.evaluation.evaluate import evaluate_models
from duree.evaluation.tag_metrics import (
    FIRST,
    KIND,
    LAYERS,
    LENGTH,
    UNSEEN,
    Scheme,
    breaks,
    entities,
    tagging_metrics,
)
from duree.evaluation.weighted_metrics import Floats

TAGS = ["O", *(f"{prefix}-{kind}" for prefix in "BIES" for kind in ("LOC", "PER"))]
SCHEME = Scheme.of(TAGS)
SENTENCES = st.lists(
    st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=7),
    min_size=1,
    max_size=4,
)


def end_of_chunk(prev_tag: str, tag: str, prev_type: str, type_: str) -> bool:
    """conlleval's endOfChunk, line by line, with the single-word tag that later versions know."""
    ends = False
    if prev_tag == "B" and tag in "BSO":
        ends = True
    if prev_tag == "I" and tag in "BSO":
        ends = True
    if prev_tag == "E" and tag in "EIOBS":
        ends = True
    if prev_tag == "S":
        ends = True
    if prev_tag != "O" and prev_type != type_:
        ends = True
    return ends


def start_of_chunk(prev_tag: str, tag: str, prev_type: str, type_: str) -> bool:
    """conlleval's startOfChunk."""
    starts = False
    if tag in "BS":
        starts = True
    if prev_tag in "ESO" and tag in "EI":
        starts = True
    if tag != "O" and prev_type != type_:
        starts = True
    return starts


def conlleval(sentences: list[list[tuple[str, str]]]) -> tuple[int, int, int]:
    """Right, given and true entities, counted while the words go by."""
    right = given_ = true = 0
    in_correct = False
    before = ("O", ""), ("O", "")
    for pairs in [*sentences, []]:
        for one, other in [*pairs, ("O", "O")]:  # an empty line is outside
            now = tuple((tag[0], tag[2:]) for tag in (one, other))
            edges = [
                (
                    end_of_chunk(before[side][0], now[side][0], before[side][1], now[side][1]),
                    start_of_chunk(before[side][0], now[side][0], before[side][1], now[side][1]),
                )
                for side in (0, 1)
            ]
            (true_ends, true_starts), (given_ends, given_starts) = edges
            if in_correct:
                if true_ends and given_ends and before[0][1] == before[1][1]:
                    in_correct, right = False, right + 1
                elif true_ends != given_ends or now[0][1] != now[1][1]:
                    in_correct = False
            if true_starts and given_starts and now[0][1] == now[1][1]:
                in_correct = True
            true, given_ = true + true_starts, given_ + given_starts
            before = now  # type: ignore[assignment]
    return right, given_, true


def arrays(sentences: list[list[tuple[str, str]]]) -> tuple[Floats, np.ndarray]:
    """Predictions and answers as the metrics take them."""
    pairs = [pair for sentence in sentences for pair in sentence]
    true, given_ = (np.array([TAGS.index(pair[side]) for pair in pairs]) for side in (0, 1))
    answers = np.zeros((len(pairs), LAYERS + 1), dtype=np.int64)
    answers[np.cumsum([0, *map(len, sentences)])[:-1], FIRST] = 1
    answers[:, UNSEEN] = np.arange(len(pairs)) % 3 == 0
    length, kind = entities(SCHEME.prefix[true], SCHEME.kind[true], answers[:, FIRST])
    answers[:, LENGTH], answers[:, KIND], answers[:, LAYERS] = length, kind, true
    return np.stack([given_, np.ones(len(pairs))], axis=1).astype(np.float64), answers


@given(SENTENCES)
def test_f1_precision_and_recall_are_those_of_conlleval(
    sentences: list[list[tuple[str, str]]],
) -> None:
    right, given_, true = conlleval(sentences)
    found = tagging_metrics(["ner"], TAGS, SCHEME).values(*arrays(sentences))
    assert found.get("entity_precision") == (pytest.approx(right / given_) if given_ else None)
    assert found.get("entity_recall") == (pytest.approx(right / true) if true else None)
    expected = 2 * right / (given_ + true) if given_ + true else None
    assert found.get("entity_f1") == (None if expected is None else pytest.approx(expected))


def test_a_hand_counted_example() -> None:
    sentences = [
        [("B-PER", "B-PER"), ("I-PER", "I-PER"), ("O", "O"), ("B-LOC", "B-LOC")],  # both right
        [("B-LOC", "B-LOC"), ("I-LOC", "O")],  # one cut short
        [("O", "I-PER"), ("O", "I-PER")],  # one made up, begun without B-
    ]
    found = tagging_metrics(["ner"], TAGS, SCHEME).values(*arrays(sentences))
    assert found["entity_precision"] == pytest.approx(2 / 4)
    assert found["entity_recall"] == pytest.approx(2 / 3)
    assert found["accuracy"] == pytest.approx(5 / 8)


def test_an_entity_never_runs_on_into_the_next_sentence() -> None:
    prefix, kind = SCHEME.prefix[[1, 3]], SCHEME.kind[[1, 3]]  # B-LOC, I-LOC
    assert entities(prefix, kind, np.array([1, 0]))[0].tolist() == [2, 0]
    assert entities(prefix, kind, np.array([1, 1]))[0].tolist() == [1, 1]


def test_breaks_are_inside_tags_that_nothing_began() -> None:
    tags = ["I-LOC", "I-LOC", "O", "I-PER", "B-PER", "I-LOC", "E-LOC", "I-LOC"]
    codes = [TAGS.index(tag) for tag in tags]
    first = np.array([1, 0, 0, 0, 0, 0, 0, 0])
    found = breaks(SCHEME.prefix[codes], SCHEME.kind[codes], first)
    assert np.flatnonzero(found).tolist() == [0, 3, 5, 7]


@given(SENTENCES, st.integers(0, 5))
def test_weights_of_whole_sentences_are_sentences_drawn_so_often(
    sentences: list[list[tuple[str, str]]], seed: int
) -> None:
    drawn = np.random.default_rng(seed).integers(0, 3, len(sentences))
    if not drawn.any():
        return
    predictions, answers = arrays(sentences)
    lengths = [len(sentence) for sentence in sentences]
    weights = np.repeat(drawn, lengths)[:, None].astype(np.float64)
    repeated = [s for s, times in zip(sentences, drawn, strict=True) for _ in range(times)]
    metrics = tagging_metrics(["ner"], TAGS, SCHEME)
    again = metrics.plain(*arrays(repeated))
    for name, metric in metrics.prepare(predictions, answers).items():
        if name != "unseen_accuracy":  # the helper marks other words as unseen there
            assert np.allclose(metric(weights), again[name], equal_nan=True), name


def test_a_tag_that_training_never_saw_is_always_wrong_and_an_entity_of_it_never_found() -> None:
    predictions, answers = arrays([[("B-LOC", "B-LOC"), ("O", "O")]])
    answers[0, LAYERS], answers[0, KIND] = len(TAGS), len(SCHEME.kinds)
    found = tagging_metrics(["ner"], TAGS, SCHEME).values(predictions, answers)
    assert found["accuracy"] == 0.5
    assert found["entity_recall"] == 0.0


def test_several_layers_have_a_share_of_right_tags_each() -> None:
    predictions = np.array([[0, 1.0, 2, 1.0], [1, 1.0, 3, 1.0]])
    answers = np.zeros((2, LAYERS + 2), dtype=np.int64)
    answers[:, LAYERS:] = [[0, 2], [1, 1]]
    found = tagging_metrics(["upos", "lemma"], ["NOUN", "VERB"], None).values(predictions, answers)
    assert (found["accuracy"], found["lemma_accuracy"]) == (1.0, 0.5)


def test_models_are_compared_by_whole_sentences() -> None:
    rng = np.random.default_rng(0)
    sentences = [[("B-LOC", "B-LOC"), ("O", "O")] for _ in range(60)]
    good, answers = arrays(sentences)
    bad = good.copy()
    bad[rng.random(len(bad)) < 0.4, 0] = 0
    units = np.repeat(np.arange(60), 2)
    metrics = tagging_metrics(["ner"], TAGS, SCHEME)
    evaluated = evaluate_models(
        {"network": good, "crf": bad}, answers, metrics, groups=units, resamples=200
    )
    assert evaluated.verdict.claim == "better"
    assert {found.method for found in evaluated.comparisons} == {
        "paired bootstrap by group",
        "paired permutation by group",
    }
    assert evaluated.classes["network"][0]["support"] == 60


@pytest.mark.parametrize(
    "tags",
    [
        ["B-PER", "I-PER", "E-PER", "O", "S-LOC"],
        ["B-PER", "M-PER", "E-PER", "O", "S-LOC"],
        ["B-PER", "M-PER", "E-PER", "O", "W-LOC"],
        ["B-PER", "I-PER", "L-PER", "O", "U-LOC"],
        ["PER-B", "PER-I", "PER-E", "O", "LOC-S"],
        ["I-PER", "I-PER", "E-PER", "O", "E-LOC"],
        ["I-PER", "I-PER", "I-PER", "O", "I-LOC"],
    ],
)
def test_each_scheme_marks_the_same_entities(tags: list[str]) -> None:
    scheme = Scheme.of(tags)
    lengths, kinds = entities(scheme.prefix, scheme.kind, np.array([1, 0, 0, 0, 0]))
    assert lengths.tolist() == [3, 0, 0, 0, 1]
    assert [scheme.kinds[kind] for kind in kinds if kind >= 0] == ["PER", "LOC"]


def test_tags_of_a_test_file_that_mark_nothing_known_mark_no_entity() -> None:
    found = Scheme.of(["O", "B-PER", "X-PER", "strange", "B-ORG"], SCHEME)
    assert found.prefix.tolist() == [0, 1, 0, 0, 1]
    assert found.kinds == ("LOC", "PER", "ORG")
