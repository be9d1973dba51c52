"""The documentation is true: generated pages are current, links lead somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from duree.recipe.recipe import setting_names

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
RECIPE = ROOT / "docs" / "reference" / "recipe.md"


def test_the_reference_of_the_recipe_is_current():
    script = runpy.run_path(str(RECIPE.with_name("make_recipe.py")))
    assert RECIPE.read_text(encoding="utf-8") == script["page"](), "run: make docs"


def test_the_reference_of_the_recipe_has_every_setting():
    text = RECIPE.read_text(encoding="utf-8")
    short = {name.rpartition(".")[2] for name in setting_names()}
    assert {name for name in short if f"| `{name}` |" not in text} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    files = [target for target in targets if "://" not in target]
    assert [target for target in files if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"])
def test_every_make_command_that_is_named_exists(name):
    rules = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"make ([a-z]+)", (ROOT / name).read_text(encoding="utf-8")))
    assert named
    assert named <= rules
