"""A wall clock that jumps back or forth breaks nothing but the latency figure: every deadline of the receiver's is kept
by the monotonic clock, and the database has a clock of its own."""

import threading
import time
from pathlib import Path

import pytest

from support.answers import assert_error, assert_stored
from support.chain import check_chain
from support.http import RawConnection
from support.process import SANITIZERS
from support.receiver import PREFIX
from support.waiting import Stopwatch, stays, wait_for

DAY = 86400


class Clock:
    """The wall clock of a receiver, moved while it runs. The monotonic one stays right, as it does in a real jump."""

    def __init__(self, folder):
        [self._library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        self._file = folder / "clock"
        self.jump(0)

    def settings(self):
        return {"LD_PRELOAD": self._library, "FAKETIME_TIMESTAMP_FILE": self._file, "FAKETIME_NO_CACHE": 1,
                "FAKETIME_DONT_FAKE_MONOTONIC": 1,
                "ASAN_OPTIONS": SANITIZERS["ASAN_OPTIONS"] + ":verify_asan_link_order=0"}

    def jump(self, seconds):
        """So far from the true time, from now on."""
        self._file.write_text(f"{seconds:+d}\n")


@pytest.fixture(name="clock")
def fixture_clock(tmp_path):
    return Clock(tmp_path)


def test_signals_go_through_while_the_clock_jumps_and_only_the_latency_shows_it(stage, maker, clock):
    receiver = stage.receiver(**clock.settings())
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    seen = {}
    for jump in (0, DAY, -DAY, 3 * DAY, -3650 * DAY, 0):
        clock.jump(jump)
        for _ in range(3):
            signal = maker.signal(timestamp=stamp)
            watch = Stopwatch()
            assert_stored(receiver.post(signal), signal)
            assert watch.running < 2
            row = receiver.database.signal(signal["signal_id"])
            seen[jump] = row["delivery_latency_ms"]
            assert abs(row["server_timestamp"] - (time.time() + jump)) < 60, "it is the receiver's clock"
            assert abs(row["created_at"].timestamp() - time.time()) < 60, "and this is the database's"
            assert row["signal_timestamp"].timestamp() == pytest.approx(time.time(), abs=60)
        assert receiver.health().status == 200 and receiver.ready()
    assert seen[-DAY] is None and seen[-3650 * DAY] is None, "there is no negative latency"
    assert DAY * 1000 <= seen[DAY] < (DAY + 60) * 1000 and 0 <= seen[0] < 60_000
    assert check_chain(receiver.database) == 18


@pytest.mark.slow
@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forth", "back"])
def test_a_jump_while_a_signal_waits_neither_hastens_nor_delays_its_deadline(stage, maker, clock, jump):
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=4, **clock.settings())
    holder = receiver.database.connect()
    holder.autocommit = False
    holder.cursor().execute("LOCK TABLE signals IN SHARE ROW EXCLUSIVE MODE")
    lost = maker.signal()
    answers = []
    watch = Stopwatch()
    thread = threading.Thread(target=lambda: answers.append((receiver.post(lost), watch.passed, watch.running)))
    thread.start()
    wait_for(lambda: receiver.database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                             " AND datname = current_database()"), 10, "the insert to wait")
    clock.jump(jump)
    thread.join(30)
    [(answer, passed, running)] = answers
    assert_error(answer, 503, "unavailable")
    assert answer.header("Retry-After") == "1"
    assert 1.5 < passed and running < 4
    holder.rollback()
    receiver.wait_ready(2)
    assert_stored(receiver.post(lost), lost)
    holder.close()


@pytest.mark.slow
@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forth", "back"])
def test_a_jump_neither_ends_connections_nor_keeps_slow_ones(stage, maker, clock, jump):
    receiver = stage.receiver(ALPINE_BODY_TIMEOUT=3, ALPINE_HEADER_TIMEOUT=3, ALPINE_IDLE_TIMEOUT=60,
                              **clock.settings())
    with RawConnection(receiver.port) as idle, RawConnection(receiver.port) as slow:
        watch = Stopwatch()
        slow.send(receiver.head("POST", f"{PREFIX}/signal", "Content-Type: application/json",
                                "Content-Length: 1000") + "\r\n{")
        assert receiver.get("/livez").status == 200
        clock.jump(jump)
        signal = maker.signal()
        assert_stored(receiver.post(signal), signal)
        assert slow.answer().status == 408
        assert 2 < watch.passed and watch.running < 8
        idle.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert idle.answer().status == 200, "the idle one is still there"


@pytest.mark.slow
@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forth", "back"])
def test_a_jump_during_an_outage_does_not_keep_it_from_reconnecting(stage, maker, clock, jump):
    receiver = stage.receiver(**clock.settings())
    stage.postgres.sql(f"ALTER DATABASE {receiver.database.name} ALLOW_CONNECTIONS false")
    stage.postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       f" WHERE datname = '{receiver.database.name}'")
    receiver.wait_unready()
    clock.jump(jump)
    stays(lambda: not receiver.ready(), 1, "there is no database")
    stage.postgres.sql(f"ALTER DATABASE {receiver.database.name} ALLOW_CONNECTIONS true")
    receiver.wait_ready(2)
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)
