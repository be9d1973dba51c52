"""Walk through the studio with a browser, and save what is seen.

Usage: python benchmarks/studio_walk.py FOLDER [--whole]

Four simulated tables (texts, states, a forecast, tagged words) are uploaded, trained and read up to
the report, in English and Chinese, on a screen of 1366 pixels and on a phone of 390; then test
rows, a comparison, a page that does not exist, and the coding of a sample. Pictures are saved in
FOLDER as KIND-LANGUAGE-WIDTH-STEP.png. Runs are trained once, with ``--whole`` in every language
and width. Chromium and playwright are needed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from duree.examples import counts, letters, life_courses, tagged_words

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
WIDTHS = (1366, 390)
TABLES = {
    "text": letters.generate(400),
    "states": life_courses.generate(300),
    "forecast": counts.generate(6),
    "label": tagged_words.generate(200),
}
# What is filled in before training, and what is typed to try the network.
FILLED = {"forecast": {"horizon": "6"}}
TYPED = {
    "text": "The opera was delightful, whatever my aunt may say of it.",
    "states": "school, school, work, unemployed, work",
    "label": "Captain Florence wrote from Paris about the letter .",
}
LIMIT = 300_000  # milliseconds


def main() -> None:
    """Walk, and save the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--whole", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, studio(Path(place)) as link:
        files = {kind: Path(place) / f"{kind}.csv" for kind in TABLES}
        for kind, frame in TABLES.items():
            frame.write_csv(files[kind])
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
            trained: set[str] = set()
            for language, locale in LANGUAGES.items():
                for width in WIDTHS:
                    context = browser.new_context(
                        locale=locale, viewport={"width": width, "height": 800}
                    )
                    page = context.new_page()
                    page.set_default_timeout(LIMIT)
                    page.goto(link)
                    for kind, file in files.items():
                        walk = Walk(page, given.folder, f"{kind}-{language}-{width}")
                        name = f"{kind}-{language}-{width}" if given.whole else kind
                        walk.upload(file, FILLED.get(kind, {}))
                        if name not in trained:
                            walk.train(name)
                            trained.add(name)
                        walk.read(name, TYPED.get(kind))
                    ending = f"-{language}-{width}" if given.whole else ""
                    Walk(page, given.folder, f"other-{language}-{width}").others(ending)
                    Walk(page, given.folder, f"coding-{language}-{width}").code(files["text"])
                    context.close()
            browser.close()


class Walk:
    """One table in one language on one screen."""

    def __init__(self, page: Page, folder: Path, name: str) -> None:
        self.page, self.folder, self.name, self.pictures = page, folder, name, 0

    def see(self, step: str) -> None:
        """Save the whole page as a picture."""
        self.pictures += 1
        path = self.folder / f"{self.name}-{self.pictures}-{step}.png"
        self.page.screenshot(path=path, full_page=True)
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        print(path.name, f"(wider than the screen by {wide} px)" if wide > 0 else "", flush=True)

    def upload(self, file: Path, filled: dict[str, str]) -> None:
        """From the home page to the form and its checks."""
        self.page.goto("/".join(self.page.url.split("/")[:3]) + "/")
        self.see("home")
        self.page.set_input_files("#file", file)
        self.page.click("button.main")
        for field, value in filled.items():
            self.page.fill(f"#{field}", value)
        self.page.wait_for_selector("#checks .checks")
        self.page.locator("#how-long", has_text=re.compile(r"\d")).wait_for()
        self.see("table")

    def train(self, name: str) -> None:
        """From the form to the results."""
        # Clicked, it may move away, since the checks come anew.
        self.page.eval_on_selector("details:has(#max_minutes)", "one => one.open = true")
        self.page.fill("#max_minutes", "0.1")
        self.page.uncheck("#baselines")
        self.page.fill("#name", name)
        self.page.click(".go button.main")
        self.page.wait_for_selector(".training")
        self.see("training")
        self.page.wait_for_selector(".verdict")

    def read(self, name: str, typed: str | None) -> None:
        """The results, a prediction of typed input, and the report."""
        here = "/".join(self.page.url.split("/")[:3])
        self.page.goto(f"{here}/runs/{name}")
        self.page.wait_for_selector(".verdict")
        if typed and self.page.query_selector("#own"):
            self.page.fill("#own", typed)
            self.page.click(".try button")
            self.page.wait_for_selector(".try-result, .try .fault, #try-result .fault")
            self.page.screenshot(path=self.folder / f"{self.name}-answer.png")
        self.see("results")
        self.page.goto(f"{here}/runs/{name}/report.html")
        self.see("report")

    def others(self, ending: str) -> None:
        """Test rows, one of them explained, runs compared, and an address that is wrong."""
        here = "/".join(self.page.url.split("/")[:3])
        compared = "&".join(f"run={kind}{ending}" for kind in TABLES)
        for step, address in {
            "rows": f"runs/text{ending}/rows",
            "row": f"runs/text{ending}/rows/1.html",
            "compare": f"compare?{compared}",
            "missing": "nothing",
        }.items():
            self.page.goto(f"{here}/{address}")
            self.see(step)

    def code(self, file: Path) -> None:
        """A sample is drawn from a table, and two of its texts are coded by keys."""
        self.page.goto("/".join(self.page.url.split("/")[:3]) + "/")
        self.page.set_input_files("#file", file)
        self.page.click("button.main")
        self.page.click("a[href^='/sample/']")
        self.page.fill("#n", "40")
        self.page.fill("#labels", "favourable, unfavourable")
        self.see("sample")
        self.page.click("form button.main")
        self.page.fill("#coder", "Anna")
        self.see("overview")
        self.page.click(".begin button")
        for key in "12":
            self.page.wait_for_selector(f"progress[value='{int(key) - 1}']")
            self.see("text")
            self.page.wait_for_timeout(250)  # sooner, it is taken for a slip of the finger
            self.page.keyboard.press(key)
        self.page.keyboard.press("c")
        self.see("comment")


@contextmanager
def studio(folder: Path) -> Iterator[str]:
    """The link to a studio in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["duree", "studio", str(folder / "runs"), "--no-browser", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"DUREE_LANG": "en"},
    )
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


if __name__ == "__main__":
    main()
