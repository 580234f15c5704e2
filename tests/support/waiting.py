"""Bounded waiting: the only place in the tests that sleeps."""

import time


def wait_for(condition, limit, what):
    """Call condition() until it gives something true, and return that. Fails after `limit` seconds, saying `what`
    was waited for; `what` may be a function, called only then."""
    deadline = time.monotonic() + limit
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit} s for {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def stays(condition, seconds, what):
    """Fail if condition() stops being true within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), what() if callable(what) else what
        time.sleep(0.02)
