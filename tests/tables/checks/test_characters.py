"""Characters: wrong encodings are recognised in many languages, and right ones raise no finding."""

import polars as pl
import pytest

from duree.tables.checks.characters import check_characters


def checks(*cells: str | None) -> list[str]:
    return [finding.check for finding in check_characters(pl.Series("text", cells))]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
@pytest.mark.parametrize(
    "text",
    [
        "L’été à Besançon, où naître",
        "Größe, Straße, Übermut",
        "El año pasado en Málaga",
        "“Well,” she said – “don’t”",
        "Привет из Москвы",
        "Καλημέρα κόσμε",
        "שלום עולם",
        "مرحبا بالعالم",
        "房间很大，早餐也不错",
        "東京は夜の七時",
        "Zażółć gęślą jaźń",
    ],
)
def test_utf8_read_in_a_western_encoding_is_recognised(text, encoding):
    wrong = text.encode("utf-8").decode(encoding, errors="ignore")
    assert "mojibake" in checks(text, wrong)
    assert "mojibake" not in checks(text)


def test_utf8_read_as_gbk_is_recognised():
    wrong = "房间很大，早餐也不错。".encode().decode("gbk", errors="ignore")
    assert checks(wrong) == ["mojibake"]
    assert checks("锟斤拷锟斤拷") == ["mojibake"]


@pytest.mark.parametrize(
    "text",
    [
        "Ils ont dit « à bientôt » à l’été… «é…» “ç” é“”",
        "São João não é Maranhão, MANHÃ À TARDE",
        "Größe „äöü“ – §5 ‚ß‘ »Öl«",
        "¿Qué? ¡Olé! ª º «ñ» 20° Cº",
        "Þórður ætlaði »æ« og ð",
        "naïve café — 5 €, ½ £",
        "房间很大，“早餐”也不错……",
        "emoji 👩‍👩‍👧 and flags 🇫🇷, tabs\tand\r\nlines",
        "עברית و العربية \u200f",
        "",
    ],
)
def test_correct_text_raises_no_finding(text):
    assert checks(text, None) == []


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("na\ufffdve", "replacement_characters"),
        ("cut\x00off", "nul_characters"),
        ("blah\x85 blah", "control_characters"),
        ("bell\x07", "control_characters"),
        ("user\u202etxt.exe", "bidi_controls"),
        ("a\u2066b\u2069", "bidi_controls"),
    ],
)
def test_lost_and_hidden_characters_are_reported_by_kind(text, check):
    assert checks("fine", text) == [check]


def test_cells_and_occurrences_are_counted_and_shown():
    cells = ["fine", "cafÃ© crÃ¨me", None, "dÃ©jÃ vu"]
    (finding,) = check_characters(pl.Series("answer", cells))
    assert finding.rows == (1, 3)
    assert finding.values["count"] == 2
    assert finding.values["times"] == 3
    assert finding.message("en") == (
        "signs of a wrong encoding in 'answer': 2 cells, 3 times, such as 'cafÃ© crÃ¨me'; "
        "read the file with the encoding it was written in: --set data.encoding=..."
    )
    assert "疑似乱码" in finding.message("zh")
