"""Idle and slow connections do not block other clients."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from duree.serving.connections import MOST, capacity

# It says how long a body it was sent, and takes as many seconds as it was asked to; where it was
# asked to hold, it ends the response at SIGUSR1.
SERVER = """
import asyncio, signal, sys
from urllib.parse import unquote
if sys.argv[4] == "h11":
    sys.modules["httptools"] = None
from duree.serving import connections
from duree.serving.serve import listening, run
connections.MOST, connections.SECONDS = int(sys.argv[2]), float(sys.argv[3])

held = asyncio.Event()
signal.signal(signal.SIGUSR1, lambda *_: held.set())

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    headers = [(b"content-length", b"%d" % len(str(length)))]
    if scope["query_string"] == b"hold":
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while not held.is_set():
            await asyncio.sleep(0.01)
    else:
        await asyncio.sleep(float(scope["query_string"] or 0))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": str(length).encode()})

run(app, listening("127.0.0.1", int(sys.argv[1])))
"""
PATIENCE = 60.0  # seconds, however busy the machine
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = GET.replace(b"GET", b"POST").replace(
    b"\r\n\r\n", b"\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
)
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
            within(lambda: answers(port))
            yield process.pid, port
        finally:
            process.terminate()


def within(is_so: Callable[[], bool]) -> None:
    """Wait until it is so; the bound ends a test that would hang, and measures nothing."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE).is_success
    except httpx.TransportError:
        return False


def connect(port: int, sent: bytes = b"") -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    opened.sendall(sent)
    return opened


def read_until(opened: socket.socket, end: bytes, count: int = 1) -> bytes:
    """What comes until the end has come so often: one ``recv`` may return any piece of it."""
    received = b""
    while received.count(end) < count:
        piece = opened.recv(1000)
        assert piece, received
        received += piece
    return received


def half_sent(port: int) -> socket.socket:
    """A connection whose headers were accepted (100 Continue) and whose body is still to come."""
    opened = connect(port, POST)
    read_until(opened, b"HTTP/1.1 100 Continue\r\n\r\n")
    return opened


def busy(port: int) -> socket.socket:
    """A connection whose request is whole, and whose response has begun."""
    opened = connect(port, GET.replace(b" /", b" /?hold", 1))
    assert read_until(opened, b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    return opened


def is_open(opened: socket.socket) -> bool:
    """Whether the server has not closed a connection, on which it sends nothing."""
    opened.settimeout(0.1)
    try:
        return opened.recv(1) != b""
    except TimeoutError:
        return True


def seconds_until_closed(
    opened: socket.socket, drip: Sequence[bytes] = (), began: float | None = None
) -> float:
    """Wait until the server closes a connection on which these come one after the other, over and
    over; how long it lived on, since it was opened or asked last."""
    began = began or time.monotonic()
    opened.settimeout(0.02)
    end, number = time.monotonic() + PATIENCE, 0
    while time.monotonic() < end:
        try:
            if drip:
                opened.sendall(drip[number % len(drip)])
                number += 1
            if opened.recv(1000) == b"":
                return time.monotonic() - began
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - began
    raise AssertionError("it was not closed")


def megabytes(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.fixture(scope="module", params=["httptools", "h11"])
def impatient(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server with a timeout of one second."""
    with serving(most=4, seconds=1, http=request.param) as (_, port):
        yield port


@pytest.fixture(scope="module", params=["httptools", "h11"])
def small_server(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """Process and port of a server that holds four connections and closes none for being slow."""
    with serving(most=4, seconds=10 * PATIENCE, http=request.param) as server:
        yield server


@pytest.fixture
def small(small_server: tuple[int, int]) -> int:
    """Its port."""
    return small_server[1]


def test_headers_sent_a_byte_at_a_time_are_cut_off(impatient: int) -> None:
    began = time.monotonic()
    with connect(impatient) as slow:
        assert seconds_until_closed(slow, BYTES, began) > 0.5


def test_slow_headers_of_a_second_request_are_cut_off_too(
    impatient: int,
) -> None:
    began = time.monotonic()
    with connect(impatient, GET) as slow:
        assert read_until(slow, b"\r\n\r\n0").startswith(b"HTTP/1.1 200")
        assert seconds_until_closed(slow, BYTES, began) > 0.5


def test_a_connection_that_says_nothing_is_closed(impatient: int) -> None:
    began = time.monotonic()
    with connect(impatient) as silent:
        assert seconds_until_closed(silent, began=began) > 0.5


def test_headers_without_end_are_cut_off_at_once(small: int) -> None:
    with connect(small, b"GET / HTTP/1.1\r\n") as long:
        seconds_until_closed(long, drip=[b"X: " + b"x" * 10_000 + b"\r\n"])


def test_a_slow_body_and_a_long_answer_are_waited_for(impatient: int) -> None:
    head = b"POST /?1.1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n"
    with connect(impatient, head) as slow:
        for byte in (b"a", b"b", b"c"):
            time.sleep(0.4)
            slow.sendall(byte)
        assert read_until(slow, b"\r\n\r\n3").startswith(b"HTTP/1.1 200")


def test_requests_sent_without_waiting_for_the_answers_are_all_answered(impatient: int) -> None:
    began = time.monotonic()
    with connect(impatient, GET * 3) as hurried:
        read_until(hurried, b"HTTP/1.1 200", 3)
        assert seconds_until_closed(hurried, began=began) > 0.5


def test_the_longest_idle_connection_is_closed_and_no_busy_one(small: int) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(busy(small))
        second, *_ = [stack.enter_context(connect(small)) for _ in range(3)]
        last = stack.enter_context(connect(small, GET))
        assert read_until(last, b"\r\n\r\n0").startswith(b"HTTP/1.1 200")
        seconds_until_closed(second)
        assert is_open(first)


def test_bodies_that_do_not_come_keep_nobody_out(small: int) -> None:
    with ExitStack() as stack:
        first, second, *_ = [stack.enter_context(half_sent(small)) for _ in range(4)]
        assert answers(small)
        seconds_until_closed(first)
        second.sendall(b"x")
        assert read_until(second, b"\r\n\r\n1").startswith(b"HTTP/1.1 200")


def test_where_all_are_busy_the_new_one_is_closed(small_server: tuple[int, int]) -> None:
    process, port = small_server
    with ExitStack() as stack:
        opened = [stack.enter_context(busy(port)) for _ in range(4)]
        with connect(port) as late:
            seconds_until_closed(late)
        os.kill(process, signal.SIGUSR1)
        for one in opened:
            assert read_until(one, b"0") == b"0"


@pytest.mark.alone
def test_ten_thousand_silent_connections_block_no_client_and_cost_little() -> None:
    silent = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    # None is closed for being slow: the answered client did not wait for that.
    with serving(seconds=10 * PATIENCE) as (process, port), ExitStack() as stack:
        before = megabytes(process)
        for number in range(silent):
            stack.enter_context(connect(port, b"GET / HTTP/1.1\r\n" if number % 2 else b""))
            if number % 500 == 499:
                assert answers(port)
        assert megabytes(process) - before < 30


def test_connections_are_limited_by_the_open_files_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 4096))
    assert capacity() == 128
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY,) * 2)
    assert capacity() == MOST
