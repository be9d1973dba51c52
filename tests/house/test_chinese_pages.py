"""The Chinese pages say what the English ones say: same headings, commands, tables and links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
# Generated, or in both languages already.
IN_ONE_LANGUAGE = {"reference/recipe.md", "glossary.md"}
PAGES = sorted(
    str(page.relative_to(DOCS))
    for page in DOCS.rglob("*.md")
    if "zh" not in page.relative_to(DOCS).parts
)
TRANSLATED = [page for page in PAGES if page not in IN_ONE_LANGUAGE]


def pair(page: str) -> tuple[str, str]:
    """The English and the Chinese text of a page."""
    return tuple((DOCS / place / page).read_text(encoding="utf-8") for place in ("", "zh"))


def levels(text: str) -> list[int]:
    """The levels of the headings in their order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", without_code(text), re.M)]


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.S)


def commands(text: str) -> list[str]:
    """The lines that are set as code."""
    fenced = re.findall(r"```\w*\n(.*?)```", text, re.S)
    return [*re.findall(r"^ {4}(.*)$", text, re.M), *fenced]


def options(text: str) -> set[str]:
    """All options that a page names."""
    return set(re.findall(r"--[a-z][a-z-]+", text))


def rows_of_tables(text: str) -> list[int]:
    """The number of columns of each row of the tables."""
    return [line.count("|") for line in text.splitlines() if line.startswith("|")]


def test_every_page_has_a_chinese_one_and_no_other_exists() -> None:
    chinese = {str(page.relative_to(DOCS / "zh")) for page in (DOCS / "zh").rglob("*.md")}
    assert chinese == set(TRANSLATED)


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_have_the_same_headings_code_options_and_tables(page: str) -> None:
    english, chinese = pair(page)
    for part in (levels, commands, options, rows_of_tables):
        assert part(english) == part(chinese), part.__name__


@pytest.mark.parametrize("page", TRANSLATED)
def test_every_link_leads_to_a_page_or_heading(page: str) -> None:
    for place in ("", "zh"):
        file = DOCS / place / page
        for target in re.findall(r"\]\(([^)\s]+)\)", file.read_text(encoding="utf-8")):
            if target.startswith("http"):
                continue
            path, _, heading = target.partition("#")
            linked = file.parent / path if path else file
            assert linked.exists(), target
            assert not heading or heading in anchors(linked), target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", TRANSLATED)
def test_chinese_sentences_have_chinese_punctuation(page: str) -> None:
    prose = re.sub(r"`[^`]*`", "", without_code(pair(page)[1]))
    prose = re.sub(r"^ {4}.*$", "", prose, flags=re.M)
    assert re.findall(r"[\u4e00-\u9fff][,;:?!]", prose) == []
    assert re.findall(r"\d %", prose) == []
