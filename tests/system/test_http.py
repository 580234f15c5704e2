"""The receiver on the level of bytes: requests that two programs could read differently, and slow ones."""

import json
import resource

import pytest

from support import http
from support.answers import assert_stored
from support.http import JSON, RawConnection
from support.receiver import KEY, PREFIX
from support.waiting import Stopwatch, wait_for

pytestmark = pytest.mark.under_tsan

POST = f"POST {PREFIX}/signal HTTP/1.1\r\n"
COMMON = f"X-API-Key: {KEY}\r\nContent-Type: {JSON}\r\n"


def assert_400_and_closed(api, data):
    answer, closed = http.raw(api.port, data)
    assert answer.status == 400, answer
    assert closed, "the connection stays open"


# --- requests with two meanings ---

@pytest.mark.parametrize("lines", [
    "Host: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n",
    "Host: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n",
    "Host: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n",
    "Host: a\r\nHost: b\r\nContent-Length: 2\r\n",
    "Host: a\r\nHost: a\r\nContent-Length: 2\r\n",
    "Content-Length: 2\r\n",
    "Host: a\r\nContent-Length : 2\r\n",
    "Host: a\r\nContent-Length: 2\r\nBad Name: x\r\n",
    "Host: a\r\nContent-Length: 2\r\nBad(Name): x\r\n",
    "Host: a\r\nContent-Length: 2\r\nB\u00e4d: x\r\n",
    "Host: a\r\nContent-Length: +2\r\n",
    "Host: a\r\nContent-Length: 2, 2\r\n",
    "Host: a\r\nContent-Length: -2\r\n",
    "Host: a\r\nContent-Length: 2x\r\n",
], ids=["two lengths", "one length twice", "length, then chunked", "chunked, then length", "two hosts",
        "one host twice", "no host", "space before the colon", "space in a name", "brackets in a name", "no ASCII in a name", "plus",
        "list of lengths", "negative", "letter in the length"])
def test_a_request_with_two_meanings_is_400_and_the_connection_closed(api, lines):
    assert_400_and_closed(api, (POST + COMMON + lines + "\r\n{}").encode())


def test_it_is_400_for_a_stranger_too(api):
    assert_400_and_closed(api, f"{POST}Host: a\r\nHost: b\r\nContent-Length: 2\r\n\r\n{{}}")


def test_a_second_request_hidden_in_a_body_is_not_answered(api, maker):
    signal = maker.signal()
    body = json.dumps(signal)
    inner = f"{POST}Host: a\r\n{COMMON}Content-Length: {len(body)}\r\n\r\n{body}"
    outer = f"{POST}Host: a\r\n{COMMON}Content-Length: {len(inner) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert_400_and_closed(api, outer + "0\r\n\r\n" + inner)
    assert not api.database.query("SELECT 1 FROM signals WHERE external_signal_id = %s", [signal["signal_id"]])


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"hello\r\n\r\n", b"\x00" * 64,
                                     b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
                                     b"GET /\xff\x00 HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_what_is_no_http_harms_nobody(api, garbage):
    with RawConnection(api.port) as connection:
        connection.send(garbage)
        assert api.get("/livez").status == 200


def test_a_large_header_is_refused_and_harms_nobody(api):
    with RawConnection(api.port) as connection:
        try:
            connection.send(api.head("GET", "/livez", "X-Large: " + "x" * 300_000) + "\r\n")
            assert 400 <= connection.answer().status < 500
        except OSError:
            pass
    assert api.get("/livez").status == 200


# --- what a client may expect of a connection ---

def test_one_connection_carries_many_requests(api, maker):
    with RawConnection(api.port) as connection:
        for signal in maker.signals(5):
            body = json.dumps(signal)
            connection.send(f"{POST}Host: a\r\n{COMMON}Content-Length: {len(body)}\r\n\r\n{body}")
            assert_stored(connection.answer(), signal)


def test_requests_that_come_in_one_piece_are_answered_in_order(api, maker):
    signals = maker.signals(5)
    bodies = [json.dumps(signal) for signal in signals]
    with RawConnection(api.port) as connection:
        connection.send("".join(f"{POST}Host: a\r\n{COMMON}Content-Length: {len(body)}\r\n\r\n{body}"
                                for body in bodies))
        for signal in signals:
            assert_stored(connection.answer(), signal)


def test_a_body_that_comes_byte_by_byte_is_stored(api, maker):
    signal = maker.signal()
    body = json.dumps(signal)
    with RawConnection(api.port) as connection:
        connection.send(f"{POST}Host: a\r\n{COMMON}Content-Length: {len(body)}\r\n\r\n")
        for byte in body:
            connection.send(byte)
        assert_stored(connection.answer(), signal)


def test_a_client_that_goes_in_the_middle_of_its_body_leaves_no_trace(api, maker):
    signal = maker.signal()
    body = json.dumps(signal)
    with RawConnection(api.port) as connection:
        connection.send(f"{POST}Host: a\r\n{COMMON}Content-Length: {len(body)}\r\n\r\n{body[:-1]}")
    other = maker.signal()
    assert_stored(api.post(other), other)
    assert not api.database.query("SELECT 1 FROM signals WHERE external_signal_id = %s", [signal["signal_id"]])


# --- absolute deadlines ---

@pytest.fixture(scope="module", name="strict")
def fixture_strict(module_stage):
    """A receiver with short deadlines."""
    return module_stage.receiver(name="strict", ALPINE_HEADER_TIMEOUT=1, ALPINE_BODY_TIMEOUT=1,
                                 ALPINE_IDLE_TIMEOUT=3)


def trickle(receiver, head, byte, limit=6):
    """Send the head, then a byte now and then, until the other side has had enough. The answer, if there was one,
    and a watch that ran meanwhile."""
    watch = Stopwatch()
    with RawConnection(receiver.port) as connection:
        connection.send(head)
        connection.socket.settimeout(0.2)
        seen = b""

        def ended():
            nonlocal seen
            try:
                connection.send(byte)
                data = connection.socket.recv(4096)
            except TimeoutError:
                return False
            except OSError:
                return True
            seen += data
            return not data

        wait_for(ended, limit, "the receiver to end a slow request")
        return seen, watch


@pytest.mark.slow
def test_a_header_that_never_ends_meets_its_deadline(strict):
    seen, watch = trickle(strict, POST + "Host: a\r\nX-Slow: ", "x")
    assert 0.7 < watch.passed and watch.running < 4
    assert not seen or b" 408 " in seen.split(b"\r\n")[0]


@pytest.mark.slow
def test_a_body_that_never_ends_meets_its_deadline_with_408(strict):
    seen, watch = trickle(strict, f"{POST}Host: a\r\n{COMMON}Content-Length: 60000\r\n\r\n", " ")
    assert 0.7 < watch.passed and watch.running < 4
    assert b" 408 " in seen.split(b"\r\n")[0]


@pytest.mark.slow
def test_a_silent_connection_meets_its_deadline(strict):
    with RawConnection(strict.port, limit=10) as connection:
        assert connection.is_closed()


@pytest.mark.slow
def test_a_request_that_stops_in_its_body_meets_its_deadline(strict):
    with RawConnection(strict.port, limit=6) as connection:
        connection.send(f"{POST}Host: a\r\n{COMMON}Content-Length: 60000\r\n\r\n{{")
        assert connection.answer().status == 408
        assert connection.is_closed()


@pytest.mark.slow
def test_many_half_sent_requests_keep_nobody_out(stage, maker):
    """The usual limit of the library is about a thousand connections."""
    receiver = stage.receiver()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = [RawConnection(receiver.port) for _ in range(1500)]
    try:
        for connection in idle:
            connection.send("POST /api")
        signal = maker.signal()
        assert_stored(receiver.post(signal), signal)
    finally:
        for connection in idle:
            connection.socket.close()


def test_requests_that_never_came_in_whole_do_not_hold_up_the_end(stage):
    """Neither those whose client is gone nor those whose client just waits."""
    receiver = stage.receiver()
    head = f"{POST}Host: a\r\n{COMMON}Content-Length: 1000\r\n\r\n{{"
    for _ in range(30):
        with RawConnection(receiver.port) as connection:
            connection.send(head)
    with RawConnection(receiver.port) as connection:
        connection.send(head)
        assert receiver.get("/livez").status == 200
        receiver.stop(limit=5)


def test_a_receiver_without_a_listener_of_its_own_says_so(stage, api):
    """The port is taken: an error that names the setting, not a crash."""
    other = stage.receiver(api.database, start=False, ALPINE_LISTEN=f"127.0.0.1:{api.port}")
    other.start()
    assert other.wait() in (1, 78)
    assert str(api.port) in other.log()
