"""Requests and responses of networks that write a text for each text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from duree.sequences.ragged import Ragged
from duree.serving.bodies import answers_of
from duree.serving.texts import Rows

LONG = "the text is far longer than those of training: its output is too short and means nothing"
# Outputs that are shown for typed input.
SHOWN = 5


@dataclass(frozen=True)
class TriedPair:
    """The most probable outputs for a typed text with their probabilities, the best first, and the
    share of its units that do not occur in training, with their number."""

    page: ClassVar[str] = "try_pair.html"
    text: str
    outputs: list[tuple[str, float | None]]
    unseen: float | None
    units: int


class Pairs(Rows):
    """Requests and responses of a network with one text per text."""

    @property
    def explain(self) -> None:
        """None: outputs have no attributions."""
        return None

    def doubted(self, answers: list[dict[str, Any]], sequences: Ragged) -> Iterator[dict[str, Any]]:
        """The outputs, with a warning also for texts that are too long."""
        long = self.model.task.are_too_long(sequences).tolist()
        for answer, is_long in zip(super().doubted(answers, sequences), long, strict=True):
            yield answer | ({"warning": LONG} if is_long else {})

    def as_columns(self, answers: list[dict[str, Any]]) -> list[pl.Series]:
        """Responses as the columns that ``duree predict`` writes."""
        kinds = {"prediction": pl.String, "probability": pl.Float64}
        return [
            pl.Series(name, [answer[name] for answer in answers], dtype=kind)
            for name, kind in kinds.items()
        ]

    def try_typed(self, text: str, covariates: Mapping[str, str]) -> TriedPair:
        """The outputs for a typed text."""
        model = self.model
        text = self.read(model.layout.row_of_text(text, covariates), 1)
        sequence = model.encode(self.series([text]))
        predictions = model.predictions(sequence)
        first = answers_of(model.task, predictions)[0]
        others = [column[0] for column in model.alternatives(sequence, predictions, SHOWN)]
        found = [
            (first["prediction"], first["probability"]),
            *((text, chance) for text, chance in zip(others[::2], others[1::2], strict=True)),
        ]
        unseen = next(iter(self.doubted([{}], sequence)))["unseen"]
        outputs = [(text, chance) for text, chance in found if text is not None]
        return TriedPair(text, outputs, unseen, len(sequence.values))
