"""Argo's log is rotated, replaced or away: every line is read, once, and the table brings what the log lost."""

import json
import os
import time

import pytest

from support.argo import Argo
from support.log_source import UNREADABLE, stays_posted, tailing, wait_posted
from support.waiting import stays


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


@pytest.mark.slow
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
