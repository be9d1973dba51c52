"""The same results before and after a change that must not change any.

    python benchmarks/same_results.py make FOLDER     with the code as it was
    python benchmarks/same_results.py check FOLDER    with the code as it is

``make`` carries out ten runs of two epochs (the demo in full), and keeps in FOLDER each run, its
predictions of a table, what the service answers and the exported graph, and in ``results.json`` the
SHA-256 of all values: of each weight tensor under any name, of the predictions of the
network and of the baselines. ``check`` carries them out again and compares; then it loads, predicts
with, serves, reports and exports the runs that ``make`` left. Both must run on the same machine.
Needs DUREE_DATA (default ../shared/data): runs whose data are missing are skipped. Eight minutes
each on two threads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors.numpy import load_file

DATA = Path(os.environ.get("DUREE_DATA", "../shared/data")).absolute()
SHORT = ("--epochs=2", "--set=forest_trees=50", "--set=bootstrap=200", "--seed=0")
ROWS = 2000
# What predictions and answers say since the runs before: left out of the comparison.
LATER_COLUMNS = ("source_row", "source_file")
LATER_FIELDS = re.compile(r',"(?:unseen|warning)":(?:"(?:[^"\\\\]|\\\\.)*"|[^,}]*)')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["make", "check"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", help="these runs alone")
    options = parser.parse_args()
    folder: Path = options.folder.absolute()
    file = folder / "results.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    different = 0
    for name, arguments in commands(folder / "tables").items():
        if options.only and name not in options.only:
            continue
        if arguments is None:
            print(f"{name}: skipped, its data are not there; set DUREE_DATA")
        elif options.action == "make":
            shutil.rmtree(folder / name, ignore_errors=True)
            (folder / name).mkdir(parents=True)
            run(*arguments, f"--out={folder / name / 'run'}")
            known[name] = fingerprints(folder / name / "run") | answers(folder / name, name)
            file.write_text(json.dumps(known, indent=1, sort_keys=True))
            print(f"{name}: kept")
        else:
            different += compare(name, arguments, folder, known[name])
    sys.exit(different > 0)


def commands(tables: Path) -> dict[str, tuple[str, ...] | None]:
    """The command of each run; None where its data are missing."""
    tables.mkdir(parents=True, exist_ok=True)
    hotel, reviews, mvad, gothic, weekly, numbers = (
        tables / name
        for name in ("hotel.csv", "imdb.parquet", "mvad.csv", "gothic.conllu", "weekly", "numbers")
    )
    raw = DATA / "chinese_hotel" / "chnsenticorp_htl_all.csv"
    if raw.exists() and not hotel.exists():
        pl.read_csv(raw).sample(ROWS, seed=0).write_csv(hotel)
    raw = DATA / "imdb" / "train.parquet"
    if raw.exists() and not reviews.exists():
        pl.read_parquet(raw).sample(ROWS, seed=0).write_parquet(reviews)
    raw = DATA / "mvad" / "mvad.csv"
    if raw.exists() and not mvad.exists():
        shutil.copyfile(raw, mvad)
    raw = DATA / "gothic" / "train.conllu"
    if raw.exists() and not gothic.exists():
        sentences = raw.read_text(encoding="utf-8").split("\n\n")[:500]
        gothic.write_text("\n\n".join(sentences) + "\n\n", encoding="utf-8")
    raw = DATA / "m4_weekly"
    if raw.exists() and not weekly.exists():
        weekly.mkdir()
        for part in ("train", "test"):
            lines = (raw / f"{part}.csv").read_text(encoding="utf-8").splitlines()[:51]
            (weekly / f"{part}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if not numbers.exists():
        numbers.mkdir()
        bursts().write_csv(numbers / "bursts.csv")
    states = "--states=Jul.93:Jun.99"
    found = {
        "hotel_lstm": (hotel, "--text=review", "--target=label"),
        "hotel_gru": (hotel, "--text=review", "--target=label", "--cell=gru"),
        "imdb": (reviews, "--text=review", "--target=rating"),
        "mvad": (mvad, states, "--target=gcse5eq"),
        "mvad_next": (mvad, states, "--task=next"),
        "gothic": (gothic, "--task=label", "--target=upos"),
        "weekly": (weekly / "train.csv", f"--test={weekly / 'test.csv'}", "--task=forecast"),
        "numbers": (
            numbers / "bursts.csv",
            *("--series=x0", "--series=x1", "--id=id", "--time=time", "--target=kind"),
        ),
    }
    runs: dict[str, tuple[str, ...] | None] = {"demo": ("demo",)}
    for name, (table, *rest) in found.items():
        there = Path(table).exists()
        runs[name] = ("fit", str(table), *map(str, rest), *SHORT) if there else None
    return runs


def bursts() -> pl.DataFrame:
    """300 series of two channels, of which one has a burst."""
    rng = np.random.default_rng(0)
    frames = []
    for place in range(300):
        values = rng.normal(size=(int(rng.integers(20, 40)), 2))
        side = int(rng.integers(0, 2))
        values[int(rng.integers(0, len(values))), side] += 6
        frame = pl.DataFrame({"x0": values[:, 0], "x1": values[:, 1]})
        frames.append(
            frame.with_columns(
                pl.int_range(len(values)).alias("time"),
                pl.lit(f"s{place}").alias("id"),
                pl.lit(("left", "right")[side]).alias("kind"),
            )
        )
    return pl.concat(frames)


def fingerprints(folder: Path) -> dict[str, Any]:
    """SHA-256 of what a run computed."""
    weights = load_file(folder / "model" / "weights.safetensors")
    tensors = sorted(sha(value.tobytes() + str(value.shape).encode()) for value in weights.values())
    found: dict[str, Any] = {"weights": sha("".join(tensors).encode())}
    for name in ("predictions", "baselines"):
        if (folder / f"{name}.parquet").exists():
            found[name] = of_table(pl.read_parquet(folder / f"{name}.parquet"))
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    figures = {
        model: {metric: value for metric, value in values.items() if metric != "fit_seconds"}
        for model, values in metrics["models"].items()
    }
    return found | {"figures": sha(json.dumps(figures, sort_keys=True).encode())}


def answers(folder: Path, name: str) -> dict[str, Any]:
    """What a kept run says of its own table: predicted, served, reported and exported."""
    kept = folder / "run"
    table = table_of(folder.parent / "tables", folder, name)
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "predictions.parquet"
        run("predict", str(kept), str(table), "-o", str(output))
        found: dict[str, Any] = {"predict": of_table(pl.read_parquet(output))}
        copy = Path(place) / "run"
        shutil.copytree(kept, copy)
        (copy / "report.html").unlink()
        run("report", str(copy))
        found["report"] = (copy / "report.html").stat().st_size > 10_000
        graph = Path(place) / "network.onnx"
        done = run("export", str(kept), str(graph), may_refuse=True)
        found["export"] = sha(graph.read_bytes()) if done == 0 else "refused"
    return found | {"served": sha(LATER_FIELDS.sub("", served(kept, table)).encode())}


def table_of(tables: Path, folder: Path, name: str) -> Path:
    """The table that a run is asked to predict."""
    file = {
        "demo": folder / "run-letters.csv",
        "weekly": tables / "weekly" / "train.csv",
        "gothic": tables / "gothic.conllu",
        "numbers": tables / "numbers" / "bursts.csv",
        "imdb": tables / "imdb.parquet",
    }
    return file.get(name, tables / f"{name.partition('_')[0]}.csv")


def served(folder: Path, table: Path) -> str:
    """The service's answers to twenty rows, or its refusal, as JSON."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "duree", "serve", str(folder), f"--port={port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/ready", timeout=5)
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        body = json.dumps({"rows": rows_for(table)}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{address}/predict", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return str(response.read().decode())
        except urllib.error.HTTPError as error:
            return f"status {error.code}"
    finally:
        process.terminate()
        process.wait()


def rows_for(table: Path) -> list[dict[str, Any]]:
    """Rows as the service takes them."""
    if table.suffix == ".conllu":
        sentences = table.read_text(encoding="utf-8").split("\n\n")[:20]
        words = (
            [line.split("\t")[1] for line in s.splitlines() if line[0] != "#"] for s in sentences
        )
        return [{"tokens": sentence} for sentence in words]
    if table.name == "train.csv":
        lines = [line.replace('"', "").split(",") for line in table.read_text().splitlines()[1:6]]
        return [{"value": [float(cell) for cell in line[1:] if cell]} for line in lines]
    frame = pl.read_parquet(table) if table.suffix == ".parquet" else pl.read_csv(table)
    if table.name == "bursts.csv":
        frame = frame.group_by("id", maintain_order=True).agg("x0", "x1")
    return json.loads(frame.head(20).write_json())


def compare(name: str, arguments: tuple[str, ...], folder: Path, known: dict[str, Any]) -> int:
    """How many results of a run are no longer the same."""
    with tempfile.TemporaryDirectory() as place:
        run(*arguments, f"--out={Path(place) / 'run'}")
        now = fingerprints(Path(place) / "run")
    now |= answers(folder / name, name)
    different = [key for key in known if now[key] != known[key]]
    print(
        f"{name}: {'differs in ' + ', '.join(different) if different else 'the same'}", flush=True
    )
    return len(different)


def run(*words: str, may_refuse: bool = False) -> int:
    """Run a verb of the command line; stop where it fails and must not."""
    done = subprocess.run(
        [sys.executable, "-m", "duree", *words],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "2", "DUREE_LANG": "en"},
    )
    if done.returncode and not may_refuse:
        raise SystemExit(f"duree {' '.join(words)} failed:\n{done.stderr}")
    return done.returncode


def of_table(frame: pl.DataFrame) -> str:
    """SHA-256 of the values of a table, under any column names."""
    frame = frame.drop(LATER_COLUMNS, strict=False)
    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    lists = json.dumps([frame[name].to_list() for name in nested], default=str)
    return sha((frame.drop(nested).write_csv(include_header=False) + lists).encode())


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
