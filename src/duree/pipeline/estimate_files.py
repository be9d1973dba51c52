"""The files of an estimate: JSON, CSV, a LaTeX table, and the same question for R's dsl."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from duree.errors import DataError, RunError
from duree.inference.estimation import Estimate, frame_of
from duree.inference.model_matrix import columns_of, parse_formula
from duree.report.pages.estimate import PAGE, write_estimate_page
from duree.report.run_folder import RunFolder
from duree.results.estimates import ESTIMATE_FILE, Estimates, Term
from duree.storage import cannot_write, make_folder, write_file
from duree.tables.files.write import write_table
from duree.tables.finding import Finding

TABLE, LATEX, FOR_R, SCRIPT = "estimate.csv", "estimate.tex", "for_R.csv", "for_R.R"
FILES = (PAGE, ESTIMATE_FILE, TABLE, LATEX, FOR_R, SCRIPT)
LABELLED, PROBABILITY = "labeled", "sample_prob"
_SPECIAL = re.compile(r"([&%$#_{}])")


def require_folder(folder: Path) -> None:
    """Refuse a place for the results that is a file, or lies within one; DataError."""
    for path in (folder, *folder.parents):
        if path.exists() and not path.is_dir():
            raise DataError(
                "{folder!r} is a file, not a folder",
                fix="name another folder with -o",
                folder=str(path),
            )


def write_estimate(
    result: Estimate, frame: pl.DataFrame, sample_prob: str | None, folder: Path
) -> list[Finding]:
    """Write all files of an estimate into a folder, in place of those of an earlier one.

    Parameters
    ----------
    frame : polars.DataFrame
        The table that was estimated from.
    sample_prob : str or None
        Its column of probabilities.

    Returns
    -------
    list of Finding
        Which files were replaced or removed.

    Raises
    ------
    RunError
        A file cannot be written.
    """
    record = result.record
    found = [name for name in FILES if (folder / name).exists()]
    earlier = _earlier(folder)
    make_folder(folder)
    write_table(_long(record), folder / TABLE)
    write_file(folder / LATEX, latex(record).encode())
    if script := r_script(record, sample_prob):
        write_table(for_r(record, frame, sample_prob), folder / FOR_R)
        write_file(folder / SCRIPT, script.encode())
    # Last: where it is, all others are.
    write_file(folder / ESTIMATE_FILE, record.model_dump_json(indent=1).encode())
    write_estimate_page(folder)
    unfit = [] if script or earlier is None else [one for one in found if one in (FOR_R, SCRIPT)]
    _remove(folder, unfit)
    kept = [name for name in found if name not in unfit]
    return list(_replaced(folder, kept, unfit, earlier, record))


def _earlier(folder: Path) -> Estimates | None:
    """The estimate that the folder holds; None if there is none that can be read."""
    try:
        return RunFolder(folder).record(Estimates, ESTIMATE_FILE)
    except RunError:
        return None


def _remove(folder: Path, names: Sequence[str]) -> None:
    """Remove files that belong to another estimate; RunError."""
    for name in names:
        try:
            (folder / name).unlink()
        except OSError as error:
            raise cannot_write(folder / name, error) from None


def _replaced(
    folder: Path,
    replaced: Sequence[str],
    removed: Sequence[str],
    earlier: Estimates | None,
    record: Estimates,
) -> Iterator[Finding]:
    """Which files were replaced or removed, and the question that they answered."""
    values: dict[str, object] = {"folder": str(folder), "files": ", ".join(replaced)}
    if earlier is not None and _question(earlier) != _question(record):
        what = (
            "{folder} held another estimate: {formula!r} ({model}, data {data}); replaced: {files}"
        )
        fix = "name another folder with -o to keep both"
        values |= {"formula": earlier.formula, "model": earlier.model, "data": earlier.data}
        yield Finding("replaced_estimate", "warning", what, fix, values)
    elif replaced:
        yield Finding("replaced_files", "ok", "replaced in {folder}: {files}", "", values)
    if removed:
        what = "removed from {folder}, as R's dsl has no such model: {files}"
        yield Finding("removed_files", "ok", what, "", values | {"files": ", ".join(removed)})


def _question(record: Estimates) -> tuple[object, ...]:
    """What was asked, and of which data."""
    variables = [(one.name, one.prediction) for one in record.variables]
    asked = (record.formula, record.model, record.population, record.cluster)
    return (*asked, variables, record.data_sha256)


def _long(record: Estimates) -> pl.DataFrame:
    """All terms of all methods, one per row."""
    rows = [*record.terms, *record.naive, *record.labelled_only]
    methods = pl.Series("method", [one.method for one in rows], dtype=pl.String)
    return frame_of(rows).insert_column(0, methods)


def latex(record: Estimates) -> str:
    """A table for a paper, with the package booktabs."""
    naive = {one.term: one for one in record.naive}
    alone = {one.term: one for one in record.labelled_only}
    lines = [
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        r"Term & Estimate (s.e.) & 95\% interval & Labels only & Predictions only \\",
        r"\midrule",
        *(
            " & ".join(
                [
                    _SPECIAL.sub(r"\\\1", one.term),
                    _with_se(one),
                    _interval(one),
                    _with_se(alone.get(one.term)),
                    _with_se(naive.get(one.term)),
                ]
            )
            + r" \\"
            for one in record.terms
        ),
        r"\bottomrule",
        r"\end{tabular}",
        *(
            f"% {one.name} = 1 where the label is {one.category!r}, and 0 where it is another"
            for one in record.variables
            if one.category is not None
        ),
    ]
    return "\n".join(lines) + "\n"


def _with_se(term: Term | None) -> str:
    return "--" if term is None else f"{_number(term.estimate)} ({term.se:.3f})"


def _interval(term: Term) -> str:
    if term.low is None or term.high is None:
        return "--"
    return f"[{_number(term.low)}, {_number(term.high)}]"


def _number(value: float) -> str:
    return f"${value:.3f}$"


def for_r(record: Estimates, frame: pl.DataFrame, sample_prob: str | None) -> pl.DataFrame:
    """The columns that R needs; predicted variables are empty where rows are not labelled."""
    formula = parse_formula(record.formula)
    names = [*columns_of(formula, frame.columns), *formula.fixed_effects]
    names += [one.prediction for one in record.variables]
    names += [record.cluster] if record.cluster else []
    columns = {name: pl.col(name) for name in names}
    for one in record.variables:
        if one.category is not None:
            columns[one.name] = (pl.col(one.name) == one.category).cast(pl.Int8)
    if sample_prob is not None:
        columns[PROBABILITY] = pl.col(sample_prob).alias(PROBABILITY)
    return frame.select(columns.values())


def r_script(record: Estimates, sample_prob: str | None) -> str:
    """Five lines of R; empty for models that dsl has not."""
    formula = parse_formula(record.formula)
    if record.model == "poisson" or (formula.fixed_effects and record.model != "lm"):
        return ""
    regressors = re.sub(r"\bC\(", "factor(", formula.regressors)
    options = [f"predicted_var = {_r_names([one.name for one in record.variables])}"]
    options.append(f"prediction = {_r_names([one.prediction for one in record.variables])}")
    if record.cluster:
        options.append(f"cluster = {_r_text(record.cluster)}")
    if sample_prob is not None:
        options.append(f"sample_prob = {_r_text(PROBABILITY)}")
    model = record.model
    if formula.fixed_effects:
        ways = {1: "oneway", 2: "twoways"}
        if len(formula.fixed_effects) not in ways:
            return ""
        options.append(f"index = {_r_names(formula.fixed_effects)}")
        options.append(f"fixed_effect = {_r_text(ways[len(formula.fixed_effects)])}")
    name = "felm" if formula.fixed_effects else model
    return (
        'library(dsl)  # install.packages("dsl")\n'
        f'data <- read.csv("{FOR_R}", check.names = FALSE)\n'
        f"fit <- dsl(model = {_r_text(name)}, formula = {formula.outcome} ~ {regressors},\n"
        f"           {', '.join(options)}, data = data, seed = {record.settings.seed})\n"
        "summary(fit)\n"
    )


def _r_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _r_names(names: Sequence[str]) -> str:
    return f"c({', '.join(map(_r_text, names))})"
