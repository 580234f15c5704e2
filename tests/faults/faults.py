"""The faults: a class each, and one table of them all. To add one, write a class and give it a row in FAULTS.

A fault is made with dice of its own, thrown, left alone for `seconds`, healed, and, once it has been seen that
signals arrive again, given the time for what it has to do `afterwards`. `needs` names what it must have for itself."""

import os
import signal
import threading

from support import proxy
from support.postgres import OWNER
from support.waiting import wait_for

from faults.world import DATABASE, FILLING


class Fault:
    """What all of them have."""

    needs = ()
    longest = 3.0  # seconds

    def __init__(self, world, chance):
        self.world = world
        self.chance = chance
        self.seconds = round(chance.uniform(0.1, self.longest), 2)
        self.detail = ""
        self.draw()

    def draw(self):
        """Throw the dice that this fault needs."""

    def throw(self):
        raise NotImplementedError

    def heal(self):
        """Undo it."""

    def afterwards(self):
        """What takes longer than the healing, and hinders nobody."""

    @property
    def may_end(self):
        """Programs that may end by themselves of this."""
        return ()

    def __str__(self):
        return f"{type(self).__name__} {self.detail} {self.seconds} s".replace("  ", " ")


# --- the sender ---

class SenderFault(Fault):
    """It ends, and starts again with or without Argo's log beside the table."""

    needs = ("sender",)

    def draw(self):
        self.with_log = self.chance.random() < 0.5
        self.detail = "then with the log" if self.with_log else "then without the log"

    def heal(self):
        self.world.start_sender(self.with_log)


class SenderKilled(SenderFault):
    def throw(self):
        self.world.sender.kill9()


class SenderKilledAgainAndAgain(SenderFault):
    longest = 1.0

    def throw(self):
        for _ in range(4):
            self.world.sender.kill9()
            self.world.sender.start()
            threading.Event().wait(self.chance.uniform(0, 0.3))
        self.world.sender.kill9()


class SenderKilledUnanswered(SenderFault):
    """Killed with requests under way that were stored, or not, and will never be answered."""

    needs = ("sender", "link")

    def draw(self):
        super().draw()
        what, self.fault = self.chance.choice((
            ("never stored", proxy.Fault(silence=True)), ("stored", proxy.Fault(delay=2.5))))
        self.detail = f"{what}, {self.detail}"

    def throw(self):
        self.world.link.change(self.fault)
        self.world.argo.probe()
        threading.Event().wait(self.chance.uniform(0.05, 1.5))
        self.world.sender.kill9()

    def heal(self):
        self.world.link.change(proxy.FINE)
        super().heal()


class SenderRestarted(SenderFault):
    def throw(self):
        self.world.sender.stop(40)


class SenderStopped(Fault):
    needs = ("sender",)
    longest = 6.0

    def throw(self):
        self.world.sender.signal(signal.SIGSTOP)

    def heal(self):
        self.world.sender.signal(signal.SIGCONT)


class DiskFull(Fault):
    """The file system of the sender's state has no byte left. It goes on, or is started when there is room again."""

    needs = ("sender",)
    longest = 5.0

    def draw(self):
        self.killed = self.chance.random() < 0.3
        self.detail = "and the sender killed" if self.killed else ""

    @property
    def may_end(self):
        """Killed, it cannot begin again while there is no room."""
        return (self.world.sender,) if self.killed else ()

    def throw(self):
        self.file = self.world.state / FILLING
        with open(self.file, "wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while file.write(b"\0" * size):
                        pass
                except OSError:
                    pass
        if self.killed:
            self.world.sender.kill9()
            self.world.sender.start()

    def heal(self):
        self.file.unlink()


# --- the receivers ---

class ReceiverFault(Fault):
    """One of them, or both."""

    needs = ("receivers",)

    def draw(self):
        self.hit = self.chance.choice([[0], [1], [0, 1]])
        self.detail = "+".join("ab"[number] for number in self.hit)

    def each(self):
        return [self.world.receivers[number] for number in self.hit]


class ReceiverKilled(ReceiverFault):
    def throw(self):
        for receiver in self.each():
            receiver.kill9()

    def heal(self):
        for receiver in self.each():
            receiver.start()


class ReceiverRestarted(ReceiverFault):
    def throw(self):
        for receiver in self.each():
            receiver.stop(40)

    def heal(self):
        for receiver in self.each():
            receiver.start()


class ReceiverStopped(ReceiverFault):
    longest = 6.0

    def throw(self):
        for receiver in self.each():
            receiver.signal(signal.SIGSTOP)

    def heal(self):
        for receiver in self.each():
            receiver.signal(signal.SIGCONT)


# --- the link ---

class LinkFault(Fault):
    """Every connection gets the proxy's fault, those that stand are reset."""

    needs = ("link",)

    def throw(self):
        self.world.link.change(self.fault)

    def heal(self):
        self.world.link.change(proxy.FINE)


class ConnectionsRefused(LinkFault):
    fault = proxy.Fault(refuse=True)


class NoAnswer(LinkFault):
    fault = proxy.Fault(silence=True)
    longest = 5.0


class AnswerSwallowedAfterCommit(LinkFault):
    fault = proxy.Fault(swallow_answer=True)


class Latency(LinkFault):
    longest = 5.0

    def draw(self):
        self.fault = proxy.Fault(delay=round(self.chance.uniform(0.02, 1.5), 3))
        self.detail = f"of {self.fault.delay} s"


class LatencyBeyondTheTimeOut(LinkFault):
    fault = proxy.Fault(delay=3.3)
    longest = 5.0


class RequestCutInItsHeader(LinkFault):
    def draw(self):
        self.fault = proxy.Fault(cut_request_after=self.chance.randrange(1, 150))
        self.detail = f"after {self.fault.cut_request_after} bytes"


class RequestCutInItsBody(LinkFault):
    def draw(self):
        self.fault = proxy.Fault(cut_request_after=self.chance.randrange(300, 20000))
        self.detail = f"after {self.fault.cut_request_after} bytes"


class AnswerCut(LinkFault):
    def draw(self):
        self.fault = proxy.Fault(cut_answer_after=self.chance.randrange(1, 800))
        self.detail = f"after {self.fault.cut_answer_after} bytes"


class ConnectionsReset(LinkFault):
    """Whatever is under way at the time, several times over."""

    def throw(self):
        for _ in range(5):
            self.world.link.drop()
            threading.Event().wait(self.chance.uniform(0.01, 0.2))


class HalfOpen(LinkFault):
    """Nothing is passed and nothing is closed; what was held may still arrive, late."""

    longest = 6.0

    def draw(self):
        self.late = self.chance.random() < 0.5
        self.detail = "and late" if self.late else "and lost"

    def throw(self):
        self.world.link.hold()

    def heal(self):
        if not self.late:
            self.world.link.drop()
        self.world.link.release()


# --- the database ---

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


# --- keys ---

class KeyRotated(Fault):
    """As the documentation says: the receivers learn the new one, then the sender, then it becomes the first."""

    needs = ("sender", "receivers")
    longest = 1.0
    receivers_first = True

    def draw(self):
        self.detail = "" if self.receivers_first else "in the wrong order"

    def throw(self):
        self.key = self.world.keys.new()
        (self.tell_receivers if self.receivers_first else self.tell_sender)()

    def heal(self):
        (self.tell_sender if self.receivers_first else self.tell_receivers)()

    def afterwards(self):
        self.world.keys.write(self.world.keys.current, self.key)
        self._hang_up(*self.world.receivers)

    def tell_receivers(self):
        self.world.keys.write(self.world.keys.next, self.key)
        self._hang_up(*self.world.receivers)

    def tell_sender(self):
        self.world.keys.write(self.world.keys.senders, self.key)
        self._hang_up(self.world.sender)

    @staticmethod
    def _hang_up(*programs):
        for program in programs:
            program.signal(signal.SIGHUP)


class KeyRotatedWrongly(KeyRotated):
    """The sender first: it is refused, holds everything, and goes on once the receivers know the key."""

    receivers_first = False
    longest = 3.0


# --- Argo ---

class ArgoFault(Fault):
    needs = ("argo",)
    longest = 0.5


class LogRotatedByName(ArgoFault):
    def throw(self):
        self.world.argo.rotate_log_by_name()


class LogCopiedAndTruncated(ArgoFault):
    def throw(self):
        self.world.argo.rotate_log_by_copy()


class ArgoCrashed(ArgoFault):
    """What it had not committed is in the log only."""

    def throw(self):
        self.world.argo.crash()


class ArgoLocked(ArgoFault):
    longest = 2.0

    def throw(self):
        self.world.argo.lock_database(self.seconds)


class ArgoVacuumed(ArgoFault):
    def throw(self):
        self.world.argo.vacuum()


class DatabaseFileReplaced(ArgoFault):
    """By a copy of itself."""

    def throw(self):
        self.world.argo.replace_database()


class DatabaseFileWrittenOver(ArgoFault):
    """By a copy of itself, in place: it stays the same inode, but what belonged to it is gone."""

    def throw(self):
        self.world.argo.write_database_over()


class DatabaseFileHidden(ArgoFault):
    longest = 2.0

    def throw(self):
        self.world.argo.hide_database(self.seconds)


class OlderBackupRestored(ArgoFault):
    """What the backup lacks is inserted again, or stays in the log only while new signals take its row ids."""

    longest = 3.0

    def draw(self):
        self.again = self.chance.random() < 0.5
        self.detail = "and the rest inserted again" if self.again else "and the rest forgotten"

    def throw(self):
        self.backup = self.world.argo.copy_database("backup.db")

    def heal(self):
        self.world.argo.replace_database(self.backup, self.again)


# Each with its weight: how often, compared to the others.
FAULTS = {
    SenderKilled: 4, SenderKilledAgainAndAgain: 1, SenderKilledUnanswered: 3, SenderRestarted: 2, SenderStopped: 2, DiskFull: 2,
    ReceiverKilled: 4, ReceiverRestarted: 2, ReceiverStopped: 2,
    ConnectionsRefused: 1, NoAnswer: 1, AnswerSwallowedAfterCommit: 4, Latency: 1, LatencyBeyondTheTimeOut: 1,
    RequestCutInItsHeader: 1, RequestCutInItsBody: 2, AnswerCut: 2, ConnectionsReset: 2, HalfOpen: 2,
    DatabaseRestarted: 2, DatabaseKilled: 1, BackendKilled: 1, BackendsTerminated: 2, DatabaseStopped: 1,
    TableLocked: 1, StandbyStopped: 1, StandbyKilled: 1, FailOver: 2,
    FailOverToALaggingStandby: 2,
    KeyRotated: 1, KeyRotatedWrongly: 1,
    LogRotatedByName: 1, LogCopiedAndTruncated: 1, ArgoCrashed: 1, ArgoLocked: 1, ArgoVacuumed: 1,
    DatabaseFileReplaced: 1, DatabaseFileWrittenOver: 1, DatabaseFileHidden: 1, OlderBackupRestored: 2,
}
NEED_A_MOUNT = {DiskFull}
