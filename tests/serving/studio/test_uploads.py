"""Uploads under any name: tables are stored whole, anything else leaves nothing."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.letters import letters, recipe
from tests.support.studio import Endless, Visitor

from duree.pipeline.run import Run
from duree.serving.studio import uploads
from duree.serving.studio.workspace import Workspace
from duree.workflow import fit

FORM = {"content-type": "multipart/form-data; boundary=b"}
TABLE = b"text,label\nfine,up\ngrim,down\n"
NAMES = [
    "../../x.csv",
    "..\\..\\x.csv",
    "C:x.csv",
    "/etc/passwd.csv",
    "a\0b.csv",
    "n" * 300 + ".csv",
    "CON.csv",
    ".csv",
    "<script>alert(1)</script>.csv",
    "\u202evsc.exe.csv",
    "名称 表.csv",
    "%2e%2e%2fx.csv",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_and_never_becomes_a_path(visitor: Visitor, name: str) -> None:
    outside = {
        path for path in visitor.folder.parent.rglob("*") if visitor.folder not in path.parents
    }
    address = visitor.table(name, TABLE)
    stored = [path for path in visitor.within() if path.name != "uploaded.json"]
    assert [path.name for path in stored] == ["table.csv"]
    assert stored[0].parent.parent == visitor.folder / "uploads"
    assert stored[0].parent.name == address.rpartition("/")[2]
    assert stored[0].read_bytes() == TABLE
    assert outside == {
        path for path in visitor.folder.parent.rglob("*") if visitor.folder not in path.parents
    }
    page = visitor.get(address).text
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "\0" not in page


@pytest.mark.parametrize("name", ["x.exe", "x", "x.csv.py", "x.html", "csv"])
def test_what_is_no_table_is_refused(visitor: Visitor, name: str) -> None:
    answer = visitor.upload(name, TABLE)
    assert answer.status_code == 422
    assert "is not supported" in answer.text
    assert visitor.within() == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "text/plain"}, b"text,label"),
        (FORM, b"--b--\r\n"),
        (
            FORM,
            b'--b\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--b--\r\n',
        ),
        ({"content-type": "multipart/form-data"}, b"--b--\r\n"),
        (FORM, b"no form at all"),
        (FORM, b'--b\r\nContent-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\nhalf'),
        (FORM, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n'),
    ],
)
def test_a_form_without_a_whole_file_is_reported_and_leaves_nothing(
    visitor: Visitor, headers: dict[str, str], body: bytes
) -> None:
    answer = visitor.post("/tables", headers=headers, content=body)
    assert answer.status_code == 422
    assert "file" in answer.text
    assert visitor.within() == []


def test_ten_gigabytes_are_refused_before_a_byte_of_them_is_read(visitor: Visitor) -> None:
    endless = Endless(10, b"x" * 1000)
    headers = FORM | {"content-length": str(10 * 2**30)}
    answer = visitor.post("/tables", headers=headers, content=endless)
    assert answer.status_code == 413
    assert endless.taken <= 10
    assert visitor.within() == []


def test_a_file_that_grows_too_large_on_the_way_is_cut_off(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads.receive, "__defaults__", (1_000_000,))
    answer = visitor.post("/tables", headers=FORM, content=Endless(1000, b"x" * 10_000))
    assert answer.status_code == 422
    assert "larger than" in answer.text
    assert visitor.within() == []


def test_a_file_that_stops_coming_is_not_waited_for(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SLOW", 0.05)

    async def slow():
        async for piece in Endless(1, b"x"):
            yield piece
        await asyncio.sleep(2)

    answer = visitor.post("/tables", headers=FORM, content=slow())
    assert answer.status_code == 422
    assert "not uploaded completely" in answer.text
    assert visitor.within() == []


@pytest.mark.alone
def test_memory_does_not_grow_with_the_file(visitor: Visitor) -> None:
    visitor.upload("small.csv", TABLE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def large():
        async for piece in Endless(1500, b"a,b\n" * 25_000):
            yield piece
        yield b"\r\n--b--\r\n"

    answer = visitor.post("/tables", headers=FORM, content=large())
    assert answer.status_code == 303
    stored = max(path.stat().st_size for path in visitor.within())
    assert stored == 1500 * 100_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # KiB


def test_a_full_disk_is_reported_and_nothing_of_the_file_stays(visitor: Visitor) -> None:
    visitor.get("/")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        answer = visitor.upload("t.csv", b"text,label\n" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.status_code == 409
    assert "free some space" in answer.text
    assert visitor.within() == []


@settings(max_examples=40, deadline=None)
@given(
    content=st.binary(max_size=3000),
    cuts=st.lists(st.integers(min_value=1, max_value=400), min_size=1, max_size=30),
)
def test_however_it_is_cut_on_the_way_the_same_file_arrives(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cuts: list[int]
) -> None:
    visitor = Visitor(tmp_path_factory.mktemp("cut") / "runs")
    request = httpx.Request("POST", "http://x/", files={"file": ("t.csv", content)})
    body = request.read()

    async def pieces():
        rest, turn = body, 0
        while rest:
            size = cuts[turn % len(cuts)]
            yield rest[:size]
            rest, turn = rest[size:], turn + 1

    headers = {"content-type": request.headers["content-type"]}
    answer = visitor.post("/tables", headers=headers, content=pieces())
    assert answer.status_code == 303
    assert Workspace(visitor.folder).tables()[0].path.read_bytes() == content


def test_a_half_written_upload_of_a_killed_studio_is_not_shown(tmp_path: Path) -> None:
    shelf = Workspace(tmp_path / "runs")
    shelf.new_upload("t.csv").write_bytes(b"half")
    assert shelf.tables() == []


@pytest.mark.parametrize(
    "note", [b"[]", b"null", b'{"name": 5, "bytes": "x", "when": null}', b"[" * 100_000]
)
def test_an_odd_note_beside_a_table_hides_that_table_alone(visitor: Visitor, note: bytes) -> None:
    shelf = Workspace(visitor.folder)
    odd = shelf.new_upload("odd.csv")
    odd.write_bytes(b"a")
    (odd.parent / "uploaded.json").write_bytes(note)
    visitor.table("t.csv", TABLE)
    page = visitor.get("/")
    assert page.status_code == 200
    assert [table.name for table in shelf.tables()] == ["t.csv"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_an_upload_is_its_users_alone(visitor: Visitor) -> None:
    visitor.table("t.csv", TABLE)
    (table,) = Workspace(visitor.folder).tables()
    modes = [path.stat().st_mode & 0o777 for path in (table.path, *table.path.parents)][:3]
    assert modes == [0o600, 0o700, 0o700]


def test_a_table_is_deleted_and_the_runs_that_ended_stay(visitor: Visitor, tmp_path: Path) -> None:
    address = visitor.table("letters.csv", letters(120).write_csv().encode())
    other = visitor.table("other.csv", letters(20).write_csv().encode())
    page = visitor.get("/").text
    assert "hx-confirm=" in page
    assert "Uploaded tables (2, " in page
    (table,) = [one for one in Workspace(visitor.folder).tables() if one.name == "letters.csv"]
    small = {"model__hidden_size": 4, "training__epochs": 1, "evaluation__baselines": False}
    run = fit(recipe(table.path, **small), visitor.folder / "ended")
    assert visitor.post(f"{address}/delete").headers["location"] == "/"
    assert not table.path.parent.exists()
    assert [one.name for one in Workspace(visitor.folder).tables()] == ["other.csv"]
    assert visitor.get(other).status_code == 200
    assert visitor.get(address).status_code == 404
    assert visitor.post(f"{address}/delete").status_code == 404
    assert "Train on the same table again" not in visitor.get("/runs/ended").text
    assert visitor.get("/runs/ended/report.html").status_code == 200
    assert visitor.post("/runs/ended/try", data={"text": "a glad spring"}).status_code == 200
    assert run.has("report.html")


def test_a_table_that_a_run_still_needs_is_not_deleted(visitor: Visitor) -> None:
    visitor.table("letters.csv", letters(120).write_csv().encode())
    other = visitor.table("test.csv", letters(20).write_csv().encode())
    tables = {one.name: one for one in Workspace(visitor.folder).tables()}
    asked = recipe(tables["letters.csv"].path, data__test_file=str(tables["test.csv"].path))
    run = Run.create(visitor.folder / "begun", asked)  # stopped before it did anything
    answer = visitor.post(f"{other}/delete")
    assert answer.status_code == 409
    assert "the unfinished run &#39;begun&#39;" in answer.text
    assert 'role="alert"' in answer.text
    with run.locked():
        assert visitor.post(f"{other}/delete").status_code == 409
    assert tables["test.csv"].path.exists()
    chinese = {"cookie": visitor.headers["cookie"].replace("=en", "=zh")}
    assert "无法删除" in visitor.post(f"{other}/delete", headers=chinese).text


def test_another_site_deletes_nothing(visitor: Visitor) -> None:
    address = visitor.table("letters.csv", letters(20).write_csv().encode())
    foreign = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    assert visitor.post(f"{address}/delete", headers=foreign).status_code == 403
    assert len(Workspace(visitor.folder).tables()) == 1
