"""A kill at every system call of one delivery, on either end: afterwards nothing is lost, nothing doubled.

support/strace.py says what is counted. The sender is killed from its first call to its last, those of the dynamic
loader included; the receiver at every call that a batch costs any of its threads."""

import itertools
import json
from http.client import HTTPException
from pathlib import Path

import pytest

from support import http
from support.argo import Argo, Maker, pairs, sha256
from support.chain import check_chain
from support.receiver import PREFIX
from support.sender import Sender
from support.strace import calls_in, every_call, run_killed, run_traced, traced_thread
from support.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.one_build]

BATCH = 12


class Rows:
    """Alpine's table, asked over one connection."""

    def __init__(self, stage, database):
        self._connection = database.connect()
        stage.keep(self)

    def of(self, signals):
        """What is stored of these, as argo.pairs() shows them."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT external_signal_id, verification_hash FROM signals"
                           " WHERE external_signal_id = ANY(%s)", [[signal["signal_id"] for signal in signals]])
            return sorted(cursor.fetchall())

    def finish(self):
        self._connection.close()


def check_rows(database):
    """Each row verifies by plain SQL, and the chain is whole."""
    wrong = database.query("SELECT id FROM signals WHERE canonical IS NOT NULL"
                           " AND encode(sha256(convert_to(canonical, 'UTF8')), 'hex') <> verification_hash")
    assert not wrong
    check_chain(database)


# --- the sender ---

class Delivery:
    """A batch that waits in Argo's files, and the sender that is to deliver it. Two of the signals cannot go: one
    verifies in no form, the other's id is taken; each must be one dead letter."""

    def __init__(self, stage, receiver, taken, number, with_log, state_is_used):
        folder = stage.folder / f"delivery-{number}"
        self.argo = Argo(folder, seed=number)
        self.argo.connection.execute("PRAGMA synchronous=OFF")  # it is not Argo's computer that fails here
        log = {"ARGO_SIGNALS_LOG": self.argo.log} if with_log else {}
        self.sender = Sender(stage.build, folder, receiver.url, self.argo.database, ALPINE_RETRY_FIRST=0.01, **log)
        self.good = []
        if state_is_used:
            self.good += self.argo.write(1)
            self.sender.sync()
        waiting = self.argo.maker.signals(BATCH)
        waiting[4]["sha256"] = sha256(waiting[4]["signal_id"])
        waiting[8] = self.argo.maker.signal(signal_id=taken["signal_id"])
        self.argo.emit(waiting)
        self.bad = [waiting[4], waiting[8]]
        self.good += [signal for signal in waiting if signal not in self.bad]

    @property
    def command(self):
        return [self.sender.program, "sync"]

    def traced(self):
        return run_traced(self.command, self.sender.settings, self.sender.folder)

    def killed_at(self, call):
        return run_killed(call, self.command, self.sender.settings, self.sender.folder)

    def check(self, rows, watcher):
        """After the next run everything is where it belongs, and one more run has nothing to do."""
        self.sender.sync(code=3)
        assert rows.of(self.good) == pairs(self.good)
        assert not rows.of(self.bad[:1])
        self.check_state()
        again = self.sender.command("sync", ALPINE_API_URL=watcher.url)
        assert again.code == 3, again
        assert not watcher.posts, "what was answered was sent again"

    def check_state(self):
        assert sorted(letter["signal_id"] for letter in self.sender.dead()) == sorted(
            signal["signal_id"] for signal in self.bad)
        status = self.sender.status()
        assert (status["delivered"], status["pending"], status["dead"]) == (len(self.good), 0, len(self.bad)), status


@pytest.mark.parametrize("with_log, state_is_used", [(True, False), (False, True)],
                         ids=["first delivery, with the log", "later delivery"])
def test_the_sender_killed_at_every_system_call(stage, with_log, state_is_used):
    receiver, watcher = stage.receiver(), stage.fake_receiver()
    rows = Rows(stage, receiver.database)
    taken = Maker(0).signal()
    assert receiver.post(taken).status == 201
    seeds = itertools.count(1)

    def deliver(act):
        """Act on a fresh delivery and check what came of it; what the act gave."""
        delivery = Delivery(stage, receiver, taken, next(seeds), with_log, state_is_used)
        given = act(delivery)
        delivery.check(rows, watcher)
        delivery.argo.finish()
        return given

    def hits(call):
        try:
            return deliver(lambda delivery: delivery.killed_at(call))
        except AssertionError as complaint:
            raise AssertionError(f"killed at {call}: {complaint}") from complaint

    calls = deliver(Delivery.traced)
    assert {"connect", "sendto", "fdatasync", "exit_group"} <= set(calls), calls
    hit = every_call(calls, hits, workers=2)
    assert hit >= 0.95 * calls.total(), f"{hit} of {calls.total()} calls were hit"
    check_rows(receiver.database)


# --- the receiver ---

class Posting:
    """Posts batches to a receiver of which one thread is watched. One signal of each batch is refused, one is there
    already."""

    def __init__(self, stage, receiver):
        self.receiver = receiver
        self.rows = Rows(stage, receiver.database)
        self.thread = 0  # which one, in the order of their making
        self.maker = Maker(1)
        self.known = self.maker.signal()
        assert receiver.post(self.known).status == 201

    def batch(self):
        signals = self.maker.signals(BATCH)
        signals[3] = {**signals[3], "sha256": sha256("something else")}
        signals[6] = self.known
        return signals

    def post_under(self, signals, *options):
        """Post while strace has the thread: the answer, None when there was none. What a receiver says is stored must
        be there as soon as it says so."""
        thread = threads_of(self.receiver.pid)[self.thread]
        with traced_thread(thread, options):
            answer = self._post(signals)
            if answer is not None:
                self.check(signals, answer)
            wait_for(lambda: not self.receiver.running or is_idle(thread), 20, "the thread to come to rest")
        return answer

    def _post(self, signals):
        """One request, up to where the receiver has closed the connection."""
        body = "".join(json.dumps(signal) + "\n" for signal in signals)
        head = self.receiver.head("POST", f"{PREFIX}/batch", f"Content-Type: {http.NDJSON}", "Connection: close",
                                  f"Content-Length: {len(body.encode())}")
        try:
            with http.RawConnection(self.receiver.port, limit=20) as connection:
                answer = connection.send(f"{head}\r\n{body}").answer()
                connection.is_closed()
                return answer
        except (OSError, HTTPException):
            return None

    def check(self, signals, answer):
        assert answer.status == 200, answer
        statuses = [result["status"] for result in answer.json["results"]]
        assert statuses.pop(6) == "duplicate" and statuses.pop(3) == "rejected", answer
        assert set(statuses) <= {"success", "duplicate"}, answer
        good = signals[:3] + signals[4:]
        assert self.rows.of(good) == pairs(good)
        assert not self.rows.of(signals[3:4])

    def hits(self, call):
        """Whether a receiver that gets a batch comes to this call and ends there. Then the batch is sent again."""
        signals = self.batch()
        self.post_under(signals, "-o", "/dev/null", *call.options)
        hit = not self.receiver.running
        if hit:
            self.receiver.wait()
            self.receiver.start_ready()
        try:
            self.check(signals, self.receiver.batch(signals))
        except AssertionError as complaint:
            raise AssertionError(f"thread {self.thread} killed at {call}: {complaint}") from complaint
        return hit


def threads_of(pid):
    return sorted(int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir())


def is_idle(thread):
    """Whether a thread waits in the kernel, and does so a little later too."""
    def state():
        try:
            return Path(f"/proc/{thread}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return "gone"
    return all(state() == "S" for _ in range(50))


def test_the_receiver_killed_at_every_system_call_of_a_batch(stage):
    receiver = stage.receiver(ALPINE_HTTP_THREADS=1)  # one, so that it is known which of them gets the batch
    posting = Posting(stage, receiver)
    trace = stage.folder / "trace"
    hit = []
    for thread in range(len(threads_of(receiver.pid))):
        posting.thread = thread
        assert posting.post_under(posting.batch(), "-o", trace) is not None
        hit.append(every_call(calls_in(trace), posting.hits))
    # The committer has to talk to PostgreSQL and to the log, a thread of libmicrohttpd to the client.
    assert len([count for count in hit if count >= 10]) >= 2 and sum(hit) >= 40, hit
    check_rows(receiver.database)
