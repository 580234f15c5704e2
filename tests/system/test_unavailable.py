"""The receiver when it cannot store now: 503, nothing lost, nothing half, and well again by itself."""

import contextlib
import json
import signal as signals_of_unix
import threading
from http.client import HTTPConnection, HTTPException

import pytest

from support import http
from support.answers import assert_error, assert_stored
from support.chain import check_chain
from support.http import RawConnection
from support.locked import Locked
from support.receiver import PREFIX
from support.waiting import Stopwatch, stays, wait_for

pytestmark = pytest.mark.under_tsan


class Posts:
    """Posts that wait for their answers in threads of their own."""

    def __init__(self, receiver):
        self.receiver = receiver
        self.answers = {}
        self._threads = []

    def post(self, signal):
        def work():
            try:
                self.answers[signal["signal_id"]] = self.receiver.post(signal)
            except OSError:
                pass  # no answer

        thread = threading.Thread(target=work)
        thread.start()
        self._threads.append(thread)

    def wait(self):
        for thread in self._threads:
            thread.join(60)
        return self.answers


@pytest.mark.slow
def test_a_database_that_does_not_answer_in_time_is_503(stage, maker):
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=1)
    signal = maker.signal()
    with Locked(receiver.database):
        watch = Stopwatch()
        assert_error(receiver.post(signal), 503, "unavailable")
        assert 0.3 < watch.passed and watch.running < 5
    receiver.wait_ready()
    assert receiver.post(signal).status in (201, 409), "after a 503 the caller sends it again"
    assert receiver.database.stored() == [(signal["signal_id"], signal["sha256"])]


def test_a_full_queue_is_503_at_once(stage, maker):
    receiver = stage.receiver(ALPINE_QUEUE_MAX=3, ALPINE_REQUEST_TIMEOUT=20)
    posts = Posts(receiver)
    with Locked(receiver.database) as lock:
        sent = maker.signals(10)
        posts.post(sent[0])
        lock.wait_waiting()
        for signal in sent[1:]:
            posts.post(signal)
        wait_for(lambda: posts.answers, 10, "an answer while nothing can be stored")
        assert {answer.status for answer in list(posts.answers.values())} == {503}
        assert_error(next(iter(posts.answers.values())), 503, "unavailable")
    answers = posts.wait()
    assert set(answers[signal["signal_id"]].status for signal in sent) == {201, 503}
    stored = sorted(name for name, answer in answers.items() if answer.status == 201)
    assert [row[0] for row in receiver.database.stored()] == stored


def test_probes_answer_while_an_insert_waits(stage, maker):
    receiver = stage.receiver()
    posts = Posts(receiver)
    with Locked(receiver.database) as lock:
        for signal in maker.signals(20):
            posts.post(signal)
        lock.wait_waiting()
        assert receiver.get("/livez").status == 200
        assert receiver.health().status in (200, 503)
    assert {answer.status for answer in posts.wait().values()} == {201}


@pytest.mark.parametrize("number", [signals_of_unix.SIGTERM, signals_of_unix.SIGINT])
def test_draining_refuses_what_is_new_and_finishes_what_waits(stage, maker, number):
    receiver = stage.receiver()
    posts = Posts(receiver)
    waiting, late = maker.signals(2)
    kept = HTTPConnection("127.0.0.1", receiver.port, timeout=10)
    assert http.request_on(kept, "GET", "/readyz").status == 200
    with Locked(receiver.database) as lock:
        posts.post(waiting)
        lock.wait_waiting()
        receiver.signal(number)
        wait_for(lambda: http.request_on(kept, "GET", "/readyz").status == 503, 5, "to be unready")
        body = json.dumps(late).encode()
        answer = http.request_on(kept, "POST", f"{PREFIX}/signal", body,
                                 {"X-API-Key": receiver.key, "Content-Type": http.JSON})
        assert_error(answer, 503, "unavailable")
    assert_stored(posts.wait()[waiting["signal_id"]], waiting)
    assert receiver.wait() == 0
    kept.close()
    assert [row[0] for row in receiver.database.stored()] == [waiting["signal_id"]]


def test_a_second_signal_stops_at_once(stage, maker):
    receiver = stage.receiver()
    posts = Posts(receiver)
    with Locked(receiver.database) as lock:
        posts.post(maker.signal())
        lock.wait_waiting()
        receiver.signal(signals_of_unix.SIGTERM)
        receiver.wait_log("Stopping")
        assert receiver.running
        receiver.signal(signals_of_unix.SIGTERM)
        receiver.wait(5)
    assert not posts.wait(), "nothing was promised"


class Asking:
    """Connections that stand, and ask whether it is ready, all the time."""

    def __init__(self, receiver, count):
        self.asked = 0
        self._port = receiver.port
        self._threads = [threading.Thread(target=self._work) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _work(self):
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            while http.request_on(connection, "GET", "/readyz").status in (200, 503):
                self.asked += 1
        except (OSError, HTTPException):
            pass  # it has ended
        finally:
            connection.close()

    def wait(self):
        for thread in self._threads:
            thread.join(60)


def test_a_stop_while_its_readiness_is_asked_for_all_the_time_is_an_ordinary_one(stage):
    """Whoever answers then may not ask for what is gone already."""
    receiver = stage.receiver()
    for _ in range(8):
        asking = Asking(receiver, 8)
        wait_for(lambda asking=asking: asking.asked > 100, 20, "it to be asked")
        receiver.stop()
        asking.wait()
        receiver.start_ready()


# --- PostgreSQL stopped and started ---

@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_without_its_database_it_says_so_and_recovers_by_itself(own_stage, maker, mode):
    receiver = own_stage.receiver()
    before, lost, after = maker.signals(3)
    assert_stored(receiver.post(before), before)
    own_stage.postgres.stop(mode)
    receiver.wait_unready()
    assert_error(receiver.post(lost), 503, "unavailable")
    got = receiver.batch([lost])
    assert_error(got, 503, "unavailable")
    health = receiver.health()
    assert health.status == 503 and health.json["status"] == "unhealthy"
    assert receiver.get("/livez").status == 200
    own_stage.postgres.start()
    receiver.wait_ready()
    assert receiver.health().status == 200
    assert_stored(receiver.post(after), after)
    assert_stored(receiver.post(lost), lost)
    assert check_chain(receiver.database) == 3


@pytest.mark.slow
def test_a_database_machine_that_vanishes_costs_one_deadline(own_stage, maker):
    """Frozen, not closed: nothing resets the connection."""
    receiver = own_stage.receiver(ALPINE_REQUEST_TIMEOUT=2)
    signal = maker.signal()
    own_stage.postgres.freeze()
    try:
        watch = Stopwatch()
        assert_error(receiver.post(signal), 503, "unavailable")
        assert watch.running < 8
        assert receiver.get("/livez").status == 200
        receiver.wait_unready()
    finally:
        own_stage.postgres.thaw()
    receiver.wait_ready()
    assert receiver.post(signal).status in (201, 409)
    assert receiver.database.stored() == [(signal["signal_id"], signal["sha256"])]


def _is_alive(connection):
    connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection.answer().status == 200


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("open_before", [True, False])
def test_a_thread_that_waits_for_the_database_keeps_no_other_client_waiting(stage, maker, threads, open_before):
    """An HTTP thread may store what its only client sends, and is held up with it. It has to be its only client, and
    there has to be another thread for those who come."""
    receiver = stage.receiver(ALPINE_HTTP_THREADS=threads)
    posts, signals = Posts(receiver), maker.signals(3)
    with contextlib.ExitStack() as stack:
        def connect():
            return [stack.enter_context(RawConnection(receiver.port, limit=4)) for _ in range(20)]

        others = connect() if open_before else []
        assert all(map(_is_alive, others))
        with Locked(receiver.database) as lock:
            for signal in signals:
                posts.post(signal)
                lock.wait_waiting()
            assert all(map(_is_alive, others or connect()))
            assert not posts.answers
        posts.wait()
    assert {answer.status for answer in posts.answers.values()} == {201}


@pytest.mark.slow
def test_a_receiver_that_starts_before_its_database_waits_for_it(own_stage, maker):
    database = own_stage.database()
    own_stage.postgres.stop()
    receiver = own_stage.receiver(database, start=False)
    receiver.start()
    wait_for(lambda: _livez(receiver), 10, "to be alive")
    assert not receiver.ready()
    own_stage.postgres.start()
    receiver.wait_ready()
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)


def _livez(receiver):
    try:
        return receiver.get("/livez").status == 200
    except OSError:
        return False


def test_an_idle_connection_that_ends_is_noticed_at_once(stage):
    """Not by the next probe, which is up to a second away."""
    receiver = stage.receiver()

    def notice():
        receiver.wait_ready()
        before, watch = receiver.log().count("Database unavailable"), Stopwatch()
        receiver.database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                " WHERE datname = current_database() AND pid <> pg_backend_pid()")
        receiver.wait_log("Database unavailable", times=before + 1)
        return watch.passed

    assert min(notice() for _ in range(4)) < 0.5


def test_a_backend_that_is_terminated_costs_at_most_a_503(stage, maker):
    receiver = stage.receiver()
    for signal in maker.signals(5):
        receiver.database.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()")
        wait_for(lambda signal=signal: receiver.post(signal).status in (201, 409), 20, "the signal to be stored")
    assert check_chain(receiver.database) == 5


@pytest.mark.slow
def test_a_role_that_lost_its_right_to_insert_is_unready_and_503(stage, maker):
    receiver = stage.receiver()
    receiver.database.query("REVOKE INSERT ON signals FROM alpine_app", role="alpine_owner")
    assert_error(receiver.post(maker.signal()), 503, "unavailable")
    receiver.wait_unready()
    assert receiver.health().status == 503
    receiver.database.allow_receiver()
    receiver.wait_ready()
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)


@pytest.mark.slow
def test_a_database_that_cannot_write_stays_unready_until_a_write_works(stage, maker):
    receiver = stage.receiver()
    receiver.database.query("""
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION full_disk()""",
                            role="alpine_owner")
    assert_error(receiver.post(maker.signal()), 503, "unavailable")
    receiver.wait_unready()
    stays(lambda: not receiver.ready() and receiver.health().status == 503, 3, "it cannot write, and must not say so")
    receiver.database.query("DROP TRIGGER full_disk ON signals", role="alpine_owner")
    receiver.wait_ready()
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)
    assert len(receiver.database.stored()) == 1, "a trial leaves no row"


def test_a_database_that_became_read_only_is_unready_and_503(stage, maker):
    receiver = stage.receiver()
    stage.postgres.sql(f"ALTER DATABASE {receiver.database.name} SET default_transaction_read_only = on")
    receiver.database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()")
    receiver.wait_unready()
    assert receiver.health().status == 503
    assert_error(receiver.post(maker.signal()), 503, "unavailable")
    stage.postgres.sql(f"ALTER DATABASE {receiver.database.name} SET default_transaction_read_only = off")
    receiver.database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()")
    receiver.wait_ready()
    signal = maker.signal()
    # The connection that made it ready may be one that was just terminated: then the first answer is 503.
    wait_for(lambda: receiver.post(signal).status in (201, 409), 10, "the signal to be stored")
