"""The receiver's GET /metrics: exactly what happened, in the form that Prometheus reads."""

import http.client
import re
import signal as signals_of_unix
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

from support.http import JSON
from support.metrics import CONTENT_TYPE, promtool, scrape
from support.receiver import PREFIX
from support.waiting import wait_for

SIGNAL, BATCH = f"{PREFIX}/signal", f"{PREFIX}/batch"
SIGNALS = "alpine_receiver_signals_total"
REJECTED = "alpine_receiver_rejected_signals_total"
REQUESTS = "alpine_receiver_http_requests_total"


def tampered(signal):
    """The same signal with a price that its hash does not cover."""
    return {**signal, "entry_price": signal["entry_price"] + 1}


def errors(receiver, sqlstate_class):
    return scrape(receiver).value("alpine_receiver_database_errors_total", **{"class": sqlstate_class})


def ago(**how_long):
    return (datetime.now(timezone.utc) - timedelta(**how_long)).isoformat()


# --- the call itself ---

def test_it_needs_no_key_and_is_plain_text_with_a_request_id(api):
    answer = api.call("GET", "/metrics", key=None, content_type=None, X_Request_Id="scrape-17")
    assert answer.status == 200
    assert answer.header("Content-Type") == CONTENT_TYPE
    assert answer.header("X-Request-Id") == "scrape-17"
    assert api.get("/metrics").header("X-Request-Id")


def test_other_methods_and_the_prefix_have_none(api):
    answer = api.call("POST", "/metrics", b"{}")
    assert answer.status == 405 and answer.header("Allow") == "GET, HEAD"
    head = api.call("HEAD", "/metrics", key=None)
    assert head.status == 200 and head.header("Content-Type") == CONTENT_TYPE and head.body == b""
    assert api.get(f"{PREFIX}/metrics").status == 404


def test_promtool_finds_nothing_wrong(api, maker):
    api.post(maker.signal())
    api.post(tampered(maker.signal()))
    assert promtool("check", "metrics", text=scrape(api).text) is None


# --- the figures ---

def test_known_traffic_is_counted_exactly(stage, maker):
    receiver = stage.receiver()
    before = scrape(receiver)
    signals = maker.signals(20)
    for signal in signals[:5]:
        assert receiver.post(signal).status == 201
    for signal in signals[:3]:
        assert receiver.post(signal).status == 409
    assert receiver.post(maker.signal(signal_id=signals[0]["signal_id"])).status == 422
    assert receiver.post(tampered(signals[6])).status == 400
    assert receiver.post("{").status == 400
    assert receiver.post(maker.signal(confidence=101)).status == 422
    assert receiver.post(signals[7], "?dry_run=true").status == 200
    assert receiver.post(tampered(signals[7]), "?dry_run=true").status == 400
    assert receiver.post(signals[8], key="wrong").status == 401
    assert receiver.post(signals[8], key=None).status == 401
    assert receiver.post(signals[8], content_type="text/plain").status == 415
    assert receiver.post("x" * 70000).status == 413
    large = maker.signal(reasoning="x" * 70000)
    answer = receiver.batch([*signals[5:15], signals[0], tampered(signals[15]), "no", large])
    assert (answer.json["stored"], answer.json["duplicates"], answer.json["rejected"]) == (10, 1, 3)
    assert receiver.batch("nonsense", content_type=JSON).status == 400
    assert receiver.get("/nothing/here?id=4711").status == 404
    after = scrape(receiver)

    assert after.of(SIGNALS) == {("stored",): 15, ("duplicate",): 4, ("conflict",): 1, ("rejected",): 6,
                                 ("unavailable",): 0}
    assert after.of(REJECTED) == {("malformed",): 2, ("hash_mismatch",): 2, ("invalid_field",): 1, ("too_large",): 1}
    requests = {pair: count for pair, count in after.of(REQUESTS).items() if pair[0] not in ("/readyz", "/metrics")}
    assert requests == {(SIGNAL, "200"): 1, (SIGNAL, "201"): 5, (SIGNAL, "400"): 3, (SIGNAL, "401"): 2,
                        (SIGNAL, "409"): 3, (SIGNAL, "413"): 1, (SIGNAL, "415"): 1, (SIGNAL, "422"): 2,
                        (BATCH, "200"): 1, (BATCH, "400"): 1, ("other", "404"): 1}
    assert after.value(REQUESTS, route="/metrics", status="200") == 1  # the one before; this one is not over
    assert after.value("alpine_receiver_unauthorized_requests_total") == 2
    assert after.value("alpine_receiver_request_duration_seconds_count", route=SIGNAL) == 18
    assert after.value("alpine_receiver_delivery_latency_seconds_count") == 15
    assert after.value("alpine_receiver_commit_signals_sum") == 20  # the stored ones, the duplicates, the conflict
    assert after.value("alpine_receiver_commit_signals_count") == 10
    assert after.value("alpine_receiver_commit_duration_seconds_count") == 10
    assert before.value("alpine_receiver_last_stored_timestamp_seconds") is None
    assert abs(after.value("alpine_receiver_last_stored_timestamp_seconds") - time.time()) < 60
    classes = {name for (name,), count in after.of("alpine_receiver_database_errors_total").items() if count}
    assert classes <= {"23"}  # a duplicate may run into the table's rule


def test_the_latency_is_counted_from_the_signals_own_time(stage, maker):
    receiver = stage.receiver()
    for timestamp in (ago(seconds=0), ago(seconds=20), ago(hours=1), ago(hours=-1)):
        assert receiver.post(maker.signal(timestamp=timestamp)).status == 201
    metrics = scrape(receiver)
    buckets = metrics.of("alpine_receiver_delivery_latency_seconds_bucket")
    assert [buckets[(bound,)] for bound in ("10", "60", "1800", "7200", "+Inf")] == [2, 3, 3, 4, 4]
    assert 3620 <= metrics.value("alpine_receiver_delivery_latency_seconds_sum") < 3680
    assert metrics.value("alpine_receiver_signals_from_the_future_total") == 1


def test_connections_are_counted_while_they_are_open(stage):
    receiver = stage.receiver()

    def connections():
        return scrape(receiver).value("alpine_receiver_http_connections")

    wait_for(lambda: connections() == 1, 10, "the scrape's own connection alone")
    held = [http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10) for _ in range(3)]
    for connection in held:
        connection.request("GET", "/livez")
        connection.getresponse().read()
    wait_for(lambda: connections() == 4, 10, "three more")
    for connection in held:
        connection.close()
    wait_for(lambda: connections() == 1, 10, "the three to be gone")


@pytest.mark.under_tsan
def test_counters_never_fall_and_lose_nothing_under_load(stage, maker):
    receiver = stage.receiver()
    posts = [maker.signals(10) for _ in range(24)]
    threads = [threading.Thread(target=lambda part=part: [receiver.batch(batch) for batch in part])
               for part in (posts[0::3], posts[1::3], posts[2::3])]
    for thread in threads:
        thread.start()
    earlier = scrape(receiver)
    while any(thread.is_alive() for thread in threads):
        now = scrape(receiver)
        for (name, labels), value in earlier.series.items():
            if name.endswith(("_total", "_count", "_bucket", "_sum")):
                assert now.series[name, labels] >= value, (name, labels)
        for count, name in [(value, name.removesuffix("_count")) for (name, _), value in now.series.items()
                            if name.endswith("_count")]:
            assert count in now.of(f"{name}_bucket").values(), name
        earlier = now
    metrics = scrape(receiver)
    assert metrics.value(SIGNALS, result="stored") == 240
    assert metrics.value("alpine_receiver_commit_signals_sum") == 240
    assert metrics.value(REQUESTS, route=BATCH, status="200") == 24


# --- the database ---

@pytest.mark.slow
def test_it_answers_while_the_database_is_away(own_stage, maker):
    receiver = own_stage.receiver()
    metrics = scrape(receiver)
    assert (metrics.value("alpine_receiver_ready"), metrics.value("alpine_receiver_database_ready")) == (1, 1)
    assert metrics.value("alpine_receiver_database_connects_total") == 1
    own_stage.postgres.stop()
    receiver.wait_unready()
    assert receiver.post(maker.signal()).status == 503
    metrics = scrape(receiver)
    assert (metrics.value("alpine_receiver_ready"), metrics.value("alpine_receiver_database_ready")) == (0, 0)
    assert metrics.value(SIGNALS, result="unavailable") == 1
    wait_for(lambda: errors(receiver, "connection") >= 2, 10, "attempts to connect to be counted")
    own_stage.postgres.start()
    receiver.wait_ready()
    metrics = scrape(receiver)
    assert (metrics.value("alpine_receiver_ready"), metrics.value("alpine_receiver_database_ready")) == (1, 1)
    assert metrics.value("alpine_receiver_database_connects_total") == 2


def test_errors_of_the_database_are_counted_by_class(stage, maker):
    database = stage.database()
    database.query("ALTER TABLE signals ADD CONSTRAINT no_penny CHECK (symbol NOT LIKE 'PNY%')")
    receiver = stage.receiver(database)
    assert receiver.post(maker.signal(symbol="PNY1")).status == 422
    assert errors(receiver, "23") >= 1
    assert errors(receiver, "connection") == 0
    assert scrape(receiver).value(REJECTED, code="invalid_field") == 1


# --- what must not be there ---

def test_nothing_from_outside_is_in_it(stage, maker):
    receiver = stage.receiver()
    signal = maker.signal(symbol="ZQXSYM", strategy="zqx-strategy")
    receiver.post(signal, X_Request_Id="zqx-request")
    receiver.get("/zqx/path?zqx=1")
    receiver.call("ZQX", SIGNAL)
    receiver.post(signal, key="zqx-key")
    text = scrape(receiver).text
    for word in ("zqx", "ZQX", signal["signal_id"], signal["sha256"], receiver.key, "postgres", "127.0.0.1"):
        assert word not in text, re.findall(rf".*{word}.*", text)


# --- what every program has ---

def test_the_process_and_the_build_are_told(stage):
    receiver = stage.receiver()
    metrics = scrape(receiver)
    assert metrics.of("alpine_build_info") == {tuple(stage.receiver_command("version").out.split()): 1}
    assert abs(metrics.value("process_start_time_seconds") - time.time()) < 120
    assert metrics.value("process_open_fds") > 5
    assert metrics.value("process_max_fds") > metrics.value("process_open_fds")
    assert 1e6 < metrics.value("process_resident_memory_bytes") < metrics.value("process_virtual_memory_bytes")
    assert metrics.value("process_start_time_seconds") == scrape(receiver).value("process_start_time_seconds")


def test_reloads_are_counted(stage, tmp_path):
    config = tmp_path / "keys"
    config.write_text("first-key-0123456789abcdef0123456789\n", encoding="utf-8")
    receiver = stage.receiver(EXTERNAL_SIGNAL_API_KEY=None, EXTERNAL_SIGNAL_API_KEY_FILE=str(config))

    def reloads(result):
        return scrape(receiver).value("alpine_config_reloads_total", result=result)

    assert (reloads("applied"), reloads("refused")) == (0, 0)
    assert scrape(receiver).value("alpine_config_last_reload_timestamp_seconds") is None
    receiver.signal(signals_of_unix.SIGHUP)
    wait_for(lambda: reloads("applied") == 1, 10, "a reload that is applied")
    assert abs(scrape(receiver).value("alpine_config_last_reload_timestamp_seconds") - time.time()) < 60
    config.write_text("", encoding="utf-8")
    receiver.signal(signals_of_unix.SIGHUP)
    wait_for(lambda: reloads("refused") == 1, 10, "a reload that is refused")
    assert reloads("applied") == 1
