"""Time and memory of encoding IMDB: vocabulary from 25,000 reviews, then all 50,000 as numbers.

taskset -c 0,1 python benchmarks/encode_imdb.py
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import polars as pl

from duree.recipe.settings import TextSettings
from duree.sequences.text_encoder import TextEncoder


def main() -> None:
    """Print the measurements."""
    folder = Path(os.environ.get("DUREE_DATA", "../shared/data")) / "imdb"
    if not folder.is_dir():
        print(f"IMDB skipped: there is no {folder}")
        return
    train, test = (
        pl.read_parquet(folder / f"{name}.parquet")["review"] for name in ("train", "test")
    )
    before = peak_memory()
    begin, spent = time.perf_counter(), time.process_time()
    encoder = TextEncoder.fit(train, TextSettings())
    fitted = time.perf_counter()
    sequences = encoder.encode(pl.concat([train, test]))
    encoded = time.perf_counter()
    print(f"fit on {len(train)} reviews: {fitted - begin:.1f} s, {len(encoder.vocabulary)} indices")
    print(
        f"encode {len(sequences)} reviews: {encoded - fitted:.1f} s, {len(sequences.values)} steps"
    )
    spent = time.process_time() - spent
    print(f"total {encoded - begin:.1f} s (processor {spent:.1f} s)")
    print(
        f"peak memory: {before:.0f} MiB after reading the texts, {peak_memory():.0f} MiB at the end"
    )
    cut = encoder.truncated(test)
    print(
        f"{(cut > 0).sum()} of {len(test)} test reviews are truncated, {cut.sum()} units in total"
    )


def peak_memory() -> float:
    """Largest memory of the process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
