"""State sequences on the page: their figures, drawn from states.json alone, for every reader."""

from __future__ import annotations

import json
import re
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from duree.errors import RunError
from duree.report.figures.choose import draw_figures, plan_figures, write_drawn
from duree.report.figures.states import COLOURS, OTHER, colours_of
from duree.report.load import load_run
from duree.report.pages.report import render
from duree.report.vocabulary import Words
from duree.tables.describe.states import describe_states

NAMES = ("states", "sequences", "transitions", "entropy")
COURSES = [["school", "school", "<work>", "<work>"], ["school", "jobless", "jobless", None]]
YEARS = ["1990", "1991", "1992", "1993"]


def facts_of(courses, times, target=None):
    return describe_states(pl.Series(courses, dtype=pl.List(pl.String)), times, target).model_dump()


@pytest.fixture
def write_states(write_run):
    """A function that writes a run of state sequences and gives its folder."""

    def write(courses=COURSES * 100, times=YEARS, target=None, **options):
        read = {"data": {"states": list(times), "text": "states"}}
        folder = write_run(text="states", settings=read, **options)
        facts = facts_of(courses, times, target)
        (folder / "states.json").write_text(json.dumps(facts, allow_nan=False), encoding="utf-8")
        return folder

    return write


def page_of(folder, language="en"):
    run, words = load_run(folder), Words(language)
    return render(run, words, draw_figures(run, words))


def texts(folder, name):
    words = Words("en")
    (figure,) = (f for f in draw_figures(load_run(folder), words) if f.plan.name == name)
    nodes = ElementTree.fromstring(figure.inline(words)).iter("text")
    return [node.text for node in nodes]


def test_the_page_shows_the_sequences_between_the_data_and_the_training(write_states):
    page = page_of(write_states())
    ends = [page.index(f'<section id="{name}">') for name in ("data", "sequences", "training")]
    assert ends == sorted(ends)
    assert '<a href="#sequences">Sequences</a>' in page
    for name in NAMES:
        assert page.count(f'<figure id="figure-{name}">') == 1
    assert "200 sequences of 4 time points each, from 1990 to 1993, in 3 states." in page
    assert "12.5\u202f% of the time points have no state." in page
    numbers = [int(n) for n in re.findall(r"<b>Figure (\d+)\.</b>", page)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_mean_times_stand_in_a_table_the_longest_first(write_states):
    page = page_of(
        write_states([["home", "work", "work", "work"], ["home", "home", "work", "<x>"]])
    )
    plain = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "work 2.0 50 % home 1.5 38 % &lt;x&gt; 0.5 12 %" in plain


def test_a_run_without_states_has_neither_section_nor_figures(letters):
    page = page_of(letters)
    assert 'id="sequences"' not in page
    assert "#sequences" not in page
    assert {plan.name for plan in plan_figures(load_run(letters))}.isdisjoint(NAMES)


def test_sequences_without_a_single_state_are_left_out(write_states):
    page = page_of(write_states([[None, None]] * 3, YEARS[:2]))
    assert 'id="sequences"' not in page


def test_a_chinese_page_says_nothing_of_the_sequences_in_english(write_states):
    target = pl.Series(["wed", "single"] * 100)
    page = page_of(write_states(target=target), "zh")
    section = page.split('<section id="sequences">')[1].split("</section>")[0]
    words = set(re.findall("[A-Za-z]{2,}", re.sub(r"<[^>]+>|&[a-z]+;", " ", section)))
    assert words <= {"school", "jobless", "work", "wed", "single", "tone", "PDF", "SVG"}


def test_the_figures_are_written_for_a_paper_and_the_same_each_time(write_states, tmp_path):
    run = load_run(write_states(target=pl.Series(["wed", "single"] * 100)))

    def written(folder: Path) -> dict[str, bytes]:
        words = run.words("en")
        files = write_drawn(draw_figures(run, words), run, folder, words)
        return {path.name: path.read_bytes() for path in files}

    first = written(tmp_path / "a")
    assert {f"{name}.{kind}" for name in NAMES for kind in ("svg", "pdf")} <= first.keys()
    assert written(tmp_path / "b") == first


def test_each_class_has_a_panel_with_its_rows(write_states):
    folder = write_states(target=pl.Series(["wed", "single", "single", "single"] * 50))
    shown = texts(folder, "states")
    assert {"all classes (200 rows)", "single (150 rows)", "wed (50 rows)"} <= set(shown)


def test_every_figure_with_colours_names_each_state_and_what_a_gap_means(write_states):
    folder = write_states()
    for name in ("states", "sequences"):
        assert {"school", "jobless", "<work>", "state unknown"} <= set(texts(folder, name))


def test_the_matrix_shows_probabilities_in_percent(write_states):
    # school is followed by school, <work> and jobless once in each pair of sequences.
    shown = texts(write_states(), "transitions")
    assert shown.count("33.3") == 3
    assert shown.count("100.0") == 2


@pytest.mark.parametrize("months", [5, 72, 1000])
def test_names_of_time_points_are_few_enough_to_be_read(write_states, months):
    times = [f"month {n}" for n in range(months)]
    courses = [["school"] * (months // 2) + ["work"] * (months - months // 2)] * 20
    shown = texts(write_states(courses, times), "sequences")
    assert 2 <= sum(text.startswith("month ") for text in shown) <= 10
    assert "month 0" in shown


def test_the_twelve_states_that_last_longest_have_colours_and_the_others_share_one(write_states):
    courses = [[f"state {n}"] * (n + 1) + ["end"] * (20 - n) for n in range(15)]
    facts = load_run(write_states(courses, [str(n) for n in range(21)])).rows.facts
    colours = dict(zip(facts.states, colours_of(facts), strict=True))
    assert {name for name, colour in colours.items() if colour == OTHER} == {
        f"state {n}" for n in range(4)
    }
    assert len(set(colours.values())) == 13
    assert "4 other states" in texts(write_states(courses, facts.times, name="b"), "states")


def test_a_file_whose_parts_do_not_fit_together_is_refused_by_name(write_states):
    folder = write_states()
    facts = json.loads((folder / "states.json").read_text(encoding="utf-8"))
    for change in (
        {"entropy": [0.5]},
        {"index": {"rows": [[0, 1, 2, 7]]}},
        {"by_class": {"wed": [[1, 0]] * 4}, "class_rows": {"wed": 200}},
        {"by_class": {"wed": [[1, 0, 0]] * 4}},
        {"mean_time": {"school": 4.0}},
    ):
        (folder / "states.json").write_text(json.dumps(facts | change), encoding="utf-8")
        with pytest.raises(RunError, match=r"states\.json"):
            load_run(folder)


# Machado, Oliveira & Fernandes (2009), full deuteranopia, on linear RGB.
DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def lab(colour: str, sight: np.ndarray) -> np.ndarray:
    """CIE Lab of an sRGB colour as it is seen."""
    shown = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(sight @ linear, 0, 1) / WHITE
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize(("sight", "least"), [(np.eye(3), 26), (DEUTERANOPIA, 17)])
def test_the_first_eight_colours_are_distinguishable_without_green_cones_too(sight, least):
    found = [lab(colour, sight) for colour in COLOURS[:8]]
    assert min(np.linalg.norm(a - b) for a, b in combinations(found, 2)) > least


def test_neighbours_in_the_palette_differ_in_lightness():
    lightness = [lab(colour, np.eye(3))[0] for colour in COLOURS]
    assert min(abs(a - b) for a, b in pairwise(lightness)) > 15
