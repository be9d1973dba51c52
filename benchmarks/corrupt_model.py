"""Corrupt a model folder in a thousand ways: each must be refused or leave predictions unchanged.

    python benchmarks/corrupt_model.py [--times 1000]

A corruption flips bits, truncates a file, overwrites a range, swaps two ranges or two files. A
model that still loads must give exactly the same predictions. About a minute.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree import SequenceClassifier
from duree.errors import RunError
from duree.examples.letters import generate
from duree.pipeline.model import TrainedModel

KINDS = ("flip one bit", "flip ten bits", "truncate", "overwrite", "swap ranges", "swap files")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1000)
    times = parser.parse_args().times
    letters = generate(300)
    texts = letters["letter"].to_list()
    rng = np.random.default_rng(0)
    outcomes: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as place:
        whole, copy = Path(place) / "whole" / "model", Path(place) / "copy"
        model = SequenceClassifier(epochs=2, hidden_size=16)
        model.fit(texts, letters["tone"].to_list()).save(whole.parent)
        expected = predictions(whole, texts)
        for number in range(times):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(whole, copy)
            kind = KINDS[number % len(KINDS)]
            corrupt(copy, kind, rng)
            outcomes[kind, outcome(copy, texts, expected)] += 1
    for (kind, found), count in sorted(outcomes.items()):
        print(f"{kind:15} {found:14} {count}")
    wrong = sum(count for (_, found), count in outcomes.items() if found == "LOADED WRONGLY")
    print(f"{times - wrong} of {times} were refused or harmless, {wrong} loaded wrongly")
    sys.exit(wrong > 0)


def corrupt(folder: Path, kind: str, rng: np.random.Generator) -> None:
    """Damage one file of the folder, or exchange two."""
    files = sorted(folder.iterdir())
    path = files[rng.integers(len(files))]
    content = np.frombuffer(path.read_bytes(), dtype=np.uint8).copy()
    size = len(content)
    if kind == "swap files":
        one, two = (files[index] for index in rng.choice(len(files), 2, replace=False))
        aside = one.with_name("aside")
        one.rename(aside)
        two.rename(one)
        aside.rename(two)
        return
    if kind == "truncate":
        content = content[: rng.integers(size)]
    elif kind == "overwrite":
        start = rng.integers(size)
        stretch = content[start : start + rng.integers(1, 1000)]
        stretch[:] = rng.integers(256, size=len(stretch))
    elif kind == "swap ranges":
        length = int(rng.integers(1, size // 2))
        one = int(rng.integers(size // 2 - length + 1))
        two = int(rng.integers(size // 2, size - length + 1))
        first = content[one : one + length].copy()
        content[one : one + length] = content[two : two + length]
        content[two : two + length] = first
    else:
        places = rng.integers(size, size=1 if kind == "flip one bit" else 10)
        content[places] ^= (1 << rng.integers(8, size=len(places))).astype(np.uint8)
    path.write_bytes(content.tobytes())


def outcome(folder: Path, texts: list[str], expected: NDArray[np.float64]) -> str:
    """Refused, harmless, or loaded wrongly; errors other than a refusal are not caught."""
    try:
        found = predictions(folder, texts)
    except RunError:
        return "refused"
    return "harmless" if np.array_equal(found, expected) else "LOADED WRONGLY"


def predictions(folder: Path, texts: list[str]) -> NDArray[np.float64]:
    model = TrainedModel.load(folder)
    return model.predictions(model.encode(pl.Series(texts)))


if __name__ == "__main__":
    main()
