"""The report of a language model shows shaded test documents, means by group, and its methods."""

from __future__ import annotations

import polars as pl
import pytest
from tests.support.sentences_of_a_grammar import documents, recipe

from duree.pipeline.run import Run
from duree.report.load import load_run
from duree.report.methods.write import write_methods
from duree.report.pages.report import render_report
from duree.workflow import fit


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("grouped")
    rows = documents(200).with_columns(
        pl.concat_str(pl.lit("A"), pl.int_range(pl.len()) % 40).alias("author")
    )
    rows.write_csv(folder / "texts.csv")
    settings = {"data.group": "author", "training.epochs": 1}
    return fit(recipe(folder / "texts.csv", **settings), folder / "run")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_test_documents_are_shaded(grammar_run: Run, language: str):
    run = load_run(grammar_run.folder)
    html = render_report(run, run.words(language))
    shown = run.target.found.texts
    assert len(shown) == 12
    per_character = [text.per_character for text in shown]
    assert per_character == sorted(per_character, reverse=True)
    assert html.count('class="shaded framed surprising"') == len(shown)
    assert ("测试文档的惊异度" in html) == (language == "zh")
    assert "Surprisal by group" not in html
    first = run.predictions[shown[0].row - 1]
    assert first["bits"][0] == pytest.approx(shown[0].bits)
    assert first["text"][0] == shown[0].text


def test_groups_are_those_of_the_test_documents(grouped: Run):
    run = load_run(grouped.folder)
    comparison = run.target.found.comparison
    bits, characters = run.predictions["bits"], run.predictions["characters"]
    for group in comparison.groups:
        own = run.predictions["author"] == group.name
        assert group.documents == own.sum()
        assert group.bits == pytest.approx(bits.filter(own).sum() / characters.filter(own).sum())
    assert len(comparison.groups) == run.target.found.groups == 8
    html = render_report(run, run.words("en"))
    assert "Surprisal by group" in html
    assert 'id="figure-groups"' in html


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "is its surprisal, in bits"), ("zh", "即为惊异度")]
)
def test_the_methods_are_those_of_a_language_model(grammar_run: Run, language: str, sentence: str):
    methods = write_methods(load_run(grammar_run.folder), language)
    text = " ".join(paragraph for _, paragraph in methods.paragraphs)
    assert sentence in text
    assert {"mikolov2010", "hale2001", "levy2008", "williams1990"} <= {
        work.key for work in methods.cited
    }
    assert "Predicting" not in text
