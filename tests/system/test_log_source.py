"""Argo's log as a second source: a signal leaves when its line is written, and once, whatever is done to the log."""

import json
import os
import shutil
import time

import pytest

from support.argo import Argo, pairs, seal
from support.paths import SAMPLE
from support.proxy import Fault
from support.waiting import stays, wait_for

UNREADABLE = "A line of the log cannot be read"


def tailing(stage, far_end, argo, name="sender", **settings):
    """A sender that has both of Argo's files."""
    return stage.sender(far_end, argo, name, ARGO_SIGNALS_LOG=argo.log, **settings)


def trades(signals):
    return [signal for signal in signals if signal["action"]]


def ids(signals):
    return sorted(signal["signal_id"] for signal in signals)


def wait_posted(far_end, signals, limit=20):
    """Wait until all of these came in, and none but these; each exactly once."""
    wanted = {signal["signal_id"]: 1 for signal in signals}
    wait_for(lambda: len(far_end.times_posted) >= len(wanted), limit,
             lambda: f"{len(wanted)} signals to be posted; {len(far_end.times_posted)} were")
    assert far_end.times_posted == wanted


def stays_posted(far_end, signals, seconds=0.7):
    """Nothing more comes in."""
    wanted = {signal["signal_id"]: 1 for signal in signals}
    stays(lambda: far_end.times_posted == wanted, seconds, lambda: f"posted: {far_end.times_posted}")


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


# --- rotation ---

def test_rotation_by_rename_loses_nothing_and_sends_nothing_twice(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo).start_service()
    made = argo.maker.signals(1)
    argo.append(made)
    wait_posted(far_end, made)  # a sender that never saw the log reads none of those before it
    for _ in range(5):
        some = argo.maker.signals(7)
        argo.append(some)
        made += some
        argo.rotate()
    made += argo.write(3)
    wait_posted(far_end, made)
    sender.settled(delivered=len(made))


@pytest.mark.slow
def test_a_log_that_is_rotated_while_the_next_one_is_looked_for_loses_no_file(stage):
    """Many rotations, so that some come between the look at the directory and the opening of what was seen there."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    tailing(stage, far_end, argo).start_service()
    made = argo.maker.signals(1)
    argo.append(made)
    wait_posted(far_end, made)
    for _ in range(100):
        for _ in range(5):
            some = argo.maker.signals(7)
            argo.append(some)
            made += some
            argo.rotate()
        wait_posted(far_end, made)
        for old in argo.log.parent.glob(f"{argo.log.name}.*"):
            old.unlink()


def test_lines_that_a_writer_still_adds_to_the_renamed_log_are_read(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    first, second, third = (argo.maker.signals(3) for _ in range(3))
    argo.append(first)
    tailing(stage, far_end, argo).start_service()
    wait_posted(far_end, first)
    with open(argo.log, "a", encoding="utf-8") as held:
        argo.rotate(recreate=False)
        held.write("".join(json.dumps(signal) + "\n" for signal in second))
    wait_posted(far_end, first + second)
    argo.append(third)
    wait_posted(far_end, first + second + third)


def test_a_log_that_is_renamed_and_only_made_anew_later(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(3)
    argo.append(made)
    sender = tailing(stage, far_end, argo).start_service()
    wait_posted(far_end, made)
    argo.rotate(recreate=False)
    stays(lambda: sender.running, 1.2, "a log that is away for a while is no reason to end")
    late = argo.maker.signals(3)
    argo.append(late)
    wait_posted(far_end, made + late)


@pytest.mark.parametrize("rotations", [1, 2, 3])
def test_rotations_while_the_sender_is_down_lose_nothing(stage, rotations):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(5)
    argo.append(made)
    sender = tailing(stage, far_end, argo).start_service()
    wait_posted(far_end, made)
    sender.settled(delivered=5)
    sender.stop()
    for _ in range(rotations):
        some = argo.maker.signals(4)
        argo.append(some)
        made += some
        argo.rotate()
    last = argo.maker.signals(2)
    argo.append(last)
    made += last
    sender.start_service()
    wait_posted(far_end, made)
    sender.settled(delivered=len(made))
    stays_posted(far_end, made)


def test_rotations_within_one_tick_of_the_file_systems_clock(stage):
    """Times of files are coarse, some to a second: files of the same time must not be passed over."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(5)
    argo.append(made)
    sender = tailing(stage, far_end, argo)
    sender.sync()
    for _ in range(3):
        some = argo.maker.signals(2)
        argo.append(some)
        made += some
        argo.rotate()
    last = argo.maker.signals(2)
    argo.append(last)
    second = int(time.time()) - 5
    for path in argo.folder.glob("signals.log*"):
        os.utime(path, (second, second))
    sender.sync()
    wait_posted(far_end, made + last)


@pytest.mark.parametrize("name", ["signals-20261101.old", "yesterday", "signals.log.2026-11-01T13"])
@pytest.mark.parametrize("way", ["rotate", "copy_and_truncate"])
def test_a_rotated_log_is_found_again_by_what_it_is_not_by_its_name(stage, way, name):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(5)
    argo.append(made)
    sender = tailing(stage, far_end, argo)
    sender.sync()
    unread, new = argo.maker.signals(4), argo.maker.signals(3)
    argo.append(unread)
    getattr(argo, way)(name)
    argo.append(new)
    sender.sync()
    wait_posted(far_end, made + unread + new)


def test_copy_and_truncate_under_a_running_sender(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo).start_service()
    made = []
    for count in (9, 4, 20, 1):  # the new content is shorter than the old, and longer
        some = argo.maker.signals(count)
        argo.append(some)
        made += some
        wait_posted(far_end, made)
        argo.copy_and_truncate()
    made += argo.write(30)
    wait_posted(far_end, made)
    sender.settled(delivered=len(made))


def test_a_log_that_was_truncated_and_has_grown_past_the_old_place(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(3)
    argo.append(made)
    sender = tailing(stage, far_end, argo)
    sender.sync()
    argo.truncate()
    more = argo.maker.signals(20)
    argo.append(more)
    sender.sync()
    wait_posted(far_end, made + more)


def test_a_log_truncated_to_nothing_costs_nothing_that_the_table_has(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(10)
    argo.append(made[:5])
    sender = tailing(stage, far_end, argo).start_service()
    wait_posted(far_end, made[:5])
    sender.stop()
    argo.append(made[5:])
    argo.truncate()
    argo.commit(made)
    sender.start_service()
    wait_posted(far_end, made)
    late = argo.write(4)
    wait_posted(far_end, made + late)
    sender.settled(delivered=14)


def test_a_rotated_log_that_was_deleted_costs_nothing_that_the_table_has(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(10)
    argo.append(made[:5])
    sender = tailing(stage, far_end, argo)
    sender.sync()
    argo.append(made[5:])
    argo.rotate().unlink()
    argo.commit(made)
    late = argo.write(2)
    sender.sync()
    wait_posted(far_end, made + late)


def test_older_logs_and_another_programs_file_beside_the_log_are_not_sent(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(3)
    argo.append(made)
    older = argo.folder / "signals.log.1"
    older.write_text(json.dumps(argo.maker.signal()) + "\n")
    os.utime(older, (time.time() - 3600,) * 2)
    (argo.folder / "other.log").write_bytes(b"\0\1\2" * 50_000)
    sender = tailing(stage, far_end, argo)
    sender.sync()
    argo.rotate("kept")
    late = argo.maker.signals(2)
    argo.append(late)
    done = sender.sync()
    wait_posted(far_end, made + late)
    assert UNREADABLE not in done.err


# --- a log that is away ---

def test_a_log_that_is_not_there_is_said_once_and_the_table_goes_on(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(3)
    argo.commit(made)
    sender = tailing(stage, far_end, argo, ALPINE_POLL_INTERVAL=0.05).start_service()
    sender.wait_log("The log cannot be read now: ")
    wait_posted(far_end, made)
    stays(lambda: sender.log().count("The log cannot be read now: ") == 1, 0.6, sender.log)
    late = argo.maker.signals(2)
    argo.append(late)
    sender.wait_log("The log can be read again")
    wait_posted(far_end, made + late)


def test_a_log_in_a_folder_that_comes_later_is_found(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    argo.log = argo.folder / "logs" / "signals.log"
    sender = tailing(stage, far_end, argo, ALPINE_POLL_INTERVAL=0.1).start_service()
    sender.wait_log("The log cannot be read now: ")
    argo.log.parent.mkdir()
    made = argo.maker.signals(2)
    argo.append(made)
    wait_posted(far_end, made)


def test_a_log_that_is_a_folder_is_survived(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    argo.log.mkdir()
    sender = tailing(stage, far_end, argo).start_service()
    sender.wait_log("The log cannot be read now: ")
    made = argo.maker.signals(2)
    argo.commit(made)
    wait_posted(far_end, made)
    argo.log.rmdir()
    late = argo.maker.signals(2)
    argo.append(late)
    wait_posted(far_end, made + late)


def test_a_log_without_a_table_is_enough(stage):
    far_end, argo = stage.fake_receiver(), stage.keep(Argo(stage.folder / "argo"))
    made = argo.maker.signals(5)
    argo.append(made)
    sender = tailing(stage, far_end, argo).start_service()
    wait_posted(far_end, made)
    argo.commit(made)
    late = argo.write(2)
    wait_posted(far_end, made + late)
    sender.settled(delivered=7)


# --- lines ---

def halves(signal):
    line = json.dumps(signal).encode() + b"\n"
    return line[:150], line[150:]


def test_a_half_written_last_line_waits_for_its_end(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo).start_service()
    whole, halved = argo.maker.signals(2)
    first, second = halves(halved)
    argo.append([whole])
    argo.append_raw(first)
    wait_posted(far_end, [whole])
    stays_posted(far_end, [whole], 0.5)
    argo.append_raw(second)
    wait_posted(far_end, [whole, halved])
    assert UNREADABLE not in sender.log()


def test_a_half_written_last_line_is_finished_after_a_restart(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    whole, halved, late = argo.maker.signals(3)
    first, second = halves(halved)
    argo.append([whole])
    argo.append_raw(first)
    sender = tailing(stage, far_end, argo)
    sender.sync()
    wait_posted(far_end, [whole])
    argo.append_raw(second)
    argo.append([late])
    done = sender.sync()
    wait_posted(far_end, [whole, halved, late])
    assert UNREADABLE not in done.err


def test_a_last_line_without_an_end_does_not_hold_up_the_table(stage):
    """Argo may have died in the midst of the line; the row is there all the same."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo).start_service()
    halved, other = argo.maker.signals(2)
    first, second = halves(halved)
    argo.append_raw(first)
    argo.commit([halved, other])
    wait_posted(far_end, [halved, other])
    argo.append_raw(second)
    late = argo.write(1)
    wait_posted(far_end, [halved, other] + late)
    sender.settled(delivered=3)


def test_a_line_that_was_never_finished_before_the_rotation_stops_nothing(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    tailing(stage, far_end, argo).start_service()
    before, halved, after = argo.maker.signals(3)
    argo.append([before])
    wait_posted(far_end, [before])
    argo.append_raw(halves(halved)[0])
    argo.rotate()
    argo.append([after])
    wait_posted(far_end, [before, after])
    argo.commit([before, halved, after])
    wait_posted(far_end, [before, halved, after])


def test_neutral_signals_are_skipped_which_is_nothing_to_talk_about(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo).start_service()
    made = argo.maker.signals(4)
    argo.append([argo.maker.neutral(), made[0], argo.maker.neutral(), *made[1:], argo.maker.neutral()])
    wait_posted(far_end, made)
    sender.settled(delivered=4)
    assert not any(word in sender.log() for word in ("WARN", "ERROR"))


STRANGE_LINES = {
    "no json": b"Traceback (most recent call last):",
    "half a line": b'{"signal_id": "0123456789abcdef", "symb',
    "json but no object": b"[1, 2, 3]",
    "an object that is no signal": b'{"level": "info"}',
    "nul bytes": b"\0" * 4096,
    "a signal with nul bytes": b'{"signal_id": "a\0b"}',
    "invalid utf-8": b'{"signal_id": "\xff\xfe"}',
    "2 MB without sense": b"x" * 2_000_000,
    "2 MB of json": b'{"signal_id": "' + b"y" * 2_000_000 + b'"}',
    "deep nesting": b"[" * 100_000,
    "a duplicate key": b'{"signal_id": "a", "signal_id": "b"}',
}


@pytest.mark.parametrize("line", STRANGE_LINES.values(), ids=STRANGE_LINES)
def test_a_strange_line_stops_no_other(stage, line):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = tailing(stage, far_end, argo).start_service()
    made = argo.maker.signals(6)
    argo.append(made[:2])
    argo.append_raw(line + b"\n")
    argo.append(made[2:4])
    wait_posted(far_end, made[:4])
    argo.append(made[4:])
    wait_posted(far_end, made)
    assert sender.running


@pytest.mark.parametrize("line", ["no json", "half a line", "nul bytes", "2 MB without sense"])
def test_a_line_that_is_no_json_is_said_and_makes_no_dead_letter(stage, line):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(2)
    argo.append_raw(STRANGE_LINES[line] + b"\n")
    argo.append(made)
    sender = tailing(stage, far_end, argo)
    done = sender.sync()
    assert done.err.count(UNREADABLE) == 1 and len(done.err) < 10_000
    wait_posted(far_end, made)
    assert sender.dead() == []
    again = sender.sync()
    assert UNREADABLE not in again.err


def test_empty_lines_and_lines_of_windows_are_nothing_special(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(2)
    argo.append_raw(b"\n\r\n" + json.dumps(made[0]).encode() + b"\r\n\n" + json.dumps(made[1]).encode() + b"\n\n")
    done = tailing(stage, far_end, argo).sync()
    wait_posted(far_end, made)
    assert UNREADABLE not in done.err


def forged(signal):
    return {**signal, "entry_price": signal["entry_price"] + 1}


def test_a_line_whose_hash_is_wrong_is_a_dead_letter_from_the_log(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    good, bad = argo.maker.signals(2)
    argo.append([forged(bad), good])
    sender = tailing(stage, far_end, argo)
    sender.sync(code=3)
    wait_posted(far_end, [good])
    [letter] = sender.dead()
    assert (letter["signal_id"], letter["source"], letter["reason"]) == (bad["signal_id"], "log", "hash_mismatch")


def test_a_line_with_a_field_that_breaks_its_rule_is_a_dead_letter_from_the_log(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    good, bad = argo.maker.signals(2)
    argo.append([seal({**bad, "confidence": 250.0}), good])
    sender = tailing(stage, far_end, argo)
    sender.sync(code=3)
    wait_posted(far_end, [good])
    [letter] = sender.dead()
    assert (letter["signal_id"], letter["source"], letter["reason"]) == (bad["signal_id"], "log", "invalid_field")
    assert "confidence" in letter["detail"]


@pytest.mark.parametrize("restart", [False, True], ids=["one run", "restart between"])
def test_a_dead_letter_from_the_log_goes_away_when_the_table_has_it_right(stage, restart):
    far_end, argo = stage.fake_receiver(), stage.argo()
    [signal] = argo.maker.signals(1)
    sender = tailing(stage, far_end, argo).start_service()
    argo.append([forged(signal)])
    sender.wait_status(dead=1)
    if restart:
        sender.restart()
        sender.wait_log("Alpine sync service initialized")
    argo.commit([signal])
    wait_posted(far_end, [signal])
    sender.settled(delivered=1, dead=0)


def test_a_signal_that_is_wrong_in_both_files_is_one_dead_letter(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    signal, good = argo.maker.signals(2)
    argo.emit([forged(signal), good])
    sender = tailing(stage, far_end, argo)
    sender.sync(code=3)
    wait_posted(far_end, [good])
    assert sender.letters() == [signal["signal_id"]]
    sender.settled(delivered=1, dead=1)


def test_the_same_id_with_another_hash_in_the_table_is_an_alarm(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    [signal] = argo.maker.signals(1)
    sender = tailing(stage, far_end, argo).start_service()
    argo.append([signal])
    wait_posted(far_end, [signal])
    argo.commit([seal({**signal, "entry_price": 1.5})])
    sender.wait_log(f"Alarm: signal {signal['signal_id']} has another hash")
    late = argo.write(2)
    wait_for(lambda: set(ids(late)) <= set(far_end.times_posted), 20, "the others to go on")


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
