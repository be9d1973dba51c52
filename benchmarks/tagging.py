"""Tagged words: entities of CoNLL-2003, and the parts of speech and lemmas of Gothic.

    OMP_NUM_THREADS=2 taskset -c 0,1 python benchmarks/tagging.py [--only conll|gothic|lemma]

Only the corpus is used for training: no other corpora, no vectors, no lists of names. The epoch and
the baselines' constants are chosen on its development file; the network is trained on the training
file alone, the baselines finally on both. The test file is opened once, at the end. Needs
DUREE_DATA (default ../shared/data) and the extra [label]. Twenty minutes on two cores, of which
CoNLL-2003's network takes seven.
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
CONLL = tuple(DATA / "conll2003" / f"{name}.txt" for name in ("train", "valid", "test"))
GOTHIC = tuple(DATA / "gothic" / f"{name}.conllu" for name in ("train", "dev", "test"))
# Requirements for the network and the CRF on each corpus: (metric, minimum).
REQUIRED: dict[str, dict[str, tuple[tuple[str, float], ...]]] = {
    "conll": {"network": (("entity_f1", 0.84),), "crf": (("entity_f1", 0.82),)},
    "gothic": {
        "network": (("accuracy", 0.955),),
        "crf": (("accuracy", 0.941), ("unseen_accuracy", 0.837)),
    },
    "lemma": {},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(REQUIRED))
    options = parser.parse_args()
    corpora = {
        "conll": (CONLL, "ner"),
        "gothic": (GOTHIC, "upos"),
        "lemma": (GOTHIC, "upos,feats,lemma"),
    }
    for name, (files, target) in corpora.items():
        if options.only in (None, name):
            measure(name, files, target)


def measure(name: str, files: tuple[Path, ...], target: str) -> None:
    """Fit, and print each metric with its requirement."""
    if missing := [file for file in files if not file.is_file()]:
        print(f"{name}: skipped: there is no {missing[0]}; set DUREE_DATA")
        return
    train, validation, test = map(str, files)
    settings = {
        "files": [train],
        "validation_file": validation,
        "test_file": test,
        "target": target,
    }
    with tempfile.TemporaryDirectory() as folder:
        run = fit(Recipe.build({"task": "label", "data": settings}), Path(folder) / "run")
        metrics = run.read_json("metrics.json")
        print(f"{name}: {target} of {files[1].parent.name}, {metrics['rows']} sentences")
        for model, figures in metrics["models"].items():
            print_model(model, figures, REQUIRED[name].get(model, ()))
        print(f"  {metrics['verdict']}")
        if "lemma" in target:
            print_lemmas(run)


def print_model(
    model: str, figures: dict[str, Any], required: tuple[tuple[str, float], ...]
) -> None:
    """One line per metric of a model, and whether it reaches the minimum."""
    print(f"  {model}: {figures['fit_seconds']:.0f} s to fit")
    minimum = dict(required)
    for metric, found in figures.items():
        if metric == "fit_seconds":
            continue
        line = f"    {metric:18} {found['value']:.4f} [{found['low']:.4f}, {found['high']:.4f}]"
        if metric in minimum:
            reached = "reached" if found["value"] >= minimum[metric] else "MISSED"
            line += f"   required {minimum[metric]}: {reached}"
        print(line)


def print_lemmas(run: Run) -> None:
    """Lemma accuracy on the word forms: several rules may derive the same lemma."""
    found = pl.read_parquet(run.folder / "predictions.parquet")
    right = int((found["prediction_lemma"] == found["lemma"]).sum())
    print(f"  network: {right / len(found):.4f} of the lemmas are as in the file")


if __name__ == "__main__":
    main()
