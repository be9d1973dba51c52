"""The options of fit and check by the kind of table that they are for, as --help lists them."""

from __future__ import annotations

from typing import NamedTuple


class OptionGroup(NamedTuple):
    """Options for one kind of table.

    Attributes
    ----------
    heading : str
        What a row of such a table is; an English template.
    examples : tuple of str
        The options of a usual command.
    options : tuple of str
        Names of parameters.
    """

    heading: str
    examples: tuple[str, ...]
    options: tuple[str, ...]


OPTION_GROUPS = (
    OptionGroup("Texts, one per row:", ("--text COL --target COL",), ("text", "vectors")),
    OptionGroup(
        "States (life courses), one column per time point or one row per spell:",
        (
            "--states FIRST:LAST --target COL",
            "--id COL --state COL --start COL --end COL --target COL",
        ),
        ("states", "state", "start", "end", "covariate"),
    ),
    OptionGroup(
        "Events, one per row:",
        ("--id COL --event COL --time COL --target COL",),
        ("event", "attribute"),
    ),
    OptionGroup(
        "Time series, to forecast or to classify:",
        ("--series COL --time COL --horizon N", "--series FIRST:LAST --target COL"),
        ("series", "horizon", "past", "known"),
    ),
    OptionGroup(
        "Tagged words, one per row:", ("--text WORD --id SENTENCE --target TAG --task label",), ()
    ),
    OptionGroup(
        "Pairs of texts, one per row:",
        ("--text COL --target COL --task transduce [--covariate TAGS]",),
        (),
    ),
    OptionGroup(
        "All tables:",
        (),
        (
            *("target", "class_names", "task", "id", "group", "time", "weight"),
            *("test", "validation"),
            *("missing_codes", "encoding", "delimiter", "drop_bad"),
        ),
    ),
    OptionGroup(
        "Training:",
        (),
        (
            *("cell", "recipe", "settings", "out", "seed", "seeds", "epochs", "max_minutes"),
            *("metric", "no_baselines", "trials", "space"),
        ),
    ),
    OptionGroup("Other:", (), ()),  # all that no other group names
)
