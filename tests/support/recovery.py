"""How fast a receiver is back once its database is: measured from the moment that the database takes writes."""

import psycopg2

from .answers import assert_stored
from .waiting import Stopwatch, wait_for

RECOVERY_LIMIT = 2.0


def takes_writes(database):
    """Whether the database writes now: a transaction id is given out and committed."""
    try:
        database.query("SELECT pg_current_xact_id()")
        return True
    except psycopg2.Error:
        return False


def wait_takes_writes(database, limit=60):
    wait_for(lambda: takes_writes(database), limit, "the database to take writes")
    return Stopwatch()


def assert_recovers(receiver, signals, since, limit=RECOVERY_LIMIT):
    """Ready, healthy and storing within the limit, counted from `since`, a Stopwatch."""
    receiver.wait_ready(limit)
    took = since.running
    assert took < limit, f"ready only after {took:.2f} s"
    assert receiver.health().status == 200
    for signal in signals:
        assert_stored(receiver.post(signal), signal)
    took = since.running
    assert took < limit, f"stored only after {took:.2f} s"
