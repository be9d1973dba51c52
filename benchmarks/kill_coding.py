"""Kill the studio again and again while labels are sent to it, and look for labels that are lost.

Usage: python benchmarks/kill_coding.py [--kills 200] [--command]

A studio is started on a sample of letters and one coder labels text after text. At a random moment
the process is killed (SIGKILL), between two labels or within one; then the coder's file is read. A
label that was acknowledged and is not in the file is lost. The next studio must go on with the
first text that has no label. Prints the number of kills after which nothing was lost.

Each studio is forked from a process that has imported it; with --command it is ``duree studio``,
which takes some seconds to start.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx

from duree.examples import letters
from duree.inference.codings import read_codings, valid_codings
from duree.inference.sample import sample

TEXTS = 3000
# The studio is killed within so many seconds after its first answer.
LONGEST = 1.0
TOKEN = "the-key-of-this-benchmark"
Start = Callable[[Path], AbstractContextManager[tuple[int, int, str]]]


def main() -> None:
    """Kill, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--command", action="store_true")
    options = parser.parse_args()
    kills, start = options.kills, by_command if options.command else forked
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        letters.generate(TEXTS + 100).write_csv(folder / "letters.csv")
        sample(folder / "letters.csv", TEXTS, folder / "coding", id="letter_id", text="letter")
        # The labels that were acknowledged: label by id.
        given: dict[str, str] = {}
        whole = unfinished = 0
        begun = time.monotonic()
        for kill in range(1, kills + 1):
            coder = Coder(start, folder, given, chance)
            coder.work(chance.uniform(0, LONGEST))
            codings, findings = read_codings(folder / "coding")
            saved = {one.id: one.label for one in valid_codings(codings) if one.batch == "design"}
            lost = {id for id, label in given.items() if saved.get(id) != label}
            whole += not lost and not coder.asked_again
            unfinished += len(findings)
            if lost or coder.asked_again or kill % 20 == 0:
                print(
                    f"{whole} of {kill}: {len(given)} labels acknowledged, {len(lost)} lost, "
                    f"{len(saved) - len(given)} saved without acknowledgement, {unfinished} "
                    f"unfinished lines, {time.monotonic() - begun:.0f} s",
                    flush=True,
                )
        print(f"no label lost after {whole} of {kills} kills")


class Coder:
    """One coder with one studio, which is killed while they work."""

    def __init__(
        self, start: Start, folder: Path, given: dict[str, str], chance: random.Random
    ) -> None:
        self.start, self.folder, self.given, self.chance = start, folder, given, chance
        self.asked_again: set[str] = set()

    def work(self, seconds: float) -> None:
        """Label text after text, until the studio is killed ``seconds`` after the first page."""
        with self.start(self.folder / "runs") as (process, port, entry):
            killer = threading.Timer(seconds, os.kill, [process, signal.SIGKILL])
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as browser:
                browser.get(entry)
                page = browser.get("/coding/coding/code?coder=Anna").text
                killer.start()
                self._label(browser, page)
            killer.join()

    def _label(self, browser: httpx.Client, page: str) -> None:
        while fields := hidden_fields(page):
            if fields["batch"] == "design" and fields["id"] in self.given:
                self.asked_again.add(fields["id"])
            label = self.chance.choice(["warm", "cold"])
            try:
                answer = browser.post(
                    "/coding/coding/code",
                    data=fields | {"label": label, "comment": "why not " * 20},
                    headers={"hx-request": "true"},
                )
            except httpx.TransportError:
                return
            if answer.status_code != 200:
                raise SystemExit(f"refused: {answer.text}")
            if fields["batch"] == "design":
                self.given[fields["id"]] = label
            page = answer.text


@contextmanager
def forked(folder: Path) -> Iterator[tuple[int, int, str]]:
    """Process, port and link of a studio that is forked from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["duree.serving.studio.app", "duree.serving.connections"])
    with socket.create_server(("127.0.0.1", 0)) as address:
        port = address.getsockname()[1]
        process = context.Process(target=serve, args=(folder, address, port), daemon=True)
        process.start()
    assert process.pid
    yield process.pid, port, f"/?token={TOKEN}"
    process.kill()
    process.join()


def serve(folder: Path, address: socket.socket, port: int) -> None:
    """Answer as a studio, until the process ends."""
    import uvicorn

    from duree.serving.serve import settings
    from duree.serving.studio.start import guarded

    uvicorn.Server(settings(guarded(folder, TOKEN, port=port))).run(sockets=[address])


@contextmanager
def by_command(folder: Path) -> Iterator[tuple[int, int, str]]:
    """The same of a studio that is started as its user starts it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["duree", "studio", str(folder), "--no-browser", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"DUREE_LANG": "en"},
    )
    assert process.stdout
    link = process.stdout.readline().strip()
    yield process.pid, port, link.partition(str(port))[2]
    process.kill()
    process.wait()
    process.stdout.close()


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of the form for an answer; none if nothing is left."""
    within = page.partition('<form id="answer"')[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', within))


if __name__ == "__main__":
    main()
