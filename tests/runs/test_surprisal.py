"""Surprisal is that of the model, its sums are exact, and training documents are marked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from tests.support.commands import call
from tests.support.letters import letters
from tests.support.sentences_of_a_grammar import documents, recipe, shuffled

from duree.errors import DataError, RunError
from duree.pipeline import surprisal as module
from duree.pipeline.model import TrainedModel
from duree.pipeline.run import Run
from duree.pipeline.surprisal import write_surprisal
from duree.recipe.recipe import Recipe
from duree.sequences.ragged import END
from duree.workflow import fit

NEW = documents(40, seed=9)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    NEW.write_parquet(tmp_path / "new.parquet")
    return tmp_path / "new.parquet"


def surprisal(run: Run, data: Path, by: str = "document", **more: object) -> pl.DataFrame:
    output = data.with_name("bits.parquet")
    write_surprisal(run.folder, data, output, by=by, **more)
    return pl.read_parquet(output)


def bits_by_hand(model: TrainedModel, text: str) -> list[float]:
    """The bits of each code of a text, read one by one."""
    codes = model.encode(pl.Series([text]))[0].tolist()
    found, state = [], None
    for before, code in zip([END, *codes], codes, strict=False):
        shares, state = model.network.read(torch.tensor([[before]]), state)
        found.append(-float(shares[0, code]) / np.log(2))
    return found


def test_bits_are_those_of_the_probabilities_of_the_model(grammar_run: Run, new: Path):
    units = surprisal(grammar_run, new, "unit")
    model = TrainedModel.of_run(grammar_run)
    for number in (1, 17):
        found = units.filter(pl.col("document") == number)
        by_hand = bits_by_hand(model, NEW["text"][number - 1])
        assert found["bits"].to_list() == pytest.approx(by_hand, abs=1e-5)
        assert found["text"].to_list() == [*NEW["text"][number - 1], ""]


def test_bits_are_those_of_the_predictions(grammar_run: Run, new: Path):
    model = TrainedModel.of_run(grammar_run)
    sequences = model.encode(NEW["text"])
    nats = np.add.reduceat(model.predictions(sequences)[:, 0], sequences.offsets[:-1])
    for by in ("unit", "word", "sentence", "document"):
        found = surprisal(grammar_run, new, by)
        if by != "document":
            found = found.group_by("document", maintain_order=True).agg(pl.col("bits").sum())
        assert found["bits"].to_list() == pytest.approx((-nats / np.log(2)).tolist(), abs=1e-6)


def test_bits_of_parts_add_up_to_those_of_documents(grammar_run: Run, new: Path):
    whole = surprisal(grammar_run, new)
    assert whole.columns == [*NEW.columns, *module.OF_DOCUMENTS, "in_training"]
    assert whole["text"].to_list() == NEW["text"].to_list()
    assert whole["characters"].to_list() == NEW["text"].str.len_chars().to_list()
    assert (whole["units"] == whole["characters"] + 1).all()
    per_unit = (whole["bits"] / whole["units"]).to_list()
    assert np.log2(whole["perplexity"]).to_list() == pytest.approx(per_unit)
    for by in ("unit", "word", "sentence"):
        parts = surprisal(grammar_run, new, by).group_by("document", maintain_order=True)
        sums = parts.agg(pl.col("bits", "units", "characters").sum())
        assert sums["bits"].to_list() == pytest.approx(whole["bits"].to_list(), abs=1e-6)
        assert sums["characters"].to_list() == whole["characters"].to_list()
        assert sums["units"].to_list() == whole["units"].to_list()


def test_a_shuffled_text_is_more_surprising(grammar_run: Run, tmp_path: Path):
    texts = documents(100, seed=5)["text"]
    pl.DataFrame({"text": [*texts, *map(shuffled, texts)]}).write_csv(tmp_path / "two.csv")
    bits = surprisal(grammar_run, tmp_path / "two.csv")["bits_per_character"].to_numpy()
    assert (bits[100:] > bits[:100]).sum() == 100


def test_the_surprisal_of_a_document_does_not_depend_on_others(grammar_run: Run, new: Path):
    every = surprisal(grammar_run, new)["bits"]
    NEW[7:9].write_parquet(new)
    assert surprisal(grammar_run, new)["bits"].to_list() == pytest.approx(
        every[7:9].to_list(), abs=1e-4
    )


def test_documents_that_trained_the_network_are_marked(grammar_run: Run, tmp_path: Path):
    rows = pl.concat([documents(120), NEW])
    rows.write_csv(tmp_path / "all.csv")
    found = surprisal(grammar_run, tmp_path / "all.csv")["in_training"]
    split = grammar_run.read_json("split.json")
    own = {row for part in ("train", "validation") for row in split[part]}
    texts = {rows["text"][row] for row in own}
    assert found.to_list() == [text in texts for text in rows["text"]]
    assert 0 < found.sum() < len(rows)


def test_a_text_of_which_a_part_trained_the_network_is_marked(tmp_path: Path):
    book = " ".join(documents(60)["text"])
    (tmp_path / "book.txt").write_text(book)
    settings = {"data.files": (str(tmp_path / "book.txt"),), "training.epochs": 1}
    divided = fit(recipe(tmp_path / "book.txt", **settings), tmp_path / "run")
    assert surprisal(divided, tmp_path / "book.txt")["in_training"].to_list() == [True]
    (tmp_path / "other.txt").write_text(" ".join(NEW["text"]))
    assert surprisal(divided, tmp_path / "other.txt")["in_training"].to_list() == [False]


def test_groups_are_compared_without_documents_that_trained_the_network(
    grammar_run: Run, tmp_path: Path
):
    strange = NEW.with_columns(
        pl.col("text").map_elements(shuffled, pl.String), pl.lit("Eve").alias("author")
    )
    rows = pl.concat([documents(120), NEW, strange])
    rows.write_csv(tmp_path / "all.csv")
    output = tmp_path / "bits.csv"
    found = write_surprisal(
        grammar_run.folder, tmp_path / "all.csv", output, compare="author"
    ).comparison
    flags = pl.read_csv(output)["in_training"]
    assert found.trained == flags.sum()
    groups = {group.name: group for group in found.groups}
    assert groups["Eve"].p_value < 0.01
    assert groups["Eve"].difference > 0.5
    assert groups["Eve"].documents == 40
    assert sum(group.documents for group in found.groups) == (~flags).sum()
    by_word = write_surprisal(
        grammar_run.folder,
        tmp_path / "all.csv",
        tmp_path / "words.csv",
        by="word",
        compare="author",
    ).comparison
    assert [one.documents for one in by_word.groups] == [one.documents for one in found.groups]
    assert [one.bits for one in by_word.groups] == pytest.approx([one.bits for one in found.groups])


def test_many_years_are_put_into_intervals_and_correlated(grammar_run: Run, new: Path):
    found = write_surprisal(
        grammar_run.folder, new, new.with_name("bits.csv"), compare="year"
    ).comparison
    assert found.ordered
    assert [group.name for group in found.groups][:2] == ["1900–1904", "1905–1909"]
    assert found.p_value > 0.05
    assert abs(found.correlation) < 0.4


def test_groups_that_all_trained_the_network_are_named_and_not_compared(
    grammar_run: Run, tmp_path: Path
):
    split = grammar_run.read_json("split.json")
    known = documents(120)[split["train"]].with_columns(pl.lit("Old").alias("author"))
    pl.concat([known, NEW]).write_csv(tmp_path / "all.csv")
    output = tmp_path / "bits.csv"
    found = write_surprisal(
        grammar_run.folder, tmp_path / "all.csv", output, compare="author"
    ).comparison
    assert found.only_trained == ["Old"]
    assert "Old" not in [group.name for group in found.groups]
    known.write_csv(tmp_path / "all.csv")
    with pytest.raises(DataError, match="no document is left to compare by 'author'"):
        write_surprisal(grammar_run.folder, tmp_path / "all.csv", output, compare="author")


def test_an_interrupted_call_continues(
    grammar_run: Run, new: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = surprisal(grammar_run, new, "word")
    new.with_name("bits.parquet").unlink()
    monkeypatch.setattr(module, "AT_ONCE", 1000)
    seen: list[int] = []

    def stop(done: int, total: int | None) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        surprisal(grammar_run, new, "word", progress=stop)
    assert not new.with_name("bits.parquet").exists()
    later: list[int] = []
    found = surprisal(grammar_run, new, "word", progress=lambda done, total: later.append(done))
    assert later[0] > seen[1]
    assert later[-1] == len(NEW)
    assert found.drop("bits").equals(whole.drop("bits"))
    assert found["bits"].to_list() == pytest.approx(whole["bits"].to_list(), abs=1e-4)


def test_empty_and_unknown_texts_are_reported_and_have_bits(grammar_run: Run, tmp_path: Path):
    pl.DataFrame({"text": ["", "ЖЖЖЖ", "The cat sees a dog."]}).write_csv(tmp_path / "odd.csv")
    output = tmp_path / "bits.csv"
    found = write_surprisal(grammar_run.folder, tmp_path / "odd.csv", output)
    assert [one.check for one in found.findings] == ["written", "empty_rows", "unseen_units"]
    bits = pl.read_csv(output)
    assert bits["bits"].is_finite().all()
    assert bits["bits"][1] > 4 * np.log2(150_000)
    assert bits["bits_per_character"].to_list()[0] is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_shades_texts_and_shows_groups(
    grammar_run: Run, new: Path, language: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DUREE_LANG", language)
    page = new.with_name("page.html")
    write_surprisal(grammar_run.folder, new, new.with_name("b.csv"), compare="author", page=page)
    html = page.read_text()
    assert 'class="for9"' in html
    assert "<svg" in html
    assert "<script" not in html
    assert ("惊异度" if language == "zh" else "surprisal") in html
    assert ("Mean surprisal" in html) == (language == "en")


def test_a_long_text_is_followed_and_its_change_is_marked(grammar_run: Run, tmp_path: Path):
    plain, mixed = (" ".join(documents(60, seed)["text"]) for seed in (3, 4))
    (tmp_path / "book.txt").write_text(f"{plain} {shuffled(mixed)}")
    page = tmp_path / "page.html"
    write_surprisal(grammar_run.folder, tmp_path / "book.txt", tmp_path / "b.csv", page=page)
    html = page.read_text()
    assert html.count('class="turn"') == 1
    assert re.search(r"1: from 0\.\d+ to [2-9]\.\d+ bits per unit, at (4[5-9]|5[0-5])\u202f%", html)


def test_the_command_writes_the_file_and_prints_the_comparison(
    grammar_run: Run, new: Path, capsys: pytest.CaptureFixture[str]
):
    output = new.with_name("bits.jsonl")
    assert call("surprisal", grammar_run.folder, new, "-o", output, "--compare", "author") == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0].startswith("author")
    assert len(shown.out.splitlines()) == 5
    assert "Documents that did not train the network: 40" in shown.err
    assert output.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--compare", "autor"], "did you mean 'author'"),
        (["--page", "page.txt"], "end the name in .html"),
    ],
)
def test_mistakes_are_answered(
    grammar_run: Run,
    tmp_path: Path,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
):
    documents(60, 8).write_csv(tmp_path / "many.csv")
    output = tmp_path / "b.csv"
    assert call("surprisal", grammar_run.folder, tmp_path / "many.csv", "-o", output, *words) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_groups_that_cannot_be_compared_do_not_lose_the_file(
    grammar_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    documents(60, 8).write_csv(tmp_path / "many.csv")
    output = tmp_path / "b.csv"
    words = ["-o", output, "--compare", "text"]
    assert call("surprisal", grammar_run.folder, tmp_path / "many.csv", *words) == 2
    assert "groups of that many cannot be compared" in capsys.readouterr().err
    assert len(pl.read_csv(output)) == 60


def test_a_column_with_the_name_of_one_that_is_added_is_refused(grammar_run: Run, tmp_path: Path):
    NEW.with_columns(pl.lit(1).alias("bits")).write_csv(tmp_path / "taken.csv")
    with pytest.raises(DataError, match="already has a column 'bits'"):
        surprisal(grammar_run, tmp_path / "taken.csv")


def test_only_language_models_have_surprisal(tmp_path: Path):
    letters(60).write_csv(tmp_path / "letters.csv")
    data = {"files": [str(tmp_path / "letters.csv")], "text": "letter", "target": "tone"}
    small = {"training.epochs": 1, "model.wide": False, "evaluation.baselines": False}
    other = fit(Recipe.build({"data": data}).replace(small), tmp_path / "run")
    with pytest.raises(RunError, match="gives no text a probability"):
        surprisal(other, tmp_path / "letters.csv")
