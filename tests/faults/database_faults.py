"""What happens to PostgreSQL and its standby."""

import os
import signal
import threading

from support.postgres import OWNER
from support.waiting import wait_for

from faults.database import DATABASE
from faults.fault import Fault


class DatabaseFault(Fault):
    needs = ("database",)

    @property
    def primary(self):
        return self.world.pair.primary


class DatabaseRestarted(DatabaseFault):
    def draw(self):
        self.mode = self.chance.choice(("fast", "immediate"))
        self.detail = self.mode

    def throw(self):
        self.primary.stop(self.mode)

    def heal(self):
        self.primary.start()


class DatabaseKilled(DatabaseFault):
    def throw(self):
        self.primary.kill9()

    def heal(self):
        self.primary.start()


class BackendKilled(DatabaseFault):
    """kill -9 of the backend that a receiver talks to: PostgreSQL ends all the others and begins anew."""

    longest = 0.5

    def throw(self):
        for pid in self._backends()[:1]:
            os.kill(pid, signal.SIGKILL)

    def _backends(self):
        rows = self.primary.psql("postgres", "-At", "-c", "SELECT pid FROM pg_stat_activity"
                                 " WHERE application_name = 'alpine-receiver' ORDER BY pid")
        return [int(row) for row in rows.split()]


class BackendsTerminated(DatabaseFault):
    longest = 0.5

    def throw(self):
        self.primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE application_name = 'alpine-receiver'")


class DatabaseStopped(DatabaseFault):
    longest = 6.0

    def throw(self):
        self.primary.freeze()

    def heal(self):
        self.primary.thaw()


class TableLocked(DatabaseFault):
    """Somebody on Alpine's side holds the table."""

    longest = 5.0

    def throw(self):
        self.connection = self.world.pair.database(DATABASE).connect(OWNER)
        self.connection.autocommit = False
        with self.connection.cursor() as cursor:
            cursor.execute("LOCK TABLE signals IN ACCESS EXCLUSIVE MODE")

    def heal(self):
        self.connection.close()


class StandbyStopped(DatabaseFault):
    """No commit is acknowledged while the standby says nothing."""

    longest = 4.0

    def throw(self):
        self.world.pair.standby.freeze()

    def heal(self):
        self.world.pair.standby.thaw()


class StandbyKilled(DatabaseFault):
    def throw(self):
        self.world.pair.standby.kill9()

    def heal(self):
        self.world.pair.standby.start()


class FailOver(DatabaseFault):
    """The primary is gone for good, the standby takes its place; later the old one follows it."""

    longest = 1.5

    def throw(self):
        wait_for(self.world.pair.streams, 60, "the standby to have everything")
        self.primary.stop("immediate")

    def heal(self):
        self.world.pair.fail_over()

    def afterwards(self):
        self.world.pair.rebuild()


class FailOverToALaggingStandby(FailOver):
    """The standby is away for a while, so that commits wait, and never gets what the primary had last. (A standby
    that is only stopped finds it in its socket's buffer.)"""

    longest = 4.0

    def draw(self):
        self.restarts = self.chance.random() < 0.5
        self.detail = "and the primary restarted before" if self.restarts else ""

    def throw(self):
        wait_for(self.world.pair.streams, 60, "the standby to have everything")
        self.world.pair.standby.kill9()
        self.world.argo.probe()
        if self.restarts:
            threading.Event().wait(self.chance.uniform(0.05, 0.5))
            self.primary.restart("immediate")

    def heal(self):
        self.primary.stop("immediate")
        self.world.pair.standby.start()
        self.world.pair.fail_over()
