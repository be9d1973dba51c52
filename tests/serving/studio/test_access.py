"""Access to the studio: the key is needed, and pages of other sites cannot use the user's."""

from __future__ import annotations

import asyncio
import queue
import re
import socket
import webbrowser
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from tests.support.studio import TOKEN, Visitor

from duree.serving.guard import App
from duree.serving.studio import start

PATHS = [
    "/", "/static/studio.css", "/report.css", "/tables/abc", "/runs/tones", "/compare",
    "/runs/tones/report.html", "/runs/tones/files/model.zip", "/runs/tones/progress",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cookie", ["", "duree-8321=", "duree-8321=wrong", f"other={TOKEN}", "=;="])
def test_without_the_key_nothing_is_answered(visitor: Visitor, path: str, cookie: str) -> None:
    answer = visitor.get(path, headers={"cookie": cookie})
    assert answer.status_code == 403
    assert "请用" in answer.text
    assert "tones" not in answer.text


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN[:-1], "ключ"])
def test_a_wrong_key_opens_nothing(visitor: Visitor, token: str) -> None:
    answer = visitor.get("/", params={"token": token}, headers={"cookie": ""})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_link_becomes_a_cookie_that_no_script_reads_and_no_other_site_sends(
    visitor: Visitor,
) -> None:
    answer = visitor.get("/", params={"token": TOKEN}, headers={"cookie": ""})
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 200
    assert cookie == f"duree-8321={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    assert TOKEN not in answer.text
    assert visitor.get("/", headers={"cookie": cookie.partition(";")[0]}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8321", "127.0.0.1.evil.example", "[::1].evil", ""]
)
def test_requests_to_another_host_name_are_refused(visitor: Visitor, host: str) -> None:
    assert visitor.get("/", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8321", "localhost:8321", "[::1]:8321", "LOCALHOST"])
def test_requests_to_its_own_host_names_are_answered(visitor: Visitor, host: str) -> None:
    assert visitor.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_page_of_another_site_may_ask_nothing_by_any_method(
    visitor: Visitor, method: str, headers: dict[str, str]
) -> None:
    assert visitor(method, "/", headers=headers).status_code == 403


def test_no_websocket_is_opened(visitor: Visitor) -> None:
    sent = []

    async def receive() -> dict:
        return {"type": "websocket.connect"}

    async def send(message) -> None:
        sent.append(message)

    asyncio.run(visitor.app({"type": "websocket", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.close"}]


@pytest.mark.parametrize("path", ["/", "/nothing", "/runs/tones", "/runs/tones/report", "/runs/no"])
def test_pages_load_and_run_only_what_the_studio_itself_serves(reader: Visitor, path: str) -> None:
    answer = reader.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    page = answer.text
    assert "<script>" not in page
    assert " style=" not in page
    assert " onclick=" not in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page


def test_framed_pages_run_no_script_at_all(reader: Visitor) -> None:
    policy = reader.get("/runs/tones/report.html").headers["content-security-policy"]
    assert "script-src" not in policy
    assert "default-src 'none'" in policy


def test_the_language_button_leads_to_no_other_site(visitor: Visitor) -> None:
    for back in ("https://evil.example/", "//evil.example/", "/\\evil.example", "evil"):
        answer = visitor.post("/language", data={"language": "zh", "back": back})
        assert answer.headers["location"] == "/"
    answer = visitor.post("/language", data={"language": "zh", "back": "/runs/a?b=c"})
    assert answer.headers["location"] == "/runs/a?b=c"
    assert "duree-language=zh" in answer.headers["set-cookie"]


def test_a_long_body_that_is_no_upload_is_cut_off(visitor: Visitor) -> None:
    answer = visitor.post("/language", content=b"x" * 2_000_000)
    assert answer.status_code == 413


def test_the_browser_is_given_a_private_page_that_opens_the_studio_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: queue.Queue[str] = queue.Queue()
    apps = []

    def run(app: App, address: socket.socket, grace: int) -> None:
        address.close()
        page = Path(url2pathname(urlsplit(opened.get(timeout=60)).path))
        (code,) = set(re.findall(r"token=([\w-]+)", page.read_text(encoding="utf-8")))
        assert page.stat().st_mode & 0o777 == 0o600
        token = capsys.readouterr().out.partition("token=")[2].strip()
        assert code != token
        visitor = Visitor(tmp_path / "runs", cookie="")
        visitor.app = app
        first, second = (visitor.get("/", params={"token": code}) for _ in range(2))
        assert f"duree-0={token};" in first.headers["set-cookie"]
        assert second.status_code == 403
        assert not page.exists()
        assert visitor.get("/", params={"token": token}).status_code == 200
        apps.append(app)

    monkeypatch.setattr(webbrowser, "open", opened.put)
    monkeypatch.setattr(start, "run", run)
    start.studio(tmp_path / "runs", port=0)
    assert len(apps) == 1


def test_a_page_that_was_not_opened_is_removed_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "run", lambda app, address, grace: address.close())
    start.studio(tmp_path / "runs", port=0, open_browser=False)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["uploads"]
