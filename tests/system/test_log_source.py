"""Argo's log as a second source: a signal leaves when its line is written, and once, by the log or by the table."""

import json
import shutil
import time

import pytest

from support.argo import Argo, pairs
from support.log_source import ids, stays_posted, tailing, trades, wait_posted
from support.paths import SAMPLE
from support.proxy import Fault
from support.waiting import stays, wait_for


# --- soon, and with everything that the log says ---

def test_a_signal_leaves_by_the_log_while_the_table_does_not_have_it(stage):
    receiver, argo = stage.receiver(), stage.argo(live=True)
    sender = tailing(stage, receiver, argo, ALPINE_POLL_INTERVAL=60).start_service()
    took = []
    for _ in range(20):
        began = time.monotonic()
        made = argo.maker.signal()
        argo.append([made])
        sender.wait_log(f"Signal synced to Alpine: {made['signal_id']} ({made['symbol']} {made['action']})", 5)
        took.append(time.monotonic() - began)
    assert sorted(took)[10] < 0.1, took
    assert not argo.rows() and receiver.database.count() == 20


def test_a_line_that_was_written_before_the_service_began_leaves_too(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(30)
    argo.append(made)
    tailing(stage, far_end, argo).start_service()
    wait_posted(far_end, made)


@pytest.mark.parametrize("wide", [False, True], ids=["plain", "wide"])
def test_what_only_the_log_knows_stands_in_alpines_row(stage, wide):
    receiver, argo = stage.receiver(), stage.argo(wide=wide)
    made = argo.write(40)
    tailing(stage, receiver, argo).sync()
    assert receiver.database.stored() == pairs(made)
    for signal in made:
        row = receiver.database.signal(signal["signal_id"])
        assert row["rationale"] == signal["reasoning"]
        wanted = {name: signal[name] for name in ("regime", "sources_count", "consensus_agreement")}
        assert {name: row[name] for name in wanted} == wanted
        assert row["generation_latency_ms"] == signal["generation_latency_ms"]


def test_the_sample_of_both_files_arrives_once_with_the_logs_fields(stage):
    receiver, argo = stage.receiver(), stage.keep(Argo(stage.folder / "copy"))
    shutil.copy(SAMPLE / "signals.db", argo.database)
    shutil.copy(SAMPLE / "signals.log", argo.log)
    sender = tailing(stage, receiver, argo)
    sender.sync()
    logged = trades(json.loads(line) for line in argo.log.read_text().splitlines())
    both = set(argo.rows()) | set(pairs(logged))
    assert receiver.database.stored() == sorted(both)
    without = receiver.database.value("SELECT count(*) FROM signals WHERE regime IS NULL")
    assert without == len(both - {(signal["signal_id"], signal["sha256"]) for signal in logged if signal["regime"]})
    assert sender.settled(delivered=len(both))


# --- once ---

def test_what_went_by_the_log_is_not_sent_again_by_the_table(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo).start_service()
    made = argo.maker.signals(60)
    argo.append(made)
    wait_posted(far_end, made)
    argo.commit(made)
    sender.settled(delivered=60)
    late = argo.write(3)
    wait_posted(far_end, made + late)
    sender.wait_status(delivered=63, position=63)  # it passes the rows that the log brought


@pytest.mark.parametrize("end", ["stop", "kill9"])
def test_what_went_by_the_log_is_not_sent_again_after_a_restart(stage, end):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo).start_service()
    made = argo.maker.signals(60)
    argo.append(made)
    argo.commit(made[:20])
    wait_posted(far_end, made)
    sender.settled(delivered=60)
    getattr(sender, end)()
    argo.commit(made[20:40])
    sender.start_service()
    argo.commit(made[40:])
    late = argo.write(2)
    wait_posted(far_end, made + late)
    sender.settled(delivered=62)
    stays_posted(far_end, made + late)


def test_sync_after_sync_sends_nothing_twice(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(30)
    argo.append(made)
    sender = tailing(stage, far_end, argo)
    for committed in (made[:10], made[10:], []):
        if committed:
            argo.commit(committed)
        sender.sync()
        wait_posted(far_end, made)


def test_what_the_log_never_had_goes_by_the_table(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    tailing(stage, far_end, argo).start_service()
    made = []
    for _ in range(5):
        logged, committed, both = (argo.maker.signals(4) for _ in range(3))
        argo.append(logged + both)
        argo.commit(committed + both)
        made += logged + committed + both
    wait_posted(far_end, made)
    stays_posted(far_end, made)


def test_a_table_that_went_ahead_of_the_log_is_not_sent_twice(stage):
    """The lines of rows that were delivered come late, as when the log is set up after the table."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(20)
    argo.commit(made)
    sender = tailing(stage, far_end, argo).start_service()
    wait_posted(far_end, made)
    sender.settled(delivered=20)
    argo.append(made)
    late = argo.write(1)
    wait_for(lambda: late[0]["signal_id"] in far_end.times_posted, 20, "the late one to be posted")
    sender.settled(delivered=21)


@pytest.mark.slow
def test_pending_counts_each_waiting_signal_once(stage):
    receiver, argo = stage.receiver(start=False), stage.argo()
    sender = tailing(stage, receiver, argo).start_service()
    logged = argo.maker.signals(3)
    argo.append(logged)
    sender.wait_status(pending=3)
    argo.commit(logged)
    argo.commit(argo.maker.signals(2))
    sender.wait_status(pending=5)
    assert sender.status()["lag_seconds"] > 0
    receiver.start_ready()
    sender.settled(delivered=5)


# --- crashes ---

@pytest.mark.slow
def test_killed_again_and_again_nothing_is_lost_and_nothing_doubled(stage):
    receiver, argo = stage.receiver(), stage.argo()
    proxy = stage.proxy(receiver, always=Fault(delay=0.005))
    sender = tailing(stage, proxy, argo, ALPINE_BATCH_MAX=5)
    made, committed = [], 0
    for number in range(10):
        some = argo.maker.signals(120)
        argo.append(some + [argo.maker.neutral()])
        made += some
        before = receiver.database.count()
        sender.start()
        wait_for(lambda before=before: receiver.database.count() > before, 20, "some progress")
        argo.commit(made[committed:committed + 100])
        committed += 100
        sender.kill9()
        if number % 3 == 1:
            argo.rotate()
        if number % 3 == 2:
            argo.copy_and_truncate()
    argo.commit(made[committed:])
    sender.start_service()
    wait_for(lambda: receiver.database.count() >= len(made), 60,
             lambda: f"{len(made)} rows; {receiver.database.count()} are there")
    assert receiver.database.stored() == pairs(made)
    sender.wait_status(pending=0, dead=0)


@pytest.mark.slow
def test_a_log_that_rotates_all_the_time_is_followed(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo).start_service()
    made = []
    for number in range(60):
        some = argo.maker.signals(5)
        argo.append(some)
        argo.rotate(f"signals-{number}.log")
        made += some
    argo.commit(made)
    wait_posted(far_end, made, 40)
    sender.settled(delivered=300)


def test_argos_log_is_only_read(stage):
    """Not written to, not locked, not replaced; and it can be deleted while it is being tailed."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(3)
    argo.append(made)
    before = argo.log.stat()
    content = argo.log.read_bytes()
    beside = sorted(path.name for path in argo.folder.iterdir())
    sender = tailing(stage, far_end, argo).start_service()
    wait_posted(far_end, made)
    after = argo.log.stat()
    assert (after.st_ino, after.st_mtime_ns, argo.log.read_bytes()) == (before.st_ino, before.st_mtime_ns, content)
    assert sorted(path.name for path in argo.folder.iterdir()) == beside
    argo.log.unlink()
    stays(lambda: sender.running, 0.5, "a deleted log is no reason to end")
    late = argo.write(1)
    wait_posted(far_end, made + late)


@pytest.mark.parametrize("way", ["rotate", "copy_and_truncate"])
def test_a_rotation_takes_no_lock_of_argos_database_away(stage, way):
    """A file that is opened and closed loses all record locks of the process. Looking for the log's next file among
    those beside it must not do that to the database: Argo would take itself for the last one and remove the WAL."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo).start_service()
    made = argo.write(5)
    sender.wait_status(delivered=5, position=5)
    getattr(argo, way)()
    made += argo.write(3)
    sender.wait_status(delivered=8, position=8)
    argo.close()
    only_in_the_table = argo.maker.signals(4)
    argo.commit(only_in_the_table)
    wait_posted(far_end, made + only_in_the_table)
    second = stage.sender(far_end, argo, "second", ALPINE_STATE_DIR=sender.state)
    assert second.command("sync").code == 1, "nor is the lock of the state directory gone"


@pytest.mark.parametrize("command", ["sync", "run"])
def test_two_rotations_while_the_new_log_is_still_empty(stage, command):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo)
    made = argo.maker.signals(17)
    argo.append(made[:5])
    sender.sync()
    argo.append(made[5:10])
    argo.rotate()
    argo.append(made[10:])
    argo.rotate()
    argo.log.touch()
    if command == "run":
        sender.start_service()
    else:
        sender.sync()
    wait_posted(far_end, made)
    sender.settled(delivered=17)
