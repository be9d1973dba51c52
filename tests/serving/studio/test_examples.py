"""An empty studio offers simulated tables, and says before training how long that will take."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.serving.studio.test_forms import filled, selected
from tests.support.letters import letters
from tests.support.studio import Visitor

from duree.pipeline.progress import Standing
from duree.recipe.recipe import Recipe
from duree.serving.studio import table_preview
from duree.serving.studio.examples import EXAMPLES
from duree.serving.studio.progress_events import View


def test_an_empty_studio_offers_an_example_of_each_kind_until_there_is_a_table(
    visitor: Visitor,
) -> None:
    page = visitor.get("/").text
    assert re.findall(r'action="/examples/([\w-]+)"', page) == list(EXAMPLES)
    visitor.post("/examples/tagged-words")
    assert "/examples/" not in visitor.get("/").text


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
