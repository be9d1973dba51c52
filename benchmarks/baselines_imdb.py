"""Accuracy and time of the baselines on IMDB, with 10 % of the training reviews for validation.

OMP_NUM_THREADS=2 taskset -c 0,1 python benchmarks/baselines_imdb.py
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import numpy as np
import polars as pl

from duree.baselines import label_baselines
from duree.recipe.recipe import Recipe
from duree.sequences.text_encoder import TextEncoder


def main() -> None:
    """Print the measurements."""
    folder = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "imdb"
    if not folder.is_dir():
        print(f"IMDB skipped: there is no {folder}")
        return
    train, test = (pl.read_parquet(folder / f"{name}.parquet") for name in ("train", "test"))
    order = np.random.default_rng(0).permutation(train.height)
    held_out, rest = np.split(order, [train.height // 10])
    sets = [train[np.sort(rest)], train[np.sort(held_out)], test]
    (texts, labels), (validation_texts, validation_labels), (test_texts, test_labels) = (
        (rows["review"].to_list(), (rows["sentiment"] == "pos").to_numpy().astype(np.int64))
        for rows in sets
    )
    recipe = Recipe.build({})
    encoder = TextEncoder.fit(sets[0]["review"], recipe.text)
    for baseline in label_baselines(recipe, encoder.segment):
        begin, spent = time.perf_counter(), time.process_time()
        baseline.fit(texts, labels, validation_texts, validation_labels)
        fitted = time.perf_counter()
        probabilities = baseline.predict(test_texts)
        end = time.perf_counter()
        right = probabilities.argmax(axis=1) == test_labels
        loss = -np.log(np.maximum(probabilities[np.arange(len(right)), test_labels], 1e-12))
        print(
            f"{baseline.name:15} accuracy {right.mean():.4f}, log-loss {loss.mean():.4f}, "
            f"fit {fitted - begin:.0f} s, predict {end - fitted:.0f} s "
            f"(processor {time.process_time() - spent:.0f} s), {baseline.choices}",
            flush=True,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB; the first text model's time includes segmentation for all")


if __name__ == "__main__":
    main()
