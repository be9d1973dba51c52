"""What word vectors give with few labels, and the memory that reading them takes.

    OMP_NUM_THREADS=1 python benchmarks/vectors.py VECTORS [--sets cr ...] [--rows 300] [--draws 4]
    python benchmarks/vectors.py --memory [GIGABYTES]

Each draw takes ``--rows`` training texts at random from four fifths of a set (of its training part,
where it is divided), and tests on the others of them; the last fifth stays closed. Networks have
the default settings, with and without the vectors. One line for each draw: macro-F1 and log-loss of
both, what validation chose, and the share of words that have a vector; then means of the
differences with 95 % intervals over draws.
``--memory`` writes a file of so many gigabytes in word2vec's binary format, reads 10,000 words of
it, and prints seconds and the memory that reading added. Needs DUREE_DATA (default ../shared/data).
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
from scipy.stats import t

from duree.recipe.recipe import Recipe
from duree.tables.files.word_vectors import read_word_vectors
from duree.workflow import fit

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data"))
SIZE, KEPT = 300, 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vectors", nargs="?")
    parser.add_argument("--sets", nargs="*", default=["cr"])
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--memory", type=float, nargs="?", const=1.0)
    options = parser.parse_args()
    if options.memory is not None:
        memory(options.memory)
    for name in options.sets if options.vectors else ():
        gain(name, options.vectors, options.rows, options.draws)


def gain(name: str, vectors: str, rows: int, draws: int) -> None:
    """Both networks on each draw of one set, and the mean differences."""
    whole = DATA / "texts" / name / "all.csv"
    table = pl.read_csv(whole if whole.exists() else whole.with_name("train.csv"))
    # The last fifth of a set that is not divided stays closed.
    open_rows = table.sample(fraction=1, shuffle=True, seed=99).head(len(table) * 4 // 5)
    differences = []
    for draw in range(draws):
        drawn = open_rows.sample(fraction=1, shuffle=True, seed=draw)
        without, _ = trained(drawn, rows, draw, None)
        found, facts = trained(drawn, rows, draw, vectors)
        differences.append(found - without)
        print(
            f"{name} draw {draw}: macro-F1 {without[0]:.3f} -> {found[0]:.3f}, log-loss "
            f"{without[1]:.3f} -> {found[1]:.3f} ({facts['chosen']}, {facts['share']:.0%})",
            flush=True,
        )
    means, spread = np.mean(differences, axis=0), np.std(differences, axis=0, ddof=1)
    half = t.ppf(0.975, draws - 1) * spread / np.sqrt(draws)
    for figure, mean, width in zip(("macro-F1", "log-loss"), means, half, strict=True):
        print(f"{name}, {rows} rows: {figure} {mean:+.4f} ± {width:.4f}")


def trained(
    drawn: pl.DataFrame, rows: int, seed: int, vectors: str | None
) -> tuple[np.ndarray, dict]:
    """Macro-F1 and log-loss of the network, and what its run says of the vectors."""
    with tempfile.TemporaryDirectory() as folder:
        train, test = Path(folder) / "train.csv", Path(folder) / "test.csv"
        drawn.head(rows).write_csv(train)
        drawn.slice(rows).write_csv(test)
        data = {"files": [str(train)], "test_file": str(test), "text": "text", "target": "label"}
        if vectors is not None:
            data["vectors"] = vectors
        chosen = {
            "task": "classify",
            "seed": seed,
            "data": data,
            "evaluation": {"baselines": False},
        }
        run = fit(Recipe.build(chosen), Path(folder) / "run")
        network = run.read_json("metrics.json")["models"]["network"]
        facts = run.read_json("vectors.json") if vectors is not None else {}
    return np.array([network["macro_f1"]["value"], network["log_loss"]["value"]]), facts


def memory(gigabytes: float) -> None:
    """Write a large file of vectors, and read some of them."""
    words = round(gigabytes * 1e9 / (4 * SIZE + 12))
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.bin"
        with path.open("wb") as file:
            file.write(f"{words} {SIZE}\n".encode())
            for first in range(0, words, KEPT):
                numbers = rng.random((min(KEPT, words - first), SIZE), dtype=np.float32)
                file.writelines(
                    f"word{first + place} ".encode() + row.tobytes()
                    for place, row in enumerate(numbers)
                )
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        asked = [f"word{number}" for number in range(0, words, words // KEPT)]
        found = read_word_vectors(path, asked)
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"{path.stat().st_size / 1e9:.2f} GB, {words:,} words of {SIZE} numbers: "
            f"{found.found.sum():,} read in {seconds:.1f} s; memory grew by "
            f"{(after - before) / 1024:.0f} MB, of which {found.values.nbytes / 2**20:.0f} are kept"
        )


if __name__ == "__main__":
    main()
