"""Receivers that share a database take turns: both get on, the turn is always given back, and who hangs with it does not
stop the other."""

import threading
import time

import pytest

from support.answers import assert_stored
from support.argo import seal
from support.chain import check_chain
from support.locks import CHAIN_LOCK, TURN_LOCK, Held, held
from support.turns import make_contended, post_while_held
from support.waiting import Stopwatch, wait_for

pytestmark = pytest.mark.under_tsan


# The server may give a lock in the moment in which the wait for it is over: then the statement fails, and the session
# has the lock all the same. These functions fail so every time.
LATE_AND_YET_THERE = f"""
    CREATE FUNCTION public.pg_advisory_lock(wanted bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_catalog.pg_advisory_lock(wanted);
        IF wanted = {TURN_LOCK} THEN RAISE lock_not_available; END IF;
    END $$"""


@pytest.fixture
def contended(stage, maker):
    return make_contended(stage.receiver(), maker)


def waits_for_its_turn(receiver, maker):
    """Whether it takes turns: then it cannot go on while somebody else has the turn, at first."""
    return post_while_held(receiver, maker, TURN_LOCK) == 201


def test_who_had_to_wait_takes_turns(contended, maker):
    assert waits_for_its_turn(contended, maker)


def test_the_turn_is_given_back_after_each_group(contended, maker):
    for signals in (maker.signals(1), maker.signals(7)):
        assert contended.batch(signals).json["stored"] == len(signals)
        assert not held(contended.database, TURN_LOCK)
    assert check_chain(contended.database) == 9


def test_the_turn_is_given_back_after_a_group_that_fails(contended, maker):
    known, first, second = maker.signals(3)
    assert_stored(contended.post(known), known)
    forged = seal({**maker.signal(), "symbol": "REFUSED"})
    contended.database.query("ALTER TABLE signals ADD CHECK (symbol <> 'REFUSED')")
    assert contended.batch([known, first]).json["duplicates"] == 1
    assert not held(contended.database, TURN_LOCK)
    assert contended.batch([forged, second]).json["rejected"] == 1
    assert not held(contended.database, TURN_LOCK)
    assert waits_for_its_turn(contended, maker), "it still takes turns after all that"


def test_the_turn_is_given_back_when_it_comes_too_late(stage, maker):
    database = stage.database()
    database.query(LATE_AND_YET_THERE)
    url = f"{database.url()}?options=-csearch_path%3Dpublic,pg_catalog"
    receiver = make_contended(stage.receiver(database, DATABASE_URL=url), maker)
    assert waits_for_its_turn(receiver, maker)
    assert not held(database, TURN_LOCK)
    assert check_chain(database) == 2


@pytest.mark.slow
def test_who_hangs_with_the_turn_costs_nobody_his_answer(stage, maker):
    """However short the time of a request is, some of it is left for the work itself."""
    receiver = make_contended(stage.receiver(ALPINE_REQUEST_TIMEOUT="2"), maker)
    waits = []
    with Held(receiver.database, TURN_LOCK):
        for signal in maker.signals(4):
            began = time.monotonic()
            assert_stored(receiver.post(signal), signal)
            waits.append(time.monotonic() - began)
    assert 0.3 < min(waits) < 0.8, "it waits for the turn, for half of the second that its transaction has"


def test_a_limit_of_the_roles_own_ends_the_wait_and_not_the_work(stage, maker):
    database = stage.database()
    database.query(f"ALTER DATABASE {database.name} SET statement_timeout = '400ms'")
    receiver = make_contended(stage.receiver(database), maker)
    with Held(database, TURN_LOCK):
        signal = maker.signal()
        assert_stored(receiver.post(signal), signal)
    assert not held(database, TURN_LOCK)


@pytest.mark.slow
def test_who_hangs_with_the_turn_holds_nobody_up_for_long(contended, maker):
    signal = maker.signal()
    with Held(contended.database, TURN_LOCK):
        watch = Stopwatch()
        assert_stored(contended.post(signal), signal)
        assert 0.9 < watch.passed and watch.running < 5, "it waits for a second, and then goes without the turn"
    assert check_chain(contended.database) == 2


def test_who_is_alone_again_takes_no_turns(contended, maker):
    for signal in maker.signals(20):
        assert_stored(contended.post(signal), signal)
    with Held(contended.database, TURN_LOCK):
        watch = Stopwatch()
        contended.post(maker.signal())
        assert watch.running < 0.9


def test_two_receivers_both_get_on(stage, maker):
    database = stage.database()
    pair = [stage.receiver(database, name) for name in ("one", "other")]
    counts = [0, 0]
    ended = threading.Event()

    def poster(number):
        while not ended.is_set():
            assert pair[number].batch(maker_lists[number].pop()).status == 200
            counts[number] += 1

    maker_lists = [[maker.signals(20) for _ in range(400)] for _ in pair]
    threads = [threading.Thread(target=poster, args=(number,)) for number in (0, 1, 0, 1)]
    for thread in threads:
        thread.start()
    wait_for(lambda: sum(counts) >= 300, 80, "three hundred batches")
    ended.set()
    for thread in threads:
        thread.join()
    assert min(counts) >= 75, f"neither of them starves: {counts}"
    assert not held(database, TURN_LOCK) and not held(database, CHAIN_LOCK)
    assert check_chain(database) == 20 * sum(counts)
