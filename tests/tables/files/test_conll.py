"""Files of tokens are read as they stand, and written with nothing changed but the answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from duree.errors import DataError
from duree.pipeline.dataset import check_files
from duree.recipe.settings import DataSettings
from duree.tables.files.conll import read_conll, with_tags
from duree.tables.files.conll_lines import LONGEST_SENTENCE
from duree.tables.files.read import read_tables

UNIVERSAL = """\
# sent_id = 1
# text = vámonos al mar
1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tvamos\tir\tVERB\t_\tMood=Imp\t0\troot\t_\t_
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
2.1\tquizás\tquizás\tADV\t_\t_\t_\t_\t1:advmod\t_
3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_
3\ta\ta\tADP\t_\t_\t5\tcase\t_\t_
4\tel\tel\tDET\t_\t_\t5\tdet\t_\t_
5\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\t_

# sent_id = 2
1\tNo\tno\tADV\t_\t_\t0\troot\t_\t_

"""


def write(folder: Path, text: str, name: str = "some.conll") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_conllu_gives_its_words_without_those_written_together_or_not_at_all(
    tmp_path: Path,
) -> None:
    frame = read_conll(write(tmp_path, UNIVERSAL, "some.conllu")).frame
    assert frame["form"].to_list() == ["vamos", "nos", "a", "el", "mar", "No"]
    assert frame["sentence"].to_list() == [1, 1, 1, 1, 1, 2]
    assert frame["upos"].to_list() == ["VERB", "PRON", "ADP", "DET", "NOUN", "ADV"]


def test_conllu_stays_what_it_was_but_for_the_column_that_is_answered(tmp_path: Path) -> None:
    path = write(tmp_path, UNIVERSAL, "some.conllu")
    same = read_conll(path).frame["upos"].to_list()
    assert with_tags(path, None, {"upos": same}) == UNIVERSAL
    changed = with_tags(path, None, {"upos": ["X"] * 6, "lemma": list("abcdef")})
    assert "1-2\tvámonos\t_\t_" in changed
    assert "2.1\tquizás\tquizás\tADV" in changed
    assert "# text = vámonos al mar" in changed
    assert "5\tmar\te\tX\t_\t_\t1\tobl\t_\t_" in changed


def test_a_plain_file_gets_its_predictions_in_the_last_column_that_conlleval_reads(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, "EU B-ORG 0\nrejects O 0\n\nPeter B-PER 0\n")
    text = with_tags(path, None, {"ner": ["B-LOC", "O", "B-PER"]})
    assert text == "EU B-ORG 0 B-LOC\nrejects O 0 O\n\nPeter B-PER 0 B-PER\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("EU B-ORG 0\n\nrejects O 0\n", ["token", "ner", "column_3"]),
        ("EU NNP B-NP B-ORG\nand CC O O\n", ["token", "column_2", "chunk", "ner"]),
        ("the DT\nsea NN\n", ["token", "tag"]),
        ("the\nsea\n", ["token"]),
        ("a B-X B-Y\nb O O\n", ["token", "ner_2", "ner_3"]),
        ("a\tB-X\nb c\tO\n", ["token", "ner"]),
    ],
)
def test_columns_without_names_are_named_by_what_they_hold(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    content = read_conll(write(tmp_path, text))
    assert content.frame.columns == ["sentence", *names]
    assert ", ".join(names) in content.findings[1].message("en")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("EU B-ORG\nrejects\n", "line 2 has 1 columns, and the lines before it have 2"),
        (
            UNIVERSAL.replace("\n\n# sent_id = 2", ""),
            "line 11: the word has the id '1', but 6 was expected",
        ),
        ("It was the best,\nand it was the worst of times\n", "line 2 has 7 columns"),
        ("word O\n" * (LONGEST_SENTENCE + 1), "are one sentence; put an empty line"),
        ("\n\n", "is empty"),
    ],
)
def test_a_file_that_is_no_table_of_tokens_is_refused_with_what_to_do(
    tmp_path: Path, text: str, message: str
) -> None:
    path = write(tmp_path, text, "some.txt")
    with pytest.raises(DataError) as refused:
        read_tables([path])
    assert message in refused.value.message("en")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("# ", "#"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("1-2", "0.1", 1),
    ],
    ids=["# without a blank", "BOM", "Windows", "an empty node first"],
)
def test_conllu_is_read_the_same_however_it_is_written(tmp_path: Path, change) -> None:
    path = write(tmp_path, change(UNIVERSAL), "some.conllu")
    assert read_conll(path).frame["form"].to_list() == ["vamos", "nos", "a", "el", "mar", "No"]


def test_line_breaks_stay_as_they_were(tmp_path: Path) -> None:
    text = UNIVERSAL.replace("\n", "\r\n")
    path = write(tmp_path, text, "some.conllu")
    assert with_tags(path, None, {"upos": read_conll(path).frame["upos"].to_list()}) == text
    mixed = write(tmp_path, "a O\r\nb O\n\nc O")
    assert with_tags(mixed, None, {"ner": ["O"] * 3}) == "a O O\r\nb O O\n\nc O O\n"


PLUS = """\
# global.columns = ID FORM UPOS PARSEME:MWE
# sent_id = 1
1-2\tal\t_\t*
1\ta\tADP\t*
2\tel\tDET\t1:VID
"""


def test_the_columns_of_conllu_plus_have_their_own_names(tmp_path: Path) -> None:
    path = write(tmp_path, PLUS, "some.conllu")
    frame = read_conll(path).frame
    assert frame.columns == ["sentence", "id", "form", "upos", "parseme:mwe"]
    assert frame["form"].to_list() == ["a", "el"]
    assert with_tags(path, None, {"parseme:mwe": ["*", "1:VID"]}) == PLUS


@pytest.mark.parametrize(
    ("text", "found"), [("a O\nb O\n", 2), (UNIVERSAL.replace("\t", " "), 10), ("a\tX\n", 2)]
)
def test_a_file_called_conllu_that_is_none_is_refused(
    tmp_path: Path, text: str, found: int
) -> None:
    message = rf"is not CoNLL-U, whose words have 10 columns .* its first line has {found}"
    with pytest.raises(DataError, match=message):
        read_conll(write(tmp_path, text, "some.conllu"))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("1\tthe\tDT\n2\tsea\tNN\n\n1\train\tNN\n", ["id", "token", "column_3"]),
        ("0 the DT\n1 sea NN\n\n0 rain NN\n", ["id", "token", "column_3"]),
        ("1-2 zum _\n1 the DT\n2 sea NN\n2.1 x _\n\n1 rain NN\n", ["id", "token", "column_3"]),
        (
            "nw/1 0 0 the DT\nnw/1 0 1 sea NN\n\nnw/2 0 0 rain NN\n",
            ["column_1", "column_2", "id", "token", "column_5"],
        ),
    ],
)
def test_a_column_that_numbers_the_words_is_not_the_words(
    tmp_path: Path, text: str, columns: list[str]
) -> None:
    frame = read_conll(write(tmp_path, text)).frame
    assert frame["token"].to_list() == ["the", "sea", "rain"]
    names = [name if name != "tag" else columns[-1] for name in frame.columns[1:]]
    assert names == columns


HIPE = """\
TOKEN\tNE-COARSE-LIT\tMISC
# hipe2022:document_id = sn1
# hipe2022:applicable_columns = TOKEN NE-COARSE-LIT
Hector\tB-pers\tNoSpaceAfter
.\tO\tEndOfSentence
# segment_iiif_link = https://example.org
By\tO\t_
#\tO\tNoSpaceAfter|EndOfSentence
Ajax\tB-pers\t_

Troy\tB-loc\t_
"""


@pytest.mark.parametrize("name", ["hipe.tsv", "hipe.txt"])
def test_a_line_of_column_names_and_marked_ends_of_sentences_are_understood(
    tmp_path: Path, name: str
) -> None:
    path = write(tmp_path, HIPE, name)
    table = read_tables([path])
    assert table.frame.columns == ["sentence", "TOKEN", "NE-COARSE-LIT", "MISC"]
    assert table.frame["TOKEN"].to_list() == ["Hector", ".", "By", "#", "Ajax", "Troy"]
    assert table.frame["sentence"].to_list() == [1, 1, 2, 2, 3, 4]
    data = DataSettings(files=(str(path),), target="NE-COARSE-LIT")
    checks = {finding.check: finding.message("en") for finding in check_files(data)[1]}
    assert "6 tokens in 4 sentences" in checks["sentences"]
    lines = with_tags(path, None, {"NE-COARSE-LIT": list("abcdef")}).split("\n")
    assert lines[0] == "TOKEN\tNE-COARSE-LIT\tMISC\tpredicted NE-COARSE-LIT"
    assert lines[3] == "Hector\tB-pers\tNoSpaceAfter\ta"


def test_a_table_with_tabs_is_no_token_file(tmp_path: Path) -> None:
    path = write(tmp_path, "token\tner\na\tO\nb\tO\n", "some.tsv")
    assert read_tables([path]).frame.columns == ["token", "ner"]


def test_a_first_word_that_could_name_a_column_is_a_word(tmp_path: Path) -> None:
    frame = read_conll(write(tmp_path, "Token NN\nring NN\n\nword O\n")).frame
    assert frame["token"].to_list() == ["Token", "ring", "word"]
    frame = read_conll(write(tmp_path, "Word B-X\nring O\n")).frame
    assert frame["token"].to_list() == ["Word", "ring"]


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"two columns of .* are named 'sentence'"):
        read_conll(write(tmp_path, "token\tsentence\na\t1\nb\t2\n"))


def test_a_no_break_space_is_part_of_a_word(tmp_path: Path) -> None:
    frame = read_conll(write(tmp_path, "10\u00a0000 O\nmen  O\n")).frame
    assert frame["token"].to_list() == ["10\u00a0000", "men"]


def test_a_comment_as_wide_as_the_words_is_a_comment(tmp_path: Path) -> None:
    text = "# id = 7\nEU NNP I-NP B-ORG\n# NN O O\n"
    assert read_conll(write(tmp_path, text)).frame["token"].to_list() == ["EU", "#"]


def test_comments_doubled_empty_lines_and_windows_ends_of_lines_do_no_harm(tmp_path: Path) -> None:
    path = write(tmp_path, "# a comment of many words\r\nEU B-ORG\r\n\r\n\r\n# O\r\nno O\r\n")
    frame = read_conll(path).frame
    assert frame["token"].to_list() == ["EU", "#", "no"]
    assert frame["sentence"].to_list() == [1, 2, 2]


CELL = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=5
).filter(lambda cell: not cell.startswith("#") and cell.strip() == cell)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_written_is_what_is_read(
    tmp_path: Path, sentences: list[list[tuple[str, str]]]
) -> None:
    words = [word for sentence in sentences for word, _ in sentence]
    assume(
        not all(re.fullmatch(r"[0-9]+([-.][0-9]+)?", word) for word in words)
    )  # they number words
    text = "\n\n".join("\n".join(f"{a}\t{b}" for a, b in sentence) for sentence in sentences)
    frame = read_conll(write(tmp_path, text + "\n"), "utf-8").frame
    assert frame["token"].to_list() == words
    assert frame.get_column(frame.columns[2]).to_list() == [b for s in sentences for _, b in s]
    assert frame["sentence"].max() == len(sentences)
