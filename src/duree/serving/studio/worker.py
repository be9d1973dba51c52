"""Workers: runs that go on in processes of their own, whatever becomes of the studio.

A worker is ``duree resume``: it finds in the run's folder what to do, and notes its progress there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from duree.pipeline.run import Run
from duree.serving.studio.workspace import state


class Workers:
    """The processes that this studio has started, for as long as they take to take up their run."""

    def __init__(self) -> None:
        self.started: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, run: Run) -> None:
        """Carry the run out, or go on with it; nothing where somebody does already."""
        if self.state(run) in ("working", "finished"):
            return
        (run.folder / "progress.json").unlink(missing_ok=True)
        with open(run.folder / "log.txt", "ab") as log:
            # Not of our session: closing the terminal does not end it. -P: no import from here.
            self.started[run.folder.name] = subprocess.Popen(
                [sys.executable, "-P", "-m", "duree", "resume", str(run.folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def state(self, run: Run) -> str:
        """As the folder tells; a worker that has just been started is at work too."""
        worker = self.started.get(run.folder.name)
        if worker is not None:
            if worker.poll() is None:
                return "working"
            del self.started[run.folder.name]
        return state(run)

    def stop(self, run: Run) -> None:
        """Ask the process that writes the run to end; a training saves a checkpoint first."""
        worker = self.started.get(run.folder.name)
        pid = run.writer() or (worker and worker.poll() is None and worker.pid)
        if pid:
            os.kill(pid, signal.SIGTERM)
