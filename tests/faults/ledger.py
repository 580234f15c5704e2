"""Compares: what Argo made, what Alpine has, what the sender gave up. While it all runs, and once more at the end."""

import hashlib
import threading

import psycopg2
import psycopg2.extras
from support.chain import check_chain

from faults.database import DATABASE, connect

COLUMNS = "id, external_signal_id, provider, symbol, action, price, target_price, stop_loss, verification_hash," \
          " canonical, chain_index, previous_hash"
CHUNK = 5000
LOOK_EVERY = 0.5


class Ledger:
    """Reads Alpine's rows in the chain's order, each once, and all anew after a failover."""

    def __init__(self, pair, made, figures):
        self.pair = pair
        self.made = made
        self.figures = figures
        self.stored = set()
        self.count = 0     # of the rows stored, as of the last look
        self.lost = set()  # what was nowhere when it had to be there; it stays lost, even if it comes later
        self._generation = None
        self._last = None  # (chain_index, verification_hash) of the newest row seen
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="ledger")

    def start(self):
        self._thread.start()
        return self

    def finish(self):
        self._ended.set()
        self._thread.join(60)

    def _work(self):
        while not self._ended.wait(LOOK_EVERY):
            try:
                self.look()
            except psycopg2.Error:
                continue  # the database is away, as it should be now and then

    def look(self):
        """Check the rows that are new since the last look."""
        with self._lock:
            primary = self.pair.primary
            if self._generation != self.pair.generation:
                self._begin_again()
            connection = connect(primary)
            try:
                while len(self._read(connection)) == CHUNK:
                    pass
            finally:
                connection.close()
            self.count = len(self.stored)

    def _begin_again(self):
        self._generation = self.pair.generation
        self._last = None
        self.stored = set()

    def _read(self, connection):
        with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(
                f"SELECT {COLUMNS} FROM signals WHERE chain_index > %s ORDER BY chain_index, id LIMIT {CHUNK}",
                [self._last[0] if self._last else -1])
            rows = cursor.fetchall()
        for row in rows:
            self.check(row)
        return rows

    def check(self, row):
        """One row, the next in the chain's order."""
        self._check_chain(row)
        self._check_row(row)

    def _check_chain(self, row):
        before = self._last
        whole = row["chain_index"] == before[0] + 1 and row["previous_hash"] == before[1] if before else \
            row["previous_hash"] is None
        if not whole:
            self.figures.wrong("chain_faults", f"the chain breaks at {dict(row)} after {before}")
        self._last = row["chain_index"], row["verification_hash"]

    def _check_row(self, row):
        name = row["external_signal_id"]
        if name in self.stored:
            self.figures.wrong("duplicated", f"stored twice: {dict(row)}")
        self.stored.add(name)
        made = self.made.get(name)
        if made is None:
            self.figures.wrong("unverified", f"Argo never made {dict(row)}")
        elif made.bad:
            self.figures.wrong("unverified", f"made bad and stored all the same: {dict(row)}")
        elif not _says_what_argo_said(row, made):
            self.figures.wrong("unverified", f"stored {dict(row)}, made {made.signal}")

    def outstanding(self, committed):
        """Of these ids, the good signals that Alpine does not have by now."""
        self.look()
        return [name for name in committed if name not in self.stored and not self.made[name].bad]

    # --- the end ---

    def missing(self, committed, dead):
        """Of the signals that Argo's table has: those that are nowhere."""
        return [name for name in committed if name not in self.stored and name not in dead]

    def prove(self, committed, dead, answered):
        """Everything once more, from the beginning, into fresh figures. Given are ids: Argo's, those of the dead
        letters, and those that Alpine acknowledged."""
        figures = self.figures
        live = {name: getattr(figures, name) for name in ("duplicated", "unverified", "chain_faults")}
        figures.lost = figures.duplicated = figures.unverified = figures.chain_faults = 0
        with self._lock:
            self._begin_again()
        self.look()
        self.prove_sets(committed, dead, answered)
        self._prove_in_sql()
        for name, count in live.items():  # what a failover has removed again was there all the same
            setattr(figures, name, max(count, getattr(figures, name)))

    def prove_sets(self, committed, dead, answered):
        """What was to be there against what is."""
        missing = self.lost.union(self.missing(committed, dead))
        for name in missing:
            self.figures.wrong("lost", f"nowhere: {self.made[name].signal}")
        for name in answered - self.stored - missing:
            self.figures.wrong("lost", f"acknowledged and not there: {name}")
        for name in dead:
            if name not in self.made or not self.made[name].bad:
                self.figures.wrong("lost", f"a good signal is a dead letter: {name}")

    def _prove_in_sql(self):
        database = self.pair.database(DATABASE)
        for columns in ("provider, external_signal_id", "verification_hash"):
            doubled = database.query(f"SELECT {columns}, count(*) FROM signals GROUP BY {columns} HAVING count(*) > 1")
            for row in doubled:
                self.figures.wrong("duplicated", str(row))
        unverified = database.query(
            "SELECT id FROM signals WHERE encode(sha256(convert_to(canonical, 'UTF8')), 'hex')"
            " IS DISTINCT FROM verification_hash")
        for row in unverified:
            self.figures.wrong("unverified", f"PostgreSQL says that row {row} does not verify")
        try:
            links = check_chain(database)
            if links != len(self.stored):
                self.figures.wrong("chain_faults", f"{links} links, {len(self.stored)} rows")
        except AssertionError as broken:
            self.figures.wrong("chain_faults", str(broken))


def _says_what_argo_said(row, made):
    signal = made.signal
    return (row["provider"] == "argo" and row["canonical"] == made.text
            and hashlib.sha256(row["canonical"].encode()).hexdigest() == row["verification_hash"] == signal["sha256"]
            and row["symbol"] == signal["symbol"] and row["action"] == signal["action"]
            and row["price"] == signal["entry_price"] and row["target_price"] == signal["target_price"]
            and row["stop_loss"] == signal["stop_price"])
