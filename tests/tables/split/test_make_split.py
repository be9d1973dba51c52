"""Splits: three sets that hold every row once; no group, duplicate or later time leaks."""

import json
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duree.errors import DataError, RunError
from duree.recipe.settings import DataSettings
from duree.tables.split.make_split import Split, group_codes, make_split
from duree.tables.split.split import PARTS


def table(rows: int, classes: int = 2, groups: int = 20, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    days = rng.integers(3650, size=rows)
    return pl.DataFrame(
        {
            "label": [f"c{number % classes}" for number in range(rows)],
            "author": [f"author {number}" for number in rng.integers(groups, size=rows)],
            "date": [(date(1990, 1, 1) + timedelta(int(day))).isoformat() for day in days],
        }
    )


def split(frame: pl.DataFrame, clusters=None, test_rows=None, seed=0, target="label", **data):
    clusters = np.arange(len(frame)) if clusters is None else np.asarray(clusters)
    return make_split(
        frame, DataSettings(**data), target, clusters=clusters, test_rows=test_rows, seed=seed
    )


def parts(drawn: Split) -> list[np.ndarray]:
    return [drawn.train, drawn.validation, drawn.test]


def holds_every_row_once(drawn: Split, rows: int) -> bool:
    joined = np.concatenate([getattr(drawn, name) for name in PARTS])
    return sorted(joined.tolist()) == list(range(rows))


def straddles(values: np.ndarray, drawn: Split) -> set:
    """The values that more than one part holds."""
    seen = [set(values[rows].tolist()) for rows in parts(drawn)]
    return (seen[0] & seen[1]) | (seen[0] & seen[2]) | (seen[1] & seen[2])


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "group": st.just("author"),
        "time": st.just("date"),
        "test_share": st.floats(0.05, 0.6),
        "validation_share": st.floats(0.05, 0.6),
    },
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_for_any_settings_every_row_is_in_one_set_and_nothing_leaks(data):
    rows = data.draw(st.integers(1, 80))
    asked = data.draw(SETTINGS)
    frame = table(rows, data.draw(st.integers(1, 3)), data.draw(st.integers(1, 30)), rows)
    clusters = np.array(data.draw(st.lists(st.integers(0, 60), min_size=rows, max_size=rows)))
    given_test = data.draw(st.booleans())
    test_rows = np.arange(rows) >= rows * 2 // 3 if given_test else None
    target = data.draw(st.sampled_from(["label", None]))
    try:
        drawn = split(frame, clusters, test_rows, 1, target, **asked)
    except DataError:
        return
    assert holds_every_row_once(drawn, rows)
    assert len(drawn.left_out) == sum(drawn.reasons.values())
    authors = frame["author"].to_numpy()
    dates = frame["date"].to_numpy()
    if given_test:
        assert drawn.test.tolist() == np.flatnonzero(test_rows).tolist()
        inner = [drawn.train, drawn.validation]
        seen = np.concatenate(inner)
        leaks = np.isin(clusters, clusters[seen])
        if "group" in asked:
            leaks |= np.isin(authors, authors[seen])
        assert drawn.shared.tolist() == [row for row in drawn.test if leaks[row]]
        assert not set(clusters[drawn.train]) & set(clusters[drawn.validation])
    else:
        inner = parts(drawn)
        assert len(drawn.shared) == 0
        assert not straddles(clusters, drawn)
        if "group" in asked:
            assert not straddles(authors, drawn)
    if "time" in asked:
        ends = [(dates[rows].min(), dates[rows].max()) for rows in inner]
        assert all(before[1] < after[0] for before, after in pairwise(ends))
    if target is not None:
        labels = frame["label"].to_numpy()
        known = set(labels[np.concatenate(inner)])
        for rows_of_part in inner:
            assert all((labels[rows_of_part] == label).sum() >= 2 for label in known)


def test_random_sets_have_their_shares_of_each_class():
    frame = pl.DataFrame({"label": ["pos"] * 1000 + ["neg"] * 250})
    drawn = split(frame)
    assert drawn.counts == {"train": 900, "validation": 100, "test": 250, "left_out": 0}
    assert [(frame["label"].gather(rows) == "neg").sum() for rows in parts(drawn)] == [180, 20, 50]


def test_the_seed_decides_and_nothing_else():
    frame = table(300)
    one, same, other = (split(frame, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.test, same.test)
    assert not np.array_equal(one.test, other.test)
    assert one.seed == 1


def test_no_author_is_in_two_sets_though_their_sizes_differ():
    rng = np.random.default_rng(0)
    authors = np.repeat(np.arange(60), rng.geometric(0.05, 60))
    frame = pl.DataFrame(
        {"label": rng.choice(["a", "b"], len(authors)), "author": authors.astype(str)}
    )
    drawn = split(frame, group="author")
    assert not straddles(authors, drawn)
    assert len(drawn.left_out) == 0
    shares = [len(rows) / len(frame) for rows in parts(drawn)]
    assert shares == pytest.approx([0.72, 0.08, 0.2], abs=0.02)


def test_an_author_written_with_a_space_more_is_the_same_author():
    assert group_codes(pl.Series(["Hume", " Hume ", "Locke"])).tolist() == [1, 1, 2]


def test_rows_without_an_author_are_groups_of_their_own():
    codes = group_codes(pl.Series([None, "Hume", None, " ", "Hume", ""]))
    assert len(set(codes)) == 5
    assert codes[1] == codes[4]


def test_numbered_authors_are_groups_too():
    assert group_codes(pl.Series([7, 7, None, 8])).tolist() == [1, 1, 7, 2]


def test_copies_stay_in_one_set():
    clusters = np.repeat(np.arange(100), 3)
    drawn = split(table(300), clusters)
    assert not straddles(clusters, drawn)
    assert len(drawn.left_out) == 0


def test_an_answer_that_half_of_all_people_gave_does_not_tie_the_people_together():
    people = np.repeat(np.arange(50), 6)
    clusters = np.arange(300)
    clusters[::6] = 0  # everyone wrote "no comment" once
    frame = table(300).with_columns(author=pl.Series(people).cast(pl.String))
    drawn = split(frame, clusters, group="author")
    assert not straddles(people, drawn)
    assert not straddles(clusters, drawn)
    copies = np.flatnonzero(clusters == 0)
    assert set(drawn.left_out) == set(copies) - set(drawn.train)
    assert drawn.reasons == {"duplicate": len(drawn.left_out)}
    assert "14 rows were left out: they are near-duplicates" in drawn.findings()[0].message("en")
    assert len(drawn.left_out) == 14


def test_authors_who_share_a_copy_go_to_one_set_without_loss():
    authors = np.repeat(np.arange(30), 10)
    clusters = np.arange(300)
    clusters[[5, 15, 255]] = 5
    frame = table(300).with_columns(author=pl.Series(authors))
    for seed in range(5):
        drawn = split(frame, clusters, seed=seed, group="author")
        assert len(drawn.left_out) == 0
        assert sum(bool({0, 1, 25} <= set(authors[rows])) for rows in parts(drawn)) == 1


def test_training_comes_before_validation_before_test():
    frame = table(1000)
    drawn = split(frame, time="date")
    dates = [frame["date"].gather(rows) for rows in parts(drawn)]
    assert dates[0].max() < dates[1].min()
    assert dates[1].max() < dates[2].min()
    assert [len(rows) / 1000 for rows in parts(drawn)] == pytest.approx([0.72, 0.08, 0.2], abs=0.01)
    assert drawn.values["train_end"] == dates[0].max()
    assert f"training up to {dates[0].max()}, validation up to {dates[1].max()}" in drawn.method


def test_rows_of_one_moment_are_not_cut_apart():
    years = np.repeat([1900, 1910, 1920, 1930], [500, 300, 100, 100])
    frame = table(1000).with_columns(year=pl.Series(years))
    drawn = split(frame, time="year")
    assert drawn.counts == {"train": 500, "validation": 300, "test": 200, "left_out": 0}


def test_copies_of_an_earlier_row_are_left_out_of_a_later_set_and_reported():
    frame = table(100).with_columns(year=pl.Series(np.arange(100)))
    clusters = np.arange(100)
    clusters[[10, 95, 96]] = 10
    drawn = split(frame, clusters, time="year")
    assert drawn.left_out.tolist() == [95, 96]
    assert drawn.reasons == {"duplicate": 2}


def test_people_followed_over_time_are_split_by_person_and_time():
    people, months = np.divmod(np.arange(40 * 30), 30)
    frame = table(1200).with_columns(person=pl.Series(people), month=pl.Series(months))
    drawn = split(frame, time="month", group="person", target=None)
    assert not straddles(people, drawn)
    assert months[drawn.train].max() < months[drawn.validation].min()
    assert months[drawn.validation].max() < months[drawn.test].min()
    assert [len(set(people[rows])) for rows in parts(drawn)] == [29, 3, 8]
    # Each of the 29 keeps the months of training, and so on; what is left out is counted.
    assert drawn.counts == {"train": 29 * 22, "validation": 3 * 2, "test": 8 * 6, "left_out": 508}
    assert drawn.reasons == {"group": 508}
    assert "508 rows were left out: other rows of the same 'person'" in drawn.findings()[0].message(
        "en"
    )


def test_few_people_over_time_still_give_each_part_one():
    people, months = np.divmod(np.arange(3 * 40), 40)
    frame = pl.DataFrame({"person": people, "month": months})
    drawn = split(frame, time="month", group="person", target=None)
    assert [len(set(people[rows])) for rows in parts(drawn)] == [1, 1, 1]


def test_rows_without_a_time_stop_the_split_unless_they_may_be_dropped():
    frame = table(100).with_columns(
        date=pl.when(pl.int_range(100) == 7).then(None).otherwise("date")
    )
    with pytest.raises(DataError, match=r"1 rows have no 'date'; first at row 8; fill them in"):
        split(frame, time="date")
    drawn = split(frame, time="date", drop_bad=True)
    assert drawn.left_out.tolist() == [7]
    assert drawn.reasons == {"time": 1}


def test_a_given_test_file_is_the_test_set_and_the_rows_it_shares_are_reported():
    frame = table(200, groups=30)
    test_rows = np.arange(200) >= 160
    clusters = np.arange(200)
    clusters[170] = 3
    drawn = split(frame, clusters, test_rows)
    assert drawn.test.tolist() == list(range(160, 200))
    assert drawn.counts == {"train": 144, "validation": 16, "test": 40, "left_out": 0}
    assert drawn.shared.tolist() == [170]
    assert drawn.findings()[0].message("en").startswith("1 of the 40 test rows have a near-dupl")


def test_groups_of_a_given_test_file_that_training_knows_are_shared():
    frame = pl.DataFrame(
        {"label": ["a", "b"] * 10, "author": ["x"] * 6 + ["y"] * 6 + ["z"] * 4 + ["x", "q"] * 2}
    )
    drawn = split(frame, test_rows=np.arange(20) >= 16, group="author", validation_share=0.3)
    assert drawn.shared.tolist() == [16, 18]
    assert not set(frame["author"].gather(drawn.train)) & set(
        frame["author"].gather(drawn.validation)
    )


def test_a_given_validation_file_is_the_validation_and_nothing_is_drawn():
    frame = pl.DataFrame({"y": ["a", "b"] * 10, "author": list("abcdefghij") * 2})
    given = {"test_rows": np.arange(20) >= 16, "validation_rows": np.isin(np.arange(20), range(8))}
    files = DataSettings(group="author", test_file="test.csv", validation_file="validation.csv")
    for seed in range(3):
        split = make_split(frame, files, "y", clusters=None, **given, seed=seed)
        assert split.validation.tolist() == list(range(8))
        assert split.train.tolist() == list(range(8, 16))
        assert split.test.tolist() == list(range(16, 20))
    assert "the validation rows are those of the validation file" in split.describe("en")
    assert "drawn" not in split.describe("en")
    # Authors of the test rows are also among the others, which is reported.
    assert split.shared.tolist() == [16, 17, 18, 19]


def test_a_validation_file_without_a_class_is_refused():
    frame = pl.DataFrame({"y": ["a", "b"] * 8 + ["a"] * 4})
    rows = np.arange(20)
    with pytest.raises(DataError, match=r"validation set has fewer than 2 rows of 'b'"):
        make_split(
            frame,
            DataSettings(),
            "y",
            clusters=None,
            test_rows=rows < 4,
            validation_rows=rows >= 16,
            seed=0,
        )


def test_a_class_that_only_the_test_file_holds_is_refused():
    frame = pl.DataFrame({"label": ["a", "b"] * 10 + ["c"]})
    with pytest.raises(DataError, match=r"the test file has 'c', which no other row has"):
        split(frame, test_rows=np.arange(21) >= 15)


def test_a_class_that_the_test_file_lacks_is_no_reason_to_stop():
    frame = pl.DataFrame({"label": ["a", "b"] * 10 + ["a"] * 3})
    assert split(frame, test_rows=np.arange(23) >= 20).counts["test"] == 3


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"] * 50, "the target 'label' has only one class, 'a'; choose a column with at least"),
        (
            ["a"] * 50 + ["b"] * 20 + ["c"] * 5 + ["d"],
            (
                "too few rows of 'c', 'd' to have 2 in each set; target 'label'; leave these rows "
                "out, or merge the class with another: each needs at least 6 rows"
            ),
        ),
        (["a", "b"], "2 rows are too few to split; at least 6 are needed"),
        ([], "0 rows are too few to split; at least 6 are needed"),
    ],
)
def test_classes_that_cannot_be_split_are_named_before_training(labels, message):
    with pytest.raises(DataError) as caught:
        split(pl.DataFrame({"label": pl.Series(labels, dtype=pl.String)}))
    assert message in str(caught.value)


def test_a_class_that_ends_before_the_test_begins_is_named():
    frame = pl.DataFrame({"label": ["whig"] * 50 + ["tory"] * 50, "year": np.arange(100)})
    with pytest.raises(
        DataError, match=r"the training set has fewer than 2 rows of|'whig'"
    ) as caught:
        split(
            frame.with_columns(label=pl.Series(["whig", "tory"] * 35 + ["tory"] * 30)), time="year"
        )
    assert "the validation set has fewer than 2 rows of 'whig'" in str(caught.value)


def test_two_authors_cannot_fill_three_parts():
    frame = table(60, groups=2)
    with pytest.raises(DataError, match=r"the \w+ set has fewer than 2 rows of 'c0', 'c1'"):
        split(frame, group="author")


def test_a_single_moment_cannot_be_cut():
    frame = table(60).with_columns(date=pl.lit("1999-12-31"))
    with pytest.raises(
        DataError, match=r"'date' holds 1 different times, too few to split into 3 sets"
    ):
        split(frame, time="date")


def test_a_split_comes_back_from_json_as_it_was():
    drawn = split(table(200), time="date", group="author", target=None)
    again = Split.from_dict(json.loads(json.dumps(drawn.to_dict())))
    assert again.to_dict() == drawn.to_dict()
    assert again.method == drawn.method
    assert all(np.array_equal(getattr(again, part), getattr(drawn, part)) for part in PARTS)


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: state.pop("train"),
        lambda state: state.update(version=2),
        lambda state: state["test"].append(0),
        lambda state: state["test"].pop(),
        lambda state: state.update(test=["x"]),
        lambda state: state.update(train="abc"),
        lambda state: state.update(values=3),
        lambda state: state.update(shared=[state["train"][0]]),
        lambda state: state.update(train=[2**80]),
    ],
)
def test_an_altered_split_is_refused(damage):
    state = split(table(60)).to_dict()
    damage(state)
    with pytest.raises(RunError):
        Split.from_dict(state)


def test_the_method_is_described_in_both_languages():
    drawn = split(table(200, groups=40), group="author", seed=7)
    assert drawn.describe("en") == (
        "rows were split at random (seed 7): 20% for testing, 10% of the rest for validation; "
        "the split is stratified by 'label'; rows with the same 'author' are in the same set; "
        "near-duplicate texts are in the same set"
    )
    assert drawn.describe("zh").startswith("各行随机划分（随机种子 7）：20% 作为测试集")
