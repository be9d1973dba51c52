"""Whoever opens connections and says nothing keeps nobody else out."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from duree.serving.connections import MOST, capacity

# It says how long a body it was sent, and takes as many seconds as it was asked to.
SERVER = """
import asyncio, sys
from urllib.parse import unquote
if sys.argv[4] == "h11":
    sys.modules["httptools"] = None
from duree.serving import connections
from duree.serving.serve import listening, run
connections.MOST, connections.SECONDS = int(sys.argv[2]), float(sys.argv[3])

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await asyncio.sleep(float(scope["query_string"] or 0))
    headers = [(b"content-length", b"%d" % len(str(length)))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(length).encode()})

run(app, listening("127.0.0.1", int(sys.argv[1])))
"""
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
BYTES = [bytes([byte]) for byte in b"GET / HTTP/1.1\r\nX: "]


@contextmanager
def serving(
    most: int = MOST, seconds: float = 10, http: str = "httptools"
) -> Iterator[tuple[int, int]]:
    """A server; gives its process and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-c", SERVER, port, most, seconds, http]
    with subprocess.Popen(list(map(str, command))) as process:
        try:
            for _ in range(300):
                try:
                    httpx.get(f"http://127.0.0.1:{port}/").raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield process.pid, port
        finally:
            process.terminate()


def connect(port: int, sent: bytes = b"") -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), timeout=10)
    opened.sendall(sent)
    return opened


def several(count: int, port: int, stack: ExitStack, sent: bytes = b"") -> list[socket.socket]:
    """One after the other: a server that holds few takes few at once."""
    opened = []
    for _ in range(count):
        opened.append(stack.enter_context(connect(port, sent)))
        time.sleep(0.05)
    return opened


def seconds_until_closed(opened: socket.socket, drip: Sequence[bytes] = ()) -> float:
    """How long a connection lives on which these come one after the other, over and over."""
    began = time.monotonic()
    opened.settimeout(0.02)
    number = 0
    while time.monotonic() - began < 10:
        try:
            if drip:
                opened.sendall(drip[number % len(drip)])
                number += 1
            if opened.recv(1000) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


def megabytes(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.fixture(scope="module", params=["httptools", "h11"])
def impatient(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that waits a second, and holds four connections."""
    with serving(most=4, seconds=1, http=request.param) as (_, port):
        yield port


def test_headers_sent_a_byte_at_a_time_are_cut_off(impatient: int) -> None:
    with connect(impatient) as slow:
        assert 0.5 < seconds_until_closed(slow, drip=BYTES) < 3


def test_so_are_those_of_the_next_request_on_a_connection_that_was_answered(
    impatient: int,
) -> None:
    with connect(impatient, GET) as slow:
        assert slow.recv(1000).startswith(b"HTTP/1.1 200")
        assert 0.5 < seconds_until_closed(slow, drip=BYTES) < 3


def test_a_connection_that_says_nothing_is_closed(impatient: int) -> None:
    with connect(impatient) as silent:
        assert 0.5 < seconds_until_closed(silent) < 3


def test_headers_without_end_are_cut_off_at_once(impatient: int) -> None:
    with connect(impatient, b"GET / HTTP/1.1\r\n") as long:
        assert seconds_until_closed(long, drip=[b"X: " + b"x" * 10_000 + b"\r\n"]) < 0.5


def test_a_slow_body_and_a_long_answer_are_waited_for(impatient: int) -> None:
    head = b"POST /?1.1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n"
    with connect(impatient, head) as busy:
        for byte in (b"a", b"b", b"c"):
            time.sleep(0.4)
            busy.sendall(byte)
        assert busy.recv(1000).endswith(b"\r\n\r\n3")


def test_requests_sent_without_waiting_for_the_answers_are_all_answered(impatient: int) -> None:
    with connect(impatient, GET * 3) as hurried:
        answers = b""
        while answers.count(b"HTTP/1.1 200") < 3:
            answers += hurried.recv(1000)
        assert 0.5 < seconds_until_closed(hurried) < 3


def test_the_one_that_was_idle_longest_gives_way_and_none_that_is_busy(impatient: int) -> None:
    with ExitStack() as stack:
        opened = several(4, impatient, stack)
        opened[0].sendall(GET.replace(b"/ ", b"/?0.5 "))
        time.sleep(0.1)
        last = stack.enter_context(connect(impatient, GET))
        assert last.recv(1000).startswith(b"HTTP/1.1 200")
        assert seconds_until_closed(opened[1]) < 0.3
        assert opened[0].recv(1000).startswith(b"HTTP/1.1 200")


def test_where_all_are_busy_the_new_one_is_closed(impatient: int) -> None:
    with ExitStack() as stack:
        busy = several(4, impatient, stack, GET.replace(b"/ ", b"/?0.9 "))
        with connect(impatient) as late:
            assert seconds_until_closed(late) < 0.3
        assert all(one.recv(1000).startswith(b"HTTP/1.1 200") for one in busy)


def test_ten_thousand_silent_connections_keep_nobody_out_and_cost_little() -> None:
    silent = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    with serving() as (process, port), ExitStack() as stack:
        before, slowest = megabytes(process), 0.0
        for number in range(silent):
            stack.enter_context(connect(port, b"GET / HTTP/1.1\r\n" if number % 2 else b""))
            if number % 500 == 499:
                began = time.monotonic()
                assert httpx.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 200
                slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1
        assert megabytes(process) - before < 30


def test_no_more_are_held_than_the_process_may_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 4096))
    assert capacity() == 128
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY,) * 2)
    assert capacity() == MOST
