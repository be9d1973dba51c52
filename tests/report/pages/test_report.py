"""The page: safe for any data, true to the run's files, the same whenever remade."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from duree.errors import RunError
from duree.report.figures.choose import draw_figures
from duree.report.load import load_run
from duree.report.pages.report import render, write_report
from duree.report.vocabulary import Words

HOSTILE = [
    "<script>alert(1)</script> & &#x3c;b&#x3e;",
    "</blockquote></section><img src=x onerror=alert(1)><style>*{display:none}</style>",
    "\u202eevil\u202c and \u200bhidden\x07 \x1b[31m",
    "{{ 7 * 7 }} {% raw %} ${x} {0}",
    "Z\u0351\u036b" * 50,
    "x" * 5000,
    "مرحبا بالعالم",
    "one<br /><br>two\nthree\tfour",
]


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and the text that a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[str] = []
        self.style = ""
        self._inside: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "style":
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.style += data
        else:
            self.pieces.append(data)

    def attributes(self, name: str) -> list[str]:
        return [found[name] for _, found in self.elements if name in found]


def page_of(folder: Path, language: str = "en") -> str:
    """The page alone, without the time that its figures take as PDF."""
    run, words = load_run(folder), Words(language)
    return render(run, words, draw_figures(run, words))


def read(folder: Path, language: str = "en") -> Page:
    return Page(page_of(folder, language))


@pytest.fixture(scope="module")
def page(letters) -> Page:
    return read(letters)


@pytest.fixture
def hostile(write_run):
    return write_run(
        classes=("<script>alert(2)</script>", "$5-$10 \\alpha_{x}", "\u202eevil", "正面"),
        texts=HOSTILE * 30,
        rows=240,
        text='"><b onclick=x>',
        target="'tone' & <i>",
        verdict="<script>alert(3)</script>",
        notes=["<script>alert(4)</script>"],
    )


def test_nothing_in_the_data_becomes_markup(hostile):
    page = read(hostile)
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint({"script", "img", "iframe", "object", "embed", "form", "b onclick", "i"})
    names = {name for _, found in page.elements for name in found}
    assert not {name for name in names if name.startswith("on")}
    assert [tag for tag, _ in page.elements].count("style") == 1
    for number in (2, 3, 4):
        assert f"<script>alert({number})</script>" in page.text


def test_hidden_characters_of_the_data_are_shown(hostile):
    html = page_of(hostile)
    assert not re.search("[\u202a-\u202e\u200b\x00-\x09\x0b-\x1f]", html)
    assert "⟨U+202E⟩evil" in html


def test_templates_in_the_data_stay_text(hostile):
    assert "{{ 7 * 7 }} {% raw %} ${x} {0}" in read(hostile).text


def test_long_texts_are_cut_in_the_middle(hostile):
    page = read(hostile)
    assert "x […] x" in page.text
    assert "x" * 500 not in page.text


def test_the_page_loads_nothing_and_runs_nothing(page):
    assert page.attributes("src") == []
    assert page.attributes("style") == []
    assert not {"script", "link", "base", "iframe"} & {tag for tag, _ in page.elements}
    for address in page.attributes("href"):
        assert re.fullmatch(r"#[\w-]+|figures/\w+\.(pdf|svg)", address)
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_the_policy_allows_this_style_sheet_alone(page):
    (policy,) = (
        found["content"]
        for tag, found in page.elements
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
    )
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_identifiers_are_unique_and_links_lead_to_them(page):
    places = page.attributes("id")
    assert len(places) == len(set(places))
    links = [address[1:] for address in page.attributes("href") if address.startswith("#")]
    assert set(links) <= set(places)


def test_remaking_gives_the_same_bytes_wherever_the_run_lies(write_run, tmp_path):
    folder = write_run(settings={"model": {"cell": "gru"}})
    moved = tmp_path / "elsewhere" / folder.name
    shutil.copytree(folder, moved)
    for place in (folder, moved):
        assert write_report(place, "en") == place / "report.html"
    names = [p.relative_to(folder) for p in [*folder.glob("*.html"), *folder.glob("figures/*")]]
    assert len(names) == 13
    for name in names:
        content = (folder / name).read_bytes()
        assert content == (moved / name).read_bytes(), name
        assert b"somebody" not in content
        assert str(tmp_path).encode() not in content


def test_every_figure_of_every_model_is_that_of_metrics_json(letters, page):
    models = json.loads((letters / "metrics.json").read_text(encoding="utf-8"))["models"]
    for figures in models.values():
        for metric in ("accuracy", "log_loss"):
            figure = figures[metric]
            shown = f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
            assert shown in page.text


def test_below_a_hundred_rows_two_decimals_are_shown(write_run):
    folder = write_run(rows=60)
    page = read(folder)
    figure = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["models"]["network"]
    value = figure["accuracy"]["value"]
    assert f"{value:.2f} [" in page.text
    assert not re.search(r"\d\.\d{3}", page.text.split("Settings")[1].split("Settings")[0])


def test_the_best_value_of_a_column_is_bold_whichever_model_has_it(write_run):
    folder = write_run()
    models = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["models"]
    best = {"value": 0.987, "low": 0.98, "high": 0.99}
    parts = {
        f"{part}_part": models["network"] | {"accuracy": best} for part in ("wide", "recurrent")
    }
    html = page_of(write_run("parts", models=models | parts))
    bold = re.findall(r'class="best">\s*([\d.]+)', html)
    assert bold.count("0.987") == 2


def test_one_thread_is_not_called_threads(write_run):
    folder = write_run()
    data = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    (folder / "data.json").write_text(json.dumps(data | {"threads": 1}), encoding="utf-8")
    text = read(folder).text
    assert re.search(r"1 thread\b", text)
    assert "on one thread, with seed" in text
    assert "1 threads" not in text


def test_the_verdict_comes_first_in_both_languages(write_run):
    folder = write_run(
        verdict="The network and nb_svm cannot be told apart (difference -0.002).",
        verdict_zh="网络与 nb_svm 分不出高下（差 -0.002）。",
    )
    english, chinese = read(folder, "en"), read(folder, "zh")
    verdict = "The network and NB-SVM cannot be told apart (difference −0.002)."
    assert english.text.index(verdict) < english.text.index(
        "网络与 NB-SVM 分不出高下（差 −0.002）。"
    )
    assert chinese.text.index("网络与 NB-SVM 分不出高下") < chinese.text.index(verdict)
    assert english.text.index(verdict) < english.text.index("Figure 1.")


def test_a_sentence_about_the_data_stands_at_the_top(write_run):
    folder = write_run()
    data = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    data["note"] = "These letters are simulated."
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    text = read(folder).text
    assert text.index("These letters are simulated.") < text.index("better than every baseline")


def test_figures_without_shared_rows_are_listed_separately(write_run):
    apart = {
        "network": {"accuracy": {"value": 0.8614, "low": 0.84, "high": 0.88}},
        "nb_svm": {"accuracy": {"value": 0.8501, "low": 0.83, "high": 0.87}},
    }
    folder = write_run(without_shared_rows={"rows": 377, "shared": 23, "models": apart})
    own = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["models"]["network"]
    text = read(folder).text
    assert f"0.861 instead of {own['accuracy']['value']:.3f}." in text
    assert "23 of the 400 test rows have a near-duplicate, or their group, in" in text
    assert "0.850 [0.830, 0.870]" in text


def test_a_test_set_opened_again_is_reported_with_each_opening(write_run):
    openings = [
        {"when": "2026-11-21T09:30:00+00:00", "why": "the final evaluation of all models"},
        {"when": "2026-11-22T10:00:00+00:00", "why": "a second look"},
    ]
    text = read(write_run(test_openings=openings)).text
    assert "The test set was used 2 times:" in text
    assert "2026-11-22 10:00 UTC: a second look" in text
    assert "used once" not in text


def test_times_are_those_of_the_machine_that_trained_with_their_zone(write_run):
    why = "the final evaluation of all models"
    openings = [{"when": "2026-11-22T01:30:00+08:00", "why": why}]
    page = write_report(write_run(test_openings=openings), "en").read_text(encoding="utf-8")
    assert f"2026-11-22 01:30 UTC+08:00: {why}" in page


def test_seeds_are_shown_with_their_spread(write_run):
    text = read(write_run(seeds={"values": {"accuracy": [0.97, 0.95, 0.96]}})).text
    assert "trained from 3 seeds" in text
    assert "0.960 0.010 0.950 0.970 0.970 0.950 0.960" in text


def test_the_surest_mistakes_come_first(write_run):
    folder = write_run(settings={"data": {"id": "id"}})
    frame = pl.read_parquet(folder / "predictions.parquet").with_columns(
        sure=pl.max_horizontal("probability_cheerful", "probability_gloomy")
    )
    wrong = frame.filter(pl.col("prediction") != pl.col("tone")).sort("sure", descending=True)
    text = read(folder).text
    assert f"wrong on {len(wrong)} of 400 test rows" in text
    places = [text.index(f"id {name} true") for name in wrong["id"].head(12)]
    assert places == sorted(places)
    assert wrong["letter"][0] in text


def test_a_run_without_mistakes_says_so(write_run):
    folder = write_run()
    frame = pl.read_parquet(folder / "predictions.parquet")
    frame.with_columns(prediction=pl.col("tone")).write_parquet(folder / "predictions.parquet")
    assert "None: every test row was predicted correctly." in read(folder).text


def test_right_rows_are_counted_against_each_baseline(letters, page):
    frame = pl.read_parquet(letters / "predictions.parquet")
    baseline = pl.read_parquet(letters / "baselines.parquet").filter(pl.col("model") == "nb_svm")
    ours = (frame["prediction"] == frame["tone"]).to_numpy()
    theirs = (baseline["prediction"] == frame["tone"]).to_numpy()
    counts = [ours & theirs, ours & ~theirs, ~ours & theirs, ~ours & ~theirs]
    row = " ".join(str(np.count_nonzero(which)) for which in counts)
    assert f"NB-SVM {row} " in page.text


def test_choices_that_differ_from_the_default_are_marked(write_run):
    page = read(write_run(settings={"training": {"learning_rate": 0.0123}}))
    html_rows = [found.get("class") for tag, found in page.elements if tag == "tr"]
    assert "training.learning_rate 0.0123 0.002 " in page.text
    assert html_rows.count("changed") == 4  # files, text, target, learning rate


def test_findings_are_listed_by_severity_with_rows_from_one(page):
    text = page.text
    assert text.index("31 texts are near-duplicates") < text.index("half of the texts")
    assert text.index("half of the texts") < text.index("2,400 rows, none without a text")
    assert "(rows 12, 403)" in text


def test_a_path_in_a_finding_is_shown_by_its_file_name(write_run):
    folder = write_run()
    checks = json.loads((folder / "checks.json").read_text(encoding="utf-8"))
    checks[0]["message"] = "/home/somebody/letters.csv is in UTF-8"
    (folder / "checks.json").write_text(json.dumps(checks), encoding="utf-8")
    assert "letters.csv is in UTF-8" in read(folder).text
    assert "somebody" not in page_of(folder)


def test_it_says_how_to_predict_repeat_and_cite(write_run):
    text = read(write_run("my run")).text
    assert "duree predict 'my run' NEW.csv -o predicted.csv" in text
    assert "duree fit --recipe 'my run'/recipe.toml --out again" in text
    assert "@software{duree," in text
    assert "version = {0.1.0}" in text


def test_a_regression_has_its_own_figures(write_run):
    folder = write_run(numbers=True)
    page = read(folder)
    assert "figure-predicted" in page.attributes("id")
    assert "figure-confusion" not in page.attributes("id")
    text = page.text
    frame = pl.read_parquet(folder / "predictions.parquet")
    worst = (frame["prediction"] - frame["year"]).abs().arg_max()
    assert text.index(f"test row {worst + 1} ") == text.index("test row ")


def test_a_figure_in_units_of_the_target_has_digits_that_its_interval_bears(write_run):
    folder = write_run(numbers=True)
    mae = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["models"]["network"]
    assert 0.1 < (mae["mae"]["high"] - mae["mae"]["low"]) / 2 < 1
    assert f"{mae['mae']['value']:.2f} [" in read(folder).text


def test_several_labels_a_row_are_reported_without_a_confusion_matrix(write_run):
    folder = write_run(
        classes=("war", "trade"), settings={"data": {"label_separator": ";"}}, task="multilabel"
    )
    page = read(folder)
    assert "figure-confusion" not in page.attributes("id")
    assert "any number of 2 for each row" in page.text


def test_a_network_alone_is_reported_without_comparison(write_run):
    folder = write_run()
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    metrics |= {"models": {"network": metrics["models"]["network"]}, "comparisons": []}
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    (folder / "baselines.parquet").unlink()
    text = read(folder).text
    assert "No baseline was trained." in text
    assert "The network and each baseline" not in text


def test_a_large_test_part_makes_a_light_page(write_run):
    folder = write_run(rows=25_000, texts=["<br />&<>\"' word " * 600] * 25)
    assert len(page_of(folder).encode()) < 200_000


@pytest.mark.parametrize(
    "name", ["metrics.json", "checks.json", "split.json", "data.json", "predictions.parquet"]
)
def test_a_run_that_is_not_finished_is_refused_with_what_is_missing(write_run, name):
    folder = write_run()
    (folder / name).unlink()
    with pytest.raises(RunError, match=rf"holds no {name}.*duree resume"):
        load_run(folder)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("metrics.json", b"{", "Expecting property name"),
        ("metrics.json", b"[]", "valid dictionary"),
        ("metrics.json", b'{"task": "classify"}', "cell: field required"),
        ("split.json", b"\xff\xfe", "Expecting value"),
        ("history.jsonl", b'{"epoch": "one"}\n', "epoch"),
        ("predictions.parquet", b"PAR1", "predictions.parquet"),
    ],
)
def test_a_damaged_file_is_refused_by_name(write_run, name, content, reason):
    folder = write_run()
    (folder / name).write_bytes(content)
    with pytest.raises(RunError) as error:
        load_run(folder)
    assert name in error.value.message("en")
    assert reason in error.value.message("en")
    assert "无法读取" in error.value.message("zh")


class Open(HTMLParser):
    """The text of a page that is seen while everything that folds is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.depth, self.text = 0, ""
        self.feed(page.split("</style>")[1])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag == "details"

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "details"

    def handle_data(self, data: str) -> None:
        self.text += "" if self.depth else data


def test_the_page_opens_short_and_folds_what_is_looked_up(write_run):
    folder = write_run(settings={"training": {"epochs": 7}})
    page = write_report(folder, "en").read_text(encoding="utf-8")
    seen = Open(page).text
    assert "training.epochs" in seen
    for folded in ("training.batch_size", "@software", "Random forests.", "依据“letter”列"):
        assert folded in page, folded
        assert folded not in seen, folded
    assert seen.count("true ") < page.count("true <b>")
    assert len(seen) < 0.4 * len(Open(page.replace("details", "div")).text)
