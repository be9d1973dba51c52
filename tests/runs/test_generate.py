"""Texts are the same for the same seed, go on after an interruption, and own up to copies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.support.commands import call
from tests.support.sentences_of_a_grammar import documents

from duree.network.generate import Sampling
from duree.pipeline import generate as module
from duree.pipeline.generate import write_texts
from duree.pipeline.run import Run

SAMPLING = Sampling(60, seed=3)


def test_more_texts_change_none(grammar_run: Run):
    few, _ = write_texts(grammar_run.folder, "The cat", 2, SAMPLING)
    many, _ = write_texts(grammar_run.folder, "The cat", 20, SAMPLING)
    assert many[:2] == few
    assert len({text.text for text in many}) > 10
    other, _ = write_texts(grammar_run.folder, "The cat", 2, Sampling(60, seed=4))
    assert other != few


def test_texts_end_at_the_end_or_at_the_length(grammar_run: Run):
    texts, _ = write_texts(grammar_run.folder, "The cat", 20, Sampling(100))
    assert {text.ended for text in texts} == {True, False}
    for text in texts:
        assert text.ended or text.units == 100
        assert text.units == len(text.text)
        assert text.bits > 0


def test_what_is_written_is_of_the_grammar(grammar_run: Run):
    texts, _ = write_texts(grammar_run.folder, "", 4, Sampling(60, temperature=0.3))
    words = {word for text in documents(120)["text"] for word in text.split()}
    for text in texts:
        assert text.text.startswith("The ")
        assert set(text.text.split()[:-1]) <= words


def test_copied_passages_are_marked(grammar_run: Run):
    texts, findings = write_texts(grammar_run.folder, "", 8, Sampling(200, temperature=0.3))
    trained = " ".join(documents(120)["text"])
    assert any(text.copied for text in texts)
    for text in texts:
        for begin, end in text.copied:
            assert end - begin >= 30
            assert text.text[begin : begin + 30] in trained
        assert 0 <= text.copied_share <= 1
    assert [finding.check for finding in findings] == ["copied"]


def test_a_training_text_that_is_gone_or_changed_is_reported(grammar_run: Run, tmp_path: Path):
    folder = shutil.copytree(grammar_run.folder, tmp_path / "run")
    file = tmp_path / "texts.csv"
    recipe = (folder / "recipe.toml").read_text()
    (folder / "recipe.toml").write_text(
        recipe.replace(json.dumps(grammar_run.recipe.data.files[0]), json.dumps(str(file)))
    )
    for reason in ("there is no file", "has changed since"):
        texts, findings = write_texts(folder, "", 1, SAMPLING)
        assert [finding.check for finding in findings] == ["no_training_text"]
        assert reason in findings[0].message()
        assert texts[0].copied is texts[0].copied_share is None
        documents(120, seed=1).write_csv(file)


def test_unknown_characters_of_a_prompt_are_named(grammar_run: Run):
    _, findings = write_texts(grammar_run.folder, "Жat 春 and Ж", 1, SAMPLING)
    assert findings[0].check == "unknown_prompt"
    assert "Ж 春" in findings[0].message()


def test_a_file_holds_the_texts_and_an_interrupted_call_continues(
    grammar_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    texts, _ = write_texts(grammar_run.folder, "A", 40, SAMPLING)
    drawn = module.continued

    def interrupted(*given: object) -> object:
        if given[2][0] >= 16:
            raise KeyboardInterrupt
        return drawn(*given)

    monkeypatch.setattr(module, "continued", interrupted)
    output = tmp_path / "texts.parquet"
    with pytest.raises(KeyboardInterrupt):
        write_texts(grammar_run.folder, "A", 40, SAMPLING, output)
    assert not output.exists()
    blocks: list[int] = []
    monkeypatch.setattr(
        module, "continued", lambda *given: blocks.append(given[2][0]) or drawn(*given)
    )
    write_texts(grammar_run.folder, "A", 40, SAMPLING, output)
    assert blocks == [16, 32]
    found = pl.read_parquet(output)
    assert found["text"].to_list() == [text.text for text in texts]
    assert found["number"].to_list() == list(range(1, 41))
    assert found["copied"].to_list() == [
        [text.text[begin:end] for begin, end in text.copied] for text in texts
    ]


def test_the_command_prints_texts_or_writes_them(
    grammar_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["generate", grammar_run.folder, "--prompt", "The owl", "--length", 20]
    assert call(*words, "--count", 2) == 0
    shown = capsys.readouterr().out
    assert shown.count("The owl") == 2
    assert call(*words, "-o", tmp_path / "texts.csv") == 0
    assert capsys.readouterr().out == ""
    assert pl.read_csv(tmp_path / "texts.csv")["prompt"].to_list() == ["The owl"]


@pytest.mark.parametrize(
    "words", [["--temperature", 0], ["--top-p", 1.5], ["--length", 0], ["-o", "texts.txt"]]
)
def test_values_out_of_range_are_refused(grammar_run: Run, words: list[object]):
    assert call("generate", grammar_run.folder, *words) == 2
