"""Words and numbers: no digit too many, nothing hidden, and a Chinese translation of every text."""

from __future__ import annotations

import ast
import re
import unicodedata
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duree.errors import chinese_templates
from duree.evaluation.verdict import Evidence
from duree.report.figures.choose import draw_figures
from duree.report.load import load_run
from duree.report.numbers import (
    about,
    brief,
    decimals,
    difference,
    estimate,
    level,
    moment,
    number,
    p_value,
    seconds,
    share,
)
from duree.report.pages.report import render
from duree.report.safe_text import columns, cut_middle, label, quote, visible
from duree.report.vocabulary import Words
from duree.results.metric import ACCURACY, MAE
from duree.results.nouns import SERIES, STATES
from duree.results.run_files import Estimate

REPORT = Path(str(files("duree.report")))
# What is the same in both languages, or Chinese already.
NAMES = re.compile(r"NB-SVM|(Adam|AdamW|RMSprop) \(\{\w+\}\)|both|head|tail|[\u4e00-\u9fff]+")


@pytest.mark.parametrize(
    ("value", "low", "high", "rows", "shown"),
    [
        (0.86149, 0.84849, 0.87251, 1000, "0.861 [0.848, 0.873]"),
        (0.8614, 0.8, 0.9, 99, "0.86 [0.80, 0.90]"),
        (-0.0004, -0.01, 0.01, 1000, "0.000 [−0.010, 0.010]"),
        (0.5, None, None, 1000, "0.500"),
    ],
)
def test_a_figure_is_shown_with_its_interval(value, low, high, rows, shown):
    assert str(estimate(Estimate(value=value, low=low, high=high), ACCURACY, rows)) == shown


@pytest.mark.parametrize(
    ("low", "high", "places"), [(10.0, 14.6, 1), (0.1, 0.103, 4), (9000.0, 9900.0, 0)]
)
def test_a_figure_with_a_unit_keeps_two_digits_of_its_half_interval(low, high, places):
    assert decimals(MAE, 1000, (low + high) / 2, low, high) == places


def test_large_numbers_have_commas_and_minus_is_minus():
    assert number(-12345.6, 0) == "−12,346"
    assert number(-0.0001, 3) == "0.000"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0412, "0.041"), (3.14159, "3.142"), (812.345, "812.3"), (0.0, "0.000"), (None, "–")],
)
def test_a_number_of_any_size_has_about_four_digits(value, shown):
    assert brief(value) == shown


@pytest.mark.parametrize(("time", "shown"), [(0.2, "1 s"), (9.13, "9 s"), (240.0, "4 min")])
def test_a_time_that_is_expected_has_no_decimals(time, shown):
    assert about(time, Words("en")) == shown


def test_a_chosen_share_has_only_the_digits_it_was_chosen_with():
    assert [level(part) for part in (0.95, 0.995)] == ["95\u202f%", "99.5\u202f%"]


def test_an_end_of_an_interval_is_zero_only_where_it_is_zero():
    found = Evidence("nb_svm", 0.0064, 0.0064, -0.0013, 0.0141, 0.22, False, False)
    assert str(difference(ACCURACY, found, 60)) == "+0.006 [−0.001, 0.014]"
    found = replace(found, low=0.0, high=0.02)
    assert str(difference(ACCURACY, found, 60)) == "+0.01 [0.00, 0.02]"


def test_latin_letters_stand_apart_from_chinese_characters():
    words = Words("zh")
    assert words("{metric}, {model}", metric="F1", model="NB-SVM") == "NB-SVM 的 F1"
    assert words("{metric}, {model}", metric="准确率", model="模型") == "模型的准确率"
    assert words("“{target}” of each word", target="词性") == "每个词的“词性”"


@pytest.mark.parametrize("nouns", [STATES, SERIES])
def test_only_texts_are_ironic(nouns):
    lead = next(one for one in chinese_templates() if "irony" in one)
    assert "irony" not in Words("en", nouns).with_nouns(lead)
    assert "反讽" not in Words("zh", nouns).with_nouns(chinese_templates()[lead])


@pytest.mark.parametrize(
    ("p", "rows", "shown"),
    [(0.0341, 500, "0.034"), (0.00001, 500, "< 0.001"), (0.004, 50, "< 0.01"), (None, 50, "–")],
)
def test_p_values_are_never_zero(p, rows, shown):
    assert p_value(p, rows) == shown


def test_shares_times_and_moments_read_as_in_a_paper():
    assert share(0.1234, 1000) == "12.3\u202f%"
    assert share(0.1234, 50) == "12\u202f%"
    assert [seconds(s, Words("en")) for s in (0.01, 4.21, 42.4, 200, 4800)] == [
        "< 0.1 s",
        "4.2 s",
        "42 s",
        "3 min",
        "1 h 20 min",
    ]
    assert moment("2026-11-21T10:30:59+01:00") == "2026-11-21 10:30 UTC+01:00"
    assert moment("2026-11-21T09:30:59+00:00") == "2026-11-21 09:30 UTC"
    assert moment("last Tuesday") == "last Tuesday"


@given(st.text())
def test_a_text_made_visible_has_no_hidden_characters(text):
    for sign in visible(text):
        spelling = sign in "\u200c\u200d" or "\U0001d173" <= sign <= "\U0001d17a"
        assert spelling or unicodedata.category(sign) not in ("Cc", "Cs", "Co", "Zl", "Zp")
        assert unicodedata.bidirectional(sign) not in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI")


@given(st.text(min_size=1), st.integers(min_value=10, max_value=60))
def test_a_cut_text_keeps_its_head_and_tail_and_stays_within_its_limit(text, limit):
    cut = cut_middle(text, limit)
    assert cut == text or columns(cut) <= 2 * limit + 5
    head, ellipsis, tail = cut.partition(" […] ")
    if ellipsis and cut != text:
        assert text.startswith(head)
        assert text.endswith(tail)


def test_a_combining_mark_stays_with_its_letter():
    text = "e\u0301" * 40
    head, _, tail = cut_middle(text, 20).partition(" […] ")
    assert head.endswith("\u0301")
    assert tail.startswith("e")


def test_line_breaks_are_shown_as_one_sign():
    assert quote("one<br /><br >two\nthree", 100) == "one↵ two↵ three"


def test_a_megabyte_of_spaces_is_quoted_at_once():
    assert len(quote("a" + " " * 1_000_000 + "<br" + " " * 1_000_000 + "b", 100)) < 200


def test_an_empty_name_is_seen():
    assert label("  ") == "“  ”"


def texts_in_templates() -> set[str]:
    pages = "".join(f.read_text(encoding="utf-8") for f in (REPORT / "templates").glob("*.html"))
    return {first or second for first, second in re.findall(r"\bt\((?:\"(.*?)\"|'(.*?)')", pages)}


def texts_in_code() -> set[str]:
    """Every text given to ``say`` or ``words``, and every value of a table of texts."""
    texts = set()
    for file in REPORT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="say" | "words"), args=[first, *_]):
                    texts |= constants(first)
                case ast.Call(func=ast.Name(id="Plan"), args=[_, title, *_]):
                    texts |= constants(title)
                case ast.Assign(targets=[ast.Name()], value=ast.Dict(values=values)):
                    texts |= {text for value in values for text in constants(value)}
    return texts


def constants(node: ast.AST) -> set[str]:
    inner = ast.walk(node)
    return {n.value for n in inner if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def test_every_text_of_the_report_has_a_chinese_translation():
    styles = re.compile(r"[a-z_.#0-9A-Fos-]*|. ")  # signs, marks, colours and setting names
    texts = {text for text in texts_in_templates() | texts_in_code() if text.strip()}
    missing = {
        text
        for text in texts - chinese_templates().keys()
        if not NAMES.fullmatch(text) and not styles.fullmatch(text)
    }
    assert missing == set()


def test_a_chinese_report_has_no_english_sentence_of_ours(letters):
    run, words = load_run(letters), Words("zh")
    page = render(run, words, draw_figures(run, words))
    before_the_english_methods = page.split('<div class="paste" lang="en">')[0]
    other = r"<style>.*?</style>|<blockquote.*?</blockquote>|<p class=\"twin\".*?</p>|<[^>]+>"
    ours = re.sub(other, " ", before_the_english_methods, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]+ [a-z]+ [a-z]+ [a-z]+", ours) == []


def test_a_text_is_cut_between_words_where_one_ends_near_by():
    head, _, tail = cut_middle(" ".join(["history"] * 60), 200).partition(" […] ")
    assert set(head.split()) == set(tail.split()) == {"history"}


def test_a_sentence_calls_models_by_the_names_that_readers_know():
    models = ["network", "markov", "markov_2", "boosted_trees", "random_forest"]
    sentence = "use boosted_trees, not markov or markov_2; the network, a markovian one"
    assert Words("en").named(sentence, models, "gru") == (
        "use boosted trees, not Markov chain or Markov chain of order 2; the network, a markovian "
        "one"
    )
    chinese = Words("zh").named("请使用 markov：与 random_forest 相比（+0.1）", models, "gru")
    assert chinese == "请使用马尔可夫链：与随机森林相比（+0.1）"
