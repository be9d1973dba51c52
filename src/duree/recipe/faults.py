"""Faults: what is wrong with the settings of a recipe, as templates, and their error.

Rules of sections and layouts raise ``Contradiction``; pydantic finds the others, and its reasons
are translated by the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic_core import ErrorDetails

from duree.errors import RecipeError, sentence, translate, user_language

OF_SETTING = "{setting} = {value!r}: {reason}"
WHOLE, NUMBER = "must be a whole number", "must be a number"
BOOLEAN, TEXT = "must be true or false", "must be text"
SECTION = "must be a section of settings"
# By the type of pydantic's errors.
REASONS = {
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "bool_type": BOOLEAN,
    "bool_parsing": BOOLEAN,
    "string_type": TEXT,
    "tuple_type": "must be a list",
    "dict_type": "must be pairs of a value and its name: VALUE=NAME",
    "literal_error": "choose one of: {choices}",
    "model_type": SECTION,
    "model_attributes_type": SECTION,
}


class Contradiction(ValueError):
    """Settings that cannot go together, as a template and its values."""

    def __init__(self, template: str, **values: object) -> None:
        self.template, self.values = template, values
        super().__init__(template.format(**values))


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, as a template and its values.

    ``setting``: the dotted name of the setting whose ``value`` it is about; empty for none.
    """

    template: str
    values: Mapping[str, object] = field(default_factory=dict)
    setting: str = ""
    value: object = None

    def sentence(self, language: str) -> str:
        """The fault in ``language``."""
        reason = translate(self.template, language).format(**self.values)
        if not self.setting:
            return reason
        shown = {"setting": self.setting, "value": self.value, "reason": reason}
        return translate(OF_SETTING, language).format(**shown)


class FaultyRecipe(RecipeError):
    """Everything that is wrong with a recipe, in one message."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = faults
        super().__init__(
            "the recipe has a fault: {faults}",
            fix="correct the setting; duree settings lists them all",
            faults=self._listed("en"),
        )

    def message(self, language: str | None = None) -> str:
        """The message as one sentence, with its faults translated too."""
        faults = self._listed(language or user_language())
        return sentence(self.parts, self.values | {"faults": faults}, language)

    def _listed(self, language: str) -> str:
        separator = "；" if language == "zh" else "; "
        return separator.join(fault.sentence(language) for fault in self.faults)


def fault_of_rule(error: ValueError) -> Fault:
    """The fault that a rule found."""
    if isinstance(error, Contradiction):
        return Fault(error.template, error.values)
    return Fault(_verbatim(str(error)))


def fault_of_value(fault: ErrorDetails) -> Fault:
    """The fault that pydantic found in the value of one setting."""
    name = ".".join(str(part) for part in fault["loc"])
    values = dict(fault.get("ctx", {}))
    if "expected" in values:  # such as 'gru', 'lstm' or 'rnn'
        values["choices"] = ", ".join(re.findall("'(.*?)'", str(values["expected"])))
    if template := REASONS.get(fault["type"]):
        return Fault(template, values, name, fault["input"])
    return Fault(_verbatim(fault["msg"].lower()), {}, name, fault["input"])


def _verbatim(text: str) -> str:
    """A template that gives this text."""
    return text.replace("{", "{{").replace("}", "}}")
