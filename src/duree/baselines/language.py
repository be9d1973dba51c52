"""Baselines of language models: n-grams, unigrams, a cache, and no knowledge at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from duree.baselines.kneser_ney import KneserNey
from duree.baselines.mixture import mixed, mixture_share
from duree.baselines.targets import EQUAL_WEIGHTS, CaseWeights
from duree.sequences.language_encoder import divide_unknown
from duree.sequences.ragged import Ragged

Floats = NDArray[np.float64]
# The log-probability, in nats, of each code of documents, given those before it: float64 [codes].
Score = Callable[[Ragged], Floats]

KNESER_NEY = "kneser_ney"
# Orders of n-grams that are tried, until a longer one no longer helps; and the most n-grams, of
# which each takes about 40 bytes, and three times as much while they are counted.
ORDERS, MOST_NGRAMS = (2, 3, 4, 5, 6, 8, 10), 50_000_000
# The units before a unit that the cache counts.
CACHE = 500


def fit_ngrams(training: Ragged, validation: Ragged, codes: int) -> tuple[int, Floats]:
    """The best order of n-grams by the validation documents, and their log-probabilities."""
    best: tuple[int, Floats] | None = None
    for order in ORDERS:
        if best is not None and order * len(training.values) > MOST_NGRAMS:
            break
        found = scored(KneserNey.fit(training, order, codes), validation)
        if best is not None and found.sum() <= best[1].sum():
            break
        best = order, found
    assert best is not None
    return best


def scored(model: KneserNey, documents: Ragged) -> Floats:
    """The log-probability of each code by an n-gram model: float64 [codes]."""
    return divide_unknown(model.log_probabilities(documents), documents.values)


def cache_shares(documents: Ragged) -> Floats:
    """The share of each code among the ``CACHE`` codes before it in its document: float64 [codes];
    NaN for the first."""
    values = documents.values.astype(np.int64)
    places = np.arange(len(values))
    first = np.repeat(documents.offsets[:-1], documents.lengths)
    begins = np.maximum(places - CACHE, first)
    # Sorted by code, then by place: the earlier ones of a code from a place on are neighbours.
    order = np.argsort(values, kind="stable")
    keys = values[order] * (len(values) + 1) + order
    rank = np.empty_like(order)
    rank[order] = places
    counts = rank - np.searchsorted(keys, values * (len(values) + 1) + begins)
    with np.errstate(invalid="ignore"):
        return np.asarray(counts / (places - begins))


class LanguageBaseline:
    """A language model as a ``Baseline`` of texts, which are their own targets.

    Parameters
    ----------
    name, title, description : str
        See ``Baseline``.
    learn : (training, validation) -> Score, {choice: value}
        Tunes on the validation documents, then fits to all.
    """

    def __init__(
        self,
        name: str,
        title: str,
        description: str,
        learn: Callable[[Ragged, Ragged], tuple[Score, dict[str, Any]]],
    ) -> None:
        self.name, self.title, self.description, self.learn = name, title, description, learn
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: Any,
        targets: Any,
        validation_texts: Any,
        validation_targets: Any,
        weights: CaseWeights = EQUAL_WEIGHTS,
    ) -> Self:
        """Fit the model; texts are lists of arrays of codes."""
        documents = map(Ragged.from_rows, (texts, validation_texts))
        self.score, self.choices = self.learn(*documents)
        return self

    def predict(self, texts: Any) -> Floats:
        """The log-probability of each code, in nats: float64 [codes, 1]."""
        return self.score(Ragged.from_rows(texts))[:, None]


def language_baselines(codes: int, possible: int, order: int) -> Sequence[LanguageBaseline]:
    """The baselines.

    Parameters
    ----------
    codes : int
        The size of the vocabulary.
    possible : int
        How many of its codes can occur in a text.
    order : int
        That of the n-grams, as chosen on the validation documents; 0: not chosen yet.
    """

    def uniform(training: Ragged, validation: Ragged) -> tuple[Score, dict[str, Any]]:
        def score(documents: Ragged) -> Floats:
            equal = np.full(len(documents.values), -np.log(possible))
            return divide_unknown(equal, documents.values)

        return score, {}

    def unigram(training: Ragged, validation: Ragged) -> tuple[Score, dict[str, Any]]:
        return _all_known(training, validation, 1, codes), {}

    def cache(training: Ragged, validation: Ragged) -> tuple[Score, dict[str, Any]]:
        of_training = KneserNey.fit(training, 1, codes)
        seen = cache_shares(validation)
        some = ~np.isnan(seen)
        plain = scored(of_training, validation)[some]
        with np.errstate(divide="ignore"):
            share = mixture_share(np.log(seen[some]), plain)
        of_all = _all_known(training, validation, 1, codes)

        def score(documents: Ragged) -> Floats:
            found, shares = of_all(documents), cache_shares(documents)
            some = ~np.isnan(shares)
            with np.errstate(divide="ignore"):
                found[some] = mixed(np.log(shares[some]), found[some], share)
            return found

        return score, {"share_of_cache": share}

    def ngrams(training: Ragged, validation: Ragged) -> tuple[Score, dict[str, Any]]:
        chosen = order or fit_ngrams(training, validation, codes)[0]
        return _all_known(training, validation, chosen, codes), {"order": chosen}

    return [
        LanguageBaseline(
            "uniform", "equal probabilities", "equal probabilities of all units", uniform
        ),
        LanguageBaseline("unigram", "unigram model", "the frequency of each unit", unigram),
        LanguageBaseline(
            "cache",
            "cache model",
            "the frequency of each unit, mixed with that among the 500 before it ({kuhn1990})",
            cache,
        ),
        LanguageBaseline(
            KNESER_NEY,
            "Kneser-Ney n-grams",
            "n-grams with modified Kneser-Ney smoothing ({chen1999})",
            ngrams,
        ),
    ]


def _all_known(training: Ragged, validation: Ragged, order: int, codes: int) -> Score:
    """The n-gram model of all documents."""
    model = KneserNey.fit(training.followed_by(validation), order, codes)
    return lambda documents: scored(model, documents)
