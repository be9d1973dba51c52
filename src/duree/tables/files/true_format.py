"""What a file really is, by its first bytes, where its suffix says something else."""

from __future__ import annotations

import zipfile
from pathlib import Path

from duree.errors import DataError

_GZIP, _ZIP, _OLE, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
_OTHERS = (b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"(\xb5/\xfd")  # bzip2, xz, 7z, zstandard
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM6", b"II*\0", b"MM\0*")
# Suffixes of formats that begin with these bytes.
_RIGHT = {_ZIP: (".xlsx", ".xlsm"), _PARQUET: (".parquet", ".pq")}

_IS_WORKBOOK = "{file} is really an Excel workbook"
_IS_ZIP = "{file} is really a zip file"
_IS_OLD = "{file} is really an old Excel workbook (.xls) or one with a password"
_UNPACK = "unpack it first, and read the file within"
_WORKBOOK = "give it the suffix .xlsx"
_OLD_WORKBOOK = "open it in a spreadsheet program and save it as .xlsx or .csv"
_TABLE = "give the table itself, saved as .csv or .xlsx"
_RENAME = "give it the suffix .parquet"
_LINES = "write one JSON object per line, in a .jsonl file; jq -c '.[]' FILE makes them of an array"


def refuse_other_format(path: Path, known: bool) -> None:
    """Refuse a file whose first bytes show another format than its suffix, with the way out.

    Parameters
    ----------
    known : bool
        Whether files with its suffix are read at all.

    Raises
    ------
    DataError
    """
    with open(path, "rb") as file:
        head = file.read(64)
    what, fix = _format_of(path, head, known)
    if what:
        raise DataError(what, fix=fix, file=str(path))


def _format_of(path: Path, head: bytes, known: bool) -> tuple[str, str]:
    """What the file is, and what to do; empty where the suffix fits or nothing is known."""
    suffix = path.suffix.lower()
    if any(head.startswith(mark) and suffix in suffixes for mark, suffixes in _RIGHT.items()):
        return "", ""
    if head.startswith(_GZIP):
        return "{file} is really a gzip archive", _UNPACK
    if head.startswith(_ZIP):
        return (_IS_WORKBOOK, _WORKBOOK) if _is_workbook(path) else (_IS_ZIP, _UNPACK)
    if head.startswith(_OLE):
        return _IS_OLD, _OLD_WORKBOOK
    if head.startswith(_PARQUET):
        return "{file} is really a Parquet file", _RENAME
    if head.startswith(_OTHERS):
        return "{file} is really a compressed file of another kind", _UNPACK
    if known and head.startswith(_PICTURES):
        return "{file} is really a picture", _TABLE
    if known and head.startswith(b"%PDF-"):
        return "{file} is really a PDF document", _TABLE
    begins = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    is_json = begins.startswith((b"[{", b'{"', b"[\n", b"[\r\n", b"{\n"))
    if is_json and (not known or suffix in (".csv", ".tsv", ".tab")):
        return "{file} is really JSON", _LINES
    return "", ""


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
