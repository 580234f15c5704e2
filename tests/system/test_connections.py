"""Many connections at once: none is forgotten, and no more are open than may be."""

import json
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from support.answers import assert_stored
from support.http import JSON, RawConnection
from support.receiver import PREFIX
from support.waiting import wait_for

pytestmark = pytest.mark.under_tsan


def request(receiver, signal_):
    body = json.dumps(signal_)
    head = receiver.head("POST", f"{PREFIX}/signal", f"Content-Type: {JSON}", f"Content-Length: {len(body)}")
    return f"{head}\r\n{body}"


@pytest.mark.parametrize("count", [127, 128, 129, 256])
def test_requests_that_arrive_in_one_moment_are_all_answered(stage, maker, count):
    """libmicrohttpd's own threads slept on exactly 128 of them."""
    receiver = stage.receiver(ALPINE_HTTP_THREADS=1)
    signals = maker.signals(count)
    connections = [RawConnection(receiver.port, limit=10) for _ in signals]
    for connection in connections:  # each is known to the receiver before the moment comes
        connection.send(receiver.head("GET", "/livez") + "\r\n")
        assert connection.answer().status == 200
    receiver.signal(signal.SIGSTOP)
    for connection, made in zip(connections, signals):
        connection.send(request(receiver, made))
    receiver.signal(signal.SIGCONT)
    for connection, made in zip(connections, signals):
        with connection:
            assert_stored(connection.answer(), made)


def test_beyond_the_limit_they_wait_until_another_one_is_closed(stage):
    receiver = stage.receiver(ALPINE_CONNECTIONS_MAX=4)
    alive = receiver.head("GET", "/livez") + "\r\n"
    connections = [RawConnection(receiver.port, limit=10).send(alive) for _ in range(4)]
    assert [connection.answer().status for connection in connections] == [200] * 4
    waiting = RawConnection(receiver.port, limit=0.5).send(alive)
    with pytest.raises(AssertionError, match="no answer"):
        waiting.answer()
    waiting.hang_up()
    late = RawConnection(receiver.port, limit=10).send(alive)
    connections[0].hang_up()
    assert late.answer().status == 200
    for connection in [*connections[1:], late]:
        connection.hang_up()
    receiver.wait_ready()


def test_after_the_stop_has_begun_nobody_is_let_in(stage, maker):
    """Who comes is refused at once, and not left waiting; who was there is served."""
    receiver = stage.receiver()
    made = maker.signal()
    text = request(receiver, made)
    with RawConnection(receiver.port, limit=10) as connection:
        connection.send(text[:-1])
        receiver.signal(signal.SIGTERM)
        receiver.wait_log("Stopping: finishing")

        def is_refused():
            with socket.socket() as other:
                return other.connect_ex(("127.0.0.1", receiver.port)) != 0

        wait_for(is_refused, 5, "a newcomer to be refused")
    assert receiver.wait() == 0


def test_stops_and_connections_at_the_same_moment(stage):
    """The server ends cleanly whatever its threads are just accepting."""
    receiver = stage.receiver()
    for _ in range(5):
        connections = []
        for _ in range(20):
            connections.append(RawConnection(receiver.port).send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"))
        receiver.signal(signal.SIGTERM)
        assert receiver.wait() == 0
        for connection in connections:
            connection.hang_up()
        receiver.start_ready()


def http_thread(receiver):
    """The id of its one HTTP thread."""
    tasks = Path(f"/proc/{receiver.pid}/task")
    return next(task.name for task in tasks.iterdir() if (task / "comm").read_text().strip() == "http")


@pytest.mark.slow
def test_a_connection_that_the_kernel_cannot_watch_costs_no_place(stage):
    """epoll_ctl has no room for one of them; libmicrohttpd announces it, fails, and announces its end."""
    receiver = stage.receiver(ALPINE_HTTP_THREADS=1, ALPINE_CONNECTIONS_MAX=4)
    trace = stage.folder / "trace"
    strace = subprocess.Popen(["strace", "-q", "-o", trace, "-p", http_thread(receiver), "-e", "trace=epoll_ctl", "-e",
                               "inject=epoll_ctl:error=ENOSPC:when=1"])
    try:
        wait_for(lambda: "TracerPid:\t0" not in Path(f"/proc/{receiver.pid}/task/{http_thread(receiver)}/status")
                 .read_text(), 10, "strace to be there")
        with RawConnection(receiver.port, limit=5) as connection:
            assert connection.is_closed()
    finally:
        strace.terminate()
        strace.wait()
    assert "ENOSPC" in trace.read_text()
    for _ in range(10):
        assert receiver.get("/livez").status == 200
