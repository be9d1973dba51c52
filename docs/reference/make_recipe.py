"""Write recipe.md, the reference of all settings, from the Recipe itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from duree.recipe.recipe import Recipe
from duree.recipe.settings import Section

PAGE = Path(__file__).with_name("recipe.md")
INTRODUCTION = """\
# All settings of a recipe

<!-- Written by make_recipe.py from settings.py: change it there, then run `make docs`. -->

A recipe is every choice of one run. Give one with `duree fit --recipe FILE`, or a single setting
with `--set NAME=VALUE` (`--set model.hidden_size=128`; the short name does where it is the only
one). Flags win over the file, `--set` wins over flags. Each run folder holds its whole recipe as
`recipe.toml`, defaults included; a setting that is misspelt is refused, and the nearest one named.
"""


def main() -> None:
    """Write the page beside this file."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join([INTRODUCTION, *_table("Top level", Recipe), *_sections()])


def _sections() -> Iterator[str]:
    for name, field in Recipe.model_fields.items():
        if _is_section(field):
            yield from _table(f"[{name}]", field.annotation)


def _table(title: str, section: type[Section]) -> Iterator[str]:
    yield from (f"## {title}", "", "| setting | default | meaning |", "|---|---|---|")
    for name, field in section.model_fields.items():
        if not _is_section(field):
            yield f"| `{name}` | `{_default(field)}` | {_cell(field)} |"
    yield ""


def _default(field: FieldInfo) -> str:
    """The default as one would write it after ``=``."""
    value = field.default
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return str(list(value))
    return repr(value).replace("'", '"')


def _cell(field: FieldInfo) -> str:
    """What the setting means, and what it may be."""
    meaning = (field.description or "").replace("|", "\\|")
    kinds = [getattr(kind, "__args__", None) for kind in (field.annotation, *_members(field))]
    words = [word for kind in kinds if kind for word in kind if isinstance(word, str)]
    choices = f" One of {', '.join(f'`{word}`' for word in words)}." if words else ""
    bounds = " and ".join(f"{sign} {value:g}" for sign, value in _bounds(field))
    return meaning + choices + (f" Must be {bounds}." if bounds else "")


def _members(field: FieldInfo) -> tuple[object, ...]:
    """The kinds of a setting that may be of several, such as a text or none."""
    return tuple(getattr(field.annotation, "__args__", ()))


def _bounds(field: FieldInfo) -> Iterator[tuple[str, float]]:
    for rule in field.metadata:
        for name, sign in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤")):
            if (value := getattr(rule, name, None)) is not None:
                yield sign, value


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, Section)


if __name__ == "__main__":
    main()
