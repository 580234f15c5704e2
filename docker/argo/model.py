"""A model of Argo at work, in a container of its own: each signal goes to the log at once, and in a batch to the table.

    model.py run     make ARGO_RATE signals a second until SIGTERM; SIGUSR1: make no more, but commit what waits
    model.py list    each signal of the table as a line: {"signal_id": …, "sha256": …}
    model.py count   how many there are; fails if there is no table yet
"""

import json
import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

from argo import Argo

ROOT = Path("/argo")
BUFFER_MAX = 50
BUFFER_S = 3


def run(rate):
    """Signals until SIGTERM. Ids differ from one start to the next."""
    argo = Argo(ROOT / "data", seed=time.time_ns(), live=True)
    argo.log = ROOT / "logs" / "signals.log"
    argo.connection.execute("SELECT 1")
    stop, pause = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGUSR1, lambda *_: pause.set())
    buffer, commit_at = [], 0
    while not stop.wait(1 / rate):
        if not pause.is_set():
            made = argo.maker.signal()
            argo.append([made])
            commit_at = commit_at if buffer else time.monotonic() + BUFFER_S
            buffer.append(made)
        if buffer and (pause.is_set() or len(buffer) >= BUFFER_MAX or time.monotonic() > commit_at):
            argo.commit(buffer)
            print(f"committed {len(buffer)} signals")
            buffer.clear()
        if pause.is_set():
            print("paused")
            stop.wait()
    argo.commit(buffer)
    argo.close()


def rows():
    """(signal_id, sha256) of each row of the table."""
    connection = sqlite3.connect(f"file:{ROOT}/data/signals.db?mode=ro", uri=True, timeout=10)
    return connection.execute("SELECT signal_id, sha256 FROM signals ORDER BY id").fetchall()


def main():
    command = sys.argv[1]
    if command == "run":
        run(float(os.environ.get("ARGO_RATE", "5")))
    elif command == "list":
        for signal_id, sha256 in rows():
            print(json.dumps({"signal_id": signal_id, "sha256": sha256}))
    elif command == "count":
        print(len(rows()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
