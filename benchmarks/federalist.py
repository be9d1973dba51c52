"""The Federalist papers: who wrote the twelve disputed essays, Hamilton or Madison?

    python benchmarks/federalist.py [--out runs/federalist]

Essays are cut into passages, and all passages of an essay stay in one set. Essays of known author
are used for training and evaluation; the prediction for each disputed essay is the mean over its
passages.
Needs DUREE_DATA (default ../shared/data). About two minutes on two threads.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import polars as pl

from duree.cli.console import Console
from duree.recipe.recipe import Recipe
from duree.workflow import fit, predict

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "federalist" / "federalist.csv"
PASSAGE = 200  # words: long enough to show style, short enough for some hundred passages


def passages(essays: pl.DataFrame) -> pl.DataFrame:
    """One row per passage; a remainder of less than half a passage joins the previous one."""
    rows = []
    for number, author, text in essays.select("number", "author", "text").iter_rows():
        words = text.split()
        cuts = max(1, round(len(words) / PASSAGE))
        for place in range(cuts):
            piece = words[place * len(words) // cuts : (place + 1) * len(words) // cuts]
            rows.append((number, author, " ".join(piece)))
    return pl.DataFrame(rows, ["essay", "author", "passage"], orient="row")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=f"runs/federalist-{time.strftime('%H%M%S')}")
    options = parser.parse_args()
    if not DATA.is_file():
        raise SystemExit(f"skipped: there is no {DATA}; set DUREE_DATA")
    cut = passages(pl.read_csv(DATA))
    known = cut.filter(pl.col("author").is_in(["HAMILTON", "MADISON"]))
    disputed = cut.filter(pl.col("author") == "DISPUTED")
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known.write_parquet(folder / "known.parquet")
        disputed.write_parquet(folder / "disputed.parquet")
        recipe = Recipe().replace(
            {
                "data.files": (str(folder / "known.parquet"),),
                "data.text": "passage",
                "data.target": "author",
                "data.group": "essay",
                # Hamilton wrote 51 essays and Madison 14; that is no evidence on the disputed ones.
                "training.class_weights": "balanced",
                "evaluation.seeds": 3,
            }
        )
        run = fit(recipe, Path(options.out), console)
        predict(run.folder, folder / "disputed.parquet", run.folder / "disputed.parquet")
    console.finish(run)
    found = pl.read_parquet(run.folder / "disputed.parquet")
    by_essay = found.group_by("essay").agg(
        pl.len().alias("passages"),
        (pl.col("prediction") == "MADISON").mean().round(2).alias("share of Madison"),
        pl.col("probability_MADISON").mean().round(3).alias("mean probability of Madison"),
    )
    with pl.Config(tbl_rows=20, tbl_cols=10, tbl_width_chars=100):
        print(by_essay.sort("essay"))


if __name__ == "__main__":
    main()
