"""The service answers as the model does, refuses what does not fit, and loses no request."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx
import numpy as np
import polars as pl
import pytest
import torch
from tests.support.letters import letters
from tests.support.letters import recipe_alone as recipe
from tests.support.service import Client

from duree.errors import RunError
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.serving.batching import WAITING, Batcher, Full
from duree.serving.bodies import ROWS
from duree.serving.guard import BODY, Guard
from duree.serving.serve import names_of
from duree.serving.service import create_service
from duree.serving.texts import Rows
from duree.workflow import fit


def predict(model: TrainedModel, texts: list[str]) -> np.ndarray:
    return model.predictions(model.encode(pl.Series("text", texts, dtype=pl.String)))


def batcher_of(run: Run, waiting: int = 100) -> Batcher:
    model = TrainedModel.of_run(run)
    return Batcher(lambda texts: list(predict(model, texts)), waiting)


Running = tuple[subprocess.Popen, int]  # a server's process, and its port

PATIENCE = 120.0  # seconds, however busy the machine
TEXTS = ["a grim winter", "a glad spring", "", "word7 word7 glad word1"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "letters.csv"
    letters(200).write_csv(path)
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(recipe(table), tmp_path_factory.mktemp("runs") / "tones")


@pytest.fixture(scope="module")
def numbers(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fit(recipe(table, data__target="warmth"), tmp_path_factory.mktemp("runs") / "warmths")


@pytest.fixture(scope="module")
def opposite(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that learned the opposite of every tone."""
    folder = tmp_path_factory.mktemp("opposite")
    tones = pl.col("tone").replace({"bad": "good", "good": "bad"})
    letters(200).with_columns(tones).write_csv(folder / "letters.csv")
    return fit(recipe(folder / "letters.csv"), folder / "run")


@pytest.fixture
def client(run: Run, numbers: Run) -> Client:
    return Client(create_service([run.folder, numbers.folder]))


def test_predictions_are_the_models_in_the_order_of_the_rows(client: Client, run: Run) -> None:
    answer = client.predict([{"letter": text, "id": 7} for text in TEXTS])
    assert answer.status_code == 200
    model = TrainedModel.of_run(run)
    wanted = predict(model, TEXTS)
    found = answer.json()["predictions"]
    assert [one["prediction"] for one in found] == [
        model.task.classes[k] for k in wanted.argmax(axis=1)
    ]
    probabilities = [[one["probability"][name] for name in model.task.classes] for one in found]
    np.testing.assert_allclose(probabilities, wanted, atol=1e-6)


def test_a_missing_text_is_an_empty_one_and_a_number_is_read_as_written(client: Client) -> None:
    found = client.predict([{"letter": None}, {"letter": ""}, {"letter": 7}, {"letter": "7"}])
    first, second, third, fourth = found.json()["predictions"]
    assert (first, third) == (second, fourth)


def test_a_prediction_says_how_much_of_its_row_training_never_saw(client: Client) -> None:
    texts = ["grim glad", "grim glad xyzzy", "xyzzy plugh glad", ""]
    found = client.predict([{"letter": text} for text in texts]).json()["predictions"]
    assert [one["unseen"] for one in found] == [0.0, 1 / 3, 2 / 3, None]
    assert [one.get("warning", "")[:14] for one in found] == [
        "",
        "",
        "more than half",
        "the row is emp",
    ]
    number = client.predict([{"letter": "xyzzy"}], params={"run": "warmths"})
    assert number.json()["predictions"][0]["unseen"] == 1.0


def test_another_run_is_asked_by_its_name(client: Client) -> None:
    answer = client.predict([{"letter": "glad"}], params={"run": "warmths"})
    (found,) = answer.json()["predictions"]
    assert found["low"] < found["prediction"] < found["high"]
    missing = client.predict([{"letter": "glad"}], params={"run": "none"})
    assert missing.status_code == 404
    assert "the runs are tones, warmths" in missing.json()["detail"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"rows": [{"text": "glad"}]}', "row 1 has no column 'letter'; its columns are 'text'"),
        (b'{"rows": []}', "at least 1"),
        (json.dumps({"rows": [{"letter": "a"}] * 1001}).encode(), "at most 1000"),
        (b'{"rows": [{"letter": ["a"]}]}', "valid"),
        (b'{"rows": [{"letter": NaN}]}', "not JSON"),
        (b'{"rows": [{"letter": 1e400}]}', "finite"),
        (b'{"rows": [{"letter": "a"}], "row": 1}', "Extra inputs"),
        (b'{"rows": ', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"", "not JSON"),
        (b"[]", "valid"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_with_the_reason(
    client: Client, body: bytes, message: str
) -> None:
    answer = client("POST", "/predict", content=body)
    assert answer.status_code == 422
    assert message in answer.text


def test_an_explanation_adds_up_and_points_at_the_text(client: Client, run: Run) -> None:
    text = "A GRIM  winter, and glad."
    found = client("POST", "/explain", json={"row": {"letter": text}}).json()
    assert [text[w["begin"] : w["end"]].lower() for w in found["words"]] == [
        w["unit"] for w in found["words"]
    ]
    assert found["answer"] == found["prediction"]
    assert abs(sum(w["attribution"] for w in found["words"])) > 0


def test_the_card_describes_the_model(client: Client, run: Run) -> None:
    found = client("GET", "/model").json()
    metrics = run.read_json("metrics.json")
    assert found["name"] == "tones"
    assert found["answers"] == ["bad", "good"]
    assert found["figures"]["accuracy"] == metrics["models"]["network"]["accuracy"]
    assert found["verdict"] == metrics["verdict"]


def test_health_readiness_metrics_and_description_are_there(client: Client) -> None:
    assert client("GET", "/health").json() == {"status": "ok"}
    assert client("GET", "/ready").json() == {"status": "ready"}
    assert [client("HEAD", path).status_code for path in ("/health", "/ready")] == [200, 200]
    client.predict([{"letter": "glad"}] * 3)
    client("GET", "/nowhere/at/all")
    metrics = client("GET", "/metrics").text
    assert 'duree_rows_total{run="tones"} 3.0' in metrics
    assert 'duree_requests_total{path="/predict",status="200"} 1.0' in metrics
    assert "nowhere" not in metrics
    described = client("GET", "/openapi.json").json()
    assert {"/predict", "/explain", "/model", "/health", "/ready"} <= set(described["paths"])
    body = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["rows"]["items"]["required"] == ["letter"]
    assert client("GET", "/docs").status_code == 404


TEXT = "<script>alert(1)</script> \u202egrim &#60;"


def test_markup_and_turning_controls_in_a_text_come_back_as_no_page(client: Client) -> None:
    for answer in (
        client.predict([{TEXT: TEXT}]),
        client("POST", "/explain", json={"row": {"letter": TEXT}}),
        client("GET", "/health", params={"run": TEXT}),
        client("GET", "/model", params={"run": TEXT}),
        client("GET", f"/{TEXT}"),
    ):
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.json()
    found = client("POST", "/explain", json={"row": {"letter": TEXT}}).json()
    assert [TEXT[w["begin"] : w["end"]].lower() for w in found["words"]] == [
        w["unit"] for w in found["words"]
    ]


def test_a_text_without_a_word_is_answered_by_one_rule_and_moves_no_other(client: Client) -> None:
    texts = ["", "   ", "\t\n\u3000", None]
    found = client.predict([{"letter": text} for text in texts]).json()["predictions"]
    assert all(one == found[0] for one in found)
    among = client.predict([{"letter": text} for text in ["a glad spring", "", "grim"]])
    assert among.json()["predictions"][1] == found[0]
    explained = client("POST", "/explain", json={"row": {"letter": " "}}).json()
    assert explained["prediction"] == found[0]["prediction"]


def test_requests_cannot_contain_vocabulary_indices(client: Client) -> None:
    for ids in ([3, 999_999], {"0": 3}):
        assert client.predict([{"letter": ids}]).status_code == 422
    far = client.predict([{"letter": -1}, {"letter": 999_999_999}, {"letter": "-1"}]).json()
    assert far["predictions"][0] == far["predictions"][2]


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Host": "[::1]evil"}],
)
def test_other_host_names_and_origins_are_refused(client: Client, headers: dict) -> None:
    assert client("GET", "/health", headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "LOCALHOST"])
def test_on_every_address_of_this_machine_the_host_is_checked(host: str) -> None:
    assert "*" not in names_of(host)
    assert {"localhost", f"[{host}]" if ":" in host else host.lower()} <= names_of(host)


def test_a_public_address_is_reached_by_any_name() -> None:
    assert names_of("0.0.0.0") == names_of("192.0.2.1") == {"*"}


def test_a_body_too_long_is_cut_off_whether_it_says_its_length_or_not(client: Client) -> None:
    async def endless():
        for _ in range(200):
            yield b"x" * 10_000
        raise AssertionError("it was read to its end")

    long = b"x" * (BODY + 1)
    assert client("POST", "/predict", content=long).status_code == 413
    assert client("POST", "/predict", content=endless()).status_code == 413


def test_a_body_that_does_not_come_is_not_waited_for(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duree.serving.guard.SLOW", 0.05)

    async def slow():
        yield b"{"
        await asyncio.sleep(5)

    assert client("POST", "/predict", content=slow()).status_code == 408


def test_a_partial_body_of_a_disconnected_client_is_not_processed(client: Client) -> None:
    reached, sent = [], []
    messages = [
        {"type": "http.request", "body": b'{"rows": []', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def app(scope, receive, send) -> None:
        reached.append(scope)

    async def receive() -> dict:
        return messages.pop(0)

    async def send(message) -> None:
        sent.append(message)

    scope = {"type": "http", "headers": [(b"host", b"testserver")]}
    asyncio.run(Guard(app, {"testserver"})(scope, receive, send))
    assert (reached, sent) == ([], [])


def test_a_request_to_a_full_queue_is_refused_with_retry_after(run: Run) -> None:
    client = Client(create_service([run.folder], waiting=60))

    async def both() -> list[httpx.Response]:
        transport = httpx.ASGITransport(client.app)
        async with (
            client.inner.router.lifespan_context(client.inner),
            httpx.AsyncClient(transport=transport, base_url="http://testserver") as asking,
        ):
            rows = {"rows": [{"letter": "glad " * 100}] * 50}
            return await asyncio.gather(*(asking.post("/predict", json=rows) for _ in range(8)))

    answers = asyncio.run(both())
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 503}
    assert all(
        answer.headers["Retry-After"] == "1" for answer in answers if answer.status_code == 503
    )


def test_waiting_requests_are_answered_when_the_service_closes(run: Run) -> None:
    async def go() -> tuple[list, list]:
        batcher = batcher_of(run)
        working = asyncio.create_task(batcher.run())
        asked = [asyncio.create_task(batcher.answers([text])) for text in TEXTS * 5]
        await asyncio.sleep(0)
        batcher.close()
        with pytest.raises(Full):
            await batcher.answers(["late"])
        found = await asyncio.gather(*asked)
        await working
        return found, batcher.queue

    found, left = asyncio.run(go())
    assert len(found) == 20
    assert not left


def test_explanations_wait_in_the_same_queue_and_are_refused_with_the_rest() -> None:
    async def go() -> tuple[int, str, int]:
        batcher = Batcher(list, waiting=10)
        working = asyncio.create_task(batcher.run())
        first = asyncio.create_task(batcher.alone(str.upper, "glad", rows=8))
        await asyncio.sleep(0)
        with pytest.raises(Full):
            await batcher.alone(str.upper, "grim", rows=8)
        waiting, found = batcher.rows, await first
        batcher.close()
        await working
        return waiting, found, batcher.rows

    assert asyncio.run(go()) == (8, "GLAD", 0)


def test_a_small_batch_uses_one_thread_and_a_large_one_all(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []
    encode = TrainedModel.encode

    def counted(model: TrainedModel, rows: pl.Series):
        threads.append(torch.get_num_threads())
        return encode(model, rows)

    monkeypatch.setattr(TrainedModel, "encode", counted)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        client = Client(create_service([run.folder]))
        client.predict([{"letter": "glad"}])
        client.predict([{"letter": "glad " * 1000}] * 20)
        assert threads == [1, 2]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_client_that_disconnects_frees_its_place(run: Run) -> None:
    async def go() -> int:
        batcher = batcher_of(run, waiting=4)
        asked = [asyncio.create_task(batcher.answers([text])) for text in TEXTS]
        await asyncio.sleep(0)
        for task in asked[:3]:
            task.cancel()
        working = asyncio.create_task(batcher.run())
        await asked[3]
        batcher.close()
        await working
        return batcher.rows

    assert asyncio.run(go()) == 0


def test_an_error_of_the_model_fails_only_its_own_request() -> None:
    def work(texts: list[str]) -> list[str]:
        if "grim" in texts:
            raise ArithmeticError("of ours")
        return texts

    async def go() -> tuple[list, int]:
        batcher = Batcher(work)
        working = asyncio.create_task(batcher.run())
        asked = (batcher.answers(texts) for texts in (["glad"], ["a", "grim"], ["cold", "warm"]))
        found = await asyncio.gather(*asked, return_exceptions=True)
        batcher.close()
        await working
        return found, batcher.rows

    (glad, grim, others), left = asyncio.run(go())
    assert (glad, others, left) == (["glad"], ["cold", "warm"], 0)
    assert isinstance(grim, ArithmeticError)


@pytest.mark.parametrize("digits", [309, 4000])
def test_a_whole_number_of_any_length_is_read_as_written(client: Client, digits: int) -> None:
    number = "9" * digits
    body = f'{{"rows": [{{"letter": {number}}}, {{"letter": "{number}"}}]}}'
    first, second = client("POST", "/predict", content=body.encode()).json()["predictions"]
    assert first == second


@contextmanager
def serving(folder: Path, stderr: int = subprocess.DEVNULL) -> Iterator[Running]:
    """`duree serve` in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "duree", "serve", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stderr=stderr, stdin=subprocess.DEVNULL, text=True) as process:
        try:
            within(lambda: is_ready(port))
            yield process, port
        finally:
            process.kill()


@pytest.fixture(scope="module")
def served(run: Run) -> Iterator[Running]:
    """A service for all tests that leave it as it was."""
    with serving(run.folder) as running:
        yield running


class Load:
    """Clients that send requests, each on its own connection, until they are stopped."""

    def __init__(self, port: int, clients: int, row: dict[str, str], rows: int = 20) -> None:
        self.port, self.body = port, {"rows": [row] * rows}
        self.answers: list[httpx.Response] = []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.ask) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def ask(self) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE) as client:
            while not self.ended.is_set():
                try:
                    self.answers.append(client.post("/predict", json=self.body))
                except httpx.TransportError:
                    # It no longer listens, or closed a connection between two requests.
                    self.ended.set()

    @property
    def statuses(self) -> set[int]:
        return {answer.status_code for answer in self.answers}


def test_on_sigterm_under_load_it_answers_what_it_accepted(run: Run) -> None:
    with serving(run.folder) as (process, port):
        with Load(port, 8, {"letter": "glad"}) as load:
            within(lambda: len(load.answers) > 20)
            process.send_signal(signal.SIGTERM)
            assert load.ended.wait(PATIENCE)
        assert process.wait(PATIENCE) == 0
    assert load.statuses <= {200, 503}


def test_under_ten_times_the_queue_it_answers_or_sends_retry_after(
    served: Running,
) -> None:
    process, port = served
    row = {"letter": "a grim winter " * 60}
    with Load(port, 10 * WAITING // ROWS, row, rows=ROWS) as load:
        within(lambda: load.statuses == {200, 503} and len(load.answers) > 100)
        before, few = megabytes(process), len(load.answers)
        within(lambda: len(load.answers) > few + 200)
        grown = megabytes(process) - before
    assert load.statuses == {200, 503}
    assert {a.headers["Retry-After"] for a in load.answers if a.status_code == 503} == {"1"}
    assert grown < 50
    assert rows_waiting(port) == 0
    assert get(port, "/ready").json() == {"status": "ready"}


def test_clients_that_disconnect_midway_leave_nothing_behind(served: Running) -> None:
    process, port = served
    body = json.dumps({"rows": [{"letter": "a grim winter " * 20}] * 500}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    before = connections(process)
    for number in range(40):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(head.encode() + (body if number % 2 else body[: len(body) // 2]))
    answer = httpx.post(f"http://127.0.0.1:{port}/predict", content=body, timeout=PATIENCE)
    assert answer.status_code in (200, 503)
    within(lambda: rows_waiting(port) == 0)
    within(lambda: connections(process) <= before + 1)
    answer = httpx.post(f"http://127.0.0.1:{port}/predict", content=body, timeout=PATIENCE)
    assert answer.status_code == 200


def test_a_long_body_that_says_its_length_is_cut_off_at_once(served: Running) -> None:
    process, port = served
    before = megabytes(process)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        )
        client.sendall(b"\r\n" + b"%x\r\n" % 60_000_000)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            client.sendall(b" " * 60_000_000)
    assert megabytes(process) - before < 20
    assert get(port, "/health").status_code == 200


def test_on_sighup_under_load_it_answers_all_and_then_as_the_new_run(
    run: Run, opposite: Run, tmp_path: Path
) -> None:
    folder = shutil.copytree(run.folder, tmp_path / "tones")
    with serving(folder) as (process, port), Load(port, 8, {"letter": "glad glad"}) as load:
        assert asked(port) == "good"
        within(lambda: len(load.answers) > 20)
        exchange(folder, opposite.folder)
        process.send_signal(signal.SIGHUP)
        within(lambda: asked(port) == "bad")
        before = len(load.answers)
        within(lambda: len(load.answers) > before + 20)
        assert not load.ended.is_set()
        card = get(port, "/model").json()
        assert card["verdict"] == opposite.read_json("metrics.json")["verdict"]
    assert load.statuses == {200}
    predictions = [answer.json()["predictions"][0]["prediction"] for answer in load.answers]
    assert {"good", "bad"} == set(predictions)


def test_a_run_that_cannot_be_loaded_anew_goes_on_as_it_was(run: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(run.folder, tmp_path / "tones")
    with serving(folder, stderr=subprocess.PIPE) as (process, port):
        weights = folder / "model" / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1] + b"!")
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        message = next(line for line in process.stderr if "reloaded" in line)
        assert "'tones' could not be reloaded" in message
        assert asked(port) == "good"
        assert get(port, "/ready").status_code == 200


def test_a_request_that_arrived_before_a_reload_is_answered_after_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_service([run.folder])
    closed, receive, close = asyncio.Event(), Rows.receive, Batcher.close

    async def late(rows: Rows, body: bytes, media_type: str) -> list[str]:
        if not closed.is_set():
            app.state.reload.set()
            await closed.wait()
        return await receive(rows, body, media_type)

    def closing(batcher: Batcher) -> None:
        close(batcher)
        closed.set()

    monkeypatch.setattr(Rows, "receive", late)
    monkeypatch.setattr(Batcher, "close", closing)
    assert Client(app).predict([{"letter": "glad"}]).status_code == 200


def test_the_model_of_another_run_is_refused(run: Run, opposite: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(run.folder, tmp_path / "tones")
    shutil.rmtree(folder / "model")
    shutil.copytree(opposite.folder / "model", folder / "model")
    with pytest.raises(RunError, match=r"not the one that its metrics\.json describes"):
        create_service([folder])
    metrics = run.read_json("metrics.json")
    del metrics["manifest"]  # as in version 0.1.0
    Run(folder).write_json("metrics.json", metrics)
    assert Client(create_service([folder])).predict([{"letter": "glad"}]).status_code == 200


def test_two_runs_of_one_name_are_refused(run: Run, tmp_path: Path) -> None:
    other = shutil.copytree(run.folder, tmp_path / "tones")
    with pytest.raises(RunError, match="two runs have the name 'tones'"):
        create_service([run.folder, other])


def asked(port: int) -> str:
    rows = {"rows": [{"letter": "a glad glad spring"}]}
    answer = httpx.post(f"http://127.0.0.1:{port}/predict", json=rows, timeout=PATIENCE)
    prediction: str = answer.json()["predictions"][0]["prediction"]
    return prediction


def exchange(folder: Path, other: Path) -> None:
    """Another run's model in the place of a folder's own, as a new training would leave it."""
    shutil.rmtree(folder / "model")
    shutil.copytree(other / "model", folder / "model")
    shutil.copy(other / "metrics.json", folder)


def get(port: int, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE)


def is_ready(port: int) -> bool:
    try:
        return get(port, "/ready").is_success
    except httpx.TransportError:
        return False


def within(is_so: Callable[[], bool]) -> None:
    """Wait until it is so; the bound ends a test that would hang, and measures nothing."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def rows_waiting(port: int) -> float:
    metrics = get(port, "/metrics").text
    return float(metrics.split('duree_rows_waiting{run="tones"} ')[1].split()[0])


def megabytes(process: subprocess.Popen) -> float:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def connections(process: subprocess.Popen) -> int:
    """How many it has open, with the one at which it listens."""
    opened = Path(f"/proc/{process.pid}/fd").iterdir()
    return sum(os.readlink(file).startswith("socket:") for file in opened)


def test_the_same_predictions_come_over_the_wire(served, run: Run) -> None:
    _, port = served
    rows = {"rows": [{"letter": text} for text in TEXTS]}
    answer = httpx.post(f"http://127.0.0.1:{port}/predict", json=rows, timeout=PATIENCE)
    wanted = predict(TrainedModel.of_run(run), TEXTS)
    frame = pl.DataFrame([one["probability"] for one in answer.json()["predictions"]])
    np.testing.assert_allclose(frame.to_numpy(), wanted, atol=1e-6)
