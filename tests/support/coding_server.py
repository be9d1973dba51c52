"""The studio with its coding page in a process of its own, to be killed."""

from __future__ import annotations

import socket
from pathlib import Path


def serve(folder: Path, token: str, address: socket.socket, port: int) -> None:
    """Answer on a socket that listens already, until the process ends."""
    import uvicorn

    from duree.serving.serve import settings
    from duree.serving.studio.start import guarded

    uvicorn.Server(settings(guarded(folder, token, "127.0.0.1", port))).run(sockets=[address])
