"""Samples for expert coding: how they are drawn, extended and refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.coding import code, drawn, population
from tests.support.commands import call

from duree.errors import DataError
from duree.inference.design import read_design
from duree.inference.pick_uncertain import pick_uncertain
from duree.inference.provenance import Provenance, row_keys
from duree.inference.random_numbers import is_coded_twice, permanent_random_numbers
from duree.inference.sample import sample
from duree.inference.strata import allocate, edges_of, mixed_order, strata_of


def test_the_permanent_random_number_of_an_id_is_its_hash() -> None:
    digest = hashlib.sha256("3\nréf. 七".encode()).digest()
    (number,) = permanent_random_numbers(3, ["réf. 七"])
    assert int(number) == int.from_bytes(digest[:8], "big")


def test_permanent_random_numbers_are_uniform() -> None:
    numbers = permanent_random_numbers(0, map(str, range(20_000))) / 2.0**64
    counts = np.histogram(numbers, 20, (0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # chi-squared, 19 degrees, p = 0.001


def test_a_fifth_of_the_rows_is_coded_twice() -> None:
    assert np.mean([is_coded_twice(0, str(row)) for row in range(10_000)]) == pytest.approx(
        0.2, abs=0.015
    )


def test_the_rows_with_the_smallest_numbers_of_each_stratum_are_drawn(tmp_path: Path) -> None:
    frame, design = population(), read_design(drawn(tmp_path, by="probability_pos", seed=4))
    numbers = permanent_random_numbers(4, frame["id"])
    stratum = strata_of(frame["probability_pos"].to_numpy(), design.edges, len(frame))
    for h, one in enumerate(design.strata):
        ids = frame["id"].to_numpy()[stratum == h]
        assert one.rows == len(ids) == 100
        smallest = ids[np.argsort(numbers[stratum == h])[: one.drawn]]
        assert [id for id in design.order if id in set(ids)] == smallest.tolist()


def test_a_larger_sample_contains_the_smaller_one_and_continues_its_order(tmp_path: Path) -> None:
    coding = drawn(tmp_path, by="probability_pos")
    small = read_design(coding)
    code(coding, ["pos"] * 10)
    large = read_design(drawn(tmp_path, 120, by="probability_pos"))
    assert large.order[:50] == small.order
    assert len(large.order) == len(set(large.order)) == 120
    (tmp_path / "at_once").mkdir()
    at_once = read_design(drawn(tmp_path / "at_once", 120, by="probability_pos"))
    assert large.strata == at_once.strata
    assert set(large.order) == set(at_once.order)
    assert len((coding / "codings-Anna.jsonl").read_text().splitlines()) == 10


def test_text_and_seed_may_be_left_out_when_a_sample_is_extended(tmp_path: Path) -> None:
    small = read_design(drawn(tmp_path, text="author", seed=4))
    large = read_design(drawn(tmp_path, 60))
    assert (large.text, large.seed) == ("author", 4)
    assert large.order[:50] == small.order


def test_uncertain_strata_give_more_rows() -> None:
    # N_h (1/3 + 2/3 S_h / S), S = 0.3: shares 1/9, 3/9 and 5/9.
    counts = allocate(90, np.array([100, 100, 100]), np.array([0.0, 0.3, 0.6]))
    assert counts.tolist() == [10, 30, 50]


def test_each_stratum_gives_two_rows_at_least_and_no_more_than_it_has() -> None:
    counts = allocate(40, np.array([3, 1000, 1000]), np.array([9.0, 0.0, 0.1]))
    assert counts[0] == 3
    assert counts.sum() == 40
    assert allocate(6, np.array([1000, 10, 10]), np.ones(3)).tolist() == [2, 2, 2]


def test_no_stratum_loses_rows_when_the_sample_grows() -> None:
    sizes, spread = np.array([61, 240, 133, 66]), np.array([0.1, 0.45, 0.3, 0.0])
    counts = [allocate(n, sizes, spread) for n in range(8, 501)]
    assert all((np.diff(counts, axis=0) >= 0).all(axis=1))
    assert counts[-1].tolist() == sizes.tolist()


def test_the_order_of_coding_mixes_the_strata() -> None:
    order = mixed_order(np.array([10, 30, 60]))
    for end in (10, 20, 50, 70):
        begin = np.bincount(order[:end], minlength=3)
        assert np.abs(begin - end * np.array([0.1, 0.3, 0.6])).max() <= 1


def test_equal_values_are_in_one_stratum() -> None:
    by = np.array([0.0] * 50 + [1.0] * 30 + [2.0, 3.0] * 10)
    edges = edges_of(by)
    assert edges == [0.0, 1.0]
    assert np.bincount(strata_of(by, edges, 100)).tolist() == [50, 30, 20]


def test_whole_clusters_are_drawn(tmp_path: Path) -> None:
    frame, design = population(), read_design(drawn(tmp_path, cluster="author"))
    authors = dict(zip(frame["id"], frame["author"], strict=True))
    chosen = {authors[id] for id in design.order}
    assert set(design.order) == set(frame.filter(pl.col("author").is_in(chosen))["id"])
    assert (design.strata[0].clusters, design.strata[0].clusters_drawn) == (100, 10)
    in_order = [authors[id] for id in design.order]
    assert sum(a != b for a, b in pairwise(in_order)) == 9


def test_each_row_is_drawn_equally_often(tmp_path: Path) -> None:
    frame = population(100)
    frame.write_csv(tmp_path / "POP.csv")
    times = dict.fromkeys(frame["id"], 0)
    for seed in range(15):
        sample(tmp_path / "POP.csv", 20, tmp_path / str(seed), id="id", seed=seed)
        for id in read_design(tmp_path / str(seed)).order:
            times[id] += 1
    counts = np.array(list(times.values()))
    assert counts.sum() == 300
    assert ((counts - 3) ** 2 / 2.4).sum() < 148.2  # chi-squared, 99 degrees, p = 0.001


def test_the_sheet_shows_no_predictions(tmp_path: Path) -> None:
    coding = drawn(tmp_path, by="probability_pos")
    sheet = pl.read_csv(coding / "sheet.csv")
    assert sheet.columns == ["order", "id", "text", "label"]
    assert sheet["id"].to_list() == read_design(coding).order
    assert sheet["text"][0].startswith("This is what I wrote of film")
    assert sheet["label"].null_count() == 50
    assert 'label = "neg"' in (coding / "codebook.toml").read_text()


def test_extending_keeps_what_was_filled_in(tmp_path: Path) -> None:
    coding = drawn(tmp_path, 20)
    sheet = pl.read_csv(coding / "sheet.csv", infer_schema=False)
    filled = sheet.with_columns(label=pl.lit("pos"), note=pl.lit("mine"))
    filled.write_csv(coding / "sheet.csv", separator=";", include_bom=True)
    (coding / "codebook.toml").write_text('[[variable]]\nname = "tone"\n')
    drawn(tmp_path, 30)
    after = pl.read_csv(coding / "sheet.csv", infer_schema=False)
    assert after["label"].to_list() == ["pos"] * 20 + [None] * 10
    assert after["note"].to_list() == ["mine"] * 20 + [None] * 10
    assert after["id"].to_list() == read_design(coding).order
    assert (coding / "codebook.toml").read_text() == '[[variable]]\nname = "tone"\n'


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"n": 50}, "has 50 rows already"),
        ({"n": 40}, "has 50 rows already"),
        ({"n": 60, "seed": 1}, "--seed 0, not 1"),
        ({"n": 60, "by": "probability_pos"}, "--by -, not probability_pos"),
        ({"n": 60, "cluster": "author"}, "--cluster -, not author"),
        ({"n": 60, "text": "author"}, "--text review, not author"),
    ],
)
def test_anything_but_a_larger_sample_is_refused(tmp_path: Path, options: dict, named: str) -> None:
    coding = drawn(tmp_path)
    before = {path: path.read_bytes() for path in coding.iterdir()}
    with pytest.raises(DataError, match=named):
        drawn(tmp_path, **options)
    assert {path: path.read_bytes() for path in coding.iterdir()} == before


def test_a_changed_population_is_refused(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    population().reverse().write_parquet(tmp_path / "POP.parquet")
    with pytest.raises(DataError, match="is not the table from which the sample"):
        sample(tmp_path / "POP.parquet", 60, coding, id="id")


@pytest.mark.parametrize(
    ("column", "values", "options", "named"),
    [
        ("id", ["r0003", "r0003"], {}, "the id 'r0003' occurs in several rows.*rows 1, 2, 4"),
        ("id", [None, " "], {}, r"without a value in 'id': 2 \(rows 1, 2\)"),
        ("author", [None], {"cluster": "author"}, "without a value in 'author': 1"),
        ("author", [], {"by": "author"}, "not finite numbers: 500"),
        ("author", [], {"n": 501}, "501 rows are to be drawn, but the population has 500"),
        ("author", [], {"n": 9, "by": "probability_pos"}, "9 rows are too few for 5 strata"),
        ("author", [], {"n": 20, "by": "probability_pos", "cluster": "author"}, "at least -n 50"),
        ("author", [], {"by": "probability"}, "did you mean"),
    ],
)
def test_an_unsuitable_population_is_refused(
    tmp_path: Path, column: str, values: list, options: dict, named: str
) -> None:
    frame = population()
    cells = [*values, *frame[column].to_list()[len(values) :]]
    with pytest.raises(DataError, match=named):
        drawn(tmp_path, frame=frame.with_columns(pl.Series(column, cells)), **options)
    assert not (tmp_path / "coding").exists()


def test_rows_without_text_are_named(tmp_path: Path) -> None:
    frame = population().with_columns(
        review=pl.when(pl.col("id") == "r0002").then(pl.lit(" ")).otherwise("review")
    )
    frame.write_csv(tmp_path / "POP.csv")
    found = sample(tmp_path / "POP.csv", 10, tmp_path / "coding", id="id", text="review")
    assert "rows without text in 'review': 1 (row 3)" in found[0].message("en")


def test_rows_that_trained_the_network_are_named_before_anybody_codes(tmp_path: Path) -> None:
    frame = population()
    keys = row_keys(frame.head(100).select("review"))
    frame.write_parquet(tmp_path / "POP.parquet")
    made = Provenance("runs/tone", ("a1b2",), ("review",), keys)
    made.write(tmp_path / "POP.parquet")
    found = sample(tmp_path / "POP.parquet", 50, tmp_path / "coding", id="id")
    design = read_design(tmp_path / "coding")
    trained = sum(id < "r0100" for id in design.order)
    assert trained > 0
    (warning,) = [one for one in found if one.check == "trained_rows"]
    assert f"{trained} of 50 drawn rows trained the network" in warning.message("en")
    assert (design.training_sha256, design.out_of_fold) == (["a1b2"], False)
    replace(made, out_of_fold=True, folds=5).write(tmp_path / "POP.parquet")
    found = sample(tmp_path / "POP.parquet", 60, tmp_path / "coding", id="id")
    assert [one.level for one in found] == ["ok", "note"]


def test_several_columns_of_texts_are_not_guessed_between(tmp_path: Path) -> None:
    frame = population().insert_column(1, population()["review"].alias("summary"))
    with pytest.raises(DataError, match=r"'summary', 'review'; say which one.*--text summary"):
        drawn(tmp_path, frame=frame)


def test_codings_without_a_design_are_not_touched(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"])
    (coding / "design.json").unlink()
    with pytest.raises(DataError, match="holds codings without a design"):
        drawn(tmp_path, 60)


def test_an_altered_design_is_refused(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    content = json.loads((coding / "design.json").read_text())
    content["order"] = content["order"][:-1]
    (coding / "design.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="was altered: see its 'order'"):
        read_design(coding)


def test_the_most_uncertain_rows_are_picked_for_training(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    frame, design = population(), read_design(coding)
    pick_uncertain(tmp_path / "POP.parquet", 10, coding, id="id", by="probability_pos")
    pick_uncertain(tmp_path / "POP.parquet", 5, coding, id="id", by="probability_pos")
    others = frame.filter(~pl.col("id").is_in(design.order))
    nearest = others.sort((pl.col("probability_pos") - 0.5).abs())["id"][:15]
    sheet = pl.read_csv(coding / "active.csv")
    assert sheet["id"].to_list() == nearest.to_list()
    assert set(sheet["batch"]) == {"active"}  # wherever the file goes, it is no random sample
    assert json.loads((coding / "active.json").read_text())["order"] == nearest.to_list()
    assert read_design(coding) == design


def test_what_is_no_probability_picks_no_rows(tmp_path: Path) -> None:
    population().with_columns(score=pl.col("probability_pos") * 5).write_csv(tmp_path / "POP.csv")
    with pytest.raises(DataError, match="'score' holds no probabilities"):
        pick_uncertain(tmp_path / "POP.csv", 10, tmp_path / "coding", id="id", by="score")


def test_the_command_draws_and_extends(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    population().write_csv("POP.csv")
    words = ("sample", "POP.csv", "--id", "id", "--by", "probability_pos", "-o", "coding")
    assert call(*words, "-n", 50) == 0
    first = capfd.readouterr()
    assert first.out.startswith("coding has a random sample of 50 rows (drawn/all by stratum: ")
    assert "write definitions of the labels in coding" in first.err
    assert call(*words, "-n", 80) == 0
    assert capfd.readouterr().out.startswith("coding has 30 more rows, now a random sample of 80")
    assert call(*words, "-n", 80) == 2
    assert call(*words, "-n", 5, "--active") == 0
    assert call(*words, "-n", 5, "--active", "--seed", 1) == 2
    assert "draws none at random" in capfd.readouterr().err


@pytest.mark.parametrize(("language", "word"), [("en", "Which label fits"), ("zh", "归入哪一类")])
def test_the_codebook_is_in_the_users_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, word: str
) -> None:
    monkeypatch.setenv("DUREE_LANG", language)
    assert word in (drawn(tmp_path) / "codebook.toml").read_text(encoding="utf-8")


def test_columns_that_have_other_names_in_the_sheet_are_said(tmp_path: Path) -> None:
    file = tmp_path / "POP.parquet"
    population().rename({"id": "letter_id"}).write_parquet(file)
    found = sample(file, 50, tmp_path / "coding", id="letter_id", text="review")
    said = next(one for one in found if one.check == "renamed_columns").message("en")
    sheet = tmp_path / "coding/sheet.csv"
    assert pl.read_csv(sheet).columns[:3] == ["order", "id", "text"]
    assert f"in {sheet}: 'letter_id' → 'id', 'review' → 'text'; keep these names" in said
    picked = pick_uncertain(file, 9, tmp_path / "coding", id="letter_id", by="probability_pos")
    assert "active.csv: 'letter_id' → 'id', 'review' → 'text'" in picked[0].message("en")
    population().rename({"review": "text"}).write_parquet(tmp_path / "same.parquet")
    same = sample(tmp_path / "same.parquet", 50, tmp_path / "same", id="id", text="text")
    assert "renamed_columns" not in [one.check for one in same]
