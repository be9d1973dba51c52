"""The shape of the house, read from the source: what each part may import, and how large it is."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "duree"
FILES = sorted(SOURCE.rglob("*.py"))

# A part imports only from those above it, and from itself.
ORDER = [
    "errors",
    "version",
    "forked",
    "results",
    "recipe",
    "storage",
    "tables",
    "evaluation",
    "inference",
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
    "examples",
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
# Imported for the interface of a declared package, which cannot be installed without them.
COMES_WITH = {
    "fontTools": "matplotlib",
    "joblib": "scikit-learn",
    "markupsafe": "jinja2",
    "narwhals": "scikit-learn",
    "pydantic_core": "pydantic",
    "scipy": "scikit-learn",
    "starlette": "fastapi",
}
# Names of tasks and of layouts, which only their own packages may compare with.
TASKS = {"classify", "forecast", "label", "multilabel", "next", "regress"}
LAYOUTS = {"spells", "numeric_series", "forecast_origins"}
# Words that are layouts too, but mean other things elsewhere: refused where a layout is compared.
COMMON = {"texts", "states", "events", "tokens"}
OWN_ROOMS = ("tasks/", "tables/layouts/")
# Words for what a person may type, by which pages once asked for a layout.
TYPED = {"text", "sentence", "series"}
# What shows runs: it asks tasks, layouts and served rows, and never which one it has.
SHOWS = ("serving/", "cli/", "report/", "workflow.py")
# Classes whose subclasses nobody asks for there.
KINDS = {"Task", "Layout", "ServedRows"}
# Settings that only the layout knows how to read, and files in which it describes itself.
COLUMNS = {"text", "states", "state", "start", "end", "event", "attribute", "series", "covariate"}
COLUMNS |= {"token", "time", "id", "label_separator"}
FACTS = {"channels.json", "states.json", "forecasts.json", "tags.json", "explanations.json"}
# Attributes that stood for a task or a layout in earlier versions.
FLAGS = {
    "is_forecast",
    "keeps_format",
    "reads_states",
    "reads_numbers",
    "reads_columns",
    "reads_tokens",
    "has_long_rows",
    "of_series",
    "each_step",
    "answers_steps",
    "is_multilabel",
}


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
    """Line and part of every import from duree; ``from duree import __version__`` has none."""
    for line, name in imports(file):
        first, _, rest = name.partition(".")
        if first == "duree" and rest and rest != "__version__":
            yield line, rest.partition(".")[0]


def literals(node: ast.AST) -> set[object]:
    """The constants of a literal, and of the elements or keys of a collection."""
    match node:
        case ast.Constant(value=value):
            return {value}
        case ast.Tuple(elts=inner) | ast.List(elts=inner) | ast.Set(elts=inner):
            return {one.value for one in inner if isinstance(one, ast.Constant)}
        case ast.Dict(keys=keys):
            return {key.value for key in keys if isinstance(key, ast.Constant)}
    return set()


def last_name(node: ast.AST) -> str:
    """``layout`` of ``layout``, ``model.layout`` and ``model.layout.name``."""
    if isinstance(node, ast.Attribute) and node.attr == "name":
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def asks_which(node: ast.AST) -> bool:
    """Whether a node asks which task or layout it has (``task is None`` does not)."""
    match node:
        case ast.Compare(ops=[ast.Is() | ast.IsNot(), *_]):
            return False
        case ast.Compare(left=left, comparators=others):
            sides = [left, *others]
        case ast.MatchValue(value=value):
            sides = [value]
        case ast.Tuple() | ast.List() | ast.Set() | ast.Dict():
            return len(literals(node) & (TASKS | LAYOUTS)) > 1  # a set of them
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, kinds]):
            names = {last_name(kind) for kind in ast.walk(kinds)}
            return any(name.endswith(("Encoder", "Layout", "Task")) for name in names)
        case (
            ast.Attribute(attr=name)
            | ast.FunctionDef(name=name)
            | ast.arg(arg=name)
            | ast.keyword(arg=name)
        ):
            return name in FLAGS
        case _:
            return False
    found = set().union(*map(literals, sides))
    names = {last_name(side) for side in sides}
    return bool(
        found & (TASKS | LAYOUTS) or "task" in names or ("layout" in names and found & COMMON)
    )


@cache
def kinds() -> set[str]:
    """The names of all tasks, layouts and served rows."""
    classes = [node for file in FILES for node in ast.walk(tree(file))]
    classes = [node for node in classes if isinstance(node, ast.ClassDef)]
    found = set(KINDS)
    while (
        more := {one.name for one in classes if found & {base_name(base) for base in one.bases}}
        - found
    ):
        found |= more
    return found


def base_name(node: ast.AST) -> str:
    """``ServedRows`` of ``ServedRows[str]``."""
    return last_name(node.value if isinstance(node, ast.Subscript) else node)


def asks_for_class(node: ast.AST, names: set[str]) -> bool:
    """Whether a node asks of which of these classes an object is."""
    match node:
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, given]):
            return bool(names & {last_name(kind) for kind in ast.walk(given)})
        case ast.MatchClass(cls=given):
            return last_name(given) in names
        case ast.Compare(left=left, comparators=others):
            sides = {last_name(side) for side in (left, *others)}
            return bool(sides & names)
    return False


def reads_columns(node: ast.AST) -> bool:
    """Whether a node reads a setting, or looks for a file, that only some layouts have."""
    match node:
        case ast.Attribute(attr=name, value=data):
            return name in COLUMNS and last_name(data) == "data"
        case ast.Constant(value=str(name)):
            return name in FACTS
    return False


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


def test_only_tasks_and_layouts_compare_with_their_names():
    against = [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for file in FILES
        if not str(file.relative_to(SOURCE)).startswith((*OWN_ROOMS, "sequences/"))
        for node in ast.walk(tree(file))
        if asks_which(node)
    ]
    assert against == []


def test_what_shows_runs_does_not_ask_for_the_class_of_a_task_a_layout_or_rows():
    names = kinds()
    against = [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for file in FILES
        if str(file.relative_to(SOURCE)).startswith(SHOWS)
        for node in ast.walk(tree(file))
        if asks_for_class(node, names)
    ]
    assert against == []


def test_the_studio_and_the_command_line_read_no_columns_of_some_layouts_alone():
    against = [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for file in FILES
        if str(file.relative_to(SOURCE)).startswith(("serving/studio/", "cli/"))
        for node in ast.walk(tree(file))
        if reads_columns(node)
    ]
    assert against == []


def asks_in_template(tag: str) -> bool:
    """Whether a template's tag asks which task or layout it shows."""
    flags = re.compile(
        rf"\b({'|'.join(FLAGS)})\b|\bdata\.classes\b|recipe\.data\b"
        rf"|(==|!=| in ).*\b({'|'.join(TASKS)})\b"
        rf"|(==|!=|\bin\b).*[\"']({'|'.join(TYPED | COMMON | LAYOUTS)})[\"']"
    )
    plain = re.sub(r"\"[^\"]*\"", lambda text: "" if " " in text[0] else text[0], tag)
    return flags.search(plain) is not None


def test_no_template_asks_which_task_or_layout_it_shows():
    against = [
        f"{file.relative_to(SOURCE)}: {tag}"
        for kind in ("*.html", "*.md")
        for file in SOURCE.rglob(kind)
        for tag in re.findall(r"{%.*?%}|{{.*?}}", file.read_text(encoding="utf-8"), re.DOTALL)
        if asks_in_template(tag)
    ]
    assert against == []


@pytest.mark.parametrize(
    ("tag", "asks"),
    [
        ("{% if kind == 'states' and run.covariates %}", True),
        ('{{ 6 if kind == "series" else 3 }}', True),
        ('{{ t("probability") if data.classes else t("error") }}', True),
        ("{% for name in run.recipe.data.covariate %}", True),
        ("{% if reads_numbers %}", True),
        ('{% if model.task in ("next", "label") %}', True),
        ("{% for text in texts %}", False),
        ('{% if field.kind == "column" %}', False),
        ('{{ t("the states in the table") }}', False),
    ],
)
def test_the_question_is_recognised_in_templates(tag, asks):
    assert asks_in_template(tag) == asks


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        ("if isinstance(rows, Sentences): pass", True),
        ("if isinstance(rows, served.Rows | SeriesRows): pass", True),
        ("if isinstance(dataset.layout, ForecastOrigins): pass", True),
        ("if type(layout) is Tokens: pass", True),
        ("if layout.name == Tokens.name: pass", True),
        ("if isinstance(model.task, Label): pass", True),
        ("match rows:\n case Numbers(): pass", True),
        ("named = recipe.data.states", True),
        ("if data.event: pass", True),
        ("if run.has('channels.json'): pass", True),
        ("if isinstance(error, HTTPException): pass", False),
        ("OTHERS = {Tokens: Sentences}", False),
        ("files = recipe.data.files", False),
    ],
)
def test_the_question_for_a_class_or_a_column_is_recognised(code, asks):
    names = kinds()
    found = (
        asks_for_class(node, names) or reads_columns(node) for node in ast.walk(ast.parse(code))
    )
    assert any(found) == asks


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        ("if task == 'classify': pass", True),
        ("if recipe.task == name: pass", True),
        ("if model.task.name == name: pass", True),
        ("x = kind in ('regress', 'other')", True),
        ("match kind:\n case 'multilabel': pass", True),
        ("SERIES = {'forecast', 'next'}", True),
        ("WATCHED = {'label': 1, 'next': 2}", True),
        ("if layout.name == 'texts': pass", True),
        ("if rows == 'spells': pass", True),
        ("if model.reads_states: pass", True),
        ("def of_series(recipe): pass", True),
        ("render(reads_numbers=True)", True),
        ("if isinstance(model.encoder, TextEncoder): pass", True),
        ("if isinstance(encoder, TextEncoder | sequences.StateEncoder): pass", True),
        ("if task is None: pass", False),
        ("if kind == 'text': pass", False),
        ("if isinstance(network, JoinedModel): pass", False),
        ("if frame.col('label') > 1: pass", False),
        ("COLUMNS = ('label', 'text')", False),
    ],
)
def test_a_comparison_of_a_task_or_layout_is_recognised(code, asks):
    assert any(asks_which(node) for node in ast.walk(ast.parse(code))) == asks


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
def test_undeclared_packages_come_with_declared_ones(package, owner):
    lines = [line for line in requires(owner) or [] if "extra ==" not in line]
    names = {re.split(r"[<>=!~; ]", line)[0].lower().replace("-", "_") for line in lines}
    assert package.lower() in names
