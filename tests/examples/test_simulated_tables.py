"""The simulated tables hold what they claim, and the same arguments give the same table."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from duree.examples import counts, life_courses, tagged_words


@pytest.mark.parametrize("module", [counts, life_courses, tagged_words])
def test_the_same_seed_gives_the_same_table(module) -> None:
    assert module.generate(seed=3).equals(module.generate(seed=3))
    assert not module.generate(seed=3).equals(module.generate(seed=4))


def test_the_outcome_of_a_life_course_depends_on_order_and_on_no_duration() -> None:
    people = life_courses.generate(2000)
    months = people.select(pl.col("^m\\d+$")).to_numpy()
    first_work = (months == life_courses.WORK).argmax(axis=1)
    unemployed = (months == life_courses.UNEMPLOYED).argmax(axis=1)
    settled = (people["outcome"] == "settled").to_numpy()
    agrees = (first_work < unemployed) == settled
    assert agrees.mean() == pytest.approx(life_courses.CERTAINTY, abs=0.03)
    for state in (life_courses.SCHOOL, life_courses.UNEMPLOYED):
        lasted = (months == state).sum(axis=1)
        assert abs(np.corrcoef(lasted, settled)[0, 1]) < 0.08


def test_counts_have_a_row_for_each_month_and_region() -> None:
    strikes = counts.generate(years=2)
    assert strikes.height == 24 * len(counts.REGIONS)
    assert strikes["strikes"].min() >= 0
    assert strikes.group_by("region").agg(pl.col("month").n_unique())["month"].unique()[0] == 24


def test_tags_are_well_formed_and_some_names_have_two_meanings() -> None:
    words = tagged_words.generate(400)
    follows = words["tag"].shift(1).fill_null("O")
    inside = words["tag"].str.starts_with("I-")
    begun = follows.str.slice(2) == words["tag"].str.slice(2)
    assert begun.filter(inside).all()
    florence = words.filter(pl.col("word") == "Florence")["tag"].unique().to_list()
    assert sorted(florence) == ["B-LOC", "B-PER"]
