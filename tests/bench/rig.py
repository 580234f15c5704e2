"""What the measurements stand on: a PostgreSQL that flushes, migrated databases, and signals that were made before."""

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import threading

from support.argo import Argo, Maker
from support.paths import BUILD
from support.postgres import Postgres
from support.stage import Stage

# A small server's settings instead of a test's; durability as it comes. The commit's time is what latencies end with.
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB", "max_connections": "400", "track_commit_timestamp": "on"}
SETTINGS = {}
WIRE_FIELDS = ("signal_id", "symbol", "action", "entry_price", "target_price", "stop_price", "confidence", "timestamp",
               "sha256", "strategy", "asset_type", "data_source", "reasoning", "regime", "consensus_agreement",
               "server_timestamp", "sources_count", "generation_latency_ms")
MEMORY_LOOK = 0.1


def wire_line(signal):
    """A signal as alpine-sender puts it on the wire: its fields, in its order, without spaces."""
    return json.dumps({name: signal[name] for name in WIRE_FIELDS if name in signal}, separators=(",", ":")) + "\n"


class Rig:
    """Everything is under `folder`, and gone with finish()."""

    def __init__(self, build, schema=None):
        self.build = build
        self.folder = BUILD / f"bench-{os.getpid()}"
        self.folder.mkdir(parents=True)
        self.schema = schema
        self.postgres = Postgres(self.folder / "postgres")
        self.stage = Stage(build, self.folder, self.postgres, {})
        self.curves = {}     # of posts: {side: {connections: {figure: value}}}
        self.latencies = {}  # from end to end, in milliseconds, as they came
        self._lines = {}
        self._argos = {}
        self._numbers = iter(range(1, 1000))

    def start(self):
        self.postgres.start(**SERVER)
        self.postgres.create_roles()
        return self

    def finish(self):
        try:
            self.stage.finish()
        finally:
            self.postgres.remove()
            shutil.rmtree(self.folder, ignore_errors=True)

    def database(self):
        """An empty table, with nothing left to be written for the one before."""
        self.postgres.sql("CHECKPOINT")
        return self.stage.database(self.schema)

    def receiver(self, database, name="receiver", **settings):
        """A receiver as it is installed, but for its log: at info it is measured apart."""
        return self.stage.receiver(database, name, **{**SETTINGS, **settings})

    def sender(self, receiver, argo, **settings):
        """A sender with a state of its own."""
        return self.stage.sender(receiver, argo, f"sender-{next(self._numbers)}", **{**SETTINGS, **settings})

    @staticmethod
    def run(sender, arguments, memory=None, limit=1800):
        """Run a command of the sender's to its end, and note the most memory that it had, in KiB."""
        sender.arguments = arguments
        sender.start()
        with watched(sender, [] if memory is None else memory):
            assert sender.wait(limit) == 0, sender.log()[-3000:]

    # --- signals ---

    def _file(self, name, lines):
        path = self.folder / name
        if not path.exists():
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(lines)
        return path

    def lines(self, count):
        """A file of `count` different signals, one a line; the same ones each time."""
        maker = Maker(seed=5)
        return self._file(f"{count}.ndjson", (json.dumps(maker.signal()) + "\n" for _ in range(count)))

    def halves(self, count):
        """The same signals in two files."""
        with open(self.lines(count), encoding="utf-8") as file:
            lines = file.readlines()
        return [self._file(f"{count}-{half}.ndjson", lines[half::2]) for half in range(2)]

    def wire_lines(self, count):
        """A file of so many signals as they are on the wire."""
        maker = Maker(seed=6)
        return self._file(f"wire-{count}.ndjson", (wire_line(maker.signal()) for _ in range(count)))

    def argo(self, rows, seed=1):
        """Argo's database with so many rows of the plain table; the same file each time."""
        key = (rows, seed)
        if key not in self._argos:
            argo = Argo(self.folder / f"argo-{rows}-{seed}", seed=seed)
            for start in range(0, rows, 20_000):
                argo.commit(argo.maker.signals(min(20_000, rows - start)))
            argo.close()
            self._argos[key] = argo
        return self._argos[key]

    def second_writer(self, argo):
        """The same database through a connection of its own."""
        return self.stage.keep(Argo(argo.folder, seed=99, wide=True, name=argo.database.stem))

    def bytes_of_a_batch(self, argo):
        """1,000 signals of this database on the wire: plain, and compressed as the sender does it."""
        fields = [name for name in WIRE_FIELDS if name in argo.fields]
        rows = argo.connection.execute(f"SELECT {', '.join(fields)} FROM signals LIMIT 1000").fetchall()
        argo.close()
        plain = "".join(wire_line(dict(zip(fields, row))) for row in rows).encode()
        packed = subprocess.run(["zstd", "-1", "-q", "-c"], input=plain, capture_output=True, check=True).stdout
        return len(plain), len(packed)


@contextlib.contextmanager
def watched(program, seen):
    """Note its resident memory, in KiB, again and again while this lasts."""
    ended = threading.Event()

    def watch():
        while not ended.wait(MEMORY_LOOK):
            with contextlib.suppress(OSError, AttributeError):  # it has just ended
                seen.append(program.memory())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def turns(rounds, *sides):
    """Call the sides one after the other, `rounds` times, so that all meet the same machine; each one's results. Every
    other round goes backwards: who comes after whom makes a difference, and would always be to the same side's good."""
    results = [[] for _ in sides]
    for number in range(rounds):
        pairs = list(zip(sides, results))
        for side, result in reversed(pairs) if number % 2 else pairs:
            result.append(side())
    return results


def median(values):
    return statistics.median(values)


def percentile(values, percent):
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
