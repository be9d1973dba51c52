"""Recipe: every choice of one run, checked, and written as TOML that repeats it.

A recipe has five sections, in the order in which the workflow uses them: ``data``, ``text``,
``model``, ``training`` and ``evaluation``. Each setting states its own meaning, and ``to_toml``
prints that meaning above the value, so that the file is its own manual.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from duree.errors import DataError, RecipeError
from duree.recipe.settings import (
    NUMBER_DEFAULTS,
    NUMBERS,
    OF_ROWS,
    OF_SERIES,
    OF_WORDS,
    READS_TOKENS,
    STATES,
    TASK_DEFAULTS,
    TOKENS,
    VALUE,
    DataSettings,
    EvaluationSettings,
    ForecastSettings,
    ModelSettings,
    Section,
    TextSettings,
    TrainingSettings,
)


class Recipe(Section):
    """Every choice of one run.

    Raises
    ------
    RecipeError
        From ``build`` and ``read``: an unknown setting (with the nearest known one), a value out
        of range, or two that contradict each other; all faults are told together.
    """

    task: Literal["classify", "regress", "multilabel", "next", "forecast", "label"] | None = Field(
        None, description="The kind of question; none: found out from the target."
    )
    seed: int = Field(0, ge=0, description="The same recipe and seed give the same result.")
    data: DataSettings = DataSettings()
    text: TextSettings = TextSettings()
    forecast: ForecastSettings = ForecastSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()

    @model_validator(mode="after")
    def _reads_one_thing(self) -> Recipe:
        if self.data.reads_states and self.data.text not in (None, STATES):
            raise ValueError("data.text and states or events are both given: choose one")
        if self.data.covariate and not self.data.reads_states:
            raise ValueError("data.covariate goes with states or events: a text tells of itself")
        if self.data.reads_states != (self.text.segmenter == "states"):
            raise ValueError("text.segmenter = states goes with states or events, and only with it")
        return self

    @model_validator(mode="before")
    @classmethod
    def _section_of_version_0_1(cls, settings: Any) -> Any:
        """``judging`` is what version 0.1.0 called ``evaluation``."""
        if not isinstance(settings, Mapping) or "judging" not in settings:
            return settings
        section = _section(settings, "judging") | _section(settings, "evaluation")
        others = {name: value for name, value in settings.items() if name != "judging"}
        return {**others, "evaluation": section}

    @model_validator(mode="before")
    @classmethod
    def _tasks_have_their_own_defaults(cls, settings: Any) -> Any:
        if not isinstance(settings, Mapping):
            return settings
        own = TASK_DEFAULTS.get(str(settings.get("task")), {})
        return {**settings, **{name: own[name] | _section(settings, name) for name in own}}

    @model_validator(mode="after")
    def _series_are_forecast(self) -> Recipe:
        data, of_series = self.data, self.task is not None and {self.task} <= OF_SERIES
        if self.forecast.horizon and not of_series:
            raise ValueError("forecast.horizon goes with task = forecast: set it")
        if of_series and (data.text or data.reads_states):
            raise ValueError("a forecast reads data.series, and no text or states")
        if of_series and data.validation_file:
            raise ValueError("series are parted by time: leave data.validation_file out")
        if of_series and (data.group or data.weight):
            raise ValueError("a forecast takes no data.group and no data.weight")
        if data.series and (set(data.series) & {*self.forecast.past, *self.forecast.known}):
            raise ValueError("a column is among data.series and the forecast’s covariates too")
        return self

    @model_validator(mode="after")
    def _numbers_are_read_as_numbers(self) -> Recipe:
        data = self.data
        if not data.series or (self.task is not None and {self.task} <= OF_SERIES):
            return self
        if self.task is not None and not {self.task} <= OF_ROWS:
            raise ValueError(f"data.series does not go with task = {self.task}: leave one out")
        if data.text != NUMBERS or data.reads_states:
            raise ValueError("data.series and data.text or states are both given: choose one")
        if data.time and not data.id:
            raise ValueError(
                "with data.series and data.time each row is a moment: data.id must name of which "
                "series"
            )
        if named := ", ".join(name for name in OF_WORDS if not _is_usual(self, name)):
            raise ValueError(f"{named} has no meaning where numbers are read: leave it out")
        return self

    @model_validator(mode="before")
    @classmethod
    def _numbers_have_their_own_defaults(cls, settings: Any) -> Any:
        if not isinstance(settings, Mapping) or {settings.get("task")} <= OF_SERIES:
            return settings
        if not _section(settings, "data").get("series"):
            return settings
        own = {name: of | _section(settings, name) for name, of in NUMBER_DEFAULTS.items()}
        own["data"]["text"] = own["data"]["text"] or NUMBERS
        return {**settings, **own}

    @model_validator(mode="before")
    @classmethod
    def _what_is_forecast_has_a_name(cls, settings: Any) -> Any:
        if not isinstance(settings, Mapping):
            return settings
        data = _section(settings, "data")
        if not {settings.get("task")} <= OF_SERIES:
            return settings
        series = tuple(data.get("series") or ())
        single = len(series) == 1 and not set(series[0]) & set(":*?[")
        target = data.get("target") or (series[0] if single else VALUE)
        return {**settings, "data": data | {"target": target}}

    @model_validator(mode="before")
    @classmethod
    def _tags_are_given_to_tokens(cls, settings: Any) -> Any:
        if not isinstance(settings, Mapping):
            return settings
        data = _section(settings, "data")
        if not READS_TOKENS.get(str(settings.get("task")), False):
            if data.get("token"):
                raise ValueError("data.token goes with task = label, and only with it")
            return settings
        words = {"token": data.get("token") or data.get("text") or "auto", "text": TOKENS}
        return {**settings, "data": data | words}

    @model_validator(mode="after")
    def _tags_take_what_they_can_use(self) -> Recipe:
        if self.data.token is None:
            return self
        useless = {
            "training.class_weights": self.training.class_weights != "none",
            "data.weight": self.data.weight is not None,
        }
        if named := ", ".join(name for name, is_set in useless.items() if is_set):
            raise ValueError(f"{named} has no meaning where each word gets a tag: leave it out")
        return self

    @model_validator(mode="before")
    @classmethod
    def _states_are_read_as_states(cls, settings: Any) -> Any:
        if not isinstance(settings, Mapping):
            return settings
        if not any(_section(settings, "data").get(name) for name in ("states", "state", "event")):
            return settings
        text = {"segmenter": "states", "lowercase": False} | _section(settings, "text")
        if text["segmenter"] == "auto":
            text["segmenter"] = "states"
        data = _section(settings, "data")
        return {**settings, "text": text, "data": data | {"text": data.get("text") or STATES}}

    @classmethod
    def build(cls, settings: Mapping[str, Any]) -> Recipe:
        """Check plain nested settings and make a Recipe of them."""
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            faults = "; ".join(_explain(fault) for fault in error.errors())
            raise RecipeError(
                "the recipe has a fault: {faults}",
                fix="correct the setting; docs/reference/recipe.md lists them all",
                faults=faults,
            ) from None

    @classmethod
    def read(cls, path: Path | str, overrides: Mapping[str, Any] | None = None) -> Recipe:
        """Read a TOML recipe; ``overrides`` (dotted name to value) win over the file."""
        try:
            settings = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RecipeError(
                "there is no recipe {path!r}", fix="check the path", path=str(path)
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise RecipeError(
                "{path!r} is not a readable recipe: {reason}",
                fix="correct the line, or start from the recipe.toml of a run folder",
                path=str(path),
                reason=str(error),
            ) from None
        return cls.build(overlay(settings, overrides or {}))

    def replace(self, overrides: Mapping[str, Any]) -> Recipe:
        """A new recipe in which ``overrides`` (dotted name to value) hold."""
        return Recipe.build(overlay(self.model_dump(), overrides))

    def to_toml(self) -> str:
        """The whole recipe, defaults included, with the meaning of each setting above it."""
        lines = ["# A Durée recipe: `duree fit --recipe THIS_FILE` repeats the run.", ""]
        lines += _toml_lines(self)
        for name, section in _sections(self):
            lines += ["", f"# {(type(section).__doc__ or '').strip()}", f"[{name}]"]
            lines += _toml_lines(section)
        return "\n".join(lines) + "\n"


def setting_names() -> list[str]:
    """Every setting as a dotted name: ``seed``, ``model.hidden_size``, ..."""
    top = [name for name, field in Recipe.model_fields.items() if not _is_section(field)]
    return top + [
        f"{name}.{inner}"
        for name, field in Recipe.model_fields.items()
        if _is_section(field)
        for inner in field.annotation.model_fields  # type: ignore[union-attr]
    ]


def name_of_today(name: str) -> str:
    """A setting's name, also where version 0.1.0 called its section ``judging``."""
    return re.sub(r"^judging\.", "evaluation.", name)


def overlay(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = {k: dict(v) if isinstance(v, Mapping) else v for k, v in settings.items()}
    for name, value in overrides.items():
        section, dot, inner = name_of_today(name).partition(".")
        if dot:
            merged.setdefault(section, {})[inner] = value
        else:
            merged[section] = value
    return merged


def _explain(fault: ErrorDetails) -> str:
    """One fault in plain words, with the nearest setting where a name is unknown."""
    name = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{name} is not a setting ({nearest(name, setting_names())})"
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    return f"{name} = {fault['input']!r}: {fault['msg'].lower()}"


def nearest(name: str, known: list[str]) -> str:
    short = {full.rpartition(".")[2]: full for full in known} | {full: full for full in known}
    found = get_close_matches(name, short, n=1, cutoff=0.5) or get_close_matches(
        name.rpartition(".")[2], short, n=1, cutoff=0.5
    )
    return f"did you mean {short[found[0]]}?" if found else "see docs/reference/recipe.md"


def _section(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A section as plain settings, whatever it was given as."""
    section = settings.get(name) or {}
    return section.model_dump() if isinstance(section, Section) else dict(section)


def _is_usual(recipe: Recipe, name: str) -> bool:
    """Whether a setting is what it is, where numbers are read, unless the user sets it."""
    of, _, inner = name.partition(".")
    section: Section = getattr(recipe, of)
    usual = NUMBER_DEFAULTS[of].get(inner, type(section).model_fields[inner].default)
    return bool(getattr(section, inner) == usual)


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, Section)


def _sections(recipe: Recipe) -> Iterator[tuple[str, Section]]:
    for name in Recipe.model_fields:
        if isinstance(section := getattr(recipe, name), Section):
            yield name, section


def _toml_lines(section: Section) -> list[str]:
    lines = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            continue
        if field.description:
            lines.append(f"# {field.description}")
        # TOML has no null: a setting that is none is left to its default, which is none.
        lines.append(f"# {name} = none" if value is None else f"{name} = {_toml_value(value)}")
    return lines


def _toml_value(value: object) -> str:
    if isinstance(value, float) and not isinstance(value, bool):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def require_column(recipe: Recipe, name: str) -> str:
    """The column named by ``data.<name>``; DataError where the recipe leaves it out."""
    column = getattr(recipe.data, name)
    if column is None:
        raise DataError("no {name} column was named", fix="add --{name} COLUMN", name=name)
    return str(column)
