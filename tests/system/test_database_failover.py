"""Several hosts in DATABASE_URL: the one that takes writes is found, whatever the others do, and found anew."""

import os
import threading

import pytest

from support.answers import assert_error, assert_stored
from support.chain import check_chain
from support.paths import BUILD
from support.pgbouncer import PgBouncer
from support.postgres import OWNER
from support.recovery import RECOVERY_LIMIT, assert_recovers, wait_takes_writes
from support.stage import Stage
from support.standby import Pair
from support.waiting import Stopwatch, stays, wait_for

pytestmark = pytest.mark.slow

NAME = "alpine"


@pytest.fixture(name="pair")
def fixture_pair():
    """A primary with a required standby."""
    pair = Pair(BUILD / f"test-pair-{os.getpid()}")
    yield pair
    for cluster in pair.clusters:
        if cluster.running:
            cluster.thaw()
    pair.remove()


@pytest.fixture(name="paired")
def fixture_paired(build, tmp_path, pair):
    """A stage on the pair, with its migrated database."""
    stage = Stage(build, tmp_path, pair.primary, {})
    database = pair.primary.create_database(name=NAME)
    done = stage.receiver_command("migrate", DATABASE_URL=pair.url(NAME, OWNER))
    assert done.code == 0, done
    database.allow_receiver()
    wait_for(pair.streams, 20, "the standby to have it all")
    stage.pair = pair
    yield stage
    stage.finish()


def receiver_on(stage, url=None, **settings):
    receiver = stage.receiver(url or stage.pair.url(NAME), start=False, **settings)
    return receiver.start_ready()


def back_to_front(url):
    """The same connection string with its hosts in the other order."""
    head, rest = url.split("@")
    hosts, tail = rest.split("/")
    return f"{head}@{','.join(reversed(hosts.split(',')))}/{tail}"


class Traffic:
    """Signals that are posted one after the other until each is acknowledged."""

    def __init__(self, receiver, maker):
        self.acknowledged = []
        self._receiver, self._maker = receiver, maker
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self):
        while not self._ended.is_set():
            signal = self._maker.signal()
            while self._receiver.post(signal).status not in (201, 409):
                if self._ended.wait(0.02):
                    return
            self.acknowledged.append((signal["signal_id"], signal["sha256"]))

    def wait_more(self, count=20):
        before = len(self.acknowledged)
        wait_for(lambda: len(self.acknowledged) >= before + count, 30, "signals to be stored")

    def end(self):
        self._ended.set()
        self._thread.join(60)
        return self.acknowledged


@pytest.mark.parametrize("order", ["primary first", "standby first"])
def test_the_host_that_takes_writes_is_used_wherever_it_stands(paired, maker, order):
    url = paired.pair.url(NAME)
    receiver = receiver_on(paired, url if order == "primary first" else back_to_front(url))
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)
    assert paired.pair.database(NAME).count() == 1


def test_after_a_failover_it_is_back_in_two_seconds_and_nothing_acknowledged_is_lost(paired, maker):
    receiver = receiver_on(paired, ALPINE_REQUEST_TIMEOUT=2)
    traffic = Traffic(receiver, maker)
    traffic.wait_more()
    paired.pair.primary.stop("immediate")
    receiver.wait_unready(5)
    lost = maker.signal()
    answer = receiver.post(lost)
    assert_error(answer, 503, "unavailable")
    assert answer.header("Retry-After") == "1"
    stays(lambda: not receiver.ready(), 2, "only a standby is there")
    paired.pair.fail_over()
    assert_recovers(receiver, [lost], wait_takes_writes(paired.pair.database(NAME)))
    traffic.wait_more()
    acknowledged = traffic.end()
    stored = paired.pair.database(NAME).stored()
    assert set(acknowledged) <= set(stored), "what was answered 201 is on the standby"
    assert len(stored) == len(set(stored))
    assert check_chain(paired.pair.database(NAME)) == len(stored)


def test_a_primary_that_hangs_does_not_keep_the_new_one_from_being_found(paired, maker):
    """Frozen: its kernel still accepts connections, and nobody answers on them."""
    receiver = receiver_on(paired, ALPINE_REQUEST_TIMEOUT=2)
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)
    old = paired.pair.primary
    old.freeze()
    lost = maker.signal()
    assert_error(receiver.post(lost), 503, "unavailable")
    receiver.wait_unready(5)
    stays(lambda: not receiver.ready(), 4, "one host hangs, the other is a standby")
    paired.pair.primary, paired.pair.standby = paired.pair.standby.promote(), None
    assert_recovers(receiver, [lost, maker.signal()], wait_takes_writes(paired.pair.database(NAME)))
    old.thaw()
    old.stop("immediate")
    assert check_chain(paired.pair.database(NAME)) == 3


@pytest.mark.parametrize("program", ["serve", "check", "migrate"])
def test_a_silent_first_host_does_not_hold_up_a_start(paired, maker, program):
    url = back_to_front(paired.pair.url(NAME, OWNER if program == "migrate" else "alpine_app"))
    paired.pair.primary.require_standby(False)
    paired.pair.standby.freeze()
    watch = Stopwatch()
    if program == "serve":
        receiver = receiver_on(paired, url)
        signal = maker.signal()
        assert_stored(receiver.post(signal), signal)
    else:
        done = paired.receiver_command(program, DATABASE_URL=url, EXTERNAL_SIGNAL_API_KEY="k" * 64)
        assert done.code == 0, done
    assert watch.running < 2 * RECOVERY_LIMIT
    paired.pair.standby.thaw()


def test_a_primary_that_comes_back_as_a_standby_is_left_for_the_new_one(paired, maker):
    receiver = receiver_on(paired)
    for _ in range(2):
        paired.pair.fail_over()
        signal = maker.signal()
        assert_recovers(receiver, [signal], wait_takes_writes(paired.pair.database(NAME)))
        paired.pair.rebuild()
        wait_for(receiver.ready, 5, "to stay with the new primary")
    assert check_chain(paired.pair.database(NAME)) == 2


def test_a_standing_connection_that_leads_to_a_standby_is_noticed(paired, maker):
    """pgbouncer before the pair is pointed at the standby: the receiver's own connection never breaks."""
    pool = paired.keep(PgBouncer(paired.folder, paired.pair.primary.port.number)).start_listening()
    receiver = receiver_on(paired, pool.url(paired.pair.database(NAME)))
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)
    pool.point_at(paired.pair.standby.port.number)
    receiver.wait_unready(4)
    lost = maker.signal()
    assert_error(receiver.post(lost), 503, "unavailable")
    pool.point_at(paired.pair.primary.port.number)
    assert_recovers(receiver, [lost], Stopwatch())


# --- the standby's part in a COMMIT ---

def test_a_commit_that_no_standby_confirms_is_503_until_one_does(paired, maker):
    receiver = receiver_on(paired, ALPINE_REQUEST_TIMEOUT=2)
    paired.pair.standby.stop("immediate")
    lost = maker.signal()
    assert_error(receiver.post(lost), 503, "unavailable")
    receiver.wait_unready(3)
    stays(lambda: not receiver.ready(), 2, "a commit would wait for the standby")
    paired.pair.standby.start()
    wait_for(paired.pair.streams, 20, "the standby to be back")
    receiver.wait_ready(RECOVERY_LIMIT)
    assert receiver.post(lost).status == 409
    assert check_chain(paired.pair.database(NAME)) == 1


def test_a_row_that_is_on_the_primary_alone_is_no_duplicate_yet(paired, maker):
    """Its COMMIT was in doubt; the primary restarted, and shows it, but the standby has never seen it. To call it
    stored would be a lie as soon as the standby takes over."""
    receiver = receiver_on(paired, ALPINE_REQUEST_TIMEOUT=2)
    paired.pair.standby.stop("immediate")
    lost = maker.signal()
    assert_error(receiver.post(lost), 503, "unavailable")
    paired.pair.primary.restart("immediate")
    assert paired.pair.database(NAME).count() == 1, "it is visible now"
    receiver.wait_ready()
    assert_error(receiver.post(lost), 503, "unavailable")
    paired.pair.standby.start()
    wait_for(paired.pair.streams, 20, "the standby to be back")
    wait_for(lambda: receiver.post(lost).status == 409, 10, "the duplicate to be told")
    assert check_chain(paired.pair.database(NAME)) == 1
