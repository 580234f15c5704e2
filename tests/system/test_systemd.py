"""Under systemd, which the tests play: ready when it is true, a watchdog that lives on what the program does, what is
told of a reload and a stop, a status line."""

import os
import re
import signal as signals_of_unix
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.fake_receiver import right_answer
from support.frozen_thread import FrozenThread
from support.locked import Locked
from support.receiver import KEY
from support.service_manager import ServiceManager
from support.waiting import stays, wait_for

WATCHDOG = 2  # seconds: fed each second


@pytest.fixture
def manager():
    manager = ServiceManager(WATCHDOG)
    yield manager
    manager.finish()


def slowly(seconds):
    def answer(request):
        time.sleep(seconds)
        return right_answer(request)
    return answer


def started(stage, manager, program, **settings):
    """A service that has told that it is ready."""
    if program == "sender":
        service = stage.sender(stage.fake_receiver(), stage.argo(), **manager.settings, **settings)
    else:
        service = stage.receiver(start=False, **manager.settings, **settings)
    service.start()
    manager.wait("READY")
    return service


@contextmanager
def frozen(postgres):
    """Thawed whatever happens: a frozen one cannot be stopped."""
    postgres.freeze()
    try:
        yield
    finally:
        postgres.thaw()


both = pytest.mark.parametrize("program", ["sender", "receiver"])


# --- ready ---


def test_a_sender_is_ready_when_it_looks_after_argos_files(stage, manager):
    sender = started(stage, manager, "sender")
    assert "Alpine sync service initialized" in sender.log()
    assert manager.order() == ["READY"]
    assert manager.pids() == {sender.pid}, "systemd believes the main process alone"


def test_a_sender_that_cannot_start_is_never_ready(stage, manager):
    first = stage.sender(stage.fake_receiver(), stage.argo()).start_service()
    second = stage.sender(stage.fake_receiver(), first.settings["ARGO_SIGNALS_DB"], "second",
                          ALPINE_STATE_DIR=first.state, **manager.settings)
    second.start()
    assert second.wait() == 1
    assert not manager.order()


def test_a_sender_that_is_switched_off_has_not_failed(stage, manager):
    """systemd takes a service that ends before it is ready for one that failed, and starts it again."""
    sender = stage.sender(stage.fake_receiver(), stage.argo(), ALPINE_SYNC_ENABLED="false", **manager.settings)
    sender.start()
    assert sender.wait() == 0
    manager.wait_order("READY", "STOPPING")
    assert manager.status() == "disabled"


def test_a_receiver_that_is_ready_stores(stage, manager, maker):
    receiver = started(stage, manager, "receiver")
    assert receiver.ready()
    assert receiver.post(maker.signal()).status == 201
    assert manager.pids() == {receiver.pid}
    assert manager.order() == ["READY"]
    manager.wait_status("Database is ready")


def test_a_receiver_without_its_port_is_never_ready(stage, manager):
    receiver = stage.receiver()
    second = stage.receiver(receiver.database, "second", start=False, **manager.settings,
                            ALPINE_LISTEN=receiver.settings["ALPINE_LISTEN"])
    second.start()
    assert second.wait() == 1
    assert not manager.order()


@pytest.mark.slow
def test_a_receiver_is_ready_after_it_has_tried_its_database_and_says_how_that_went(own_stage, manager):
    database = own_stage.database()
    with frozen(own_stage.postgres):
        receiver = own_stage.receiver(database, start=False, **manager.settings)
        receiver.start()
        receiver.wait_log("Alpine receiver listening")
        stays(lambda: not manager.order(), 2, "it is ready while it still tries")
        manager.wait("READY")
        manager.wait_status("Database is away")
    manager.wait_status("Database is ready")
    assert manager.order() == ["READY"]


# --- the watchdog ---


@pytest.mark.slow
@both
def test_the_watchdog_is_fed_while_the_program_runs_and_starves_when_it_does_not(stage, manager, program):
    service = started(stage, manager, program)
    manager.wait_fed()
    stays(manager.is_fed, 4, "the watchdog starves though the program runs")
    service.signal(signals_of_unix.SIGSTOP)
    try:
        manager.wait_starving()
    finally:
        service.signal(signals_of_unix.SIGCONT)
    manager.wait_fed()


@pytest.mark.slow
@both
def test_without_a_watchdog_nothing_is_fed(stage, program):
    manager = stage.keep(ServiceManager())
    started(stage, manager, program)
    manager.wait("STATUS")
    stays(lambda: not manager.all("WATCHDOG"), 2, "somebody is fed who is not there")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hold a thread of a process that lets nobody look into it")
@pytest.mark.parametrize("thread", ["committer", "http"])
def test_the_watchdog_starves_when_one_thread_of_the_receiver_hangs(stage, manager, thread):
    receiver = started(stage, manager, "receiver", ALPINE_REQUEST_TIMEOUT=0.5)
    manager.wait_fed()
    with FrozenThread(receiver.pid, thread):
        manager.wait_starving(limit=30)
        receiver.wait_log("A thread gives no sign of life")
        assert f"thread={thread}" in receiver.log()
        stays(lambda: not manager.is_fed(), 2, "it is fed again though the thread hangs")
    manager.wait_fed()


@pytest.mark.slow
def test_a_database_that_hangs_does_not_starve_the_watchdog(own_stage, manager, maker):
    """It is waited for; a receiver that is started anew would not bring it back."""
    receiver = started(own_stage, manager, "receiver", ALPINE_REQUEST_TIMEOUT=2)
    receiver.wait_ready()
    manager.wait_fed()
    with frozen(own_stage.postgres):
        assert receiver.post(maker.signal()).status == 503
        stays(manager.is_fed, 15, "the watchdog starves because the database hangs")
        manager.wait_status("Database is away")
    receiver.wait_ready()
    manager.wait_status("Database is ready")


@pytest.mark.slow
@pytest.mark.parametrize("answer", [(503, ""), (401, ""), None], ids=["down", "holding", "silent"])
def test_an_outage_does_not_starve_the_senders_watchdog(stage, manager, answer):
    far_end, argo = stage.fake_receiver(otherwise=answer or slowly(10)), stage.argo()
    argo.write(5)
    stage.sender(far_end, argo, **manager.settings, ALPINE_REQUEST_TIMEOUT=1).start()
    wait_for(lambda: far_end.posts, 20, "a signal to be tried")
    manager.wait_fed()
    stays(manager.is_fed, 4, "the watchdog starves because the receiver is away")


# --- reloading and stopping ---


@both
def test_a_reload_is_told_whether_it_is_done_or_refused(stage, manager, tmp_path, program):
    setting = {"sender": "ARGO_API_KEY", "receiver": "EXTERNAL_SIGNAL_API_KEY"}[program]
    key = tmp_path / "key"
    key.write_text(KEY)
    service = started(stage, manager, program, **{setting: None, f"{setting}_FILE": key})
    before = time.monotonic() * 1e6
    service.signal(signals_of_unix.SIGHUP)
    manager.wait_order("READY", "RELOADING", "READY")
    assert before < int(manager.all("RELOADING")[0].fields["MONOTONIC_USEC"]) < time.monotonic() * 1e6
    key.write_text("a key with spaces")
    service.signal(signals_of_unix.SIGHUP)
    manager.wait_order("READY", "RELOADING", "READY", "RELOADING", "READY")
    service.wait_log("Reload refused")


@pytest.mark.slow
def test_a_sender_tells_that_it_stops_before_it_has_finished(stage, manager):
    far_end, argo = stage.fake_receiver(otherwise=slowly(4)), stage.argo()
    argo.write(3)
    sender = stage.sender(far_end, argo, **manager.settings)
    sender.start()
    wait_for(lambda: far_end.posts, 20, "a request under way")
    sender.signal(signals_of_unix.SIGTERM)
    manager.wait_order("READY", "STOPPING")
    assert sender.running
    manager.wait_fed()
    assert sender.wait() == 0


@pytest.mark.slow
def test_a_receiver_tells_that_it_stops_before_it_has_finished(stage, manager, maker):
    receiver = started(stage, manager, "receiver")
    with ThreadPoolExecutor() as pool, Locked(receiver.database) as lock:
        answer = pool.submit(receiver.post, maker.signal())
        lock.wait_waiting()
        receiver.signal(signals_of_unix.SIGTERM)
        manager.wait_order("READY", "STOPPING")
        assert receiver.running
        manager.wait_fed()
        manager.wait_status("Finishing")
    assert receiver.wait() == 0
    assert answer.result().status in (201, 503)


# --- the status line ---


@pytest.mark.slow
def test_a_senders_status_says_what_it_delivered_and_what_waits(stage, manager):
    far_end, argo = stage.fake_receiver(), stage.argo(live=True)
    stage.sender(far_end, argo, **manager.settings, ALPINE_RETRY_FIRST=0.1).start()
    manager.wait_status("delivered 0, nothing waits")
    argo.write(5)
    manager.wait_status("delivered 5, nothing waits")
    far_end.otherwise = (503, "")
    argo.write(2)
    manager.wait_status("Alpine is out of reach; delivered 5, 2 waiting, oldest ")
    age = int(re.search(r"oldest (\d+) s", manager.status())[1])
    assert age < 20, "seconds since the signal's own timestamp"
    far_end.otherwise = (401, "")
    manager.wait_status("on hold (")
    assert "ARGO_API_KEY" in manager.status()
    far_end.otherwise = right_answer
    manager.wait_status("delivered 7, nothing waits")
    times = [message.time for message in manager.all("STATUS")]
    pauses = [later - earlier for earlier, later in zip(times, times[1:])]
    assert min(pauses) > 4, f"a status every few seconds at most: {pauses}"


def test_a_senders_status_says_what_is_wrong_with_argos_table(stage, manager):
    argo = stage.argo()
    argo.remove()
    stage.sender(stage.fake_receiver(), argo, **manager.settings).start()
    manager.wait_status("; Argo's table cannot be read")


@pytest.mark.slow
@both
def test_a_status_that_stays_is_not_told_again(stage, manager, program):
    started(stage, manager, program)
    manager.wait("STATUS")
    wait_for(lambda: len(manager.all("WATCHDOG")) > 2, 20, "the program to go on")
    told = len(manager.all("STATUS"))
    assert told <= 2  # the first one may be from before its first look
    stays(lambda: len(manager.all("STATUS")) == told, 6, lambda: f"told again: {manager.status()}")


@pytest.mark.one_build
@pytest.mark.slow
def test_an_idle_sender_costs_next_to_nothing(stage):
    manager = stage.keep(ServiceManager(watchdog=60))
    sender = started(stage, manager, "sender")
    manager.wait_status("nothing waits")
    spent = -processor_ms(sender)
    stays(lambda: sender.running, 15, "the sender ended")
    spent += processor_ms(sender)
    assert spent * 4 < 20, "milliseconds of processor time in a minute"


def processor_ms(service):
    return int(Path(f"/proc/{service.pid}/schedstat").read_text().split()[0]) / 1e6
