"""Read a large CSV file: seconds, and peak memory as a multiple of the file's size.

    python benchmarks/read_csv.py [--megabytes 1000] [--kind reviews|numbers|chinese]

The file is made in a temporary folder and removed. Reading runs in a process of its own, which is
told to use two threads and two cores. Peak memory is the process's largest resident set, mapped
pages included, less what it held when the libraries were loaded and nothing had been read; the
set as a whole is printed too.
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

WORDS = """
the a of and to is in it this that was film story with as for but on not are one have be all at by
an who from so like there or just about out has if what some good more when very even
"""
CHARACTERS = "酒店房间很大服务也不错早餐一般但是位置好交通方便价格合理下次还会来前台态度差没有热水"

READ = """
import resource, sys, time
from duree.tables.read import read_tables
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
table = read_tables([sys.argv[1]])
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(table), seconds, before * 1024, peak * 1024)
"""


def review_row(number: int, rng: random.Random) -> str:
    """A quoted review with commas, doubled quotes and now and then a line break."""
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
    """Write ``size`` bytes or a little more: 20,000 different rows, over and over."""
    header, row = KINDS[kind]
    rng = random.Random(0)
    rows = "".join(row(number, rng) for number in range(20_000)).encode()
    with open(path, "wb") as file:
        file.write(header.encode())
        while file.tell() < size:
            file.write(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--kind", choices=KINDS, default="reviews")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        make_file(path, arguments.kind, arguments.megabytes * 10**6)
        size = path.stat().st_size
        environment = os.environ | {"OMP_NUM_THREADS": "2", "POLARS_MAX_THREADS": "2"}
        command = [sys.executable, "-c", READ, str(path)]
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    rows, seconds, before, peak = (float(word) for word in done.stdout.split())
    print(
        f"{arguments.kind}: {size / 1e6:,.0f} MB, {rows:,.0f} rows in {seconds:.1f} s "
        f"({size / 1e6 / seconds:,.0f} MB/s, 2 threads); "
        f"peak {peak / size:.2f} times the file, {(peak - before) / size:.2f} above the start"
    )


if __name__ == "__main__":
    main()
