"""The shape of the house, read from the source: what each part may import, and how large it is."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import get_args

import pytest

from duree.recipe.recipe import Recipe

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "duree"
FILES = sorted(SOURCE.rglob("*.py"))

# A part imports only from those above it, and from itself.
ORDER = [
    "errors",
    "version",
    "results",
    "recipe",
    "storage",
    "tables",
    "evaluation",
    "sequences",
    "network",
    "baselines",
    "report",
    "explain",
    "training",
    "tasks",
    "pipeline",
    "workflow",
    # Those who use it.
    "estimators",
    "serving",
    "cli",
    "__main__",
]
WITHOUT_TORCH = {
    "errors",
    "results",
    "recipe",
    "storage",
    "tables",
    "evaluation",
    "sequences",
    "report",
}
# These speak in the interface of a declared package, which cannot be installed without them.
COMES_WITH = {
    "joblib": "scikit-learn",
    "markupsafe": "jinja2",
    "narwhals": "scikit-learn",
    "pydantic_core": "pydantic",
    "scipy": "scikit-learn",
    "starlette": "fastapi",
}
TASKS = set(get_args(get_args(Recipe.model_fields["task"].annotation)[0]))


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def part(file: Path) -> str:
    """The folder under ``duree`` that a file lies in, or the file's own name."""
    return file.relative_to(SOURCE).with_suffix("").parts[0]


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported, also within functions."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: import by the full name"
            for name in node.names:
                yield node.lineno, f"{node.module}.{name.name}"


def parts_imported(file: Path) -> Iterator[tuple[int, str]]:
    """Line and part of every import from duree; ``from duree import __version__`` is nobody's."""
    for line, name in imports(file):
        first, _, rest = name.partition(".")
        if first == "duree" and rest and rest != "__version__":
            yield line, rest.partition(".")[0]


def compares_task(node: ast.AST) -> bool:
    """Whether a node asks which kind of question it is (``task is None`` does not)."""
    if isinstance(node, ast.MatchValue):
        sides = [node.value]
    elif isinstance(node, ast.Compare) and not isinstance(node.ops[0], ast.Is | ast.IsNot):
        sides = [node.left, *node.comparators]
    else:
        return False
    several = [side for side in sides if isinstance(side, ast.Tuple | ast.List | ast.Set)]
    inner = [*sides, *(element for side in several for element in side.elts)]
    literals = {side.value for side in inner if isinstance(side, ast.Constant)}
    names = {side.id for side in sides if isinstance(side, ast.Name)}
    names |= {side.attr for side in sides if isinstance(side, ast.Attribute)}
    return bool(literals & TASKS) or "task" in names


def test_every_part_has_its_place_in_the_order():
    assert {part(file) for file in FILES} - {"__init__"} <= set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_a_part_imports_only_from_those_above_it(name):
    allowed = ORDER[: ORDER.index(name) + 1]
    against = [
        f"{file.relative_to(SOURCE)}:{line} imports {other}"
        for file in FILES
        if part(file) == name
        for line, other in parts_imported(file)
        if other not in allowed
    ]
    assert against == []


def test_tables_and_sequences_know_nothing_of_torch():
    against = [
        f"{file.relative_to(SOURCE)}:{line}"
        for file in FILES
        if part(file) in WITHOUT_TORCH
        for line, name in imports(file)
        if name.partition(".")[0] == "torch"
    ]
    assert against == []


def test_only_a_task_asks_what_kind_of_question_it_is():
    against = [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for file in FILES
        if part(file) != "tasks"
        for node in ast.walk(tree(file))
        if compares_task(node)
    ]
    assert against == []


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        ("if task == 'classify': pass", True),
        ("if recipe.task == name: pass", True),
        ("x = kind in ('regress', 'other')", True),
        ("match kind:\n case 'multilabel': pass", True),
        ("if task is None: pass", False),
        ("if kind == 'text': pass", False),
        ("if frame.col('label') > 1: pass", False),
    ],
)
def test_the_question_after_the_task_is_recognised(code, asks):
    assert any(compares_task(node) for node in ast.walk(ast.parse(code))) == asks


def test_no_file_has_400_lines():
    lengths = {str(file.relative_to(SOURCE)): len(file.read_bytes().splitlines()) for file in FILES}
    assert {file: length for file, length in lengths.items() if length >= 400} == {}


def test_every_file_says_what_it_is_for():
    silent = [file for file in FILES if file.stat().st_size and not ast.get_docstring(tree(file))]
    assert silent == []


def test_every_imported_package_is_declared_and_the_core_has_at_most_ten():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core, *extras = (
        {re.split(r"[<>=!~\[; ]", line)[0].lower().replace("_", "-") for line in lines}
        for lines in (project["dependencies"], *project["optional-dependencies"].values())
    )
    assert len(core) <= 10
    imported = {name.partition(".")[0] for file in FILES for _, name in imports(file)}
    imported -= {"duree", *sys.stdlib_module_names}
    distributions = packages_distributions()
    owners = (COMES_WITH.get(name, distributions.get(name, [name])[0]) for name in imported)
    needed = {owner.lower().replace("_", "-") for owner in owners}
    assert needed <= core.union(*extras)
    assert core <= needed


@pytest.mark.parametrize(("package", "owner"), COMES_WITH.items())
def test_what_is_not_declared_comes_with_what_is(package, owner):
    lines = [line for line in requires(owner) or [] if "extra ==" not in line]
    names = {re.split(r"[<>=!~; ]", line)[0].lower().replace("-", "_") for line in lines}
    assert package in names
