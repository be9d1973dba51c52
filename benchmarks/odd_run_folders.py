"""Broken run folders: every command works on them as before, or says which file is at fault.

    python benchmarks/odd_run_folders.py [--minutes 10] [--seed 0]

Small runs of each kind of task are made, then one file of a run at a time is damaged: missing,
empty, truncated, a byte changed, replaced by ``[]``, ``{}`` or ``null``, one value of its JSON
replaced by another type or a huge or negative number, a column of its table missing, of another
type, or without rows. Each damaged run is reported, used for predictions, exported, loaded, opened
in the studio, compared and resumed. Every answer must be that of the whole run or another valid
one, or one error that names the run or its file and says what to do; never another exception, more
than a minute, or more than 4 GiB of memory. Prints counts by command and outcome.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl

from duree import load
from duree.errors import DureeError
from duree.examples import letters, tagged_words
from duree.pipeline.compare import compare_runs
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.report.pages.report import write_report
from duree.serving.export import export
from duree.serving.studio.start import guarded
from duree.workflow import fit, predict, resume

SECONDS, MEMORY = 60, 4 * 2**30
TOKEN = "the-key-of-this-sweep"
# Commands of which one is chosen for each damage, beside all others.
SLOW = ("report", "studio", "finish", "nothing")
# In place of one value of a JSON file.
VALUES: tuple[Any, ...] = ("text", "", 10**400, 1e308, -1, 10**9, 0, True, None, [], {}, [[]])
SMALL = {
    "model.hidden_size": 8,
    "training.epochs": 1,
    "evaluation.bootstrap": 100,
    "evaluation.baselines": False,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY,) * 2)
    rng = random.Random(options.seed)
    counts: Counter[tuple[str, str]] = Counter()
    faults: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        whole = {kind: make(Path(name) / kind) for kind, make in KINDS.items()}
        able = {kind: able_to(*found) for kind, found in whole.items()}
        signal.signal(signal.SIGALRM, _too_long)
        signal.setitimer(signal.ITIMER_REAL, 0)
        end = time.monotonic() + 60 * options.minutes
        while time.monotonic() < end:
            kind = rng.choice(list(whole))
            run, table = whole[kind]
            file = rng.choice(sorted(path for path in run.rglob("*") if is_content(path)))
            inner = file.relative_to(run)
            damage, content = rng.choice(list(damages(file, rng)))
            broken = Path(name) / "broken" / "runs" / "run"
            slow = rng.choice(SLOW)
            for command in able[kind]:
                if command in SLOW and command != slow:
                    continue
                carry_out = COMMANDS[command]
                shutil.rmtree(broken.parent, ignore_errors=True)
                shutil.copytree(run, broken)
                put(broken / inner, content)
                outcome, detail = outcome_of(carry_out, broken, table, str(inner))
                counts[command, outcome] += 1
                if outcome not in FINE:
                    faults[f"{kind} {inner}: {damage}; {command}: {outcome} {detail}"] += 1
    for fault, count in sorted(faults.items()):
        print(f"{count} x {fault}\n")
    names = sorted({outcome for _, outcome in counts})
    print("| command | " + " | ".join(names) + " |")
    print("|" + " --- |" * (len(names) + 1))
    for command in COMMANDS:
        cells = " | ".join(str(counts[command, outcome]) for outcome in names)
        print(f"| {command} | {cells} |")
    sys.exit(bool(faults))


def able_to(run: Path, table: Path) -> list[str]:
    """The commands that work on the whole run: some tasks have no export, or are no estimators."""
    copy = run.with_name("copy") / "run"
    able = []
    for command, carry_out in COMMANDS.items():
        shutil.rmtree(copy.parent, ignore_errors=True)
        shutil.copytree(run, copy)
        if outcome_of(carry_out, copy, table, "")[0] == "answered":
            able.append(command)
    return able


# Outcomes: an answer, or an error that names what is at fault.
FINE = ("answered", "refused by name", "refused as its altered recipe asks")


def outcome_of(
    carry_out: Callable[[Path, Path], object], run: Path, table: Path, inner: str
) -> tuple[str, str]:
    """What became of a command on a run that may be damaged, and what it said."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        carry_out(run, table)
    except DureeError as error:
        said = error.message("en")
        if inner == "recipe.toml" and error.fix:  # what a person may have written
            return "refused as its altered recipe asks", said
        named = any(name in said for name in (str(run), *Path(inner).parts))
        return ("refused by name", said) if named and error.fix else ("REFUSED UNCLEARLY", said)
    except (MemoryError, TimeoutError) as error:
        return type(error).__name__.upper(), ""
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        last_line = traceback.extract_tb(error.__traceback__)[-1]
        ours = [one for one in traceback.extract_tb(error.__traceback__) if "duree" in one.filename]
        place = ours[-1] if ours else last_line
        return "EXCEPTION", f"{type(error).__name__}: {str(error)[:200]} at {place}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "answered", ""


def is_content(path: Path) -> bool:
    """Whether a file of a run holds something that is read again."""
    return path.is_file() and path.suffix in {
        ".json",
        ".jsonl",
        ".parquet",
        ".toml",
        ".safetensors",
    }


def put(path: Path, content: bytes | None) -> None:
    """Replace the file's content; None removes it."""
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def damages(path: Path, rng: random.Random) -> Iterator[tuple[str, bytes | None]]:
    """Names and results of damages to a file; None where it is missing."""
    content = path.read_bytes()
    yield "missing", None
    yield "empty", b""
    for share in (0.1, 0.5, 0.9):
        yield f"truncated to {share:.0%}", content[: int(share * len(content))]
    yield "without its last byte", content[:-1]
    for _ in range(3):
        place = rng.randrange(max(len(content), 1))
        changed = bytes([rng.randrange(256)])
        yield f"byte {place} changed", content[:place] + changed + content[place + 1 :]
    for text in (b"[]", b"{}", b"null", b"\xff\xfe", b"[" * 100_000):
        yield f"replaced by {text[:4]!r}", text
    if path.suffix in (".json", ".jsonl"):
        yield from changed_values(content, path.suffix == ".jsonl", rng)
    if path.suffix == ".parquet":
        yield from changed_columns(path, rng)


def changed_values(
    content: bytes, by_line: bool, rng: random.Random
) -> Iterator[tuple[str, bytes]]:
    """One value of a JSON file replaced by each of ``VALUES``, or removed."""
    lines = content.splitlines() if by_line else [content]
    for value in (*VALUES, KeyError):
        at = rng.randrange(len(lines))
        data = json.loads(lines[at])
        places = list(_places(data))
        if not places:
            return
        *way, last = rng.choice(places)
        inner = data
        for step in way:
            inner = inner[step]
        if value is KeyError:
            del inner[last]
        else:
            inner[last] = value
        changed = [*lines[:at], json.dumps(data).encode(), *lines[at + 1 :]]
        named = "removed" if value is KeyError else f"made {str(value)[:12]!r}"
        yield f"{'.'.join(map(str, [*way, last]))} {named}", b"\n".join(changed)


def _places(data: Any) -> Iterator[list[Any]]:
    """The ways to all values within JSON data."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if _is_list(data) else ()
    for name, value in inner:
        yield [name]
        for way in _places(value):
            yield [name, *way]


def _is_list(data: Any) -> bool:
    return isinstance(data, list)


def changed_columns(path: Path, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """A table without a column, with one of another type, without rows, or with too many."""
    frame = pl.read_parquet(path)
    name = rng.choice(frame.columns)
    other = pl.lit(1).alias(name) if frame.schema[name] == pl.String else pl.lit("x").alias(name)
    changed = {
        f"without {name!r}": frame.drop(name),
        f"{name!r} of another type": frame.with_columns(other),
        f"{name!r} a list": frame.with_columns(pl.concat_list(pl.col(name)).alias(name)),
        f"{name!r} missing": frame.with_columns(pl.lit(None).alias(name)),
        f"{name!r} renamed": frame.rename({name: "other"}),
        "no rows": frame.head(0),
        "rows twice": pl.concat([frame, frame]),
        "one row": frame.head(1),
    }
    for damage, table in changed.items():
        target = path.with_name("changed.tmp")
        table.write_parquet(target)
        yield damage, target.read_bytes()
        target.unlink()


def ask_studio(run: Path, _: Path) -> None:
    """Open the run's pages in the studio: an answer below 500, or its error."""

    async def ask() -> None:
        transport = httpx.ASGITransport(guarded(run.parent, TOKEN))
        headers = {"cookie": f"duree-8321={TOKEN}", "sec-fetch-site": "same-origin"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8321") as ours:
            for page in (
                "/",
                f"/runs/{run.name}",
                f"/runs/{run.name}/rows",
                f"/runs/{run.name}/rows/1.html",
            ):
                answer = await ours.get(page, headers=headers)
                if answer.status_code >= 500:
                    raise RuntimeError(f"{page}: status {answer.status_code}")

    asyncio.run(ask())


def compare_both(run: Path, _: Path) -> None:
    """Compare the run with a copy of itself."""
    compare_runs(Run(run), Run(run))


def finish(run: Path, _: Path) -> None:
    """Resume the run as if it had been interrupted before its report."""
    (run / "report.html").unlink()
    resume(run)


COMMANDS: dict[str, Callable[[Path, Path], object]] = {
    "report": lambda run, table: write_report(Run(run).folder),
    "predict": lambda run, table: predict(run, table, run.parent.with_name("out.parquet")),
    "export": lambda run, table: export(run, run.parent.with_name("net.onnx")),
    "load": lambda run, table: load(run),
    "studio": ask_studio,
    "compare": compare_both,
    "resume": lambda run, table: resume(run),
    "finish": finish,
}


def fitted(
    folder: Path, frame: pl.DataFrame, suffix: str = ".csv", **settings: Any
) -> tuple[Path, Path]:
    """A small run on a table, and the table."""
    folder.mkdir(parents=True)
    table = folder / f"table{suffix}"
    frame.write_csv(table)
    recipe = Recipe.build({"data": {"files": [str(table)]}}).replace(SMALL | settings)
    return fit(recipe, folder / "run").folder, table


def texts(folder: Path) -> tuple[Path, Path]:
    frame = letters.generate(150)
    data = {"data.text": "letter", "data.target": "tone"}
    return fitted(
        folder, frame, **data, **{"evaluation.baselines": True, "evaluation.forest_trees": 5}
    )


def states(folder: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    cells = {f"t{place:02}": rng.choice(["a", "b", "c"], 90) for place in range(8)}
    return fitted(folder, pl.DataFrame(cells), task="next", **{"data.states": ("t*",)})


def events(folder: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "who": np.repeat(np.arange(90), 6),
            "what": rng.choice(["look", "ask", "buy"], 540),
            "when": rng.integers(0, 99, 540),
            "amount": rng.integers(0, 999, 540),
        }
    )
    data = {"data.id": "who", "data.event": ("what",), "data.time": "when"}
    return fitted(folder, frame, task="next", **data, **{"data.attribute": ("amount",)})


def series(folder: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    cells = {"kind": rng.choice(["x", "y"], 90)}
    cells |= {f"t{place:02}": rng.normal(size=90) for place in range(8)}
    return fitted(folder, pl.DataFrame(cells), **{"data.series": ("t*",), "data.target": "kind"})


def forecast(folder: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "who": np.repeat(["s", "t"], 60),
            "when": [f"{1990 + step // 12}-{step % 12 + 1:02}" for step in range(60)] * 2,
            "y": 60 + np.cumsum(rng.normal(size=120)),
        }
    )
    data = {"data.id": "who", "data.time": "when", "data.series": ("y",), "forecast.horizon": 3}
    return fitted(folder, frame, task="forecast", **data)


def words(folder: Path) -> tuple[Path, Path]:
    data = {"data.token": "word", "data.id": "sentence", "data.target": "tag"}
    return fitted(folder, tagged_words.generate(80), task="label", **data)


def numbers(folder: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    frame = letters.generate(120).with_columns(warmth=rng.normal(size=120))
    return fitted(folder, frame, **{"data.text": "letter", "data.target": "warmth"})


KINDS: dict[str, Callable[[Path], tuple[Path, Path]]] = {
    "texts": texts,
    "states": states,
    "events": events,
    "series": series,
    "forecast": forecast,
    "words": words,
    "numbers": numbers,
}


def _address_space() -> int:
    """The address space that this process has taken, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _too_long(*_: object) -> None:
    raise TimeoutError


if __name__ == "__main__":
    main()
