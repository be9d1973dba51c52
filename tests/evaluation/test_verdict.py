"""The verdict: what it claims, what it refuses to claim, and how it says so."""

from __future__ import annotations

import string
from dataclasses import replace

import numpy as np
import pytest

from duree.errors import chinese_templates
from duree.evaluation import verdict
from duree.evaluation.forecast_metrics import FORECASTS
from duree.evaluation.metrics import CLASSIFICATION, REGRESSION
from duree.evaluation.resampling import Sample
from duree.evaluation.verdict import Verdict, conclude, decide, rows_needed, weigh
from duree.results.metric import MACRO_F1
from duree.results.metrics_file import Comparison

Estimates = dict[str, dict[str, float]]


def figures(value: float, auc_low: float = 0.8) -> Estimates:
    return {
        "accuracy": {"value": value, "low": value - 0.03, "high": value + 0.03},
        "auc": {"value": auc_low + 0.05, "low": auc_low, "high": auc_low + 0.1},
    }


def evidence_for(model: str, difference: float, *p_values: float) -> list[Comparison]:
    """One comparison in accuracy for each p-value; the later ones have wider intervals."""
    return [
        Comparison(
            model,
            "accuracy",
            difference,
            difference - 0.02 - 0.01 * place,
            difference + 0.02 + 0.01 * place,
            p,
            ("paired bootstrap", "McNemar exact")[place],
        )
        for place, p in enumerate(p_values)
    ]


def decide_on(
    network: float,
    baselines: dict[str, float],
    p_values: dict[str, tuple[float, ...]],
    rows: int = 1000,
    **options: object,
) -> Verdict:
    models = {"network": figures(network)} | {name: figures(v) for name, v in baselines.items()}
    comparisons = [
        comparison
        for name, value in baselines.items()
        for comparison in evidence_for(name, network - value, *p_values[name])
    ]
    sample = Sample.of(rows, None)
    return decide(models, comparisons, CLASSIFICATION, sample, **options)  # type: ignore[arg-type]


def test_better_than_every_baseline_is_stated_against_the_best_of_them() -> None:
    found = decide_on(
        0.91,
        {"majority": 0.5, "nb_svm": 0.88, "tfidf_logistic": 0.87},
        {"majority": (0.001, 0.001), "nb_svm": (0.004, 0.003), "tfidf_logistic": (0.002, 0.001)},
        rows=25_000,
    )
    assert found.claim == "better"
    assert found.sentence("en") == (
        "The network outperforms every baseline: on 25,000 test rows its accuracy is 0.910, that "
        "of the best baseline, nb_svm, 0.880 (network minus baseline +0.030, 95 % confidence "
        "interval 0.000 to +0.060)."
    )


@pytest.mark.parametrize(
    ("ended", "english", "chinese"),
    [
        ("epochs", "ended after its last epoch: train for more epochs", "请增加训练轮数"),
        ("time", "ended at its time limit: train longer", "达到时间上限"),
        ("request", "ended by hand: train longer", "被手动结束"),
    ],
)
def test_a_network_that_was_still_improving_is_not_dismissed(ended, english, chinese) -> None:
    lost = decide_on(0.8, {"nb_svm": 0.9}, {"nb_svm": (0.001, 0.001)}, unfinished=ended)
    assert lost.claim == "worse"
    assert english in lost.sentence("en")
    assert chinese in lost.sentence("zh")
    won = decide_on(0.9, {"nb_svm": 0.8}, {"nb_svm": (0.001, 0.001)}, unfinished=ended)
    assert won.claim == "better"
    assert english not in won.sentence("en")


def test_probabilities_that_are_worse_than_a_constant_are_not_to_be_used() -> None:
    """As on mvad in version 0.1.0: log-loss 0.919 against 0.686 of the majority class."""

    def with_loss(accuracy: float, loss: float) -> dict[str, dict[str, float]]:
        return figures(accuracy) | {"log_loss": {"value": loss, "low": loss, "high": loss}}

    for network, baseline, is_poor in ((0.919, 0.686, True), (0.512, 0.686, False)):
        found = decide(
            {"network": with_loss(0.8, network), "majority": with_loss(0.6, baseline)},
            evidence_for("majority", 0.2, 0.001, 0.001),
            CLASSIFICATION,
            Sample.of(1000, None),
            constant=["majority"],
        )
        warning = "Do not use its probabilities: their log-loss is 0.919, worse than the 0.686 of"
        assert (warning in found.sentence("en")) == is_poor
        assert ("对数损失为 0.919" in found.sentence("zh")) == is_poor


def test_better_than_one_baseline_alone_is_no_claim() -> None:
    found = decide_on(
        0.91,
        {"majority": 0.5, "nb_svm": 0.90},
        {"majority": (0.001, 0.001), "nb_svm": (0.2, 0.3)},
    )
    assert found.claim == "none"
    assert found.sentence("en").startswith(
        "The network and nb_svm do not differ significantly on 1,000 test rows: "
    )
    assert "no evidence" not in found.sentence("en")


def test_a_claim_needs_both_tests() -> None:
    for p_values in ((0.01, 0.06), (0.06, 0.01)):
        assert decide_on(0.9, {"nb_svm": 0.87}, {"nb_svm": p_values}).claim == "none"
    assert decide_on(0.9, {"nb_svm": 0.87}, {"nb_svm": (0.01, 0.04)}).claim == "better"


def test_a_baseline_that_wins_is_named_and_recommended() -> None:
    found = decide_on(
        0.85,
        {"nb_svm": 0.91, "tfidf_logistic": 0.90, "majority": 0.5},
        {"nb_svm": (0.001, 0.001), "tfidf_logistic": (0.001, 0.001), "majority": (0.001, 0.001)},
    )
    assert found.claim == "worse"
    assert found.sentence("en") == (
        "A baseline outperforms the network: on 1,000 test rows the accuracy of nb_svm is 0.910, "
        "that of the network 0.850 (network minus baseline -0.060, 95 % confidence interval -0.090 "
        "to -0.030); use nb_svm."
    )


def test_p_values_are_adjusted_for_the_number_of_baselines() -> None:
    baselines = {f"baseline_{place}": 0.92 for place in range(4)}
    few = dict.fromkeys(baselines, (0.02, 0.02))
    assert decide_on(0.9, baselines, few).claim == "none"
    assert decide_on(0.9, {"baseline_0": 0.92}, few).claim == "worse"


def test_a_difference_within_the_spread_of_seeds_is_no_claim() -> None:
    options = {"baselines": {"nb_svm": 0.87}, "p_values": {"nb_svm": (0.001, 0.001)}}
    near = decide_on(0.90, **options, seeds={"accuracy": [0.90, 0.86, 0.88]})  # type: ignore[arg-type]
    assert near.claim == "none"
    assert "networks trained from 3 seeds vary by 0.040" in near.sentence("en")
    far = decide_on(0.90, **options, seeds={"accuracy": [0.90, 0.89, 0.89]})  # type: ignore[arg-type]
    assert far.claim == "better"


def test_nothing_learned_is_stated_where_a_constant_is_as_good_and_ranks_are_chance() -> None:
    sentence = " There is no evidence that the network learned more than a constant prediction."
    options = {"baselines": {"majority": 0.9}, "p_values": {"majority": (0.5, 0.6)}}
    models = {"majority": figures(0.9)}
    comparisons = evidence_for("majority", 0.0, 0.5, 0.6)
    for auc_low, chance in ((0.45, True), (0.7, False)):
        found = decide(
            models | {"network": figures(0.9, auc_low)},
            comparisons,
            CLASSIFICATION,
            Sample.of(500, None),
            constant=["majority"],
        )
        assert (sentence in found.sentence("en")) == chance
    # A network that beats the constant has learned something.
    options["p_values"] = {"majority": (0.001, 0.001)}
    beaten = decide_on(0.95, **options, constant=["majority"])  # type: ignore[arg-type]
    assert sentence not in beaten.sentence("en")


def test_the_rows_needed_are_those_of_the_usual_formula() -> None:
    # Difference 0.03, standard error 0.03 / 1.96 in 1,000 rows: (2.802 * 0.0153 / 0.03)^2 = 2.04.
    (against,) = weigh(evidence_for("nb_svm", 0.03, 0.05, 0.06), CLASSIFICATION["accuracy"], 0.0)
    assert rows_needed(against, 1000) == 2000
    found = decide_on(0.93, {"nb_svm": 0.90}, {"nb_svm": (0.05, 0.06)})
    assert found.sentence("en").endswith(
        " Detecting a difference of this size would take about 2,000 test rows."
    )


def test_no_number_of_rows_is_given_where_there_is_no_difference() -> None:
    found = decide_on(0.9, {"nb_svm": 0.9}, {"nb_svm": (1.0, 1.0)})
    assert found.sentence("en") == (
        "The network and nb_svm do not differ significantly on 1,000 test rows: accuracy 0.900 and "
        "0.900 (network minus baseline 0.000, 95 % confidence interval -0.030 to +0.030); nb_svm "
        "is the simpler choice."
    )


def test_few_rows_or_groups_are_called_rough() -> None:
    few = decide_on(0.9, {"nb_svm": 0.8}, {"nb_svm": (0.2, 0.3)}, rows=29)
    assert few.sentence("en").endswith(" With so few test rows all figures are imprecise.")
    enough = decide_on(0.9, {"nb_svm": 0.8}, {"nb_svm": (0.2, 0.3)}, rows=30)
    assert "imprecise" not in enough.sentence("en")
    by_group = decide(
        {"network": figures(0.9)}, [], CLASSIFICATION, Sample.of(300, np.arange(300) % 12)
    )
    assert by_group.sentence("en").endswith(
        " With test rows from 12 groups only, all figures are imprecise."
    )


def test_a_network_without_baselines_is_reported_alone() -> None:
    found = decide({"network": figures(0.9)}, [], CLASSIFICATION, Sample.of(100, None))
    assert found.sentence("en") == (
        "On 100 test rows the network's accuracy is 0.900 (95 % confidence interval 0.870 to "
        "0.930); without baselines its benefit cannot be assessed."
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.04567, "0.04567"), (1.2, "1.200"), (23.456, "23.46"), (12_345.6, "12,346"), (0.0, "0.000")],
)
def test_figures_with_a_unit_have_four_digits(value: float, shown: str) -> None:
    models = {"network": {"mae": {"value": value, "low": value, "high": value}}}
    found = decide(models, [], REGRESSION, Sample.of(100, None))
    assert f"the network's MAE is {shown} (" in found.sentence("en")


def test_an_interval_beyond_zero_is_explained_where_no_difference_is_claimed() -> None:
    remark = " The interval excludes 0, but the tests, adjusted for the number of baselines,"
    unsure = decide_on(0.9, {"nb_svm": 0.8}, {"nb_svm": (0.01, 0.2)})
    assert "do not differ significantly" in unsure.sentence("en")
    assert remark in unsure.sentence("en")
    assert "该区间不含 0，" in unsure.sentence("zh")
    near = decide_on(0.9, {"nb_svm": 0.89}, {"nb_svm": (0.2, 0.3)})
    assert remark not in near.sentence("en")
    sure = decide_on(0.9, {"nb_svm": 0.8}, {"nb_svm": (0.01, 0.02)})
    assert remark not in sure.sentence("en")


def test_on_few_rows_the_verdict_has_the_two_decimals_of_the_tables() -> None:
    few = decide_on(0.525, {"nb_svm": 0.505}, {"nb_svm": (0.2,)}, rows=80)
    assert "accuracy 0.53 and 0.51 (network minus baseline +0.02" in few.sentence("en")
    enough = decide_on(0.525, {"nb_svm": 0.505}, {"nb_svm": (0.2,)}, rows=100)
    assert "accuracy 0.525 and 0.505 (" in enough.sentence("en")


def test_few_forecasts_are_called_those_of_so_many_series() -> None:
    models = {"network": {"owa": {"value": 1.098, "low": 0.662, "high": 1.557}}}
    found = decide(models, [], FORECASTS, Sample.of(12, np.arange(12) % 6))
    assert "OWA is 1.10 (95 % confidence interval 0.66 to 1.56)" in found.sentence("en")
    assert found.sentence("en").endswith("from 6 series only, all figures are imprecise.")
    assert found.sentence("zh").endswith("仅来自 6 条序列，所有指标都不够精确。")


def test_for_an_error_less_is_better() -> None:
    less = Comparison("mean", "mae", -0.2, -0.3, -0.1, 0.001, "paired bootstrap")
    claim, against = conclude(weigh([less], REGRESSION["mae"], 0.0))
    assert (claim, against.gain) == ("better", 0.2)


def test_the_verdict_in_chinese_has_the_same_figures() -> None:
    found = decide_on(0.93, {"nb_svm": 0.90}, {"nb_svm": (0.05, 0.06)}, rows=1000)
    assert found.sentence("zh") == (
        "在测试数据（行数 1,000）上，神经网络与 nb_svm 无显著差异：准确率分别为 0.930 和 0.900"
        "（神经网络减基线模型之差 +0.030，95% 置信区间 0.000 至 +0.060）；"
        "nb_svm 更简单，可优先选用。"
        "要检测出这样大小的差异，测试行数约需 2,000。"
    )


def test_a_metric_without_a_chinese_name_stands_between_spaces() -> None:
    models = {"network": {"mae": {"value": 1.0, "low": 0.9, "high": 1.1}}}
    found = decide(models, [], REGRESSION, Sample.of(100, None))
    assert "神经网络的 MAE 为 1.000（95% 置信区间" in found.sentence("zh")


def test_a_chinese_name_that_ends_in_a_digit_is_followed_by_a_space() -> None:
    models = {"network": {"macro_f1": {"value": 0.9, "low": 0.8, "high": 1.0}}}
    metrics = replace(CLASSIFICATION, metrics=(MACRO_F1,))
    found = decide(models, [], metrics, Sample.of(100, None))
    assert "神经网络的宏平均 F1 为 0.900" in found.sentence("zh")


def test_every_sentence_has_a_chinese_twin_with_the_same_places() -> None:
    twins = chinese_templates()
    sentences = [value for name, value in vars(verdict).items() if name.isupper()]
    sentences = [value for value in sentences if isinstance(value, str) and " " in value]
    for named in (verdict.UNFINISHED, verdict.FEW_GROUPS, verdict.UNDEFINED):
        sentences += named.values()
    assert len(sentences) == 17
    for sentence in sentences:
        assert places(twins[sentence]) == places(sentence)


def places(template: str) -> set[str | None]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
