"""More than the receiver can take: what it has taken is finished, the rest is told to come again, and what the clients
cost is bounded, whether they vanish, stall or send a byte now and then."""

import json
import os
import resource
import select
import signal as signals_of_unix
import socket
import statistics
import subprocess
import threading
import time
from pathlib import Path

import pytest

from support.answers import assert_error, assert_stored
from support.chain import check_chain
from support.http import JSON, NDJSON, RawConnection
from support.locked import Locked
from support.receiver import PREFIX
from support.waiting import Stopwatch, stays, wait_for

MIB = 1024


SLACK = 3  # connections of the test's own questions that may be there at the one moment, and gone at the other


def descriptors(receiver):
    return len(os.listdir(f"/proc/{receiver.pid}/fd"))


def holds(receiver, before, count):
    """Whether it has so many connections more than before."""
    return descriptors(receiver) >= before + count - SLACK


def is_rid(receiver, before):
    """Whether it has no more of them than before."""
    return descriptors(receiver) <= before + SLACK


def assert_memory(receiver, mib):
    """At most so much is resident. Sanitizers have a memory of their own, which says nothing."""
    used = receiver.memory() / MIB
    if "release" in receiver.program.parts:
        assert used < mib, f"{used:.0f} MiB"


class Batches:
    """Batches that are posted at once, each in a thread of its own."""

    def __init__(self, receiver, batches):
        self.answers = [None] * len(batches)
        self._threads = [threading.Thread(target=self._post, args=[receiver, at, batch])
                         for at, batch in enumerate(batches)]
        for thread in self._threads:
            thread.start()

    def _post(self, receiver, at, batch):
        self.answers[at] = receiver.batch(batch)

    def answered(self):
        return sum(answer is not None for answer in self.answers)

    def wait(self):
        for thread in self._threads:
            thread.join(120)
        return self.answers


def lines(signals):
    return "".join(json.dumps(signal) + "\n" for signal in signals).encode()


def post_head(receiver, path, length, content_type):
    return receiver.head("POST", f"{PREFIX}/{path}", f"Content-Type: {content_type}",
                         f"Content-Length: {length}") + "\r\n"


# --- the queue ---

@pytest.mark.slow
def test_a_full_queue_is_503_in_bounded_memory_and_what_was_taken_is_stored(stage, maker):
    """20,000 signals wait, as many as may by default, while twice as many come."""
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=25)
    before = 0
    for _ in range(2):
        batches = [maker.signals(1000) for _ in range(40)]
        with Locked(receiver.database):
            posted = Batches(receiver, batches)
            wait_for(lambda posted=posted: posted.answered() >= 15, 20, "batches to be refused")
            stays(lambda: receiver.get("/livez").status == 200, 0.5, "it lives")
            assert_memory(receiver, 400)
        answers = posted.wait()
        taken = [at for at, answer in enumerate(answers) if answer.status == 200]
        for at, answer in enumerate(answers):
            if at in taken:
                assert answer.json["stored"] == 1000, "what was taken is stored"
            else:
                assert_error(answer, 503, "unavailable")
        assert 10 <= len(taken) <= 25
        before += 1000 * len(taken)
        assert receiver.database.count() == before, "and what was refused is not"
    assert check_chain(receiver.database) == before


@pytest.mark.slow
def test_batches_of_many_lines_that_are_no_signals_wait_in_bounded_memory(stage, maker):
    """What is known of a line takes more than the line; so each has its place in the queue, whether it is stored or
    not."""
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=60)
    good = maker.signals(40)
    with Locked(receiver.database):
        posted = Batches(receiver, [lines([signal]) + b"{}\n" * 4999 for signal in good])
        wait_for(lambda: posted.answered() >= 30, 8, "batches to be refused, long before the lock makes them fail")
        assert_memory(receiver, 250)
    for answer in posted.wait():
        assert answer.status in (200, 503), answer
    assert_memory(receiver, 250)


@pytest.mark.slow
def test_bodies_that_come_in_at_once_are_503_beyond_their_limit(stage, maker):
    receiver = stage.receiver(ALPINE_BODIES_BYTES_MAX=1048576)
    before = descriptors(receiver)
    body = lines(maker.signals(400))
    half = len(body) // 2
    connections = [RawConnection(receiver.port) for _ in range(1048576 // half + 10)]
    for connection in connections:
        connection.send(post_head(receiver, "batch", len(body), NDJSON).encode() + body[:half])
    wait_for(lambda: (len(connections) - len(answered(connections))) * half <= 1048576, 10,
             "bodies to be refused until the others fit")
    refused = answered(connections)
    taken = [connection for connection in connections if connection not in refused]
    assert len(taken) > 2, "no more than has to be is refused"
    for connection in refused:
        assert_error(connection.answer(), 503, "unavailable")
    for connection in connections:
        if connection not in taken[:2]:
            connection.hang_up()
    wait_for(lambda: is_rid(receiver, before + 2), 10, "room for what was taken")
    assert_stored(receiver.post(signal := maker.signal()), signal)
    for connection in taken[:2]:
        connection.send(body[half:])
        answer = connection.answer()
        assert answer.status == 200 and answer.json["rejected"] == 0, "what was taken is finished"
        connection.hang_up()
    assert check_chain(receiver.database) == 401


def answered(connections):
    """Those to which something was said."""
    readable = select.select([connection.socket for connection in connections], [], [], 0.3)[0]
    return [connection for connection in connections if connection.socket in readable]


@pytest.mark.slow
def test_bodies_that_stall_cost_no_more_than_their_limit(stage, maker):
    """By default 64 MiB, of the 320 MiB that are on their way."""
    receiver = stage.receiver(ALPINE_BODY_TIMEOUT=3)
    before = descriptors(receiver)
    connections = [RawConnection(receiver.port) for _ in range(40)]
    piece = b" " * (8 << 20)
    threads = [threading.Thread(target=_send_all, args=[receiver, connection, piece]) for connection in connections]
    for thread in threads:
        thread.start()
    signal = maker.signal()
    wait_for(lambda: receiver.post(signal).status in (201, 409), 20, "a signal to be stored")
    assert_memory(receiver, 200)
    for thread in threads:
        thread.join(60)
    for connection in connections:
        connection.hang_up()
    wait_for(lambda: is_rid(receiver, before), 10, "the connections to be gone")
    assert_stored(receiver.post(other := maker.signal()), other)


def _send_all(receiver, connection, piece):
    """A batch that ends a byte too early."""
    try:
        connection.send(post_head(receiver, "batch", len(piece), NDJSON).encode() + piece[:-1])
    except OSError:
        pass


# --- clients that vanish, stall, or dawdle ---

@pytest.mark.slow
@pytest.mark.under_tsan
def test_clients_that_vanish_while_their_request_waits_leave_nothing_behind(stage, maker):
    """Their connections are suspended, so that nobody sees them go."""
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=20)
    before = descriptors(receiver)
    signals = maker.signals(300)
    with Locked(receiver.database):
        for signal in signals:
            body = json.dumps(signal).encode()
            with RawConnection(receiver.port) as connection:
                connection.send(post_head(receiver, "signal", len(body), JSON).encode() + body)
        wait_for(lambda: holds(receiver, before, 300), 10, "the requests to wait")
    wait_for(lambda: is_rid(receiver, before), 10, "the connections to be gone")
    assert len(receiver.database.stored()) == 300, "what was taken is finished all the same"
    assert check_chain(receiver.database) == 300
    assert_memory(receiver, 60)
    receiver.stop(limit=5)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["header", "body"])
def test_hundreds_that_send_a_byte_now_and_then_are_ended_by_the_deadline(stage, maker, where):
    receiver = stage.receiver(ALPINE_HEADER_TIMEOUT=8, ALPINE_BODY_TIMEOUT=8)
    before = descriptors(receiver)
    head = receiver.head() if where == "header" else post_head(receiver, "signal", 60000, JSON)
    began = time.monotonic()
    connections = [RawConnection(receiver.port) for _ in range(300)]
    for connection in connections:
        connection.send(head)
    slowest = 0
    while time.monotonic() - began < 2:
        for connection in connections:
            connection.send("x" if where == "header" else " ")
        slowest = max(slowest, post_time(receiver, maker.signal()))
    assert slowest < 5, "it did not wait for them"
    wait_for(lambda: _dawdle(connections) and is_rid(receiver, before), 20, "them to be ended")
    assert time.monotonic() - began > 7, "not before the deadline"
    assert_memory(receiver, 60)
    for connection in connections:
        connection.hang_up()


def _dawdle(connections):
    for connection in connections:
        try:
            connection.send(" ")
        except OSError:
            pass
    return True


@pytest.mark.slow
@pytest.mark.parametrize("reads", [0, 1], ids=["not at all", "a byte now and then"])
def test_a_client_that_does_not_take_its_answer_is_cut_off(stage, maker, reads):
    body_timeout = 5 if stage.build.name == "release" else 20
    # A 503 would be short enough to be taken: nothing that a slow machine does may lead to one.
    receiver = stage.receiver(ALPINE_BODY_TIMEOUT=body_timeout, ALPINE_REQUEST_TIMEOUT=120)
    before = descriptors(receiver)
    # Ids that take six times their length in JSON: the answers do not fit into what the kernel holds for a socket.
    signals = [maker.signal(signal_id="\x01" * 120 + f"{at:06}") for at in range(5000)]
    body = lines(signals)
    connections = []
    for _ in range(8):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(("127.0.0.1", receiver.port))
        connection.sendall(post_head(receiver, "batch", len(body), NDJSON).encode() + body)
        connections.append(connection)
    wait_for(lambda: receiver.database.count() == 5000, 60, "the batch to be stored")
    began = time.monotonic()

    def gone():
        for connection in connections:
            if reads:
                try:
                    connection.recv(reads)
                except OSError:
                    pass
        return is_rid(receiver, before)

    wait_for(gone, 60, "the connections to be cut off")
    assert time.monotonic() - began > 1, "not before the deadline"
    for connection in connections:
        connection.close()
    assert_stored(receiver.post(signal := maker.signal()), signal)


# --- ten thousand connections ---

@pytest.fixture(name="many_descriptors")
def fixture_many_descriptors():
    """10,000 connections have two ends, and each process needs a limit for its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= 10500, f"the hard limit of descriptors is {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def post_time(receiver, signal):
    watch = Stopwatch()
    assert_stored(receiver.post(signal), signal)
    return watch.running


def connect_many(receiver, count, data):
    """Connections from several addresses, each with this much of a request."""
    connections = []
    for number in range(count):
        connection = socket.socket()
        connection.bind((f"127.0.0.{2 + number % 4}", 0))
        connection.connect(("127.0.0.1", receiver.port))
        if data:
            connection.sendall(data)
        connections.append(connection)
    return connections


@pytest.mark.slow
@pytest.mark.usefixtures("many_descriptors")
@pytest.mark.parametrize("data", [b"", b"POST /api/v1/external-signals/sync/signal HTTP/1.1\r\nHost: a\r\nX-Half: "],
                         ids=["idle", "half a header"])
def test_ten_thousand_connections_are_held_in_100_mb_while_signals_go_through(stage, maker, data):
    receiver = stage.receiver(ALPINE_HEADER_TIMEOUT=120)
    usual = statistics.median(post_time(receiver, maker.signal()) for _ in range(100))
    before = descriptors(receiver)
    connections = connect_many(receiver, 10000, data)
    try:
        wait_for(lambda: holds(receiver, before, 10000), 30, "10,000 connections to be accepted")
        median = statistics.median(post_time(receiver, maker.signal()) for _ in range(200))
        assert_memory(receiver, 100)
        assert holds(receiver, before, 10000), "they are still there"
        assert median < 3 * usual + 0.01, f"{median * 1000:.1f} ms, and {usual * 1000:.1f} ms without them"
        assert receiver.health().status == 200
    finally:
        for connection in connections:
            connection.close()
    wait_for(lambda: is_rid(receiver, before), 30, "the connections to be gone")


# --- the watchdog ---

@pytest.mark.slow
def test_a_process_that_hangs_ends_itself_so_that_it_is_started_anew(stage, maker):
    """The committer's thread is held in a system call, as a library that blocks would hold it. A single HTTP thread
    leaves all storing to it."""
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=1, ALPINE_HTTP_THREADS=1)
    [thread] = [task for task in Path(f"/proc/{receiver.pid}/task").iterdir()
                if (task / "comm").read_text() == "committer\n"]
    tracer = subprocess.Popen(["strace", "-q", "-o", "/dev/null", "-p", thread.name, "-e", "trace=poll",
                               "-e", "inject=poll:delay_enter=300s"], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: "TracerPid:\t0" not in (thread / "status").read_text(), 10, "strace to attach")
        body = json.dumps(maker.signal()).encode()
        with RawConnection(receiver.port, limit=60) as connection:
            connection.send(post_head(receiver, "signal", len(body), JSON).encode() + body)
            assert receiver.get("/livez").status == 200, "the rest of it lives"
            receiver.wait_log("this process hangs, and ends to be started anew", 40)
    finally:
        tracer.kill()
        tracer.wait()
    assert receiver.wait(10) == 1


@pytest.mark.slow
def test_a_process_that_was_paused_for_longer_than_the_watchdogs_limit_goes_on(stage, maker):
    """As by a debugger, or while its machine is moved: its requests are old, but nothing in it hangs."""
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=2)
    with Locked(receiver.database):
        posted = Batches(receiver, [maker.signals(2)])
        wait_for(lambda: receiver.database.value(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'signals'::regclass"), 10,
            "an insert to wait for the lock")
        receiver.signal(signals_of_unix.SIGSTOP)
        try:
            assert not posted.answered(), "it was stopped in mid-request"
            stays(lambda: receiver.running and not posted.answered(), 24, "it is paused")
        finally:
            receiver.signal(signals_of_unix.SIGCONT)
        assert posted.wait()[0].status == 503
        stays(lambda: receiver.running, 2, "it goes on")
    receiver.wait_ready()
    assert_stored(receiver.post(signal := maker.signal()), signal)
    assert "this process hangs" not in receiver.log()
