"""Texts that a language model writes, for ``duree generate``, and what they copy from training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from duree.errors import DureeError
from duree.evaluation.copied_passages import FEWEST_CHARACTERS, FEWEST_WORDS, copied_passages
from duree.network.generate import BLOCK, Sampling, draw_texts
from duree.network.language_model import LanguageModel
from duree.pipeline.language_model import encoder_of, language_model_of, rate_of, training_texts
from duree.pipeline.model import TrainedModel
from duree.pipeline.predict import made_from, written
from duree.pipeline.run import Run
from duree.sequences.language_encoder import LanguageEncoder
from duree.sequences.ragged import END, UNKNOWN
from duree.tables.files.resumable import Pieces
from duree.tables.files.write import require_writable
from duree.tables.finding import Finding

# Unknown characters of a prompt that are named.
UNKNOWN_SHOWN = 20


@dataclass(frozen=True)
class Written:
    """One text.

    Attributes
    ----------
    number : int
        From 1.
    text : str
        Without the prompt.
    units : int
        Codes that were drawn, without the end.
    ended : bool
        Whether the model ended it; otherwise it has the full length.
    bits : float
        Its surprisal to the model, given the prompt.
    copied : list of (begin, end), or None
        Passages that stand in the training text, in characters; None where that cannot be read.
    """

    number: int
    text: str
    units: int
    ended: bool
    bits: float
    copied: list[tuple[int, int]] | None

    @property
    def copied_share(self) -> float | None:
        """The share of the text's characters in such passages."""
        if self.copied is None:
            return None
        return sum(end - begin for begin, end in self.copied) / max(len(self.text), 1)


def write_texts(
    folder: Path | str,
    prompt: str,
    count: int,
    sampling: Sampling,
    output: Path | None = None,
    *,
    raw: bool = False,
    progress: Callable[[int, int | None], None] = lambda done, rows: None,
) -> tuple[list[Written], list[Finding]]:
    """Texts by a run's language model that continue a prompt.

    Text k depends on the seed and k alone. With ``output`` they are written as a table, and an
    interrupted call continues when it is repeated; otherwise they are returned.

    Passages of eight or more words (of characters: of thirty or more) that stand in the training
    or validation text are marked. That text is read from the run's files; a finding says where
    they are gone.

    Raises
    ------
    DataError
        The file cannot be written.
    RunError
        The run has no language model.
    """
    run = Run(folder)
    model = language_model_of(run)
    if output is not None:
        require_writable(output)
    codes, found = read_prompt(model, prompt)
    trained, unread = _training(run)
    found += unread
    blocks = [range(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]

    def drawn(numbers: range) -> list[Written]:
        return continued(model, codes, numbers, sampling, trained)

    if output is None:
        texts = []
        for numbers in blocks:
            texts += drawn(numbers)
            progress(len(texts), count)
        return texts, found + list(_copied(texts))
    replaced = output.exists()
    chosen = {"prompt": prompt, "count": count} | asdict(sampling)
    note = made_from(run, run.folder) | chosen | {"training": trained is not None}
    with Pieces(output, note) as pieces:
        for numbers in blocks[pieces.count :]:
            pieces.add(_table(drawn(numbers), prompt))
            progress(pieces.rows, count)
        columns = ("number", "text", "copied_share", "copied")
        copied = pieces.scan().select(columns).filter(pl.col("copied_share") > 0).collect()
        found = [written(output, pieces.rows, replaced), *found, *_copied_in(copied)]
        return [], found + pieces.put_together(raw=raw)


def continued(
    model: TrainedModel,
    prompt: Sequence[int],
    numbers: Sequence[int],
    sampling: Sampling,
    trained: Sequence[str] | None,
) -> list[Written]:
    """Texts by number, from 0, and what they copy from ``trained``, the training texts."""
    encoder = encoder_of(model)
    drawn = draw_texts(cast(LanguageModel, model.network), prompt, numbers, sampling)
    texts = [_after(encoder, prompt, one.codes) for one in drawn]
    copied: list[list[tuple[int, int]] | None] = [None] * len(texts)
    if trained is not None:
        by_words = rate_of(model) != "bits_per_character"
        copied = list(copied_passages(texts, trained, words=by_words))
    return [
        Written(number + 1, text, len(one.codes), one.ended, one.nats / math.log(2), spans)
        for number, text, one, spans in zip(numbers, texts, drawn, copied, strict=True)
    ]


def read_prompt(model: TrainedModel, prompt: str) -> tuple[list[int], list[Finding]]:
    """The codes of a prompt, and the finding on its characters that do not occur in training."""
    codes = [code for code in model.encode(pl.Series([prompt]))[0].tolist() if code != END]
    if UNKNOWN not in codes:
        return codes, []
    unknown = [
        sign
        for sign in dict.fromkeys(prompt)
        if UNKNOWN in model.encode(pl.Series([sign]))[0].tolist()
    ]
    what = "characters of the prompt that do not occur in the training texts: {characters}"
    fix = "the network reads all of them as the same unknown character"
    shown = " ".join(unknown[:UNKNOWN_SHOWN])
    return codes, [Finding("unknown_prompt", "warning", what, fix, {"characters": shown})]


def _after(encoder: LanguageEncoder, prompt: Sequence[int], codes: Sequence[int]) -> str:
    """What codes add to the text of a prompt; the blank between them belongs to it."""
    before, whole = encoder.text_of(prompt), encoder.text_of([*prompt, *codes])
    return whole[len(before) :] if whole.startswith(before) else f" {encoder.text_of(codes)}"


def _training(run: Run) -> tuple[list[str] | None, list[Finding]]:
    """The training texts, and the finding that they cannot be read."""
    try:
        return training_texts(run), []
    except (DureeError, OSError) as error:
        what = "passages that stand in the training text were not looked for: {reason}"
        reason = error.message() if isinstance(error, DureeError) else str(error)
        return None, [Finding("no_training_text", "warning", what, values={"reason": reason})]


def _table(texts: list[Written], prompt: str) -> pl.DataFrame:
    """The texts as rows of the output."""
    return pl.DataFrame(
        {
            "number": [one.number for one in texts],
            "prompt": [prompt] * len(texts),
            "text": [one.text for one in texts],
            "units": [one.units for one in texts],
            "ended": [one.ended for one in texts],
            "bits": [one.bits for one in texts],
            "copied_share": [one.copied_share for one in texts],
            "copied": [
                None if one.copied is None else [one.text[begin:end] for begin, end in one.copied]
                for one in texts
            ],
        },
        schema_overrides={"copied_share": pl.Float64, "copied": pl.List(pl.String)},
    )


def _copied(texts: list[Written]) -> Iterator[Finding]:
    """The findings on texts that copy passages."""
    table = _table([one for one in texts if one.copied], "")
    yield from _copied_in(table)


def _copied_in(rows: pl.DataFrame) -> Iterator[Finding]:
    """One finding for all texts that copy passages, with the longest of these."""
    if not len(rows):
        return
    passages = rows["copied"].explode()
    longest = passages[int(np.argmax(passages.str.len_chars().to_numpy()))]
    yield Finding(
        "copied",
        "warning",
        "texts with passages of {words} or more words, or of {characters} or more characters where "
        "units are characters, that stand in the training text: {count}, the longest: {longest!r}",
        "they are quotations, not new text",
        {
            "words": FEWEST_WORDS,
            "characters": FEWEST_CHARACTERS,
            "count": len(rows),
            "longest": longest,
        },
    )
