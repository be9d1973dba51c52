"""Start the studio on this machine only, with an access token of its own."""

from __future__ import annotations

import secrets
import sys
import threading
import webbrowser
from pathlib import Path

from duree.errors import RunError, require_packages, translate
from duree.serving.guard import App, Guard
from duree.serving.serve import listening, names_of, run
from duree.serving.studio.entry import Entry
from duree.serving.studio.isolated import start_reading
from duree.storage import cannot_write

# Seconds at the end: pages that follow a run never end by themselves.
GRACE = 1


def studio(
    folder: Path, host: str = "127.0.0.1", port: int = 8321, *, open_browser: bool = True
) -> None:
    """Show a folder of runs in the browser until the process ends.

    Trainings that were started here continue without it.

    Parameters
    ----------
    folder : Path
        Folder of runs; created if missing.
    host, port
        Address to listen on; loopback by default.
    open_browser : bool
        Whether to open the page in the browser.

    Raises
    ------
    ExtraError
        A package of the extra ``studio`` is not installed.
    RunError
        The port is in use, or the folder cannot be made.
    """
    require_packages(("fastapi", "uvicorn", "python_multipart"), "studio", "the studio")
    _make(folder)
    token, address = secrets.token_urlsafe(24), listening(host, port)
    here = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else _in_link(host)}:{port}"
    entry = Entry(folder, here) if open_browser else None
    message = translate("the studio is open at the link below; press Ctrl-C to close it")
    print(message, file=sys.stderr, flush=True)
    print(f"{here}/?token={token}", flush=True)
    start_reading()
    try:
        if entry:
            page = entry.path.as_uri()
            # Some browsers take the terminal until they are closed.
            threading.Thread(target=webbrowser.open, args=[page], daemon=True).start()
        # The address listens already: requests wait until everything is imported.
        run(guarded(folder, token, host, port, entry), address, GRACE)
    finally:
        if entry:
            entry.close()


def _make(folder: Path) -> None:
    """Create the folder of runs; RunError if that cannot be done."""
    if any(place.is_file() for place in (folder, *folder.parents)):
        raise RunError(
            "{folder!r} is a file, not a folder of runs",
            fix="name the folder that holds the runs, or a new one",
            folder=str(folder),
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None


def _in_link(host: str) -> str:
    """An address as it is written in links."""
    return f"[{host}]" if ":" in host else host


def guarded(
    folder: Path,
    token: str,
    host: str = "127.0.0.1",
    port: int = 8321,
    entry: Entry | None = None,
) -> App:
    """The studio behind the checks of Host header and token."""
    from duree.serving.studio.access import AccessControl
    from duree.serving.studio.app import create_studio
    from duree.serving.studio.uploads import LARGEST

    access = AccessControl(create_studio(folder), token, f"duree-{port}", entry)
    return Guard(access, names_of(host), upload=LARGEST)
