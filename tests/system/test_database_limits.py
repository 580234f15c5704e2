"""PostgreSQL that is there but cannot: no connection free, no disk, too slow, read-only, in a deadlock, out of time.
503 while it lasts, readiness tells the truth, and it is over as soon as the cause is."""

import threading
import time

import psycopg2
import pytest

from support.answers import assert_error, assert_stored
from support.argo import canonical
from support.chain import check_chain
from support.locks import CHAIN_LOCK, Held
from support.pgbouncer import PgBouncer
from support.posting import Post
from support.recovery import assert_recovers, wait_takes_writes
from support.small_disk import SmallDisk
from support.statement_proxy import COMMIT, statement_proxy
from support.waiting import Stopwatch, stays, wait_for

TERMINATE = ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
             " WHERE datname = current_database() AND pid <> pg_backend_pid()")


def assert_unavailable(receiver, signal):
    """503 with a Retry-After in whole seconds that is no longer than the receiver's own pause; unready, unhealthy."""
    receiver.wait_unready()
    for answer in (receiver.post(signal), receiver.batch([signal])):
        assert_error(answer, 503, "unavailable")
        assert answer.header("Retry-After") == "1", answer
    for answer in (receiver.health(), receiver.get("/health"), receiver.get("/readyz")):
        assert answer.status == 503 and answer.header("Retry-After") == "1", answer
    assert receiver.get("/livez").status == 200


# --- out of something ---

@pytest.mark.slow
def test_out_of_connections_is_503_until_one_is_free(own_stage, maker):
    own_stage.postgres.restart(max_connections=8, superuser_reserved_connections=3)
    database = own_stage.database()
    taken = []
    with pytest.raises(psycopg2.OperationalError):
        while True:
            taken.append(database.connect("alpine_app"))
    receiver = own_stage.receiver(database, start=False)
    receiver.start()
    receiver.wait_log("Database unavailable")
    assert "53300" in receiver.log() or "connection" in receiver.log()
    lost = maker.signal()
    assert_unavailable(receiver, lost)
    stays(lambda: not receiver.ready(), 1.5, "it has no connection")
    taken.pop().close()
    assert_recovers(receiver, [lost, maker.signal()], Stopwatch())
    for connection in taken:
        connection.close()


@pytest.mark.slow
def test_a_full_disk_is_503_until_there_is_room(own_stage, maker):
    """The table is on a disk of its own, which another file fills."""
    database = own_stage.database()
    disk = own_stage.keep(SmallDisk(own_stage.postgres.folder / "small", own_stage.postgres.account, 2048))
    own_stage.postgres.sql(f"CREATE TABLESPACE small LOCATION '{disk.inside}'")
    database.query("ALTER TABLE signals SET TABLESPACE small")
    receiver = own_stage.receiver(database)
    stored = maker.signals(3)
    for signal in stored:
        assert_stored(receiver.post(signal), signal)
    disk.fill()
    lost = maker.signals(300)
    assert_error(receiver.batch(lost), 503, "unavailable")
    assert "53100" in receiver.log()
    assert database.count() == 3, "nothing half"
    assert_unavailable(receiver, lost[0])
    stays(lambda: not receiver.ready(), 3, "it cannot write, and must not say so")
    disk.make_room()
    assert_recovers(receiver, [maker.signal()], wait_takes_writes(database))
    assert receiver.batch(lost).json["stored"] == 300
    assert check_chain(database) == 304
    receiver.stop()
    database.query("ALTER TABLE signals SET TABLESPACE pg_default")
    own_stage.postgres.sql("DROP TABLESPACE small")


@pytest.mark.slow
def test_a_statement_that_takes_longer_than_the_deadline_is_503(stage, maker):
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=1)
    receiver.database.query("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(4); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION slow()""", role="alpine_owner")
    lost = maker.signal()
    watch = Stopwatch()
    assert_error(receiver.post(lost), 503, "unavailable")
    assert watch.running < 3
    assert_unavailable(receiver, lost)
    stays(lambda: not receiver.ready(), 1.5, "a write would take too long")
    receiver.database.query("DROP TRIGGER slow ON signals", role="alpine_owner")
    assert_recovers(receiver, [maker.signal()], Stopwatch())
    assert receiver.post(lost).status in (201, 409)
    assert check_chain(receiver.database) == 2


@pytest.mark.slow
def test_a_lock_that_lasts_makes_it_unready_until_it_is_gone(stage, maker):
    """Somebody holds the table: the connection is fine, and still nothing can be written."""
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=1)
    holder = receiver.database.connect()
    holder.autocommit = False
    holder.cursor().execute("LOCK TABLE signals IN SHARE ROW EXCLUSIVE MODE")
    lost = maker.signal()
    assert_error(receiver.post(lost), 503, "unavailable")
    assert_unavailable(receiver, lost)
    stays(lambda: not receiver.ready(), 4, "a write would wait")
    holder.rollback()
    assert_recovers(receiver, [maker.signal()], Stopwatch())
    holder.close()


@pytest.mark.slow
def test_the_chain_held_by_somebody_who_hangs_makes_it_unready(stage, maker):
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=1)
    with Held(receiver.database, CHAIN_LOCK):
        assert_error(receiver.post(maker.signal()), 503, "unavailable")
        assert_unavailable(receiver, maker.signal())
        stays(lambda: not receiver.ready(), 3, "a write would wait")
    assert_recovers(receiver, [maker.signal()], Stopwatch())


@pytest.mark.slow
def test_after_a_large_batch_met_a_lock_a_database_that_is_slow_per_row_is_ready_again(stage, maker):
    """To write as much again, to try it, takes such a database longer than a trial may last."""
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=1)
    receiver.database.query("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.003); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION slow()""", role="alpine_owner")
    lost = maker.signals(1000)
    holder = receiver.database.connect()
    holder.autocommit = False
    holder.cursor().execute("LOCK TABLE signals IN SHARE ROW EXCLUSIVE MODE")
    assert_error(receiver.batch(lost), 503, "unavailable")
    receiver.wait_unready()
    holder.close()
    receiver.wait_ready(10)
    for part in (lost[:1], lost[1:50]):
        assert receiver.batch(part).json["stored"] == len(part)
    assert check_chain(receiver.database) == 50


def test_an_insert_that_was_given_up_holds_the_chain_no_longer_than_its_deadline(stage, maker):
    """The batch of the one receiver would take the database 15 seconds; the signal of the other need not wait."""
    database = stage.database()
    slow_for(database, "SLOW", 0.03)
    slow, other = stage.receiver(database, "slow", ALPINE_REQUEST_TIMEOUT=1), stage.receiver(database, "other")
    assert_error(slow.batch(maker.signals(500, symbol="SLOW")), 503, "unavailable")
    watch = Stopwatch()
    signal = maker.signal()
    wait_for(lambda: other.post(signal).status in (201, 409), 10, "the other one to store its signal")
    assert watch.running < 5, "a third of what the batch would take"
    assert database.stored() == [(signal["signal_id"], signal["sha256"])]


# --- the limits of a transaction ---

NOTE_LIMITS = """
    CREATE TABLE noted (statement interval, lock interval, idle interval, messages text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN
            INSERT INTO noted VALUES (
                current_setting('statement_timeout')::interval, current_setting('lock_timeout')::interval,
                current_setting('idle_in_transaction_session_timeout')::interval, current_setting('client_min_messages'));
            RETURN NEW;
        END $$;
    CREATE TRIGGER note AFTER INSERT ON signals FOR EACH ROW EXECUTE FUNCTION note()"""


def noted_limits(database):
    """Of the rows that were committed: their distinct limits, in seconds, and their level of messages."""
    return database.query("""
        SELECT DISTINCT extract(epoch FROM statement)::float AS statement, extract(epoch FROM lock)::float AS lock,
               extract(epoch FROM idle)::float AS idle, messages FROM noted""", role="alpine_owner")


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("kind", ["one", "several", "careful"])
def test_a_transaction_has_limits_wherever_they_come_from(stage, maker, pooled, kind):
    """The session's, or where that is a pooler's its own."""
    database = stage.database()
    database.query(NOTE_LIMITS, role="alpine_owner")
    where = database
    if pooled:
        where = stage.keep(PgBouncer(stage.folder, stage.postgres.port.number)).start_listening().url(database)
    receiver = stage.receiver(where, ALPINE_REQUEST_TIMEOUT=10)
    one, other = maker.signals(2)
    assert receiver.batch({"one": [one], "several": [one, other], "careful": [one, one]}[kind]).status == 200
    [limits] = noted_limits(database)
    assert 4 < limits["statement"] < 5 and 4 < limits["lock"] < 5
    assert limits["idle"] == 10 and limits["messages"] == "warning"


def test_a_transaction_that_begins_late_has_shorter_limits(stage, maker):
    """One signal is there already, which is found out when the chain is free; what was new goes in then."""
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=10)
    receiver.database.query(NOTE_LIMITS, role="alpine_owner")
    old, new = maker.signals(2)
    assert_stored(receiver.post(old), old)
    receiver.database.query("DELETE FROM noted", role="alpine_owner")
    with Held(receiver.database, CHAIN_LOCK) as chain:
        post = Post(receiver, old, new)
        chain.wait_waiting()
        stays(lambda: post.answer is None, 2, "it has an answer without the chain")
    assert post.wait().status == 200
    [limits] = noted_limits(receiver.database)
    assert 0 < limits["statement"] < 3.2 and 0 < limits["lock"] < 3.2


# --- the server's own time-outs ---

def slow_for(database, symbol, seconds):
    database.query(f"""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.symbol = '{symbol}' THEN PERFORM pg_sleep({seconds}); END IF; RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION slow()""", role="alpine_owner")


@pytest.mark.slow
def test_the_servers_statement_timeout_is_503_and_the_next_signal_is_stored(stage, maker):
    database = stage.database()
    stage.postgres.sql(f"ALTER DATABASE {database.name} SET statement_timeout = '300ms'")
    slow_for(database, "SLOW", 2)
    receiver = stage.receiver(database)
    watch = Stopwatch()
    assert_error(receiver.post(maker.signal(symbol="SLOW")), 503, "unavailable")
    assert watch.running < 2
    assert "57014" in receiver.log()
    receiver.wait_ready(2)
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)
    assert check_chain(database) == 1


@pytest.mark.slow
def test_a_server_that_ends_idle_connections_costs_nothing(stage, maker):
    database = stage.database()
    stage.postgres.sql(f"ALTER DATABASE {database.name} SET idle_session_timeout = '200ms'")
    receiver = stage.receiver(database)
    signals = maker.signals(4)
    for number, signal in enumerate(signals, 1):
        receiver.wait_log("Database is away", times=number)
        wait_for(lambda signal=signal: receiver.post(signal).status in (201, 409), 5, "the signal to be stored")
    assert check_chain(database) == 4


@pytest.mark.slow
def test_a_lock_timeout_is_503(stage, maker):
    """With a long deadline the transaction's own lock_timeout of 10 s comes first."""
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=60)
    signal = maker.signal()
    holder = receiver.database.connect()
    holder.autocommit = False
    holder.cursor().execute("LOCK TABLE signals IN SHARE ROW EXCLUSIVE MODE")
    watch = Stopwatch()
    assert_error(receiver.post(signal), 503, "unavailable")
    assert 8 < watch.passed and watch.running < 15
    assert "55P03" in receiver.log()
    holder.rollback()
    assert_recovers(receiver, [signal], Stopwatch())
    holder.close()


@pytest.mark.slow
def test_a_receiver_that_hangs_in_mid_transaction_does_not_hold_the_chain_for_ever(stage, maker):
    """idle_in_transaction_session_timeout ends its transaction; another one goes on, and it finds out itself."""
    database = stage.database()
    proxy = statement_proxy(stage, database)
    hanging = stage.receiver(proxy.url, "hanging", ALPINE_REQUEST_TIMEOUT=60)
    other = stage.receiver(database, "other")
    first, second = maker.signals(2)
    answers = []
    proxy.at(COMMIT, "hold")
    twice = [first, first]  # its COMMIT is a trip of its own
    thread = threading.Thread(target=lambda: answers.append(hanging.batch(twice)))
    thread.start()
    assert proxy.reached.wait(10)
    began = time.monotonic()
    wait_for(lambda: other.post(second).status in (201, 409), 30, "the other one to store its signal")
    assert time.monotonic() - began > 5, "the chain was held"
    proxy.release()
    thread.join(30)
    assert_error(answers[0], 503, "unavailable")
    wait_for(lambda: hanging.post(first).status == 201, 10, "the first signal to be stored")
    assert check_chain(database) == 2


# --- deadlocks ---

FOREIGN = """INSERT INTO signals (symbol, action, price, confidence, rationale, verification_hash, is_active, canonical)
             VALUES ('AAPL', 'BUY', 1, 0.5, 'a foreign writer', %s, true, %s)"""


@pytest.mark.slow
def test_a_deadlock_with_a_foreign_writer_is_tried_again(stage, maker):
    """It holds one row of the batch and wants another, which the receiver holds; PostgreSQL ends the receiver's
    transaction, which waited first."""
    database = stage.database()
    stage.postgres.sql(f"ALTER DATABASE {database.name} SET deadlock_timeout = '2s'")
    receiver = stage.receiver(database, ALPINE_REQUEST_TIMEOUT=60)
    signals = sorted(maker.signals(2), key=lambda signal: signal["sha256"])
    foreign = receiver.database.connect()
    foreign.autocommit = False
    cursor = foreign.cursor()
    cursor.execute("SET deadlock_timeout = '60s'")
    cursor.execute(FOREIGN, [signals[1]["sha256"], canonical(signals[1])])
    answers = []
    thread = threading.Thread(target=lambda: answers.append(receiver.batch(signals)))
    thread.start()
    wait_for(lambda: database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                    " AND datname = current_database()"), 10, "the receiver to wait for that row")
    cursor.execute(FOREIGN, [signals[0]["sha256"], canonical(signals[0])])
    foreign.rollback()
    thread.join(30)
    assert answers[0].json["stored"] == 2, answers[0]
    assert "deadlock detected" in stage.postgres.log_text()
    assert check_chain(receiver.database) == 2
    foreign.close()


# --- read-only ---

@pytest.mark.slow
def test_a_database_that_turns_read_only_under_a_standing_connection_is_noticed(own_stage, maker):
    receiver = own_stage.receiver()
    own_stage.postgres.sql("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    receiver.wait_unready(3)
    lost = maker.signal()
    assert_unavailable(receiver, lost)
    assert "read-only" in receiver.log()
    own_stage.postgres.sql("SET default_transaction_read_only = off",
                           "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
    assert_recovers(receiver, [lost, maker.signal()], wait_takes_writes(receiver.database))


# --- restarting ---

@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_after_a_restart_of_the_database_it_is_back_in_two_seconds(own_stage, maker, mode):
    receiver = own_stage.receiver()
    number = 0
    for pause in (0, 3):  # the second is long enough for the longest pause between attempts
        own_stage.postgres.stop(mode)
        lost = maker.signal()
        assert_unavailable(receiver, lost)
        stays(lambda: not receiver.ready(), pause, "there is no database")
        own_stage.postgres.start()
        assert_recovers(receiver, [lost, maker.signal()], wait_takes_writes(receiver.database))
        number += 2
    assert check_chain(receiver.database) == number


@pytest.mark.slow
def test_a_database_that_is_killed_again_and_again_loses_nothing(own_stage, maker):
    """Signals are posted all the time; what was answered 201 is there afterwards, once."""
    receiver = own_stage.receiver(ALPINE_REQUEST_TIMEOUT=2)
    acknowledged, ended = [], threading.Event()

    def work():
        while not ended.is_set():
            signal = maker.signal()
            while receiver.post(signal).status not in (201, 409) and not ended.wait(0.02):
                pass
            if not ended.is_set():
                acknowledged.append((signal["signal_id"], signal["sha256"]))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for mode in ("immediate", "fast", "immediate"):
            before = len(acknowledged)
            wait_for(lambda before=before: len(acknowledged) > before + 20, 20, "signals to be stored")
            own_stage.postgres.restart(mode)
        receiver.wait_ready()
    finally:
        ended.set()
        thread.join(30)
    stored = receiver.database.stored()
    assert set(acknowledged) <= set(stored) and len(set(stored)) == len(stored)
    assert check_chain(receiver.database) == len(stored)
