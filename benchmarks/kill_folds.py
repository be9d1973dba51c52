"""Kill ``duree predict --folds`` at every stage, repeat the command, and compare the results.

    python benchmarks/kill_folds.py [--kills 20] [--folds 3]

The writes to files of a whole call are counted; other calls are killed (SIGKILL, by an audit hook)
at writes that are spread over all of them: while folds are drawn, in each network's training and
checkpoints, while predictions are put together. The same command is then repeated. Its output must
be that of the whole call to the byte, and networks that were trained before must not be trained
again. Exits with status 1 if any is not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from duree.examples.letters import generate
from duree.recipe.recipe import Recipe
from duree.tables.files.write import write_table
from duree.workflow import fit, predict

WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}
MODEL = "model/weights.safetensors"


def main() -> None:
    """Print one line for each kill, and a summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child, folds=options.folds)
        return
    with tempfile.TemporaryDirectory() as folder:
        faults = sweep(Path(folder), options.kills, options.folds)
    print(f"{options.kills - faults} of {options.kills} kills: same predictions, nothing twice")
    sys.exit(faults > 0)


def sweep(folder: Path, kills: int, folds: int) -> int:
    """The number of kills after which something differs."""
    table = folder / "letters.csv"
    write_table(generate(150), table)
    settings = {
        "data.files": [str(table)],
        "data.text": "letter",
        "data.target": "tone",
        "model.hidden_size": 16,
        "training.epochs": 3,
        "training.checkpoint_seconds": 0.001,
        "evaluation.baselines": False,
        "evaluation.bootstrap": 100,
    }
    run = fit(Recipe().replace(settings), folder / "run").folder
    whole = copied(run, folder / "whole")
    status, last = start(whole, table, folder / "whole.parquet", 0, folds)
    if status:
        raise SystemExit("the whole call failed")
    expected = (folder / "whole.parquet").read_bytes()
    faults = 0
    for number in range(kills):
        at = 1 + (last - 1) * (2 * number + 1) // (2 * kills)
        broken, output = copied(run, folder / f"run-{number}"), folder / f"out-{number}.parquet"
        status, _ = start(broken, table, output, at, folds)
        done = {path: path.stat().st_mtime_ns for path in broken.glob(f"folds/*/*/{MODEL}")}
        predict(broken, table, output, folds=folds)
        same = output.read_bytes() == expected
        again = [path for path, when in done.items() if path.stat().st_mtime_ns != when]
        fine = status == -signal.SIGKILL and same and not again
        faults += not fine
        print(
            f"killed at write {at:>4} of {last} (status {status}), networks ready: {len(done)}; "
            f"same: {same}; trained twice: {len(again)}",
            flush=True,
        )
        shutil.rmtree(broken)
    return faults


def copied(run: Path, to: Path) -> Path:
    """A copy of a run without folds."""
    return shutil.copytree(run, to, ignore=shutil.ignore_patterns("folds"))


def start(run: Path, table: Path, output: Path, kill_at: int, folds: int) -> tuple[int, int]:
    """The exit status of a call in a process of its own, and the number of its writes."""
    words = [sys.executable, __file__, "--folds", str(folds), "--child"]
    process = subprocess.run(
        [*words, *map(str, (run, table, output, kill_at))], stdout=subprocess.PIPE, check=False
    )
    return process.returncode, int(process.stdout or b"0")


def child(run: str, table: str, output: str, kill_at: str, *, folds: int) -> None:
    """Predict, killed at a write; print the number of writes if it was not."""
    writes = 0

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal writes
        if event in WRITES or (event == "open" and is_write(*arguments)):
            writes += 1
            if writes == int(kill_at):
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(note)
    predict(run, table, output, folds=folds)
    print(writes, flush=True)


def is_write(path: object, mode: str | None, flags: int) -> bool:
    """Whether a file is opened for writing."""
    writing = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return bool(writing) and not str(path).startswith("/dev") and "__pycache__" not in str(path)


if __name__ == "__main__":
    main()
