"""What a coding folder stores as JSON: read and checked in one way."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from duree.errors import DataError
from duree.storage import cannot_read

T = TypeVar("T")


def read_stored(path: Path, kind: TypeAdapter[T], fix: str) -> T:
    """The content of a file.

    Raises
    ------
    FileNotFoundError
        There is none.
    DataError
        It cannot be read, or was altered: ``fix`` says what to do then.
    """
    try:
        return kind.validate_json(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise cannot_read(path, error) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise altered(path, ".".join(map(str, first["loc"])) or first["msg"], fix) from None


def altered(path: Path, part: str, fix: str) -> DataError:
    """The error of a file that is not as it was written."""
    return DataError("{file} was altered: see its {part!r}", fix=fix, file=str(path), part=part)
