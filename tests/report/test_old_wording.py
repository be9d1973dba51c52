"""What runs of version 0.1.0 store is told in the words of today, in both languages."""

from __future__ import annotations

import json
import string
import tomllib
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from duree.errors import chinese_templates
from duree.report import old_wording
from duree.report.old_wording import StoredCheck, StoredSplit, metrics_in_todays_words
from duree.results.metrics_file import Metrics

# Parts of split.json and checks.json of `duree demo`, as version 0.1.0 wrote them.
OLD_RUN = Path(__file__).parent / "old_run"
PAIRS = tomllib.loads(Path(old_wording.__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def metrics(**others: object) -> Metrics:
    figures = {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95}}
    content = {
        "task": "classify",
        "cell": "gru",
        "seed": 0,
        "rows": {"train": 100, "validation": 10, "test": 20},
        "models": {"network": figures},
        "verdict": "",
        "primary_metric": "accuracy",
        "metric_names": ["accuracy"],
    }
    return Metrics.model_validate(content | others)


@pytest.mark.parametrize("about", list(PAIRS))
def test_every_old_sentence_has_one_of_today_with_its_values(about: str) -> None:
    known = chinese_templates()
    for old, new in PAIRS[about].items():
        assert new in known, new
        assert old not in known, old
        assert places(new) <= places(old), old


def test_a_split_is_told_from_its_clauses_and_values() -> None:
    stored = StoredSplit.model_validate_json((OLD_RUN / "split.json").read_bytes())
    assert "parted" in stored.method
    found = stored.in_todays_words()
    assert found.method == (
        "rows were split at random (seed 0): 20% for testing, 10% of the rest for validation; "
        "the split is stratified by 'tone'; near-duplicate texts are in the same set"
    )
    assert found.method_zh == (
        "各行随机划分（随机种子 0）：20% 作为测试集，其余的 10% 作为验证集；划分按 'tone' 分层；"
        "近似重复的文本都在同一子集中"
    )
    assert found.counts == stored.counts


def test_findings_are_told_from_their_templates_and_values() -> None:
    content = json.loads((OLD_RUN / "checks.json").read_text(encoding="utf-8"))
    stored = TypeAdapter(list[StoredCheck]).validate_python(content)
    found = {check.check: check.in_todays_words() for check in stored}
    assert found["rows"].message == "3000 rows, 5 columns"
    assert found["lengths"].message == (
        "text length in words: median 56, 95th percentile 64, maximum 69"
    )
    assert found["unused_times"].message_zh == (
        "似乎记录了时间但没有使用的列：'year'；如要用较晚的数据测试，请加上 --time 列名"
    )


def test_a_finding_whose_parts_do_not_give_its_message_stays() -> None:
    content = {"check": "a", "level": "ok", "message": "3 rows", "what": "{n} rows"}
    for values in ({}, {"n": 4}):
        stored = StoredCheck.model_validate(content | {"values": values})
        assert stored.in_todays_words() == stored


OLD_AND_NEW = [
    (
        "The network is better than every baseline: on 600 test rows its accuracy is 0.972, that "
        "of the best of them, nb_svm, 0.628 (network minus baseline +0.343, 95 % interval +0.305 "
        "to +0.383).",
        "The network outperforms every baseline: on 600 test rows its accuracy is 0.972, that of "
        "the best baseline, nb_svm, 0.628 (network minus baseline +0.343, 95 % confidence "
        "interval +0.305 to +0.383).",
        "神经网络优于所有基线模型：在测试数据（行数 600）上，神经网络的准确率为 0.972，"
        "最好的基线模型（nb_svm）为 0.628（神经网络减基线模型之差 +0.343，"
        "95% 置信区间 +0.305 至 +0.383）。",
    ),
    (
        "A baseline wins, use crf: on 864 test tokens its accuracy is 0.918, the network's 0.493 "
        "(network minus baseline -0.425, 95 % interval -0.456 to -0.394).",
        "A baseline outperforms the network: on 864 test tokens the accuracy of crf is 0.918, that "
        "of the network 0.493 (network minus baseline -0.425, 95 % confidence interval -0.456 to "
        "-0.394); use crf.",
        "有基线模型优于神经网络：在测试数据（词数 864）上，crf 的准确率为 0.918，神经网络为 0.493"
        "（神经网络减基线模型之差 -0.425，95% 置信区间 -0.456 至 -0.394）；建议使用 crf。",
    ),
    (
        "The network and boosted_trees cannot be told apart on 10,082 test steps: bits per step "
        "1.104 against 0.198 (network minus baseline +0.906, 95 % interval +0.764 to +1.046); "
        "boosted_trees is the simpler choice. To tell a difference of this size takes about 460 "
        "test steps. With test steps from 12 groups only, every figure is rough.",
        "The network and boosted_trees do not differ significantly on 10,082 test steps: bits per "
        "step 1.104 and 0.198 (network minus baseline +0.906, 95 % confidence interval +0.764 to "
        "+1.046); boosted_trees is the simpler choice. Detecting a difference of this size would "
        "take about 460 test steps. With test steps from 12 groups only, all figures are "
        "imprecise.",
        "在测试数据（步数 10,082）上，神经网络与 boosted_trees 无显著差异：每步比特数分别为 "
        "1.104 和 0.198（神经网络减基线模型之差 +0.906，95% 置信区间 +0.764 至 +1.046）；"
        "boosted_trees 更简单，可优先选用。要检测出这样大小的差异，测试步数约需 460。"
        "测试数据（按步数计）仅来自 12 个组，所有指标都不够精确。",
    ),
    (
        "On 20 test rows the network's R² is 0.12 (95 % interval -0.10 to 0.30); without baselines "
        "nothing tells whether it was worth it. With so few test rows every figure is rough.",
        "On 20 test rows the network's R² is 0.12 (95 % confidence interval -0.10 to 0.30); "
        "without baselines its benefit cannot be assessed. With so few test rows all figures are "
        "imprecise.",
        "在测试数据（行数 20）上，神经网络的 R² 为 0.12（95% 置信区间 -0.10 至 0.30）；"
        "没有训练基线模型，无法判断神经网络是否更优。测试行数太少，所有指标都不够精确。",
    ),
]


@pytest.mark.parametrize(("old", "english", "chinese"), OLD_AND_NEW)
def test_a_verdict_is_told_with_the_same_figures(old: str, english: str, chinese: str) -> None:
    found = metrics_in_todays_words(metrics(verdict=old, verdict_zh="网络"))
    assert (found.verdict, found.verdict_zh) == (english, chinese)


@pytest.mark.parametrize("verdict", ["", OLD_AND_NEW[0][1], OLD_AND_NEW[0][0] + " It may rain."])
def test_other_verdicts_stay(verdict: str) -> None:
    found = metrics_in_todays_words(metrics(verdict=verdict, verdict_zh="甲"))
    assert (found.verdict, found.verdict_zh) == (verdict, "甲")


def test_notes_and_uses_of_the_test_rows_are_told_too() -> None:
    stored = metrics(
        notes=[
            "hidden_markov: learned from all sequences alike, as hmmlearn takes no weights",
            "random_forest: 40 trees instead of 1000: the time ran out",
        ],
        test_openings=[{"when": "2026-11-30", "why": "the final judgement of all models"}],
    )
    found = metrics_in_todays_words(stored)
    assert found.notes == [
        "hidden_markov: fitted with equal weights for all sequences, because hmmlearn takes no "
        "weights",
        "random_forest: 40 trees instead of 1000: the time ran out",
    ]
    assert [opening.why for opening in found.test_openings] == [
        "the final evaluation of all models"
    ]
