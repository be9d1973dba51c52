"""Files of codings and sheets that were filled in: what counts, and what is refused."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import polars as pl
import pytest
from tests.support.coding import code, drawn

from duree.errors import DataError
from duree.inference.codebook import read_codebook
from duree.inference.codings import Coding, append_coding, read_codings, valid_codings
from duree.inference.design import read_design
from duree.inference.folder import read_folder

FIELDS = ["id", "coder", "variable", "label", "time", "seconds", "comment", "batch"]


def labels_of(coding: Path) -> dict[tuple[str, str], str | None]:
    return {(one.coder, one.id): one.label for one in read_folder(coding).codings}


def test_a_coding_is_one_line_with_all_fields(tmp_path: Path) -> None:
    one = Coding(
        "r1", "Ève", "tone", "négatif", "2026-01-01T10:00:00+01:00", 2.5, "unsure", "design"
    )
    append_coding(tmp_path, one)
    lines = (tmp_path / "codings-Ève.jsonl").read_text(encoding="utf-8").splitlines()
    assert list(json.loads(lines[0])) == FIELDS
    assert read_codings(tmp_path) == ([one], [])


def test_the_last_line_of_a_text_counts_and_a_withdrawn_one_does_not(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    a, b, c = read_design(coding).order[:3]
    for id, label in [(a, "pos"), (b, "pos"), (a, "neg"), (c, "pos"), (b, None)]:
        append_coding(coding, Coding(id, "Anna", "label", label, "2026-01-01"))
    assert labels_of(coding) == {("Anna", a): "neg", ("Anna", c): "pos"}


def test_the_same_text_coded_again_is_another_coding(tmp_path: Path) -> None:
    again = [
        Coding("r1", "A", "v", label, "t", batch=batch)
        for label, batch in (("x", "design"), ("y", "again"))
    ]
    assert valid_codings(again) == again


def test_files_of_one_coder_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    id = read_design(coding).order[0]
    append_coding(coding, Coding(id, "Anna", "label", "pos", "2026-02-01"))
    (coding / "codings-Anna.jsonl").rename(coding / "codings-Anna (copy).jsonl")
    append_coding(coding, Coding(id, "Anna", "label", "neg", "2026-01-01"))
    assert labels_of(coding) == {("Anna", id): "pos"}


def test_an_unfinished_last_line_is_left_out_and_replaced(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 3)
    file = coding / "codings-Anna.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    found = read_folder(coding)
    assert len(found.codings) == 2
    assert "last line of codings-Anna.jsonl is unfinished" in found.findings[0].message("en")
    append_coding(coding, Coding(read_design(coding).order[9], "Anna", "label", "neg", "t"))
    found = read_folder(coding)
    assert [one.label for one in found.codings] == ["pos", "pos", "neg"]
    assert found.findings == []


def test_a_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 3)
    file = coding / "codings-Anna.jsonl"
    file.write_bytes(file.read_bytes()[:-1])
    assert len(read_folder(coding).codings) == 3
    append_coding(coding, Coding(read_design(coding).order[9], "Anna", "label", "neg", "t"))
    assert len(read_folder(coding).codings) == 4


def test_any_other_broken_line_is_refused_with_its_number(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 5)
    file = coding / "codings-Anna.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:2], lines[2][:30] + b"\n", *lines[3:]]))
    with pytest.raises(DataError, match=r"line 3 of .*codings-Anna\.jsonl is broken"):
        read_folder(coding)
    file.write_bytes(b"".join([*lines[:2], b'{"id": "r1", "coder": "A"}\n', *lines[3:]]))
    with pytest.raises(DataError, match=r"line 3 of .* is broken: variable"):
        read_folder(coding)


def test_no_line_is_lost_when_several_threads_write(tmp_path: Path) -> None:
    def write(thread: int) -> None:
        for place in range(20):
            append_coding(tmp_path, Coding(f"{thread}-{place}", "A", "v", "x" * 300, "t"))

    threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codings, _ = read_codings(tmp_path)
    assert {one.id for one in codings} == {f"{t}-{p}" for t in range(4) for p in range(20)}


@pytest.mark.parametrize("name", ["../x", "a/b", "", " ", "x" * 41, "A.", "con\n"])
def test_a_name_that_no_file_may_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="a coder cannot be called"):
        append_coding(tmp_path, Coding("r1", name + "/" * (name == "con\n"), "v", "x", "t"))
    assert list(tmp_path.iterdir()) == []


def test_codings_of_another_sample_are_refused(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    append_coding(coding, Coding("elsewhere", "Anna", "label", "pos", "t"))
    with pytest.raises(DataError, match="'Anna' coded the id 'elsewhere', which was not drawn"):
        read_folder(coding)


def test_a_label_that_the_codebook_lacks_is_refused(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["postive"])
    with pytest.raises(DataError, match="label 'postive' of 'label' is not in the codebook"):
        read_folder(coding)


def test_a_sheet_that_excel_saved_is_read(tmp_path: Path) -> None:
    coding = drawn(tmp_path, 20)
    (coding / "codebook.toml").write_text('[[variable]]\nname = "score"\nlevel = "ratio"\n')
    sheet = pl.read_csv(coding / "sheet.csv", infer_schema=False)
    scores = [f"{place},5" if place % 2 else str(place) for place in range(20)]
    mixed = sheet.with_columns(score=pl.Series(scores)).sample(fraction=1, shuffle=True, seed=1)
    text = mixed.write_csv(separator=";").replace("\n", "\r\n")
    (coding / "sheet.csv").write_bytes(text.encode("utf-8-sig"))
    ids = read_design(coding).order
    found = {
        ("sheet", id): f"{place}.5" if place % 2 else str(place) for place, id in enumerate(ids)
    }
    assert labels_of(coding) == found


def test_each_coder_may_fill_in_a_copy_of_the_sheet(tmp_path: Path) -> None:
    coding = drawn(tmp_path, 20)
    sheet = pl.read_csv(coding / "sheet.csv", infer_schema=False)
    for coder, label in (("Anna", "pos"), ("Ben", "neg")):
        sheet.head(3).with_columns(label=pl.lit(label)).write_csv(coding / f"sheet-{coder}.csv")
    ids = read_design(coding).order[:3]
    assert labels_of(coding) == {
        (coder, id): label for coder, label in (("Anna", "pos"), ("Ben", "neg")) for id in ids
    }


def test_ids_that_excel_made_numbers_of_are_recognised_by_their_order(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"id": [f"{row:03d}" for row in range(60)], "review": ["one two three four five"] * 60}
    )
    coding = drawn(tmp_path, 10, frame)
    sheet = pl.read_csv(coding / "sheet.csv")  # 007 becomes 7
    sheet.with_columns(label=pl.lit("yes")).write_csv(coding / "sheet.csv")
    assert [id for _, id in labels_of(coding)] == read_design(coding).order


@pytest.mark.parametrize(
    ("row", "values", "named"),
    [
        (2, {"label": "maybe"}, "the label 'maybe' .* row 3; write one of 'neg', 'pos'"),
        (2, {"label": "pos", "id": "x"}, "the id 'x' of .* was not drawn; row 3"),
        (2, {"id": "FIRST"}, "stands twice"),
    ],
)
def test_a_wrong_cell_of_a_sheet_is_named(
    tmp_path: Path, row: int, values: dict, named: str
) -> None:
    coding = drawn(tmp_path, 20)
    rows = pl.read_csv(coding / "sheet.csv", infer_schema=False).to_dicts()
    rows[row] |= {key: value.replace("FIRST", rows[0]["id"]) for key, value in values.items()}
    pl.DataFrame(rows).write_csv(coding / "sheet.csv")
    with pytest.raises(DataError, match=named):
        read_folder(coding)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[[variable]]\nname = 'a'\nlevel = 'metric'\n", "variable.0.level"),
        ("[[variable]]\nnaem = 'a'\n", "variable.0.naem"),
        ("[[variable]]\nname = 'a\n", "not valid TOML"),
        ("", "variable"),
        (
            "[[variable]]\n[[variable.label]]\nlabel='x'\nkey='1'\n[[variable.label]]\nlabel='y'\nkey='1'",
            "has '1' twice",
        ),
        (
            "[[variable]]\n[[variable.label]]\nlabel='x'\n[[variable.label]]\nlabel='x'",
            "has 'x' twice",
        ),
    ],
)
def test_a_faulty_codebook_is_refused(tmp_path: Path, text: str, named: str) -> None:
    coding = drawn(tmp_path)
    (coding / "codebook.toml").write_text(text)
    with pytest.raises(DataError, match=named):
        read_codebook(coding)


def test_a_variable_may_not_have_the_name_of_a_column_of_the_sheet(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    (coding / "codebook.toml").write_text("[[variable]]\nname = 'text'\n")
    with pytest.raises(DataError, match="has 'text' twice"):
        read_codebook(coding)


def test_labels_without_a_key_get_one(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    labels = "".join(f"[[variable.label]]\nlabel = '{x}'\n" for x in "abc") + "key = '1'\n"
    (coding / "codebook.toml").write_text("[[variable]]\n" + labels)
    assert read_codebook(coding).variable[0].keys == {"1": "c", "2": "a", "3": "b"}
