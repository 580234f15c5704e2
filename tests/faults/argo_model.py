"""Argo at work: a thread that logs signals at once, commits them in batches, updates outcomes, checkpoints, and does to
its files what a real installation does now and then."""

import json
import os
import random
import shutil
import sqlite3
import threading
import time

from support.argo import Argo, canonical, sha256

TICK = 0.02
BESIDE = ("-wal", "-shm")
BUFFER_MAX = 50
RATES = (0, 20, 20, 40, 40, 100, 300)  # signals a second, each for a while
NEUTRAL = 0.03
BAD = 0.01
TORN = 0.005  # lines that stand there half written for a moment


# What makes a signal bad, by changes that its hash covers; None is the hash itself.
BAD_KINDS = {
    "a hash of something else": None,
    "a symbol that is too long": {"symbol": "A" * 21},
    "a confidence of 150": {"confidence": 150.0},
    "a day that does not exist": {"timestamp": "2026-02-30T10:00:00+00:00"},
    "a negative price": {"entry_price": -5.25},
}


class Made:
    """What is known of one signal that Argo made."""

    __slots__ = ("signal", "text", "bad")

    def __init__(self, signal, bad=False):
        self.signal = signal
        self.text = canonical(signal)
        self.bad = bad


class ArgoAtWork:
    """`made` holds every trade signal that was ever made, by its id; the table says which of them count."""

    def __init__(self, folder, seed):
        self.argo = Argo(folder, seed, wide=True, live=True)
        self.made = {}
        self.forgotten = set()  # ids that stood in the table once
        self.neutral = 0
        self._chance = random.Random(f"{seed} argo")
        self._lock = threading.RLock()  # whoever has it is Argo
        self._buffer = []
        self._ended = threading.Event()
        self._pace = (0, 0)             # signals a second, until when
        self._due = 0.0
        self._commit_at = self._update_at = self._checkpoint_at = 0
        self._thread = threading.Thread(target=self._work, daemon=True, name="argo")
        self.error = None
        self.argo.connection.execute("SELECT 1")

    def start(self):
        self._thread.start()
        return self

    def end(self):
        """No further signals; what is in the buffer is committed."""
        self._ended.set()
        self._thread.join(60)
        with self._lock:
            self._flush()

    def finish(self):
        self._ended.set()
        self._thread.join(60)
        self.argo.close()

    # --- what others may ask for ---

    def committed(self):
        """The ids in the table: what Alpine must have in the end."""
        with self._lock:
            return [row[0] for row in self.argo.connection.execute("SELECT signal_id FROM signals")]

    def newest_rowid(self):
        with self._lock:
            return self.argo.connection.execute("SELECT max(id) FROM signals").fetchone()[0]

    def probe(self):
        """Make a good signal and commit it at once, with all that waited; its id."""
        with self._lock:
            signal = self._new(False)
            self._emit([signal])
            self._flush()
        return signal["signal_id"]

    def crash(self):
        """What was in the buffer is in the log only, for ever."""
        with self._lock:
            self._buffer.clear()
            self.argo.close()

    def rotate_log_by_name(self):
        with self._lock:
            if self.argo.log.exists():
                os.replace(self.argo.log, f"{self.argo.log}.1")

    def rotate_log_by_copy(self):
        with self._lock:
            if self.argo.log.exists():
                shutil.copy(self.argo.log, f"{self.argo.log}.1")
                os.truncate(self.argo.log, 0)

    def vacuum(self):
        with self._lock:
            self.argo.connection.execute("VACUUM")

    def lock_database(self, seconds):
        """Somebody else holds Argo's database: nobody can write, and Argo waits."""
        other = sqlite3.connect(self.argo.database, isolation_level=None, timeout=30)
        other.execute("BEGIN EXCLUSIVE")
        self._ended.wait(seconds)
        other.execute("ROLLBACK")
        other.close()

    def copy_database(self, name):
        """A backup as it is now; its path."""
        with self._lock:
            path = self.argo.folder / name
            path.unlink(missing_ok=True)
            copy = sqlite3.connect(path)
            self.argo.connection.backup(copy)
            copy.execute("PRAGMA journal_mode=WAL")
            copy.close()
            return path

    def replace_database(self, path=None, insert_again=False):
        """Argo stops, another file takes the place of its database (a fresh copy if none is given), and it goes on.
        `insert_again` brings back what an older file lacks, in the same order; otherwise that is in the log only."""
        with self._lock:
            path = path or self.copy_database("fresh.db")
            lacking = self._lacking(path)
            if not insert_again:
                self.forgotten.update(signal["signal_id"] for signal in lacking)
            self._put_away()
            os.replace(path, self.argo.database)
            if lacking and insert_again:
                self.argo.commit(lacking)

    def write_database_over(self):
        """Restored in place from a copy that was made just before, by somebody who took away the -wal and the -shm."""
        with self._lock:
            self._put_away()
            copy = shutil.copy(self.argo.database, self.argo.folder / "copy.db")
            shutil.copy(copy, self.argo.database)

    def hide_database(self, seconds):
        """The database is not there for a while, nor what belongs to it."""
        with self._lock:
            self.argo.close()
            away = self.argo.folder / "away"
            away.mkdir(exist_ok=True)
            files = [self.argo.database] + [self._beside(suffix) for suffix in BESIDE]
            moved = [file for file in files if file.exists()]
            for file in moved:
                os.replace(file, away / file.name)
            self._ended.wait(seconds)
            for file in reversed(moved):
                os.replace(away / file.name, file)

    # --- inside ---

    def _work(self):
        last = time.monotonic()
        try:
            while not self._ended.wait(TICK):
                now = time.monotonic()
                with self._lock:
                    self._make_what_is_due(now, now - last)
                    self._look_after_table(now)
                last = now
        except (sqlite3.Error, OSError) as error:
            self.error = error

    def _make_what_is_due(self, now, passed):
        rate, until = self._pace
        if now > until:
            rate = self._chance.choice(RATES)
            self._pace = rate, now + self._chance.uniform(0.5, 5)
        self._due = min(self._due + rate * passed, 100)
        count, self._due = int(self._due), self._due % 1
        self._emit([self._new() for _ in range(count)])

    def _look_after_table(self, now):
        chance = self._chance
        if self._buffer and (len(self._buffer) >= BUFFER_MAX or now > self._commit_at):
            self._flush()
        if now > self._update_at:
            self._update_at = now + chance.uniform(0.2, 1)
            self.argo.connection.execute(
                "UPDATE signals SET outcome = 'win', exit_price = 1.5, profit_loss_pct = 2.5 WHERE id IN"
                " (SELECT id FROM signals WHERE outcome IS NULL LIMIT 20)")
        if now > self._checkpoint_at:
            self._checkpoint_at = now + chance.uniform(3, 15)
            mode = chance.choice(("PASSIVE", "FULL", "RESTART", "TRUNCATE"))
            self.argo.connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    def _new(self, mixed=True):
        chance, maker = self._chance, self.argo.maker
        luck = chance.random() if mixed else 1
        if luck < NEUTRAL:
            self.neutral += 1
            return maker.neutral()
        bad = luck < NEUTRAL + BAD
        changes = chance.choice(list(BAD_KINDS.values())) if bad else {}
        signal = maker.signal(**(changes or {}))
        if changes is None:
            signal["sha256"] = sha256("something else")[:32] + signal["sha256"][32:]
        self.made[signal["signal_id"]] = Made(signal, bad)
        return signal

    def _emit(self, signals):
        self._append(signals)
        if not self._buffer:
            self._commit_at = time.monotonic() + self._chance.uniform(0.5, 3)
        self._buffer += [signal for signal in signals if signal["action"]]

    def _append(self, signals):
        if not signals:
            return
        with open(self.argo.log, "a", encoding="utf-8") as log:
            for signal in signals:
                line = json.dumps(signal, sort_keys=True) + "\n"
                if self._chance.random() < TORN:
                    half = self._chance.randrange(1, len(line))
                    log.write(line[:half])
                    log.flush()
                    self._ended.wait(self._chance.uniform(0.005, 0.1))
                    line = line[half:]
                log.write(line)

    def _flush(self):
        while self._buffer:
            self.argo.commit(self._buffer[:BUFFER_MAX])
            del self._buffer[:BUFFER_MAX]

    def _lacking(self, path):
        """The signals of the table that the other file does not have."""
        other = sqlite3.connect(path)
        there = {row[0] for row in other.execute("SELECT signal_id FROM signals")}
        other.close()
        rows = self.argo.connection.execute("SELECT signal_id FROM signals ORDER BY id")
        return [self.made[row[0]].signal for row in rows if row[0] not in there]

    def _put_away(self):
        """Close the database with all of it in the one file. The sender may have it open, so that closing alone
        would leave a -wal, which must not meet another file."""
        deadline = time.monotonic() + 30
        while self.argo.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > deadline:
                raise OSError("the WAL cannot be emptied: somebody reads for ever")
        self.argo.close()
        for suffix in BESIDE:
            self._beside(suffix).unlink(missing_ok=True)

    def _beside(self, suffix):
        return self.argo.database.with_name(self.argo.database.name + suffix)
