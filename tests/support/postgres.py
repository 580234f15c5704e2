"""A private PostgreSQL: a cluster of its own on a loopback port of its own, run by an unprivileged user."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
from pathlib import Path

from .ports import take_port
from .unprivileged import Account, private_folder
from .waiting import wait_for

OWNER = "alpine_owner"  # may change the tables: who migrates
APP = "alpine_app"      # what a receiver runs as: INSERT and SELECT on signals, nothing more
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "fsync": "on",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_lock_waits": "on",
    "wal_keep_size": "128MB",                # for a standby that was away for a while
    "wal_retrieve_retry_interval": "100ms",  # a standby that lost its primary looks for it this often
}


def _programs():
    """The folder of PostgreSQL's own programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    if shutil.which("initdb"):
        return Path(shutil.which("initdb")).parent
    raise RuntimeError("PostgreSQL is not installed: no initdb found")


def _is_there(pid):
    return Path(f"/proc/{pid}").exists()


class Postgres:
    """One cluster. Everything in it is gone after remove()."""

    def __init__(self, folder, outlives_us=False):
        """`folder` is emptied; when the unprivileged user cannot reach it, `self.folder` says where it is instead."""
        self.programs = _programs()
        self.account = Account()
        self.folder = private_folder(self.account, folder)
        self.moved = self.folder != Path(folder)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.port = take_port()
        self._outlives_us = outlives_us
        self._numbers = itertools.count(1)
        self._process = None
        self._make_data()

    def _make_data(self):
        subprocess.run(
            self.account.prefix(False) + [
                self.programs / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                "--locale=C.UTF-8", "--no-sync"],
            cwd="/", check=True, stdout=subprocess.DEVNULL)

    # --- running ---

    @property
    def pid(self):
        return self._process.pid

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def start(self, **settings):
        """Start and wait until it answers. `settings` are PostgreSQL's, for this start only."""
        options = [f"-c{name}={value}" for name, value in {**SETTINGS, **settings}.items()]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                self.account.prefix(not self._outlives_us)
                + [self.programs / "postgres", "-D", self.data, "-p", str(self.port.number), *options],
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait_for(self._ready, 60, lambda: "PostgreSQL to start:\n" + self.log_text()[-2000:])
        return self

    def _ready(self):
        if not self.running:
            raise AssertionError("PostgreSQL did not start:\n" + self.log_text()[-2000:])
        asked = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port.number)]
        return subprocess.run(asked).returncode == 0

    def stop(self, mode="fast"):
        """Stop: `smart` waits for the clients, `fast` ends them, `immediate` is a crash."""
        if self.running:
            self._process.send_signal(STOP_SIGNALS[mode])
            self._process.wait(60)

    def kill9(self):
        """SIGKILL for every process of it, as when the machine loses its power, but for what the kernel still holds."""
        processes = self._signal_all(signal.SIGKILL)
        self._process.wait(10)
        wait_for(lambda: not any(map(_is_there, processes)), 10, "PostgreSQL's processes to be gone")

    def restart(self, mode="fast", **settings):
        self.stop(mode)
        return self.start(**settings)

    def freeze(self):
        """Stop answering without closing anything, as a machine that vanished would."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self):
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number):
        """To all of its processes; their ids. The parent stops before that, so that it has no further children."""
        os.kill(self.pid, signal.SIGSTOP)
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        processes = [*map(int, children), self.pid]
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):  # it was just ending
                os.kill(pid, number)
        return processes

    # --- with a standby (standby.py makes one) ---

    def require_standby(self, required=True):
        """Whether a commit is acknowledged only when a standby has flushed it too. It stays so over restarts."""
        names = "*" if required else ""
        self.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'", "SELECT pg_reload_conf()")

    def promote(self, limit=60):
        """A standby takes writes from now on, and requires no standby of its own until it is told to."""
        self.require_standby(False)
        self.sql(f"SELECT pg_promote(true, {limit})")
        return self

    # --- the end ---

    def remove(self):
        self.stop("immediate")
        self.port.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # --- databases ---

    def create_roles(self):
        self.sql(f"CREATE ROLE {OWNER} LOGIN", f"CREATE ROLE {APP} LOGIN")

    def create_database(self, schema=None, template=None, name=None):
        """A new database of OWNER's. `schema` is an SQL file to load as OWNER, `template` a Database to copy."""
        name = name or f"test_{next(self._numbers)}"
        source = f" TEMPLATE {template.name}" if template else ""
        self.sql(f"CREATE DATABASE {name} OWNER {OWNER}{source}")
        database = Database(self, name)
        if schema:
            database.load(schema)
        return database

    def drop_database(self, database):
        self.sql(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")

    def url(self, name, role=OWNER):
        return f"postgresql://{role}@127.0.0.1:{self.port.number}/{name}"

    def psql(self, name, *arguments, role="postgres", text=None):
        """Run psql and return what it printed."""
        command = [self.programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", self.url(name, role), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sql(self, *statements, name="postgres"):
        """Run statements as the superuser, each in a transaction of its own."""
        self.psql(name, *itertools.chain.from_iterable(("-c", statement) for statement in statements))


class Database:
    """One database in a cluster."""

    def __init__(self, postgres, name):
        self.postgres = postgres
        self.name = name

    def url(self, role=APP):
        return self.postgres.url(self.name, role)

    def load(self, file, role=OWNER):
        self.postgres.psql(self.name, "-f", str(file), role=role)

    def allow_receiver(self):
        """The contract's grant, and nothing else."""
        self.postgres.psql(self.name, "-c", f"GRANT INSERT, SELECT ON signals TO {APP}", role=OWNER)

    def connect(self, role="postgres"):
        """A psycopg2 connection that commits by itself."""
        import psycopg2  # pylint: disable=import-outside-toplevel
        connection = psycopg2.connect(self.url(role))
        connection.autocommit = True
        return connection

    def query(self, statement, values=None, role="postgres"):
        """Run one statement; its rows as dictionaries, if it has any."""
        import psycopg2.extras  # pylint: disable=import-outside-toplevel
        connection = self.connect(role)
        try:
            with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(statement, values)
                return [dict(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            connection.close()

    def value(self, statement, values=None, role="postgres"):
        """The first column of the first row."""
        return next(iter(self.query(statement, values, role)[0].values()))

    def signals(self):
        """The rows that came through the receiver, in the order of their ids."""
        return self.query("SELECT * FROM signals WHERE canonical IS NOT NULL ORDER BY id")

    def signal(self, signal_id):
        """The one row of this external id."""
        rows = self.query("SELECT * FROM signals WHERE external_signal_id = %s", [signal_id])
        assert len(rows) == 1, f"{len(rows)} rows for {signal_id}"
        return rows[0]

    def stored(self):
        """What is stored, as a sorted list of (external id, hash): a doubled row shows as a doubled entry."""
        rows = self.query("SELECT external_signal_id, verification_hash FROM signals WHERE canonical IS NOT NULL")
        return sorted((row["external_signal_id"], row["verification_hash"]) for row in rows)

    def count(self):
        return self.value("SELECT count(*) FROM signals")
