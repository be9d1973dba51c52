"""Workers: runs in processes of their own, which continue when the studio ends.

A worker is ``duree resume``: the run's folder holds what to do, and its progress.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from duree.pipeline.run import Run
from duree.serving.studio.workspace import state
from duree.storage import no_link


class Workers:
    """The processes that this studio started, until they have locked their run."""

    def __init__(self) -> None:
        self.started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, run: Run) -> None:
        """Start or continue the run, unless it is running or finished."""
        if self.state(run) in ("running", "finished"):
            return
        (run.folder / "progress.json").unlink(missing_ok=True)
        with open(run.folder / "log.txt", "ab", opener=no_link) as log:
            # A session of its own: closing the terminal does not end it. -P: no import from here.
            self.started[run.folder.name] = subprocess.Popen(
                [sys.executable, "-P", "-m", "duree", "resume", str(run.folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def state(self, run: Run) -> str:
        """The state of the run; a worker that has just been started counts as running."""
        worker = self.started.get(run.folder.name)
        if worker is not None:
            if worker.poll() is None:
                return "running"
            del self.started[run.folder.name]
        return state(run)

    def stop(self, run: Run) -> None:
        """End the process that writes the run; a training saves a checkpoint first."""
        worker = self.started.get(run.folder.name)
        pid = run.writer() or (worker and worker.poll() is None and worker.pid)
        if pid:
            os.kill(pid, signal.SIGTERM)
