"""Speed and exactness of `duree surprisal`, on the Penn Treebank with a word model of default size.

    OMP_NUM_THREADS=2 python benchmarks/surprisal.py [--words 1000000] [--minutes 2]

A network is trained for some minutes on the first 300,000 words of the training file. Then up to so
many words of that file are scored, in documents of 20 lines, by word: seconds, CPU seconds (with
two threads idle otherwise, half of these pass) and memory. Bits by unit, word and sentence must add
up to those of documents; of 100 documents of the test file, all must be more surprising when their
words are shuffled. Needs DUREE_DATA (default ../shared/data).
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from duree.pipeline.run import Run
from duree.pipeline.surprisal import By, write_surprisal
from duree.recipe.recipe import Recipe
from duree.workflow import fit

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "ptb"
TRAINED, LINES = 300_000, 20
PARTS: tuple[By, ...] = ("sentence", "word", "unit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=2.0)
    options = parser.parse_args()
    if not DATA.exists():
        print(f"skipped: there is no {DATA}; set DUREE_DATA")
        return
    lines = (DATA / "ptb.train.txt").read_text().splitlines(keepends=True)
    with tempfile.TemporaryDirectory() as folder:
        run = trained(lines, Path(folder), options.minutes)
        documents = in_documents(first_words(lines, options.words))
        print_speed(run, documents, Path(folder))
        print_sums(run, documents[:50], Path(folder))
        test = (DATA / "ptb.test.txt").read_text().splitlines(keepends=True)
        print_shuffled(run, in_documents(test)[:100], Path(folder))


def trained(lines: list[str], folder: Path, minutes: float) -> Run:
    """A run with the sizes that texts of words get."""
    pl.DataFrame({"text": in_documents(first_words(lines, TRAINED))}).write_parquet(
        folder / "train.parquet"
    )
    data = {"files": [str(folder / "train.parquet")], "text": "text"}
    recipe = Recipe.build({"task": "language", "data": data})
    settings = {"training.max_minutes": minutes, "evaluation.baselines": False}
    return fit(recipe.replace(settings), folder / "run")


def first_words(lines: list[str], words: int) -> list[str]:
    """The first lines with so many words."""
    counts = np.cumsum([len(line.split()) for line in lines])
    return lines[: int(np.searchsorted(counts, words)) + 1]


def in_documents(lines: list[str]) -> list[str]:
    return ["".join(lines[begin : begin + LINES]) for begin in range(0, len(lines), LINES)]


def scored(run: Run, documents: list[str], folder: Path, by: By) -> pl.DataFrame:
    pl.DataFrame({"text": documents}).write_parquet(folder / "new.parquet")
    write_surprisal(run.folder, folder / "new.parquet", folder / "bits.parquet", by=by)
    return pl.read_parquet(folder / "bits.parquet")


def print_speed(run: Run, documents: list[str], folder: Path) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    found = scored(run, documents, folder, "word")
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    words = sum(len(document.split()) for document in documents)
    bits = float(found["bits"].sum()) / int(found["units"].sum())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{words} words, {len(documents)} documents: {seconds:.1f} s, {used:.1f} CPU seconds "
        f"({1e6 * used / words:.1f} per million words), {memory:.0f} MB at most with training; "
        f"{bits:.3f} bits per unit"
    )


def print_sums(run: Run, documents: list[str], folder: Path) -> None:
    whole = scored(run, documents, folder, "document")["bits"].to_numpy()
    for by in PARTS:
        parts = scored(run, documents, folder, by).group_by("document", maintain_order=True)
        sums = parts.agg(pl.col("bits").sum())["bits"].to_numpy()
        print(f"bits by {by}: largest difference from documents {np.abs(sums - whole).max():.1e}")


def print_shuffled(run: Run, documents: list[str], folder: Path) -> None:
    rng = np.random.default_rng(0)
    shuffled = [" ".join(rng.permutation(document.split())) for document in documents]
    plain = [" ".join(document.split()) for document in documents]
    bits = scored(run, [*plain, *shuffled], folder, "document")["bits"].to_numpy()
    more = int((bits[len(plain) :] > bits[: len(plain)]).sum())
    print(f"more surprising when shuffled: {more} of {len(plain)} documents")


if __name__ == "__main__":
    main()
