"""From Argo's table into Alpine's: every committed signal once, unaltered, soon; what cannot go is kept and told."""

import shutil
import sqlite3
import time

import pytest

from support.argo import Argo, canonical, pairs, seal
from support.chain import check_chain
from support.paths import SAMPLE, shared
from support.waiting import stays, wait_for

DATABASES = [SAMPLE / "signals.db", SAMPLE / "signals_unified.db",
             *shared("argo", "signals.db"), *shared("argo", "signals_unified.db")]


def copied(stage, source):
    """A writable copy of a sample, as Argo's own files."""
    argo = stage.keep(Argo(stage.folder / "copy"))
    shutil.copy(source, argo.database)
    return argo


def arrive(database, signals, limit=30):
    """Wait until exactly these are stored."""
    wanted = pairs(signals)
    wait_for(lambda: database.count() >= len(wanted), limit,
             lambda: f"{len(wanted)} rows, {database.count()} are there")
    assert database.stored() == wanted


# --- sync ---

@pytest.mark.parametrize("source", DATABASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_sync_brings_every_row_of_a_table_across_once(stage, source):
    receiver, argo = stage.receiver(), copied(stage, source)
    sender = stage.sender(receiver, argo)
    sender.sync()
    assert receiver.database.stored() == argo.rows()
    check_chain(receiver.database)
    status = sender.status()
    assert status["delivered"] == len(argo.rows()) and status["pending"] == 0 and status["dead"] == 0
    sender.sync()
    assert receiver.database.stored() == argo.rows()


def test_a_fresh_state_sends_again_and_nothing_doubles(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(120)
    stage.sender(receiver, argo).sync()
    stage.sender(receiver, argo, "forgetful").sync()
    assert receiver.database.stored() == pairs(made)
    assert check_chain(receiver.database) == 120


def test_each_sync_goes_on_with_the_very_next_row(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = stage.sender(far_end, argo)
    for _ in range(4):
        argo.write(2)
        sender.sync()
        assert far_end.times_posted == {row[0]: 1 for row in argo.rows()}


def test_rows_arrive_in_the_order_in_which_argo_committed_them(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(200)
    stage.sender(receiver, argo).sync()
    rows = receiver.database.query("SELECT external_signal_id FROM signals ORDER BY chain_index")
    assert [row["external_signal_id"] for row in rows] == [signal["signal_id"] for signal in made]


def test_whole_numbers_that_the_table_made_floats_of_verify_again(stage):
    receiver, argo = stage.receiver(), stage.argo()
    changes = [{"entry_price": 267}, {"confidence": 70}, {"target_price": 300, "stop_price": 200},
               {"entry_price": 267.0, "confidence": 70.0},
               {"entry_price": 1, "target_price": 2, "stop_price": 3, "confidence": 4},
               {"entry_price": 95080, "target_price": 99834.0, "stop_price": 92703.0, "confidence": 63},
               {"entry_price": 10 ** 16, "confidence": 50.5}, {"entry_price": 1e16}, {"entry_price": 2 ** 53}]
    made = argo.emit([argo.maker.signal(**change) for change in changes])
    stage.sender(receiver, argo).sync()
    for signal in made:
        assert receiver.database.signal(signal["signal_id"])["canonical"] == canonical(signal)


@pytest.mark.parametrize("change", [
    {"strategy": "señal_β 机构 📈"}, {"strategy": "\x7f\x01\t\"\\/"}, {"signal_id": "any text, even 'this' 📈"},
    {"timestamp": "2026-11-01 13:30:02"}, {"symbol": "brk.b"}, {"action": "buy"}, {"entry_price": 5e-324},
    {"entry_price": 1.7976931348623157e308}, {"data_source": None}, {"strategy": ""}], ids=str)
def test_an_unusual_row_arrives_unaltered(stage, change):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(1, **change)
    stage.sender(receiver, argo).sync()
    assert receiver.database.stored() == pairs(made)


def test_the_wide_tables_reasoning_and_regime_arrive(stage):
    receiver, argo = stage.receiver(), stage.argo(wide=True)
    [made] = argo.write(1, reasoning="because the desk says so, at length", regime="TRENDING")
    stage.sender(receiver, argo).sync()
    row = receiver.database.signal(made["signal_id"])
    assert (row["rationale"], row["regime"]) == (made["reasoning"], "TRENDING")
    assert (row["service_type"], row["generated_by"], row["executor_id"]) == ("both", "signal_generator", None)


@pytest.mark.parametrize("missing", ["regime", "reasoning", "service_type", "executor_id", "generated_by"])
def test_any_column_of_the_wide_table_may_be_missing(stage, missing):
    receiver, argo = stage.receiver(), stage.argo(wide=True)
    made = argo.write(3)
    argo.connection.execute(f"ALTER TABLE signals DROP COLUMN {missing}")
    stage.sender(receiver, argo).sync()
    assert receiver.database.stored() == pairs(made)


# --- rows that cannot go ---

def spoil(argo, signal, **columns):
    """Change a committed row behind its hash's back."""
    for name, value in columns.items():
        argo.connection.execute(f"UPDATE signals SET {name} = ? WHERE signal_id = ?", [value, signal["signal_id"]])


def test_a_row_that_verifies_in_no_form_becomes_a_dead_letter_and_the_others_go_on(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(30)
    spoil(argo, made[10], entry_price=1.25)
    spoil(argo, made[29], sha256="0" * 64)
    sender = stage.sender(receiver, argo)
    done = sender.sync(code=3)
    assert made[10]["signal_id"] in done.err and made[29]["signal_id"] in done.err
    assert receiver.database.stored() == pairs(made[:10] + made[11:29])
    assert sorted(entry["signal_id"] for entry in sender.dead()) == sorted(
        made[index]["signal_id"] for index in (10, 29))
    assert sender.status()["dead"] == 2


def test_a_signal_that_the_receiver_refuses_becomes_a_dead_letter_with_the_reason(stage):
    receiver, argo = stage.receiver(), stage.argo()
    good, bad = argo.maker.signals(2)
    bad["confidence"] = 250.0
    argo.emit([seal(bad), good])
    sender = stage.sender(receiver, argo)
    sender.sync(code=3)
    assert receiver.database.stored() == pairs([good])
    [letter] = sender.dead()
    assert letter["signal_id"] == bad["signal_id"] and letter["reason"] == "invalid_field" and "confidence" in letter["detail"]


def test_the_same_id_with_another_hash_is_told_never_taken_for_a_duplicate(stage):
    receiver, argo = stage.receiver(), stage.argo()
    [made] = argo.write(1)
    rival = stage.argo(name="rival", seed=7)
    rival.write(1, signal_id=made["signal_id"])
    stage.sender(receiver, argo).sync()
    other = stage.sender(receiver, rival, "other")
    other.sync(code=3)
    [letter] = other.dead()
    assert letter["signal_id"] == made["signal_id"]
    assert receiver.database.stored() == pairs([made])


def test_dead_letters_can_be_shown_retried_and_dropped(stage):
    receiver, argo = stage.receiver(), stage.argo()
    healed, hopeless = argo.write(2)
    spoil(argo, healed, symbol="WRONG")
    spoil(argo, hopeless, symbol="WRONG")
    sender = stage.sender(receiver, argo)
    sender.sync(code=3)
    ids = {letter["signal_id"]: str(letter["id"]) for letter in sender.dead()}
    shown = sender.command("dead", "show", ids[healed["signal_id"]])
    assert shown.code == 0 and healed["signal_id"] in shown.out and healed["sha256"] in shown.out
    spoil(argo, healed, symbol=healed["symbol"])
    assert sender.command("dead", "retry", ids[healed["signal_id"]]).code == 0
    sender.sync(code=3)
    assert receiver.database.stored() == pairs([healed])
    assert [letter["signal_id"] for letter in sender.dead()] == [hopeless["signal_id"]]
    assert sender.command("dead", "drop", ids[hopeless["signal_id"]]).code == 0
    assert sender.dead() == [] and sender.status()["dead"] == 0


# --- run ---

def test_a_live_signal_arrives_soon(stage):
    receiver, argo = stage.receiver(), stage.argo(live=True)
    sender = stage.sender(receiver, argo, ALPINE_POLL_INTERVAL=60).start_service()
    took = []
    for _ in range(20):
        began = time.monotonic()
        [made] = argo.write(1)
        sender.wait_log(f"Signal synced to Alpine: {made['signal_id']} ({made['symbol']} {made['action']})", 5)
        took.append(time.monotonic() - began)
    assert sorted(took)[10] < 0.5, took
    assert receiver.database.stored() == argo.rows()


def test_what_waits_and_what_comes_is_delivered_once(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(300)
    sender = stage.sender(receiver, argo).start_service()
    for _ in range(10):
        made += argo.write(20, chunk=7)
    arrive(receiver.database, made)
    sender.wait_status(delivered=500, pending=0, dead=0)
    status = sender.status()
    assert status["last_success"] and status["lag_seconds"] is not None


def test_a_table_that_comes_later_is_found(stage):
    receiver = stage.receiver()
    argo = stage.keep(Argo(stage.folder / "later"))
    sender = stage.sender(receiver, argo).start_service()
    stays(lambda: sender.running, 0.5, "a missing database is no reason to end")
    arrive(receiver.database, argo.write(3))


@pytest.mark.parametrize("action", ["PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "REINDEX",
                                    "UPDATE signals SET outcome = 'win', exit_price = 1, order_id = 'o'"])
def test_what_argo_does_to_its_database_sends_nothing_twice_and_loses_nothing(stage, action):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(20)
    sender = stage.sender(receiver, argo).start_service()
    arrive(receiver.database, made)
    argo.connection.execute(action)
    made += argo.write(5)
    arrive(receiver.database, made)
    sender.wait_status(delivered=25, pending=0)


def test_argos_locks_delay_and_do_not_lose(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(5)
    sender = stage.sender(receiver, argo).start_service()
    arrive(receiver.database, made)
    signal = argo.maker.signal()
    argo.connection.execute("BEGIN EXCLUSIVE")
    argo.connection.execute(
        f"INSERT INTO signals ({', '.join(argo.fields)}) VALUES ({', '.join('?' * len(argo.fields))})",
        [signal[name] for name in argo.fields])
    stays(lambda: sender.running and receiver.database.count() == 5, 0.5, "what is not committed is not sent")
    argo.connection.execute("COMMIT")
    arrive(receiver.database, made + [signal])


def test_a_database_replaced_by_an_older_copy_loses_nothing_new(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(10)
    backup = stage.folder / "backup.db"
    argo.connection.execute("VACUUM INTO ?", [str(backup)])
    sender = stage.sender(receiver, argo).start_service()
    made += argo.write(10)
    arrive(receiver.database, made)
    argo.close()
    for suffix in ("-wal", "-shm"):
        argo.database.with_name(argo.database.name + suffix).unlink(missing_ok=True)
    backup.rename(argo.database)
    made += argo.write(5)
    arrive(receiver.database, made)
    assert sender.running


def test_argo_is_never_written_to_nor_slowed_down(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(50)
    argo.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stage.sender(receiver, argo).sync()
    sender = stage.sender(receiver, argo, "service").start_service()
    writer = sqlite3.connect(argo.database, isolation_level=None, timeout=0)
    for number in range(50):
        writer.execute("UPDATE signals SET order_id = ? WHERE id = ?", [f"o{number}", number + 1])
    # The sender may be reading at this very moment, but never for long.
    wait_for(lambda: writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, 5,
             "a moment without the reader")
    writer.close()
    assert sender.running


# --- more than one, and the end ---

def test_two_senders_on_one_state_are_refused(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(3)
    first = stage.sender(receiver, argo).start_service()
    second = stage.sender(receiver, argo, "second", ALPINE_STATE_DIR=first.state)
    done = second.command("run", limit=20)
    assert done.code == 1 and str(first.state) in done.err
    assert second.command("sync", limit=20).code == 1
    assert first.running
    second.wait_status(delivered=3)  # looking is allowed


def test_disabled_says_so_and_ends_with_0(stage):
    argo = stage.argo()
    argo.write(3)
    far_end = stage.fake_receiver()
    for command in ("run", "sync"):
        done = stage.sender(far_end, argo, ALPINE_SYNC_ENABLED="false").command(command)
        assert done.code == 0 and "Alpine sync disabled" in done.err
    assert not far_end.requests
