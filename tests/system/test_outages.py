"""Either end, or what lies between, ends at the worst moment; afterwards the two sets of signals are the same."""

import signal as signals_of_unix

import pytest

from support.argo import pairs
from support.chain import check_chain
from support.fake_receiver import right_answer
from support.proxy import Fault
from support.receiver import KEY
from support.waiting import stays, wait_for


def settle(database, signals, limit=60):
    """Wait until all are there, and compare the two sets, doublets included."""
    wait_for(lambda: database.count() >= len(signals), limit, lambda: f"{len(signals)} rows; {database.count()} there")
    assert database.stored() == pairs(signals)
    assert check_chain(database) == len(signals)


# --- the sender ends ---

@pytest.mark.slow
def test_the_sender_killed_again_and_again_loses_and_doubles_nothing(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = []
    proxy = stage.proxy(receiver, always=Fault(delay=0.01))
    sender = stage.sender(proxy, argo)
    for _ in range(8):
        made += argo.write(150)
        before = receiver.database.count()
        sender.start()
        wait_for(lambda before=before: receiver.database.count() > before, 20, "some progress")
        sender.kill9()
    sender.start()
    settle(receiver.database, made)
    sender.wait_status(pending=0, dead=0)


def test_the_position_survives_kill_9(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(40)
    sender = stage.sender(receiver, argo).start_service()
    sender.wait_status(delivered=40)
    sender.kill9()
    watched = stage.fake_receiver()
    sender.settings["ALPINE_API_URL"] = watched.url
    late = argo.write(2)
    sender.sync()
    assert pairs(watched.accepted) == pairs(late), "what was answered is not sent again"


def test_sigterm_ends_the_service_with_0_and_what_was_answered_is_kept(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(100)
    sender = stage.sender(receiver, argo).start_service()
    sender.wait_log("Signal synced to Alpine")
    sender.stop()
    sender.start_service()
    settle(receiver.database, made)
    sender.signal(signals_of_unix.SIGINT)
    assert sender.wait() == 0


def test_a_second_sigterm_ends_a_sender_that_waits_for_an_answer(stage):
    argo, receiver = stage.argo(), stage.receiver()
    argo.write(1)
    sender = stage.sender(stage.proxy(receiver, always=Fault(silence=True)), argo)
    sender.start()
    sender.wait_log("Alpine sync service initialized")
    sender.signal(signals_of_unix.SIGTERM)
    sender.wait_log("Stopping")  # two at once would be one: signals of a kind do not queue
    sender.signal(signals_of_unix.SIGTERM)
    sender.wait(5)


# --- the receiver ends ---

@pytest.mark.slow
def test_the_receiver_killed_again_and_again_loses_and_doubles_nothing(stage):
    receiver, argo = stage.receiver(), stage.argo()
    sender = stage.sender(receiver, argo).start_service()
    made = []
    for _ in range(6):
        before = receiver.database.count()
        made += argo.write(200)
        wait_for(lambda before=before: receiver.database.count() > before, 40, "some progress")
        receiver.kill9()
        made += argo.write(20)
        receiver.start_ready()
    settle(receiver.database, made)
    sender.wait_status(pending=0, dead=0)


def test_a_receiver_that_is_not_there_is_waited_for(stage):
    receiver, argo = stage.receiver(start=False), stage.argo()
    made = argo.write(60)
    sender = stage.sender(receiver, argo).start_service()
    sender.wait_log(f"Connection error - Alpine backend unreachable: {receiver.url}")
    assert sender.status()["pending"] == 60
    receiver.start_ready()
    settle(receiver.database, made)


@pytest.mark.slow
def test_postgresql_stopped_and_started_costs_no_signal(own_stage):
    receiver, argo = own_stage.receiver(), own_stage.argo()
    made = argo.write(100)
    sender = own_stage.sender(receiver, argo).start_service()
    settle(receiver.database, made)
    for mode in ("fast", "immediate"):
        own_stage.postgres.stop(mode)
        made += argo.write(100)
        receiver.wait_unready()
        stays(lambda: sender.running, 0.5, "the sender waits")
        own_stage.postgres.start()
        receiver.wait_ready()
        settle(receiver.database, made)
    sender.wait_status(pending=0, dead=0)


# --- what lies between ---

FAULTS = {
    "refused": Fault(refuse=True),
    "request cut in its header": Fault(cut_request_after=40),
    "request cut in its body": Fault(cut_request_after=700),
    "answer swallowed": Fault(swallow_answer=True),
    "answer cut in its header": Fault(cut_answer_after=20),
    "answer cut in its body": Fault(cut_answer_after=250),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_connection_that_breaks_costs_nothing(stage, fault):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(30)
    proxy = stage.proxy(receiver)
    proxy.next.extend([fault] * 2)
    sender = stage.sender(proxy, argo).start_service()
    settle(receiver.database, made)
    sender.wait_status(pending=0, dead=0)
    assert proxy.faults_used == 2


@pytest.mark.slow
def test_a_far_end_that_never_answers_is_a_time_out_and_tried_again(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(10)
    proxy = stage.proxy(receiver, always=Fault(silence=True))
    sender = stage.sender(proxy, argo, ALPINE_REQUEST_TIMEOUT=1).start_service()
    sender.wait_log("Connection error - Alpine backend unreachable", 20)
    proxy.change(Fault())
    settle(receiver.database, made)


def test_a_connection_that_broke_while_idle_is_made_anew(stage):
    receiver, argo = stage.receiver(), stage.argo()
    proxy = stage.proxy(receiver)
    made = argo.write(5)
    stage.sender(proxy, argo).start_service()
    settle(receiver.database, made)
    proxy.drop()
    made += argo.write(5)
    settle(receiver.database, made)


# --- a wrong key, and other things that somebody must mend ---

@pytest.mark.slow
def test_a_wrong_key_holds_everything_and_recovers_with_the_right_one(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(30)
    sender = stage.sender(receiver, argo, ARGO_API_KEY="a-key-that-is-wrong-0123456789abcdef").start_service()
    sender.wait_log("Authentication failed - check ARGO_API_KEY")
    stays(lambda: sender.running and receiver.database.count() == 0, 1.5, "nothing is sent, nothing is lost")
    status = sender.status()
    assert (status["pending"], status["dead"]) == (30, 0)
    sender.restart(ARGO_API_KEY=KEY)
    settle(receiver.database, made)


def test_a_key_file_is_read_again_on_sighup(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(30)
    file = stage.folder / "key"
    file.write_text("a-key-that-is-wrong-0123456789abcdef\n")
    sender = stage.sender(receiver, argo, ARGO_API_KEY=None, ARGO_API_KEY_FILE=file).start_service()
    sender.wait_log("Authentication failed - check ARGO_API_KEY")
    file.write_text(KEY + "\n")
    sender.signal(signals_of_unix.SIGHUP)
    settle(receiver.database, made)


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 403, 404, 405, 501, 302])
def test_what_somebody_must_mend_holds_everything_and_is_probed_with_one(stage, status):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.otherwise = (status, {"status": "error"}, {"Location": "http://127.0.0.1:1/"})
    far_end.health = (status, {"status": "error"})
    made = argo.write(30)
    sender = stage.sender(far_end, argo).start_service()
    wait_for(lambda: len(far_end.posts) >= 5, 20, "probes")
    assert len(far_end.posts[-1].signals) == 1
    assert (sender.status()["pending"], sender.status()["dead"]) == (30, 0)
    far_end.otherwise = far_end.health = right_answer
    wait_for(lambda: len({sig["signal_id"] for sig in far_end.accepted}) == 30, 20, "everything to be sent")
    assert set(pairs(far_end.accepted)) == set(pairs(made))


# --- answers that are none ---

NO_ANSWERS = {
    "500": (500, "oops"),
    "502 page of a proxy": (502, "<html>Bad Gateway</html>"),
    "408": (408, {"status": "error", "code": "timeout", "detail": "slow"}),
    "429": (429, {"status": "error", "code": "rate_limited", "detail": "slow down"}, {"Retry-After": "1"}),
    "503": (503, {"status": "error", "code": "unavailable", "detail": "later"}, {"Retry-After": "1"}),
    "200 of a captive portal": (200, "<html>Please log in</html>", {"Content-Type": "text/html"}),
    "200 without a body": (200, ""),
    "201 without a body": (201, ""),
    "200 with another count": (200, {"results": [], "stored": 0, "duplicates": 0, "rejected": 0}),
    "201 for another signal": (201, {"status": "success", "signal_id": 1, "alpine_signal_id": 1,
                                     "external_signal_id": "another"}),
    "200 that says error": (200, {"status": "error", "code": "unavailable", "detail": "no"}),
    "200 with endless text": (200, "x" * 50_000_000),
}


@pytest.mark.slow
@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
@pytest.mark.parametrize("count", [1, 7], ids=["single", "several"])
def test_an_answer_that_is_none_is_tried_again_and_costs_nothing(stage, answer, count):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.script.append(answer)
    made = argo.write(count)
    sender = stage.sender(far_end, argo).start_service()
    wait_for(lambda: set(pairs(far_end.accepted)) == set(pairs(made)), 20, "everything to be sent again")
    sender.wait_status(delivered=count, dead=0, pending=0)


@pytest.mark.slow
def test_retry_after_is_a_floor(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.script.append((503, {"status": "error", "code": "unavailable", "detail": "later"}, {"Retry-After": "3"}))
    argo.write(1)
    stage.sender(far_end, argo).start_service()
    wait_for(lambda: len(far_end.posts) == 1, 10, "the first post")
    stays(lambda: len(far_end.posts) == 1, 2.5, "it came back too early")
    wait_for(lambda: len(far_end.posts) == 2, 10, "the second post")


def test_a_batch_that_is_too_large_is_halved(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.otherwise = lambda request: (
        right_answer(request) if len(request.signals) <= 10
        else (413, {"status": "error", "code": "too_large", "detail": "large"}))
    argo.write(64)
    stage.sender(far_end, argo).sync()
    small = [post for post in far_end.posts if len(post.signals) <= 10]
    assert len({signal["signal_id"] for post in small for signal in post.signals}) == 64
