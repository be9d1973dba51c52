"""Tables of tokens grouped into one row per sentence, and back; each cell becomes a list."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from duree.errors import DataError
from duree.recipe.faults import Contradiction
from duree.recipe.recipe import Recipe
from duree.recipe.settings import TOKENS, DataSettings
from duree.results.nouns import SENTENCES, Nouns
from duree.tables.columns import as_text, resolve_column
from duree.tables.files.conll import SENTENCE, TOKEN_FILES
from duree.tables.files.conll_lines import LONGEST_SENTENCE
from duree.tables.finding import Finding, listed
from duree.tables.layouts.layout import Checked, Layout
from duree.tables.layouts.tag_schemes import check_scheme
from duree.tables.layouts.typed_input import TypedInput
from duree.tables.source_rows import named_tokens
from duree.tables.table import Table

# Names of the column of words in such files.
FORMS = ("form", "token", "word", "words")
# Maximum number of rows that a finding lists.
SHOWN = 5


def sentence_columns(table: Table, data: DataSettings) -> tuple[str, str]:
    """The column of words and the column that identifies sentences.

    Raises
    ------
    DataError
        One of them is not given or does not exist.
    """
    columns = table.frame.columns
    words = next((name for form in FORMS for name in columns if name.lower() == form), None)
    if data.token not in (None, "auto", TOKENS):
        words = resolve_column(table, str(data.token))
    if words is None:
        raise DataError(
            "the column of words is not given",
            "in {file}",
            "add --text COLUMN; the columns are {columns}",
            columns=listed(columns, 20),
            file=", ".join(source.path for source in table.sources),
        )
    named = data.id or (SENTENCE if SENTENCE in columns else data.group)
    if named is None:
        raise DataError(
            "the column that identifies sentences is not given",
            fix="give the column that has the same value in all tokens of a sentence: --id COLUMN",
        )
    return words, resolve_column(table, named)


def layers_of(target: str, table: Table) -> list[str]:
    """The columns of tags that ``target`` names: one, or several separated by commas."""
    if target in table.frame.columns:
        return [target]
    return [resolve_column(table, name.strip()) for name in target.split(",")]


def with_sentences(table: Table, data: DataSettings) -> Table:
    """The table with one row per sentence, whose cells are lists of its tokens' cells.

    Consecutive tokens with the same ``data.id`` (if not given, ``sentence`` or ``data.group``) form
    a sentence. The columns of groups and times hold the value of its first token.

    Raises
    ------
    DataError
        All tokens are one sentence, or a token has no word.
    """
    text, sentence = sentence_columns(table, data)
    whole = [name for name in (data.group, data.time) if name is not None and name != sentence]
    frame = table.frame
    words = as_text(table, text)
    _refuse_missing(table, words, text)
    runs = _runs(table, sentence)
    if runs.n_unique() == 1 and len(runs) > LONGEST_SENTENCE:
        raise DataError(
            "all {tokens} tokens are one sentence: {column!r} is the same in all of them",
            fix="give the column that identifies sentences: --id COLUMN",
            tokens=len(runs),
            column=sentence,
        )
    if TOKENS in frame.columns:
        raise DataError(
            "the table already has a column {column!r}, the name that the sentences get",
            fix="rename that column in the table",
            column=TOKENS,
        )
    lists = [
        pl.col(name).first() if name in whole else pl.col(name)
        for name in frame.columns
        if name != TOKENS
    ]
    grouped = (
        frame.with_columns(words.alias(TOKENS), runs)
        .group_by(runs.name, maintain_order=True)
        .agg(*lists, TOKENS)
        .drop(runs.name)
    )
    origins = table.origins
    if origins is not None:
        by_sentence = origins.with_columns(runs).group_by(runs.name, maintain_order=True)
        origins = by_sentence.agg(pl.col("file").first(), "row").drop(runs.name)
    return Table(grouped, table.sources, table.findings, origins=origins)


def with_tokens(sentences: pl.DataFrame) -> pl.DataFrame:
    """The table of tokens: the inverse of ``with_sentences``."""
    lists = [name for name, kind in sentences.schema.items() if kind == pl.List]
    return sentences.explode(lists).drop(TOKENS)


def tags_of(table: Table, layers: list[str]) -> pl.Series:
    """The tags of each sentence, List(Struct) [rows]: the word as ``form``, then each layer.

    Raises
    ------
    DataError
        A token has no tag.
    """
    frame = table.frame.select(pl.col(TOKENS).alias("form"), *layers)
    cells = frame.explode(frame.columns)
    columns = [cells["form"]]
    for layer in layers:
        column = cells[layer].cast(pl.String).str.strip_chars()
        missing = (column.is_null() | (column == "")).arg_true()
        if len(missing):
            raise DataError(
                "{count} tokens have no {column!r}",
                "first at {rows}",
                "fill them in: a token without a tag is usually written O or _",
                count=len(missing),
                column=layer,
                rows=named_tokens(table, missing[:1].to_list()),
            )
        columns.append(column.alias(layer))
    lengths = frame["form"].list.len()
    rows = pl.Series("row", np.repeat(np.arange(len(frame)), lengths.to_numpy()))
    return (
        pl.DataFrame([rows, pl.DataFrame(columns).to_struct(",".join(layers))])
        .group_by("row", maintain_order=True)
        .agg(pl.all())
        .to_series(1)
    )


def check_sentences(
    table: Table, tags: pl.Series, test_rows: NDArray[np.bool_] | None
) -> list[Finding]:
    """Findings on tokens, sentences and tags.

    ``tags`` is the result of ``tags_of``.
    """
    words = table.frame[TOKENS]
    lengths = words.list.len().to_numpy()
    facts: dict[str, object] = {
        "sentences": len(words),
        "tokens": int(lengths.sum()),
        "middle": int(np.median(lengths)),
        "longest": int(lengths.max(initial=0)),
    }
    what = (
        "{tokens} tokens in {sentences} sentences: median length {middle} tokens, maximum {longest}"
    )
    findings = [Finding("sentences", "ok", what, values=facts)]
    long = np.flatnonzero(lengths > LONGEST_SENTENCE).tolist()
    if long:
        what = "sentences of more than {limit} tokens: {count}"
        fix = "check that sentences are separated"
        facts = {"limit": LONGEST_SENTENCE, "count": len(long)}
        findings.append(Finding("long_sentences", "warning", what, fix, facts, tuple(long[:SHOWN])))
    cells = tags.explode().struct.unnest()
    in_test = None
    if test_rows is not None:
        in_test = np.repeat(test_rows, lengths)
        findings += _seen_before(words, test_rows)
    for layer in cells.columns[1:]:
        findings += _check_layer(cells[layer], lengths, in_test)
    return findings


def _check_layer(
    column: pl.Series, lengths: NDArray[Any], in_test: NDArray[np.bool_] | None
) -> list[Finding]:
    counts = column.alias("tag").value_counts(sort=True, name="tokens")
    names = counts["tag"].to_list()
    facts: dict[str, object] = {
        "column": column.name,
        "count": len(names),
        "listed": listed(names, 20),
    }
    if len(names) < 2:
        what, fix = "all tokens have the same {column!r}: {listed}", "choose another column"
        return [Finding("one_tag", "error", what, fix, facts)]
    findings = [Finding("tags", "ok", "{column!r} has {count} tags: {listed}", values=facts)]
    if in_test is not None:
        known = set(column.filter(pl.Series(~in_test)))
        found = Counter(column.filter(pl.Series(in_test)))
        if unseen := [tag for tag in found if tag not in known]:
            what = "tags of {column!r} that only the test file has: {tags}; {count} of its tokens"
            fix = "no model can predict them: these tokens always count as wrong"
            facts = {
                "column": column.name,
                "tags": listed(unseen, 10),
                "count": sum(found[tag] for tag in unseen),
            }
            findings.append(Finding("unseen_tags", "warning", what, fix, facts))
    return findings + check_scheme(column, lengths)


def _seen_before(words: pl.Series, test_rows: NDArray[np.bool_]) -> list[Finding]:
    """A finding on sentences of the test file that also occur in the other rows."""
    plain = words.list.join(" ")
    known = set(plain.filter(pl.Series(~test_rows)))
    tested = plain.filter(pl.Series(test_rows))
    count = sum(sentence in known for sentence in tested)
    if not count:
        return []
    what = "sentences of the test file that also occur in the other data: {count} of {rows}"
    facts: dict[str, object] = {"count": count, "rows": len(tested)}
    return [Finding("repeated_sentences", "note", what, values=facts)]


def _runs(table: Table, column: str) -> pl.Series:
    """The sentence of each token, from 0: a new one begins where the column or the file changes."""
    values = table.frame[column]
    changes = (values != values.shift(1)).fill_null(True).to_numpy(writable=True)
    ends = np.cumsum([source.rows for source in table.sources])[:-1]
    changes[ends[ends < len(changes)]] = True
    changes[:1] = False
    return pl.Series("__sentence__", np.cumsum(changes))


def _refuse_missing(table: Table, words: pl.Series, column: str) -> None:
    missing = (words.is_null() | (words == "")).arg_true()
    if len(missing):
        raise DataError(
            "{count} tokens have no word in {column!r}",
            "first at {rows}",
            "leave these rows out",
            count=len(missing),
            column=column,
            rows=named_tokens(table, missing[:1].to_list()),
        )


class Tokens(Layout):
    """Tagged words: one row per word, one sequence per sentence."""

    name: ClassVar[str] = "tokens"
    takes_vectors: ClassVar[bool] = True
    nouns: ClassVar[Nouns] = SENTENCES
    new_table: ClassVar[str] = (
        "a file in the format of the run’s own; returned in that format, with the predicted tags"
    )

    @classmethod
    def claims(cls, data: DataSettings) -> bool:
        return data.token is not None

    @classmethod
    def fill(cls, recipe: Recipe) -> Recipe:
        data = recipe.data
        words = data.token or (data.text if data.text != TOKENS else None) or "auto"
        return recipe.replace({"data.token": words, "data.text": TOKENS})

    @classmethod
    def check_recipe(cls, recipe: Recipe) -> None:
        useless = {
            "training.class_weights": recipe.training.class_weights != "none",
            "data.weight": recipe.data.weight is not None,
        }
        if named := ", ".join(name for name, is_set in useless.items() if is_set):
            raise Contradiction(
                "{settings} has no meaning where each word gets a tag: leave it out",
                settings=named,
            )
        super().check_recipe(recipe)

    @classmethod
    def header(cls, data: DataSettings) -> list[str]:
        return []

    @classmethod
    def named_in_vain(cls, recipe: Recipe, read: type[Layout]) -> Contradiction | None:
        return Contradiction("data.token goes with task = label, and only with it")

    @classmethod
    def typed_input(cls, recipe: Recipe) -> TypedInput | None:
        return TypedInput(
            "Try your own sentence",
            "Words and punctuation separated by spaces: No rain , no rainbow .",
        )

    @classmethod
    def predicted_suffix(cls, suffix: str) -> str:
        return suffix if suffix in TOKEN_FILES else super().predicted_suffix(suffix)

    @property
    def is_long(self) -> bool:
        return True

    @property
    def inputs(self) -> list[str]:
        return [TOKENS]

    def lay_out(self, table: Table, *, with_answers: bool = True) -> tuple[Table, Self]:
        return with_sentences(table, self.data), self

    def named(self, table: Table) -> DataSettings:
        names = {role: getattr(self.data, role) for role in ("group", "time")}
        return self.data.model_copy(
            update={role: resolve_column(table, name) for role, name in names.items() if name}
        )

    def without_missing(
        self, table: Table, column: str, data: DataSettings
    ) -> tuple[Table, NDArray[np.bool_] | None]:
        return table, None  # tags_of refuses tokens without a tag

    def plain(self, table: Table) -> pl.Series:
        return table.frame[TOKENS]

    def check(self, table: Table, given: Checked) -> list[Finding]:
        return check_sentences(table, given.target, given.test_rows)

    def look_over(self, table: Table, test_rows: NDArray[np.bool_] | None) -> list[Finding]:
        layers = layers_of(self.data.target, table) if self.data.target is not None else []
        return check_sentences(table, tags_of(table, layers), test_rows)
