"""The receivers' advisory locks (receiver/adapters/store_locks.h), as somebody else holds them."""

from support.waiting import wait_for

CHAIN_LOCK = 107069087837797
TURN_LOCK = 107069087837798


def _count(database, lock, granted):
    return database.value(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted = "
        f"{granted} AND (classid::bigint << 32) + objid::bigint = {lock} AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())")


def held(database, lock):
    """Whether anybody has it."""
    return _count(database, lock, "true") > 0


class Held:
    """While it lasts, nobody else gets this lock."""

    def __init__(self, database, lock):
        self.database = database
        self.lock = lock

    def __enter__(self):
        self._connection = self.database.connect()
        self._connection.cursor().execute(f"SELECT pg_advisory_lock({self.lock})")
        return self

    def __exit__(self, *_):
        self._connection.close()

    def wait_waiting(self, count=1):
        """Until so many wait for the lock."""
        wait_for(lambda: _count(self.database, self.lock, "false") >= count, 10, "somebody to wait for the lock")
