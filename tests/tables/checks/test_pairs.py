"""Checks of pairs of texts: each fault is told, with its rows, and sound pairs raise no doubts."""

import polars as pl
import pytest
from tests.support.commands import call

from duree.errors import DataError
from duree.recipe.faults import Contradiction
from duree.recipe.recipe import Recipe
from duree.recipe.settings import DataSettings
from duree.tables.checks.check_table import check_table
from duree.tables.finding import Finding
from duree.tables.layouts.pairs import Pairs
from duree.tables.table import Table

WORDS = [f"w{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(200)]


def check(sources, targets, covariate=None, **data) -> dict[str, Finding]:
    columns = {"old": sources, "new": targets}
    names = DataSettings(text="old", target="new", **data)
    if covariate is not None:
        columns["tags"] = covariate
        names = names.model_copy(update={"covariate": ("tags",)})
    found = Pairs(names).look_over(Table(pl.DataFrame(columns), ()), None)
    assert all(one.message("zh") != one.message("en") for one in found)
    return {finding.check: finding for finding in found}


def sound(rows=200):
    return WORDS[:rows], [word.replace("w", "u") for word in WORDS[:rows]]


def doubts(found):
    return {name for name, one in found.items() if one.level in ("warning", "error")}


def test_sound_pairs_raise_no_doubts():
    found = check(*sound())
    assert doubts(found) == set()
    assert "duplicate_texts" not in found


def test_repeated_words_are_no_duplicates():
    sources, targets = sound(100)
    assert doubts(check(sources * 4, targets * 4)) == set()


def test_empty_sources_and_targets_are_told_with_their_rows():
    sources, targets = sound()
    found = check(["", *sources[1:]], [targets[0], None, "  ", *targets[3:]])
    assert (found["missing_text"].level, found["missing_text"].rows) == ("warning", (0,))
    assert (found["missing_target"].level, found["missing_target"].rows) == ("error", (1, 2))


def test_a_target_that_is_the_same_in_every_row_is_refused():
    sources, _ = sound()
    found = check(sources, ["x", " x ", *["x"] * 198])["constant_target"]
    assert found.level == "error"
    assert "every row has the same 'new'" in found.message("en")
    assert "constant_target" not in check(sources, ["x"] * 199 + ["y"])


def test_a_target_far_longer_than_its_source_is_told():
    sources, targets = sound()
    found = check(sources, [*targets[:7], "u" * 80, *targets[8:]])["implausible_targets"]
    assert (found.level, found.rows) == ("warning", (7,))
    assert "the longest of 80 characters: 1, first in row 8" in found.message("en")


def test_a_target_a_thousand_times_longer_than_plausible_stops_the_run():
    sources, targets = sound()
    found = check(sources, [*targets[:7], "u" * 3000, *targets[8:]])["implausible_targets"]
    assert (found.level, found.rows) == ("error", (7,))
    assert "quotation mark" in found.message("en")


def test_long_targets_of_long_sources_are_plausible():
    long = [word * 200 for word in WORDS]
    assert doubts(check(long, [text.replace("w", "u") for text in long])) == set()


def test_a_source_with_several_targets_sets_a_ceiling():
    sources, targets = sound(90)
    found = check([*sources, *["das"] * 10], [*targets, *["das"] * 6, *["dass"] * 4])
    one = found["ambiguous_sources"]
    assert (one.level, one.rows[0]) == ("note", 90)
    assert "such as 'das' with 2, in rows 91, 92" in one.message("en")
    assert "at most 96.0% of all rows could be right" in one.message("en")


def test_a_low_ceiling_is_a_warning():
    found = check(["a", "a", "b", "b"], ["x", "y", "z", "v"])
    assert found["ambiguous_sources"].level == "warning"
    assert "at most 50.0%" in found["ambiguous_sources"].message("en")


def test_covariates_tell_sources_apart():
    found = check(["gå", "gå"], ["gick", "går"], covariate=["V;PST", "V;PRS"])
    assert "ambiguous_sources" not in found


def test_a_target_that_copies_the_source_everywhere_stops_the_run():
    found = check(WORDS, WORDS)["copied_targets"]
    assert found.level == "error"
    assert "nothing to learn" in found.message("en")


def test_a_target_that_nearly_always_copies_the_source_is_told():
    found = check(WORDS, ["other", *WORDS[1:]])["copied_targets"]
    assert (found.level, found.rows) == ("warning", (0,))
    assert "99.5% of the cells of 'new' are those of 'old'" in found.message("en")
    assert "others are in row 1;" in found.message("en")


def test_words_of_several_scripts_are_told():
    sources, targets = sound()
    found = check(["pоst", *sources[1:]], targets)["mixed_scripts"]  # with a Cyrillic о
    assert (found.level, found.rows) == ("warning", (0,))
    assert "such as 'pоst', first in row 1" in found.message("en")


def test_signs_of_the_phonetic_alphabet_are_no_other_script():
    sources, targets = sound()
    found = check(sources, ["θ ɪ ŋ", "t͡θ a", "β a", *targets[3:]])
    assert doubts(found) == set()
    assert "several_scripts" not in found


def test_a_few_texts_in_another_script_are_told():
    sources, targets = sound()
    found = check(sources, ["слово", *targets[1:]])["several_scripts"]
    assert (found.level, found.rows) == ("warning", (0,))
    many = check(sources, ["слово"] * 90 + targets[90:])["several_scripts"]
    assert many.level == "note"


def test_chinese_and_japanese_are_one_script_each():
    japanese = ["日本語", "ひらがな", "カタカナ"] * 20
    assert "several_scripts" not in check(japanese, [text + "。" for text in japanese])


def test_a_hundred_thousand_different_characters_are_told():
    codes = [code for code in range(0x3400, 0x3400 + 110_000) if not 0xD800 <= code < 0xE000]
    sources = ["".join(map(chr, codes[begin : begin + 1000])) for begin in range(0, 100_000, 1000)]
    found = check(sources, [f"u{n}" for n in range(len(sources))])["many_characters"]
    assert found.level == "warning"
    assert "100000 different characters in 'old'" in found.message("en")


def test_known_test_sources_are_counted():
    layout = Pairs(DataSettings(text="old", target="new"))
    rows = pl.Series("old", ["a", "b", "c", "a"])
    (found,) = layout.check_split(rows, *(pl.Series(part).to_numpy() for part in ([0, 1], [2, 3])))
    assert "1 of 2 test rows have a source that occurs in training" in found.message("en")


def test_check_reads_pairs_if_it_is_told_the_task(tmp_path, capfd):
    path = tmp_path / "pairs.csv"
    pl.DataFrame({"old": WORDS, "new": WORDS}).write_csv(path)
    told = ["--text", "old", "--target", "new", "--task", "transduce"]
    assert call("check", str(path), *told) == 2
    assert "'new' is a copy of 'old' in every row" in capfd.readouterr().out


@pytest.mark.parametrize("numbers", ["digits", "one"])
def test_settings_that_pairs_would_not_heed_are_refused(numbers):
    with pytest.raises(Contradiction, match=f"text.numbers = {numbers} is not for pairs"):
        Pairs.check_recipe(Recipe.build({"text": {"numbers": numbers}}))


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="modern"):
        check_table(
            Table(pl.DataFrame({"old": ["a"]}), ()),
            DataSettings(text="old", target="modern"),
            sources=pl.Series(["a"]),
        )
