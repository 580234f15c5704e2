"""The receiver's API: what is refused before a signal is looked at."""

import json

import pytest

from support import http
from support.answers import assert_error, assert_stored
from support.http import JSON, NDJSON, RawConnection
from support.receiver import KEY, PREFIX

pytestmark = pytest.mark.under_tsan

SINGLE_LIMIT = 64 * 1024
BATCH_LIMIT = 8 * 1024 * 1024


def padded(signal, size):
    """The signal's JSON, blown up to this size by a field that is ignored."""
    signal = {**signal, "padding": ""}
    signal["padding"] = "x" * (size - len(json.dumps(signal)))
    return json.dumps(signal).encode()


# --- the key ---

@pytest.mark.parametrize("key", [None, "", "wrong", KEY[:-1], KEY + "x", KEY.upper(), "x" * 4000])
@pytest.mark.parametrize("path", ["signal", "batch"])
def test_without_the_right_key_nothing_is_taken(api, maker, path, key):
    signal = maker.signal()
    answer = api.call("POST", f"{PREFIX}/{path}", [signal] if path == "batch" else signal, key=key)
    assert_error(answer, 401, "unauthorized")
    assert not api.database.query("SELECT 1 FROM signals WHERE external_signal_id = %s", [signal["signal_id"]])


@pytest.mark.parametrize("key, size, status", [("wrong", 1_100_000, 401), (KEY, BATCH_LIMIT + 1, 413)])
def test_a_refusal_reaches_a_client_that_is_still_sending(api, key, size, status):
    for _ in range(10):
        answer = http.request(api.port, "POST", f"{PREFIX}/batch", b"x" * size,
                              {"X-API-Key": key, "Content-Type": JSON})
        assert answer.status == status
        assert answer.headers["Connection"] == "close"


def test_the_key_is_checked_before_the_body_is_read(api):
    with RawConnection(api.port, limit=5) as connection:
        connection.send(f"POST {PREFIX}/signal HTTP/1.1\r\nHost: localhost\r\nX-API-Key: wrong\r\n"
                        "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n")
        assert_error(connection.answer(), 401, "unauthorized")


def test_a_wrong_key_is_never_logged(api, maker):
    last = maker.signal()
    api.post(maker.signal(), key="a-key-of-somebody-else-entirely")
    api.post(last)
    api.wait_log(last["signal_id"])
    assert "a-key-of-somebody-else" not in api.log() and KEY not in api.log()


def test_both_keys_are_valid_while_one_replaces_the_other(stage, maker):
    receiver = stage.receiver(EXTERNAL_SIGNAL_API_KEY_NEXT="the-next-key-0123456789abcdef0123456789")
    for key in (KEY, "the-next-key-0123456789abcdef0123456789"):
        signal = maker.signal()
        assert_stored(receiver.post(signal, key=key), signal)
    assert_error(receiver.post(maker.signal(), key="neither"), 401, "unauthorized")


# --- paths and methods ---

@pytest.mark.parametrize("path", ["/", "/nothing", PREFIX, f"{PREFIX}/", f"{PREFIX}/signals", f"{PREFIX}/signal/",
                                  f"{PREFIX}/signal/1", "/api/v1", "//livez", "/livez/..", f"{PREFIX}/%73ignal2"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_404(api, method, path):
    assert_error(api.call(method, path, b"{}" if method == "POST" else None), 404, "not_found")


@pytest.mark.parametrize("method, path, allowed", [
    ("GET", f"{PREFIX}/signal", "POST"),
    ("PUT", f"{PREFIX}/signal", "POST"),
    ("DELETE", f"{PREFIX}/signal", "POST"),
    ("PATCH", f"{PREFIX}/batch", "POST"),
    ("GET", f"{PREFIX}/batch", "POST"),
    ("OPTIONS", f"{PREFIX}/batch", "POST"),
    ("POST", f"{PREFIX}/health", "GET"),
    ("POST", "/health", "GET"),
    ("DELETE", "/livez", "GET"),
    ("PUT", "/readyz", "GET"),
    ("FROBNICATE", "/livez", "GET"),
])
def test_a_wrong_method_is_405_and_says_what_is_allowed(api, method, path, allowed):
    answer = api.call(method, path)
    assert_error(answer, 405, "method_not_allowed")
    assert allowed in [word.strip() for word in answer.header("Allow").split(",")]


# --- content type ---

@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8",
                                          "application/json;charset=UTF-8", "Application/JSON",
                                          'application/json; charset="utf-8"'])
def test_json_is_taken_however_it_is_spelt(api, maker, content_type):
    signal = maker.signal()
    assert_stored(api.post(signal, content_type=content_type), signal)


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/jsonx", "application/x-ndjson", "json",
                                          "application/json; charset=iso-8859-1", "application/x-www-form-urlencoded",
                                          "multipart/form-data; boundary=x"])
def test_a_signal_that_is_not_said_to_be_json_is_415(api, maker, content_type):
    assert_error(api.post(maker.signal(), content_type=content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-ndjsonx"])
def test_a_batch_of_another_type_is_415(api, maker, content_type):
    assert_error(api.batch([maker.signal()], content_type=content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/x-ndjson; charset=utf-8", "Application/X-NDJSON"])
def test_ndjson_is_taken_however_it_is_spelt(api, maker, content_type):
    line = json.dumps(maker.signal())
    assert api.batch(line, content_type=content_type).json["stored"] == 1


# --- size ---

def test_a_signal_of_exactly_the_limit_is_stored(api, maker):
    signal = maker.signal()
    assert_stored(api.post(padded(signal, SINGLE_LIMIT)), signal)


def test_a_signal_over_the_limit_is_413(api, maker):
    assert_error(api.post(padded(maker.signal(), SINGLE_LIMIT + 1)), 413, "too_large")


@pytest.mark.parametrize("path, content_type, limit", [("signal", JSON, SINGLE_LIMIT), ("batch", NDJSON, BATCH_LIMIT)])
def test_a_content_length_over_the_limit_is_413_before_the_body_comes(api, path, content_type, limit):
    with RawConnection(api.port, limit=5) as connection:
        connection.send(api.head("POST", f"{PREFIX}/{path}", f"Content-Type: {content_type}",
                                 f"Content-Length: {limit + 1}") + "\r\n")
        assert_error(connection.answer(), 413, "too_large")


@pytest.mark.parametrize("length", ["99999999999999999999999999", "18446744073709551616", "9223372036854775808"])
def test_a_content_length_beyond_any_number_stores_nothing(api, length):
    answer, _ = http.raw(api.port, api.head("POST", f"{PREFIX}/signal", f"Content-Type: {JSON}",
                                            f"Content-Length: {length}") + "\r\n{}")
    assert answer.status in (400, 413), answer


def test_a_chunked_signal_over_the_limit_is_refused(api, maker):
    """It may be told so, or be cut off in the middle of what it sends; it is never stored."""
    signal = maker.signal()
    body = padded(signal, 4 * SINGLE_LIMIT)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[at:at + 4096]
                                                                       for at in range(0, len(body), 4096)))
    head = api.head("POST", f"{PREFIX}/signal", f"Content-Type: {JSON}", "Transfer-Encoding: chunked")
    try:
        answer, _ = http.raw(api.port, head.encode() + b"\r\n" + chunks + b"0\r\n\r\n")
        assert_error(answer, 413, "too_large")
    except OSError:
        pass
    assert not api.database.query("SELECT 1 FROM signals WHERE external_signal_id = %s", [signal["signal_id"]])


@pytest.mark.slow
def test_a_chunked_signal_within_the_limit_is_stored(api, maker):
    signal = maker.signal()
    body = json.dumps(signal).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + 7]), body[at:at + 7]) for at in range(0, len(body), 7))
    head = api.head("POST", f"{PREFIX}/signal", f"Content-Type: {JSON}", "Transfer-Encoding: chunked")
    answer, _ = http.raw(api.port, head.encode() + b"\r\n" + chunks + b"0\r\n\r\n")
    assert_stored(answer, signal)


def test_a_batch_over_the_limit_is_413(api, maker):
    assert_error(api.batch(padded(maker.signal(), BATCH_LIMIT + 1)), 413, "too_large")


def test_both_limits_can_be_set(stage, maker):
    receiver = stage.receiver(ALPINE_SIGNAL_BYTES_MAX=2000, ALPINE_BATCH_BYTES_MAX=5000)
    signal = maker.signal()
    assert_stored(receiver.post(padded(signal, 2000)), signal)
    assert_error(receiver.post(padded(maker.signal(), 2001)), 413, "too_large")
    assert receiver.batch(padded(maker.signal(), 1999)).json["stored"] == 1
    assert_error(receiver.batch(padded(maker.signal(), 5001)), 413, "too_large")
