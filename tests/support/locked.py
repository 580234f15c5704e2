"""A table that somebody has locked."""

from support.waiting import wait_for


class Locked:
    """While it lasts, no row can be inserted: a lock of Alpine's own, as a long migration would take."""

    def __init__(self, database):
        self.database = database

    def __enter__(self):
        self._connection = self.database.connect()
        self._connection.autocommit = False
        self._connection.cursor().execute("LOCK TABLE signals IN SHARE ROW EXCLUSIVE MODE")
        return self

    def __exit__(self, *_):
        self._connection.close()

    def wait_waiting(self, count=1):
        """Until somebody waits for the lock."""
        wait_for(lambda: self.database.value(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'signals'::regclass") >= count, 10,
            "an insert to wait for the lock")
