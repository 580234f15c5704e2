"""The sender's memory does not grow with what waits, nor with what has passed."""

import json
import time

import pytest

from support.argo import pairs
from support.fake_receiver import right_answer
from support.waiting import Stopwatch, stays, wait_for

LIMIT_KIB = 32 * 1024
ROWS = 5_000_000
REAL = 20_000

# Rows after the real ones, which nobody comes to read: short, and not worth a hash of their own.
FILLING = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
INSERT INTO signals (signal_id, symbol, action, entry_price, target_price, stop_price, confidence, strategy, asset_type,
                     data_source, timestamp, sha256)
SELECT printf('%08x', n), 'X', 'BUY', 1, 1, 1, 1, '', '', '', '', '' FROM number"""


def limit(stage):
    """A sanitizer takes memory of its own, for every allocation that was freed too: 256 MiB of those alone."""
    return LIMIT_KIB if not {"asan", "tsan"} & set(stage.build.parts) else 16 * LIMIT_KIB


def backlog(argo, rows=ROWS):
    """So many rows, of which the first ones can be delivered; these."""
    argo.connection.execute("PRAGMA synchronous=OFF")
    argo.connection.execute("PRAGMA journal_mode=MEMORY")
    made = argo.maker.signals(REAL)
    argo.commit(made)
    argo.connection.execute(FILLING, [rows - REAL])
    argo.connection.execute("PRAGMA journal_mode=WAL")
    return made


def slowly(request):
    time.sleep(0.25)
    return right_answer(request)


@pytest.fixture(name="full_argo")
def fixture_full_argo(stage):
    """Gone at the end, for it is half a gigabyte."""
    argo = stage.argo()
    yield argo, backlog(argo)
    argo.remove()


@pytest.mark.slow
def test_five_million_waiting_rows_cost_no_memory(stage, full_argo):
    argo, made = full_argo
    far_end = stage.fake_receiver()
    sender = stage.sender(far_end, argo, ALPINE_API_URL="http://127.0.0.1:9", ALPINE_RETRY_FIRST=0.05,
                          ALPINE_PROBE_INTERVAL=0.2).start_service()
    sender.wait_log("Alpine backend is down")
    stays(lambda: sender.memory() < limit(stage), 3, lambda: f"{sender.memory()} KiB with a far end that is away")
    watch = Stopwatch()
    assert sender.status()["pending"] == ROWS and watch.running < 15
    sender.stop()
    far_end.otherwise = slowly
    sender.settings["ALPINE_API_URL"] = far_end.url
    sender.start_service()
    most = 0

    def much_was_posted():
        nonlocal most
        most = max(most, sender.memory())
        return len(far_end.times_posted) >= 15_000

    wait_for(much_was_posted, 60, "15,000 signals to be posted to a slow far end")
    assert most < limit(stage), f"{most} KiB"
    assert set(far_end.times_posted) <= {signal["signal_id"] for signal in made}
    sender.signal(15)
    sender.wait(30)


@pytest.mark.slow
def test_a_log_that_is_far_ahead_of_the_table_costs_no_memory(stage):
    """Every line is delivered, and the table brings none of them: what has to be remembered stays on the disk."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(60_000)
    sender = stage.sender(far_end, argo, ARGO_SIGNALS_LOG=argo.log).start_service()
    most = 0
    for start in range(0, len(made), 5000):
        argo.append(made[start:start + 5000])
        wait_for(lambda start=start: len(far_end.accepted) >= start + 5000, 30, "the lines to be delivered")
        most = max(most, sender.memory())
    assert most < limit(stage), f"{most} KiB"
    argo.commit(made)
    sender.settled(delivered=60_000, limit=60)
    assert len(far_end.accepted) == 60_000 and pairs(far_end.accepted) == pairs(made)


@pytest.mark.slow
def test_a_long_unread_log_costs_no_memory(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    lines = "".join(json.dumps(signal, sort_keys=True) + "\n" for signal in argo.maker.signals(20_000))
    for _ in range(15):
        argo.append_raw(lines.encode())
    sender = stage.sender(far_end, argo, ALPINE_API_URL="http://127.0.0.1:9", ARGO_SIGNALS_LOG=argo.log,
                          ALPINE_RETRY_FIRST=0.05, ALPINE_PROBE_INTERVAL=0.2).start_service()
    sender.wait_log("Alpine backend is down")
    stays(lambda: sender.memory() < limit(stage), 3, lambda: f"{sender.memory()} KiB")
    sender.status()


def test_a_line_of_100_megabytes_costs_no_memory(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.maker.signals(2)
    argo.append(made[:1])
    for _ in range(100):
        argo.append_raw(b"x" * 1_000_000)
    sender = stage.sender(far_end, argo, ARGO_SIGNALS_LOG=argo.log).start_service()
    wait_for(lambda: len(far_end.accepted) == 1, 10, "the line before it")
    argo.append_raw(b"\n")
    argo.append(made[1:])
    wait_for(lambda: pairs(far_end.accepted) == pairs(made), 10, "the line after it")
    assert sender.memory() < limit(stage), f"{sender.memory()} KiB"
    argo.log.unlink()


@pytest.mark.slow
def test_thousands_of_dead_letters_cost_no_memory(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    argo.write(20_000, chunk=5000)
    argo.connection.execute("UPDATE signals SET symbol = 'WRONG'")
    sender = stage.sender(far_end, argo).start_service()
    sender.wait_status(120, dead=20_000, pending=0)
    assert sender.memory() < limit(stage), f"{sender.memory()} KiB"
    assert sender.command("dead", "retry", "--all").code == 0
    wait_for(lambda: far_end.posts or not any(sender.letters("retry")), 120, "all to be judged again")
    assert sender.memory() < limit(stage), f"{sender.memory()} KiB"
