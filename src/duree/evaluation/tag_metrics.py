"""Metrics of sequence labelling: tag accuracy, and entities as conlleval counts them.

Targets and predictions are flat: a row is a word. The first word of each sentence is marked, so
that sentences can be concatenated in any order, as resampling does.

Source: Tjong Kim Sang & Buchholz 2000 (CoNLL-2000), for the rules of conlleval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from duree.evaluation import weighted_metrics as weighted
from duree.evaluation.metrics import MetricSet
from duree.evaluation.weighted_metrics import Floats, Weighted
from duree.results.entity_tags import are_suffixed, split_tag
from duree.results.metric import (
    ENTITY_F1,
    ENTITY_PRECISION,
    ENTITY_RECALL,
    TAG_ACCURACY,
    UNSEEN_ACCURACY,
    layer_accuracy,
)

Ints = NDArray[np.int64]

# The columns of the targets: whether the word is its sentence's first, whether it does not occur in
# training, the length in words of the entity that begins here (0: none), its kind, then each layer.
FIRST, UNSEEN, LENGTH, KIND, LAYERS = range(5)
# Tables of more classes than this cannot be read.
MOST_CLASSES = 60

# Letters of tags: L and U of BILOU, and M and W of BMEWO, correspond to E, S, I and S of BIOES.
PREFIXES = {"O": 0, "B": 1, "I": 2, "E": 3, "S": 4, "L": 3, "U": 4, "M": 2, "W": 4}
OUTSIDE, BEGIN, INSIDE, END, SINGLE = range(5)


@dataclass(frozen=True)
class Scheme:
    """Tags split into prefix and kind of entity.

    Attributes
    ----------
    prefix, kind : int64 [tags]
    kinds : tuple of str
        In alphabetical order.
    suffixed : bool
        Whether tags have the form ``PER-B``.
    """

    prefix: Ints
    kind: Ints
    kinds: tuple[str, ...]
    suffixed: bool = False

    @classmethod
    def of(cls, tags: Sequence[str], like: Scheme | None = None) -> Scheme:
        """From tags like ``O``, ``B-PER``, ``I-PER`` or ``PER-B``; kinds of ``like`` come first.

        Tags of another form, which only a test file can have beside ``like``, mark no entities.
        """
        suffixed = like.suffixed if like else are_suffixed(tags)
        pieces = [split_tag(tag, suffixed=suffixed) for tag in tags]
        pieces = [piece if piece[0] in PREFIXES else ("O", "") for piece in pieces]
        kinds = like.kinds if like else ()
        names = [*kinds, *sorted({kind for _, kind in pieces if kind} - set(kinds))]
        places = {name: place for place, name in enumerate(names)}
        return cls(
            np.array([PREFIXES[prefix] for prefix, _ in pieces], dtype=np.int64),
            np.array([places.get(kind, -1) for _, kind in pieces], dtype=np.int64),
            tuple(names),
            suffixed,
        )


def entities(prefix: Ints, kind: Ints, first: NDArray[Any]) -> tuple[Ints, Ints]:
    """The entities that begin at each word: their length in words (0: none begins), and kind.

    A tag that breaks the scheme is read as conlleval reads it: an ``I-`` after ``O``, or after
    another kind, begins an entity.

    Parameters
    ----------
    prefix, kind : int64 [words]
    first : [words]
        Not zero where a sentence begins.
    """
    lengths, kinds = np.zeros_like(prefix), np.full_like(kind, -1)
    if len(prefix) == 0:
        return lengths, kinds
    begins, ends = _edges(prefix, kind, first.astype(bool))
    opened, closed = np.flatnonzero(begins), np.flatnonzero(ends)
    lengths[opened] = closed - opened + 1
    kinds[opened] = kind[opened]
    return lengths, kinds


def breaks(prefix: Ints, kind: Ints, first: NDArray[Any]) -> NDArray[np.bool_]:
    """Which words continue an entity that has not begun, bool [words]."""
    inside = (prefix == INSIDE) | (prefix == END)
    return np.asarray(inside & ~_goes_on(prefix, kind, first.astype(bool)))


def tagging_metrics(layers: Sequence[str], tags: Sequence[str], scheme: Scheme | None) -> MetricSet:
    """The metrics of one or several layers of tags; the primary metric is of the first.

    Predictions are float64 [words, 2 * layers]: for each layer the index of the predicted tag, then
    its probability. Targets are int64 [words, 4 + layers]; see ``FIRST``.

    Parameters
    ----------
    layers : sequence of str
        Their names.
    tags : sequence of str
        Of the first layer.
    scheme : Scheme or None
        Of the first layer's tags, if they mark entities.
    """

    def prepare(predictions: Floats, targets: NDArray[Any]) -> dict[str, Weighted]:
        given = predictions[:, ::2].astype(np.int64)
        right = (given == targets[:, LAYERS:]).astype(np.float64)
        found: dict[str, Weighted] = {}
        if scheme is not None:
            found |= _entity_metrics(given[:, 0], targets, scheme)
        found["accuracy"] = weighted.mean(right[:, 0])
        unseen = targets[:, UNSEEN].astype(np.float64)
        found["unseen_accuracy"] = _share(right[:, 0] * unseen, unseen)
        for place, layer in enumerate(layers[1:], start=1):
            found[layer_accuracy(layer).name] = weighted.mean(right[:, place])
        if scheme is None and len(tags) <= MOST_CLASSES:
            classes = np.arange(len(tags))
            marks = given[:, :1] == classes, targets[:, LAYERS, None] == classes
            found |= weighted.class_counts(*marks)
        return found

    of_entities = () if scheme is None else (ENTITY_F1, ENTITY_PRECISION, ENTITY_RECALL)
    further = (layer_accuracy(layer) for layer in layers[1:])
    metrics = (*of_entities, TAG_ACCURACY, UNSEEN_ACCURACY, *further)
    return MetricSet(metrics, (metrics[0].name, 0.0), False, prepare, counted="tokens")


def _entity_metrics(given: Ints, targets: NDArray[Any], scheme: Scheme) -> dict[str, Weighted]:
    prefix, kind = scheme.prefix[given], scheme.kind[given]
    length, kind = entities(prefix, kind, targets[:, FIRST])
    found, actual = length > 0, targets[:, LENGTH] > 0
    hit = found & (length == targets[:, LENGTH]) & (kind == targets[:, KIND])
    hits, guesses, truths = (marks.astype(np.float64) for marks in (hit, found, actual))
    kinds = np.arange(len(scheme.kinds))
    by_kind = {
        "class_hits": (kind, hit),
        "class_given": (kind, found),
        "class_actual": (targets[:, KIND], actual),
    }
    counts = {
        name: sparse.csr_array(((of[:, None] == kinds) & marks[:, None]).T, dtype=np.float64)
        for name, (of, marks) in by_kind.items()
    }
    return {
        "entity_f1": _share(2 * hits, guesses + truths),
        "entity_precision": _share(hits, guesses),
        "entity_recall": _share(hits, truths),
    } | {name: rows.__matmul__ for name, rows in counts.items()}


def _share(above: Floats, below: Floats) -> Weighted:
    return lambda weights: weighted.ratio(above @ weights, below @ weights)


def _edges(
    prefix: Ints, kind: Ints, first: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which words begin, and which end, an entity; both are equally many."""
    in_one, goes_on = prefix != OUTSIDE, _goes_on(prefix, kind, first)
    begins = in_one & ~goes_on
    ends = in_one & ~np.append(goes_on[1:], False)
    return begins, ends


def _goes_on(prefix: Ints, kind: Ints, first: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which words continue the entity of the word before them.

    conlleval: one ends before ``O``, ``B`` and ``S``, after ``E`` and ``S``, and where the kind or
    the sentence changes; any tag there other than ``O`` begins another.
    """
    found = np.zeros(len(prefix), dtype=bool)
    before, after = prefix[:-1], prefix[1:]
    found[1:] = ((after == INSIDE) | (after == END)) & ((before == BEGIN) | (before == INSIDE))
    found[1:] &= (kind[1:] == kind[:-1]) & ~first[1:]
    return found
