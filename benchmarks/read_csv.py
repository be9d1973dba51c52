"""Read a large CSV file: time, and peak memory as a multiple of the file size.

    python benchmarks/read_csv.py [--megabytes 1000] [--kind reviews|numbers|chinese] [--repeats 3]

The file is written to a temporary folder and removed. Each reader runs in a separate process on the
same two cores, with two threads; the median of the repeats is printed. Peak memory is the process's
largest resident set, including libraries and mapped pages. polars and pandas read the same file,
every column as text, for comparison: neither checks the structure, detects the encoding or computes
the checksum.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

WORDS = """
the a of and to is in it this that was film story with as for but on not are one have be all at by
an who from so like there or just about out has if what some good more when very even
"""
CHARACTERS = "酒店房间很大服务也不错早餐一般但是位置好交通方便价格合理下次还会来前台态度差没有热水"

READERS = {
    "duree": "from duree.tables.files.read import read_tables; read_tables([sys.argv[1]])",
    "polars": "import polars; polars.read_csv(sys.argv[1], infer_schema=False)",
    "pandas": "import pandas; pandas.read_csv(sys.argv[1], dtype=str, keep_default_na=False)",
}
MEASURE = """
import resource, sys, time
start = time.perf_counter()
{read}
seconds = time.perf_counter() - start
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def review_row(number: int, rng: random.Random) -> str:
    """A quoted review with commas, doubled quotes and occasional line breaks."""
    words = " ".join(rng.choices(WORDS.split(), k=200))
    text = words.replace(" it ", ' ""it"", ').replace(" very even", "\nvery even")
    return f'{number:08d},"{text}",{rng.choice(("pos", "neg"))}\n'


def number_row(number: int, rng: random.Random) -> str:
    """Thirty numbers, as in a table of measurements."""
    return ",".join([str(number), *(f"{rng.random() * 1000:.3f}" for _ in range(29))]) + "\n"


def chinese_row(number: int, rng: random.Random) -> str:
    """An unquoted Chinese review of 120 characters."""
    return f"{number},{''.join(rng.choices(CHARACTERS, k=120))},1\n"


KINDS: dict[str, tuple[str, Callable[[int, random.Random], str]]] = {
    "reviews": ("id,review,sentiment\n", review_row),
    "numbers": (",".join(["id", *(f"x{i}" for i in range(29))]) + "\n", number_row),
    "chinese": ("id,review,label\n", chinese_row),
}


def make_file(path: Path, kind: str, size: int) -> None:
    """Write at least ``size`` bytes: 20,000 distinct rows, repeated."""
    header, row = KINDS[kind]
    rng = random.Random(0)
    rows = "".join(row(number, rng) for number in range(20_000)).encode()
    with open(path, "wb") as file:
        file.write(header.encode())
        while file.tell() < size:
            file.write(rows)


def measure(read: str, path: Path) -> tuple[float, float]:
    """Seconds, including imports, and peak bytes of one reader."""
    environment = os.environ | {"OMP_NUM_THREADS": "2", "POLARS_MAX_THREADS": "2"}
    command = [sys.executable, "-c", MEASURE.format(read=read), str(path)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


def main() -> None:
    parser = argparse.ArgumentParser(description="Read a large CSV file: time and peak memory.")
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--kind", choices=KINDS, default="reviews")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        make_file(path, arguments.kind, arguments.megabytes * 10**6)
        size = path.stat().st_size
        print(f"{arguments.kind}, {size / 1e6:,.0f} MB:")
        for name, read in READERS.items():
            runs = [measure(read, path) for _ in range(arguments.repeats)]
            seconds, peak = (median(figures) for figures in zip(*runs, strict=True))
            rate, share = size / 1e6 / seconds, peak / size
            print(
                f"  {name}: {seconds:.1f} s, {rate:,.0f} MB/s, peak {share:.2f} times the file size"
            )


if __name__ == "__main__":
    main()
