"""An empty studio offers simulated tables, and says before training how long that will take."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.serving.studio.test_forms import filled, selected
from tests.support.letters import letters
from tests.support.studio import Visitor

from duree.errors import translate
from duree.pipeline.progress import Standing
from duree.pipeline.run import Run
from duree.recipe.recipe import Recipe
from duree.serving.studio import table_preview
from duree.serving.studio.examples import EXAMPLES
from duree.serving.studio.progress_events import View, view


def test_an_example_of_each_kind_is_offered_and_folded_once_there_is_a_table(
    visitor: Visitor,
) -> None:
    def offered(page: str) -> list[str]:
        return re.findall(r'action="/examples/([\w-]+)"', page)

    page = visitor.get("/").text
    assert offered(page) == list(EXAMPLES)
    assert "<summary>Or try an example</summary>" not in page
    visitor.post("/examples/tagged-words")
    page = visitor.get("/").text
    assert offered(page) == list(EXAMPLES)
    assert offered(page.partition("<summary>Or try an example</summary>")[2]) == list(EXAMPLES)


@pytest.mark.parametrize(
    ("name", "rows", "chosen"),
    [
        ("letters", "texts", {"text": "letter", "target": "tone", "id": "letter_id"}),
        ("life-courses", "states", {"states": "m1:m24", "target": "outcome", "id": "id"}),
        ("strikes", "series", {"series": "strikes", "time": "month", "id": "region"}),
        ("tagged-words", "tokens", {"text": "word", "id": "sentence", "target": "tag"}),
    ],
)
def test_an_example_is_one_click_away_and_its_columns_are_proposed(
    visitor: Visitor, name: str, rows: str, chosen: dict[str, str]
) -> None:
    answer = visitor.post(f"/examples/{name}")
    assert answer.status_code == 303
    page = visitor.get(answer.headers["location"]).text
    assert f"<h1>{name}.csv</h1>" in page
    assert selected(page, "rows") == rows
    assert chosen.items() <= filled(page).items()


def test_there_is_no_other_example(visitor: Visitor) -> None:
    assert visitor.post("/examples/..%2Fnothing").status_code == 404
    assert visitor.post("/examples/nothing").status_code == 404


def test_the_time_of_a_training_is_said_before_it_begins(visitor: Visitor) -> None:
    address = visitor.table("letters.csv", letters(60).write_csv().encode())
    sent = filled(visitor.get(address).text) | {"max_minutes": "0.001"}
    said = visitor.get(f"{address}/time", params=sent).text
    assert re.search(r"will take at most about [\d.]+ m?s; the baselines come after it", said)
    assert visitor.get(f"{address}/time", params=sent | {"target": ""}).text.strip() == ""


def test_only_the_latest_choices_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[Recipe] = []
    monkeypatch.setattr(table_preview, "_measured", lambda recipe: measured.append(recipe) or 1.0)
    first, latest = (Recipe(seed=seed) for seed in (1, 2))
    with ThreadPoolExecutor(1) as other:
        with table_preview.MEASURING:
            earlier = other.submit(table_preview.expected_time, first)
            while table_preview.ASKED.get(()) is not first:
                time.sleep(0.001)
            table_preview.ASKED[()] = latest
        assert earlier.result() is None
    assert table_preview.expected_time(latest) == 1.0
    assert measured == [latest]


def test_an_error_is_followed_as_itself_and_not_as_its_negative(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe(task="forecast"))
    run.write_json("progress.json", {"step": "train", "watched": "minus OWA"})
    lines = [
        {"epoch": n, "train_loss": 1.0, "validation_loss": 1.0, "metric": -owa}
        for n, owa in enumerate([0.9, 0.8, 0.85])
    ]
    history = "".join(f"{json.dumps(line)}\n" for line in lines)
    (run.folder / "history.jsonl").write_text(history, encoding="utf-8")
    seen = view(run)
    assert (seen.watched, seen.best) == ("OWA on validation", 0.8)
    assert (seen.curves[1].title, seen.curves[1].low, seen.curves[1].high) == (
        "OWA on validation",
        0.8,
        0.9,
    )


@pytest.mark.parametrize(
    ("watched", "title"),
    [
        ("share of right outputs", "share of right outputs on validation"),
        ("chrF", "chrF on validation"),
    ],
)
def test_a_network_that_writes_texts_is_followed(tmp_path: Path, watched: str, title: str) -> None:
    run = Run.create(tmp_path / "run", Recipe(task="transduce"))
    run.write_json("progress.json", {"step": "train", "watched": watched})
    assert view(run).watched == title
    assert translate(title, "zh") != title


def test_every_step_moves_the_bar() -> None:
    def share(step: str, place: int, **numbers: int) -> float:
        return View(Standing(step, **numbers), place, 0, [], None, False).share

    shares = [
        share("read", 0),
        share("encode", 1),
        share("train", 2, steps=100, done=1),
        share("train", 2, steps=100, done=99),
        share("baselines", 3),
        share("evaluate", 4),
        share("explain", 5),
    ]
    assert shares == sorted(set(shares))
    assert 0 <= shares[0] < shares[-1] < 1
