"""A sealed folder is whole or refused, also when the writing process dies at any moment."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duree import storage as folders
from duree.errors import RunError
from duree.storage import MANIFEST, read_sealed, write_file, write_sealed

OLD = {"model.json": b'{"a": 1}', "weights.bin": bytes(range(256)) * 8}
NEW = {"model.json": b'{"a": 2}', "weights.bin": bytes(reversed(range(256))) * 8, "more": b""}


class Died(BaseException):
    """Stands for kill -9: nothing catches it."""


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here cuts the power: what is written need not reach the disk."""
    monkeypatch.setattr(folders.os, "fsync", lambda descriptor: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    write_sealed(path, OLD)
    return path


def reseal(folder: Path, body: object, *, honest: bool = True) -> None:
    """Write a manifest with another body, and a checksum that fits it (or not)."""
    text = body if isinstance(body, str) else json.dumps(body)
    digest = hashlib.sha256(text.encode()).hexdigest() if honest else "0" * 64
    (folder / MANIFEST).write_text(json.dumps({"body": text, "sha256": digest}))


def manifest_body(folder: Path) -> dict[str, object]:
    return json.loads(json.loads((folder / MANIFEST).read_text())["body"])


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=20)
        .filter(lambda name: name not in {".", "..", MANIFEST}),
        st.binary(max_size=200),
        max_size=4,
    )
)  # fmt: skip
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_was_written_is_read_back(tmp_path: Path, files: dict[str, bytes]) -> None:
    write_sealed(tmp_path / "any", files)
    assert read_sealed(tmp_path / "any") == files


def test_newer_content_replaces_the_older_and_leaves_nothing_else(
    folder: Path,
) -> None:
    write_sealed(folder, NEW)
    assert read_sealed(folder) == NEW
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_missing_folder_is_reported_as_missing(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"there is no .*nowhere"):
        read_sealed(tmp_path / "nowhere")


def test_a_folder_without_manifest_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(RunError, match="was not written by Durée"):
        read_sealed(tmp_path / "photos")


def test_a_file_in_place_of_the_folder_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"x")
    with pytest.raises(RunError, match="was not written by Durée"):
        read_sealed(tmp_path / "model")


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "weights.bin").unlink()
    with pytest.raises(RunError, match=r"'weights\.bin' is missing from .*model"):
        read_sealed(folder)


def test_an_extra_file_is_named(folder: Path) -> None:
    (folder / "extra.py").write_text("print()")
    with pytest.raises(RunError, match=r"'extra\.py' in .* was not written by Durée"):
        read_sealed(folder)


@pytest.mark.parametrize(
    "alter",
    [
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"",
        lambda content: bytes([content[0] ^ 1]) + content[1:],
        lambda content: content[:1000] + bytes([content[1000] ^ 128]) + content[1001:],
    ],
    ids=["cut", "longer", "emptied", "first bit", "bit inside"],
)
def test_an_altered_file_is_named(folder: Path, alter) -> None:
    path = folder / "weights.bin"
    path.write_bytes(alter(path.read_bytes()))
    with pytest.raises(RunError, match=r"'weights\.bin' in .* was altered or truncated"):
        read_sealed(folder)


def test_two_files_that_changed_names_are_refused(folder: Path) -> None:
    os.rename(folder / "weights.bin", folder / "aside")
    os.rename(folder / "model.json", folder / "weights.bin")
    os.rename(folder / "aside", folder / "model.json")
    with pytest.raises(RunError, match="was altered or truncated"):
        read_sealed(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"null", b"[]", b'{"body": 1}', b"[" * 100_000, b'{"body": "x", "sha256":'],
    ids=["empty", "no text", "null", "list", "no sum", "deep", "cut"],
)
def test_a_manifest_that_is_none_is_refused(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(RunError, match=r"'manifest\.json' in .* was altered or truncated"):
        read_sealed(folder)


@pytest.mark.parametrize(
    "body",
    [
        "null",
        "[]",
        {"format": 1},
        {"files": {}},
        {"format": None, "files": {}},
        {"format": 1, "files": []},
        {"format": 1, "files": {"model.json": 3}},
        {"format": 1, "files": {"model.json": ["many", ""]}},
        '{"format": 1, "files": {"model.json": [1e999, ""]}}',
        "[" * 100_000,
    ],
)
def test_a_manifest_of_another_shape_is_refused(folder: Path, body: object) -> None:
    reseal(folder, body)
    with pytest.raises(RunError, match=r"'manifest\.json' in .* was altered or truncated"):
        read_sealed(folder)


@pytest.mark.parametrize("size", [10**18, -5, -1, 0, 2**70])
def test_sizes_that_no_file_has_are_refused_without_taking_memory(folder: Path, size: int) -> None:
    body = manifest_body(folder)
    body["files"]["model.json"][0] = size
    reseal(folder, body)
    with pytest.raises(RunError, match=r"'model\.json' in .* was altered or truncated"):
        read_sealed(folder)


def test_a_manifest_whose_own_checksum_does_not_match_is_refused(folder: Path) -> None:
    reseal(folder, manifest_body(folder), honest=False)
    with pytest.raises(RunError, match=r"'manifest\.json' in .* was altered or truncated"):
        read_sealed(folder)


def test_a_newer_format_says_to_update_even_where_all_else_is_unknown(folder: Path) -> None:
    reseal(folder, {"format": 2, "contents": "in another way"})
    with pytest.raises(
        RunError,
        match=r"newer version of Durée \(format 2, this version reads up to 1\).*--upgrade",
    ):
        read_sealed(folder)


def test_a_name_that_leads_out_of_the_folder_is_never_opened(folder: Path) -> None:
    secret = folder.parent / "secret"
    secret.write_bytes(b"key")
    digest = hashlib.sha256(b"key").hexdigest()
    reseal(folder, {"format": 1, "files": {"../secret": [3, digest]}})
    with pytest.raises(RunError, match=r"'\.\./secret' is missing"):
        read_sealed(folder)


@pytest.mark.parametrize("name", ["weights.bin", MANIFEST])
def test_a_link_in_place_of_a_file_is_refused_though_its_content_is_right(
    folder: Path, name: str
) -> None:
    os.rename(folder / name, folder.parent / "elsewhere")
    (folder / name).symlink_to(folder.parent / "elsewhere")
    with pytest.raises(RunError, match="is a link or not a regular file"):
        read_sealed(folder)


def test_a_link_in_place_of_the_folder_is_refused_and_its_target_named(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    with pytest.raises(RunError, match=r"is a symbolic link; give the folder itself: '.*/model'"):
        read_sealed(link)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_in_place_of_a_file_does_not_hang(folder: Path) -> None:
    (folder / "weights.bin").unlink()
    os.mkfifo(folder / "weights.bin")
    with pytest.raises(RunError, match="is a link or not a regular file"):
        read_sealed(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_file_without_permission_is_named(folder: Path) -> None:
    (folder / "weights.bin").chmod(0)
    with pytest.raises(RunError, match=r"weights\.bin: Permission denied"):
        read_sealed(folder)


def deaths(monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException) -> None:
    """Let the process fail at its ``number``-th call that changes or syncs anything on the disk."""
    calls = iter(range(10_000))

    def failing(real):
        def call(*arguments, **options):
            if next(calls) == number:
                raise error
            return real(*arguments, **options)

        return call

    monkeypatch.setattr(folders.os, "rename", failing(os.rename))
    monkeypatch.setattr(folders.os, "fsync", failing(os.fsync))
    monkeypatch.setattr(folders.shutil, "rmtree", failing(shutil.rmtree))
    monkeypatch.setattr(Path, "mkdir", failing(Path.mkdir))


def attempt(folder: Path, number: int, error: BaseException) -> bool:
    """Write ``NEW`` with a failure at one call; returns whether it was written all the same."""
    with pytest.MonkeyPatch.context() as patch:
        deaths(patch, number, error)
        try:
            write_sealed(folder, NEW)
        except (Died, RunError):
            return False
    return True


def test_whichever_call_the_process_dies_in_one_whole_content_is_read(tmp_path: Path) -> None:
    outcomes = []
    for number in range(40):
        folder = tmp_path / str(number) / "model"
        write_sealed(folder, OLD)
        ended = attempt(folder, number, Died())
        found = read_sealed(folder)
        assert found in (OLD, NEW)
        outcomes.append(found == NEW)
        write_sealed(folder, NEW)
        assert read_sealed(folder) == NEW
        assert [path.name for path in folder.parent.iterdir()] == ["model"]
        if ended:
            break
    else:
        pytest.fail("more calls than were tried")
    assert False in outcomes
    assert outcomes[-1]


def test_a_second_death_leaves_one_whole_content_as_well(tmp_path: Path) -> None:
    for first in range(12):
        for second in range(12):
            folder = tmp_path / f"{first}-{second}" / "model"
            write_sealed(folder, OLD)
            for number in (first, second):
                attempt(folder, number, Died())
                assert read_sealed(folder) in (OLD, NEW)


def test_a_full_disk_at_any_call_leaves_the_older_content_and_says_so(tmp_path: Path) -> None:
    for number in range(40):
        folder = tmp_path / str(number) / "model"
        write_sealed(folder, OLD)
        with pytest.MonkeyPatch.context() as patch:
            deaths(patch, number, OSError(errno.ENOSPC, "No space left on device"))
            message = error_message(folder)
        if message is None:
            break
        assert "No space left on device" in message
        assert "free some space" in message
        assert read_sealed(folder) in (OLD, NEW)
        assert folder.is_dir()
        assert not (folder.parent / ".model.new").exists()
    assert number > 8
    assert read_sealed(folder) == NEW


def error_message(folder: Path) -> str | None:
    """The message where ``NEW`` cannot be written; None where it can."""
    try:
        write_sealed(folder, NEW)
    except RunError as error:
        return error.message()
    return None


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError, match="cannot be written: Not a directory"):
        write_sealed(tmp_path / "file" / "model", OLD)


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metrics.json"
    write_file(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(folders.os, "fsync", full)
        with pytest.raises(RunError, match="cannot be written: No space"):
            write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["metrics.json"]
    write_file(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="POSIX links and modes")
def test_nothing_is_written_through_a_planted_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    path = tmp_path / "out.csv"
    for name in (".out.csv.new", "out.csv"):
        (tmp_path / name).symlink_to(tmp_path / "victim")
    write_file(path, b"ours")
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert not path.is_symlink()
    assert path.read_bytes() == b"ours"
    (tmp_path / ".model.new").symlink_to(tmp_path, target_is_directory=True)
    write_sealed(tmp_path / "model", OLD)
    assert read_sealed(tmp_path / "model") == OLD
    assert (tmp_path / "victim").read_bytes() == b"mine"


def test_a_name_that_was_foreseen_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders.secrets, "token_hex", lambda count: "known")
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / ".out.csv.known.new").symlink_to(tmp_path / "victim")
    with pytest.raises(RunError, match="File exists"):
        write_file(tmp_path / "out.csv", b"ours")
    assert (tmp_path / "victim").read_bytes() == b"mine"


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_file_that_is_replaced_passes_on_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "out.csv"
    write_file(path, b"old")
    path.chmod(mode)
    write_file(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
