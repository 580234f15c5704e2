"""Lines of Argo's log: half-written, strange, too long, forged."""

import json

import pytest

from support.argo import Argo, seal
from support.log_source import UNREADABLE, ids, stays_posted, tailing, wait_posted
from support.waiting import wait_for


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
