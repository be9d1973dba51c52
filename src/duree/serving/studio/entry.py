"""Entry: a page on disk that opens the studio in the browser, once.

Other users of the machine see the command lines of all processes: a browser is therefore given the
path of a file that only its user may read, and no link with a token.
"""

from __future__ import annotations

import hmac
import secrets
from html import escape
from pathlib import Path

from duree.storage import cannot_write, create

PAGE = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="referrer" content="no-referrer">'
    '<meta http-equiv="refresh" content="0; url={link}"><title>Durée</title></head>'
    '<body><p><a href="{link}">Durée</a></p></body></html>'
)


class Entry:
    """The page, and the code in its link.

    Parameters
    ----------
    folder : Path
        That of the runs: confined browsers may read neither hidden nor temporary folders.
    address : str
        The address of the studio, ``http://HOST:PORT``.

    Raises
    ------
    RunError
        The folder cannot be written.
    """

    def __init__(self, folder: Path, address: str) -> None:
        self.code = secrets.token_urlsafe(24)
        self.path = folder.absolute() / f"open-{secrets.token_hex(8)}.html"
        link = escape(f"{address}/?token={self.code}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with open(create(self.path, 0o600), "wb") as file:
                file.write(PAGE.format(link=link).encode())
        except OSError as error:
            raise cannot_write(folder, error) from None
        self.is_open = True

    def admits(self, code: str) -> bool:
        """Whether this is the code, the first time that it is given."""
        if not (self.is_open and hmac.compare_digest(code.encode(), self.code.encode())):
            return False
        self.close()
        return True

    def close(self) -> None:
        """Admit nobody any more, and remove the page."""
        self.is_open = False
        self.path.unlink(missing_ok=True)
