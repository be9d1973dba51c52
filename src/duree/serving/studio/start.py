"""Start: open the studio at an address of this machine alone, with a key of its own."""

from __future__ import annotations

import secrets
import threading
import webbrowser
from pathlib import Path

from duree.errors import require_packages
from duree.serving.guard import App, Guard
from duree.serving.serve import listening, names_of, run

# Pages that follow a run never end by themselves.
GRACE = 1


def studio(
    folder: Path, host: str = "127.0.0.1", port: int = 8321, *, open_browser: bool = True
) -> None:
    """Show a folder of runs in the browser until the process is told to end.

    Trainings that were started here go on by themselves.

    Parameters
    ----------
    folder : Path
        Of runs; made where it is missing.
    host, port
        Where to listen: loopback, unless told otherwise.
    open_browser : bool
        Whether to open the page too.

    Raises
    ------
    ExtraError
        A package of the extra ``studio`` is not installed.
    RunError
        The port is taken.
    """
    require_packages(("fastapi", "uvicorn", "python_multipart"), "studio", "the studio")
    token, address = secrets.token_urlsafe(24), listening(host, port)
    link = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}/?token={token}"
    print(link, flush=True)
    if open_browser:
        # Some browsers take the terminal until they are closed.
        threading.Thread(target=webbrowser.open, args=[link], daemon=True).start()
    # Who comes before all is imported waits at the address, which is taken already.
    run(guarded(folder, token, host, port), address, GRACE)


def guarded(folder: Path, token: str, host: str = "127.0.0.1", port: int = 8321) -> App:
    """The studio behind its door: asked by another name, or without the token, it says nothing."""
    from duree.serving.studio.access import Door
    from duree.serving.studio.app import create_studio
    from duree.serving.studio.uploads import LARGEST

    door = Door(create_studio(folder), token, f"duree-{port}")
    return Guard(door, names_of(host), upload=LARGEST)
