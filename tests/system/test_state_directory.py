"""The sender's own disk: full, damaged, from an older version, or taken by another sender; nothing is lost by it."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess

import pytest

from support.argo import pairs
from support.waiting import stays, wait_for

UNWRITABLE, WRITABLE = "The state directory cannot be written: ", "The state directory can be written again"
DAMAGED = "The state is damaged and was moved aside to "

# As the first version made it.
FIRST_SCHEMA = """
CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL,
  signal_id TEXT NOT NULL, delivered INTEGER NOT NULL, last_success_us INTEGER NOT NULL);
CREATE TABLE dead_letters (id INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER NOT NULL,
  signal_id TEXT NOT NULL, symbol TEXT NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL,
  detail TEXT NOT NULL, json TEXT NOT NULL, created_us INTEGER NOT NULL, retry INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX dead_letters_once ON dead_letters (position, signal_id);
CREATE TABLE dropped (id INTEGER PRIMARY KEY, signal_id TEXT NOT NULL, reason TEXT NOT NULL,
  dropped_us INTEGER NOT NULL);
"""


class SmallDisk:
    """A file system of a few MiB, in memory, that can be filled up."""

    def __init__(self, folder, size="3m"):
        self.folder = folder
        self.folder.mkdir()
        self._run("mount", "-t", "tmpfs", "-o", f"size={size},uid={os.getuid()}", "tmpfs", str(folder))
        self._ballast = folder / "ballast"

    def fill(self):
        """Not a byte is left."""
        with open(self._ballast, "ab", buffering=0) as file, contextlib.suppress(OSError):
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def leave(self, size):
        """Full, but for so many bytes."""
        self.fill()
        os.truncate(self._ballast, self._ballast.stat().st_size - size)

    def free(self):
        self._ballast.unlink()

    def finish(self):
        self._run("umount", "--lazy", str(self.folder))

    @staticmethod
    def _run(*command):
        """Only root may mount."""
        subprocess.run([*(["sudo", "-n"] if os.geteuid() else []), *command], check=True)


@pytest.fixture(name="disk")
def fixture_disk(stage):
    return stage.keep(SmallDisk(stage.folder / "small"))


def accepted(far_end, signals):
    wait_for(lambda: set(pairs(far_end.accepted)) >= set(pairs(signals)), 20,
             lambda: f"{len(signals)} signals; {len(set(pairs(far_end.accepted)))} were accepted")


def large_and_wrong(argo, count):
    """Committed rows whose letters need more room than the state may have left in files that are there."""
    made = [{**argo.maker.signal(), "symbol": "WRONG", "strategy": "s" * 60_000} for _ in range(count)]
    argo.commit(made)
    return made


# --- full ---

@pytest.mark.slow
def test_a_full_disk_stops_no_delivery_and_heals_by_itself(stage, disk):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(20)
    sender = stage.sender(far_end, argo, ALPINE_STATE_DIR=disk.folder / "state").start_service()
    sender.settled(delivered=20)
    disk.fill()
    for _ in range(30):
        made += argo.write(20)
        accepted(far_end, made)
    sender.wait_log(UNWRITABLE)
    assert sender.log().count(UNWRITABLE) == 1, "said once"
    assert far_end.times_posted == {signal["signal_id"]: 1 for signal in made}
    disk.free()
    made += argo.write(1)
    sender.wait_log(WRITABLE)
    sender.settled(delivered=621)
    sender.stop()
    sender.sync()
    assert far_end.times_posted == {signal["signal_id"]: 1 for signal in made}, "the position was saved in the end"


@pytest.mark.slow
def test_on_a_full_disk_no_row_is_passed_that_could_not_be_kept(stage, disk):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(5)
    sender = stage.sender(far_end, argo, ALPINE_STATE_DIR=disk.folder / "state").start_service()
    sender.settled(delivered=5)
    disk.fill()
    bad = large_and_wrong(argo, 12)
    good = argo.write(30)
    sender.wait_log(UNWRITABLE)
    accepted(far_end, made + good)
    stays(lambda: sender.log().count(UNWRITABLE) == 1 and WRITABLE not in sender.log(), 2.5, sender.log)
    sender.kill9()
    kept = set(sender.letters())
    position = sender.status()["position"]
    for row, signal in enumerate(bad, 6):
        assert row > position or signal["signal_id"] in kept, "a bad row was passed and is nowhere"
    disk.free()
    sender.start_service()
    sender.wait_status(dead=12, pending=0)
    assert set(sender.letters()) == {signal["signal_id"] for signal in bad}
    accepted(far_end, made + good)


@pytest.mark.slow
def test_a_disk_with_room_for_a_position_but_for_no_letter_is_said_once(stage, disk):
    """What can be saved in between is no recovery."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(5)
    sender = stage.sender(far_end, argo, ALPINE_STATE_DIR=disk.folder / "state").start_service()
    sender.settled(delivered=5)
    disk.leave(600_000)
    large_and_wrong(argo, 12)
    sender.wait_log(UNWRITABLE)
    sender.kill9()
    sender.start_service()
    sender.wait_log(UNWRITABLE)
    for _ in range(8):
        made += argo.write(1)
        accepted(far_end, made)
        stays(lambda: sender.running, 0.5, "it goes on")
    assert sender.log().count(UNWRITABLE) <= 2, "said again and again"
    disk.free()
    sender.settled(delivered=13, dead=12)


@pytest.mark.slow
def test_a_full_disk_heals_while_running_and_the_letters_are_kept_then(stage, disk):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = stage.sender(far_end, argo, ALPINE_STATE_DIR=disk.folder / "state").start_service()
    disk.fill()
    bad = large_and_wrong(argo, 12)
    good = argo.write(3)
    sender.wait_log(UNWRITABLE)
    accepted(far_end, good)
    assert sender.running
    disk.free()
    sender.wait_log(WRITABLE)
    sender.settled(delivered=3, dead=12)
    assert set(sender.letters()) == {signal["signal_id"] for signal in bad}


def test_a_disk_that_is_full_from_the_start(stage, disk):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(5)
    disk.fill()
    sender = stage.sender(far_end, argo, ALPINE_STATE_DIR=disk.folder)
    sender.start()
    wait_for(lambda: not sender.running or UNWRITABLE in sender.log(), 20, "it to say so")
    if sender.running:
        disk.free()
        accepted(far_end, made)
        sender.settled(delivered=5)
    else:
        assert sender.wait() == 1 and str(disk.folder) in sender.log()
        disk.free()
        sender.sync()
        accepted(far_end, made)


def test_a_state_directory_that_is_taken_away_stops_no_delivery(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(5)
    sender = stage.sender(far_end, argo).start_service()
    sender.settled(delivered=5)
    shutil.rmtree(sender.state)
    made += argo.write(5)
    accepted(far_end, made)
    assert sender.running
    sender.signal(15)
    sender.wait()


def test_stopping_with_a_full_disk_ends_and_costs_duplicates_at_most(stage, disk):
    receiver, argo = stage.receiver(), stage.argo()
    sender = stage.sender(receiver, argo, ALPINE_STATE_DIR=disk.folder / "state").start_service()
    disk.fill()
    made = argo.write(300)
    wait_for(lambda: receiver.database.count() == 300, 20, "all to arrive")
    sender.signal(15)
    sender.wait()
    disk.free()
    made += argo.write(3)
    sender.sync()
    assert receiver.database.stored() == pairs(made)


# --- damaged ---

def overwrite(path):
    with open(path, "r+b") as file:
        file.write(b"\xa5" * 4096)


def overwrite_inside(path):
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def cut_in_half(path):
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2 + 7)


def fill_with_text(path):
    path.write_text("not what it was\n" * 500)


def other_tables(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE progress (something_else TEXT)")
        connection.execute("CREATE TABLE dead_letters (something_else TEXT)")
    connection.close()


@pytest.mark.parametrize("harm", [overwrite, overwrite_inside, cut_in_half, fill_with_text, other_tables],
                         ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("command", ["run", "sync"])
def test_a_damaged_state_is_moved_aside_and_begun_anew(stage, harm, command):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(30)
    argo.spoil(made[3], symbol="WRONG")
    sender = stage.sender(receiver, argo)
    sender.sync(code=3)
    harm(sender.state / "state.db")
    damaged = (sender.state / "state.db").read_bytes()
    made += argo.write(5)
    if command == "run":
        sender.start_service()
        sender.wait_log(DAMAGED)
        said = sender.log()
    else:
        said = sender.sync(code=3).err
    wait_for(lambda: receiver.database.count() == 34, 20, "all to be there")
    aside = said.split(DAMAGED)[1].split()[0].rstrip(":")
    with open(aside, "rb") as kept:  # but for the header, which a look at a sound file may touch
        assert aside.startswith(str(sender.state)) and damaged[100:] == kept.read()[100:]
    sender.wait_status(pending=0, dead=1)
    assert receiver.database.stored() == pairs(made[:3] + made[4:])
    assert sender.letters() == [made[3]["signal_id"]]


def test_an_empty_state_file_is_a_fresh_start(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(5)
    sender = stage.sender(receiver, argo)
    (sender.state / "state.db").touch()
    sender.sync()
    assert receiver.database.stored() == pairs(made)


def test_a_state_that_is_damaged_twice_keeps_both(stage):
    argo, far_end = stage.argo(), stage.fake_receiver()
    argo.write(2)
    sender = stage.sender(far_end, argo)
    for number in (1, 2):
        (sender.state / "state.db").write_bytes(b"%d" % number * 5000)
        assert DAMAGED in sender.sync().err
    contents = [path.read_bytes() for path in sender.state.iterdir()]
    assert b"1" * 5000 in contents and b"2" * 5000 in contents, list(sender.state.iterdir())


# --- from the version before ---

def first_version(sender, argo, made, letter):
    """A state as the first version left it: five rows answered, one of them dead."""
    connection = sqlite3.connect(sender.state / "state.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(FIRST_SCHEMA)
    connection.execute("INSERT INTO progress VALUES (1, 5, ?, 4, 1764000000000000)", [made[4]["signal_id"]])
    columns = "position, signal_id, symbol, action, reason, detail, json, created_us"
    connection.execute(f"INSERT INTO dead_letters ({columns}) VALUES (2, ?, 'AAPL', 'BUY', 'hash_mismatch',"
                       " 'told then', ?, 1764000000000000)", [letter["signal_id"], json.dumps(letter)])
    connection.close()
    assert argo.rows()


@pytest.mark.parametrize("command", ["status first", "sync at once", "dead first"])
def test_the_first_versions_state_is_taken_over(stage, command):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(8)
    argo.spoil(made[1], symbol="WRONG")
    sender = stage.sender(far_end, argo)
    first_version(sender, argo, made, made[1])
    if command == "status first":
        status = sender.status()
        assert (status["delivered"], status["pending"], status["dead"], status["position"]) == (4, 3, 1, 5)
    if command == "dead first":
        assert sender.letters() == [made[1]["signal_id"]]
    done = sender.sync(code=3)
    assert DAMAGED not in done.err
    assert pairs(far_end.accepted) == pairs(made[5:])
    assert (sender.status()["delivered"], sender.status()["dead"]) == (7, 1)
    [letter] = sender.dead()
    assert letter["signal_id"] == made[1]["signal_id"]
    assert (letter["reason"], letter["detail"]) == ("hash_mismatch", "told then")
    argo.spoil(made[1], symbol=made[1]["symbol"])
    assert sender.command("dead", "retry", "--all").code == 0
    sender.sync()
    assert pairs(far_end.accepted) == pairs(made[1:2] + made[5:])


# --- locked by somebody else ---

@pytest.mark.slow
def test_a_state_that_somebody_keeps_locked_stops_no_delivery(stage):
    """A shell that was left open in a transaction, say: each signal must not wait for it anew."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = stage.sender(far_end, argo, ARGO_SIGNALS_LOG=argo.log).start_service()
    made = argo.write(5)
    sender.wait_status(delivered=5, position=5)
    somebody = sqlite3.connect(sender.state / "state.db", isolation_level=None)
    somebody.execute("BEGIN IMMEDIATE")
    made += argo.write(200)
    accepted(far_end, made)
    sender.wait_log(UNWRITABLE)
    assert sender.log().count(UNWRITABLE) == 1, "said once"
    somebody.execute("ROLLBACK")
    somebody.close()
    sender.wait_log(WRITABLE)
    made += argo.write(1)
    sender.wait_status(position=206, pending=0)
    accepted(far_end, made)


def test_a_state_that_somebody_keeps_locked_does_not_hold_up_the_end(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = stage.sender(far_end, argo).start_service()
    somebody = sqlite3.connect(sender.state / "state.db", isolation_level=None)
    somebody.execute("BEGIN IMMEDIATE")
    accepted(far_end, argo.write(200))
    sender.stop(limit=5)
    somebody.close()


# --- two of them ---

@pytest.mark.parametrize("command", ["run", "sync"])
def test_a_second_sender_is_refused_with_the_first_ones_pid(stage, command):
    far_end, argo = stage.fake_receiver(), stage.argo()
    argo.write(3)
    first = stage.sender(far_end, argo).start_service()
    second = stage.sender(far_end, argo, "second", ALPINE_STATE_DIR=first.state)
    done = second.command(command, limit=20)
    assert done.code == 1 and str(first.pid) in done.err and str(first.state) in done.err
    assert first.running
    first.kill9()
    assert second.sync().code == 0, "the lock goes with its owner, however that ended"


@pytest.mark.slow
def test_a_state_that_somebody_reads_at_length_stops_nothing(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(3)
    sender = stage.sender(far_end, argo).start_service()
    sender.settled(delivered=3)
    reader = sqlite3.connect(sender.state / "state.db", isolation_level=None)
    reader.execute("BEGIN IMMEDIATE")
    made += argo.write(3)
    accepted(far_end, made)
    stays(lambda: sender.running, 0.3, "a lock on the state is no reason to end")
    reader.execute("ROLLBACK")
    reader.close()
    sender.settled(delivered=6)
