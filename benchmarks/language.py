"""Language models of English words, English letters and Chinese poems, with default settings.

    OMP_NUM_THREADS=2 python benchmarks/language.py [--only ptb shakespeare tang] [--set KEY=VALUE]

Each set is trained by ``duree fit --task language`` without any setting. ``ptb``: Penn Treebank in
Mikolov's form, on its own training, validation and test files. ``shakespeare``: one text, divided
in order, the first tenth for validation, the last for testing. ``tang``: poems, whose authors are
each in one set. All choices are made on the validation set, and the test set is opened once. For
each set one line: perplexity per unit, nats and bits per character of each model on the test set,
and the seconds of the network and of the whole run. Needs DUREE_DATA (default ../shared/data).
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from pathlib import Path

from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.workflow import fit

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data"))
SETS: dict[str, dict[str, object]] = {
    "ptb": {
        "files": ("ptb/ptb.train.txt",),
        "validation_file": "ptb/ptb.valid.txt",
        "test_file": "ptb/ptb.test.txt",
    },
    "shakespeare": {"files": ("tinyshakespeare/input.txt",)},
    "tang": {"files": ("tang_poems/poems.parquet",), "text": "poem", "group": "author"},
}
FILES = ("files", "validation_file", "test_file")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=SETS, default=list(SETS))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    settings = dict(given.split("=", 1) for given in options.set)
    for name in options.only:
        missing = [file for file in files_of(SETS[name]) if not file.exists()]
        if missing:
            print(f"{name}: skipped: there is no {missing[0]}; set DUREE_DATA")
            continue
        data = {
            role: in_data(value) if role in FILES else value for role, value in SETS[name].items()
        }
        with tempfile.TemporaryDirectory() as folder:
            recipe = Recipe.build({"task": "language", "data": data}).replace(settings)
            print_line(name, fit(recipe, Path(folder) / "run"))


def in_data(value: object) -> object:
    """A file, or files, in the folder of data."""
    return tuple(map(in_data, value)) if isinstance(value, tuple) else str(DATA / str(value))


def files_of(data: dict[str, object]) -> list[Path]:
    """All files of a set."""
    found = [data[role] for role in FILES if role in data]
    each = (one if isinstance(one, tuple) else (one,) for one in found)
    return [DATA / str(file) for files in each for file in files]


def print_line(name: str, run: Run) -> None:
    """The figures of all models, and the seconds of training."""
    metrics = run.read_json("metrics.json")
    cells = []
    for model, figures in metrics["models"].items():
        bits = figures["bits_per_character"]["value"]
        nats = bits * math.log(2)
        cells.append(f"{model} {figures['perplexity']['value']:.2f}/{nats:.3f}/{bits:.3f}")
    seconds = metrics["seconds"]
    spent = f"train {seconds['train']:.0f} s, total {seconds['total']:.0f} s"
    print(f"{name:12} perplexity/nats/bits: {'  '.join(cells)}  ({spent})", flush=True)


if __name__ == "__main__":
    main()
