"""A hot standby of a private PostgreSQL, a pair of the two that can fail over and be made whole again, and a standby that
is missing."""

import contextlib
import shutil
import subprocess
from pathlib import Path

from .postgres import APP, Database, Postgres
from .waiting import wait_for

# How many commits do.
WAITING_FOR_STANDBY = ("SELECT count(*) FROM pg_stat_activity"
                       " WHERE datname = current_database() AND wait_event = 'SyncRep'")
CANCEL_WAITING = WAITING_FOR_STANDBY.replace("count(*)", "count(pg_cancel_backend(pid))")


@contextlib.contextmanager
def missing_standby(database):
    """While this lasts, every commit waits for a standby that does not exist."""
    database.postgres.require_standby()
    try:
        wait_for(lambda: database.value("SHOW synchronous_standby_names") == "*", 10, "the setting")
        yield
    finally:
        database.postgres.require_standby(False)


class Standby(Postgres):
    """Follows `primary` by streaming from its first start on, until promote()."""

    def __init__(self, primary, folder, outlives_us=False):
        self.primary = primary
        super().__init__(folder, outlives_us)

    def _make_data(self):
        copy_of(self.primary, self)


def copy_of(primary, cluster):
    """Make the cluster's data a copy of a running primary's, set up to follow that one."""
    shutil.rmtree(cluster.data, ignore_errors=True)
    subprocess.run(
        cluster.account.prefix(False) + [
            cluster.programs / "pg_basebackup", "-D", cluster.data, "-h", "127.0.0.1", "-p", str(primary.port.number),
            "-U", "postgres", "-X", "stream", "-R", "-c", "fast", "--no-sync"],
        cwd="/", check=True, capture_output=True, timeout=120)


def url_of_all(clusters, name, role=APP):
    """A connection string that leads to whichever of the clusters takes writes."""
    hosts = ",".join(f"127.0.0.1:{cluster.port.number}" for cluster in clusters)
    return f"postgresql://{role}@{hosts}/{name}?target_session_attrs=read-write"


class Pair:
    """A primary and a standby; while both are there, an acknowledged commit is on both."""

    def __init__(self, folder, start=True):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.primary = Postgres(folder / "first")
        self.standby = None
        self.clusters = [self.primary]
        self._folder = folder / "second"
        if start:
            self.start()

    def start(self):
        self.primary.start()
        self.primary.create_roles()
        second = Standby(self.primary, self._folder)
        self.clusters.append(second)
        self._follow(second)
        return self

    def url(self, name, role=APP):
        """A connection string for both, that finds the one that takes writes."""
        return url_of_all(self.clusters, name, role)

    def database(self, name):
        """The database on whichever is the primary now."""
        return Database(self.primary, name)

    def fail_over(self):
        """The primary crashes for ever, and the standby takes its place. Alone from then on, until rebuild().
        Nothing that was acknowledged is lost, given that the standby was required when it was."""
        self.primary.stop("immediate")
        self.primary, self.standby = self.standby.promote(), None
        return self.primary

    def rebuild(self):
        """Whoever is not the primary follows it as the standby, from a fresh copy."""
        [other] = [cluster for cluster in self.clusters if cluster is not self.primary]
        other.stop("immediate")
        copy_of(self.primary, other)
        self._follow(other)
        return other

    def streams(self):
        """Whether the standby is a required one and has on its disk all that the primary had written when asked."""
        return self.primary.psql(
            "postgres", "-At", "-c", "SELECT count(*) FROM pg_stat_replication"
            " WHERE sync_state = 'sync' AND flush_lsn >= pg_current_wal_lsn()").strip() == "1"

    def remove(self):
        for cluster in reversed(self.clusters):
            cluster.remove()

    finish = remove

    def _follow(self, cluster):
        cluster.start()
        self.primary.require_standby()
        wait_for(self.streams, 60, lambda: "the standby to stream:\n" + cluster.log_text()[-2000:])
        self.standby = cluster
