"""A backlog of rows: sync against COPY of the same rows, the same again, growth, and what travels."""

import time

from .goals import Result
from .rig import median, turns

# Rows of the same width, whose hashes verify; the chain goes on.
FILL = """
    INSERT INTO signals (symbol, action, price, target_price, stop_loss, confidence, rationale, verification_hash,
                         is_active, created_at, retention_expires_at, server_timestamp, delivery_latency_ms, chain_index,
                         previous_hash, provider, external_signal_id, signal_timestamp, strategy, asset_type,
                         data_source, canonical)
    SELECT 'AAPL', 'BUY', 100 + n % 900, 282.41, 257.36, 0.5 + n % 50 / 100.0, 'Weighted Consensus v6.0 - fill',
           encode(sha256(convert_to(canonical, 'UTF8')), 'hex'), true, now() - n * interval '1 s',
           now() + interval '7 years', extract(epoch FROM now()), 120, n, md5(canonical) || md5(canonical), 'argo',
           'fill-' || n, now() - n * interval '1 s', 'weighted_consensus_v6', 'stock', 'weighted_consensus', canonical
      FROM generate_series({first}, {last}) AS n, LATERAL (SELECT rpad('fill ' || n, 230, '.')) AS text(canonical)"""
COLUMNS = "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns WHERE table_name = 'signals'" \
          " AND column_name <> 'id'"


def _timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def sync(rig, argo, database=None, full=False, memory=None, **settings):
    """Seconds for a sync of all rows into an empty table, or into this one; with `full` of the same rows again too."""
    receiver = rig.receiver(database or rig.database())
    sender = rig.sender(receiver, argo, **settings)
    seconds = []
    for command in [["sync"], ["sync", "--full"]][:1 + full]:
        seconds.append(_timed(lambda command=command: rig.run(sender, command, memory)))
    return receiver, seconds


def copy(rig, database, file):
    """Seconds for a COPY into this table."""
    return _timed(lambda: rig.postgres.sql(f"COPY signals FROM '{file}'", name=database.name))


def _first_time(rig, argo, rows, file):
    """Rates of the sync, of the same again, and of COPY of what was stored."""
    receiver, (first, again) = sync(rig, argo, full=True)
    assert receiver.database.count() == rows
    rig.postgres.sql(f"COPY signals TO '{file}'", name=receiver.database.name)
    receiver.stop()
    return rows / first, rows / again, rows / copy(rig, rig.database(), file)


def measure(rig, size):
    """The first time, again, and COPY, in turns."""
    rows = size.rows
    argo = rig.argo(rows)
    file = rig.postgres.folder / "rows.copy"
    [measured] = turns(size.rounds, lambda: _first_time(rig, argo, rows, file))
    first, again, copied = (median(column) for column in zip(*measured))
    yield Result("sync", first, copied, f"{rows:,} rows")
    yield Result("duplicates", again, first, f"{rows:,} rows")


def measure_growth(rig, size):
    """Whether a row costs more where there are more of them, beyond what the table itself costs."""
    costs = []
    for rows in (size.rows // 100, size.rows // 10, size.rows):
        argo = rig.argo(rows)
        file = rig.postgres.folder / "growth.copy"
        [measured] = turns(size.rounds, lambda: _first_time(rig, argo, rows, file))
        ours, _, copied = (median(column) for column in zip(*measured))
        costs.append((1 / ours, 1 / copied))
    for name, (ours, copied) in zip(("growth_10", "growth_100"), costs[1:]):
        lost = max(1, copied / costs[0][1])
        yield Result(name, ours * 1e6, costs[0][0] * lost * 1e6,
                     f"µs a row; from {size.rows // 100:,} rows on; COPY itself loses {lost:.2f} ×")


def measure_memory(rig, size):
    """The sender while it has a backlog."""
    memory = []
    receiver, _ = sync(rig, rig.argo(size.rows), memory=memory)
    receiver.stop()
    yield Result("sender_memory", max(memory) / 1024, 24, f"{size.rows:,} rows waiting")


def measure_wire(rig, size):
    """Bytes and speed, compressed and plain."""
    rows = min(size.rows, 100_000)
    argo = rig.argo(rows)

    def side(compression):
        def run():
            receiver, [seconds] = sync(rig, argo, ALPINE_COMPRESSION=compression)
            receiver.stop()
            return rows / seconds
        return run

    packed, plain = turns(size.rounds + 1, side("true"), side("false"))
    yield Result("wire_bytes", *rig.bytes_of_a_batch(argo), "from the plain table, whose rows hold least that repeats")
    yield Result("wire_speed", median(packed), median(plain), f"{rows:,} rows over loopback")


def measure_large_table(rig, size):
    """Into a table that has rows already, beside COPY of as many others into the same."""
    rows = min(size.rows, 100_000)
    others, file = rig.argo(rows, seed=2), rig.postgres.folder / "large.copy"
    receiver, _ = sync(rig, others)
    columns = receiver.database.value(COLUMNS)
    rig.postgres.sql(f"COPY (SELECT {columns} FROM signals) TO '{file}'", name=receiver.database.name)
    receiver.stop()
    for there in size.tables:
        database = rig.database()
        for first in range(0, there, 250_000):
            database.query(FILL.format(first=first, last=min(first + 250_000, there) - 1))
        rig.postgres.sql("CHECKPOINT")
        receiver, [seconds] = sync(rig, rig.argo(rows), database)
        receiver.stop()
        copied = _timed(lambda: rig.postgres.sql(  # pylint: disable=cell-var-from-loop
            f"COPY signals ({columns}) FROM '{file}'", name=database.name))
        yield Result("large_table", rows / seconds, rows / copied, f"{rows:,} rows into {there:,}")
        rig.stage.drop(database)
