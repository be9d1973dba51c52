"""Krippendorff's alpha, its interval, and what duree agree prints and writes."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from tests.support.coding import code, drawn
from tests.support.commands import call

from duree.errors import DataError
from duree.inference.agreement import BETWEEN, WITHIN, agree
from duree.inference.codings import Coding, append_coding
from duree.inference.design import read_design
from duree.inference.krippendorff import count_values, krippendorff_alpha

# Krippendorff's example of 12 units and 4 coders (0: not coded), as in the documentation of R's
# package irr (kripp.alpha).
EXAMPLE = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)
REFERENCE = {"nominal": 0.7434, "ordinal": 0.8154, "interval": 0.8491, "ratio": 0.7974}


def counted(table: np.ndarray) -> np.ndarray:
    units = [[int(value) - 1 for value in unit if value] for unit in table.T]
    return count_values(units, 5)


def by_pairs(units: list[list[float]], difference) -> float:
    """Alpha by its definition: the mean difference of pairs within units, and of all pairs."""
    units = [unit for unit in units if len(unit) > 1]
    everything = [value for unit in units for value in unit]
    n = len(everything)
    observed = (
        sum(
            2 * sum(difference(a, b) for a, b in combinations(unit, 2)) / (len(unit) - 1)
            for unit in units
        )
        / n
    )
    expected = 2 * sum(difference(a, b) for a, b in combinations(everything, 2)) / (n * (n - 1))
    return 1 - observed / expected


@pytest.mark.parametrize(("level", "alpha"), REFERENCE.items())
def test_alpha_is_that_of_krippendorffs_example(level: str, alpha: float) -> None:
    found = krippendorff_alpha(counted(EXAMPLE), np.arange(1.0, 6.0), level)
    assert found.alpha == pytest.approx(alpha, abs=5e-5)
    assert (found.units, found.codings) == (11, 40)


@pytest.mark.parametrize("level", REFERENCE)
def test_the_interval_is_the_jackknifes(level: str) -> None:
    values = np.arange(1.0, 6.0)
    found = krippendorff_alpha(counted(EXAMPLE), values, level)
    kept = [unit for unit in range(12) if (EXAMPLE[:, unit] > 0).sum() > 1]
    without = np.array(
        [
            krippendorff_alpha(
                counted(EXAMPLE[:, [unit for unit in kept if unit != out]]), values, level
            ).alpha
            for out in kept
        ]
    )
    se = np.sqrt(10 / 11 * ((without - without.mean()) ** 2).sum())
    assert found.low == pytest.approx(found.alpha - 2.228139 * se, rel=1e-6)
    assert found.high == pytest.approx(min(found.alpha + 2.228139 * se, 1), rel=1e-6)


def test_alpha_is_its_definition_by_pairs() -> None:
    drawn_values = np.random.default_rng(2).integers(0, 4, (40, 3))
    units = [list(unit[: 2 + place % 2]) for place, unit in enumerate(drawn_values)]
    counts = count_values(units, 4)
    for level, difference in {
        "nominal": lambda a, b: a != b,
        "interval": lambda a, b: (a - b) ** 2,
        "ratio": lambda a, b: ((a - b) / (a + b)) ** 2 if a + b else 0,
    }.items():
        found = krippendorff_alpha(counts, np.arange(4.0), level).alpha
        assert found == pytest.approx(by_pairs(units, difference), rel=1e-12)


def test_the_interval_covers_the_agreement_of_all_texts() -> None:
    drawn_values, covered = np.random.default_rng(5), 0
    # Two coders who err in a fifth of the texts: P(agree) = 0.8^2 + 0.2^2, alpha = 0.36.
    for _ in range(300):
        truth = drawn_values.integers(0, 2, 60)
        wrong = drawn_values.random((2, 60)) < 0.2
        counts = count_values(list(zip(*np.where(wrong, 1 - truth, truth), strict=True)), 2)
        found = krippendorff_alpha(counts, np.array([0.0, 1.0]), "nominal")
        covered += found.low <= 0.36 <= found.high
    assert 0.91 <= covered / 300 <= 0.99


def test_alpha_of_codings_that_never_vary_is_undefined() -> None:
    found = krippendorff_alpha(count_values([[0, 0]] * 5, 2), np.arange(2.0), "nominal")
    assert (found.alpha, found.low, found.high) == (None, None, None)


def test_coders_are_compared_on_the_texts_that_both_coded(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 10 + ["neg"] * 10)
    code(coding, ["pos"] * 8 + ["neg"] * 4, "Ben")
    code(coding, ["neg"] * 5, "adjudicated")
    (found,), _ = agree(coding)
    assert (found.kind, found.coders, found.overall.units) == (BETWEEN, ["Anna", "Ben"], 12)
    (confusion,) = found.confusions
    assert confusion.labels == ["neg", "pos"]
    assert confusion.counts == [[2, 0], [2, 8]]
    written = json.loads((coding / "agreement.json").read_text())
    assert written[0]["overall"]["alpha"] == found.overall.alpha
    assert set(written[0]["by_label"]) == {"neg", "pos"}


def test_a_coder_who_works_alone_is_compared_with_their_own_codings(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 6 + ["neg"] * 6)
    code(coding, ["pos"] * 5 + ["neg"] * 7, batch="again")
    (found,), notes = agree(coding)
    assert (found.kind, found.coders, found.confusions[0].counts) == (
        WITHIN,
        ["Anna"],
        [[6, 0], [1, 5]],
    )
    assert "is stability" in notes[0].message("en")


def test_skipped_texts_are_not_compared(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos", "neg", "pos", "neg"])
    code(coding, ["pos", "neg", "", None], "Ben")
    assert agree(coding)[0][0].overall.units == 2


def test_ordinal_labels_have_the_order_of_the_codebook(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    labels = "".join(f"[[variable.label]]\nlabel = '{x}'\n" for x in ("low", "middle", "high"))
    (coding / "codebook.toml").write_text(f"[[variable]]\nlevel = 'ordinal'\n{labels}")
    code(coding, ["low", "middle", "high", "high", "low"])
    code(coding, ["low", "high", "high", "middle", "low"], "Ben")
    near = agree(coding)[0][0].overall.alpha
    code(coding, ["low", "low", "high", "low", "low"], "Ben")
    far = agree(coding)[0][0].overall.alpha
    assert near > far
    with pytest.raises(DataError, match="'low' of 'label' does not suit the level interval"):
        agree(coding, "interval")


def test_codings_of_one_coder_alone_have_no_agreement(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 6)
    with pytest.raises(DataError, match=r"no text in .* was coded twice"):
        agree(coding)


@pytest.mark.parametrize(
    ("language", "heading", "line"),
    [
        (
            "en",
            "alpha [95 % interval]",
            "rows Anna, columns Ben; the same label for 18 of 20 texts",
        ),
        ("zh", "α [95% 区间]", "20 篇文本中有 18 篇标签相同"),
    ],
)
def test_the_command_prints_alpha_and_confusions(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    heading: str,
    line: str,
) -> None:
    monkeypatch.setenv("DUREE_LANG", language)
    coding = drawn(tmp_path)
    code(coding, ["pos"] * 10 + ["neg"] * 10)
    code(coding, ["pos"] * 8 + ["neg"] * 12, "Ben")
    assert call("agree", coding) == 0
    out = capfd.readouterr().out
    assert heading in out
    assert line in out
    # 20 texts, 2 disagreements, 18 and 22 codings: 1 - 39 * 4 / (2 * 18 * 22).
    assert f"{1 - 39 * 4 / (2 * 18 * 22):.3f} [" in out


def test_comments_and_numbers_as_labels_are_compared_by_value(tmp_path: Path) -> None:
    coding = drawn(tmp_path)
    (coding / "codebook.toml").write_text('[[variable]]\nlevel = "interval"\n')
    for coder, scores in (("Anna", "1 2 3 4 10"), ("Ben", "1 2 3 5 10")):
        for id, score in zip(read_design(coding).order, scores.split(), strict=False):
            append_coding(coding, Coding(id, coder, "label", score, "t", comment="why"))
    found = agree(coding)[0][0]
    pairs = [[1, 1], [2, 2], [3, 3], [4, 5], [10, 10]]
    assert found.overall.alpha == pytest.approx(by_pairs(pairs, lambda a, b: (a - b) ** 2))
    assert found.by_label == {}
