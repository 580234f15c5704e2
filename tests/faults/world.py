"""Everything that runs: PostgreSQL with a standby, two receivers, a proxy that shares out among them, the sender with
its state on a small file system of its own, and Argo."""

import os
import re
import shutil
import signal
import subprocess
import threading

import psycopg2
from support.postgres import OWNER
from support.process import Program, run_program
from support.proxy import Proxy
from support.receiver import Receiver
from support.sender import Sender
from support.standby import Pair
from support.waiting import wait_for

from faults.argo_model import ArgoAtWork
from faults.database import DATABASE, Asker, FaultyPair
from faults.keys import Keys
from faults.ledger import Ledger

STATE_SIZE = "16m"
FILLING = "filling"  # the file that fills the state's file system
ANSWERED = re.compile(rb"Signal synced to Alpine: (\S+) ")
ARRIVAL_LIMIT = 45   # seconds after that in which all that was committed before has to be there
RECOVERY_LIMIT = 90  # seconds after which a probe that has not arrived is a failure
SANITIZER_REPORTED = 99  # the exit code that support/process.py asks for


class World:
    """Made in the order in which things need each other, ended in the opposite one."""

    def __init__(self, folder, build, seed, figures):
        self.folder = folder
        self.build = build
        self.figures = figures
        self.mounted = False
        self.given_up = threading.Event()  # nobody waits for anything any more
        self._made = []
        folder.mkdir(parents=True)
        try:
            self._set_up(seed)
        except BaseException:
            self.finish()
            raise

    def _set_up(self, seed):
        self.keys = Keys(self.folder)
        self.pair = self._keep(FaultyPair(self.folder / "postgres"))
        self.pair.start()
        self.pair.primary.create_database(name=DATABASE)
        done = run_program(self.build / "receiver" / "alpine-receiver", ["migrate"],
                           {"DATABASE_URL": self.pair.database(DATABASE).url(OWNER)})
        assert done.code == 0, done
        self.pair.database(DATABASE).allow_receiver()
        self.receivers = [self._receiver(name) for name in ("receiver-a", "receiver-b")]
        ports = [receiver.port for receiver in self.receivers]
        self.link = self._keep(Proxy(ports[0], others=ports[1:])).start()
        self.argo = self._keep(ArgoAtWork(self.folder / "argo", seed))
        self.state = self.folder / "state"
        self._mount_state()
        self.sender = self._keep(Sender(
            self.build, self.folder, self.link.url, self.argo.argo.database, ARGO_API_KEY=None,
            ARGO_API_KEY_FILE=self.keys.senders, ALPINE_STATE_DIR=self.state,
            ALPINE_RETRY_FIRST=0.1, ALPINE_PROBE_INTERVAL=1, ALPINE_REQUEST_TIMEOUT=3, ALPINE_CONNECT_TIMEOUT=1))
        self.start_sender(True)
        self.ledger = self._keep(Ledger(self.pair, self.argo.made, self.figures)).start()

    def _receiver(self, name):
        return self._keep(Receiver(
            self.build, self.folder, self.pair.url(DATABASE), name, EXTERNAL_SIGNAL_API_KEY=None,
            EXTERNAL_SIGNAL_API_KEY_FILE=self.keys.current, EXTERNAL_SIGNAL_API_KEY_NEXT_FILE=self.keys.next,
            ALPINE_REQUEST_TIMEOUT=3)).start_ready()

    def _keep(self, thing):
        self._made.append(thing)
        return thing

    def _mount_state(self):
        self.state.mkdir()
        if os.geteuid() == 0:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STATE_SIZE},mode=0700", "alpine-faults", self.state],
                           check=True)
            self.mounted = True

    # --- while it runs ---

    def start_sender(self, with_log):
        """Start it, with or without Argo's log beside the table: what one of the two lost, the other must not hide."""
        self.sender.settings["ARGO_SIGNALS_LOG"] = self.argo.argo.log if with_log else None
        self.sender.start()

    def mend(self, fault, before=False):
        """What a fault has ended by itself is started again. If that was nothing to end of, or it crashed, or that was
        `before` the fault began, it is a failure."""
        for program in self.programs_of(fault):
            if program.running:
                continue
            code = program.wait(1)
            if before or program not in fault.may_end or code < 0 or code == SANITIZER_REPORTED:
                self.figures.complain(f"{program.name} had ended by itself with {code}:\n{program.log()[-1500:]}")
            program.start()

    def programs_of(self, fault):
        """Those that no other fault can have its hands on now."""
        return [self.sender] * ("sender" in fault.needs) + self.receivers * ("receivers" in fault.needs)

    def wait_arrival(self, signal_id):
        """Wait until Alpine has this signal, by asking every few milliseconds."""
        asked = Asker(self.pair)
        try:
            wait_for(lambda: self.given_up.is_set() or asked.has(signal_id), RECOVERY_LIMIT,
                     f"signal {signal_id}, made after the healing")
        finally:
            asked.close()

    def wait_all(self):
        """Wait until Alpine has every good signal that Argo has committed by now. If it does not come, it is lost,
        even if it came later, because everything is sent anew for another reason."""
        committed = self.argo.committed()
        left = []

        def there():
            try:
                left[:] = set(self.ledger.outstanding(committed)) - self.argo.forgotten - self.ledger.lost
            except psycopg2.Error:
                return False  # another fault
            return not left

        try:
            wait_for(lambda: self.given_up.is_set() or there(), ARRIVAL_LIMIT, "all that was committed before")
        except AssertionError as late:
            self.ledger.lost.update(left)
            raise AssertionError(f"{late}: {len(left)} signals did not come, such as {left[:3]}") from late

    def settle(self, limit):
        """Wait until all that Argo committed is somewhere, and the sender says that nothing waits; the dead letters'
        ids and the sender's status then."""
        committed = self.argo.committed()
        newest = self.argo.newest_rowid()
        seen = {}

        def settled():
            self.ledger.look()
            seen["dead"] = {letter["signal_id"] for letter in self.sender.dead()}
            seen["status"] = self.sender.status()
            status = seen["status"]
            return (set(self.ledger.missing(committed, seen["dead"])) <= self.ledger.lost and status["pending"] == 0
                    and status["position"] == newest)

        try:
            wait_for(settled, limit, lambda: f"all to arrive: the newest row is {newest}, {seen.get('status')}")
        except AssertionError as late:
            self.figures.complain(str(late))
        return committed, seen.get("dead", set())

    def answered(self):
        """The ids that Alpine acknowledged, as the sender's log says."""
        with open(self.sender.err_file, "rb") as log:
            return {found[1].decode() for line in log if (found := ANSWERED.search(line))}

    # --- the end ---

    def finish(self):
        """End everything, each whatever the others do."""
        self.given_up.set()
        for thing in reversed(self._made):
            try:
                _wake(thing)
                thing.finish()
            except Exception as error:  # pylint: disable=broad-except
                self.figures.complain(f"at the end: {error}")
        self._made = []
        if self.mounted:
            self._unmount_state()

    def _unmount_state(self):
        try:
            if not self.figures.clean:
                shutil.copytree(self.state, self.folder / "state-at-the-end",
                                ignore=shutil.ignore_patterns(FILLING))
        finally:
            subprocess.run(["umount", self.state], check=True)
            self.mounted = False


def _wake(thing):
    """A fault that failed may have left it stopped."""
    if isinstance(thing, Program) and thing.running:
        thing.signal(signal.SIGCONT)
    if isinstance(thing, Pair):
        for cluster in thing.clusters:
            if cluster.running:
                cluster.thaw()
