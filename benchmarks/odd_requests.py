"""The service under odd requests: good clients must be answered as if they were alone.

    python benchmarks/odd_requests.py [--seconds 300] [--clients 8]

Clients send a person's events with their amounts, and get the probabilities of the next event;
beside them others send bodies of 20 odd kinds in turn: numbers of 400 digits, texts where numbers
belong, nested lists, broken JSON, bodies that are never completed. Every good request must get
status 200 and the same answer, no odd one a 500. The memory of the service at the end must be that
after the first minute (or half the time, if that is shorter), up to 5 %.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from duree.recipe.recipe import Recipe
from duree.workflow import fit

EVENTS, WARM_UP = 12, 60.0  # events of a person; seconds before memory is first measured
GROWTH = 0.05  # share of the memory by which it may change


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, started(train(Path(name))) as (process, port):
        warm_up = min(WARM_UP, options.seconds / 2)
        good, odd = asyncio.run(load(port, options.clients, warm_up))
        before = memory(process)
        more = asyncio.run(load(port, options.clients, options.seconds - warm_up))
        after = memory(process)
    good, odd = good + more[0], odd + more[1]
    right = sum(count for (status, is_same), count in good.items() if status == 200 and is_same)
    statuses = ", ".join(f"{status or 'none'}: {count}" for status, count in sorted(odd.items()))
    print(f"{options.clients} clients beside odd requests, {options.seconds:g} s")
    print(f"good requests answered rightly: {right:,} of {good.total():,}")
    print(f"odd requests by status: {statuses}")
    change = after / before - 1
    print(f"memory after {warm_up:g} s: {before:.0f} MiB; at the end: {after:.0f} ({change:+.1%})")
    sys.exit(right < good.total() or odd[500] > 0 or abs(change) > GROWTH)


def train(folder: Path) -> Path:
    """A small network for the next event, with a numeric attribute of each."""
    rng, persons = np.random.default_rng(0), 200
    rows = persons * EVENTS
    log = pl.DataFrame(
        {
            "user": np.repeat(np.arange(persons), EVENTS),
            "action": rng.choice(["look", "ask", "buy"], rows),
            "when": np.tile(np.arange(EVENTS), persons),
            "amount": np.round(rng.lognormal(3, 1, rows), 2),
        }
    )
    log.write_csv(folder / "log.csv")
    settings = {
        "task": "next",
        "data.files": (str(folder / "log.csv"),),
        "data.id": "user",
        "data.event": ("action",),
        "data.time": "when",
        "data.attribute": ("amount",),
        "model.hidden_size": 16,
        "training.epochs": 1,
        "evaluation.baselines": False,
        "evaluation.bootstrap": 100,
    }
    return fit(Recipe().replace(settings), folder / "run").folder


def body(**changes: object) -> bytes:
    """A good row, changed."""
    row = {"states": " › ".join(["look", "ask"] * (EVENTS // 2)), "amount": [1.5] * EVENTS}
    return json.dumps({"rows": [row | changes]}).encode()


def odd_bodies() -> list[bytes]:
    """Twenty bodies that do not fit."""
    changes: list[dict[str, object]] = [
        {"amount": [10**400] * EVENTS},
        {"amount": [-(10**400)] * EVENTS},
        {"amount": [1e308] * EVENTS},
        {"amount": ["much"] * EVENTS},
        {"amount": [[1.0]] * EVENTS},
        {"amount": []},
        {"amount": 1.5},
        {"amount": {"0": 1.5}},
        {"states": None},
        {"states": 10**400},
        {"states": "\0" * 1000},
        {"states": "x" * 100_000},
        {"states": ["look"] * EVENTS},
        {"gaps": [10**400] * EVENTS},
    ]
    return [
        *(body(**change) for change in changes),
        body().replace(b"1.5", b"1e400"),
        body().replace(b"1.5", b"NaN"),
        body()[:-2],
        b"[" * 100_000,
        b"\xff\xfe",
        b" " * 1_100_000,
    ]


async def load(
    port: int, clients: int, seconds: float
) -> tuple[Counter[tuple[int, bool]], Counter[int]]:
    """Status and rightness of good answers, and statuses of the odd ones (0: none)."""
    end = time.perf_counter() + seconds
    _, expected = await ask(port, body())
    good: Counter[tuple[int, bool]] = Counter()
    odd: Counter[int] = Counter()

    async def ask_well() -> None:
        while time.perf_counter() < end:
            status, answer = await ask(port, body())
            good[status, is_same(answer, expected)] += 1

    async def ask_oddly(first: int) -> None:
        bodies = odd_bodies()
        number = first
        while time.perf_counter() < end:
            status, _ = await ask(port, bodies[number % len(bodies)], whole=number % 7 > 0)
            odd[status] += 1
            number += 1

    many = [*(ask_well() for _ in range(clients)), *(ask_oddly(first) for first in range(2))]
    await asyncio.gather(*many)
    return good, odd


async def ask(port: int, body: bytes, *, whole: bool = True) -> tuple[int, bytes]:
    """Status and body of an answer; 0 where the connection is closed, or the body not sent."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nConnection: close\r\n\r\n".encode())
        writer.write(body if whole else body[: random.randrange(len(body))])
        await writer.drain()
        if not whole:
            writer.transport.abort()
            return 0, b""
        answer = await reader.read()
        writer.close()
        return int(answer.split(maxsplit=2)[1]), answer.partition(b"\r\n\r\n")[2]
    except (OSError, IndexError):
        return 0, b""


def is_same(answer: bytes, expected: bytes) -> bool:
    """Whether two answers agree; batches of other sizes differ in the last digits of a float."""
    try:
        (found,), (wanted,) = (json.loads(one)["predictions"] for one in (answer, expected))
    except (ValueError, KeyError):
        return False
    names = wanted["probability"]
    return all(abs(found["probability"][name] - names[name]) < 1e-5 for name in names)


@contextmanager
def started(run: Path) -> Iterator[tuple[int, int]]:
    """The service's process and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "duree", "serve", str(run), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(600):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield process.pid, port
        finally:
            process.send_signal(signal.SIGTERM)


def memory(process: int) -> float:
    """Resident memory of the process, in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
