"""Start the studio on this machine only, with an access token of its own."""

from __future__ import annotations

import secrets
import sys
import threading
import webbrowser
from pathlib import Path

from duree.errors import require_packages, translate
from duree.serving.guard import App, Guard
from duree.serving.serve import listening, names_of, run

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
        The port is in use.
    """
    require_packages(("fastapi", "uvicorn", "python_multipart"), "studio", "the studio")
    token, address = secrets.token_urlsafe(24), listening(host, port)
    link = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}/?token={token}"
    message = translate("the studio is open at the link below; press Ctrl-C to close it")
    print(message, file=sys.stderr, flush=True)
    print(link, flush=True)
    if open_browser:
        # Some browsers take the terminal until they are closed.
        threading.Thread(target=webbrowser.open, args=[link], daemon=True).start()
    # The address listens already: requests wait until everything is imported.
    run(guarded(folder, token, host, port), address, GRACE)


def guarded(folder: Path, token: str, host: str = "127.0.0.1", port: int = 8321) -> App:
    """The studio behind the checks of Host header and token."""
    from duree.serving.studio.access import AccessControl
    from duree.serving.studio.app import create_studio
    from duree.serving.studio.uploads import LARGEST

    access = AccessControl(create_studio(folder), token, f"duree-{port}")
    return Guard(access, names_of(host), upload=LARGEST)
