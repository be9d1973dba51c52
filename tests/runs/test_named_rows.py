"""Findings and errors name rows as the user's file counts them, also after rows were left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.support.letters import letters

from duree.errors import DataError
from duree.pipeline.by_layout import read_dataset
from duree.pipeline.dataset import check_files, read_rows
from duree.pipeline.run import Run
from duree.pipeline.save import save_dataset
from duree.pipeline.training_sets import training_sets
from duree.recipe.recipe import Recipe
from duree.report.old_wording import StoredCheck
from duree.serving.studio.table_preview import check
from duree.tables.files.read import read_tables
from duree.tables.finding import Finding
from duree.tables.source_rows import locating
from duree.tasks import layout_for, resolve

# Malformed, and left out with --drop-bad.
BROKEN = "one,cell,too,many,by,far"


def csv(path: Path, *lines: str, broken_at: int | None = 1) -> str:
    """A table whose given row, from 1, is malformed."""
    rows = list(lines)
    if broken_at is not None:
        rows.insert(broken_at, BROKEN)
    path.write_text("\n".join(rows) + "\n")
    return str(path)


def asked(*files: str, **data: Any) -> Recipe:
    return Recipe.build({"data": {"files": files, "drop_bad": True, **data}})


def findings(recipe: Recipe) -> dict[str, Finding]:
    return {finding.check: finding for finding in check_files(recipe.data)[1]}


def refusal(recipe: Recipe) -> tuple[str, str]:
    """The error of a run or, where it has none, of a check; in both languages."""
    with pytest.raises(DataError) as caught:
        read_dataset(recipe)
    return caught.value.message("en"), caught.value.message("zh")


SPELLS = {"id": "who", "state": "state", "start": "begin", "end": "end"}
EVENTS = {"id": "who", "event": ("what",), "time": "when", "target": "kind"}


def test_spells_are_named_by_the_rows_of_the_file(tmp_path: Path) -> None:
    lines = ("who,state,begin,end", "a,x,1,3", "a,x,2,4", "a,,5,6", "b,y,1,", "b,x,7,7")
    found = findings(asked(csv(tmp_path / "spells.csv", *lines), **SPELLS))
    assert "(row 3 ...)" in found["joined_spells"].message("en")
    assert "（第 3 行等）" in found["joined_spells"].message("zh")
    assert "(row 4 ...)" in found["unknown_spells"].message("en")
    assert "(row 5 ...)" in found["open_spells"].message("en")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("a,x,1,4", "a,y,2,5"), "at rows 2, 3"),
        (("a,x,1,2", "a,y,3,1"), "first at row 3"),
        (("a,x,1,2", "a,y,spring,5"), "row 3,"),
        (("a,x,1,2", "a,y,3,900000000"), "at row 3"),
        (("a,x,1,2", ",y,3,5"), "first at row 3"),
    ],
)
def test_errors_in_spells_name_the_rows_of_the_file(
    tmp_path: Path, lines: tuple[str, ...], expected: str
) -> None:
    file = csv(tmp_path / "spells.csv", "who,state,begin,end", *lines)
    # The malformed line is left out before these are found.
    recipe = asked(file, **SPELLS)
    with pytest.raises(DataError) as caught:
        table_without_dropping(recipe)
    assert expected in caught.value.message("en")


def table_without_dropping(recipe: Recipe) -> None:
    """Read the rows that are well-formed, and lay them out without leaving any out."""
    table = read_tables(recipe.data.files, drop_bad=True)
    data = recipe.data.model_copy(update={"drop_bad": False})
    layout_for(recipe)(data).lay_out(table)


def test_events_are_named_by_the_rows_of_the_file(tmp_path: Path) -> None:
    lines = ("who,what,when,kind", "a,x,2,k", "a,y,1,k", "b,x,1,l", "b,y,1,l")
    found = findings(asked(csv(tmp_path / "events.csv", *lines), **EVENTS))
    assert "(row 3 ...)" in found["unsorted"].message("en")
    assert "(row 5 ...)" in found["at_once"].message("en")
    several = csv(tmp_path / "events.csv", *lines[:4], "b,y,2,k")
    with pytest.raises(DataError, match="first at row 5"):
        check_files(asked(several, **EVENTS).data)


def test_series_are_named_by_the_rows_of_the_file(tmp_path: Path) -> None:
    months = [f"19{place // 12 + 50}-{place % 12 + 1:02},{place % 7}" for place in range(40)]
    data = {"series": ("y",), "time": "when"}
    file = csv(tmp_path / "y.csv", "when,y", *months[:20], months[21], months[20], *months[22:])
    assert findings(asked(file, **data))["unsorted"].where == "row 23"
    for bad, expected in (
        (months[4], "at rows 6, 22"),
        (",4", "first at row 22"),
        ("1951-09,four", "y.csv, row 22: 'four'"),
    ):
        file = csv(tmp_path / "y.csv", "when,y", *months[:20], bad, *months[20:])
        with pytest.raises(DataError) as caught:
            check_files(asked(file, **data).data)
        assert expected in caught.value.message("en")


def test_of_several_columns_of_series_the_row_and_not_the_cell_is_named(tmp_path: Path) -> None:
    years = [f"{year},{year % 5},{year % 7}" for year in range(1950, 1990)]
    file = csv(tmp_path / "y.csv", "when,y,z", *years, years[3])
    data = {"series": ("y", "z"), "time": "when"}
    with pytest.raises(DataError, match="at rows 5, 42"):
        check_files(asked(file, **data).data)


def test_numeric_series_are_named_by_the_rows_of_the_file(tmp_path: Path) -> None:
    header = "who," + ",".join(f"t{place}" for place in range(6)) + ",kind"
    rows = [f"p{row},{row},2,3,4,5,6,{'kl'[row % 2]}" for row in range(8)]
    rows[5] = rows[2].replace("p2", "p5")
    rows[6] = "p6,1,2,3,,,,k"
    data = {"series": ("t*",), "target": "kind"}
    found = findings(asked(csv(tmp_path / "wide.csv", header, *rows), **data))
    assert "(rows 4, 7 ...)" in found["same_series"].message("en")
    assert found["same_series"].where is not None
    assert found["same_series"].where.message("zh") == "第 4, 7 行"
    assert found["ended"].where == "row 8"


def test_tokens_are_named_by_the_rows_of_the_file(tmp_path: Path) -> None:
    lines = ("id,word,tag", "1,Oslo,B-PER", "1,lies,O", "2,in,O", "2,Norway,I-LOC", "3,Ann,")
    data = {"token": "word", "id": "id", "target": "tag"}
    file = csv(tmp_path / "words.csv", *lines[:5])
    found = findings(asked(file, **data))["broken_scheme"]
    assert "the first at token 5" in found.message("en")
    assert "首见于第 5 个词" in found.message("zh")
    # Its row in the table is that of the sentence.
    assert found.rows == (1,)
    file = csv(tmp_path / "words.csv", *lines)
    with pytest.raises(DataError, match="1 tokens have no 'tag'; first at token 6"):
        check_files(asked(file, **data).data)


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return letters(120).select("id", "letter", "tone").with_columns(w=pl.lit("1"))


def lines_of(frame: pl.DataFrame) -> list[str]:
    return frame.write_csv().splitlines()


TEXTS = {"text": "letter", "target": "tone"}


def test_texts_without_a_target_are_named_by_file_and_row(
    frame: pl.DataFrame, tmp_path: Path
) -> None:
    one, two = lines_of(frame[:60]), lines_of(frame[60:])
    two[7] = "x,a letter without a tone,,1"
    files = csv(tmp_path / "one.csv", *one), csv(tmp_path / "two.csv", *two)
    found = read_rows(resolve(asked(*files, **TEXTS))).findings
    (missing,) = [finding for finding in found if finding.check == "missing_target"]
    assert "left out: row 8 of two.csv ..." in missing.message("en")
    assert "：two.csv 第 8 行等" in missing.message("zh")


def test_findings_on_rows_are_saved_and_shown_with_the_rows_of_the_file(
    frame: pl.DataFrame, tmp_path: Path
) -> None:
    lines = lines_of(frame)
    lines[10] = "x,no tone,,1"
    lines[20] = lines[30].replace(lines[30].split(",")[0], "copy")
    file = csv(tmp_path / "letters.csv", *lines)
    dataset = read_rows(resolve(asked(file, **TEXTS)))
    (copies,) = [finding for finding in dataset.findings if finding.check == "duplicates"]
    assert copies.rows == (18, 28)
    assert copies.where == "rows 21, 31"


def test_a_weight_and_a_time_are_named_by_the_rows_of_the_file(
    frame: pl.DataFrame, tmp_path: Path
) -> None:
    lines = lines_of(frame)
    lines[5] = lines[5].removesuffix("1") + "-1"
    recipe = asked(csv(tmp_path / "w.csv", *lines), **TEXTS, weight="w")
    assert "(row 6 ...)" in refusal(recipe)[0]
    lines = lines_of(frame.with_columns(w=pl.Series(range(1900, 2020))))
    lines[5] = lines[5].replace("1904", "spring")
    english, chinese = refusal(asked(csv(tmp_path / "w.csv", *lines), **TEXTS, time="w"))
    assert "'spring' in the column 'w', row 6, cannot be placed in time" in english
    assert "第 6 行" in chinese
    lines[5] = lines[5].replace("spring", "")
    file = csv(tmp_path / "w.csv", *lines)
    recipe = asked(file, **TEXTS, time="w")
    assert "row 6" in findings(recipe)["missing_time"].where  # type: ignore[operator]


def test_a_label_that_only_the_test_file_has_is_named_by_its_file_and_row(
    frame: pl.DataFrame, tmp_path: Path
) -> None:
    several = frame.with_columns(tone=pl.col("tone") + ";mail")
    held = lines_of(several[100:])
    held[4] = held[4].replace(";mail", ";post")
    files = csv(tmp_path / "data.csv", *lines_of(several[:100]))
    held_file = csv(tmp_path / "held.csv", *held)
    recipe = asked(files, **TEXTS, label_separator=";", test_file=held_file)
    recipe = resolve(recipe.replace({"task": "multilabel"}))
    dataset = read_rows(recipe)
    encoder = dataset.task.fit_encoder(dataset.texts, dataset.target, dataset.recipe)
    task, _, _ = training_sets(dataset, encoder, encoder.encode(dataset.texts))
    rows = dataset.split.test
    with (
        pytest.raises(DataError, match=r"first at row 5 of held\.csv"),
        locating(dataset.table, rows),
    ):
        task.encode(dataset.target.gather(rows))


def test_empty_rows_of_a_sheet_are_counted(tmp_path: Path) -> None:
    workbook = pytest.importorskip("xlsxwriter").Workbook(tmp_path / "sheet.xlsx")
    sheet = workbook.add_worksheet()
    rows = [("letter", "tone"), ("good", "kind"), (), ("bad", "rude"), ("fine", None)]
    for place, row in enumerate(rows):
        sheet.write_row(place, 0, row)
    workbook.close()
    recipe = Recipe.build({"data": {"files": (str(tmp_path / "sheet.xlsx"),), **TEXTS}})
    assert "first at row 4" in refusal(recipe)[0]


def test_lists_are_named_by_the_row_of_their_file(tmp_path: Path) -> None:
    for name, texts in (("one", [None, None]), ("two", [None, {"d": 1}])):
        rows = [json.dumps({"text": text, "label": name}) for text in texts]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows) + "\n")
    files = tuple(str(tmp_path / f"{name}.jsonl") for name in ("one", "two"))
    with pytest.raises(DataError, match=r"row 2: .*in \S+two\.jsonl;"):
        check_files(asked(*files, text="text", target="label").data)


def test_the_studio_shows_the_rows_of_the_file(
    frame: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In this process, which is faster.
    monkeypatch.setattr("duree.serving.studio.table_preview.isolated", lambda read, *of: read(*of))
    lines = lines_of(frame)
    lines[20] = lines[30].replace(lines[30].split(",")[0], "copy")
    recipe = resolve(asked(csv(tmp_path / "letters.csv", *lines), **TEXTS, id="id"))
    (copies,) = [one for one in check(recipe) if one.finding.check == "duplicates"]
    assert [str(row) for row, _ in copies.rows] == ["row 21", "row 31"]
    assert copies.rows[0][1][0] == ("id", "copy")


def test_a_stored_finding_is_translated_with_its_rows(frame: pl.DataFrame, tmp_path: Path) -> None:
    one, two = lines_of(frame[:60]), lines_of(frame[60:])
    one[4], two[7] = "x,a letter without a tone,,1", "x,another without a tone,,1"
    files = csv(tmp_path / "one.csv", *one), csv(tmp_path / "two.csv", *two)
    recipe = resolve(asked(*files, **TEXTS))
    run = Run.create(tmp_path / "run", recipe)
    save_dataset(run, read_rows(recipe))
    stored = json.loads((run.folder / "checks.json").read_text(encoding="utf-8"))
    (found,) = [check for check in stored if check["check"] == "missing_target"]
    shown = StoredCheck.model_validate(found).in_todays_words()
    assert shown.message.endswith("left out: row 5 of one.csv and row 8 of two.csv ...")
    assert shown.message_zh == found["message_zh"]
    assert "：one.csv 第 5 行与two.csv 第 8 行等" in shown.message_zh


def test_a_finding_of_an_earlier_version_keeps_its_rows() -> None:
    what = "weights in {column!r} that are missing or not positive: {count} (row {rows} ...)"
    values = {"column": "w", "count": 2, "rows": "5, 8"}
    check = StoredCheck(
        check="x", level="note", message=what.format(**values), what=what, values=values
    )
    shown = check.in_todays_words()
    assert "2 (row 5, 8 ...)" in shown.message
    assert "2 个（第 5, 8 行等）" in shown.message_zh


def test_rows_of_findings_follow_the_table_when_others_are_left_out(tmp_path: Path) -> None:
    header = "who," + ",".join(f"t{place}" for place in range(6)) + ",kind"
    rows = [f"p{row},{row},2,3,4,5,6,{'kl'[row % 2]}" for row in range(40)]
    rows[2] = rows[2][:-1]
    rows[5] = rows[3].replace("p3", "p5")
    recipe = asked(
        csv(tmp_path / "wide.csv", header, *rows), series=("t*",), target="kind", id="who"
    )
    dataset = read_rows(resolve(recipe))
    (same,) = [finding for finding in dataset.findings if finding.check == "same_series"]
    assert same.where == "rows 5, 7"
    assert [dataset.table.frame["who"][row] for row in same.rows] == ["p3", "p5"]
