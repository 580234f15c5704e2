"""The sender's own pages: what they say is so, to the last signal, and nobody who asks is in the way of a delivery."""

import json
import signal as signals_of_unix
import socket
import time

import pytest

from support import http
from support.argo import pairs
from support.metrics import promtool, scrape
from support.proxy import FINE, Fault
from support.receiver import KEY
from support.shifted_clock import ShiftedClock
from support.small_disk import SmallDisk
from support.waiting import Stopwatch, stays, wait_for

PAGES = ("/livez", "/readyz", "/status", "/metrics")
CONNECTIONS = 16
LIFE = 5  # seconds that a connection lives at most


def figure(sender, name, **labels):
    return scrape(sender).value(f"alpine_sender_{name}", **labels)


def reasons(sender):
    """What /readyz says is in the way, {} for nothing; the status code has to fit."""
    answer = sender.get("/readyz")
    said = {each["reason"]: each["detail"] for each in answer.json.get("reasons", ())}
    wanted = (503, "unready") if said else (200, "ready")
    assert (answer.status, answer.json["status"]) == wanted, answer
    return said


def wait_ready(sender, limit=15):
    wait_for(lambda: not reasons(sender), limit, lambda: f"to be ready; in the way: {reasons(sender)}")


def wait_reason(sender, reason, limit=15):
    """The detail."""
    wait_for(lambda: reason in reasons(sender), limit, lambda: f"to be unready by {reason}: {reasons(sender)}")
    return reasons(sender)[reason]


def damaged(signal):
    return {**signal, "entry_price": signal["entry_price"] + 1}


# --- figures ---


def test_the_figures_are_those_of_the_traffic(stage, maker):
    receiver, argo = stage.receiver(), stage.argo()
    known = maker.signals(2)
    for signal in known:
        assert receiver.post(signal).status == 201
    argo.emit(known)
    argo.write(30)
    argo.commit([damaged(maker.signal())])
    argo.append([maker.neutral() for _ in range(3)])
    sender = stage.sender(receiver, argo, ARGO_SIGNALS_LOG=argo.log).listen().start_service()
    status = sender.settled(delivered=32, dead=1)
    seen = scrape(sender)
    assert seen.of("alpine_sender_signals_total") == {
        ("delivered",): 30, ("duplicate",): 2, ("dead",): 1, ("skipped",): 3}
    requests = seen.of("alpine_sender_requests_total")
    assert requests[("done",)] > 0 and sum(requests.values()) == requests[("done",)]
    assert seen.value("alpine_sender_request_duration_seconds_count") == requests[("done",)]
    assert seen.value("alpine_sender_batch_signals_count") == requests[("done",)]
    assert seen.value("alpine_sender_batch_signals_sum") == 32
    assert seen.value("alpine_sender_delivery_latency_seconds_count") == 32
    letters = seen.of("alpine_sender_dead_letters")
    assert letters.pop(("hash_mismatch",)) == 1 and set(letters.values()) == {0}
    values = {name: seen.value(f"alpine_sender_{name}") for name in
              ("pending_signals", "oldest_unsent_age_seconds", "link_up", "on_hold", "ready", "clock_skew_seconds",
               "source_readable", "state_writable")}
    assert values == {"pending_signals": 0, "oldest_unsent_age_seconds": 0, "link_up": 1, "on_hold": 0, "ready": 1,
                      "clock_skew_seconds": 0, "source_readable": 1, "state_writable": 1}
    assert abs(seen.value("alpine_sender_last_success_timestamp_seconds") - time.time()) < 60
    page = sender.get("/status").json
    assert {name: page[name] for name in status} == status, "the same as the command says"
    assert (page["link"], page["hold_advice"], page["ready"], page["reasons"]) == ("up", None, True, [])


def test_a_reason_that_a_receiver_made_up_is_counted_as_other(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.otherwise = lambda _: (422, {"status": "error", "code": 'no"such\nthing', "detail": "no"})
    argo.write(1)
    sender = stage.sender(far_end, argo).listen().start_service()
    sender.settled(delivered=0, dead=1)
    assert figure(sender, "dead_letters", reason="other") == 1
    assert figure(sender, "requests_total", outcome="never") == 1
    assert sender.command("dead", "drop", "--all").code == 0
    wait_for(lambda: figure(sender, "dead_letters", reason="other") == 0, 10, "what another process does to show")
    assert figure(sender, "signals_total", result="dead") == 1, "it was one all the same"


@pytest.mark.slow
def test_a_letter_that_is_sent_again_says_nothing_about_latency(stage):
    """Since when it has been under way nobody knows; it would count as delivered at once."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    right = far_end.otherwise
    far_end.otherwise = lambda _: (422, {"status": "error", "code": "invalid_field", "detail": "no"})
    argo.write(1)
    sender = stage.sender(far_end, argo).listen().start_service()
    sender.settled(delivered=0, dead=1)
    far_end.otherwise = right
    assert sender.command("dead", "retry", "--all").code == 0
    sender.settled(delivered=1)
    assert figure(sender, "signals_total", result="delivered") == 1
    assert figure(sender, "delivery_latency_seconds_count") == 0
    argo.write(1)
    sender.settled(delivered=2)
    assert figure(sender, "delivery_latency_seconds_count") == 1


@pytest.mark.parametrize("with_log", [False, True], ids=["table", "table and log"])
def test_what_waits_is_counted_wherever_it_stands(stage, with_log):
    """In flight, read, and not read yet; a signal that stands in the log and in the table is one."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    argo.write(3)
    settings = {"ARGO_SIGNALS_LOG": argo.log} if with_log else {}
    proxy = stage.proxy(far_end)
    sender = stage.sender(proxy, argo, ALPINE_BATCH_MAX=10, ALPINE_IN_FLIGHT_MAX=2, **settings).listen()
    sender.start_service()
    sender.settled(delivered=3)
    proxy.hold()
    argo.write(500)
    wait_for(lambda: figure(sender, "pending_signals") == 500, 10,
             lambda: f"500 to be pending, in place of {figure(sender, 'pending_signals')}")
    if with_log:
        argo.append(argo.maker.signals(7))  # their rows come later
        wait_for(lambda: figure(sender, "pending_signals") == 507, 10,
                 lambda: f"507 to be pending, in place of {figure(sender, 'pending_signals')}")
    assert figure(sender, "oldest_unsent_age_seconds") > 60, "its timestamps are old"
    assert sender.get("/status").json["pending"] == sender.status()["pending"]
    proxy.release()
    wait_for(lambda: figure(sender, "pending_signals") == 0, 30, "nothing to be pending")


@pytest.mark.slow
def test_a_large_backlog_is_estimated_and_does_not_hold_up_the_loop(stage):
    """Beyond 20,000 by the ids, of which none is missing here."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    proxy = stage.proxy(far_end, always=Fault(silence=True))
    argo.commit(argo.maker.signals(30_000))
    sender = stage.sender(proxy, argo).listen().start_service()
    wait_for(lambda: figure(sender, "pending_signals") == 30_000, 10,
             lambda: f"30,000 to be pending, in place of {figure(sender, 'pending_signals')}")


def test_the_clocks_are_held_against_each_other(stage, tmp_path):
    clock = ShiftedClock(tmp_path)
    argo = stage.argo()
    sender = stage.sender(stage.fake_receiver(), argo, **clock.settings).listen().start_service()
    for delivered, (shift, least, most) in enumerate([(0, 0, 0), (120, 118, 120), (-120, -120, -118), (0, 0, 0)], 1):
        clock.jump(shift)
        argo.write(1)
        sender.settled(delivered=delivered)
        assert least <= figure(sender, "clock_skew_seconds") <= most


def test_reloads_are_counted(stage, tmp_path):
    key = tmp_path / "key"
    key.write_text(KEY)
    sender = stage.sender(stage.fake_receiver(), stage.argo(), ARGO_API_KEY=None, ARGO_API_KEY_FILE=key).listen()
    sender.start_service()
    sender.signal(signals_of_unix.SIGHUP)
    sender.wait_log("Reloaded")
    key.unlink()
    sender.signal(signals_of_unix.SIGHUP)
    sender.wait_log("Reload refused")
    assert scrape(sender).of("alpine_config_reloads_total") == {("applied",): 1, ("refused",): 1}


def test_promtool_finds_nothing_wrong(stage, maker):
    argo = stage.argo()
    argo.write(3)
    argo.commit([damaged(maker.signal())])
    sender = stage.sender(stage.fake_receiver(), argo).listen().start_service()
    sender.settled(delivered=3, dead=1)
    assert promtool("check", "metrics", text=scrape(sender).text) is None


# --- readiness ---


@pytest.mark.slow
def test_unready_while_what_waits_is_too_old(stage):
    """Not before, and no longer than that."""
    far_end, argo = stage.fake_receiver(), stage.argo(live=True)
    proxy = stage.proxy(far_end)
    sender = stage.sender(proxy, argo, ALPINE_MAX_LAG=3).listen().start_service()
    argo.write(1)
    sender.settled(delivered=1)
    proxy.change(Fault(refuse=True))
    stays(lambda: not reasons(sender), 0.5, "unready although nothing waits")
    argo.write(2)
    assert not reasons(sender), "that is not too old yet"
    detail = wait_reason(sender, "lag")
    assert "more than ALPINE_MAX_LAG (3 s); Alpine is out of reach" in detail
    page = sender.get("/status").json
    assert page["ready"] is False and page["pending"] == 2 and page["link"] in ("retrying", "down")
    assert page["oldest_unsent_age_seconds"] >= 3 and page["lag_seconds"] >= 3
    seen = scrape(sender)
    assert (seen.value("alpine_sender_ready"), seen.value("alpine_sender_link_up")) == (0, 0)
    assert seen.of("alpine_sender_requests_total")[("again",)] >= 1
    assert sender.get("/livez").status == 200, "it does live"
    proxy.change(FINE)
    wait_ready(sender)
    assert figure(sender, "pending_signals") == 0


@pytest.mark.slow
@pytest.mark.parametrize("timestamp", ["2099-01-01T00:00:00", "0001-01-01T00:00:00"])
def test_a_timestamp_that_makes_no_sense_counts_from_its_reading(stage, timestamp):
    far_end, argo = stage.fake_receiver(), stage.argo()
    proxy = stage.proxy(far_end, always=Fault(refuse=True))
    sender = stage.sender(proxy, argo, ALPINE_MAX_LAG=2).listen().start_service()
    argo.write(1, timestamp=timestamp)
    assert not reasons(sender)
    assert figure(sender, "oldest_unsent_age_seconds") < 2
    wait_reason(sender, "lag")
    proxy.change(FINE)
    wait_ready(sender)
    seen = scrape(sender)
    assert seen.value("alpine_sender_delivery_latency_seconds_count") == 1
    assert 2 <= seen.value("alpine_sender_delivery_latency_seconds_sum") < 60


def test_unready_on_hold_with_what_to_mend(stage):
    receiver, argo = stage.receiver(), stage.argo(live=True)
    sender = stage.sender(receiver, argo, ARGO_API_KEY="another-key-0123456789abcdef0123").listen().start_service()
    argo.write(1)
    assert wait_reason(sender, "hold") == "on hold (Authentication failed - check ARGO_API_KEY)"
    page = sender.get("/status").json
    assert (page["link"], page["hold_advice"]) == ("holding", "Authentication failed - check ARGO_API_KEY")
    seen = scrape(sender)
    assert (seen.value("alpine_sender_on_hold"), seen.value("alpine_sender_ready")) == (1, 0)
    assert seen.of("alpine_sender_requests_total")[("hold",)] >= 1
    sender.restart(ARGO_API_KEY=KEY)
    sender.wait_log("Alpine sync service initialized")
    wait_ready(sender)


@pytest.mark.slow
def test_unready_without_argos_table(stage):
    sender = stage.sender(stage.fake_receiver(), stage.folder / "argo" / "signals.db").listen().start_service()
    assert wait_reason(sender, "source") == "Argo's table cannot be read"
    page = sender.get("/status").json
    assert page["pending"] is None and page["lag_seconds"] is None and page["oldest_unsent_age_seconds"] is None
    seen = scrape(sender)
    assert seen.value("alpine_sender_source_readable") == 0
    for name in ("pending_signals", "oldest_unsent_age_seconds"):
        assert seen.value(f"alpine_sender_{name}") is None, "not known, which is not 0"
    stage.argo().write(1)
    wait_ready(sender)
    assert figure(sender, "source_readable") == 1


@pytest.mark.slow
def test_unready_while_the_state_cannot_be_written(stage):
    disk = stage.keep(SmallDisk(stage.folder / "small", stage.postgres.account, 2048))
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = stage.sender(far_end, argo, ALPINE_STATE_DIR=disk.inside).listen().start_service()
    disk.fill()

    def write_until_it_shows():
        argo.write(20)
        return "state" in reasons(sender)
    wait_for(write_until_it_shows, 20, "the full disk to show")
    assert reasons(sender)["state"] == "the state directory cannot be written"
    assert figure(sender, "state_writable") == 0
    disk.make_room()
    wait_ready(sender)


def test_unready_as_soon_as_it_is_told_to_stop(stage):
    far_end, argo = stage.fake_receiver(), stage.argo(live=True)
    proxy = stage.proxy(far_end)
    sender = stage.sender(proxy, argo).listen().start_service()
    argo.write(1)
    sender.settled(delivered=1)
    proxy.hold()
    argo.write(1)
    wait_for(lambda: figure(sender, "pending_signals") == 1, 10, "a request to be under way")
    sender.signal(signals_of_unix.SIGTERM)
    assert wait_reason(sender, "stopping") == "it is being stopped"
    proxy.release()
    assert sender.wait() == 0
    assert len(far_end.accepted) == 2


# --- HTTP ---


def test_there_is_nothing_but_these_pages_and_get(stage):
    sender = stage.sender(stage.fake_receiver(), stage.argo()).listen().start_service()
    for page in PAGES:
        answer = sender.get(page)
        assert answer.status == 200, answer
        assert answer.header("Content-Type") == (
            "text/plain; version=0.0.4; charset=utf-8" if page == "/metrics" else "application/json")
        assert sender.get(page + "?query=1").status == 200
    for path in ("/", "/metrics/", "/health", "//metrics", "/api/v1/external-signals/sync/health"):
        answer = sender.get(path)
        assert (answer.status, answer.json["code"]) == (404, "not_found"), answer
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = http.request(sender.port, method, "/metrics", body=b"x" * 1000)
        assert (answer.status, answer.json["code"], answer.header("Allow")) == (405, "method_not_allowed", "GET"), answer
    assert http.request(sender.port, "HEAD", "/livez").status == 405


def test_none_of_them_tells_the_key(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(3)
    sender = stage.sender(receiver, argo).listen().start_service()
    sender.settled(delivered=3)
    for page in (*PAGES, "/nothing"):
        answer = sender.get(page)
        assert KEY not in answer.body.decode() and KEY not in json.dumps(answer.headers)


def test_without_the_setting_nothing_listens(stage):
    sender = stage.sender(stage.fake_receiver(), stage.argo()).listen()
    sender.settings["ALPINE_SENDER_LISTEN"] = None
    sender.start_service()
    with pytest.raises(ConnectionRefusedError):
        sender.get("/livez")


def test_it_listens_on_an_address_of_the_newer_kind(stage):
    sender = stage.sender(stage.fake_receiver(), stage.argo()).listen("[::1]").start_service()
    with socket.create_connection(("::1", sender.port), timeout=10) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_an_address_that_cannot_be_had_ends_the_start(stage):
    argo = stage.argo()
    argo.write(1)
    far_end = stage.fake_receiver()
    sender = stage.sender(far_end, argo).listen()
    with socket.create_server(("127.0.0.1", sender.port)):
        done = sender.command("run", limit=20)
    assert done.code == 1, done
    assert f"Cannot start: ALPINE_SENDER_LISTEN: cannot listen on 127.0.0.1:{sender.port}: " in done.err
    assert not far_end.accepted
    done = sender.command("run", limit=20, ALPINE_SENDER_LISTEN="everywhere")
    assert done.code == 78 and "ALPINE_SENDER_LISTEN" in done.err, done


# --- clients that are in the way ---


@pytest.fixture(name="crowd")
def fixture_crowd(stage):
    """A sender that delivers, and as many connections to its pages as it takes."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = stage.sender(far_end, argo).listen().start_service()
    connections = [http.RawConnection(sender.port, limit=3 * LIFE) for _ in range(CONNECTIONS)]
    yield sender, far_end, argo, connections
    for connection in connections:
        connection.hang_up()


def accepted(far_end, signals, limit):
    wait_for(lambda: len(far_end.accepted) >= len(signals), limit, lambda: f"{len(signals)} signals to arrive")
    assert pairs(far_end.accepted) == pairs(signals)


@pytest.mark.slow
@pytest.mark.parametrize("sent", ["", "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "], ids=["idle", "half a header"])
def test_a_crowd_keeps_others_out_for_a_while_only(crowd, sent):
    sender, far_end, argo, connections = crowd
    for connection in connections:
        connection.send(sent)
    watch = Stopwatch()
    accepted(far_end, argo.write(20), 3)
    assert sender.get("/livez", limit=3 * LIFE).status == 200
    assert watch.running < 2 * LIFE
    assert all(connection.is_closed() for connection in connections)


def test_places_that_become_free_together_are_found(crowd):
    """Nothing else calls libmicrohttpd then."""
    sender, _, _, connections = crowd
    with pytest.raises(TimeoutError):
        sender.get("/livez", limit=0.5)
    sender.signal(signals_of_unix.SIGSTOP)
    for connection in connections:
        connection.hang_up()
    sender.signal(signals_of_unix.SIGCONT)
    assert sender.get("/livez", limit=LIFE / 2).status == 200


@pytest.mark.slow
def test_a_byte_now_and_then_keeps_no_connection(crowd):
    sender, far_end, argo, connections = crowd
    made, watch = [], Stopwatch()
    slow = set(connections)
    for connection in slow:
        connection.send("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")

    def one_byte_each():
        for connection in list(slow):
            try:
                connection.send("x")
            except OSError:
                slow.remove(connection)
        return not slow
    wait_for(one_byte_each, 3 * LIFE, "the slow ones to be cut off")
    assert watch.running < 2 * LIFE
    made += argo.write(20)
    accepted(far_end, made, 3)
    assert sender.get("/metrics").status == 200


def test_more_than_it_takes_are_all_served_in_the_end(stage):
    sender = stage.sender(stage.fake_receiver(), stage.argo()).listen().start_service()
    connections = [http.RawConnection(sender.port, limit=3 * LIFE) for _ in range(5 * CONNECTIONS)]
    for connection in connections:
        connection.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    for connection in connections:
        with connection:
            assert connection.answer().status == 200
