"""Rows that appear behind the position: a slow sweep finds them, and so does `sync --full`."""

import pytest

from support.argo import pairs
from support.waiting import stays, wait_for

CHANGED = "The table has changed behind the position: sending rows"
SWEEPING = {"ALPINE_SWEEP_INTERVAL": 1, "ALPINE_POLL_INTERVAL": 0.1}


def insert_at(argo, signal, rowid):
    """A row with an id of its own choice."""
    names = ", ".join(argo.fields)
    argo.connection.execute(f"INSERT INTO signals (id, {names}) VALUES (?, {', '.join('?' * len(argo.fields))})",
                            [rowid, *[signal[name] for name in argo.fields]])


def with_gap(argo, count=20, gap=(8, 12)):
    """This many delivered rows, but for those of the gap."""
    made = argo.write(count)
    argo.connection.execute("DELETE FROM signals WHERE id BETWEEN ? AND ?", gap)
    return made[:gap[0] - 1] + made[gap[1]:]


@pytest.mark.slow
@pytest.mark.parametrize("rowid", [9, 0, -7])
def test_the_sweep_finds_a_row_behind_the_position(stage, rowid):
    receiver, argo = stage.receiver(), stage.argo()
    made = with_gap(argo)
    sender = stage.sender(receiver, argo, **SWEEPING).start_service()
    sender.settled(delivered=len(made))
    made.append(argo.maker.signal())
    insert_at(argo, made[-1], rowid)
    sender.wait_log(CHANGED)
    wait_for(lambda: receiver.database.count() == len(made), 20, "the row behind the position")
    assert receiver.database.stored() == pairs(made)
    assert any(CHANGED in line and " warn " in line for line in sender.log().splitlines())
    sender.wait_status(pending=0, dead=0, position=20)
    stays(lambda: sender.log().count(CHANGED) == 1, 2.5, "what was found once is not found again")


@pytest.mark.slow
def test_the_sweep_remembers_across_a_restart(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = with_gap(argo)
    sender = stage.sender(receiver, argo, **SWEEPING).start_service()
    sender.settled(delivered=len(made))
    stays(lambda: CHANGED not in sender.log(), 1.5, sender.log)
    sender.stop()
    made.append(argo.maker.signal())
    insert_at(argo, made[-1], 9)
    sender.start_service()
    wait_for(lambda: receiver.database.count() == len(made), 20, "the row behind the position")
    assert receiver.database.stored() == pairs(made)


@pytest.mark.slow
def test_the_sweep_sends_only_the_part_that_changed(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(20_000, chunk=5000)
    argo.connection.execute("DELETE FROM signals WHERE id = 50")
    sender = stage.sender(far_end, argo, **SWEEPING).start_service()
    sender.settled(delivered=19_999)
    new = argo.maker.signal()
    insert_at(argo, new, 50)
    wait_for(lambda: far_end.times_posted[new["signal_id"]] == 1, 20, "the row behind the position")
    again = sum(far_end.times_posted.values()) - 20_000
    assert again < 10_000, f"{again} rows were sent again for one"
    assert far_end.times_posted[made[-1]["signal_id"]] == 1


@pytest.mark.slow
@pytest.mark.parametrize("action", [
    "UPDATE signals SET outcome = 'win', exit_price = 1, profit_loss_pct = 2, order_id = 'o'", "VACUUM",
    "PRAGMA wal_checkpoint(TRUNCATE)"])
def test_what_argo_does_every_day_is_no_change(stage, action):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(30)
    sender = stage.sender(far_end, argo, **SWEEPING).start_service()
    sender.settled(delivered=30)
    argo.connection.execute(action)
    stays(lambda: CHANGED not in sender.log(), 2.5, sender.log)
    assert far_end.times_posted == {signal["signal_id"]: 1 for signal in made}


@pytest.mark.slow
def test_rows_that_argo_deletes_are_not_sent_for_ever(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    argo.write(30)
    sender = stage.sender(far_end, argo, **SWEEPING).start_service()
    sender.settled(delivered=30)
    argo.connection.execute("DELETE FROM signals WHERE id < 10")
    stays(lambda: max(far_end.times_posted.values()) <= 2, 4.5, "the same rows are sent again and again")


@pytest.mark.slow
def test_without_a_sweep_a_row_behind_the_position_stays_unseen(stage):
    """The test's own test: it is the sweep that finds it, nothing else."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = with_gap(argo)
    sender = stage.sender(far_end, argo, ALPINE_POLL_INTERVAL=0.1).start_service()
    sender.settled(delivered=len(made))
    insert_at(argo, argo.maker.signal(), 9)
    argo.write(1)
    sender.settled(delivered=len(made) + 1)
    stays(lambda: len(far_end.times_posted) == len(made) + 1, 1.5, "the hourly sweep came too early")


def test_sync_full_sends_everything_again_and_so_finds_it(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = with_gap(argo)
    sender = stage.sender(receiver, argo)
    sender.sync()
    made.append(argo.maker.signal())
    insert_at(argo, made[-1], 9)
    sender.sync()
    assert receiver.database.count() == len(made) - 1
    done = sender.command("sync", "--full")
    assert done.code == 0, done
    assert receiver.database.stored() == pairs(made)
    sender.wait_status(pending=0, dead=0, position=20)


def test_sync_full_reads_the_log_again_too(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    both, logged = argo.write(5), argo.maker.signals(3)
    argo.append(logged)
    sender = stage.sender(far_end, argo, ARGO_SIGNALS_LOG=argo.log)
    sender.sync()
    assert far_end.times_posted == {signal["signal_id"]: 1 for signal in both + logged}
    done = sender.command("sync", "--full")
    assert done.code == 0, done
    assert all(far_end.times_posted[signal["signal_id"]] >= 2 for signal in both)
    before = far_end.times_posted
    sender.sync()
    assert far_end.times_posted == before, "once is enough"


@pytest.mark.parametrize("value", ["-1", "soon"])
def test_a_sweep_interval_that_is_none_is_a_configuration_error(stage, value):
    done = stage.sender(stage.fake_receiver(), stage.argo()).command("sync", ALPINE_SWEEP_INTERVAL=value)
    assert done.code == 78 and "ALPINE_SWEEP_INTERVAL" in done.err


@pytest.mark.slow
def test_the_smallest_and_the_largest_id_are_rows_too(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(3)
    sender = stage.sender(far_end, argo, ALPINE_SWEEP_INTERVAL=0.2).start_service()
    sender.wait_status(delivered=3, pending=0)
    ends = argo.maker.signals(2)
    for signal, number in zip(ends, (-2**63, 2**63 - 1)):
        insert_at(argo, signal, number)
    wait_for(lambda: set(pairs(far_end.accepted)) == set(pairs(made + ends)), 20, "both ends of the table")
    sender.wait_status(pending=0, position=2**63 - 1)
    before = far_end.times_posted
    stays(lambda: far_end.times_posted == before, 1, "a sweep that finds nothing sends nothing")
