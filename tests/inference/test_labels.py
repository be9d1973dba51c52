"""The labels of a sample, and the probability of each row to be selected and coded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.support.coding import code, drawn, population

from duree.errors import DataError
from duree.inference.codings import Coding, append_coding
from duree.inference.design import read_design
from duree.inference.labels import Labels, read_labels
from duree.inference.pick_uncertain import pick_uncertain
from duree.inference.sample import sample


def read(coding: Path, variable: str | None = None) -> Labels:
    file = coding.parent / "POP.parquet"
    return read_labels(coding, pl.read_parquet(file), file, variable)


def test_each_row_has_its_label_stratum_and_probability(tmp_path: Path) -> None:
    coding = drawn(tmp_path, by="probability_pos")
    design = read_design(coding)
    given = ["pos", "neg"] * 25
    code(coding, given)
    labels = read(coding)
    by_id = dict(zip(population()["id"], labels.values, strict=True))
    assert [by_id[id] for id in design.order] == given
    assert sum(value is not None for value in labels.values) == 50
    for h, one in enumerate(design.strata):
        assert (labels.stratum == h).sum() == one.rows
        assert labels.sample_prob[labels.stratum == h] == pytest.approx(one.drawn / one.rows)
    assert (labels.id, labels.cluster, labels.findings) == ("id", None, ())


def test_coding_may_stop_anywhere(tmp_path: Path) -> None:
    coding = drawn(tmp_path, by="probability_pos")
    code(coding, ["pos"] * 23)
    labels = read(coding)
    coded = np.array([value is not None for value in labels.values])
    assert coded.sum() == 23
    for h in range(5):
        within = labels.stratum == h
        assert labels.sample_prob[within] == pytest.approx((coded & within).sum() / 100)
    # The weights of the labelled rows add up to the population.
    assert (1 / labels.sample_prob[coded]).sum() == pytest.approx(500)


def test_labels_that_are_all_numbers_are_floats(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    (coding / "codebook.toml").write_text('[[variable]]\nname = "score"\nlevel = "interval"\n')
    for place, id in enumerate(read_design(coding).order):
        append_coding(coding, Coding(id, "Anna", "score", f"{place}.5", "2026-01-01"))
    found = [value for value in read(coding).values if value is not None]
    assert sorted(found) == [place + 0.5 for place in range(50)]


def test_a_stratum_without_labels_is_refused(tmp_path: Path) -> None:
    coding = drawn(tmp_path, by="probability_pos")
    code(coding, ["pos"] * 3)
    with pytest.raises(DataError, match=r"nothing is coded yet in stratum \d of 5"):
        read(coding)


@pytest.mark.parametrize(("skipped", "refused"), [(2, False), (3, True)])
@pytest.mark.parametrize("skip", ["", None])
def test_at_most_a_twentieth_may_be_skipped(
    tmp_path: Path, skipped: int, refused: bool, skip: str | None
) -> None:
    coding = drawn(tmp_path)
    code(coding, [*[skip] * skipped, *["pos"] * (50 - skipped)])
    if refused:
        with pytest.raises(DataError, match="3 of 50 drawn rows were skipped, more than 5%"):
            read(coding)
    else:
        assert read(coding).sample_prob == pytest.approx(48 / 500)


def test_clusters_count_when_they_are_finished(tmp_path: Path) -> None:
    coding = drawn(tmp_path, cluster="author")
    code(coding, ["pos"] * 13)  # two authors, and three reviews of the third
    labels = read(coding)
    assert sum(value is not None for value in labels.values) == 10
    assert labels.sample_prob == pytest.approx(2 / 100)
    assert labels.cluster == "author"
    assert "their clusters are unfinished: 3" in labels.findings[0].message("en")


def test_a_row_skipped_within_a_cluster_raises_the_weight_of_the_others(tmp_path: Path) -> None:
    coding = drawn(tmp_path, cluster="author")
    code(coding, ["", *["pos"] * 49])
    labels = read(coding)
    coded = np.array([value is not None for value in labels.values])
    assert (1 / labels.sample_prob[coded]).sum() == pytest.approx(500)
    assert sorted(set(labels.sample_prob[coded])) == pytest.approx([0.1 * 4 / 5, 0.1])


def test_active_rows_are_not_labelled(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    pick_uncertain(tmp_path / "POP.parquet", 20, coding, id="id", by="probability_pos")
    code(coding, ["pos"] * 50)
    sheet = pl.read_csv(coding / "active.csv", infer_schema=False)
    sheet.with_columns(label=pl.lit("neg")).write_csv(coding / "active.csv")
    labels = read(coding)
    coded = {id for id, value in zip(population()["id"], labels.values, strict=True) if value}
    assert coded == set(read_design(coding).order)
    assert coded.isdisjoint(sheet["id"])


def test_active_rows_alone_give_no_labels(tmp_path: Path) -> None:
    population().write_parquet(tmp_path / "POP.parquet")
    pick_uncertain(tmp_path / "POP.parquet", 20, tmp_path / "coding", id="id", by="probability_pos")
    with pytest.raises(DataError, match="holds only active batches"):
        read(tmp_path / "coding")


def test_the_label_of_the_majority_counts_and_that_of_the_adjudicator_before(
    tmp_path: Path,
) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 50)
    code(coding, ["pos", "neg", "neg", "neg"], "Ben")
    code(coding, ["neg", "neg"], "Zoe")
    first = read_design(coding).order
    append_coding(coding, Coding(first[3], "adjudicated", "label", "neg", "2026-01-02"))
    labels = read(coding)
    by_id = dict(zip(population()["id"], labels.values, strict=True))
    # Two of three; two of three; a tie: of the coder who coded most; adjudicated.
    assert [by_id[id] for id in first[:4]] == ["pos", "neg", "pos", "neg"]
    (finding,) = labels.findings
    said = finding.message("en")
    assert f"without a majority: 1 ('{first[2]}'); the label of Anna was taken, who" in said


def test_among_coders_who_coded_equally_many_texts_the_first_in_the_alphabet_decides(
    tmp_path: Path,
) -> None:
    coding = drawn(tmp_path)
    code(coding, ["neg"] * 50, "Zoe")
    code(coding, ["pos"] * 50)
    labels = read(coding)
    assert set(labels.values) == {"pos", None}
    (finding,) = labels.findings
    assert "without a majority: 50 " in finding.message("en")
    assert "Anna was taken, the first in the alphabet of those who" in finding.message("en")
    assert "编码的文本数相同，已按姓名排序采用第一位 Anna 的标签" in finding.message("zh")


def test_a_label_that_fewer_gave_never_decides_a_tie_of_others(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    (coding / "codebook.toml").write_text(
        '[[variable]]\nname = "label"\n'
        + "".join(f'[[variable.label]]\nlabel = "{name}"\n' for name in ("pos", "neg", "odd"))
    )
    code(coding, ["odd", *["pos"] * 49])
    for coder, label in (("Ben", "pos"), ("Eva", "pos"), ("Ida", "neg"), ("Zoe", "neg")):
        code(coding, [label], coder)
    by_id = dict(zip(population()["id"], read(coding).values, strict=True))
    assert by_id[read_design(coding).order[0]] == "pos"


def test_another_population_is_refused(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 50)
    changed = population().with_columns(pl.col("probability_pos") * 0.99)
    changed.write_parquet(tmp_path / "POP.parquet")
    with pytest.raises(DataError, match=r"is not the table.*differs from that of 'POP\.parquet'"):
        read(coding)


def test_a_part_of_the_population_is_refused(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 50)
    part = population().filter(
        pl.col("id").is_in(read_design(coding).order) | (pl.col("probability_pos") > 0.5)
    )
    with pytest.raises(DataError, match=f"has {len(part)} rows, but POP.parquet had 500"):
        read_labels(coding, part, tmp_path / "POP.parquet")


def test_the_only_variable_may_go_by_the_name_of_a_label(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 50)
    labels = read(coding, "pos")
    assert sum(value == "pos" for value in labels.values) == 50
    (note,) = labels.findings
    assert note.message("en") == "'pos' was taken from 'label', the only variable of the codebook"
    with pytest.raises(DataError, match=r"nobody coded 'tone': .* 'label' with the labels 'neg'"):
        read(coding, "tone")
    book = coding / "codebook.toml"
    book.write_text(book.read_text() + '\n[[variable]]\nname = "irony"\n')
    with pytest.raises(DataError, match="no variable 'tone'; its variables are 'label', 'irony'"):
        read(coding, "tone")
    with pytest.raises(DataError, match="several variables"):
        read(coding)


def test_a_table_of_any_format_may_be_the_population(tmp_path: Path) -> None:
    frame = population().with_columns(id=pl.int_range(1, 501) / 1)
    frame.write_csv(tmp_path / "POP.csv", separator=";")
    sample(tmp_path / "POP.csv", 30, tmp_path / "coding", id="id", by="probability_pos")
    code(tmp_path / "coding", ["neg"] * 30)
    frame = pl.read_csv(tmp_path / "POP.csv", separator=";", infer_schema=False)
    labels = read_labels(tmp_path / "coding", frame, tmp_path / "POP.csv")
    assert sum(value == "neg" for value in labels.values) == 30
