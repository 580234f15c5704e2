"""Behind pgbouncer in transaction mode, where no state outlives a transaction."""

import threading

import pytest

from support.answers import assert_error, assert_stored
from support.chain import check_chain
from support.pgbouncer import PgBouncer
from support.recovery import assert_recovers, wait_takes_writes
from support.waiting import Stopwatch, stays

pytestmark = pytest.mark.slow


def bouncer(stage, pool_size=1):
    return stage.keep(PgBouncer(stage.folder, stage.postgres.port.number, pool_size)).start_listening()


def receiver_behind(stage, pool, database=None, name="receiver", **settings):
    database = database or stage.database()
    receiver = stage.receiver(pool.url(database), name, **settings)
    receiver.database = database
    return receiver


@pytest.mark.parametrize("pool_size", [1, 2])
def test_receivers_share_a_pool_and_keep_one_whole_chain(stage, maker, pool_size):
    """More receivers than connections: each transaction may run on another one."""
    pool = bouncer(stage, pool_size)
    database = stage.database()
    receivers = [receiver_behind(stage, pool, database, name) for name in ("one", "two", "three")]
    work = [maker.signals(10) for _ in range(45)]
    everything = [signal for signals in work for signal in signals]
    answers = []

    def post(receiver):
        while True:
            try:
                signals = work.pop()
            except IndexError:
                return
            answers.append(receiver.batch(signals))

    threads = [threading.Thread(target=post, args=[receiver]) for receiver in receivers for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {200}
    assert sum(answer.json["stored"] for answer in answers) == 450
    assert database.stored() == sorted((signal["signal_id"], signal["sha256"]) for signal in everything)
    assert check_chain(database) == 450


def test_single_signals_duplicates_conflicts_and_refusals_work(stage, maker):
    receiver = receiver_behind(stage, bouncer(stage))
    receiver.database.query("""
        CREATE FUNCTION picky() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.symbol = 'PNY' THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER picky BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION picky()""", role="alpine_owner")
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)
    assert receiver.post(signal).status == 409
    assert receiver.post(maker.signal(signal_id=signal["signal_id"])).json["status"] == "conflict"
    assert receiver.post(maker.signal(), "?dry_run=true").status == 200
    batch = [maker.signal(symbol="PNY" if at % 3 == 0 else "AAPL") for at in range(30)]
    assert receiver.batch(batch).json["rejected"] == 10
    assert receiver.health().status == 200
    assert check_chain(receiver.database) == 21


def test_migrations_run_through_it(stage):
    pool = bouncer(stage)
    database = stage.bare_database()
    for _ in range(2):
        done = stage.receiver_command("migrate", DATABASE_URL=pool.url(database, "alpine_owner"))
        assert done.code == 0, done


def test_a_pgbouncer_that_restarts_is_503_and_it_is_back_in_two_seconds(stage, maker):
    pool = bouncer(stage)
    receiver = receiver_behind(stage, pool)
    pool.kill9()
    receiver.wait_unready()
    lost = maker.signal()
    assert_error(receiver.post(lost), 503, "unavailable")
    pool.start_listening()
    assert_recovers(receiver, [lost, maker.signal()], Stopwatch())
    assert check_chain(receiver.database) == 2


def test_a_database_that_restarts_behind_pgbouncer_is_503_and_it_is_back_in_two_seconds(own_stage, maker):
    """pgbouncer itself answers all the time."""
    receiver = receiver_behind(own_stage, bouncer(own_stage), ALPINE_REQUEST_TIMEOUT=4)
    own_stage.postgres.stop("immediate")
    lost = maker.signal()
    assert_error(receiver.post(lost), 503, "unavailable")
    receiver.wait_unready()
    stays(lambda: not receiver.ready(), 2, "there is no database")
    own_stage.postgres.start()
    assert_recovers(receiver, [lost, maker.signal()], wait_takes_writes(receiver.database))
    assert check_chain(receiver.database) == 2


def test_a_pool_without_a_free_connection_is_503(stage, maker):
    """Another client of the pool sits in a transaction."""
    pool = bouncer(stage)
    receiver = receiver_behind(stage, pool, ALPINE_REQUEST_TIMEOUT=2)
    import psycopg2  # pylint: disable=import-outside-toplevel
    other = psycopg2.connect(pool.url(receiver.database))
    other.cursor().execute("SELECT 1")
    lost = maker.signal()
    assert_error(receiver.post(lost), 503, "unavailable")
    receiver.wait_unready()
    other.close()
    assert_recovers(receiver, [lost], Stopwatch())
