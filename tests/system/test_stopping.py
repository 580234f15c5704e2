"""SIGTERM: what is in flight is finished and kept, the end is 0, a second one ends at once, and nothing is lost."""

import signal as signals_of_unix
import time

import pytest

from support.argo import pairs
from support.fake_receiver import right_answer
from support.proxy import Fault
from support.waiting import Stopwatch, wait_for


def slowly(seconds):
    def answer(request):
        time.sleep(seconds)
        return right_answer(request)
    return answer


def in_flight(far_end, count=1):
    wait_for(lambda: len(far_end.posts) >= count, 20, f"{count} requests under way")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signals_of_unix.SIGTERM, signals_of_unix.SIGINT], ids=lambda number: number.name)
def test_what_is_in_flight_is_finished_and_kept(stage, number):
    far_end, argo = stage.fake_receiver(otherwise=slowly(1)), stage.argo()
    argo.write(400)
    sender = stage.sender(far_end, argo, ALPINE_BATCH_MAX=10).start_service()
    in_flight(far_end, 4)
    sender.signal(number)
    assert sender.wait(5) == 0
    posted = far_end.times_posted
    assert len(far_end.accepted) == len(posted) < 400, "no further request is begun"
    assert sender.status()["delivered"] == len(posted)
    far_end.otherwise = right_answer
    sender.sync()
    assert far_end.times_posted == {row[0]: 1 for row in argo.rows()}, "what was answered is not sent again"


@pytest.mark.slow
def test_what_never_answers_is_given_up_after_25_seconds(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(10)
    proxy = stage.proxy(receiver, always=Fault(silence=True))
    sender = stage.sender(proxy, argo, ALPINE_REQUEST_TIMEOUT=120)
    sender.start()
    wait_for(lambda: proxy.connections >= 2, 10, "the post to be under way")
    sender.signal(signals_of_unix.SIGTERM)
    watch = Stopwatch()
    assert sender.wait(40) == 0
    assert 23 < watch.passed and watch.running < 28
    proxy.change(Fault())
    sender.sync()
    assert receiver.database.stored() == pairs(made)


def test_a_second_one_ends_at_once_and_loses_nothing(stage):
    far_end, argo = stage.fake_receiver(otherwise=slowly(6)), stage.argo()
    argo.write(30)
    sender = stage.sender(far_end, argo).start_service()
    in_flight(far_end)
    sender.signal(signals_of_unix.SIGTERM)
    sender.wait_log("Stopping")  # two at once would be one: signals of a kind do not queue
    sender.signal(signals_of_unix.SIGTERM)
    sender.wait(2)
    far_end.otherwise = right_answer
    sender.sync()
    assert set(far_end.times_posted) == {row[0] for row in argo.rows()}
    assert sender.status()["pending"] == 0


@pytest.mark.parametrize("state", ["down", "holding", "idle", "source away"])
def test_whatever_it_waits_for_it_ends_soon(stage, state):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.otherwise = {"down": (503, ""), "holding": (401, "")}.get(state, right_answer)
    if state != "idle":
        argo.write(5)
    if state == "source away":
        argo.remove()
    sender = stage.sender(far_end, argo, ALPINE_PROBE_INTERVAL=60, ALPINE_RETRY_FIRST=0.02).start_service()
    phrase = {"down": "Alpine backend is down", "holding": "Authentication failed",
              "source away": "The source cannot be read now"}.get(state, "initialized")
    sender.wait_log(phrase)
    sender.signal(signals_of_unix.SIGTERM)
    assert sender.wait(3) == 0


@pytest.mark.slow
def test_sync_is_ended_in_the_same_way(stage):
    far_end, argo = stage.fake_receiver(otherwise=slowly(1)), stage.argo()
    argo.write(400)
    sender = stage.sender(far_end, argo, ALPINE_BATCH_MAX=10)
    sender.arguments = ["sync"]
    sender.start()
    in_flight(far_end, 4)
    sender.signal(signals_of_unix.SIGTERM)
    code = sender.wait(5)
    assert code != 99 and sender.status()["delivered"] == len(far_end.times_posted)
    far_end.otherwise = right_answer
    sender.sync()
    assert far_end.times_posted == {row[0]: 1 for row in argo.rows()}
