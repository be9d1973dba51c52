"""Baselines for one sequence from another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.baselines.alignment import Units
from duree.baselines.joint_ngram import JointNgram
from duree.baselines.lookup import Copy, Lookup
from duree.baselines.nearest_translation import NearestTranslation
from duree.baselines.targets import EQUAL_WEIGHTS, CaseWeights
from duree.baselines.word_translation import WordTranslation
from duree.sequences.padded_outputs import padded_outputs
from duree.sequences.pair_encoder import PairEncoder
from duree.sequences.pair_tags import between_tags, without_tags
from duree.sequences.pair_units import split_text
from duree.sequences.ragged import Ragged


class Transducer(Protocol):
    """A model of targets given their sources.

    Attributes
    ----------
    is_tuned : bool
        Whether there are settings to choose on validation rows; ``learn`` keeps them.
    choices, notes
        See ``Baseline``.
    """

    is_tuned: ClassVar[bool]
    choices: dict[str, Any]
    notes: list[str]

    def fit(
        self,
        sources: Sequence[Units],
        targets: Sequence[Units],
        counts: Sequence[int],
        validation_sources: Sequence[Units],
        validation_targets: Sequence[Units],
    ) -> Self:
        """Learn from training pairs, of which each counts so often; choose on the others."""
        ...

    def learn(
        self, sources: Sequence[Units], targets: Sequence[Units], counts: Sequence[int]
    ) -> Self:
        """Learn from other pairs, with the same settings."""
        ...

    def predict(self, sources: Sequence[Units]) -> list[Units]:
        """The target of each source."""
        ...


WITHOUT_WEIGHTS = "fitted with equal weights for all pairs: it counts them"


class TransductionBaseline:
    """A model of pairs of texts; see ``Baseline`` for its attributes.

    Parameters
    ----------
    name, title, description : str
    model : Transducer
    encoder : PairEncoder
        It gives the units of texts. Models of parts of words get words.
    longest : int
        The most codes of a prediction; longer ones are cut.
    """

    def __init__(
        self,
        name: str,
        title: str,
        description: str,
        model: Transducer,
        encoder: PairEncoder,
        longest: int,
    ) -> None:
        self.name, self.title, self.description = name, title, description
        self.model, self.encoder, self.longest = model, encoder, longest
        self.choices: dict[str, Any] = {}
        self.notes: list[str] = []

    def fit(
        self,
        texts: list[str],
        targets: Ragged,
        validation_texts: list[str],
        validation_targets: Ragged,
        weights: CaseWeights = EQUAL_WEIGHTS,
    ) -> Self:
        """Choose the settings on the validation rows, then learn from all rows.

        Targets are Ragged of codes; see ``PairEncoder.encode_targets``. Weights of rows are not
        used, which a note says.
        """
        train, held_out = (
            self._pairs(texts, targets),
            self._pairs(validation_texts, validation_targets),
        )
        if self.model.is_tuned:
            self.model.fit(*train, [1] * len(texts), *held_out)
        sources, answers = (one + other for one, other in zip(train, held_out, strict=True))
        self.model.learn(sources, answers, [1] * len(sources))
        self.choices, self.notes = self.model.choices, list(self.model.notes)
        if weights.train is not None and not isinstance(self.model, Copy):
            self.notes.append(WITHOUT_WEIGHTS)
        return self

    def predict(self, texts: list[str]) -> NDArray[np.float64]:
        """Float64 [rows, 2 + longest]: NaN, the number of codes, and codes, 0 after the last."""
        found = self.model.predict(self._sources(texts))
        return padded_outputs([(self._codes(units), np.nan) for units in found], self.longest)

    def _pairs(self, texts: list[str], targets: Ragged) -> tuple[list[Units], list[Units]]:
        rows = (targets[row][:-1] for row in range(len(targets)))
        answers = [self.encoder.texts(row[None], np.array([len(row)]))[0] for row in rows]
        return self._sources(texts), [self._target(answer) for answer in answers]

    def _sources(self, texts: list[str]) -> list[Units]:
        if self.encoder.sides.source == "subwords":
            bare = self.encoder.texts_of_sources(pl.Series(texts, dtype=pl.String))
            return [tuple(split_text("subwords", text)) for text in bare]
        return [between_tags(self.encoder.units_of_source(text)) for text in texts]

    def _target(self, text: str) -> Units:
        if self.encoder.sides.target == "subwords":
            return tuple(split_text("subwords", text))
        return self.encoder.units_of_target(text)

    def _codes(self, units: Units) -> list[int]:
        """The codes of a predicted target; tags of a source that was copied write nothing."""
        written = without_tags(units)
        if self.encoder.sides.target == "subwords":
            text = self.encoder.text_of_target(written)
            written = list(self.encoder.units_of_target(text))
        return self.encoder.target_codes(written)


def transduction_baselines(
    encoder: PairEncoder, longest: int, *, sentences: bool
) -> list[TransductionBaseline]:
    """Baselines for words or for sentences.

    Parameters
    ----------
    encoder : PairEncoder
    longest : int
        The most codes of a prediction.
    sentences : bool
        Whether targets are sentences.
    """
    copy = TransductionBaseline(
        "copy", "copy of the source", "the source as it is", Copy(), encoder, longest
    )
    if sentences:
        return [
            copy,
            TransductionBaseline(
                "nearest_translation",
                "target of the nearest source",
                "the target of the training source with the largest cosine of TF-IDF weights "
                "({sparckjones1972})",
                NearestTranslation(),
                encoder,
                longest,
            ),
            TransductionBaseline(
                "word_translation",
                "translation word by word",
                "the most probable translation of each word or character by IBM model 1 "
                "({brown1993}), in the order of the source",
                WordTranslation(),
                encoder,
                longest,
            ),
        ]
    return [
        copy,
        TransductionBaseline(
            "lookup",
            "most frequent target of each source",
            "the most frequent target of each source of training, and other sources as they are",
            Lookup(),
            encoder,
            longest,
        ),
        TransductionBaseline(
            "joint_ngram",
            "joint n-gram",
            "a joint n-gram ({bisani2008}) over pairs aligned by expectation maximisation "
            "({jiampojamarn2007}), with modified Kneser-Ney smoothing ({chen1999}), whose outputs "
            "a log-linear model ({och2002}) weighs together with the targets seen in training",
            JointNgram(),
            encoder,
            longest,
        ),
    ]
