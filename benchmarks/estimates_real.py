"""Do intervals of estimates cover the truth of real corpora, whose labels are all known?

    OMP_NUM_THREADS=1 python benchmarks/estimates_real.py [--samples 100] [--work FOLDER]

Two corpora are populations: film reviews (imdb: positive or negative, by the film's mean rating and
the length of the review) and hotel reviews (chinese_hotel: good or bad, by length). A network of
ours is trained on a part of each (few epochs), and predicts all other rows. From these, random
samples of 300 rows are labelled with their true labels, simple or stratified by fifths of the
probability; of every sample, the coefficients and shares of the whole corpus are estimated
(`--for corpus`). `covered` is the share of samples whose 95 % interval holds the value that all
true labels give; `naive` says whether the interval that takes predictions for the truth holds it.

Exits with status 1 if coverage over all terms of a corpus is below 0.92, or if the naive interval
holds the truth for half of the terms or more. Data: $DUREE_DATA, or shared/data.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from duree.inference import estimate
from duree.inference.provenance import read_provenance
from duree.recipe.recipe import Recipe
from duree.results.estimates import Term
from duree.workflow import fit, predict

DATA = Path(os.environ.get("DUREE_DATA", Path(__file__).parents[2] / "shared" / "data"))
LABELS, LEAST = 300, 0.92
DESIGNS = ("simple", "stratified")


@dataclass(frozen=True)
class Corpus:
    """A corpus with true labels.

    Attributes
    ----------
    name : str
    frame : polars.DataFrame
        ``text``, ``label`` ("yes" or "no"), ``true`` (1 or 0) and regressors.
    train, epochs : int
        The number of rows that train the network, and of passes over them.
    formulas : tuple of str
    """

    name: str
    frame: pl.DataFrame
    train: int
    epochs: int
    formulas: tuple[str, ...]


def imdb() -> Corpus:
    """Film reviews; ``film_rating`` is the mean rating of all reviews of the film."""
    folder = DATA / "imdb"
    frame = pl.concat([pl.read_parquet(folder / f"{part}.parquet") for part in ("train", "test")])
    frame = frame.with_columns(
        text=pl.col("review"),
        true=(pl.col("sentiment") == "pos").cast(pl.Float64),
        film_rating=pl.col("rating").mean().over("film"),
    )
    tenth = (pl.col("film_rating").rank("ordinal") * 10 / (pl.len() + 1)).floor().cast(pl.Int64)
    frame = frame.with_columns(tenth=tenth, loglen=length("text"))
    formulas = ("pos ~ film_rating + loglen", "pos ~ 0 + C(tenth)")
    return Corpus("imdb", labelled(frame, "film_rating", "loglen", "tenth"), 5_000, 2, formulas)


def hotels() -> Corpus:
    """Hotel reviews; ``fifth`` are fifths of their length."""
    frame = pl.read_csv(DATA / "chinese_hotel" / "chnsenticorp_htl_all.csv")
    frame = frame.drop_nulls("review").with_columns(
        text=pl.col("review"), true=pl.col("label").cast(pl.Float64)
    )
    frame = frame.with_columns(loglen=length("text"))
    fifth = (pl.col("loglen").rank("ordinal") * 5 / (pl.len() + 1)).floor().cast(pl.Int64)
    formulas = ("pos ~ loglen", "pos ~ 0 + C(fifth)")
    frame = labelled(frame.with_columns(fifth=fifth), "loglen", "fifth")
    return Corpus("hotel", frame, 1_500, 8, formulas)


def length(column: str) -> pl.Expr:
    """The logarithm of the number of characters."""
    return pl.col(column).str.len_chars().cast(pl.Float64).log1p()


def labelled(frame: pl.DataFrame, *regressors: str) -> pl.DataFrame:
    """The columns that are used, with ``label`` as a text, in random order."""
    label = pl.when(pl.col("true") == 1).then(pl.lit("yes")).otherwise(pl.lit("no"))
    used = frame.with_columns(label=label).select("text", "label", "true", *regressors)
    return used.sample(fraction=1, shuffle=True, seed=0)


def population(corpus: Corpus, work: Path) -> pl.DataFrame:
    """The rows that did not train a network of ours, with its predictions."""
    folder = work / corpus.name
    folder.mkdir(parents=True, exist_ok=True)
    train, rest, output = (folder / name for name in ("train.parquet", "rest.parquet", "p.parquet"))
    if not output.exists():
        corpus.frame.head(corpus.train).select("text", "label").write_parquet(train)
        corpus.frame.tail(-corpus.train).write_parquet(rest)
        settings = {
            "data.files": (str(train),),
            "data.text": "text",
            "data.target": "label",
            "training.epochs": corpus.epochs,
            "model.wide": False,
            "evaluation.baselines": False,
            "evaluation.bootstrap": 100,
        }
        began = time.perf_counter()
        if not (folder / "run" / "report.html").exists():
            fit(Recipe().replace(settings), folder / "run")
        print(f"{corpus.name}: trained in {time.perf_counter() - began:.0f} s", flush=True)
        predict(folder / "run", rest, output)
        print(f"{corpus.name}: predicted after {time.perf_counter() - began:.0f} s", flush=True)
    frame, provenance = pl.read_parquet(output), read_provenance(output)
    assert provenance is not None
    trained = provenance.trained(frame)
    assert trained is not None
    return frame.filter(~trained)


def drawn(frame: pl.DataFrame, design: str, rng: np.random.Generator) -> pl.DataFrame:
    """The population with the labels of a random sample, and the probability of each row."""
    rank = frame["probability_yes"].rank("ordinal").to_numpy() - 1
    strata = rank * (5 if design == "stratified" else 1) // len(frame)
    chosen, probability = np.zeros(len(frame), dtype=bool), np.zeros(len(frame))
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        count = LABELS // len(np.unique(strata))
        chosen[rng.choice(rows, count, replace=False)] = True
        probability[rows] = count / len(rows)
    truth = np.where(chosen, frame["true"].to_numpy(), np.nan)
    return frame.with_columns(
        pl.Series("pos", truth).fill_nan(None),
        pl.Series("chance", probability),
        pl.Series("part", strata),
    )


def truth(formula: str, frame: pl.DataFrame) -> dict[str, float]:
    """The coefficients that all true labels give."""
    everything = frame.with_columns(pos=pl.col("true"), chance=pl.lit(1.0))
    options = {"predicted_var": "pos", "prediction": "true", "sample_prob": "chance"}
    return {one.term: one.estimate for one in estimate(formula, everything, **options).terms}


def holds(term: Term, value: float) -> bool:
    """Whether the interval of a term holds a value."""
    return term.low is not None and term.high is not None and term.low <= value <= term.high


def examine(corpus: Corpus, samples: int, work: Path) -> bool:
    """Print the coverage of each term; whether all is as it must be."""
    frame = population(corpus, work)
    right = float(((frame["probability_yes"] > 0.5) == (frame["true"] == 1)).mean())
    print(f"\n{corpus.name}: {len(frame):,} rows, {right:.3f} predicted rightly", flush=True)
    covered: dict[str, list[bool]] = {design: [] for design in DESIGNS}
    failed: list[bool] = []
    for formula in corpus.formulas:
        true = truth(formula, frame)
        for design in DESIGNS:
            found: dict[str, list[bool]] = {term: [] for term in true}
            naive: dict[str, bool] = {}
            widths: list[float] = []
            for seed in range(samples):
                table = drawn(frame, design, np.random.default_rng(seed))
                result = estimate(
                    formula,
                    table,
                    predicted_var="pos",
                    prediction="probability_yes",
                    sample_prob="chance",
                    stratum="part",
                    population=True,
                    seed=seed,
                )
                for term, alone in zip(result.terms, result.labelled_only, strict=True):
                    found[term.term].append(holds(term, true[term.term]))
                    widths.append(width(term) / width(alone))
                naive = {one.term: holds(one, true[one.term]) for one in result.naive}
            for term, hits in found.items():
                print(
                    f"{formula:<28} {design:<10} {term:<16} true {true[term]:>7.3f}  "
                    f"covered {np.mean(hits):.2f}  naive {'holds' if naive[term] else 'fails'}",
                    flush=True,
                )
                covered[design] += hits
            print(f"{'':<28} {design:<10} width / labels alone {np.nanmedian(widths):.2f}")
            failed += [not one for one in naive.values()] if design == DESIGNS[0] else []
    shares = {design: float(np.mean(hits)) for design, hits in covered.items()}
    print(
        f"{corpus.name}: covered {shares}; naive fails for {sum(failed)} of {len(failed)} terms",
        flush=True,
    )
    return min(shares.values()) >= LEAST and np.mean(failed) > 0.5


def width(term: Term) -> float:
    """The width of an interval; NaN if it is withheld."""
    return float("nan") if term.low is None or term.high is None else term.high - term.low


def main() -> None:
    """Examine both corpora."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--work", type=Path, help="folder for networks and predictions, kept")
    parser.add_argument("--only", default="", help="part of the name of a corpus")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        chosen = [make for make in (hotels, imdb) if options.only in make.__name__]
        fine = [examine(make(), options.samples, work) for make in chosen]
    sys.exit(not all(fine))


if __name__ == "__main__":
    main()
