"""Every message has its Chinese translation, and a value for each placeholder."""

from __future__ import annotations

import ast
import string
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from duree import errors
from duree.errors import DureeError, ExtraError

SOURCE = Path(__file__).parents[2] / "src" / "duree"
# Position of the templates among the arguments, and their names.
ERROR = {0: "what", 1: "where", 2: "fix"}
FINDING = {2: "what", 3: "fix"}
TRANSLATE = {0: "template"}
# The values of an ExtraError go into templates of its own.
TEMPLATE_ARGUMENTS = {
    kind.__name__: ERROR
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, DureeError) and kind is not ExtraError
} | {
    "NotFoundError": ERROR,
    "Finding": FINDING,
    "translate": TRANSLATE,
    "Contradiction": TRANSLATE,
    "Fault": TRANSLATE,
    "Phrase": TRANSLATE,
}


@dataclass(frozen=True)
class MessageCall:
    """One call that takes templates: its position, its templates, and their values.

    ``whole`` is False where more values may come than can be read from the call.
    """

    place: str
    templates: tuple[str, ...]
    values: set[str]
    whole: bool
    formatted_early: bool


def message_calls(file: Path) -> Iterator[MessageCall]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or not (places := template_places(call, file)):
            continue
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        nodes = [call.args[place] for place in places if place < len(call.args)]
        nodes += [keywords.pop(name) for name in places.values() if name in keywords]
        values, whole = error_values(keywords) if places is ERROR else in_finding(call)
        yield MessageCall(
            f"{file.relative_to(SOURCE)}:{call.lineno}",
            tuple(text for node in nodes for text in literals(node, tree)),
            values,
            whole,
            any(isinstance(node, ast.JoinedStr) for outer in nodes for node in ast.walk(outer)),
        )


def template_places(call: ast.Call, file: Path) -> dict[int, str]:
    """Which arguments of a call are templates; none, for most calls."""
    match call.func:
        case ast.Name(id=name):
            return TEMPLATE_ARGUMENTS.get(name, {})
        case ast.Attribute(attr="__init__") if file.name == "errors.py":
            return ERROR
    return {}


def error_values(keywords: dict[str | None, ast.expr]) -> tuple[set[str], bool]:
    """The names of an error's values, and whether these are all."""
    return {name for name in keywords if name}, None not in keywords


def in_finding(call: ast.Call) -> tuple[set[str], bool]:
    """The same for a finding, whose values are one dictionary."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}.get(
        "values", ast.Dict([], [])
    )
    given = call.args[4] if len(call.args) > 4 else given
    if not isinstance(given, ast.Dict) or ast.unparse(call.func) != "Finding":
        return set(), False
    names = {key.value for key in given.keys if isinstance(key, ast.Constant)}
    # A template that goes by a name may be another one, from another function of the file.
    is_plain = all(isinstance(argument, ast.Constant) for argument in call.args[2:4])
    return names, is_plain and len(names) == len(given.keys)


def literals(node: ast.expr, tree: ast.Module) -> Iterator[str]:
    """The texts that an expression may stand for, through names and choices."""
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.IfExp():
            yield from literals(node.body, tree)
            yield from literals(node.orelse, tree)
        case ast.BinOp(op=ast.Add()):
            for left in literals(node.left, tree):
                yield from (left + right for right in literals(node.right, tree))
        case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name):
            for value in assigned(name, tree):
                yield from literals(value, tree)
        case ast.Dict() | ast.Tuple() | ast.List():
            for value in node.values if isinstance(node, ast.Dict) else node.elts:
                yield from literals(value, tree)


def assigned(name: str, tree: ast.Module) -> Iterator[ast.expr]:
    """Everything that is assigned to a name in a file, also as one of several names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            targets, value = [node.target], node.value
        elif isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        else:
            continue
        for target in targets:
            match target, value:
                case ast.Name(id=found), ast.expr() if found == name:
                    yield value
                case ast.Tuple(elts=names), ast.Tuple(elts=values):
                    yield from (
                        given
                        for one, given in zip(names, values, strict=False)
                        if isinstance(one, ast.Name) and one.id == name
                    )


def catalogue() -> list[tuple[str, str, str]]:
    """File, English and Chinese of every entry."""
    return [
        (file.name, row["en"], row["zh"])
        for file in sorted((SOURCE / "languages" / "zh").glob("*.toml"))
        for row in tomllib.loads(file.read_text(encoding="utf-8"))["message"]
    ]


def placeholders(template: str) -> Counter[tuple[str, str, str]]:
    """What a template names, how often, with conversion and format."""
    return Counter(
        (name, conversion or "", form or "")
        for _, name, form, conversion in string.Formatter().parse(template)
        if name is not None
    )


def names(template: str) -> set[str]:
    return {name.partition(".")[0].partition("[")[0] for name, _, _ in placeholders(template)}


def listed(lines: Iterable[str]) -> str:
    return "\n".join(["", *sorted(lines)])


CALLS = [found for file in sorted(SOURCE.rglob("*.py")) for found in message_calls(file)]


def test_every_template_has_its_chinese_twin():
    known = {english for _, english, _ in catalogue()}
    missing = {
        f"{found.place}: {template}"
        for found in CALLS
        for template in found.templates
        if template not in known
    }
    assert not missing, listed(missing)


def test_the_catalogue_holds_no_unused_entry():
    used = {template for found in CALLS for template in found.templates}
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
    pages = "".join(file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.html*"))
    stale = [
        f"{file}: {english}"
        for file, english, _ in catalogue()
        if english not in used and english not in pages
    ]
    assert not stale, listed(stale)


def test_both_languages_name_the_same_values():
    unlike = [
        f"{file}: {english}"
        for file, english, chinese in catalogue()
        if placeholders(english) != placeholders(chinese)
    ]
    assert not unlike, listed(unlike)


def test_no_template_has_two_chinese_twins():
    twins: dict[str, set[str]] = {}
    for _, english, chinese in catalogue():
        twins.setdefault(english, set()).add(chinese)
    assert {english for english, found in twins.items() if len(found) > 1} == set()


def test_every_chinese_message_is_chinese():
    wordless = [
        chinese
        for _, _, chinese in catalogue()
        if not any("\u4e00" <= character <= "\u9fff" for character in chinese)
    ]
    assert wordless == []


def test_every_placeholder_has_a_value():
    lacking = {
        f"{found.place}: {name}"
        for found in CALLS
        if found.whole
        for template in found.templates
        for name in names(template) - found.values
    }
    assert not lacking, listed(lacking)


def test_no_template_is_formatted_before_it_is_translated():
    assert [found.place for found in CALLS if found.formatted_early] == []


@pytest.mark.parametrize(("language", "word"), [("en", "needs"), ("zh", "需要")])
def test_an_error_message_is_in_the_requested_language(language, word):
    assert word in ExtraError("jieba", "chinese", "duree").message(language)
