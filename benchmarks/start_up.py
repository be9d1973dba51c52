"""The time of `duree --help` as a whole process: the median of 20.

python benchmarks/start_up.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

REPEATS = 20


def main() -> None:
    seconds = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "duree", "--help"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - begin)
    first, *warm = seconds
    print(f"duree --help: first {first:.2f} s, then {median(warm):.2f} s")


if __name__ == "__main__":
    main()
