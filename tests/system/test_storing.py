"""What stands in Alpine's table after a signal was stored: every column, the chain, and what the database refuses."""

import threading
import time
from datetime import datetime, timedelta, timezone

import psycopg2
import pytest

from support.answers import assert_stored
from support.argo import canonical, receiver_canonical, seal, sha256
from support.chain import check_chain
from support.http import JSON
from support.starting_points import EXISTING_TABLES, STARTING_POINTS

pytestmark = pytest.mark.under_tsan

LARGEST_INT = 2147483647


def store(api, signal):
    assert_stored(api.post(signal), signal)
    return api.database.signal(signal["signal_id"])


# --- Alpine's own columns ---

def test_the_signal_is_stored_normalised(api, maker):
    row = store(api, maker.signal(symbol="  brk.b ", action="sell", entry_price=267, target_price=254.07,
                                  stop_price=274.13, confidence=70.25))
    assert (row["symbol"], row["action"]) == ("BRK.B", "SELL")
    assert (row["price"], row["target_price"], row["stop_loss"]) == (267.0, 254.07, 274.13)
    assert row["confidence"] == pytest.approx(0.7025, abs=1e-15)
    assert row["is_active"] is True


@pytest.mark.parametrize("sent, stored", [(0, 0.0), (0.5, 0.5), (1, 1.0), (1.0, 1.0), (1.5, 0.015), (50, 0.5),
                                          (100, 1.0)])
def test_confidence_is_stored_between_0_and_1(api, maker, sent, stored):
    assert store(api, maker.signal(confidence=sent))["confidence"] == pytest.approx(stored, abs=1e-15)


@pytest.mark.parametrize("value", [None, 0, 0.0])
def test_no_target_and_no_stop_are_null(api, maker, value):
    row = store(api, maker.signal(target_price=value, stop_price=value))
    assert row["target_price"] is None and row["stop_loss"] is None


def test_the_aliases_of_target_and_stop_are_stored(api, maker):
    signal = maker.signal()
    signal["take_profit"], signal["stop_loss"] = signal.pop("target_price"), signal.pop("stop_price")
    signal["sha256"] = sha256(receiver_canonical(signal))
    row = store(api, signal)
    assert (row["target_price"], row["stop_loss"]) == (signal["take_profit"], signal["stop_loss"])


@pytest.mark.parametrize("price", [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1e16,
                                   123456789.123456789, 9007199254740993, 2 ** 62])
def test_a_price_is_stored_to_the_last_bit(api, maker, price):
    assert store(api, maker.signal(entry_price=price))["price"] == float(price)


@pytest.mark.parametrize("reasoning, rationale", [
    ("a reason of some length", "a reason of some length"),
    ("x" * 20, "x" * 20),
    ("é" * 20, "é" * 20),
    ("x" * 19, "Weighted Consensus v6.0 - momentum: " + "x" * 19),
    ("é" * 19, "Weighted Consensus v6.0 - momentum: " + "é" * 19),
    ("short", "Weighted Consensus v6.0 - momentum: short"),
    ("", "Weighted Consensus v6.0 - momentum"),
    (None, "Weighted Consensus v6.0 - momentum"),
    (" " * 40, "Weighted Consensus v6.0 - momentum"),
])
def test_the_rationale_is_the_reasoning_if_there_is_enough_of_it(api, maker, reasoning, rationale):
    assert store(api, maker.signal(strategy="momentum", reasoning=reasoning))["rationale"] == rationale


def test_the_length_of_a_reasoning_counts_once_trimmed(api, maker):
    row = store(api, maker.signal(strategy="momentum", reasoning="  " + "x" * 18 + "  "))
    assert row["rationale"].startswith("Weighted Consensus v6.0 - momentum: ")
    row = store(api, maker.signal(strategy="momentum", reasoning="  " + "x" * 20 + "  "))
    assert row["rationale"].strip() == "x" * 20


def test_times_are_the_receivers_and_retention_is_seven_years(api, maker):
    before = time.time()
    row = store(api, maker.signal())
    after = time.time()
    assert before - 0.1 <= row["server_timestamp"] <= after + 0.1
    assert before - 1 <= row["created_at"].timestamp() <= after + 1
    assert api.database.value("SELECT retention_expires_at = created_at + interval '7 years' FROM signals"
                              " WHERE id = %s", [row["id"]])


def ago(**span):
    return (datetime.now(timezone.utc) - timedelta(**span)).isoformat()


def test_delivery_latency_is_milliseconds_from_the_signals_time(api, maker):
    row = store(api, maker.signal(timestamp=ago(seconds=90)))
    assert 90_000 <= row["delivery_latency_ms"] < 100_000


@pytest.mark.parametrize("timestamp", ["2020-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1900-01-01T00:00:00Z"])
def test_delivery_latency_ends_at_the_largest_number_that_the_column_holds(api, maker, timestamp):
    assert store(api, maker.signal(timestamp=timestamp))["delivery_latency_ms"] == LARGEST_INT


def test_delivery_latency_is_null_for_a_time_to_come(api, maker):
    assert store(api, maker.signal(timestamp=ago(hours=-1)))["delivery_latency_ms"] is None


def test_generation_latency_is_as_sent(api, maker):
    assert store(api, maker.signal(generation_latency_ms=17))["generation_latency_ms"] == 17
    assert store(api, maker.signal(generation_latency_ms=None))["generation_latency_ms"] is None


# --- the new columns ---

def test_everything_on_the_wire_has_its_place(api, maker):
    signal = maker.signal(service_type="both", executor_id="e-7", generated_by="gen", strategy="señal_β")
    row = store(api, signal)
    assert row["provider"] == "argo" and row["external_signal_id"] == signal["signal_id"]
    for field in ("strategy", "asset_type", "data_source", "regime", "consensus_agreement", "sources_count",
                  "service_type", "executor_id", "generated_by"):
        assert row[field] == signal[field], field
    assert row["provider_server_timestamp"] == signal["server_timestamp"]
    assert row["signal_timestamp"] == datetime.fromisoformat(signal["timestamp"])
    assert row["canonical"] == canonical(signal)


@pytest.mark.parametrize("null", [True, False], ids=["null", "absent"])
def test_what_is_missing_gets_its_default(api, maker, null):
    signal = maker.signal()
    for field in ("strategy", "asset_type", "data_source"):
        if null:
            signal[field] = None
        else:
            del signal[field]
    row = store(api, seal(signal))
    assert (row["strategy"], row["asset_type"], row["data_source"]) == (
        "weighted_consensus_v6", "stock", "weighted_consensus")


def test_the_provider_is_the_one_that_the_key_stands_for(stage, maker):
    receiver = stage.receiver(EXTERNAL_SIGNAL_PROVIDER="another-house")
    assert store(receiver, maker.signal())["provider"] == "another-house"


@pytest.mark.parametrize("timestamp, utc", [
    ("2026-11-01T13:30:02", "2026-11-01T13:30:02+00:00"),
    ("2026-11-01 13:30:02.5+05:30", "2026-11-01T08:00:02.500000+00:00"),
    ("2026-11-01T13:30:02.123456-11:00", "2026-11-02T00:30:02.123456+00:00"),
])
def test_a_timestamp_is_stored_as_the_moment_that_it_means(api, maker, timestamp, utc):
    assert store(api, maker.signal(timestamp=timestamp))["signal_timestamp"] == datetime.fromisoformat(utc)


def test_texts_are_stored_unaltered_whatever_encoding_the_environment_asks_for(stage, maker):
    database = stage.database()
    receiver = stage.receiver(database, PGCLIENTENCODING="LATIN1")
    signal = maker.signal(symbol="ÜBER", regime="naïve 📈")
    assert_stored(receiver.post(signal), signal)
    row = database.signal(signal["signal_id"])
    assert (row["symbol"], row["regime"]) == ("ÜBER", "naïve 📈")


def test_the_canonical_text_is_that_of_the_form_that_matched(api, maker):
    signal = maker.signal(entry_price=267, confidence=63, action="buy")
    signal["sha256"] = sha256(receiver_canonical(signal))
    assert store(api, signal)["canonical"] == receiver_canonical(signal)


# --- what the database itself refuses ---

FORGED = """INSERT INTO signals (symbol, action, price, confidence, rationale, verification_hash, is_active, canonical)
            VALUES ('AAPL', 'BUY', 1, 0.5, 'a rationale', %s, true, %s)"""


@pytest.mark.parametrize("start", STARTING_POINTS)
def test_a_row_that_does_not_verify_is_refused_by_the_database(stage, start):
    database = stage.database(start)
    with pytest.raises(psycopg2.errors.CheckViolation):
        database.query(FORGED, [sha256("what it says"), "what it says not"])
    database.query(FORGED, [sha256("what it says"), "what it says"])


@pytest.mark.parametrize("start", STARTING_POINTS)
@pytest.mark.parametrize("statement", ["UPDATE signals SET price = 2", "DELETE FROM signals"])
def test_rows_cannot_be_changed_or_deleted_even_by_their_owner(stage, maker, start, statement):
    receiver = stage.receiver(stage.database(start))
    store(receiver, maker.signal())
    before = receiver.database.query("SELECT * FROM signals ORDER BY id")
    for role in ("alpine_owner", "postgres"):
        with pytest.raises(psycopg2.Error):
            receiver.database.query(statement, role=role)
    assert receiver.database.query("SELECT * FROM signals ORDER BY id") == before


@pytest.mark.parametrize("start", STARTING_POINTS)
def test_insert_and_select_are_all_that_the_receiver_needs(stage, maker, start):
    """Its role was granted nothing else, on no other table and on no sequence."""
    receiver = stage.receiver(stage.database(start))
    signals = maker.signals(3)
    assert receiver.batch(signals).json["stored"] == 3
    assert receiver.batch(signals).json["duplicates"] == 3
    assert receiver.health().status == 200
    for statement in ("UPDATE signals SET price = 2", "DELETE FROM signals", "TRUNCATE signals"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            receiver.database.query(statement, role="alpine_app")


@pytest.mark.parametrize("start", EXISTING_TABLES)
def test_alpines_audit_trigger_logs_what_the_receiver_inserts(stage, maker, start):
    receiver = stage.receiver(stage.database(start))
    row = store(receiver, maker.signal())
    [entry] = receiver.database.query("SELECT * FROM signal_audit_log WHERE signal_id = %s", [row["id"]])
    assert entry["verification_hash"] == row["verification_hash"]


# --- the chain ---

@pytest.mark.parametrize("start", STARTING_POINTS)
def test_the_chain_goes_on_from_the_largest_index_there_is(stage, maker, start):
    receiver = stage.receiver(stage.database(start))
    before = check_chain(receiver.database)
    receiver.post(maker.signal())
    receiver.batch(maker.signals(7))
    receiver.batch(maker.signals(5), JSON)
    assert check_chain(receiver.database) == before + 13


def test_the_chain_has_no_gaps_where_signals_were_refused_or_known(stage, maker):
    receiver = stage.receiver()
    known, first, second, forged = maker.signals(4)
    forged["entry_price"] += 1
    receiver.post(known)
    receiver.batch([first, known, forged, first, second])
    receiver.post(maker.signal())
    assert check_chain(receiver.database) == 4


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_two_receivers_inserting_at_once_keep_one_whole_chain(stage, maker, isolation):
    database = stage.database()
    stage.postgres.sql(f"ALTER DATABASE {database.name} SET default_transaction_isolation = '{isolation}'")
    pair = [stage.receiver(database, name) for name in ("one", "two")]
    everything = maker.signals(400)
    work = [(receiver, everything[at:at + 10] if receiver is pair[0] else everything[at:at + 10][::-1])
            for at in range(0, 400, 10) for receiver in pair]
    totals = []

    def worker():
        while True:
            try:
                receiver, signals = work.pop()
            except IndexError:
                return
            answer = receiver.batch(signals)
            while answer.status == 503:
                answer = receiver.batch(signals)
            totals.append(answer.json["stored"])

    threads = [threading.Thread(target=worker) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(totals) == 400, "each signal was stored by one of them, and told as a duplicate by the other"
    assert check_chain(database) == 400
    assert database.stored() == sorted((signal["signal_id"], signal["sha256"]) for signal in everything)
