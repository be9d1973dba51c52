"""The studio asks for names of classes, one for each value of the target."""

from __future__ import annotations

import re

import polars as pl
import pytest
from tests.support.letters import letters
from tests.support.studio import Visitor

from duree.pipeline.run import Run

CHOSEN = {"part": "whole", "rows": "texts", "text": "letter", "target": "tone"}
NAMED = CHOSEN | {"class_names tone 0": "差评", "class_names tone 1": " 好评 "}


@pytest.fixture
def address(visitor: Visitor) -> str:
    codes = pl.col("tone").replace_strict({"bad": "0", "good": "1"})
    other = pl.col("tone").alias("mood")
    table = letters(120).select("letter", codes, other, "warmth")
    return visitor.table("letters.csv", table.write_csv().encode())


def asked(page: str) -> list[tuple[str, str]]:
    """The labels and names of the fields for names of classes."""
    return re.findall(r'<label for="class-\d+">(.*?) =</label> <input id=.*? name="(.*?)"', page)


def test_each_value_of_the_chosen_target_may_get_a_name(visitor: Visitor, address: str) -> None:
    def page(target: str) -> str:
        chosen = CHOSEN | {"target": target}
        return visitor.get(f"{address}/class-names", params=chosen).text

    assert asked(page("tone")) == [("0", "class_names tone 0"), ("1", "class_names tone 1")]
    assert '<details class="names" open>' in page("tone")
    assert asked(page("mood")) == [
        ("bad", "class_names mood bad"),
        ("good", "class_names mood good"),
    ]
    assert '<details class="names">' in page("mood")  # such values need no names
    # Only this block is replaced when another target is chosen, not all fields.
    assert (
        'change from:#target" hx-include="#choices" hx-target="this"' in visitor.get(address).text
    )
    for target in ("warmth", "letter", ""):
        assert asked(page(target)) == []


def test_a_target_of_numbers_to_predict_has_no_names(visitor: Visitor, address: str) -> None:
    chosen = NAMED | {"task": "regress"}
    assert asked(visitor.get(f"{address}/form", params=chosen).text) == []
    assert "class_names" not in visitor.get(f"{address}/checks", params=chosen).text


def test_the_checks_and_the_recipe_have_the_names(
    visitor: Visitor, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duree.serving.studio.worker.Workers.start", lambda *_: None)
    assert "&#39;差评&#39;" in visitor.get(f"{address}/checks", params=NAMED).text
    assert visitor.post(f"{address}/runs", data=NAMED | {"name": "run"}).status_code == 303
    names = Run(visitor.folder / "run").recipe.data.class_names
    assert names == {"0": "差评", "1": "好评"}


def test_names_of_another_target_are_not_used(visitor: Visitor, address: str) -> None:
    checks = visitor.get(f"{address}/checks", params=NAMED | {"target": "mood"}).text
    assert "&#39;good&#39;" in checks
    assert "好评" not in checks


def test_classes_with_one_name_are_refused_and_what_was_typed_stays(
    visitor: Visitor, address: str
) -> None:
    same = NAMED | {"class_names tone 1": "差评"}
    answer = visitor.post(f"{address}/runs", data=same)
    assert answer.status_code == 422
    assert "the same name &#39;差评&#39;" in answer.text
    assert answer.text.count('value="差评"') == 2


def test_a_message_calls_the_option_by_the_title_on_the_page(
    visitor: Visitor, address: str
) -> None:
    chosen = CHOSEN | {"class_names tone 7": "odd"}
    assert (
        "“Names of the classes” gives names to"
        in visitor.get(f"{address}/checks", params=chosen).text
    )
