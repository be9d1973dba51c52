"""The methods section: true to the run, in both languages, citing only what was used."""

from __future__ import annotations

import json
import re

import pytest

from duree.report.load import load_run
from duree.report.methods.references import references
from duree.report.methods.write import Methods, write_methods


def written(folder, language="en") -> str:
    return " ".join(text for _, text in write_methods(load_run(folder), language).paragraphs)


def test_it_names_data_checksum_rows_split_seed_and_versions(letters):
    text = written(letters)
    for fact in (
        "2,400 rows from letters.csv (SHA-256 0123456789abcdef…)",
        "Rows were split at random (seed 0): 17% for testing",
        "1,600 rows for training, 400 for validation and 400 for testing",
        "used once, after all choices had been made",
        "Durée 0.1.0, Python 3.12.1, PyTorch 2.13.0 (Paszke et al. 2019)",
        "on 2 threads, with seed 0",
    ):
        assert fact in text


def test_the_chinese_one_names_the_same_facts(letters):
    text = written(letters, "zh")
    for fact in (
        "letters.csv（SHA-256 校验和 0123456789abcdef…），共 2,400 行",
        "各行随机划分（种子 0）：17% 用于测试",
        "训练集 1,600 行、验证集 400 行、测试集 400 行",
        "测试集只使用过一次",
        "种子为 0",
        "Breiman 2001",
    ):
        assert fact in text


def test_both_languages_give_the_same_numbers_and_works(write_run):
    folder = write_run(settings={"model": {"recurrent_dropout": 0.2}, "training": {"epochs": 9}})
    english, chinese = (write_methods(load_run(folder), code) for code in ("en", "zh"))
    assert english.cited == chinese.cited

    def figures(methods: Methods) -> list[str]:
        words = " ".join(text for _, text in methods.paragraphs[1:])
        return sorted(set(re.findall(r"\d[\d.,]*\d|\d", words)))

    assert figures(english) == figures(chinese)


@pytest.mark.parametrize(
    ("settings", "sentence", "cited"),
    [
        ({"model": {"cell": "lstm"}}, "LSTM; Hochreiter & Schmidhuber 1997", "hochreiter1997"),
        ({"model": {"cell": "gru"}}, "GRU; Cho et al. 2014", "cho2014"),
        ({"model": {"recurrent_dropout": 0.25}}, "25 % of the recurrent state", "gal2016"),
        ({"model": {"wide": True}}, "Cheng et al. 2016", "cheng2016"),
        ({"model": {"pooling": "attention"}}, "Yang et al. 2016", "yang2016"),
        (
            {"training": {"optimiser": "adamw"}},
            "AdamW (Loshchilov & Hutter 2019)",
            "loshchilov2019",
        ),
        ({"training": {"schedule": "cosine"}}, "Loshchilov & Hutter 2017", "loshchilov2017"),
        ({"training": {"clip_norm": 0.5}}, "norm of 0.5 (Pascanu et al. 2013)", "pascanu2013"),
        ({"data": {"group": "author"}}, "whole groups (Field & Welsh 2007)", "field2007"),
    ],
)
def test_a_choice_brings_its_sentence_and_its_work(write_run, settings, sentence, cited):
    run = load_run(write_run(settings=settings))
    methods = write_methods(run, "en")
    assert sentence in " ".join(text for _, text in methods.paragraphs)
    assert cited in {work.key for work in methods.cited}


def test_what_was_not_used_is_not_cited(write_run):
    settings = {
        "model": {
            "cell": "gru",
            "wide": False,
            "pooling": "last",
            "bidirectional": False,
            "word_dropout": 0.0,
            "input_dropout": 0.0,
            "output_dropout": 0.0,
        },
        "training": {"optimiser": "sgd", "schedule": "constant", "clip_norm": 0.0},
    }
    methods = write_methods(load_run(write_run(settings=settings)), "en")
    unused = {"hochreiter1997", "cheng2016", "yang2016", "schuster1997", "iyyer2015", "gal2016"}
    unused |= {"kingma2015", "loshchilov2017", "pascanu2013", "hoerl1970", "kish1965", "field2007"}
    assert unused.isdisjoint(work.key for work in methods.cited)


def test_tuned_constants_of_baselines_are_stated(letters):
    text = written(letters)
    assert "of units and pairs of neighbouring units, with C = 4;" in text
    assert "a random forest (Breiman 2001) on TF-IDF weights of units, with trees = 1000" in text


def test_the_best_epoch_is_that_of_the_history(letters):
    lines = (letters / "history.jsonl").read_text(encoding="utf-8").splitlines()
    best = max(map(json.loads, lines), key=lambda e: (e["metric"], -e["validation_loss"]))
    assert f"after 9 epochs. The weights of epoch {best['epoch']}, the best" in written(letters)


@pytest.mark.parametrize(
    ("facts", "english", "chinese"),
    [
        (
            {"segmenter": "jieba", "version": "0.42.1", "units": 20_000},
            "words as segmented by jieba 0.42.1 (Sun 2020). The 20,000 most frequent units",
            "词（由 jieba 0.42.1 切分；Sun 2020）",
        ),
        (
            {"segmenter": "characters", "units": 3_101},
            "split into characters. All 3,101 units of the training texts",
            "全部 3,101 个单位",
        ),
        (None, "words, or characters where the script has no spaces", "20,000"),  # version 0.1.0
    ],
)
def test_texts_are_described_as_the_encoder_read_them(write_run, facts, english, chinese):
    folder = write_run(settings={"text": {"segmenter": "auto", "max_features": 20_000}})
    if facts:
        (folder / "encoding.json").write_text(json.dumps(facts), encoding="utf-8")
    assert english in written(folder)
    assert chinese in written(folder, "zh")


@pytest.mark.parametrize(
    ("ended", "settings", "english", "chinese"),
    [
        ("epochs", {}, "Training ended after all 9 epochs.", "完成全部 9 轮后结束"),
        ("patience", {"patience": 4}, "9 epochs, 4 of them without an impr", "连续 4 轮没有改善"),
        (
            "time",
            {"max_minutes": 0.5},
            "at the time limit of 0.5 minutes",
            "达到 0.5 分钟的时间上限",
        ),
        ("request", {}, "ended by hand after 9 epochs", "由用户手动结束"),
        (None, {}, "Training ended after 9 epochs.", "训练共进行了 9 轮"),  # by version 0.1.0
    ],
)
def test_why_training_ended_is_stated_as_it_was(write_run, ended, settings, english, chinese):
    folder = write_run(settings={"training": settings})
    path = folder / "history.jsonl"
    *earlier, last = path.read_text(encoding="utf-8").splitlines()
    last = json.dumps(json.loads(last) | ({"ended": ended} if ended else {}))
    path.write_text("\n".join([*earlier, last]) + "\n", encoding="utf-8")
    for language, sentence in (("en", english), ("zh", chinese)):
        methods = write_methods(load_run(folder), language)
        assert sentence in " ".join(text for _, text in methods.paragraphs)
        cited = {work.key for work in methods.cited}
        assert ("prechelt1998" in cited) == (ended == "patience")


def test_the_tests_that_were_made_are_the_ones_named(letters, write_run):
    text = written(letters)
    assert "by a paired bootstrap and McNemar’s exact test (McNemar 1947)" in text
    assert "permutation" not in text
    numbers = written(write_run("years", numbers=True))
    assert "McNemar" not in numbers


def test_every_reference_has_what_a_bibliography_needs():
    for work in references().values():
        assert re.fullmatch(r"[a-z]+\d{4}", work.key)
        assert work.key.endswith(work.fields["year"])
        assert work.fields["author"]
        assert work.fields["title"]
        assert work.bibtex.startswith(f"@{work.kind}{{{work.key},\n")
        assert work.bibtex.count("{") == work.bibtex.count("}")
        assert "others" not in work.full
