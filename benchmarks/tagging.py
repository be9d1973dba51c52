"""Tagged words: entities of CoNLL-2003, and the parts of speech and lemmas of Gothic.

    OMP_NUM_THREADS=2 taskset -c 0,1 python benchmarks/tagging.py [--only conll|gothic|lemma]

Nothing but the corpus is learned from: no other one, no vectors, no lists of names. Its own
development part chooses the epoch and the baselines' constants; the network learns from the
training file alone, the baselines in the end from both. The test file is opened once, at the end.
Needs DUREE_DATA (default ../shared/data) and the extra [label]. Twenty minutes on two cores, of
which seven are those of CoNLL-2003's network.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.workflow import fit

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data"))
CONLL = tuple(DATA / "conll2003" / f"{part}.txt" for part in ("train", "valid", "test"))
GOTHIC = tuple(DATA / "gothic" / f"{part}.conllu" for part in ("train", "dev", "test"))
# What was asked of the network and of the CRF in each question: (metric, at least).
ASKED: dict[str, dict[str, tuple[tuple[str, float], ...]]] = {
    "conll": {"network": (("entity_f1", 0.84),), "crf": (("entity_f1", 0.82),)},
    "gothic": {
        "network": (("accuracy", 0.955),),
        "crf": (("accuracy", 0.941), ("unseen_accuracy", 0.837)),
    },
    "lemma": {},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(ASKED))
    options = parser.parse_args()
    questions = {
        "conll": (CONLL, "ner"),
        "gothic": (GOTHIC, "upos"),
        "lemma": (GOTHIC, "upos,feats,lemma"),
    }
    for name, (files, target) in questions.items():
        if options.only in (None, name):
            ask(name, files, target)


def ask(name: str, files: tuple[Path, ...], target: str) -> None:
    """Fit, and print every figure beside what was asked."""
    if missing := [file for file in files if not file.is_file()]:
        print(f"{name}: skipped: there is no {missing[0]}; set DUREE_DATA")
        return
    train, chosen, test = map(str, files)
    settings = {"files": [train], "validation_file": chosen, "test_file": test, "target": target}
    with tempfile.TemporaryDirectory() as folder:
        run = fit(Recipe.build({"task": "label", "data": settings}), Path(folder) / "run")
        metrics = run.read_json("metrics.json")
        print(f"{name}: {target} of {files[1].parent.name}, {metrics['rows']} sentences")
        for model, figures in metrics["models"].items():
            print_model(model, figures, ASKED[name].get(model, ()))
        print(f"  {metrics['verdict']}")
        if "lemma" in target:
            print_lemmas(run)


def print_model(model: str, figures: dict[str, Any], asked: tuple[tuple[str, float], ...]) -> None:
    """One line for each figure of a model, and whether it is what was asked."""
    print(f"  {model}: {figures['fit_seconds']:.0f} s to fit")
    wanted = dict(asked)
    for metric, found in figures.items():
        if metric == "fit_seconds":
            continue
        told = f"    {metric:18} {found['value']:.4f} [{found['low']:.4f}, {found['high']:.4f}]"
        if metric in wanted:
            reached = "reached" if found["value"] >= wanted[metric] else "MISSED"
            told += f"   asked {wanted[metric]}: {reached}"
        print(told)


def print_lemmas(run: Run) -> None:
    """Lemmas as they are written: other rules than the one that was learned may make them too."""
    found = pl.read_parquet(run.folder / "predictions.parquet")
    right = int((found["prediction_lemma"] == found["lemma"]).sum())
    print(f"  network: {right / len(found):.4f} of the lemmas are written as in the file")


if __name__ == "__main__":
    main()
