"""The coding page: what is asked, what is saved, and that nothing is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from html import unescape
from pathlib import Path

import httpx
import polars as pl
import pytest
from tests.support.coding import code, drawn, population
from tests.support.coding_server import serve
from tests.support.studio import TOKEN, Visitor

from duree.inference.codings import Coding, read_codings, valid_codings
from duree.inference.design import read_design
from duree.inference.pick_uncertain import pick_uncertain
from duree.inference.queue import GAP
from duree.inference.random_numbers import is_coded_twice
from duree.serving.studio.isolated import CONTEXT, start_reading

CODE = "/coding/coding/code"
PART = {"hx-request": "true"}


@pytest.fixture
def coding(tmp_path: Path) -> Path:
    return drawn(tmp_path)


@pytest.fixture
def visitor(coding: Path) -> Visitor:
    return Visitor(coding.parent / "runs")


def asked(page: str) -> str | None:
    """The id of the text that a page asks for."""
    found = re.search(r'name="id" value="([^"]*)"', page)
    return unescape(found[1]) if found else None


def form(page: str) -> dict[str, str]:
    """The hidden fields of a page's form for answers."""
    within = page.partition('<form id="answer"')[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', within))


def answer(visitor: Visitor, page: str, **fields: str) -> str:
    """The next question, after an answer to the one of a page."""
    found = visitor.post(CODE, data=form(page) | fields, headers=PART)
    assert found.status_code == 200, found.text
    return found.text


def begin(visitor: Visitor, coder: str = "Anna", batch: str = "design") -> str:
    found = visitor.get(f"{CODE}?coder={coder}&batch={batch}")
    assert found.status_code == 200, found.text
    return found.text


def codings(coding: Path) -> list[Coding]:
    return valid_codings(read_codings(coding)[0])


def test_a_label_is_on_the_disk_when_the_next_text_is_shown(coding: Path, visitor: Visitor) -> None:
    order = read_design(coding).order
    page = begin(visitor)
    assert asked(page) == order[0]
    assert "This is what I wrote of film number" in page
    page = answer(visitor, page, label="pos", seconds="3.14", comment="quite\nsure")
    (line,) = (coding / "codings-Anna.jsonl").read_text().splitlines()
    saved = json.loads(line)
    assert {key: saved[key] for key in saved if key != "time"} == {
        "id": order[0],
        "coder": "Anna",
        "variable": "label",
        "label": "pos",
        "seconds": 3.1,
        "comment": "quite\r\nsure" if "\r" in saved["comment"] else "quite\nsure",
        "batch": "design",
    }
    assert asked(page) == order[1]
    assert "1 of 50 coded" in page
    assert "Saved: pos" in page


@pytest.mark.parametrize("other", ["anna", "ANNA", "Ａnna"])
def test_a_coder_in_other_capital_letters_is_not_somebody_else(
    coding: Path, visitor: Visitor, other: str
) -> None:
    code(coding, ["pos"])
    found = visitor.get(f"{CODE}?coder={other}")
    assert found.status_code == 422
    assert "enter &#39;Anna&#39; to go on" in found.text
    assert visitor.get(f"{CODE}?coder=Anna").status_code == 200
    assert visitor.get(f"{CODE}?coder=Anne").status_code == 200


def test_predictions_are_not_shown(coding: Path, visitor: Visitor) -> None:
    page = begin(visitor)
    row = population().row(by_predicate=pl.col("id") == asked(page), named=True)
    assert str(row["probability_pos"]) not in page
    assert "prediction" not in page


def test_labels_have_keys_and_free_answers_a_field(coding: Path, visitor: Visitor) -> None:
    page = begin(visitor)
    assert re.findall(r'value="(\w+)" data-key="(\d)"', page) == [("neg", "1"), ("pos", "2")]
    (coding / "codebook.toml").write_text('[[variable]]\nname = "score"\nlevel = "ratio"\n')
    page = begin(visitor)
    assert 'id="typed" name="label"' in page
    answer(visitor, page, label="2,5")
    assert codings(coding)[0].label == "2.5"
    refused = visitor.post(CODE, data=form(page) | {"label": "many"}, headers=PART)
    assert refused.status_code == 422


def test_undo_withdraws_one_label_after_another(coding: Path, visitor: Visitor) -> None:
    order = read_design(coding).order
    page = begin(visitor)
    for label in ("pos", "neg", "pos"):
        page = answer(visitor, page, label=label, comment="mine\nall mine")
    for left in (2, 1, 0):
        page = visitor.post("/coding/coding/undo", data={"coder": "Anna"}, headers=PART).text
        assert asked(page) == order[left]
        assert "The last label was withdrawn." in page
        assert ">mine\nall mine</textarea>" in page
        assert len(codings(coding)) == left
    assert (
        visitor.post("/coding/coding/undo", data={"coder": "Anna"}, headers=PART).status_code == 200
    )


def test_a_skipped_text_is_not_asked_again(coding: Path, visitor: Visitor) -> None:
    page = answer(visitor, begin(visitor), skip="1")
    order = read_design(coding).order
    assert asked(page) == asked(begin(visitor)) == order[1]
    assert [one.label for one in codings(coding)] == [""]


def test_another_coder_is_asked_for_a_text_that_was_skipped(coding: Path, visitor: Visitor) -> None:
    code(coding, [""])
    assert asked(begin(visitor, "Ben")) == read_design(coding).order[0]


def test_a_text_that_a_spreadsheet_would_run_is_shown_as_it_was(tmp_path: Path) -> None:
    frame = population(60).with_columns(review="@you; =this is no formula, " + pl.col("id"))
    visitor = Visitor(drawn(tmp_path, 10, frame).parent / "runs")
    assert '"body">@you; =this is no formula, r00' in begin(visitor)


def test_ids_with_blanks_around_them_are_coded(tmp_path: Path) -> None:
    frame = population(60).with_columns(" " + pl.col("id") + "\u200b\t")
    coding = drawn(tmp_path, 10, frame)
    visitor = Visitor(coding.parent / "runs")
    answer(visitor, begin(visitor), label="pos")
    assert [one.id for one in codings(coding)] == read_design(coding).order[:1]


def test_a_coder_who_works_alone_is_asked_a_fifth_again_later(
    coding: Path, visitor: Visitor
) -> None:
    order = read_design(coding).order
    twice = [id for id in order if is_coded_twice(0, id)]
    page, given = begin(visitor), []
    assert "A random fifth of the texts is coded twice" in page
    while (id := asked(page)) is not None:
        given.append(id)
        assert len(given) < 100
        page = answer(visitor, page, label="pos" if given.count(id) == 1 else "neg")
    assert "Nothing is left to code" in page
    assert sorted(given) == sorted(order + twice)
    gaps = [len(given) - 1 - given[::-1].index(id) - given.index(id) for id in twice]
    assert sorted(gaps)[len(gaps) // 2] > GAP
    saved = codings(coding)
    assert {one.id for one in saved if one.batch == "again"} == set(twice)
    assert all(one.label == "pos" for one in saved if one.batch == "design")


def test_undoing_the_second_coding_keeps_the_first(coding: Path, visitor: Visitor) -> None:
    code(coding, ["pos"] * 50)
    page = begin(visitor)
    id = asked(page)
    answer(visitor, page, label="neg")
    page = visitor.post("/coding/coding/undo", data={"coder": "Anna"}, headers=PART).text
    assert asked(page) == id
    answer(visitor, page, label="neg")
    both = {one.batch: one.label for one in codings(coding) if one.id == id}
    assert both == {"design": "pos", "again": "neg"}


def test_a_second_coder_is_asked_for_the_fifth_and_for_what_nobody_coded(
    coding: Path, visitor: Visitor
) -> None:
    order = read_design(coding).order
    code(coding, ["pos"] * 40)
    page, given = begin(visitor, "Ben"), []
    while (id := asked(page)) is not None:
        given.append(id)
        page = answer(visitor, page, label="neg")
    assert given == [id for id in order[:40] if is_coded_twice(0, id)] + order[40:]


def test_the_adjudicator_decides_where_coders_disagree(coding: Path, visitor: Visitor) -> None:
    order = read_design(coding).order
    code(coding, ["pos", "pos", "neg"])
    code(coding, ["pos", "neg", ""], "Ben")
    page = begin(visitor, "adjudicated")
    assert asked(page) == order[1]
    assert "Anna <b>pos</b>, Ben <b>neg</b>" in page
    assert asked(answer(visitor, page, label="neg")) is None


def test_several_variables_are_asked_one_after_another(coding: Path, visitor: Visitor) -> None:
    book = coding / "codebook.toml"
    book.write_text(book.read_text() + '\n[[variable]]\nname = "irony"\nquestion = "Ironic?"\n')
    page = begin(visitor)
    id = asked(page)
    page = answer(visitor, page, label="pos")
    assert asked(page) == id
    assert "<legend>Ironic?</legend>" in page
    assert asked(answer(visitor, page, label="a little")) == read_design(coding).order[1]
    assert [(one.variable, one.label) for one in codings(coding)] == [
        ("label", "pos"),
        ("irony", "a little"),
    ]


def test_rows_for_training_are_a_batch_of_their_own(coding: Path, visitor: Visitor) -> None:
    pick_uncertain(coding.parent / "POP.parquet", 5, coding, id="id", by="probability_pos")
    assert "uncertain rows, for training only" in visitor.get("/coding/coding").text
    page = begin(visitor, batch="active")
    assert asked(page) not in read_design(coding).order
    assert "enter no estimate" in page
    answer(visitor, page, label="pos")
    assert [one.batch for one in codings(coding)] == ["active"]


def test_a_page_without_scripts_works(coding: Path, visitor: Visitor) -> None:
    found = visitor.post(CODE, data=form(begin(visitor)) | {"label": "pos"})
    assert found.status_code == 303
    assert found.headers["location"] == "code?coder=Anna&batch=design"
    assert len(codings(coding)) == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"id": "elsewhere"}, "not in the sample"),
        ({"variable": "tone"}, "not in the sample"),
        ({"label": "maybe"}, "not in the codebook"),
        ({"label": ""}, "not in the codebook"),
        ({"coder": "../Anna"}, "cannot be called"),
        ({"coder": ""}, "name is missing"),
    ],
)
def test_a_wrong_answer_saves_nothing(
    coding: Path, visitor: Visitor, fields: dict, named: str
) -> None:
    found = visitor.post(CODE, data=form(begin(visitor)) | {"label": "pos"} | fields, headers=PART)
    assert found.status_code == 422
    assert named in found.text
    assert codings(coding) == []
    assert not list(coding.parent.rglob("*Anna*"))


def test_a_text_is_shown_as_it_is(tmp_path: Path) -> None:
    frame = population(60).with_columns(
        review="<script>alert(1)</script>\n  two & three four " + pl.col("id")
    )
    visitor = Visitor(drawn(tmp_path, 10, frame).parent / "runs")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\n  two &amp; three four" in begin(visitor)


def test_the_overview_has_coders_and_their_agreement(coding: Path, visitor: Visitor) -> None:
    code(coding, ["pos"] * 10 + ["neg"] * 10)
    code(coding, ["pos"] * 8 + ["neg"] * 12, "Ben")
    page = visitor.get("/coding/coding").text
    assert "random sample: 50 of 500 rows" in page
    assert f"{1 - 39 * 4 / (2 * 18 * 22):.3f} <small>[" in page
    assert "20 of 50 coded</span>" not in visitor.get("/").text
    assert "20 of 50 coded, Anna, Ben" in visitor.get("/").text


def test_the_codebook_is_edited_on_the_page(coding: Path, visitor: Visitor) -> None:
    code(coding, ["pos"])
    before = (coding / "codebook.toml").read_text()
    assert before.strip() in unescape(visitor.get("/coding/coding").text)
    after = before.replace('definition = ""', 'definition = "All in all favourable"')
    found = visitor.post("/coding/coding/codebook", data={"toml": after.replace("\n", "\r\n")})
    assert found.headers["location"] == "/coding/coding"
    assert (coding / "codebook.toml").read_text() == after
    assert "All in all favourable" in begin(visitor)
    for wrong, named in (
        (after.replace('label = "pos"', 'label = "positive"'), "'pos' of 'label' is not in the"),
        (after.replace('level = "nominal"', 'level = "metric"'), "has a fault at"),
        (after.replace('name = "label"', 'name = "tone"'), "which the codebook lacks"),
        ("x = ", "is not valid TOML"),
    ):
        found = visitor.post("/coding/coding/codebook", data={"toml": wrong})
        assert found.status_code == 422
        assert named in unescape(found.text)
        assert wrong.strip() in unescape(found.text)
    assert (coding / "codebook.toml").read_text() == after


def test_a_broken_file_is_named_on_the_home_page(coding: Path, visitor: Visitor) -> None:
    (coding / "codings-Anna.jsonl").write_text("{}\n")
    assert "is broken" in visitor.get("/").text
    assert visitor.get("/coding/coding").status_code == 422


def test_folders_elsewhere_are_not_found(coding: Path, visitor: Visitor) -> None:
    for name in ("..%2Fcoding", "runs", "nothing"):
        assert visitor.get(f"/coding/{name}").status_code == 404


def test_a_sample_is_drawn_from_an_uploaded_table(tmp_path: Path) -> None:
    visitor = Visitor(tmp_path / "runs")
    address = visitor.table("reviews.csv", population().write_csv().encode())
    assert f"/sample/{address.rpartition('/')[2]}" in visitor.get(address).text
    address = f"/sample/{address.rpartition('/')[2]}"
    page = visitor.get(address).text
    assert re.findall(r'<option value="(\w+)" selected>', page) == [
        "id",
        "review",
        "probability_pos",
    ]
    fields = {"n": "40", "id": "id", "text": "review", "by": "probability_pos"}
    found = visitor.post(address, data=fields | {"labels": "good, bad", "variable": "tone"})
    assert found.headers["location"] == "/coding/coding-reviews"
    design = read_design(tmp_path / "runs" / "coding-reviews")
    assert (design.population, len(design.order), len(design.strata)) == ("reviews.csv", 40, 5)
    page = visitor.get("/coding/coding-reviews/code?coder=Anna").text
    assert re.findall(r'value="(\w+)" data-key="(\d)"', page) == [("good", "1"), ("bad", "2")]
    for wrong in ({"n": "501"}, {"id": ""}):
        refused = visitor.post(address, data=fields | wrong)
        assert refused.status_code == 422
        assert 'role="alert"' in refused.text
    assert [path.name for path in (tmp_path / "runs").glob("coding*")] == ["coding-reviews"]


def test_both_languages(coding: Path) -> None:
    visitor = Visitor(coding.parent / "runs", "zh")
    page = begin(visitor)
    assert "编码手册" in page
    assert "已编码 0 / 50" in page
    assert "随机五分之一的文本要编码两次" in page
    assert "您的姓名" in visitor.get("/coding/coding").text
    id = visitor.table("评论.csv", population(60).write_csv().encode()).rpartition("/")[2]
    visitor.post(f"/sample/{id}", data={"n": "20", "id": "id", "text": "review"})
    assert "归入哪一类" in visitor.get("/coding/coding-评论/code?coder=安").text


def test_no_label_is_lost_when_the_studio_is_killed(tmp_path: Path) -> None:
    coding = drawn(tmp_path, 200)
    start_reading()
    acknowledged: set[str] = set()
    for kill in range(3):
        with socket.create_server(("127.0.0.1", 0)) as address:
            port = address.getsockname()[1]
            process = CONTEXT.Process(
                target=serve, args=(tmp_path / "runs", TOKEN, address, port), daemon=True
            )
            process.start()
        headers = {"cookie": f"duree-{port}={TOKEN}", **PART}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
            page = client.get(f"{CODE}?coder=Anna", timeout=60).text
            assert asked(page) not in acknowledged
            for _ in range(4 + kill):
                id = asked(page)
                page = client.post(CODE, data=form(page) | {"label": "pos"}, timeout=60).text
                acknowledged.add(id)
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert {one.id for one in codings(coding)} == acknowledged
    assert len(acknowledged) == 15


def test_a_coding_that_cannot_be_written_is_not_acknowledged(
    coding: Path, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = begin(visitor)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("duree.inference.codings.os.fsync", full)
    found = visitor.post(CODE, data=form(page) | {"label": "pos"}, headers=PART)
    assert found.status_code == 409
    assert "No space left on device" in found.text
