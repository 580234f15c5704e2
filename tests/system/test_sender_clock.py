"""The sender's wall clock jumps: nothing breaks but the figures that are made of it."""

import email.utils
import time

import pytest

from support.argo import pairs
from support.fake_receiver import right_answer
from support.shifted_clock import ShiftedClock
from support.waiting import wait_for

YEAR = 365 * 86400
JUMPS = {"an hour ahead": 3600, "an hour back": -3600, "ten years ahead": 10 * YEAR, "ten years back": -10 * YEAR,
         "before 1970": -60 * YEAR}
UNAVAILABLE = (503, {"status": "error", "code": "unavailable", "detail": "later"})


@pytest.fixture(name="clock")
def fixture_clock(tmp_path):
    return ShiftedClock(tmp_path)


def accepted(far_end, signals, limit=10):
    wait_for(lambda: len(far_end.accepted) >= len(signals), limit,
             lambda: f"{len(signals)} signals; {len(far_end.accepted)} were accepted")
    assert pairs(far_end.accepted) == pairs(signals)


def test_the_shifted_clock_shifts(stage, clock):
    """The tool itself: the sender's log shows the time that it is told."""
    clock.jump(10 * YEAR)
    sender = stage.sender(stage.fake_receiver(), stage.argo(), **clock.settings).start_service()
    year = int(sender.log()[:4])
    assert year - time.gmtime().tm_year in (9, 10)


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_clock_that_jumps_and_comes_back_stops_no_delivery(stage, clock, jump):
    far_end, argo = stage.fake_receiver(), stage.argo(live=True)
    sender = stage.sender(far_end, argo, ARGO_SIGNALS_LOG=argo.log, **clock.settings).start_service()
    made = argo.write(3)
    accepted(far_end, made)
    for shift in (jump, 0):
        clock.jump(shift)
        made += argo.write(3)
        accepted(far_end, made)
    status = sender.settled(delivered=9)
    assert status["lag_seconds"] == 0 and status["last_success"]
    sender.restart()
    sender.wait_log("Alpine sync service initialized")
    made += argo.write(1)
    accepted(far_end, made)


@pytest.mark.slow
@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_clock_that_jumps_while_the_link_is_down_moves_no_probe(stage, clock, jump):
    far_end, argo = stage.fake_receiver(otherwise=UNAVAILABLE), stage.argo()
    made = argo.write(3)
    settings = {"ALPINE_RETRY_FIRST": 0.05, "ALPINE_PROBE_INTERVAL": 0.3}
    sender = stage.sender(far_end, argo, **settings, **clock.settings).start_service()
    sender.wait_log("Alpine backend is down")
    clock.jump(jump)
    seen = len(far_end.posts)
    wait_for(lambda: len(far_end.posts) > seen + 3, 5, "probes at the same pace")
    assert len(far_end.posts) < seen + 12, "probes without a pause"
    far_end.otherwise = right_answer
    accepted(far_end, made, 3)


@pytest.mark.slow
@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_retry_after_date_is_measured_by_the_clock_that_wrote_it(stage, clock, jump):
    """The answer has a Date too: what lies between the two holds, whatever the sender's own clock says."""
    def answer(_request):
        return (*UNAVAILABLE, {"Retry-After": email.utils.formatdate(time.time() + 2, usegmt=True)})

    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.script.append(answer)
    made = argo.write(1)
    clock.jump(jump)
    stage.sender(far_end, argo, ALPINE_RETRY_FIRST=0.05, **clock.settings).start_service()
    accepted(far_end, made, 8)
    first, second = (post.at for post in far_end.posts)
    assert second - first > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("jump", [3600, -3600], ids=["ahead", "back"])
def test_dead_letters_and_the_sweep_do_not_mind(stage, clock, jump):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(4)
    argo.spoil(made[1], symbol="WRONG")
    sender = stage.sender(far_end, argo, ALPINE_SWEEP_INTERVAL=1, **clock.settings).start_service()
    sender.settled(delivered=3, dead=1)
    clock.jump(jump)
    argo.spoil(made[1], symbol=made[1]["symbol"])
    assert sender.command("dead", "retry", "--all").code == 0
    sender.settled(delivered=4)
    assert pairs(far_end.accepted) == pairs(made)
