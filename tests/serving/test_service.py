"""The service answers as the model does, refuses what does not fit, and loses no request."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import polars as pl
import pytest
from tests.test_explaining import recipe
from tests.test_workflow import letters

from duree.run import Run
from duree.serving.batching import Batcher, Full
from duree.serving.guard import BODY, Guard
from duree.serving.service import create_service
from duree.trained import TrainedModel
from duree.workflow import fit


def predict(model: TrainedModel, texts: list[str]) -> np.ndarray:
    return model.predictions(model.encode(pl.Series("text", texts, dtype=pl.String)))


def batcher_of(run: Run, waiting: int = 100) -> Batcher:
    model = TrainedModel.of_run(run)
    return Batcher(lambda texts: list(predict(model, texts)), waiting)


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


class Client:
    """Asks an application as a browser's or a program's requests would reach it."""

    def __init__(self, app) -> None:
        self.inner, self.app = app, Guard(app, {"testserver"})

    def __call__(self, method: str, path: str, **options) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with (
                self.inner.router.lifespan_context(self.inner),
                httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
            ):
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def predict(self, rows: list[dict], **options) -> httpx.Response:
        return self("POST", "/predict", json={"rows": rows}, **options)


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


def test_another_run_is_asked_by_its_name(client: Client) -> None:
    answer = client.predict([{"letter": "glad"}], params={"run": "warmths"})
    (found,) = answer.json()["predictions"]
    assert found["low"] < found["prediction"] < found["high"]
    missing = client.predict([{"letter": "glad"}], params={"run": "none"})
    assert missing.status_code == 404
    assert "there are tones, warmths" in missing.json()["detail"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"rows": [{"text": "glad"}]}', "row 1 has no column 'letter'; its columns are 'text'"),
        (b'{"rows": []}', "at least 1"),
        (json.dumps({"rows": [{"letter": "a"}] * 1001}).encode(), "at most 1000"),
        (b'{"rows": [{"letter": ["a"]}]}', "valid"),
        (b'{"rows": [{"letter": NaN}]}', "not JSON"),
        (b'{"rows": [{"letter": "a"}], "row": 1}', "Extra inputs"),
        (b'{"rows": ', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"", "not JSON"),
        (b"[]", "valid"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_and_told_why(
    client: Client, body: bytes, told: str
) -> None:
    answer = client("POST", "/predict", content=body)
    assert answer.status_code == 422
    assert told in answer.text


def test_an_explanation_adds_up_and_points_at_the_text(client: Client, run: Run) -> None:
    text = "A GRIM  winter, and glad."
    found = client("POST", "/explain", json={"row": {"letter": text}}).json()
    assert [text[w["begin"] : w["end"]].lower() for w in found["words"]] == [
        w["unit"] for w in found["words"]
    ]
    assert found["answer"] == found["prediction"]
    assert abs(sum(w["attribution"] for w in found["words"])) > 0


def test_the_card_tells_what_the_model_is(client: Client, run: Run) -> None:
    found = client("GET", "/model").json()
    metrics = run.read_json("metrics.json")
    assert found["name"] == "tones"
    assert found["answers"] == ["bad", "good"]
    assert found["figures"]["accuracy"] == metrics["models"]["network"]["accuracy"]
    assert found["verdict"] == metrics["verdict"]


def test_health_readiness_metrics_and_description_are_there(client: Client) -> None:
    assert client("GET", "/health").json() == {"status": "ok"}
    assert client("GET", "/ready").json() == {"status": "ready"}
    client.predict([{"letter": "glad"}] * 3)
    client("GET", "/nowhere/at/all")
    told = client("GET", "/metrics").text
    assert 'duree_rows_total{run="tones"} 3.0' in told
    assert 'duree_requests_total{path="/predict",status="200"} 1.0' in told
    assert "nowhere" not in told
    described = client("GET", "/openapi.json").json()
    assert {"/predict", "/explain", "/model", "/health", "/ready"} <= set(described["paths"])
    body = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["rows"]["items"]["required"] == ["letter"]
    assert client("GET", "/docs").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Host": "[::1]evil"}],
)
def test_other_names_and_other_sites_are_turned_away(client: Client, headers: dict) -> None:
    assert client("GET", "/health", headers=headers).status_code == 403


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


def test_half_a_body_of_a_client_that_hung_up_is_not_taken_for_a_whole(client: Client) -> None:
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


def test_who_comes_when_too_many_wait_is_told_when_to_come_back(run: Run) -> None:
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


def test_those_who_wait_when_the_service_closes_are_answered(run: Run) -> None:
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


def test_a_client_that_hangs_up_costs_no_room(run: Run) -> None:
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


def test_a_fault_of_the_model_ends_its_batch_alone() -> None:
    def work(texts: list[str]) -> list[str]:
        if "grim" in texts:
            raise ArithmeticError("of ours")
        return texts

    async def go() -> list[str]:
        batcher = Batcher(work)
        working = asyncio.create_task(batcher.run())
        with pytest.raises(ArithmeticError):
            await batcher.answers(["grim"])
        found = await batcher.answers(["glad"])
        batcher.close()
        await working
        return found

    assert asyncio.run(go()) == ["glad"]


@pytest.fixture
def served(run: Run) -> Iterator[tuple[subprocess.Popen, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "duree", "serve", str(run.folder), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        for _ in range(600):
            try:
                httpx.get(f"http://127.0.0.1:{port}/ready").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield process, port
        process.kill()


def test_told_to_end_under_load_it_answers_what_it_took(served) -> None:
    process, port = served
    found: list[int] = []
    refused = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
            while not refused.is_set():
                try:
                    answer = client.post("/predict", json={"rows": [{"letter": "glad"}] * 20})
                except httpx.TransportError:
                    # It no longer listens, or closed a connection between two requests.
                    refused.set()
                else:
                    found.append(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(10)
    assert process.wait(10) == 0
    assert len(found) > 20
    assert set(found) <= {200, 503}


def test_the_same_predictions_come_over_the_wire(served, run: Run) -> None:
    _, port = served
    answer = httpx.post(
        f"http://127.0.0.1:{port}/predict", json={"rows": [{"letter": text} for text in TEXTS]}
    )
    wanted = predict(TrainedModel.of_run(run), TEXTS)
    frame = pl.DataFrame([one["probability"] for one in answer.json()["predictions"]])
    np.testing.assert_allclose(frame.to_numpy(), wanted, atol=1e-6)
