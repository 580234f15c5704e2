"""Alpine's database: a pair that counts its failovers, and connections to whichever is the primary."""

import shutil

import psycopg2
from support.standby import Pair

DATABASE = "alpine"


def connect(cluster):
    """A connection that commits by itself, and is not waited for for ever."""
    connection = psycopg2.connect(cluster.url(DATABASE, "postgres"), connect_timeout=3)
    connection.autocommit = True
    return connection


class FaultyPair(Pair):
    """Counts its failovers, and leaves its logs behind."""

    def __init__(self, folder):
        self.generation = 0
        self._logs = folder.parent
        super().__init__(folder, start=False)

    def fail_over(self):
        self.generation += 1  # first: who sees the new primary sees the new number too
        super().fail_over()

    def finish(self):
        for number, cluster in enumerate(self.clusters, 1):
            if cluster.log.exists():
                shutil.copy(cluster.log, self._logs / f"postgres-{number}.log")
        self.remove()


class Asker:
    """One connection to Alpine's database for as long as it lasts."""

    def __init__(self, pair):
        self._pair = pair
        self._connection = None

    def has(self, signal_id):
        try:
            self._connection = self._connection or connect(self._pair.primary)
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM signals WHERE provider = 'argo' AND external_signal_id = %s", [signal_id])
                return cursor.fetchone() is not None
        except psycopg2.Error:
            self.close()
            return False

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None
