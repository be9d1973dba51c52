"""``duree estimate``: from predictions and labels to a table and files."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.coding import code, drawn
from tests.support.commands import call
from tests.support.predicted import predicted_table

from duree.inference.design import read_design
from duree.inference.provenance import Provenance, row_keys
from duree.results.estimates import Estimates

OPTIONS = ("--predicted-var", "pos", "--prediction", "probability_pos")
FILES = {"estimate.json", "estimate.html", "estimate.csv", "estimate.tex"}
FILES |= {"for_R.csv", "for_R.R"}


def population(folder: Path, suffix: str = ".csv") -> tuple[Path, pl.DataFrame]:
    """A file of predictions without labels, and all that is true."""
    frame = predicted_table()
    kept = frame.select("id", "author", "x", "group", "probability_pos")
    file = folder / f"POP{suffix}"
    kept.write_csv(file) if suffix == ".csv" else kept.write_parquet(file)
    return file, frame


def labels(folder: Path, frame: pl.DataFrame, **columns: pl.Expr) -> Path:
    """A table of labels of the labelled rows, in another order."""
    file = folder / "labels.csv"
    some = frame.filter(pl.col("pos").is_not_null()).reverse()
    some.select("id", "pos", **columns).write_csv(file)
    return file


def record(folder: Path) -> Estimates:
    return Estimates.model_validate_json((folder / "est/estimate.json").read_text())


def test_labels_in_a_table_give_all_files_and_a_table(tmp_path, capsys):
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame)
    out = tmp_path / "est"
    assert call(
        *("estimate", "pos ~ x + C(group)", file, "--labels", given, *OPTIONS, "--equal-prob"),
        *("--model", "logit", "-o", out),
    ) == 0  # fmt: skip
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0].split() == (
        ["term", "estimate", "95%", "interval", "p", "predictions", "only", "labels", "only"]
    )
    assert printed.out.splitlines()[1].startswith("Intercept")
    assert printed.out.splitlines()[-1] == str(out)
    assert printed.err.startswith(
        "whether labelled rows trained the network is unknown: POP.csv.duree.json is missing; make "
        "sure that none did, or the estimates are wrong; if POP.csv is a copy, copy"
    )
    assert {path.name for path in out.iterdir()} == FILES
    found = record(tmp_path)
    assert found.data == "POP.csv"
    assert (found.rows, found.labelled, found.design) == (600, 200, "equal_prob")
    assert found.out_of_fold is None


def test_the_file_begins_with_the_terms_as_agreed(tmp_path):
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame)
    call("estimate", "pos ~ x", file, "--labels", given, *OPTIONS, "--equal-prob", "-o",
         tmp_path / "est")  # fmt: skip
    state = json.loads((tmp_path / "est/estimate.json").read_text())
    assert list(state)[:3] == ["terms", "naive", "labelled_only"]
    assert list(state["terms"][0])[:7] == ["term", "estimate", "se", "low", "high", "p", "df"]
    table = pl.read_csv(tmp_path / "est/estimate.csv")
    assert table["method"].to_list() == [*["dsl"] * 2, *["naive"] * 2, *["labelled_only"] * 2]
    assert table["estimate"][1] == pytest.approx(state["terms"][1]["estimate"])


def test_the_table_for_latex_has_a_line_for_each_term(tmp_path):
    file, frame = population(tmp_path)
    call("estimate", "pos ~ 0 + C(group)", file, "--labels", labels(tmp_path, frame), *OPTIONS,
         "--equal-prob", "-o", tmp_path / "est")  # fmt: skip
    lines = (tmp_path / "est/estimate.tex").read_text().splitlines()
    assert lines[:2] == [r"\begin{tabular}{lrrrr}", r"\toprule"]
    assert lines[4].startswith("C(group)[a] & $0.")
    assert all(line.endswith(r" \\") for line in lines[4:7])


def test_r_gets_the_same_question(tmp_path):
    file, frame = population(tmp_path)
    chance = labels(tmp_path, frame, chance=pl.lit(1 / 3))
    assert call("estimate", "pos ~ x | group", file, "--labels", chance, *OPTIONS,
                "--sample-prob", "chance", "--cluster", "author",
                "-o", tmp_path / "est") == 0  # fmt: skip
    script = (tmp_path / "est/for_R.R").read_text()
    assert len(script.splitlines()) == 5
    assert 'model = "felm", formula = pos ~ x,' in script
    assert 'index = c("group"), fixed_effect = "oneway"' in script
    assert 'cluster = "author", sample_prob = "sample_prob"' in script
    table = pl.read_csv(tmp_path / "est/for_R.csv")
    assert table.columns == ["x", "pos", "group", "probability_pos", "author", "sample_prob"]
    assert table["pos"].null_count() == 400


def test_a_coding_folder_says_how_rows_were_drawn(tmp_path, capsys):
    _, frame = population(tmp_path, ".parquet")
    coding = drawn(tmp_path, 150, by="probability_pos")
    truth = dict(zip(frame["id"], frame["true_pos"], strict=True))
    code(coding, ["pos" if truth[one] == 1 else "neg" for one in read_design(coding).order])
    assert call("estimate", "pos ~ x", tmp_path / "POP.parquet", "--labels", coding, *OPTIONS,
                "-o", tmp_path / "est") == 0  # fmt: skip
    found = record(tmp_path)
    design = read_design(coding)
    assert found.design == "coding"
    assert [(one.rows, one.labelled) for one in found.strata] == [
        (one.rows, one.drawn) for one in design.strata
    ]
    assert found.variables[0].category == "pos"
    truth_slope = np.polyfit(frame["x"], frame["true_pos"], 1)[0]
    slope = found.terms[1]
    assert abs(slope.estimate - truth_slope) < 3 * slope.se
    capsys.readouterr()
    assert call("estimate", "pos ~ x", tmp_path / "POP.parquet", "--labels", coding, *OPTIONS,
                "--equal-prob", "-o", tmp_path / "est") == 2  # fmt: skip
    assert "leave out --sample-prob and --equal-prob" in capsys.readouterr().err


def test_the_probability_of_another_label_would_turn_the_sign(tmp_path, capsys):
    frame = predicted_table().with_columns(probability_neg=1 - pl.col("probability_pos"))
    frame.select("id", "x", "probability_neg", "probability_pos").write_csv(tmp_path / "POP.csv")
    words = pl.col("pos").replace_strict({0.0: "neg", 1.0: "pos"}, return_dtype=pl.String)
    given = labels(tmp_path, frame.with_columns(pos=words))
    asked = ("estimate", "pos ~ x", tmp_path / "POP.csv", "--labels", given, "--equal-prob")
    asked += ("--predicted-var", "pos", "-o", tmp_path / "est", "--prediction")
    assert call(*asked, "probability_neg") == 2
    said = capsys.readouterr().err
    assert "'pos' is a label, but column 'probability_neg' is the probability of another" in said
    assert not (tmp_path / "est").exists()
    assert call(*asked, "probability_pos") == 0
    one = "pos = 1 where the label is 'pos', and 0 where it is another"
    assert one in capsys.readouterr().err
    assert f"% {one}" in (tmp_path / "est/estimate.tex").read_text()
    assert one in unescape((tmp_path / "est/estimate.html").read_text())
    assert one in [note.message for note in record(tmp_path).notes]


def test_a_variable_that_nobody_coded_is_refused(tmp_path, capsys):
    coded = predicted_table().with_columns(anger=1.0, probability_neg=1 - pl.col("probability_pos"))
    coded.drop("pos").write_parquet(tmp_path / "POP.parquet")
    coding = drawn(tmp_path, 150)
    code(coding, ["pos", "neg"] * 75)
    asked = (tmp_path / "POP.parquet", "--labels", coding, "-o", tmp_path / "est")
    assert call("estimate", "anger ~ x", *asked, "--predicted-var", "anger",
                "--prediction", "probability_neg") == 2  # fmt: skip
    said = capsys.readouterr().err
    assert "nobody coded 'anger': the codebook has the variable 'label' with the labels" in said
    assert "'neg', 'pos'" in said
    # Nobody need have given a label of the codebook.
    one = '[[variable.label]]\nlabel = "{}"\n'
    (coding / "codebook.toml").write_text("[[variable]]\n" + one.format("neg") + one.format("pos"))
    code(coding, ["neg"] * 150)
    assert call("estimate", "pos ~ 1", *asked, "--predicted-var", "pos",
                "--prediction", "probability_neg") == 2  # fmt: skip
    assert "'pos' is a label, but column 'probability_neg'" in capsys.readouterr().err
    code(coding, ["pos", "neg"] * 75)
    assert call("estimate", "pos ~ x", *asked, *OPTIONS) == 0
    assert "'pos' was taken from 'label', the only variable of" in capsys.readouterr().err


def test_labels_of_another_variable_in_a_table_are_refused(tmp_path, capsys):
    file, frame = population(tmp_path)
    words = pl.col("pos").replace_strict({0.0: "neg", 1.0: "pos"}, return_dtype=pl.String)
    given = labels(tmp_path, frame.with_columns(pos=words))
    pl.read_csv(given).rename({"pos": "label"}).write_csv(given)
    asked = (file, "--labels", given, "--equal-prob", "-o", tmp_path / "est")
    assert call("estimate", "anger ~ x", *asked, "--predicted-var", "anger",
                "--prediction", "probability_pos") == 2  # fmt: skip
    assert "labels.csv has neither a column nor a label 'anger'" in capsys.readouterr().err
    assert call("estimate", "pos ~ x", *asked, *OPTIONS) == 0
    assert "'pos' was taken from the column 'label' of labels.csv" in capsys.readouterr().err


def test_a_column_of_the_population_is_not_replaced_in_silence(tmp_path, capsys):
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame)
    frame.with_columns(pos=pl.lit(1.0)).write_csv(file)
    assert call("estimate", "pos ~ x", file, "--labels", given, *OPTIONS, "--equal-prob",
                "--id", "id", "-o", tmp_path / "est") == 0  # fmt: skip
    said = capsys.readouterr().err
    assert "column 'pos' of POP.csv was not used: its labels were taken from" in said


def test_a_variable_without_a_name_is_not_two_predicted_variables(tmp_path, capsys):
    population(tmp_path, ".parquet")
    coding = drawn(tmp_path, 150, by="probability_pos")
    code(coding, ["pos", "neg"] * 75)
    two = ("--predicted-var", "pos", "--prediction", "probability_pos")
    two += ("--predicted-var", "x", "--prediction", "probability_pos")
    assert call("estimate", "pos ~ x", tmp_path / "POP.parquet", "--labels", coding, *two,
                "-o", tmp_path / "est") == 2  # fmt: skip
    assert "the codebook has no variable 'pos'" in capsys.readouterr().err


def test_another_population_than_the_one_drawn_from_is_refused(tmp_path, capsys):
    file, _ = population(tmp_path, ".parquet")
    coding = drawn(tmp_path, 100)
    code(coding, ["pos", "neg"] * 50)
    pl.read_parquet(file).with_columns(x=pl.col("x") + 1).write_parquet(file)
    assert call("estimate", "pos ~ x", file, "--labels", coding, *OPTIONS,
                "-o", tmp_path / "est") == 2  # fmt: skip
    assert "is not the table from which the sample in" in capsys.readouterr().err
    assert not (tmp_path / "est").exists()


@pytest.mark.parametrize(("out_of_fold", "status"), [(False, 2), (True, 0)])
def test_labelled_rows_that_trained_the_network_are_refused(tmp_path, capsys, out_of_fold, status):
    file, frame = population(tmp_path)
    some = frame.filter(pl.col("pos").is_not_null()).head(7)
    keys = np.sort(row_keys(some.select("id")))
    Provenance("run", (), ("id",), keys, out_of_fold, 5 if out_of_fold else None).write(file)
    given = labels(tmp_path, frame)
    assert call("estimate", "pos ~ x", file, "--labels", given, *OPTIONS, "--equal-prob",
                "-o", tmp_path / "est") == status  # fmt: skip
    said = capsys.readouterr().err
    if out_of_fold:
        assert record(tmp_path).out_of_fold is True
        assert said == ""
    else:
        assert "7 labelled rows trained the network that predicted them: rows" in said
        assert "predict RUN DATA --folds 5" in said
        assert not (tmp_path / "est").exists()


def test_other_rows_that_trained_the_network_are_a_caution(tmp_path, capsys):
    file, frame = population(tmp_path)
    some = frame.filter(pl.col("pos").is_null()).head(7)
    Provenance("run", (), ("id",), np.sort(row_keys(some.select("id")))).write(file)
    given = labels(tmp_path, frame)
    assert call("estimate", "pos ~ x", file, "--labels", given, *OPTIONS, "--equal-prob",
                "-o", tmp_path / "est") == 0  # fmt: skip
    assert "none of them labelled: 7 of 600" in capsys.readouterr().err


def test_of_a_large_population_some_rows_are_looked_up(tmp_path, capsys):
    frame = predicted_table(60_000, 300).select("id", "x", "pos", "probability_pos")
    frame.write_parquet(tmp_path / "POP.parquet")
    some = frame.filter(pl.col("pos").is_null()).head(30_000)
    Provenance("run", (), ("id",), np.sort(row_keys(some.select("id")))).write(
        tmp_path / "POP.parquet"
    )
    asked = ("estimate", "pos ~ x", tmp_path / "POP.parquet", *OPTIONS, "--equal-prob")
    assert call(*asked, "-o", tmp_path / "est") == 0
    assert " of 50000 that were looked up; if they could" in capsys.readouterr().err
    counted = next(one for one in record(tmp_path).notes if one.check == "trained_rows").values
    assert counted["count"] == pytest.approx(25_000, rel=0.02)
    last = frame.filter(pl.col("pos").is_not_null()).tail(1)
    Provenance("run", (), ("id",), row_keys(last.select("id"))).write(tmp_path / "POP.parquet")
    assert call(*asked, "-o", tmp_path / "est") == 2
    row = last["id"][0][1:]
    assert f"1 labelled rows trained the network that predicted them: row {int(row) + 1}" in (
        capsys.readouterr().err
    )


def test_rows_that_were_picked_for_training_are_refused(tmp_path, capsys):
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame, batch=pl.lit("active-1"))
    assert call("estimate", "pos ~ x", file, "--labels", given, *OPTIONS, "--equal-prob",
                "-o", tmp_path / "est") == 2  # fmt: skip
    said = capsys.readouterr().err
    assert "200 labelled rows were picked for training (batch 'active'), not drawn at" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: pl.concat([frame, frame.head(2)]), "column 'id' names 2 rows more than"),
        (lambda frame: frame.with_columns(id=pl.col("id") + "x"), "200 ids of the labels are not"),
        (lambda frame: frame.rename({"id": "number"}), "0 columns are in both tables"),
        (lambda frame: frame.drop("pos"), "the table has no column 'pos'"),
    ],
)
def test_tables_of_labels_that_do_not_fit_are_refused(tmp_path, capsys, change, words):
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame)
    change(pl.read_csv(given)).write_csv(given)
    assert call("estimate", "pos ~ x", file, "--labels", given, *OPTIONS, "--equal-prob",
                "-o", tmp_path / "est") == 2  # fmt: skip
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        ("20", "is 20, in row 1 (id 't{}') of column 'chance'; in {}; write probabilities, not "
         "percentages: 20 % is 0.2"),
        ("0", "is 0, in row 1 (id 't{}') of column 'chance'; in {}; probabilities must be above 0"),
        ("often", "is often, in row 1 (id 't{}') of column 'chance'; in {}; probabilities must be"),
        (None, "is None, in row 1 (id 't{}') of column 'chance'; in {}; probabilities must be"),
    ],
)  # fmt: skip
def test_probabilities_in_a_table_are_refused_by_its_own_rows(tmp_path, capsys, chance, words):
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame, chance=pl.lit("0.3"))
    table = pl.read_csv(given, infer_schema=False)
    table = table.with_columns(
        chance=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(chance)).otherwise("chance")
    )
    table.write_csv(given)
    assert call("estimate", "pos ~ x", file, "--labels", given, *OPTIONS, "--sample-prob",
                "chance", "-o", tmp_path / "est") == 2  # fmt: skip
    expected = "the probability of being labelled " + words.format(table["id"][0][1:], given)
    assert expected in capsys.readouterr().err


def test_decimal_commas_of_a_sheet_are_read_as_numbers(tmp_path, capsys):
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame, chance=pl.lit("0,3333"))
    content = pl.read_csv(given, infer_schema=False).write_csv(separator=";")
    given.write_text("\ufeff" + content, encoding="utf-8")
    assert call("estimate", "pos ~ x", file, "--labels", given, *OPTIONS, "--sample-prob",
                "chance", "-o", tmp_path / "est") == 0  # fmt: skip
    assert "a decimal comma were read in column 'chance' of labels.csv: 0,3333 is 0.3333" in (
        capsys.readouterr().err
    )
    assert record(tmp_path).probabilities == pytest.approx((0.3333, 0.3333))


def test_a_typo_among_labels_of_0_and_1_is_named(tmp_path, capsys):
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame)
    place = pl.int_range(pl.len())
    typos = pl.when(place < 3).then(pl.lit("yes")).otherwise("pos")
    pl.read_csv(given, infer_schema=False).with_columns(pos=typos).write_csv(given)
    assert call("estimate", "pos ~ x", file, "--labels", given, *OPTIONS, "--equal-prob",
                "-o", tmp_path / "est") == 2  # fmt: skip
    assert (
        f"3 labels of 'pos' are neither 0 nor 1: 'yes', in rows 1, 2, 3; in {given}; correct them"
        in capsys.readouterr().err
    )


def test_a_population_without_labels_needs_them_from_elsewhere(tmp_path, capsys):
    file, frame = population(tmp_path)
    assert call("estimate", "pos ~ x", file, *OPTIONS, "--equal-prob",
                "-o", tmp_path / "est") == 2  # fmt: skip
    assert "has no column 'pos' with labels; give the folder of" in capsys.readouterr().err
    frame.select("id", "x", "pos", "probability_pos").write_csv(file)
    assert call("estimate", "pos ~ x", file, *OPTIONS, "--equal-prob",
                "-o", tmp_path / "est") == 0  # fmt: skip
    assert record(tmp_path).labelled == 200


def test_the_table_is_in_chinese_too(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("DUREE_LANG", "zh")
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame)
    call("estimate", "pos ~ x", file, "--labels", given, *OPTIONS, "--equal-prob", "-o",
         tmp_path / "est")  # fmt: skip
    printed = capsys.readouterr()
    assert printed.out.startswith("项")
    assert printed.out.splitlines()[1].startswith("截距 ")
    assert printed.err.startswith(
        "无法得知已标注的行是否参与训练了该神经网络：缺少 POP.csv.duree.json"
    )


def test_another_estimate_in_the_same_folder_is_named_when_it_is_replaced(tmp_path, capsys):
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame)
    common = ("--labels", given, *OPTIONS, "--equal-prob", "-o", tmp_path / "est")
    call("estimate", "pos ~ x", file, *common)
    assert "replaced" not in capsys.readouterr().err
    call("estimate", "pos ~ x", file, *common)
    assert f"replaced in {tmp_path / 'est'}: estimate.html, estimate.json, estimate.csv, " in (
        capsys.readouterr().err
    )
    call("estimate", "pos ~ group", file, *common)
    said = capsys.readouterr().err
    assert "held another estimate: 'pos ~ x' (lm, data POP.csv); replaced: estimate.html" in said
    assert "name another folder with -o to keep both" in said


def test_files_for_r_of_an_earlier_estimate_do_not_stay(tmp_path, capsys):
    file, frame = population(tmp_path)
    given = labels(tmp_path, frame)
    common = ("--labels", given, *OPTIONS, "--equal-prob", "-o", tmp_path / "est")
    call("estimate", "pos ~ x", file, *common)
    call("estimate", "pos ~ x", file, *common, "--model", "poisson")
    assert {path.name for path in (tmp_path / "est").iterdir()} == (
        FILES - {"for_R.csv", "for_R.R"}
    )
    assert "as R's dsl has no such model: for_R.csv, for_R.R" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["taken", "taken/est"])
def test_a_file_is_no_folder_for_results(tmp_path, capsys, place):
    file, frame = population(tmp_path)
    (tmp_path / "taken").write_text("mine")
    assert call("estimate", "pos ~ x", file, "--labels", labels(tmp_path, frame), *OPTIONS,
                "--equal-prob", "-o", tmp_path / place) == 2  # fmt: skip
    said = capsys.readouterr().err
    assert f"{str(tmp_path / 'taken')!r} is a file, not a folder; name another folder" in said
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_folder_without_any_label_says_how_to_code(tmp_path, capsys):
    population(tmp_path, ".parquet")
    coding = drawn(tmp_path, 100, by="probability_pos")
    assert call("estimate", "pos ~ x", tmp_path / "POP.parquet", "--labels", coding, *OPTIONS,
                "-o", tmp_path / "est") == 2  # fmt: skip
    said = capsys.readouterr().err
    assert f"nothing is coded yet in {str(coding)!r} for 'label'; code the texts in the" in said
    assert f"(duree studio), or fill in {coding / 'sheet.csv'}" in said


@pytest.mark.parametrize("coded", [0, 1])
def test_drawn_rows_that_trained_are_said_before_anything_is_coded(tmp_path, capsys, coded):
    file, frame = population(tmp_path, ".parquet")
    coding = drawn(tmp_path, 100, by="probability_pos")
    code(coding, ["pos"] * coded)
    some = frame.filter(pl.col("id").is_in(read_design(coding).order)).tail(7)
    Provenance("run", (), ("id",), np.sort(row_keys(some.select("id")))).write(file)
    assert call("estimate", "pos ~ x", file, "--labels", coding, *OPTIONS,
                "-o", tmp_path / "est") == 2  # fmt: skip
    said = capsys.readouterr().err
    assert "7 of 100 drawn rows trained the network that predicted them" in said
    assert "nothing is coded" not in said


def test_whether_labelled_rows_trained_is_the_first_note_if_it_is_unknown(tmp_path, capsys):
    file, frame = population(tmp_path, ".parquet")
    Provenance("run", (), (), None).write(file)  # of a run that was made by an earlier version
    coding = drawn(tmp_path, 24, by="probability_pos")
    truth = dict(zip(frame["id"], frame["true_pos"], strict=True))
    code(coding, ["pos" if truth[one] == 1 else "neg" for one in read_design(coding).order])
    call("estimate", "pos ~ x", file, "--labels", coding, *OPTIONS, "-o", tmp_path / "est")
    notes = record(tmp_path).notes
    assert [one.check for one in notes].index("unknown_training") == 0 < len(notes) - 1
    assert "is unknown: POP.parquet.duree.json does not say; make sure" in capsys.readouterr().err
