"""What the page of surprisal shows, of documents that have been scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from duree.evaluation.change_points import LEAST, change_points
from duree.pipeline.language_model import bits_of, encoder_of, rate_of
from duree.pipeline.model import TrainedModel
from duree.pipeline.predict import pieces_like
from duree.pipeline.run import Run
from duree.results.surprisal import Along, Comparison, ShownText, SurprisalData
from duree.sequences.surprisal import Surprisal, surprisals
from duree.tables.columns import find_column
from duree.tables.table import FILE

# Documents that are shown, all of them or the most and the least surprising; characters of each.
MOST_TEXTS, CHARACTERS = 12, 60_000
# Shorter documents are extreme by chance.
FEWEST_UNITS = 30
# Units from which surprisal is followed along a text; units of a passage: a hundredth of the text,
# within bounds.
LONG_TEXT = 2_000
SHORTEST, LONGEST, WANTED = 50, 500, 100
# With fewer passages there is no change to find.
FEWEST_PASSAGES = 2 * LEAST
# Decimals of the bits of words; characters that are quoted at a change.
DIGITS, QUOTED = 3, 120


def page_data(
    run: Run,
    model: TrainedModel,
    data: Path,
    documents: pl.DataFrame,
    comparison: Comparison | None,
) -> SurprisalData:
    """The page of a table whose ``documents`` have been scored: ``document``, ``units``,
    ``characters``, ``bits``, ``in_training``."""
    rate = rate_of(model)
    rows, order = chosen_documents(documents, rate)
    texts = _texts(run, model, data, rows)
    found = [
        _shown(model, documents.row(row, named=True), *texts[row], run.recipe.seed) for row in rows
    ]
    return SurprisalData(
        run=run.folder.resolve().name,
        data=data.name,
        documents=len(documents),
        trained=int(documents["in_training"].sum()),
        units=int(documents["units"].sum()),
        characters=int(documents["characters"].sum()),
        bits=float(documents["bits"].sum()),
        rate=rate,
        order=order,
        texts=found,
        comparison=comparison,
    )


def chosen_documents(documents: pl.DataFrame, rate: str) -> tuple[list[int], str]:
    """The places of the documents that are shown, and what order they have."""
    if len(documents) <= MOST_TEXTS:
        return list(range(len(documents))), "all"
    count = documents["characters" if rate == "bits_per_character" else "units"]
    fit = (documents["units"] >= FEWEST_UNITS) & ~documents["in_training"]
    if int(fit.sum()) < MOST_TEXTS:
        return list(range(MOST_TEXTS)), "first"
    rates = (documents["bits"] / count).to_numpy()
    places = np.flatnonzero(fit.to_numpy())
    ranked = places[np.argsort(-rates[places], kind="stable")].tolist()
    return [*ranked[: MOST_TEXTS // 2], *ranked[-MOST_TEXTS // 2 :]], "extreme"


def _texts(
    run: Run, model: TrainedModel, data: Path, rows: list[int]
) -> dict[int, tuple[str, str]]:
    """The text of some rows of a table, from 0, and their names."""
    wanted, found, begun = set(rows), dict[int, tuple[str, str]](), 0
    for table in pieces_like(run, data, model, 0, lambda finding: None):
        here = [row - begun for row in wanted if begun <= row < begun + len(table)]
        columns = table.frame.columns
        named = find_column(columns, run.recipe.data.id) or find_column(columns, FILE)
        texts = model.texts(table)
        for row in here:
            name = "" if named not in columns else str(table.frame[named][row])
            found[begun + row] = (texts[row] or "", name)
        begun += len(table)
    return found


def _shown(
    model: TrainedModel, sums: dict[str, object], text: str, name: str, seed: int
) -> ShownText:
    """One document of a table, with its columns ``sums``."""
    sequence = model.encode(pl.Series([text]))
    found = surprisals([text], encoder_of(model), bits_of(model, sequence))[0]
    shown = shown_text(found, CHARACTERS, seed)
    row, is_trained = int(str(sums["document"])), bool(sums["in_training"])
    return shown.model_copy(update={"row": row, "name": name, "in_training": is_trained})


def shown_text(found: Surprisal, characters: int, seed: int) -> ShownText:
    """A document with the bits of its words, of which at most so many characters are shown."""
    words = found.table("word").filter(pl.col("end") <= characters)
    end = len(found.text)
    if end > characters:
        end = max([*words["end"].to_list(), 0]) or characters
    return ShownText(
        row=1,
        name="",
        in_training=False,
        units=len(found.bits),
        bits=float(found.bits.sum()),
        per_character=float(found.bits.sum()) / max(len(found.text), 1),
        text=found.text[:end],
        cut=len(found.text) - end,
        places=list(zip(words["begin"].to_list(), words["end"].to_list(), strict=True)),
        values=[round(value, DIGITS) for value in words["bits"].to_list()],
        along=_along(found, seed) if len(found.bits) >= LONG_TEXT else None,
    )


def _along(found: Surprisal, seed: int) -> Along | None:
    """Surprisal by passages of whole sentences, and the places where it changes; None where there
    are too few."""
    sentences = found.table("sentence").select("begin", "units", "bits")
    units = sentences["units"].to_numpy()
    size = int(np.clip(len(found.bits) // WANTED, SHORTEST, LONGEST))
    firsts, held = [0], 0
    for place, count in enumerate(units.tolist()):
        if held >= size:
            firsts.append(place)
            held = 0
        held += count
    if held < size / 2 and len(firsts) > 1:  # a short rest joins the last passage
        firsts.pop()
    if len(firsts) < FEWEST_PASSAGES:
        return None
    sums = np.add.reduceat(sentences["bits"].to_numpy(), firsts)
    values = sums / np.add.reduceat(units, firsts)
    begins = sentences["begin"].gather(firsts).to_list()
    changes = change_points(values, np.random.default_rng(seed))
    return Along(
        begins=begins,
        values=values.tolist(),
        changes=changes,
        quotes=[found.text[begins[at] : begins[at] + QUOTED] for at in changes],
        units=size,
    )
