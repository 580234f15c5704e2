"""From the commit in Argo's file to the commit in Alpine's table, by the clock of one machine."""

import threading
import time

from . import load
from .goals import Result
from .rig import percentile

IDLE_PAUSE = 0.004
BACKGROUND = 500  # signals a second
TICK = 0.02       # the background comes in commits of Argo's, so often


class Background:
    """Another writer of Argo's table: so many signals a second."""

    def __init__(self, argo):
        self._argo = argo
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self):
        next_tick = time.perf_counter()
        while not self._ended.is_set():
            self._argo.commit(self._argo.maker.signals(int(BACKGROUND * TICK)))
            next_tick += TICK
            self._ended.wait(max(0, next_tick - time.perf_counter()))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()


def _sample(argo, count):
    """Commit so many single rows, each a little after the one before; when each was committed, by its signal_id."""
    committed = {}
    for _ in range(count):
        signal = argo.maker.signal()
        argo.commit([signal])
        committed[signal["signal_id"]] = time.time()
        threading.Event().wait(IDLE_PAUSE)
    return committed


def _latencies(database, committed):
    """Milliseconds; the table's side is the time that PostgreSQL notes for each COMMIT."""
    rows = database.query("SELECT external_signal_id AS id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at"
                          " FROM signals WHERE external_signal_id = ANY(%s)", [list(committed)])
    assert len(rows) == len(committed)
    return [(row["at"] - committed[row["id"]]) * 1000 for row in rows]


def _measure_once(rig, count, background):
    argo = rig.stage.argo(wide=True, name=f"latency-{background}")
    other = rig.second_writer(argo)
    receiver = rig.receiver(rig.database())
    sender = rig.sender(receiver, argo, ALPINE_LOG_LEVEL="info").start_service()
    argo.write(10)
    sender.settled(delivered=10)
    if background:
        with Background(other):
            committed = _sample(argo, count)
    else:
        committed = _sample(argo, count)
    sender.wait_status(pending=0)
    sender.stop()
    latencies = _latencies(receiver.database, committed)
    receiver.stop()
    return latencies


def measure(rig, size):
    """Idle, and beside a background."""
    pgbench = load.insert(rig.database(), 1, size.seconds)
    idle = _measure_once(rig, size.samples, False)
    busy = _measure_once(rig, size.samples, True)
    rig.latencies.update(idle=idle, busy=busy)
    yield Result("end_to_end_p50", percentile(idle, 50), pgbench.p50, f"{size.samples:,} signals over an idle link")
    yield Result("end_to_end_p99", percentile(idle, 99), pgbench.p50, f"{size.samples:,} signals over an idle link")
    yield Result("busy_p99", percentile(busy, 99), percentile(idle, 99), f"beside {BACKGROUND} signals a second")
