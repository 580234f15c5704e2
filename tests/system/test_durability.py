"""What is answered is on the disk, also where another receiver may go on before that: where turns are taken, COMMIT gives
the chain back at once, and a mark behind it waits for the disk. Where a standby has to confirm, the chain waits too."""

import threading

import pytest

from support.answers import assert_error, assert_stored
from support.argo import canonical
from support.chain import check_chain
from support.locks import CHAIN_LOCK, TURN_LOCK, Held, held
from support.posting import Post
from support.standby import WAITING_FOR_STANDBY, missing_standby
from support.statement_proxy import COMMIT, statement_proxy
from support.turns import make_contended
from support.waiting import stays, wait_for

pytestmark = pytest.mark.under_tsan

# Nobody else flushes what a transaction leaves in memory.
NO_HELP = {"wal_writer_delay": "10s"}

# As a receiver leaves it that has given the chain back: to be seen by everybody, and not on the disk yet.
SEEN_BEFORE_IT_IS_FLUSHED = """
    INSERT INTO signals (symbol, action, price, confidence, rationale, is_active, provider, external_signal_id,
                         verification_hash, canonical)
    VALUES ('AAPL', 'BUY', 1, 0.5, 'it was stored by another receiver', true, 'argo', %s, %s, %s)"""


@pytest.fixture(name="forgetful")
def fixture_forgetful(own_stage):
    """A stage whose PostgreSQL forgets in a crash whatever nobody waited for."""
    own_stage.postgres.restart(**NO_HELP)
    return own_stage


def crash(stage):
    """The database's processes end at once, and begin anew with what is on the disk."""
    stage.postgres.restart("immediate", **NO_HELP)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3])
def test_what_is_answered_outlives_a_crash_where_turns_are_taken(forgetful, maker, count):
    receiver = make_contended(forgetful.receiver(), maker)
    signals = maker.signals(count)
    assert receiver.batch(signals).json["stored"] == count
    crash(forgetful)
    assert check_chain(receiver.database) == 1 + count


@pytest.mark.slow
@pytest.mark.parametrize("beside", ["nothing", "a refused row"])
def test_what_is_called_a_duplicate_outlives_a_crash(forgetful, maker, beside):
    receiver = forgetful.receiver()
    signal = maker.signal()
    others = [] if beside == "nothing" else [maker.signal(symbol="REFUSED")]
    receiver.database.query("ALTER TABLE signals ADD CHECK (symbol <> 'REFUSED')")
    other = receiver.database.connect()
    other.cursor().execute("SET synchronous_commit = off")
    other.cursor().execute(SEEN_BEFORE_IT_IS_FLUSHED, [signal["signal_id"], signal["sha256"], canonical(signal)])
    other.close()
    answer = receiver.batch([signal, *others]).json
    assert (answer["duplicates"], answer["rejected"]) == (1, len(others))
    crash(forgetful)
    assert receiver.database.stored() == [(signal["signal_id"], signal["sha256"])]


@pytest.mark.slow
def test_two_receivers_lose_nothing_in_a_crash(forgetful, maker):
    database = forgetful.database()
    pair = [make_contended(forgetful.receiver(database, name), maker) for name in ("one", "other")]
    acknowledged = []
    lists = [[maker.signals(5) for _ in range(300)] for _ in range(4)]
    ended = threading.Event()

    def poster(number):
        for signals in lists[number]:
            if ended.is_set() or pair[number % 2].batch(signals).status != 200:
                return
            acknowledged.extend((signal["signal_id"], signal["sha256"]) for signal in signals)

    threads = [threading.Thread(target=poster, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(acknowledged) >= 500, 60, "a hundred batches")
    crash(forgetful)
    ended.set()
    for thread in threads:
        thread.join()
    stored = database.stored()
    assert set(acknowledged) <= set(stored) and len(set(stored)) == len(stored)
    assert check_chain(database) == len(stored)


@pytest.mark.slow
def test_who_waits_for_a_standby_keeps_the_chain(own_stage, maker):
    """And nobody sees the row before."""
    database = own_stage.database()
    receiver = make_contended(own_stage.receiver(database), maker)
    signal = maker.signal()
    with missing_standby(database):
        post = Post(receiver, signal)
        wait_for(lambda: database.value(WAITING_FOR_STANDBY) == 1, 5, "the COMMIT to wait for a standby")
        assert len(database.stored()) == 1 and held(database, CHAIN_LOCK)
        stays(lambda: post.answer is None, 0.5, "it answered before the standby had it")
    assert_stored(post.wait(), signal)
    assert check_chain(database) == 2


@pytest.mark.slow
@pytest.mark.parametrize("is_new", [True, False], ids=["a new signal", "a duplicate"])
def test_a_missing_standby_costs_the_database_one_connection(own_stage, maker, is_new):
    """Each that waits for it would be lost to everybody else for as long as it is away."""
    database = own_stage.database()
    pair = [own_stage.receiver(database, name, ALPINE_REQUEST_TIMEOUT=2) for name in ("one", "other")]
    signals = maker.signals(6)
    if not is_new:
        assert pair[0].batch(signals).json["stored"] == len(signals)
    for receiver in pair:
        make_contended(receiver, maker)
    with missing_standby(database):
        for signal in signals:
            for receiver in pair:
                assert_error(receiver.post(signal), 503, "unavailable")
        assert database.value(WAITING_FOR_STANDBY) == 1
    for receiver in pair:
        receiver.wait_ready()
    assert {receiver.post(signal).status for signal in signals for receiver in pair} <= {201, 409}
    assert check_chain(database) == len(signals) + len(pair)


@pytest.mark.slow
def test_a_mark_whose_answer_is_lost_is_503_and_the_resend_finds_the_row(stage, maker):
    database = stage.database()
    proxy = statement_proxy(stage, database)
    receiver = stage.receiver(proxy.url, ALPINE_REQUEST_TIMEOUT=4)
    receiver.database = database
    make_contended(receiver, maker)
    signal = maker.signal()
    proxy.at(COMMIT, "swallow")
    assert_error(receiver.post(signal), 503, "unavailable")
    receiver.wait_ready()
    assert receiver.post(signal).status == 409
    assert check_chain(database) == 2


MARKS_FORBIDDEN = "REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) FROM PUBLIC"


def test_who_may_write_no_mark_takes_turns_at_the_chain(stage, maker):
    """Which each keeps until its COMMIT is on the disk."""
    database = stage.database()
    database.query(MARKS_FORBIDDEN)
    pair = [make_contended(stage.receiver(database, name), maker) for name in ("one", "other")]
    with Held(database, TURN_LOCK):
        for receiver in pair:
            signal = maker.signal()
            assert_stored(receiver.post(signal), signal)
            assert receiver.post(signal).status == 409
    assert check_chain(database) == 4


def test_who_may_write_marks_no_more_goes_on_without(stage, maker):
    receiver = make_contended(stage.receiver(), maker)
    receiver.database.query(MARKS_FORBIDDEN)
    signal = maker.signal()
    assert_error(receiver.post(signal), 503, "unavailable")
    receiver.wait_ready()
    assert receiver.post(signal).status == 409
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)
    assert check_chain(receiver.database) == 3
