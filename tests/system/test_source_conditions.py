"""Argo's table away, locked, replaced, restored, damaged: noticed, said once, survived, and gone on with afterwards."""

import sqlite3

import pytest

from support.argo import Argo, pairs, seal
from support.waiting import stays, wait_for

AWAY, BACK = "The source cannot be read now: ", "The source can be read again"
REPLACED = ("The source was replaced or restored: the signal at the position is not there; "
            "starting again from the beginning")
QUICK = {"ALPINE_POLL_INTERVAL": 0.05}


def arrive(database, signals, limit=20):
    """Wait until exactly these are stored."""
    wanted = pairs(signals)
    wait_for(lambda: database.count() >= len(wanted), limit,
             lambda: f"{len(wanted)} rows, {database.count()} are there")
    assert database.stored() == wanted


def said_once_while_away(sender, seconds=0.6):
    """The trouble is in the log, and stays there alone."""
    sender.wait_log(AWAY)
    stays(lambda: sender.running and sender.log().count(AWAY) == 1 and BACK not in sender.log(), seconds, sender.log)


def error_lines(sender):
    return [line for line in sender.log().splitlines() if " error " in line]


# --- away and back ---

def test_a_missing_table_is_said_once_and_found_when_it_comes(stage):
    receiver, argo = stage.receiver(), stage.keep(Argo(stage.folder / "later"))
    sender = stage.sender(receiver, argo, **QUICK).start_service()
    said_once_while_away(sender)
    made = argo.write(3)
    sender.wait_log(BACK)
    arrive(receiver.database, made)


def test_a_folder_that_is_missing_is_waited_for(stage):
    receiver = stage.receiver()
    sender = stage.sender(receiver, stage.folder / "not" / "yet" / "signals.db", **QUICK).start_service()
    said_once_while_away(sender)
    argo = stage.keep(Argo(stage.folder / "not" / "yet"))
    made = argo.write(3)
    sender.wait_log(BACK)
    arrive(receiver.database, made)


def test_a_table_that_vanishes_and_comes_back_goes_on_where_it_was(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(5)
    sender = stage.sender(far_end, argo, **QUICK).start_service()
    sender.settled(delivered=5)
    argo.close()
    away = argo.database.with_name("away.db")
    argo.database.rename(away)
    said_once_while_away(sender)
    away.rename(argo.database)
    made += argo.write(5)
    sender.wait_log(BACK)
    sender.settled(delivered=10)
    assert far_end.times_posted == {signal["signal_id"]: 1 for signal in made}


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_table_that_is_locked_is_said_once_and_waited_for(stage, mode):
    receiver, argo = stage.receiver(), stage.argo()
    argo.connection.execute(f"PRAGMA journal_mode={mode}")
    made = argo.write(5)
    sender = stage.sender(receiver, argo, **QUICK)
    argo.connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    argo.connection.execute("BEGIN EXCLUSIVE")
    argo.connection.execute("UPDATE signals SET order_id = 'x'")
    argo.connection.execute("COMMIT")
    if mode == "WAL":
        argo.close()  # a lock in WAL mode is only taken by who opens the file so
        argo.connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        argo.connection.execute("UPDATE signals SET order_id = 'y'")
    sender.start_service()
    said_once_while_away(sender)
    argo.close()
    sender.wait_log(BACK)
    arrive(receiver.database, made)


def test_a_table_that_is_busy_all_the_time_is_read_all_the_same(stage):
    """Without WAL every commit shuts readers out for a moment."""
    receiver, argo = stage.receiver(), stage.argo()
    argo.connection.execute("PRAGMA journal_mode=DELETE")
    stage.sender(receiver, argo, **QUICK).start_service()
    made = []
    for _ in range(60):
        made += argo.write(2)
    arrive(receiver.database, made)


def test_a_wal_is_given_up_and_taken_up_again(stage):
    """While a reader has the file open, SQLite may refuse to leave WAL; either way everything arrives."""
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(3)
    sender = stage.sender(receiver, argo, **QUICK).start_service()
    arrive(receiver.database, made)
    for mode in ("DELETE", "WAL", "TRUNCATE", "WAL"):
        try:
            argo.connection.execute(f"PRAGMA journal_mode={mode}")
        except sqlite3.OperationalError as refused:
            assert "locked" in str(refused)
        made += argo.write(3)
        arrive(receiver.database, made)
    sender.stop()
    argo.connection.execute("PRAGMA journal_mode=DELETE")
    made += argo.write(2)
    sender.start_service()
    arrive(receiver.database, made)
    sender.settled(delivered=len(made))
    assert REPLACED not in sender.all_logs()


def test_argo_can_leave_wal_while_the_sender_looks_on(stage):
    """The sender must not hold the file in a way that locks Argo out of its own switch for ever."""
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(3)
    stage.sender(receiver, argo, **QUICK).start_service()
    arrive(receiver.database, made)
    argo.close()  # the last writer leaves: the next one may come up in another mode
    made += argo.write(1)
    arrive(receiver.database, made)


def test_vacuum_moves_no_position(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(30)
    sender = stage.sender(far_end, argo, **QUICK).start_service()
    sender.settled(delivered=30)
    argo.connection.execute("DELETE FROM signals WHERE id BETWEEN 5 AND 20")
    argo.connection.execute("VACUUM")
    made += argo.write(2)
    sender.settled(delivered=32)
    assert far_end.times_posted == {signal["signal_id"]: 1 for signal in made}
    assert REPLACED not in sender.log()


# --- another file in its place ---

def test_another_table_in_its_place_is_an_alarm_and_sent_from_its_beginning(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(10)
    sender = stage.sender(receiver, argo, **QUICK).start_service()
    arrive(receiver.database, made)
    other = Argo(stage.folder / "other", seed=77)
    made += other.write(30)
    other.close()
    argo.replace(other.database)
    sender.wait_log(REPLACED)
    arrive(receiver.database, made)
    assert any(REPLACED in line for line in error_lines(sender)) and sender.log().count(REPLACED) == 1


@pytest.mark.parametrize("running", [True, False], ids=["running", "down"])
def test_an_older_backup_is_an_alarm_and_a_fresh_start(stage, running):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(10)
    backup = argo.back_up()
    sender = stage.sender(receiver, argo, **QUICK).start_service()
    made += argo.write(10)
    arrive(receiver.database, made)
    sender.settled(delivered=20)
    if not running:
        sender.stop()
    argo.replace(backup)
    made += argo.write(3)  # they take the ids of rows that were delivered
    if not running:
        sender.start_service()
    sender.wait_log(REPLACED)
    arrive(receiver.database, made)
    sender.wait_status(pending=0, dead=0, position=13)


def test_a_position_beyond_the_newest_row_is_an_alarm_once(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(10)
    sender = stage.sender(receiver, argo, **QUICK).start_service()
    arrive(receiver.database, made)
    sender.settled(delivered=10)
    argo.connection.execute("DELETE FROM signals WHERE id > 4")
    sender.wait_log(REPLACED)
    sender.wait_status(pending=0, position=4)
    stays(lambda: sender.log().count(REPLACED) == 1, 0.5, sender.log)
    made += argo.write(3)
    arrive(receiver.database, made)


def test_an_empty_table_after_a_full_one(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(10)
    sender = stage.sender(receiver, argo, **QUICK).start_service()
    arrive(receiver.database, made)
    argo.remove()
    made += argo.write(2)
    arrive(receiver.database, made)
    sender.wait_status(pending=0, dead=0)


def test_an_id_that_is_used_again_is_noticed(stage):
    """Without AUTOINCREMENT the largest id comes back after a delete."""
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(5)
    sender = stage.sender(receiver, argo, **QUICK).start_service()
    arrive(receiver.database, made)
    sender.settled(delivered=5)
    argo.connection.execute("BEGIN IMMEDIATE")
    argo.connection.execute("DELETE FROM signals WHERE id = 5")
    argo.connection.execute("UPDATE sqlite_sequence SET seq = 4")
    signal = argo.maker.signal()
    names = ", ".join(argo.fields)
    argo.connection.execute(f"INSERT INTO signals ({names}) VALUES ({', '.join('?' * len(argo.fields))})",
                            [signal[name] for name in argo.fields])
    argo.connection.execute("COMMIT")
    arrive(receiver.database, made + [signal])


# --- damaged ---

def damage_header(path):
    with open(path, "r+b") as file:
        file.write(b"\xa5" * 200)


def damage_middle(path):
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 8192))


def cut(path):
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)


def text(path):
    path.write_text("this is no database\n" * 1000)


def folder(path):
    path.unlink()
    path.mkdir()


def other_schema(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    connection.close()


def column_renamed(path):
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE signals RENAME COLUMN signal_id TO name")
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("harm", [damage_header, damage_middle, cut, text, folder, other_schema, column_renamed],
                         ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("running", [True, False], ids=["running", "down"])
def test_a_damaged_table_is_said_once_survived_and_gone_on_with_when_it_is_well(stage, harm, running):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(60)
    sender = stage.sender(receiver, argo, **QUICK).start_service()
    arrive(receiver.database, made)
    sender.settled(delivered=60)
    late = argo.write(40)
    arrive(receiver.database, made + late)
    well, ill = argo.back_up("well"), argo.back_up("ill")
    if not running:
        sender.stop()
    harm(ill)
    argo.replace(ill)
    if not running:
        sender.start_service()
    said_once_while_away(sender)
    if argo.database.is_dir():
        argo.database.rmdir()
    argo.replace(well)
    made += late + argo.write(5)
    sender.wait_log(BACK)
    arrive(receiver.database, made)
    assert sender.log().count(AWAY) == 1


@pytest.mark.parametrize("harm", [damage_header, damage_middle, cut], ids=lambda harm: harm.__name__)
def test_damage_to_the_file_that_is_open_is_survived(stage, harm):
    """It may go unnoticed until something is read; what comes after the repair arrives."""
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(60)
    sender = stage.sender(receiver, argo, **QUICK).start_service()
    arrive(receiver.database, made)
    argo.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    well = argo.back_up("well")
    argo.close()
    harm(argo.database)
    stays(lambda: sender.running, 0.5, "damage is no reason to end")
    argo.replace(well)
    made += argo.write(5)
    arrive(receiver.database, made)
    assert sender.log().count(AWAY) <= 1


def test_status_and_sync_with_a_table_that_cannot_be_read(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(3)
    argo.close()
    text(argo.database)
    sender = stage.sender(receiver, argo)
    assert sender.status()["pending"] is None
    done = sender.command("sync", limit=60)
    assert done.code == 1 and AWAY.strip() in done.err, done


# --- the same signal_id, another hash ---

def test_a_row_whose_id_the_receiver_has_with_another_hash_is_an_alarm(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(2)
    stage.sender(receiver, argo).sync()
    rival = Argo(stage.folder / "rival", seed=5)
    stage.keep(rival)
    other = seal({**rival.maker.signal(), "signal_id": made[0]["signal_id"]})
    good = rival.maker.signal()
    rival.commit([other, good])
    sender = stage.sender(receiver, rival, "other", **QUICK).start_service()
    sender.wait_log(f"Alarm: signal {other['signal_id']} has another hash")
    assert any("Alarm: signal" in line for line in error_lines(sender))
    sender.wait_status(pending=0, dead=1)
    assert sender.letters("reason") == ["conflict"]
    assert receiver.database.stored() == pairs(made + [good])
