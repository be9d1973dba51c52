"""The documentation is true: generated pages are current, and everything that pages name exists."""

from __future__ import annotations

import ast
import importlib
import re
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from duree.cli.commands import cli
from duree.recipe.flags import parse_setting
from duree.recipe.recipe import Recipe, setting_names

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "duree"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
RECIPE = ROOT / "docs" / "reference" / "recipe.md"
SECTIONS = {name.partition(".")[0] for name in setting_names() if "." in name}
# Pages whose purpose includes the names of earlier versions.
HISTORY = {"CHANGELOG.md", "glossary.md"}
FORMER_PATHS = {"duree.pictures", "duree.explain.memory"}
FORMER_PATHS |= {"duree.typology.matching", "duree.typology.partition"}
FORMER_FILES = {"further.json", "waits.json", "beside.json"}
# Files that users name themselves.
USER_FILES = {"model.md", "types.html", "types.parquet"}
# Options of Docker.
FOREIGN_OPTIONS = {"--build-arg", "--publish", "--rm", "--signal", "--tag", "--user", "--volume"}


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code(text: str) -> str:
    """Everything in a page that is set as code: in backticks, indented or fenced."""
    inline = re.findall(r"`([^`\n]+)`", text)
    blocks = re.findall(r"^ {4}.*$", text, re.M) + re.findall(r"```\w*\n(.*?)```", text, re.S)
    return "\n".join([*inline, *blocks])


def exists(dotted: str) -> bool:
    """Whether a dotted path is a module, or an attribute of one."""
    names = dotted.split(".")
    for end in range(len(names), 0, -1):
        try:
            found = importlib.import_module(".".join(names[:end]))
        except ModuleNotFoundError:
            continue
        for name in names[end:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def imported(text: str) -> Iterator[str]:
    """Dotted paths of the names that examples import from duree."""
    for module, names in re.findall(r"^ *from (duree[\w.]*) import ([\w, ]+)", text, re.M):
        yield from (f"{module}.{name.strip()}" for name in names.split(","))


def options() -> set[str]:
    """All options of the command line."""
    commands = [cli, *cli.commands.values()]
    parameters = [one for command in commands for one in command.params]
    return {name for one in parameters if isinstance(one, click.Option) for name in one.opts}


def benchmark_options() -> set[str]:
    scripts = ROOT.glob("benchmarks/*.py")
    return {name for file in scripts for name in re.findall(r'"(--[a-z-]+)"', read(file))}


def sources() -> str:
    """Python source and templates, which name every file that Durée writes."""
    files = [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html")]
    return "\n".join(read(file) for file in files)


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


each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@each_page
def test_every_python_path_that_is_named_exists(page):
    text = read(page)
    dotted = set(re.findall(r"\bduree(?:\.[A-Za-z_]\w*)+", text)) | set(imported(text))
    dotted -= FORMER_PATHS if page.name in HISTORY else set()
    assert sorted(name for name in dotted if not exists(name)) == []


@each_page
def test_every_option_that_is_named_exists(page):
    known = options() | benchmark_options() | FOREIGN_OPTIONS
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", code(read(page))))
    assert sorted(named - known) == []


@each_page
def test_every_setting_that_is_named_exists(page):
    text = read(page)
    files = r"\.(?:py|md|json|toml|onnx)$"
    dotted = re.findall(rf"`((?:{'|'.join(SECTIONS)})\.[a-z_]+)(?:`| =)", text)
    wrong = {name for name in dotted if not re.search(files, name)} - set(setting_names())
    assert sorted(wrong) == []
    for name in set(re.findall(r"--set\s+([\w.]+)=", text)) - {"NAME"}:
        parse_setting(f"{name}=1")


def test_every_name_that_a_benchmark_imports_exists():
    wanted = [
        (file.name, f"{node.module}.{name.name}")
        for file in sorted(ROOT.glob("benchmarks/*.py"))
        for node in ast.walk(ast.parse(read(file)))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("duree")
        for name in node.names
    ]
    assert [(file, name) for file, name in wanted if not exists(name)] == []


def test_every_file_that_is_named_exists():
    endings = "cff|cpp|h|html|json|jsonl|md|onnx|parquet|png|py|toml|txt"
    found = {
        name for page in PAGES for name in re.findall(rf"`([\w./-]+\.(?:{endings}))`", read(page))
    }
    text = sources()
    missing = {name for name in found if not is_a_file(name) and name not in text}
    assert sorted(missing - FORMER_FILES - USER_FILES) == []


def is_a_file(name: str) -> bool:
    """Whether a file of the repository ends in this path."""
    places = ("", "src/", "src/duree/", "benchmarks/", "docs/", "src/duree/network/kernels/")
    return any((ROOT / place / name).exists() for place in places)


def test_every_package_is_described_in_contributing():
    text = read(ROOT / "CONTRIBUTING.md")
    rooms = {path.name + "/" * path.is_dir() for path in SOURCE.iterdir()}
    rooms -= {"__init__.py", "__main__.py", "__pycache__/", "py.typed"}
    assert sorted(room for room in rooms if f"`{room}`" not in text) == []
    named = re.findall(r"^\| (`.+?`) \|", text, re.M)
    assert {name for cell in named for name in re.findall(r"`(.+?)`", cell)} <= rooms


def test_recipes_that_are_shipped_are_valid():
    for file in ROOT.glob("recipes/*.toml"):
        Recipe.read(file)


def test_the_installed_command_exists():
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    module, _, function = project["scripts"]["duree"].partition(":")
    assert exists(f"{module}.{function}")
