"""What `./run demo --keep` left running, and how it is ended: by the process ids it wrote down, each only while it is
still the same process."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from support.waiting import wait_for


def _started(pid):
    """When the process started, in the kernel's ticks; None if there is none, or only what nobody has waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


class Kept:
    """The note in the demo's folder."""

    def __init__(self, folder):
        self.folder = folder
        try:
            note = json.loads((folder / "kept.json").read_text())
        except OSError:
            note = {"processes": [], "database": None}
        self._processes = note["processes"]
        self._database = note["database"]

    @staticmethod
    def write(folder, pids, database):
        note = {"processes": [[pid, _started(pid)] for pid in pids], "database": str(database)}
        (folder / "kept.json").write_text(json.dumps(note))

    def running(self):
        """The ids of those that still run, in the order in which they are to end."""
        return [pid for pid, started in self._processes if started and _started(pid) == started]

    def stop(self):
        running = self.running()
        if not running:
            print("demo: nothing is running", file=sys.stderr)
        for pid in running:
            os.kill(pid, signal.SIGINT)
            wait_for(lambda pid=pid: pid not in self.running(), 30, f"process {pid} to end")
        if self._database:
            shutil.rmtree(self._database, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        return 0
