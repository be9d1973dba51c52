"""From one sequence to another: spelling, sounds, inflection, translation, with default settings.

    OMP_NUM_THREADS=2 python benchmarks/transduce.py [--only TEXT ...] [--draws 1] [--set KEY=VALUE]

Every set is trained by ``duree fit --task transduce`` on its own training, validation and test
files, without any setting; the epoch and all else is chosen on the validation file, from which
baselines and n-grams finally learn too, and the test file is opened once. For each set one line:
the network, its parts and the baselines by the primary metric, and the seconds of the network and
of the whole run. ``--only`` takes sets whose name contains one of the texts; ``--list`` prints the
names. Needs DUREE_DATA (default ../shared/data).

Historical spelling follows Bollmann (2019): pairs that are empty or only punctuation are left out,
NFC, lower case, digits of both sides as 0 where they are equal, blanks as ÷; training parts of
1,000 and 25,000 tokens are drawn at random, with seeds 0, 1, ...; they have no validation file: a
tenth of the tokens themselves is held out.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.workflow import fit

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data"))
SPELLING = {
    "german": "german-ridges",
    "spanish": "spanish-ps18",
    "icelandic": "icelandic-icepahc",
}
TOKENS = {"1000": 1_000, "25000": 25_000, "all": None}
# Columns by place where there are three.
PAIR, FORM = ("source", "target"), ("source", "target", "tags")


class Files(NamedTuple):
    """Training, validation and test pairs."""

    train: pl.DataFrame
    validation: pl.DataFrame | None
    test: pl.DataFrame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--draws", type=int, default=1, help="of the smaller parts of spelling")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    settings = dict(given.split("=", 1) for given in options.set)
    for name, read in sets(options.draws):
        if not any(text in name for text in options.only):
            continue
        if options.list:
            print(name)
            continue
        try:
            files = read()
        except FileNotFoundError as missing:
            print(f"{name}: skipped: there is no {missing.filename}; set DUREE_DATA")
            continue
        measure(name, files, settings)


def sets(draws: int) -> Iterator[tuple[str, Callable[[], Files]]]:
    """The name of each set, and what reads it."""
    for language, file in SPELLING.items():
        for size, tokens in TOKENS.items():
            for seed in range(1 if tokens is None else draws):
                yield f"spelling {language} {size} {seed}", partial(spelling, file, tokens, seed)
    for year, folder in (("2020", ""), ("2021", "medium"), ("2021", "low"), ("2021", "high")):
        place = DATA / "g2p" / year / folder
        for train in sorted(place.glob("*_train.tsv")):
            language = train.name.removesuffix("_train.tsv")
            kind = " ".join(filter(None, ("sounds", year, folder, language)))
            yield kind, partial(tables, place, f"{language}_", ".tsv", PAIR)
    for train in sorted((DATA / "inflection").glob("*.trn")):
        yield f"inflection {train.stem}", partial(inflection, train.stem)
    yield "captions en-de", captions
    yield "classical modern", classical


def measure(name: str, files: Files, settings: dict[str, Any]) -> None:
    """Train with default settings, and print one line."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for part, frame in zip(Files._fields, files, strict=True):
            if frame is not None:
                paths[part] = str(Path(folder) / f"{part}.parquet")
                frame.write_parquet(paths[part])
        data = {
            "files": [paths["train"]],
            "validation_file": paths.get("validation"),
            "test_file": paths["test"],
            "text": "source",
            "target": "target",
            "covariate": [name for name in files.train.columns if name not in PAIR],
        }
        recipe = Recipe.build({"task": "transduce", "data": data}).replace(settings)
        run = fit(recipe, Path(folder) / "run")
        print_line(name, run)


def print_line(name: str, run: Run) -> None:
    """The figures of all models, the primary metric first, and the seconds of training."""
    metrics = run.read_json("metrics.json")
    primary = metrics["primary_metric"]
    shown = [primary, *(["bleu"] if primary == "chrf" else ["exact_unknown", "cer"])]
    cells = []
    for model, figures in metrics["models"].items():
        found = (figures[metric]["value"] for metric in shown if metric in figures)
        cells.append(f"{model} " + "/".join(f"{value:.4g}" for value in found))
    seconds = metrics["seconds"]
    spent = f"train {seconds['train']:.0f} s, total {seconds['total']:.0f} s"
    print(f"{name:28} {'/'.join(shown)}: {'  '.join(cells)}  ({spent})", flush=True)


def spelling(file: str, tokens: int | None, seed: int) -> Files:
    """Historical and modern spelling, as Bollmann (2019) prepares them."""
    train, validation, test = (
        normalised(DATA / "histnorm" / f"{file}.{part}.txt") for part in ("train", "dev", "test")
    )
    if tokens is not None:
        return Files(train.sample(tokens, shuffle=True, seed=seed), None, test)
    return Files(train, validation, test)


def normalised(path: Path) -> pl.DataFrame:
    """The pairs of a file of the collection."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = [unicodedata.normalize("NFC", cell).strip().lower() for cell in line.split("\t")]
        if len(cells) != 2 or not all(cells) or is_punctuation(cells[0]):
            continue
        zeros = [re.sub(r"\d", "0", cell) for cell in cells]
        old, new = zeros if zeros[0] == zeros[1] else cells
        rows.append((old.replace(" ", "÷"), new.replace(" ", "÷")))
    return pl.DataFrame(rows, schema=list(PAIR), orient="row")


def is_punctuation(text: str) -> bool:
    """Whether a text has neither letters nor digits."""
    return all(unicodedata.category(sign)[0] in "PSZ" for sign in text)


def tables(folder: Path, prefix: str, suffix: str, columns: tuple[str, ...]) -> Files:
    """Files without a header, with a column for each name."""
    return Files(
        *(plain(folder / f"{prefix}{part}{suffix}", columns) for part in ("train", "dev", "test"))
    )


def inflection(language: str) -> Files:
    """Lemma, tags and form; the test part has no forms, so the development part is that of test."""
    train, test = (
        plain(DATA / "inflection" / f"{language}.{part}", FORM) for part in ("trn", "dev")
    )
    return Files(train, None, test)


def plain(path: Path, columns: tuple[str, ...]) -> pl.DataFrame:
    """A file with tabs between cells, and nothing quoted."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line]
    return pl.DataFrame(rows, schema=list(columns), orient="row")


def captions() -> Files:
    """English and German captions of Multi30k, and the test part of 2016."""
    parts = ("train", "val", "test_2016_flickr")
    return Files(
        *(
            pl.DataFrame(
                {
                    column: lines(DATA / "multi30k" / f"{part}.{language}.gz")
                    for column, language in zip(PAIR, ("en", "de"), strict=True)
                }
            )
            for part in parts
        )
    )


def lines(path: Path) -> list[str]:
    """The lines of a compressed file."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


def classical() -> Files:
    """Classical and modern Chinese, split by chapter."""
    books = sorted((DATA / "classical_modern").glob("*.tsv.gz"))
    if not books:
        raise FileNotFoundError(2, "", str(DATA / "classical_modern"))
    rows = [line.split("\t") for book in books for line in lines(book)[1:]]
    parts = np.array([row[2] for row in rows])
    pairs = pl.DataFrame([row[3:5] for row in rows], schema=list(PAIR), orient="row")
    return Files(*(pairs.filter(pl.Series(parts == part)) for part in ("train", "dev", "test")))


if __name__ == "__main__":
    main()
