"""Kill runs at chosen moments of every step, resume each, and compare with an uninterrupted run.

    python benchmarks/kill_and_resume.py [--kills 10] [--kinds label next ...] [--threads 1]

For each kind of table and each step of the workflow ``--kills`` runs are killed: every other one
just before a file is written, renamed or removed, the rest at moments spread over the step's
duration. What survives are the files. Weights, tensor by tensor, predictions, and the figures in
all other files must be identical.

Runs are child processes of two processes that have imported everything and read nothing: the first
starts runs, the second, with other hashes of strings, resumes them. Reports are left out: they are
written from the files that are compared. About five minutes for each kind on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors.numpy import load_file

from duree.examples import spelling
from duree.examples.letters import generate
from duree.tables.files.write import write_table

STEPS = ("read", "encode", "train", "baselines", "evaluate", "explain")
SHORT = {
    "model.hidden_size": 8,
    "training.epochs": 2,
    "training.batch_size": 32,
    "training.checkpoint_seconds": 1e-9,  # after each batch
    "evaluation.forest_trees": 10,
    "evaluation.bootstrap": 100,
}
# Files that hold times, or what happened to the run, and figures that are times.
DIFFER = {"seconds.json", "progress.json", "test_openings.json", "data.json"}
TIMES = {"seconds", "fit_seconds", "rows_per_second", "test_openings"}
# Where there is a disk in memory, syncing costs nothing there; it changes no result.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="for each kind and step")
    parser.add_argument("--kinds", nargs="*", choices=TABLES, default=list(TABLES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        serve()
        return
    same: Counter[tuple[str, str]] = Counter()
    tried: Counter[tuple[str, str]] = Counter()
    print(f"identical of killed, {options.threads} threads")
    print_row("", STEPS)
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        for kind in options.kinds:
            folder = Path(name) / kind
            folder.mkdir()
            processes = [Process(options.threads, number) for number in range(3)]
            try:
                for step, equal in kill_all(kind, folder, options.kills, *processes):
                    tried[kind, step] += 1
                    same[kind, step] += equal
            finally:
                for process in processes:
                    process.end()
            print_row(kind, [f"{same[kind, step]} of {tried[kind, step]}" for step in STEPS])
    print(f"{same.total()} of {tried.total()} end with identical weights, predictions and figures")
    sys.exit(same.total() < tried.total())


def print_row(first: str, cells: Sequence[str]) -> None:
    print("".join(f"{cell:>13}" for cell in (first, *cells)), flush=True)


def kill_all(
    kind: str, folder: Path, kills: int, first: Process, second: Process, third: Process
) -> list[tuple[str, bool]]:
    """The step of each killed run, and whether its results equal those of the whole run."""
    settings = {**SHORT, **TABLES[kind](folder)}
    whole = folder / "whole"
    # The first run says which modules all others need; the second measures the steps.
    for _ in range(2):
        subprocess.run(["rm", "-rf", whole], check=True)
        if third.run(action="fit", settings=settings, run=str(whole)):
            sys.exit(f"{kind}: the uninterrupted run failed")
        measured = json.loads((folder / "whole.steps").read_text())
        modules = measured.pop("modules")
        for process in (first, second, third):
            process.run(action="import", modules=modules)
    expected = results(whole)
    outcomes = []
    for step in STEPS:
        for number in range(kills):
            moment = (number + 0.5) / kills
            run = folder / f"{step}-{number}"
            limit = (
                {"writes": int(moment * measured[step]["writes"])}
                if number % 2
                else {"seconds": 0.95 * moment * measured[step]["seconds"]}
            )
            attempt = {"action": "fit", "settings": settings, "run": str(run), "step": step}
            while first.run(**attempt, limit=limit) == 0:
                # It was faster than the one that was measured: it is killed earlier.
                limit = {unit: amount / 1.5 for unit, amount in limit.items()}
                subprocess.run(["rm", "-rf", run], check=True)
            # Before the recipe is written there is nothing to resume.
            action = "resume" if (run / "recipe.toml").exists() else "fit"
            ended = second.run(action=action, settings=settings, run=str(run))
            different = differences(expected, results(run)) if ended == 0 else [f"exit {ended}"]
            if different:
                print(f"{kind}, killed in {step} at {limit}: {different[:3]}", flush=True)
            outcomes.append((step, not different))
            subprocess.run(["rm", "-rf", run], check=True)
    return outcomes


def results(run: Path) -> dict[str, Any]:
    """All that a run computed, by name."""
    found: dict[str, Any] = {}
    for file in sorted([*run.glob("model/*.safetensors"), *run.glob("seeds/*/*.safetensors")]):
        for name, tensor in load_file(file).items():
            found[f"{file.relative_to(run)}: {name}"] = (tensor.shape, tensor.tobytes())
    for file in sorted(run.glob("*.parquet")):
        found[str(file.relative_to(run))] = file.read_bytes()
    for file in sorted([*run.glob("*.json"), run / "model" / "model.json"]):
        if file.name not in DIFFER and file.exists():
            found[str(file.relative_to(run))] = without_times(json.loads(file.read_text("utf-8")))
    if (history := run / "history.jsonl").exists():
        lines = history.read_text("utf-8").splitlines()
        found["history.jsonl"] = [without_times(json.loads(line)) for line in lines]
    return found


def without_times(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: without_times(value) for key, value in data.items() if key not in TIMES}
    return [without_times(one) for one in data] if isinstance(data, list) else data


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    names = sorted(expected.keys() | found.keys())
    return [name for name in names if expected.get(name) != found.get(name)]


class Process:
    """A process that has imported everything, and runs each order in a child of its own."""

    def __init__(self, threads: int, number: int) -> None:
        environment = {"OMP_NUM_THREADS": str(threads), "POLARS_MAX_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment, "PYTHONHASHSEED": str(number)},
            text=True,
        )

    def run(self, **order: Any) -> int:
        """The child's exit status; negative where it was killed."""
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def serve() -> None:
    """Carry out each order of standard input in a child process; import modules in this one."""
    for line in sys.stdin:
        order = json.loads(line)
        if order["action"] == "import":
            print(import_all(order["modules"]), flush=True)
            continue
        child = os.fork()
        if child == 0:
            carry_out(**order)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def import_all(modules: list[str]) -> int:
    """Import what there is under these names; the number of threads afterwards."""
    for name in modules:
        with suppress(Exception):
            import_module(name)
    return len(os.listdir("/proc/self/task"))


def carry_out(
    action: str,
    settings: dict[str, Any],
    run: str,
    step: str = "",
    limit: dict[str, float] | None = None,
) -> None:
    """Fit or resume in this process, which ends with it; killed within ``step`` at ``limit``."""
    from duree import workflow
    from duree.recipe.recipe import Recipe

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    workflow.write_report = lambda folder: (folder / "report.html").touch()
    listener = Killer(step, limit or {})
    try:
        if action == "fit":
            workflow.fit(Recipe().replace(settings), run, listener)
        else:
            workflow.resume(run, listener)
        listener.step("")
        if not step and action == "fit":
            measured = {**listener.measured, "modules": list(sys.modules)}
            Path(f"{run}.steps").write_text(json.dumps(measured))
        os._exit(0)
    except BaseException as error:
        print(f"{action}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


class Killer:
    """A listener that measures each step, and kills the process within one of them."""

    def __init__(self, step: str, limit: dict[str, float]) -> None:
        self.chosen, self.limit = step, limit
        self.now, self.writes, self.began = "", 0, time.perf_counter()
        self.measured: dict[str, dict[str, float]] = {}
        sys.addaudithook(self.note)

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Count what is done to files."""
        if event in WRITES or (event == "open" and writes(*arguments)):
            if self.now == self.chosen and self.limit.get("writes") == self.writes:
                os.kill(os.getpid(), signal.SIGKILL)
            self.writes += 1

    def step(self, name: str) -> None:
        now = time.perf_counter()
        self.measured[self.now] = {"writes": self.writes, "seconds": now - self.began}
        self.now, self.writes, self.began = name, 0, now
        if name == self.chosen and "seconds" in self.limit:
            # SIGALRM has no handler: the system ends the process at once, as SIGKILL does.
            signal.setitimer(signal.ITIMER_REAL, max(self.limit["seconds"], 1e-6))

    def message(self, message: str) -> None:
        """Ignored."""

    def training(self, seed: int, watched: str) -> None:
        """Ignored."""


def writes(path: object, mode: str | None, flags: int) -> bool:
    """Whether a file is opened for writing."""
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and not str(path).startswith("/dev")


def texts(folder: Path) -> dict[str, Any]:
    write_table(generate(120), folder / "letters.csv")
    return {
        "data.files": [str(folder / "letters.csv")],
        "data.text": "letter",
        "data.target": "tone",
    }


def states(folder: Path) -> dict[str, Any]:
    """Life courses with a covariate; two networks, each from its own seed."""
    life_courses(80).write_csv(folder / "courses.csv")
    return {
        "data.files": [str(folder / "courses.csv")],
        "data.states": ["m01:m12"],
        "data.covariate": ["sex"],
        "data.target": "pay",
        "data.id": "id",
        "evaluation.seeds": 2,
    }


def next_states(folder: Path) -> dict[str, Any]:
    life_courses(80).write_csv(folder / "courses.csv")
    return {
        "task": "next",
        "data.files": [str(folder / "courses.csv")],
        "data.states": ["m01:m12"],
        "data.covariate": ["sex"],
        "data.id": "id",
    }


def life_courses(rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    trained = rng.integers(0, 2, rows)
    orders = (["school", "training", "work"], ["school", "work", "jobless"])
    courses = [np.repeat(orders[one], rng.multinomial(9, [1 / 3] * 3) + 1) for one in trained]
    times = [f"m{month:02}" for month in range(1, 13)]
    return pl.DataFrame([list(one) for one in courses], schema=times, orient="row").with_columns(
        pl.Series("sex", rng.choice(["f", "m"], rows)),
        pl.Series("pay", np.where(trained ^ (rng.random(rows) < 0.1), "good", "poor")),
        pl.Series("id", [f"P{number}" for number in range(rows)]),
    )


def events(folder: Path) -> dict[str, Any]:
    log(100).write_csv(folder / "log.csv")
    return {**of_log(folder), "data.target": "kind"}


def next_events(folder: Path) -> dict[str, Any]:
    log(100).drop("kind").write_csv(folder / "log.csv")
    return {**of_log(folder), "task": "next"}


def of_log(folder: Path) -> dict[str, Any]:
    return {
        "data.files": [str(folder / "log.csv")],
        "data.id": "person",
        "data.event": ["action"],
        "data.time": "when",
        "data.attribute": ["amount"],
    }


def log(persons: int) -> pl.DataFrame:
    """Events of persons, with the time and an amount of each."""
    rng = np.random.default_rng(0)
    frames = []
    for person in range(persons):
        buys, count = bool(rng.integers(0, 2)), int(rng.integers(6, 12))
        frames.append(
            pl.DataFrame(
                {
                    "person": [f"P{person}"] * count,
                    "action": [
                        ("look", "buy" if buys else "ask", "leave")[number % 3]
                        for number in range(count)
                    ],
                    "when": np.cumsum(rng.integers(1, 9, count)),
                    "amount": np.round(rng.lognormal(3, 1, count), 2),
                    "kind": ["buyer" if buys else "visitor"] * count,
                }
            )
        )
    return pl.concat(frames)


def tokens(folder: Path) -> dict[str, Any]:
    """Sentences of tagged words."""
    rng = np.random.default_rng(0)
    tags = {
        "the": "DET",
        "old": "ADJ",
        "dog": "NOUN",
        "cat": "NOUN",
        "sees": "VERB",
        "Ann": "PROPN",
    }
    rows = [
        (f"s{number}", word, tags[word])
        for number in range(80)
        for word in rng.choice(list(tags), int(rng.integers(3, 8))).tolist()
    ]
    frame = pl.DataFrame(rows, schema=["sentence", "word", "tag"], orient="row")
    frame.write_csv(folder / "tags.csv")
    return {
        "task": "label",
        "data.files": [str(folder / "tags.csv")],
        "data.token": "word",
        "data.id": "sentence",
        "data.target": "tag",
    }


def forecasts(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    frames = [
        pl.DataFrame(
            {
                "id": [f"s{number}"] * 60,
                "when": [f"{1990 + step // 12}-{step % 12 + 1:02}" for step in range(60)],
                "y": np.round(60 + np.cumsum(rng.normal(size=60)), 3),
            }
        )
        for number in range(4)
    ]
    pl.concat(frames).write_csv(folder / "series.csv")
    return {
        "task": "forecast",
        "data.files": [str(folder / "series.csv")],
        "data.series": ["y"],
        "data.time": "when",
        "data.id": "id",
        "forecast.horizon": 4,
        "forecast.windows": 100,
    }


def numbers(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    frames = []
    for place in range(80):
        values = rng.normal(size=(int(rng.integers(10, 16)), 2))
        side = int(rng.integers(0, 2))
        values[int(rng.integers(0, len(values))), side] += 6
        frames.append(
            pl.DataFrame(
                {
                    "id": [f"s{place}"] * len(values),
                    "time": range(len(values)),
                    "wage": values[:, 0],
                    "price": values[:, 1],
                    "kind": [("left", "right")[side]] * len(values),
                }
            )
        )
    pl.concat(frames).write_csv(folder / "numbers.csv")
    return {
        "data.files": [str(folder / "numbers.csv")],
        "data.series": ["wage", "price"],
        "data.id": "id",
        "data.time": "time",
        "data.target": "kind",
    }


def pairs(folder: Path) -> dict[str, Any]:
    write_table(spelling.generate(200), folder / "words.csv")
    return {
        "task": "transduce",
        "data.files": [str(folder / "words.csv")],
        "data.text": "old",
        "data.target": "new",
    }


def documents(folder: Path) -> dict[str, Any]:
    """Texts of several chunks, so that states are carried; in fewer lanes than documents."""
    letters = generate(60)["letter"].to_list()
    corpus = folder / "corpus"
    corpus.mkdir()
    for number in range(30):
        text = "\n".join(letters[2 * number : 2 * number + 2])
        (corpus / f"{number:02}.txt").write_text(text, encoding="utf-8")
    return {
        "task": "language",
        "data.files": [str(corpus)],
        "training.chunk_length": 50,
        "training.batch_size": 8,
        "model.embedding_size": 8,
    }


TABLES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "texts": texts,
    "states": states,
    "events": events,
    "next states": next_states,
    "next events": next_events,
    "label": tokens,
    "forecast": forecasts,
    "numbers": numbers,
    "pairs": pairs,
    "language": documents,
}


if __name__ == "__main__":
    main()
