"""Test texts that are drawn from elsewhere are noticed."""

import numpy as np
import polars as pl
import pytest

from duree.tables.checks.shift import check_shift

COMMON = [f"w{n}" for n in range(60)]


def texts_of(rows: int, words: list[str], share: float, seed: int = 0) -> list[str]:
    """Texts of twelve common words, of which some share has one of ``words`` as well."""
    rng = np.random.default_rng(seed)
    return [
        " ".join([*rng.choice(COMMON, 12), *(rng.choice(words, 1) if rng.random() < share else [])])
        for _ in range(rows)
    ]


def found(first: list[str], second: list[str]) -> list:
    rows = np.arange(len(first) + len(second))
    return check_shift(pl.Series("text", first + second), rows[: len(first)], rows[len(first) :])


def test_texts_on_another_topic_are_told_from_those_of_training():
    (finding,) = found(texts_of(400, ["war"], 0.9), texts_of(150, ["bread"], 0.9, 1))
    assert finding.level == "warning"
    assert finding.values["auc"] > 0.9
    assert "AUC of 0.9" in finding.message("en")
    assert "AUC 达 0.9" in finding.message("zh")


def test_chinese_texts_are_compared_by_their_characters():
    first = ["酒店很好，早餐不错。", "房间干净，位置方便。"] * 50
    second = ["这本书内容精彩。", "作者文笔很好，书页清楚。"] * 40
    assert len(found(first, second)) == 1


@pytest.mark.parametrize("seed", range(5))
def test_random_parts_of_one_table_are_not(seed):
    every = texts_of(700, ["war", "bread"], 0.7, seed)
    assert found(every[:550], every[550:]) == []


@pytest.mark.parametrize("texts", [["a b"] * 30, [""] * 200, [f"only{n}" for n in range(200)]])
def test_few_empty_and_unlike_texts_give_no_warning(texts):
    half = len(texts) // 2
    assert found(texts[:half], texts[half:]) == []
