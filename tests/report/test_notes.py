"""Notes of models are stored in English and shown in either language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import duree
from duree.report.notes import NOTES, retold
from duree.report.vocabulary import Words

SOURCE = Path(duree.__file__).parent


@pytest.mark.parametrize("template", NOTES)
def test_a_note_is_translated_into_chinese_with_its_figures(template: str) -> None:
    names = re.findall(r"\{(\w+)\}", template)
    values = {name: str(17 + place) for place, name in enumerate(names)}
    note = template.format(**values)
    assert retold(note, Words("en")) == note
    chinese = retold(note, Words("zh"))
    assert chinese != note
    assert all(value in chinese for value in values.values())


def test_a_note_of_another_version_stays_as_it_stands() -> None:
    assert retold("something else", Words("zh")) == "something else"


def test_every_note_is_one_that_is_made() -> None:
    code = "".join(
        file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py") if file.name != "notes.py"
    )
    for template in NOTES:
        fixed = max(re.split(r"\{\w+\}", template), key=len)
        words = [word for word in re.split(r"\W+", fixed) if word not in ("texts", "sequences")]
        assert all(word in code for word in words), fixed
