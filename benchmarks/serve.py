"""The service under load, compared with a handler that runs one forward pass per request.

    python benchmarks/serve.py [--seconds 60] [--clients 8 32]

Both serve the tutorials' model (an LSTM of 128 units on 128-dimensional words) over loopback; each
request has one letter of about 65 words. With four cores or more, the servers use the first two and
the clients, which run in this process, the next two. Finally, 10,000 silent connections are opened.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import urlopen

from duree.examples.letters import generate
from duree.recipe.recipe import Recipe
from duree.workflow import fit

PLAIN = """
import sys, polars, torch, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from duree.pipeline.model import TrainedModel

model = TrainedModel.load(sys.argv[1] + "/model")
app = FastAPI()

class Body(BaseModel):
    rows: list[dict[str, str]]

@app.post("/predict")
def predict(body: Body):
    found = []
    for row in body.rows:
        scores = model.predictions(model.encode(polars.Series("text", [row["letter"]])))[0]
        best = model.task.classes[int(scores.argmax())]
        shares = dict(zip(model.task.classes, scores.tolist()))
        found.append({"prediction": best, "probability": shares})
    return {"predictions": found}

@app.get("/ready")
def ready():
    return {}

uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, nargs="+", default=[8, 32])
    options = parser.parse_args()
    cores = share_cores()
    bodies = [
        json.dumps({"rows": [{"letter": letter}]}).encode()
        for letter in generate(200, seed=1)["letter"]
    ]
    with tempfile.TemporaryDirectory() as name:
        run = str(train(Path(name)))
        commands = {
            "duree serve": [sys.executable, "-m", "duree", "serve", run, "--port"],
            "plain handler": [sys.executable, "-c", PLAIN, run],
        }
        for clients in options.clients:
            rates = {}
            for server, command in commands.items():
                with started(command, cores) as (process, port):
                    rates[server] = measure(server, process, port, clients, options.seconds, bodies)
            print(f"{clients} clients: {rates['duree serve'] / rates['plain handler']:.1f} times")
        with started(commands["duree serve"], cores) as (process, port):
            measure_silence(process, port)


def share_cores() -> set[int]:
    """Pin the clients to two cores; return those of the servers, or none if there are few."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 4:
        print("servers and clients share all cores")
        return set()
    os.sched_setaffinity(0, {2, 3})
    print("servers on cores 0 and 1, clients on cores 2 and 3")
    return {0, 1}


def train(folder: Path) -> Path:
    """The tutorials' model, trained for one epoch: its speed does not depend on its weights."""
    generate(600).write_csv(folder / "letters.csv")
    recipe = Recipe().replace(
        {
            "data.files": (str(folder / "letters.csv"),),
            "data.text": "letter",
            "data.target": "tone",
            "model.hidden_size": 128,
            "model.bidirectional": False,
            "model.pooling": "last",
            "model.wide": False,
            "training.epochs": 1,
            "evaluation.baselines": False,
        }
    )
    return fit(recipe, folder / "run").folder


@contextmanager
def started(command: list[str], cores: set[int]) -> Iterator[tuple[int, int]]:
    """A server's process and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    threads = {"OMP_NUM_THREADS": str(len(cores))} if cores else {}
    environment = os.environ | threads
    with subprocess.Popen(
        [*command, str(port)], stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            if cores:
                os.sched_setaffinity(process.pid, cores)
            wait_for(port)
            yield process.pid, port
        finally:
            process.send_signal(signal.SIGTERM)


def measure(
    name: str, process: int, port: int, clients: int, seconds: float, bodies: list[bytes]
) -> float:
    """Load a server; print requests per second, latency, errors and memory."""
    asyncio.run(load(port, clients, 2.0, bodies))
    before, busy = memory(process), processor(process)
    times, faults = asyncio.run(load(port, clients, seconds, bodies))
    grown, busy = memory(process) - before, processor(process) - busy
    times.sort()
    rate = len(times) / seconds
    middle, late = (1e3 * times[int(share * len(times))] for share in (0.5, 0.99))
    print(
        f"{name}, {clients} clients: {rate:.0f} requests/s "
        f"({len(times) / busy:.0f} per core second), "
        f"p50 {middle:.1f} ms, p99 {late:.1f} ms, {faults} errors, "
        f"memory {before:.0f} MiB, growth {grown:+.0f}"
    )
    return rate


def measure_silence(process: int, port: int) -> None:
    """Open silent connections; print how long a request takes meanwhile."""
    import resource

    count = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    before, slowest = memory(process), 0.0
    with ExitStack() as stack:
        for number in range(count):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            if number % 100 == 99:
                began = time.perf_counter()
                urlopen(f"http://127.0.0.1:{port}/health", timeout=10).close()
                slowest = max(slowest, time.perf_counter() - began)
        grown = memory(process) - before
    print(
        f"{count} silent connections: a request takes at most {1e3 * slowest:.0f} ms, "
        f"memory {grown:+.0f} MiB"
    )


def wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


async def load(
    port: int, clients: int, seconds: float, bodies: list[bytes]
) -> tuple[list[float], int]:
    """Clients that send the next request after each response: seconds of each, and errors."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    faults = await asyncio.gather(*(client(port, end, times, bodies, k) for k in range(clients)))
    return times, sum(faults)


async def client(port: int, end: float, times: list[float], bodies: list[bytes], first: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    faults, number = 0, first
    while (began := time.perf_counter()) < end:
        body = bodies[number % len(bodies)]
        number += 1
        head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        response = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = response.split(b"content-length:")[1].split(b"\r\n")[0]
        await reader.readexactly(int(length))
        faults += b" 200 " not in response[:16]
        times.append(time.perf_counter() - began)
    writer.close()
    return faults


def memory(process: int) -> float:
    """Resident memory of the process, in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor(process: int) -> float:
    """CPU seconds of the process, on all cores."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
