"""Bounded waiting: the only place in the tests that sleeps; and a clock for what must not take too long."""

import threading
import time


class RunningClock:
    """Time in which this machine ran us: where it stands still for seconds, as a shared one does, nobody is late. What
    must take at least so long is measured with time.monotonic()."""

    TICK = 0.02
    MOST = 0.1  # that one tick counts for

    def __init__(self):
        self._lock = threading.Lock()
        self._counted = 0.0
        self._at = time.monotonic()
        threading.Thread(target=self._tick, daemon=True).start()

    def now(self):
        """Seconds since some moment."""
        with self._lock:
            now = time.monotonic()
            self._counted += min(now - self._at, self.MOST)
            self._at = now
            return self._counted

    def _tick(self):
        while True:
            self.now()
            time.sleep(self.TICK)


running_time = RunningClock().now


class Stopwatch:
    """Starts when it is made."""

    def __init__(self):
        self._began = time.monotonic()
        self._began_running = running_time()

    @property
    def passed(self):
        """Seconds by the wall's clock, for a lower limit."""
        return time.monotonic() - self._began

    @property
    def running(self):
        """Seconds in which the machine ran, for an upper limit."""
        return running_time() - self._began_running


def wait_for(condition, limit, what):
    """Call condition() until it gives something true, and return that. Fails after `limit` seconds of running time,
    saying `what` was waited for; `what` may be a function, called only then."""
    deadline = running_time() + limit
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if running_time() > deadline:
            raise AssertionError(f"waited {limit} s for {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def stays(condition, seconds, what):
    """Fail if condition() stops being true within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), what() if callable(what) else what
        time.sleep(0.02)
