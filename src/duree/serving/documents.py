"""Requests and responses of language models: the surprisal of texts, and texts that go on."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from duree.errors import DataError, DureeError
from duree.network.generate import Sampling
from duree.pipeline.generate import Written, continued, read_prompt
from duree.pipeline.language_model import bits_of, encoder_of, training_texts
from duree.pipeline.run import Run
from duree.sequences.ragged import Ragged
from duree.sequences.surprisal import Surprisal, surprisals
from duree.serving.bodies import AskedSurprisal, AskedTexts, unfit
from duree.serving.rows import Tried
from duree.serving.texts import Rows
from duree.storage import MANIFEST
from duree.tables.layouts.documents import WRITE_ON

# Characters of all texts of a request for surprisal: the answer names each unit.
MOST_CHARACTERS = 100_000
# What the studio writes on: codes, and texts.
STUDIO_LENGTH, STUDIO_TEXTS = 200, 3


@dataclass(frozen=True)
class TriedText:
    """A typed text with the bits of its words."""

    page: ClassVar[str] = "try_text.html"
    text: str
    places: list[tuple[int, int]]
    values: list[float]
    units: int
    bits: float


@dataclass(frozen=True)
class TriedTexts:
    """Texts that go on from a typed one; the passages that stand in the training text are marked.
    ``unknown``: its characters that do not occur in training; ``unread``: the training text is
    gone."""

    page: ClassVar[str] = "try_texts.html"
    prompt: str
    texts: list[list[tuple[str, bool]]]
    unknown: str
    unread: bool


class DocumentRows(Rows):
    """Requests and responses of a network that gives texts probabilities."""

    @property
    def explain(self) -> None:
        """None: surprisal needs no explanation."""
        return None

    def answers(self, texts: list[str]) -> list[dict[str, Any]]:
        """The surprisal of each text as a whole."""
        sequences = self.model.encode(self.series(texts))
        return self._answers(texts, sequences, bits_of(self.model, sequences))

    def _answers(self, texts: list[str], sequences: Ragged, bits: Ragged) -> list[dict[str, Any]]:
        """The same, of encoded texts with the bits of their codes."""
        counts = encoder_of(self.model).counted(self.series(texts)).sums().astype(np.int64)
        answers = [
            _sums(total, count, length)
            for total, (count, length) in zip(bits.sums(), counts[:, :2].tolist(), strict=True)
        ]
        return list(self.doubted(answers, sequences))

    def as_columns(self, answers: list[dict[str, Any]]) -> list[pl.Series]:
        """The sums as columns."""
        names = ("bits", "units", "characters", "perplexity")
        return [pl.Series(name, [answer[name] for answer in answers]) for name in names]

    def surprisal(self, asked: AskedSurprisal) -> list[dict[str, Any]]:
        """The sums of each text, and the bits of each of its units, words or sentences.

        Raises
        ------
        HTTPException
            422: a row does not fit, or the texts are too long for one request.
        """
        texts = [self.read(row, number) for number, row in enumerate(asked.rows, start=1)]
        if sum(map(len, texts)) > MOST_CHARACTERS:
            most = f"all texts of a request may have {MOST_CHARACTERS:,} characters"
            raise unfit(len(texts), f"{most}: send fewer, or use duree surprisal")
        sequences = self.model.encode(self.series(texts))
        bits = bits_of(self.model, sequences)
        scored = surprisals(texts, encoder_of(self.model), bits)
        shown = ("text", "begin", "end", "units", "bits")
        return [
            answer | {"parts": one.table(asked.by).select(shown).to_dicts()}
            for answer, one in zip(self._answers(texts, sequences, bits), scored, strict=True)
        ]

    def generate(self, asked: AskedTexts) -> dict[str, Any]:
        """Texts that continue a prompt, with the passages that they copy."""
        sampling = Sampling(asked.length, asked.temperature, asked.top_p, asked.seed)
        texts, unknown, trained = self._continued(asked.prompt, asked.count, sampling)
        warnings = [finding.message("en") for finding in unknown]
        if trained is None:
            warnings.append("the training text is gone: copied passages were not looked for")
        return {
            "texts": [
                {
                    "text": one.text,
                    "ended": one.ended,
                    "units": one.units,
                    "bits": one.bits,
                    "copied": None
                    if one.copied is None
                    else [{"begin": begin, "end": end} for begin, end in one.copied],
                }
                for one in texts
            ],
            "warning": "; ".join(warnings) or None,
        }

    def try_typed(self, text: str, covariates: Mapping[str, str]) -> Tried:
        """A typed text with the bits of its words."""
        if not text.strip():
            raise DataError("no text was given", fix="write or paste one")
        bits = bits_of(self.model, self.model.encode(self.series([text])))
        found = Surprisal.of(text, encoder_of(self.model), bits[0])
        words = found.table("word")
        places = list(zip(words["begin"].to_list(), words["end"].to_list(), strict=True))
        total = float(found.bits.sum())
        return TriedText(text, places, words["bits"].to_list(), len(found.bits), total)

    def try_action(self, action: str, text: str, covariates: Mapping[str, str]) -> Tried:
        """A typed text shaded, or texts that go on from it, others each time."""
        if action != WRITE_ON:
            return self.try_typed(text, covariates)
        sampling = Sampling(STUDIO_LENGTH, seed=secrets.randbits(32))
        texts, unknown, trained = self._continued(text, STUDIO_TEXTS, sampling)
        characters = str(unknown[0].values["characters"]) if unknown else ""
        return TriedTexts(text, [_marked(one) for one in texts], characters, trained is None)

    def _continued(
        self, prompt: str, count: int, sampling: Sampling
    ) -> tuple[list[Written], list[Any], tuple[str, ...] | None]:
        codes, unknown = read_prompt(self.model, prompt)
        trained = None if self.run is None else _training(self.run)
        return continued(self.model, codes, range(count), sampling, trained), unknown, trained


def _sums(bits: float, units: int, characters: int) -> dict[str, Any]:
    return {
        "bits": bits,
        "units": units,
        "characters": characters,
        "perplexity": 2.0 ** (bits / units),
    }


def _marked(one: Written) -> list[tuple[str, bool]]:
    """A text in pieces, each with whether it is copied."""
    pieces, end = list[tuple[str, bool]](), 0
    for begin, stop in one.copied or []:
        pieces += [(one.text[end:begin], False), (one.text[begin:stop], True)]
        end = stop
    return [piece for piece in [*pieces, (one.text[end:], False)] if piece[0]]


def _training(run: Run) -> tuple[str, ...] | None:
    """The training texts of a run; None where its files are gone or have changed."""
    manifest = run.folder / "model" / MANIFEST
    return _read_training(str(run.folder), manifest.stat().st_mtime if manifest.exists() else 0.0)


@lru_cache(maxsize=1)
def _read_training(folder: str, stamp: float) -> tuple[str, ...] | None:
    try:
        return tuple(training_texts(Run(Path(folder))))
    except (DureeError, OSError):
        return None
