"""The whole workflow as a user has it: in a browser, with a table as users have it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.support.coding import drawn
from tests.support.forecasts import long_table, walks

from duree.inference.codings import read_codings, valid_codings
from duree.inference.design import read_design
from duree.pipeline.run import Run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]
# Nothing but loopback is asked for.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=180_000)

PRAISE = ["moving", "brilliant", "tender", "superb", "gripping", "honest"]
BLAME = ["tedious", "clumsy", "shallow", "dreadful", "hollow", "noisy"]
FILLING = ["the", "film", "its", "plot", "camera", "scene", "music", "after", "a", "while", "we"]


def reviews(rows: int) -> pl.DataFrame:
    """Film reviews in the form of IMDB's: line breaks, quotes and commas, and what was thought."""
    rng = np.random.default_rng(5)
    sentiment = rng.integers(0, 2, rows)
    texts = []
    for liked in sentiment:
        own, other = (PRAISE, BLAME) if liked else (BLAME, PRAISE)
        words = [*rng.choice(FILLING, 24), *rng.choice(own, 4), *rng.choice(other, 1)]
        rng.shuffle(words)
        words[8] += ",<br /><br />"
        words[16] = f'"{words[16]}"'
        texts.append(" ".join(words).capitalize() + ".")
    return pl.DataFrame(
        {"review": texts, "sentiment": [("neg", "pos")[liked] for liked in sentiment]}
    )


class Studio:
    """``duree studio`` in a process of its own, as its user starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        command = ["duree", "studio", self.folder, "--no-browser", "--port", self.port]
        self.process = subprocess.Popen(
            [sys.executable, "-m", *map(str, command)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.link = self.process.stdout.readline().strip()
        end = time.monotonic() + 120
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("it does not listen")

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    studio = Studio(tmp_path_factory.mktemp("studio") / "runs")
    yield studio
    for run in studio.folder.iterdir():  # a test that failed may have left one under way
        if (run / "recipe.toml").exists() and (writer := Run(run).writer()):
            os.kill(writer, signal.SIGKILL)
    studio.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        locale="en-GB", viewport={"width": 1280, "height": 720}, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(180_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Policy" in line.text else None)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    context.close()
    assert faults == []
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:"))] == []


def accessible(page: Page) -> None:
    """No finding of axe's that is serious or critical, on the page as it stands."""
    found = Axe().run(page).response["violations"]
    grave = [
        (one["id"], [node["html"][:120] for node in one["nodes"]][:3])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == []


def enter(page: Page, studio: Studio) -> None:
    page.goto(studio.link)
    page.wait_for_url(re.compile(r":\d+/$"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "film reviews.csv"
    reviews(1500).write_csv(path)
    return path


def upload(page: Page, table: Path) -> None:
    page.set_input_files("#file", table)
    page.get_by_role("button", name="Open the table").click()
    expect(page.locator(".checks")).to_be_visible()


def test_from_a_file_to_a_report_through_a_stop_and_a_crash_of_the_studio(
    page: Page, studio: Studio, table: Path
) -> None:
    enter(page, studio)
    expect(page.get_by_text("No runs yet")).to_be_visible()
    accessible(page)

    # The table, what its columns were taken for, and the checks, which follow the choices.
    upload(page, table)
    expect(page.get_by_role("heading", level=1)).to_have_text("film reviews.csv")
    expect(page.locator("#text")).to_have_value("review")
    expect(page.locator("#target")).to_have_value("sentiment")
    expect(page.locator(".checks")).to_contain_text("'sentiment' has 2 classes")
    page.locator("#target").select_option("review")
    expect(page.locator("#checks")).to_contain_text("review")
    page.locator("#target").select_option("sentiment")
    expect(page.locator(".checks")).to_contain_text("'sentiment' has 2 classes")
    page.get_by_text("More settings").click()
    expect(page.locator("#how-long")).to_contain_text("at most about")
    accessible(page)

    # Training moves; it is stopped, and gone on with.
    page.get_by_label("Network", exact=True).select_option("gru")
    page.get_by_label("Name of the run").fill("film reviews")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(".training progress")).to_be_visible()
    first = page.locator(".training progress").get_attribute("value")
    expect(page.locator(".training progress")).not_to_have_attribute("value", first or "")
    expect(page.locator(".whole")).to_contain_text("step 3 of 6: Training")
    expect(page.locator(".curve")).to_have_count(2)
    accessible(page)
    page.get_by_role("button", name="Stop, continue later").click()
    expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible()
    accessible(page)
    run = Run(studio.folder / "film reviews")
    page.get_by_role("button", name="Continue", exact=True).click()
    expect(page.get_by_role("button", name="Stop, continue later")).to_be_visible()
    expect(page.locator(".training progress")).to_be_visible()

    # The studio dies; the training does not, and a new studio shows it.
    writer = run.writer()
    assert writer
    studio.kill()
    assert run.writer() == writer
    studio.start()
    enter(page, studio)
    page.get_by_role("link", name="film reviews", exact=True).click()
    finish = page.get_by_role("button", name="Finish training now")
    expect(finish.or_(page.locator(".verdict"))).to_be_visible()
    if finish.is_visible():  # it is not where training was quicker than the studio
        finish.click()
    expect(page.locator(".verdict")).to_be_visible(timeout=600_000)
    epochs = [line for line in (run.folder / "log.txt").read_text().splitlines() if "epoch" in line]
    assert len(epochs) == len((run.folder / "history.jsonl").read_text().splitlines())
    accessible(page)

    # The report, in a frame of the page.
    page.get_by_role("link", name="Read the report").click()
    report = page.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Predicting")).to_be_visible()
    expect(report.locator("#figure-models svg")).to_be_visible()
    accessible(page)
    with page.expect_download() as figure:
        report.locator("#figure-models a", has_text="PDF").click()
    assert Path(figure.value.path()).read_bytes().startswith(b"%PDF")

    # A test row: its words, gates, and the next row.
    page.get_by_role("link", name="film reviews").click()
    page.get_by_role("link", name="View the test rows").click()
    accessible(page)
    page.get_by_label("text contains").fill("tedious")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".listed tbody tr").first).to_contain_text("tedious", ignore_case=True)
    page.locator(".listed tbody th a").first.click()
    row = page.frame_locator("iframe")
    expect(row.locator(".shaded span").first).to_be_visible()
    expect(row.get_by_role("heading", name="Gates")).to_be_visible()
    accessible(page)

    # A sentence typed by the user.
    page.get_by_role("link", name="film reviews").click()
    page.get_by_label("Your text").fill("A superb film, honest and moving; never tedious.")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.locator(".answer")).to_contain_text("Predicted: pos")
    expect(page.locator(".answer")).to_be_in_viewport()
    expect(page.locator(".try-result .shaded")).to_contain_text("superb")
    accessible(page)

    # Downloads, and another table.
    with page.expect_download() as download:
        page.get_by_role("link", name="predictions.csv").click()
    assert pl.read_csv(download.value.path()).height == 300
    page.set_input_files("#file", table)
    page.get_by_role("button", name="Predict the table").click()
    expect(page.locator(".checks")).to_contain_text("predicted.csv written: 1500 rows")
    accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the predictions").click()
    assert download.value.suggested_filename == "film reviews-predicted.csv"
    predicted = pl.read_csv(download.value.path())
    assert predicted["review"].to_list() == pl.read_csv(table)["review"].to_list()
    assert (predicted["prediction"] == predicted["sentiment"]).mean() > 0.9
    page.get_by_role("link", name="film reviews", exact=True).click()

    # Chinese, and back.
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("link", name="阅读报告")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    accessible(page)
    page.get_by_role("link", name="阅读报告").click()
    expect(page.frame_locator("iframe").get_by_text("Durée 报告")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.frame_locator("iframe").get_by_text("Durée report")).to_be_visible()


def test_the_form_follows_the_layout_and_reports_a_fault_at_its_field(
    page: Page, studio: Studio, tmp_path: Path
) -> None:
    enter(page, studio)
    upload(page, Path(long_table(tmp_path / "walks.csv", walks())))
    expect(page.locator("#rows")).to_have_value("series")
    expect(page.locator("#series")).to_have_value("y")
    expect(page.locator(".checks")).to_contain_text("series: 6, of 60 steps each")
    accessible(page)
    page.locator("#task").select_option("found")
    expect(page.locator("#target")).to_be_visible()
    expect(page.locator("#horizon")).to_have_count(0)
    page.locator("#task").select_option("forecast")
    expect(page.locator("#target")).to_have_count(0)
    page.locator("#rows").select_option("texts")
    expect(page.locator("#text")).to_be_visible()
    # A new form reacts once it has settled, some milliseconds after it is seen.
    expect(page.locator(".htmx-added, .htmx-settling, .htmx-request")).to_have_count(0)
    page.locator("#target").select_option("id")
    expect(page.locator(".names label")).to_have_count(6)
    expect(page.locator("#target")).to_have_value("id")
    page.locator("#text").select_option("when")
    expect(page.locator(".checks")).to_contain_text("360 rows")
    page.locator("#rows").select_option("series")
    page.get_by_label("Steps to forecast").fill("57")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#horizon-fault")).to_contain_text("fewer than 61 steps")
    expect(page.locator("#horizon")).to_be_focused()
    expect(page.locator("#horizon")).to_have_value("57")
    accessible(page)

    # The table is taken away once that is confirmed, and not before.
    page.get_by_role("link", name="Durée studio").click()
    page.locator("details:has(.files)").evaluate("one => { one.open = true }")
    accessible(page)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete walks.csv").click()
    expect(page.get_by_role("link", name="walks.csv")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete walks.csv").click()
    expect(page.get_by_role("link", name="walks.csv")).to_have_count(0)
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()


def test_the_pages_in_the_frames_are_accessible_too(page: Page, studio: Studio) -> None:
    enter(page, studio)
    for name in ("report", "rows/1"):
        for language in ("中文", "English"):
            page.goto(f"{studio.link.partition('?')[0]}runs/film reviews/{name}")
            page.get_by_role("button", name=language).click()
            page.goto(f"{studio.link.partition('?')[0]}runs/film reviews/{name}.html")
            accessible(page)


def test_training_may_be_cut_short_and_runs_compared(
    page: Page, studio: Studio, table: Path
) -> None:
    enter(page, studio)
    upload(page, table)
    page.get_by_label("Name of the run").fill("cut short")
    page.get_by_text("More settings").click()
    page.get_by_label("Train baselines too").uncheck()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(".curve")).to_have_count(2)
    page.get_by_role("button", name="Finish training now").click()
    expect(page.locator(".verdict")).to_be_visible(timeout=600_000)
    page.get_by_role("link", name="Durée studio").click()
    for name in ("cut short", "film reviews"):
        page.get_by_label(f"compare {name}").check()
    accessible(page)
    page.get_by_role("button", name="Compare the selected runs").click()
    expect(page.locator(".pairs")).to_contain_text("paired on the same 300 test rows")
    accessible(page)


def test_everything_is_reached_with_the_keyboard_alone(
    page: Page, studio: Studio, table: Path
) -> None:
    enter(page, studio)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
    assert any('id="file"' in html for html in reached)
    assert any("Open the table" in html for html in reached)
    assert any("/runs/film%20reviews" in html for html in reached)


def test_a_fault_is_reported_on_the_page_where_it_was_made(
    page: Page, studio: Studio, tmp_path: Path
) -> None:
    enter(page, studio)
    bad = tmp_path / "bad.csv"
    bad.write_text("text,label\nfine,up\ngrim,down,extra,cells\n")
    page.set_input_files("#file", bad)
    page.get_by_role("button", name="Open the table").click()
    expect(page.get_by_role("alert").first).to_contain_text("bad.csv")
    accessible(page)
    page.goto(studio.link.partition("?")[0] + "runs/none")
    expect(page.get_by_role("alert")).to_contain_text("There is no run 'none'")
    accessible(page)


@pytest.mark.parametrize(("width", "height"), [(1366, 640), (1920, 1080), (390, 800)])
def test_pages_fit_small_and_large_screens(
    browser: Browser, studio: Studio, width: int, height: int
) -> None:
    context = browser.new_context(locale="en-GB", viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(180_000)
    enter(page, studio)
    base = studio.link.partition("?")[0]
    for path in ("", "runs/film reviews", "runs/film reviews/rows", "runs/film reviews/report"):
        page.goto(base + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(base)
    name = page.get_by_role("link", name="film reviews", exact=True).bounding_box()
    assert name
    assert name["height"] < 40  # it is not broken into many lines
    context.close()


def test_texts_are_coded_by_the_keyboard_through_a_crash_of_the_studio(
    page: Page, studio: Studio
) -> None:
    coding = drawn(studio.folder.parent, 30)
    order = read_design(coding).order
    address = f"http://127.0.0.1:{studio.port}/coding/coding"
    enter(page, studio)
    page.goto(address)
    accessible(page)
    page.get_by_label("Your name").fill("Anna")
    page.keyboard.press("Enter")
    reading = page.locator("#text")

    def press(key: str, then: str) -> None:
        page.wait_for_timeout(250)  # sooner, it is taken for a slip of the finger
        page.keyboard.press(key)
        expect(reading).to_contain_text(then)
        expect(reading).to_be_focused()

    expect(reading).to_contain_text(order[0])
    expect(reading).to_be_focused()
    accessible(page)
    press("1", order[1])
    expect(page.get_by_role("status")).to_have_text("Saved: neg")
    press("2", order[2])
    press("u", order[1])
    page.keyboard.press("c")
    page.keyboard.type("2 u s: typed, not pressed")
    page.keyboard.press("Escape")
    press("2", order[2])
    studio.kill()
    page.wait_for_timeout(250)
    page.keyboard.press("1")
    expect(page.locator("#lost")).to_be_visible()
    expect(reading).to_contain_text(order[2])
    studio.start()
    enter(page, studio)
    page.goto(f"{address}/code?coder=Anna")
    expect(reading).to_contain_text(order[2])
    press("s", order[3])
    saved = valid_codings(read_codings(coding)[0])
    assert [(one.id, one.label, one.comment) for one in saved] == [
        (order[0], "neg", ""),
        (order[1], "pos", "2 u s: typed, not pressed"),
        (order[2], "", ""),
    ]
    assert all(0 < (one.seconds or 0) < 60 for one in saved)
