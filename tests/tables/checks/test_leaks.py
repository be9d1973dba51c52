"""Leaks: a single feature that reveals the target is found; honest data raises no alarm."""

import numpy as np
import polars as pl
import pytest

from duree.recipe.settings import DataSettings
from duree.tables.checks.leaks import auc, find_leaks
from duree.tables.finding import Finding

WORDS = np.array([f"w{number}" for number in range(400)])


def table(rows: int = 600, seed: int = 0) -> pl.DataFrame:
    """Texts whose first fifty words lean towards one class or the other, as real ones do."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["pos", "neg"], rows)
    leaning = rng.integers(25, size=(rows, 8)) * 2 + (labels == "pos")[:, None]
    other = rng.integers(50, 400, size=(rows, 40))
    lengths = rng.integers(12, 48, rows)
    mixed = rng.permuted(np.concatenate([leaning, other], axis=1), axis=1)
    texts = [" ".join(WORDS[row[:length]]) for row, length in zip(mixed, lengths, strict=True)]
    return pl.DataFrame({"text": texts, "label": labels})


def leaks(frame: pl.DataFrame, numeric: bool = False, **data: str) -> list[Finding]:
    settings = DataSettings(**({"text": "text", "target": "label"} | data))
    return find_leaks(frame, settings, numeric=numeric)


def marked(frame: pl.DataFrame, label: str, text: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(text=pl.when(pl.col("label") == label).then(text).otherwise("text"))


TEXT = pl.col("text")


@pytest.mark.parametrize("seed", range(8))
def test_honest_texts_raise_no_alarm(seed):
    assert leaks(table(300, seed)) == []


def test_random_labels_raise_no_alarm():
    rng = np.random.default_rng(0)
    for _ in range(10):
        frame = table(60).with_columns(
            label=pl.Series(rng.permutation(["pos"] * 25 + ["neg"] * 35)),
            number=pl.Series(rng.normal(size=60)),
            place=pl.Series(rng.choice(["north", "south"], 60)),
            id=pl.Series([f"row {row}" for row in rng.permutation(60)]),
        )
        assert leaks(frame) == []


def test_the_label_copied_into_the_text_is_found():
    frame = table().with_columns(text=TEXT + " rated: " + pl.col("label"))
    found = {finding.check: finding for finding in leaks(frame)}
    assert found["label_in_text"].values["label"] in ("pos", "neg")
    assert "contain its name (AUC 1.000)" in found["label_in_text"].message("en")


def test_a_label_inside_another_word_is_no_copy():
    frame = marked(table(), "pos", TEXT + " possible")
    assert [finding.check for finding in leaks(frame)] == ["leaking_word"]


def test_a_label_of_several_words_is_found():
    frame = table().with_columns(label=pl.col("label").replace({"pos": "very good", "neg": "bad"}))
    frame = marked(frame, "very good", "w7 It was VERY good, " + TEXT)
    assert "label_in_text" in {finding.check for finding in leaks(frame)}


def test_a_chinese_label_in_the_text_is_found():
    frame = table().with_columns(label=pl.col("label").replace({"pos": "好评", "neg": "差评"}))
    frame = frame.with_columns(text="总的来说给" + pl.col("label") + "吧。" + TEXT)
    names = {f.values["label"] for f in leaks(frame) if f.check == "label_in_text"}
    assert names == {"好评", "差评"}


def test_a_word_that_nearly_all_texts_of_a_class_hold_is_found():
    sure = pl.col("label").cum_count().over("label") % 40 != 0
    frame = marked(table(), "neg", pl.when(sure).then("w3 refund " + TEXT).otherwise("text"))
    (finding,) = leaks(frame)
    assert (finding.check, finding.values["feature"]) == ("leaking_word", "refund")
    assert finding.values["auc"] == pytest.approx(0.9875, abs=0.001)


def test_a_word_in_nine_tenths_of_a_class_is_not_enough():
    rng = np.random.default_rng(1)
    frame = table().with_columns(often=pl.Series(rng.random(600) < 0.9))
    frame = marked(frame, "neg", pl.when("often").then("w3 refund " + TEXT).otherwise("text"))
    assert leaks(frame.drop("often")) == []


def test_a_mark_at_the_beginning_is_found():
    found = leaks(marked(table(), "neg", ">> " + TEXT))
    assert {finding.check for finding in found} == {"leaking_beginning"}
    messages = {finding.message("en").partition(" (AUC")[0] for finding in found}
    assert "texts of the class 'neg' begin with '>', others do not" in messages


def test_texts_of_one_class_that_are_longer_are_found():
    found = leaks(marked(table(), "pos", pl.concat_str([TEXT] * 5, separator=" ")))
    assert {finding.check for finding in found} == {"leaking_length"}


def column_leak(values: np.ndarray, **data: str) -> list[str]:
    frame = table()
    found = leaks(frame.with_columns(extra=pl.Series(values)), **data)
    assert all(finding.check == "leaking_column" for finding in found)
    return [finding.values["column"] for finding in found]


def is_pos() -> np.ndarray:
    return (table()["label"] == "pos").to_numpy()


def test_an_id_that_names_the_class_is_found():
    ids = np.where(is_pos(), "train/pos/", "train/neg/").astype(object) + [
        str(n) for n in range(600)
    ]
    assert column_leak(ids, id="extra") == ["extra"]


def test_an_id_that_counts_class_after_class_is_found():
    places = np.argsort(np.argsort(~is_pos(), kind="stable"), kind="stable")
    assert column_leak(np.array([f"doc-{place}" for place in places], dtype=object)) == ["extra"]


def test_a_rating_that_stands_for_the_class_is_found():
    rng = np.random.default_rng(0)
    rating = np.where(is_pos(), rng.integers(7, 11, 600), rng.integers(1, 5, 600))
    assert column_leak(rating) == ["extra"]
    assert column_leak(rating.astype(str).astype(object)) == ["extra"]


def test_a_column_in_which_one_of_three_classes_is_lowest_is_found():
    rng = np.random.default_rng(0)
    labels = rng.choice(["low", "mid", "high"], 600)
    score = np.where(labels == "low", rng.random(600), 1 + rng.random(600))
    frame = table().with_columns(label=pl.Series(labels), score=pl.Series(score))
    (finding,) = leaks(frame)
    assert finding.values["label"] == "low"


def test_a_category_in_which_each_value_has_one_class_is_found():
    rng = np.random.default_rng(0)
    place = np.where(is_pos(), rng.choice(["b", "d", "f"], 600), rng.choice(["a", "c", "e"], 600))
    assert column_leak(place.astype(object)) == ["extra"]


def test_a_group_may_well_have_one_class():
    author = np.where(is_pos(), "Hamilton", "Madison").astype(object)
    assert column_leak(author, group="extra") == []


def test_a_column_with_holes_lists_and_dates_is_read_without_fault():
    frame = table().with_columns(
        holes=pl.Series([None, "x"] * 300),
        lists=pl.Series([[1, 2]] * 600),
        dates=pl.Series(["1999-12-31"] * 600).str.to_date(),
        nothing=pl.Series([None] * 600),
    )
    assert leaks(frame) == []


def test_each_of_several_labels_in_a_cell_is_probed():
    rng = np.random.default_rng(0)
    war, trade = rng.random((2, 600)) < 0.4
    labels = [";".join(np.array(["war", "trade"])[[w, t]]) for w, t in zip(war, trade, strict=True)]
    texts = np.where(war, "w1 cannon ", "w1 ").astype(object) + table()["text"].to_numpy()
    frame = pl.DataFrame({"text": texts, "label": labels}, schema_overrides={"text": pl.String})
    (finding,) = leaks(frame, label_separator=";")
    assert (finding.values["label"], finding.values["feature"]) == ("war", "cannon")


def test_a_class_of_few_rows_is_not_probed_by_chance():
    frame = table().with_columns(label=pl.Series(["odd"] * 19 + ["pos", "neg"] * 290 + ["neg"]))
    assert leaks(marked(frame, "odd", "w5 perhaps " + TEXT)) == []
    frame = table().with_columns(label=pl.Series(["odd"] * 20 + ["pos", "neg"] * 290))
    assert [f.values["label"] for f in leaks(marked(frame, "odd", "w5 perhaps " + TEXT))] == ["odd"]


def quantity(rows: int = 300) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return table(rows).with_columns(
        label=pl.Series(rng.normal(50, 10, rows).round(1)).cast(pl.String)
    )


def test_an_honest_quantity_raises_no_alarm():
    noise = pl.Series(np.random.default_rng(1).normal(size=300))
    assert leaks(quantity().with_columns(noise=noise), numeric=True) == []


def test_a_column_of_the_same_order_as_the_quantity_is_found():
    twin = -(pl.col("label").cast(pl.Float64) ** 3)
    (finding,) = leaks(quantity().with_columns(twin=twin), numeric=True)
    assert finding.values["column"] == "twin"
    assert finding.values["value"] == pytest.approx(-1)


def test_the_very_number_in_the_text_is_found():
    frame = quantity().with_columns(text=TEXT + " score " + pl.col("label") + " points")
    assert [finding.check for finding in leaks(frame, numeric=True)] == ["label_in_text"]


def test_without_a_target_nothing_can_leak():
    assert find_leaks(table(), DataSettings(text="text")) == []


def test_without_a_text_the_columns_are_still_probed():
    frame = table().with_columns(copy="label")
    found = find_leaks(frame, DataSettings(target="label", text=None))
    assert {finding.values["column"] for finding in found} == {"text", "copy"} - {"text"}


def test_auc_is_the_chance_to_rank_above():
    scores = np.array([1.0, 2.0, 2.0, 3.0])
    members = np.array([False, True, False, True])
    assert auc(scores, members) == (1 + 0.5 + 1 + 1) / 4
    assert auc(-scores, members) == 1 - auc(scores, members)
