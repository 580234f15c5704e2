"""A model of Argo's tracker: makes signals, hashes them with CPython's own json, logs and commits them."""

import hashlib
import json
import random
import shutil
import sqlite3
from datetime import datetime, timedelta, timezone
from pathlib import Path

HASHED = ("action", "confidence", "entry_price", "signal_id", "stop_price", "strategy", "symbol", "target_price",
          "timestamp")
START = datetime(2026, 11, 1, 13, 30, 2, 254258, timezone.utc)
MARKETS = {"AAPL": 267.44, "MSFT": 504.94, "NVDA": 183.71, "TSLA": 401.25, "BTC-USD": 95869.09, "ETH-USD": 3190.23}
REGIMES = ("TRENDING", "CONSOLIDATION", "VOLATILE", "UNKNOWN")
FOREIGN_STRATEGIES = ("señal_β", "机构净买入", "mom 📈 \"fast\"", "back\\slash\ttab", "line\u2028sep\x7f")
FOREIGN_REASONING = "Résumé of flows — 机构净买入 📈 \"risk-on\"\tacross venues, per desk note."

PLAIN_TABLE = """
CREATE TABLE signals (
    id INTEGER PRIMARY KEY AUTOINCREMENT, signal_id TEXT UNIQUE NOT NULL, symbol TEXT NOT NULL, action TEXT NOT NULL,
    entry_price REAL NOT NULL, target_price REAL NOT NULL, stop_price REAL NOT NULL, confidence REAL NOT NULL,
    strategy TEXT NOT NULL, asset_type TEXT NOT NULL, data_source TEXT DEFAULT 'weighted_consensus',
    timestamp TEXT NOT NULL, outcome TEXT DEFAULT NULL, exit_price REAL DEFAULT NULL,
    profit_loss_pct REAL DEFAULT NULL, sha256 TEXT NOT NULL, order_id TEXT DEFAULT NULL,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP"""
WIDE_COLUMNS = """, service_type TEXT DEFAULT 'both', executor_id TEXT DEFAULT NULL,
    generated_by TEXT DEFAULT 'signal_generator', regime TEXT DEFAULT NULL, reasoning TEXT DEFAULT NULL"""
PLAIN_FIELDS = ("signal_id", "symbol", "action", "entry_price", "target_price", "stop_price", "confidence", "strategy",
                "asset_type", "data_source", "timestamp", "sha256")
WIDE_FIELDS = PLAIN_FIELDS + ("regime", "reasoning")


def canonical(signal):
    """The text that the hash is made over, in the producer's form."""
    return json.dumps({name: signal[name] for name in HASHED if name in signal}, sort_keys=True)


def receiver_canonical(signal):
    """The same in the form that the older Alpine made."""
    fields = {name: signal.get(name) for name in HASHED}
    for name in ("confidence", "entry_price", "stop_price", "target_price"):
        alias = {"target_price": "take_profit", "stop_price": "stop_loss"}.get(name)
        value = fields[name] or (signal.get(alias) if alias else fields[name])
        fields[name] = float(value) if value is not None else None
    fields["action"] = signal["action"].upper()
    if "strategy" not in signal:
        fields["strategy"] = "weighted_consensus_v6"
    return json.dumps(fields, sort_keys=True)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def seal(signal):
    """Give a signal the hash of what it says; the signal itself, for chaining."""
    signal["sha256"] = sha256(canonical(signal))
    return signal


class Maker:
    """Makes signals; the same seed and the same calls make the same ones."""

    def __init__(self, seed=1, live=False):
        """`live` signals are stamped with the time at which they are made."""
        self._random = random.Random(seed)
        self._time = START
        self._live = live

    def signal(self, **changes):
        """One trade signal with all the fields of a log line. Changes are made before the hash is."""
        action = self._random.choice(("BUY", "SELL"))
        return self._make(action, changes)

    def signals(self, count, **changes):
        return [self.signal(**changes) for _ in range(count)]

    def neutral(self):
        """A signal that is none: the log has it, the table does not."""
        return self._make(None, {})

    def _make(self, action, changes):
        chance = self._random
        symbol, usual = chance.choice(list(MARKETS.items()))
        price = round(usual * chance.uniform(0.8, 1.2), 2)
        confidence = round(chance.uniform(60, 98), 2)
        # Argo's strategies hand over whole numbers now and then, and its table makes floats of them
        if chance.random() < 0.04:
            price = int(price)
        if chance.random() < 0.04:
            confidence = int(confidence)
        strategy = chance.choice(FOREIGN_STRATEGIES) if chance.random() < 0.06 else "weighted_consensus_v6"
        regime = chance.choice(REGIMES)
        sources = chance.randint(1, 5)
        time = self._now()
        up = 1 if action == "BUY" else -1
        word = action or chance.choice(("BUY", "SELL"))
        reasoning = (f"{word} signal generated for {symbol} with {confidence}% confidence, based on consensus of "
                     f"{sources} data sources. Regime: {regime.capitalize()}.")
        signal = {
            "signal_id": f"{chance.getrandbits(64):016x}",
            "symbol": symbol,
            "action": action,
            "entry_price": price,
            "target_price": round(price * (1 + 0.05 * up), 2) if action else None,
            "stop_price": round(price * (1 - 0.025 * up), 2) if action else None,
            "confidence": confidence,
            "strategy": strategy,
            "asset_type": "crypto" if "-" in symbol else "stock",
            "data_source": "weighted_consensus",
            "timestamp": time.isoformat(),
            "reasoning": FOREIGN_REASONING if chance.random() < 0.04 else reasoning,
            "regime": regime,
            "consensus_agreement": round(chance.uniform(0.4, 1), 4),
            "sources_count": sources,
            "direction": {"BUY": "LONG", "SELL": "SHORT", None: "NEUTRAL"}[action],
            "raw_confidence": round(chance.uniform(50, 98), 2),
            "server_timestamp": time.timestamp(),
            "generation_latency_ms": chance.randint(1, 4),
        }
        signal.update(changes)
        return seal(signal)

    def _now(self):
        if self._live:
            return datetime.now(timezone.utc)
        self._time += timedelta(seconds=self._random.uniform(0.5, 9))
        return self._time


class Argo:
    """Argo's files in a folder, and the tracker that writes them."""

    def __init__(self, folder, seed=1, wide=False, live=False, name="signals"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = self.folder / f"{name}.db"
        self.log = self.folder / f"{name}.log"
        self.maker = Maker(seed, live)
        self.fields = WIDE_FIELDS if wide else PLAIN_FIELDS
        self._table = PLAIN_TABLE + (WIDE_COLUMNS if wide else "") + ")"
        self._connection = None

    @property
    def connection(self):
        """The tracker's own connection; opening it makes the table."""
        if self._connection is None:
            # threads may share a model of Argo, if they take turns
            self._connection = sqlite3.connect(self.database, isolation_level=None, timeout=30, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'signals'").fetchone():
                self._connection.execute(self._table)
        return self._connection

    def close(self):
        """End the tracker: the last connection folds the WAL into the database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    finish = close

    def append(self, signals):
        """What happens at once: the log's lines."""
        with open(self.log, "a", encoding="utf-8") as log:
            for signal in signals:
                log.write(json.dumps(signal, sort_keys=True) + "\n")

    def commit(self, signals):
        """What happens a little later: the table's rows, in one transaction."""
        marks = ", ".join("?" * len(self.fields))
        insert = f"INSERT INTO signals ({', '.join(self.fields)}) VALUES ({marks})"
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(insert, [[signal.get(name) for name in self.fields] for signal in signals])
        self.connection.execute("COMMIT")

    def emit(self, signals):
        """Both, as Argo does; the signals."""
        self.append(signals)
        self.commit([signal for signal in signals if signal["action"]])
        return signals

    def write(self, count, chunk=50, **changes):
        """Make and emit this many trade signals, as many in a transaction as Argo's buffer holds."""
        made = self.maker.signals(count, **changes)
        for start in range(0, count, chunk):
            self.emit(made[start:start + chunk])
        return made

    # --- what else happens to the files ---

    def append_raw(self, data):
        """Bytes at the log's end, as they are."""
        with open(self.log, "ab") as log:
            log.write(data)

    def rotate(self, name=None, recreate=True):
        """Rename the log (to signals.log.1, what is there to .2 and so on) and make a new one; the old one's path."""
        old = self._make_room() if name is None else self.log.with_name(name)
        self.log.rename(old)
        if recreate:
            self.log.touch()
        return old

    def copy_and_truncate(self, name=None):
        """The other way to rotate: the same file goes on, empty; the copy's path."""
        old = self._make_room() if name is None else self.log.with_name(name)
        shutil.copy(self.log, old)
        self.truncate()
        return old

    def _make_room(self):
        numbered = [self.log.with_name(f"{self.log.name}.{number}") for number in range(1, 10)]
        there = [path for path in numbered if path.exists()]
        for path in reversed(there):
            path.rename(numbered[numbered.index(path) + 1])
        return numbered[0]

    def truncate(self):
        with open(self.log, "r+b") as log:
            log.truncate(0)

    def spoil(self, signal, **columns):
        """Change a committed row behind its hash's back."""
        for name, value in columns.items():
            self.connection.execute(f"UPDATE signals SET {name} = ? WHERE signal_id = ?", [value, signal["signal_id"]])

    def back_up(self, name="backup"):
        """A copy of the database as it is now; its path."""
        copy = self.folder / f"{name}.db"
        self.connection.execute("VACUUM INTO ?", [str(copy)])
        return copy

    def remove(self):
        """The database is gone, with all that lies beside it."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)

    def replace(self, other):
        """Another file takes the database's place, in one moment: at none is there no database."""
        if Path(other).is_dir() or self.database.is_dir():
            self.remove()
        self.close()
        for suffix in ("-wal", "-shm"):
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
        Path(other).replace(self.database)

    def rows(self):
        """What stands in the table, as (signal_id, sha256), sorted."""
        return sorted(self.connection.execute("SELECT signal_id, sha256 FROM signals").fetchall())


def pairs(signals):
    """The signals as Database.stored() shows them."""
    return sorted((signal["signal_id"], signal["sha256"]) for signal in signals)
