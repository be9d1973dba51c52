"""Encodings: found where the bytes or the text itself prove them, refused where they do not."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from duree.errors import DataError
from duree.tables.files.read import read_tables

FRENCH = (
    "L’été dernier, nous étions à la montagne : le garçon, très fâché, s’était déjà levé.",
    "« Où êtes-vous ? » demanda-t-elle. Çà et là, des élèves âgés créaient des œuvres naïves.",
    "Noël approche, c’est sûr, même à l’île.",
)
GERMAN = (
    "Die Mädchen übten täglich für die große Prüfung.",
    "„Schön, daß du kommst“, sagte der Bürgermeister. Über den Dächern hörte man Vögel.",
    "Süße Äpfel fielen; Ärger, Öl, Übung, Straße, außerdem müßig.",
)
SPANISH = (
    "¿Dónde está el niño? ¡Qué alegría!",
    "Mañana vendrá José con más jamón; después iré al café.",
)
ICELANDIC = ("Þá kom maður að bænum og spurði hvort hún væri þar.", "Þú ert góð, sagði hann.")
ENGLISH = ("“Don’t,” she said – it’s the café’s £5 naïve façade…", "He’s ‘fine’.")
SIMPLIFIED = ("今天天气很好，我们去学校吧。", "房间非常干净，服务员很热情。", "这个地方不错")
TRADITIONAL = ("今天天氣很好，我們去學校吧。", "房間非常乾淨，服務員很熱情。", "這個地方不錯")
CLASSICAL = ("子曰：學而時習之，不亦說乎？有朋自遠方來，不亦樂乎？",)

PORTUGUESE = ("As eleições são amanhã; põe a mesa, irmão.", "Há lições e corações aí, não é só?")
ESTONIAN = ("Õues oli külm, aga õpetaja läks jõe äärde.", "Ööbik laulis; mõni küsis süüa.")
SWEDISH = ("Åsa gick över ån; är det här kött på ön?",)

HUNGARIAN = (
    "A kormány elfogadta az új törvényt az őszi ülésen.",
    "Hosszú, őszinte, gyűrött levél.",
)
RUSSIAN = ("Мы жили в большом доме на берегу реки.", "Я и мой брат часто ходили в лес.")
POLISH = ("Żółta łódź płynęła po jeziorze, a chłopiec śpiewał pieśń o miłości.",)
CZECH = ("Dnes je krásný den a děti běží do školy.", "Příliš žluťoučký kůň")
TURKISH = ("Bugün hava çok güzel değil mi? Çocuklar okula gitmiş, başka iş yok.",)
JAPANESE = ("今日はとても天気がいいですね。学校へ行きましょう。", "部屋はとてもきれいでした。")
KOREAN = ("오늘은 날씨가 매우 좋습니다. 학교에 갑시다.", "방이 아주 깨끗했습니다.")
GREEK = ("Σήμερα ο καιρός είναι πολύ καλός.",)


def table_of(folder: Path, texts: tuple[str, ...], encoding: str, mark: bytes = b"") -> Path:
    path = folder / "texts.csv"
    with open(path, "w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([("id", "text"), *enumerate(texts)])
    path.write_bytes(mark + path.read_bytes())
    return path


def found(path: Path, **choices: str) -> tuple[str | None, list[str], str]:
    """The encoding found, the texts read, and the message about the encoding."""
    table = read_tables([path], **choices)  # type: ignore[arg-type]
    message = next(f for f in table.findings if f.check == "encoding")
    return table.sources[0].encoding, table.frame["text"].to_list(), message.message("en")


@pytest.mark.parametrize(
    ("texts", "encoding"),
    [
        (FRENCH, "cp1252"),
        (GERMAN, "cp1252"),
        (SPANISH, "cp1252"),
        (ICELANDIC, "cp1252"),
        (PORTUGUESE, "cp1252"),
        (ESTONIAN, "cp1252"),
        (SWEDISH, "cp1252"),
        (ENGLISH, "cp1252"),
        (SIMPLIFIED, "gb18030"),
        (SIMPLIFIED, "gbk"),
        (SIMPLIFIED, "gb2312"),
        (TRADITIONAL, "gb18030"),
        (TRADITIONAL, "big5"),
        (TRADITIONAL, "cp950"),
        (CLASSICAL, "gb18030"),
        (CLASSICAL, "big5"),
    ],
)
def test_the_encoding_is_detected_and_reported(
    tmp_path: Path, texts: tuple[str, ...], encoding: str
) -> None:
    name, read, message = found(table_of(tmp_path, texts, encoding))
    assert read == list(texts)
    assert name == {"gbk": "gb18030", "gb2312": "gb18030", "big5": "cp950"}.get(encoding, encoding)
    assert (
        f"seems to be in {name}; if its text looks wrong, choose another encoding with --encoding"
        in message
    )


@pytest.mark.parametrize("texts", [FRENCH, GERMAN, SPANISH, ENGLISH, SIMPLIFIED, TRADITIONAL])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32-le", b"\xff\xfe\0\0"),
        ("utf-32-be", b"\0\0\xfe\xff"),
        ("gb18030", b"\x84\x31\x95\x33"),
    ],
)
def test_unicode_is_known_with_a_mark_and_without(
    tmp_path: Path, texts: tuple[str, ...], encoding: str, mark: bytes
) -> None:
    path = table_of(tmp_path, texts, encoding, mark)
    name, read, _ = found(path)
    assert (name, read) == (encoding, list(texts))
    assert read_tables([path]).frame.columns == ["id", "text"]


@pytest.mark.parametrize("texts", [("café",), ("naïve",), ("it’s",), ("à", "é"), ("Ü",)])
def test_one_accent_is_evidence_enough_for_a_western_text(
    tmp_path: Path, texts: tuple[str, ...]
) -> None:
    assert found(table_of(tmp_path, texts, "cp1252"))[:2] == ("cp1252", list(texts))


@pytest.mark.parametrize(
    ("texts", "encoding"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (HUNGARIAN, "cp1250"),
        (HUNGARIAN, "iso8859_2"),
        (POLISH, "cp1250"),
        (POLISH, "iso8859_2"),
        (CZECH, "cp1250"),
        (TURKISH, "cp1254"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "shift_jis"),
        (KOREAN, "cp949"),
        (GREEK, "cp1253"),
        (FRENCH, "mac_roman"),
        (GERMAN, "mac_roman"),
        (("café", "né", "thé"), "cp850"),
        (("好",), "gb18030"),
    ],
)
def test_what_is_not_clear_is_refused_and_read_once_the_encoding_is_given(
    tmp_path: Path, texts: tuple[str, ...], encoding: str
) -> None:
    path = table_of(tmp_path, texts, encoding)
    with pytest.raises(DataError, match="neither UTF-8 nor clearly in another encoding"):
        read_tables([path])
    _, read, message = found(path, encoding=encoding)
    assert read == list(texts)
    assert "as specified" in message


def test_the_refusal_shows_three_lines_under_each_candidate_and_the_flag(tmp_path: Path) -> None:
    path = table_of(tmp_path, ("plain", *KOREAN, *KOREAN, *KOREAN), "cp949")
    with pytest.raises(DataError) as caught:
        read_tables([path])
    lines = caught.value.message("en").split("\n")
    assert "from line 3 on" in lines[0]
    assert [line.split(": ")[:2] for line in lines[1:-1]] == [
        [f"  {name}", f"line {number}"]
        for name in ("gb18030", "cp950", "cp1252")
        for number in (3, 4, 5)
    ]
    assert "--encoding" in lines[-1]
    assert "编码" in caught.value.message("zh")


def test_a_utf8_file_with_one_damaged_line_is_refused_at_that_line(tmp_path: Path) -> None:
    path = table_of(tmp_path, SIMPLIFIED * 20, "utf-8")
    lines = path.read_bytes().split(b"\n")
    lines[30] = lines[30].replace("天气".encode(), "天气".encode()[:-1])
    lines[30] = lines[30].replace("房间".encode(), "房间".encode()[:-1])
    lines[30] = lines[30].replace("地方".encode(), "地方".encode()[:-1])
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(DataError, match="from line 31 on"):
        read_tables([path])


def test_a_utf8_file_cut_within_a_character_is_refused(tmp_path: Path) -> None:
    path = table_of(tmp_path, SIMPLIFIED * 20, "utf-8")
    path.write_bytes(path.read_bytes().rstrip()[:-1])
    with pytest.raises(DataError, match="from line 61 on"):
        read_tables([path])


def test_lines_of_two_encodings_in_one_file_are_refused(tmp_path: Path) -> None:
    utf8 = table_of(tmp_path, FRENCH * 10, "utf-8").read_bytes()
    path = table_of(tmp_path, FRENCH * 10, "cp1252")
    path.write_bytes(path.read_bytes() + utf8)
    with pytest.raises(DataError, match="neither UTF-8 nor clearly"):
        read_tables([path])


def test_a_given_encoding_that_does_not_fit_is_reported_with_the_line(tmp_path: Path) -> None:
    path = table_of(tmp_path, ("plain", "two\nlines", *FRENCH), "cp1252")
    with pytest.raises(DataError, match="not in utf-8: line 5 cannot be decoded"):
        read_tables([path], encoding="utf-8")


@pytest.mark.parametrize(("name", "near"), [("gb18130", "gb18030"), ("base64", "utf-8"), ("", "")])
def test_an_encoding_that_does_not_exist_is_refused(tmp_path: Path, name: str, near: str) -> None:
    path = table_of(tmp_path, FRENCH, "utf-8")
    if not name:
        assert found(path, encoding=name)[0] == "utf-8"
        return
    with pytest.raises(DataError) as caught:
        read_tables([path], encoding=name)
    assert caught.value.what == "{name!r} is not a text encoding"
    assert near in str(caught.value)


def test_stray_nul_characters_do_not_make_a_file_utf16(tmp_path: Path) -> None:
    path = table_of(tmp_path, (*SIMPLIFIED, "a\0b", "\0\0\0"), "utf-8")
    assert found(path)[0] == "utf-8"


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le", "utf-16-be", "utf-16", "utf-32"])
def test_hotel_reviews_are_read_the_same_in_every_encoding(
    data_folder: Path, tmp_path: Path, encoding: str
) -> None:
    source = data_folder / "chinese_hotel" / "chnsenticorp_htl_all.csv"
    copy = tmp_path / "hotel.csv"
    copy.write_bytes(source.read_bytes().decode().encode(encoding))
    expected = read_tables([source])
    table = read_tables([copy])
    assert table.frame.equals(expected.frame)
    assert table.sources[0].encoding == (
        encoding if encoding[-2:] != "16" else "utf-16-le"
    ).replace("utf-32", "utf-32-le")


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_few_hotel_reviews_are_enough(data_folder: Path, tmp_path: Path, rows: int) -> None:
    lines = (
        (data_folder / "chinese_hotel" / "chnsenticorp_htl_all.csv")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    rng = random.Random(rows)
    for _ in range(40):
        first = rng.randrange(1, len(lines) - rows)
        path = tmp_path / "few.csv"
        path.write_bytes("\n".join([lines[0], *lines[first : first + rows]]).encode("gb18030"))
        assert read_tables([path], delimiter=",").sources[0].encoding == "gb18030"


@pytest.mark.parametrize("language", ["german-ridges", "spanish-ps18", "icelandic-icepahc"])
def test_historical_texts_are_read_in_cp1252(
    data_folder: Path, tmp_path: Path, language: str
) -> None:
    lines = (data_folder / "histnorm" / f"{language}.train.txt").read_text(encoding="utf-8")
    words = [line.split("\t")[1] for line in lines.splitlines() if "\t" in line]
    words = [word for word in words if word.encode("cp1252", "ignore").decode("cp1252") == word]
    texts = tuple(" ".join(words[i : i + 12]) for i in range(0, len(words), 12))
    assert found(table_of(tmp_path, texts, "cp1252"))[:2] == ("cp1252", list(texts))


def test_hungarian_is_shown_in_both_encodings_that_differ_in_two_letters(tmp_path: Path) -> None:
    path = table_of(tmp_path, HUNGARIAN, "cp1250")
    with pytest.raises(DataError) as raised:
        read_tables([path])
    assert "cp1252: line 2: '0,A kormány elfogadta az új törvényt az õszi ül" in str(raised.value)
    assert "cp1250: line 2: '0,A kormány elfogadta az új törvényt az őszi ül" in str(raised.value)
    assert found(path, encoding="cp1250")[1] == list(HUNGARIAN)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_utf_16_without_a_mark_is_refused_with_the_byte_orders(
    tmp_path: Path, encoding: str
) -> None:
    path = table_of(tmp_path, FRENCH, f"{encoding}-le")
    with pytest.raises(DataError, match=f"no byte order mark.*--encoding {encoding}-le or"):
        read_tables([path], encoding=encoding)


@pytest.mark.parametrize("encoding", ["idna", "punycode", "undefined"])
def test_a_codec_of_other_things_than_files_is_no_encoding(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(DataError, match=f"'{encoding}' is not a text encoding"):
        read_tables([table_of(tmp_path, FRENCH, "utf-8")], encoding=encoding)
