"""The answer comes after the COMMIT and never before; a COMMIT in doubt is 503, and the resend finds the row."""

from signal import SIGCONT, SIGSTOP

import pytest

from support.answers import assert_error, assert_stored
from support.chain import check_chain
from support.locked import Locked
from support.locks import CHAIN_LOCK, Held
from support.postgres import APP, OWNER
from support.posting import Post
from support.standby import CANCEL_WAITING, WAITING_FOR_STANDBY, missing_standby
from support.statement_proxy import COMMIT, INSERT, statement_proxy
from support.waiting import stays, wait_for

pytestmark = pytest.mark.under_tsan


@pytest.fixture(name="proxied")
def fixture_proxied(stage):
    """A receiver with a proxy between it and its database."""
    database = stage.database()
    proxy = statement_proxy(stage, database)
    receiver = stage.receiver(proxy.url, ALPINE_REQUEST_TIMEOUT=4)
    receiver.database, receiver.proxy = database, proxy
    return receiver


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_the_answer_waits_for_the_commit(own_stage, maker, count):
    """Which waits for a standby that does not come, while the INSERT of several was answered long ago."""
    receiver = own_stage.receiver()
    signals = maker.signals(count)
    with missing_standby(receiver.database):
        post = Post(receiver, *signals)
        wait_for(lambda: receiver.database.value(WAITING_FOR_STANDBY), 5, "the COMMIT to wait for a standby")
        stays(lambda: post.answer is None, 0.5, "it answered before the COMMIT")
        assert receiver.database.stored() == [], "nobody sees a row yet"
    assert post.wait().status == (201 if count == 1 else 200)
    assert set(receiver.database.stored()) == {(signal["signal_id"], signal["sha256"]) for signal in signals}


def test_the_answer_waits_for_a_commit_that_is_a_trip_of_its_own(proxied, maker):
    signal = maker.signal()
    proxied.proxy.at(COMMIT, "hold")
    post = Post(proxied, signal, signal)
    assert proxied.proxy.reached.wait(10)
    stays(lambda: post.answer is None, 0.5, "it answered before the COMMIT")
    assert proxied.database.stored() == [], "nobody sees the row yet"
    proxied.proxy.release()
    assert [result["status"] for result in post.wait().json["results"]] == ["success", "duplicate"]
    assert proxied.database.stored() == [(signal["signal_id"], signal["sha256"])]


@pytest.mark.slow
def test_another_receiver_waits_for_its_turn_at_the_chain(stage, maker):
    """Both have other signals, so no row of the one stands in the way of the other: only the chain does."""
    database = stage.database()
    receivers = [stage.receiver(database, name) for name in ("one", "other")]
    signals = maker.signals(2)
    with Locked(database) as table:
        posts = [Post(receivers[0], signals[0])]
        table.wait_waiting()
        posts.append(Post(receivers[1], signals[1]))
        wait_for(lambda: database.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"),
                 10, "the other one to wait for the chain")
    for post, signal in zip(posts, signals):
        assert_stored(post.wait(), signal)
    assert check_chain(database) == 2


class Usual:
    """A signal that is new: its transaction is sent in one piece."""

    @staticmethod
    def post(receiver, signal):
        return receiver.post(signal)


class Careful:
    """A batch that holds it twice: each statement of its transaction is a trip of its own."""

    @staticmethod
    def post(receiver, signal):
        return receiver.batch([signal, signal])


WAYS = pytest.mark.parametrize("way", [Usual, Careful])


NOTE_HOW_IT_COMMITS = """
    CREATE TABLE noted (how text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$;
    CREATE TRIGGER note AFTER INSERT ON signals FOR EACH ROW EXECUTE FUNCTION note();
    """


@pytest.mark.parametrize("default, how", [("off", "on"), ("local", "on"), ("on", "on"), ("remote_apply", "remote_apply")])
def test_a_commit_waits_for_the_disk_whatever_the_databases_default_is(stage, maker, default, how):
    database = stage.database()
    stage.postgres.sql(f"ALTER DATABASE {database.name} SET synchronous_commit = {default}")
    database.query(NOTE_HOW_IT_COMMITS, role=OWNER)
    signal = maker.signal()
    assert_stored(stage.receiver(database).post(signal), signal)
    assert database.query("SELECT how FROM noted", role=OWNER) == [{"how": how}]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("default, other", [("on", "off"), ("remote_apply", "on"), ("off", "local")])
def test_a_commit_waits_as_it_was_to_when_its_transaction_began(own_stage, maker, default, other, count):
    """A reload of the server's configuration takes effect between two statements."""
    postgres, database = own_stage.postgres, own_stage.database()

    def set_default(value):
        postgres.sql(f"ALTER SYSTEM SET synchronous_commit = {value}")
        postgres.sql("SELECT pg_reload_conf()")
        wait_for(lambda: database.value("SHOW synchronous_commit") == value, 10, f"{value} to be the default")

    set_default(default)
    database.query(NOTE_HOW_IT_COMMITS, role=OWNER)
    receiver = own_stage.receiver(database)
    with Held(database, CHAIN_LOCK) as chain:
        post = Post(receiver, *maker.signals(count))
        chain.wait_waiting()
        set_default(other)
    assert post.wait().status in (200, 201)
    noted = {row["how"] for row in database.query("SELECT how FROM noted", role=OWNER)}
    assert noted == {"remote_apply" if default == "remote_apply" else "on"}


@pytest.mark.slow
@WAYS
@pytest.mark.parametrize("loss", ["swallow", "silence"])
def test_a_commit_in_doubt_is_503_and_the_resend_finds_the_row(proxied, maker, loss, way):
    """The row is there, but the connection was lost (or fell silent) while the COMMIT ran."""
    signal = maker.signal()
    proxied.proxy.at(COMMIT, loss)
    assert_error(way.post(proxied, signal), 503, "unavailable")
    wait_for(lambda: proxied.database.stored() == [(signal["signal_id"], signal["sha256"])], 5, "the row")
    proxied.wait_ready()
    again = proxied.post(signal)
    assert again.status == 409 and again.json["signal_id"] == proxied.database.signal(signal["signal_id"])["id"]
    assert proxied.database.stored() == [(signal["signal_id"], signal["sha256"])]


def test_a_batch_whose_commit_is_in_doubt_is_503_and_all_of_it_is_found(proxied, maker):
    signals = maker.signals(50)
    proxied.proxy.at(COMMIT, "swallow")
    assert_error(proxied.batch(signals), 503, "unavailable")
    proxied.wait_ready()
    again = proxied.batch(signals).json
    assert (again["stored"], again["duplicates"], again["rejected"]) == (0, 50, 0)
    assert check_chain(proxied.database) == 50


@WAYS
@pytest.mark.parametrize("marker", [INSERT, COMMIT], ids=["insert", "commit"])
@pytest.mark.parametrize("loss", ["drop", "cut"])
def test_a_connection_dropped_in_mid_statement_is_503_and_no_row(proxied, maker, marker, loss, way):
    signal = maker.signal()
    proxied.proxy.at(marker, loss)
    assert_error(way.post(proxied, signal), 503, "unavailable")
    assert proxied.database.stored() == []
    proxied.wait_ready()
    assert_stored(proxied.post(signal), signal)
    assert check_chain(proxied.database) == 1


def test_an_insert_whose_answer_is_lost_is_503_and_no_row(proxied, maker):
    signal = maker.signal()
    proxied.proxy.at(INSERT, "swallow")
    assert_error(Careful.post(proxied, signal), 503, "unavailable")
    proxied.wait_ready()
    assert proxied.database.stored() == []
    assert_stored(proxied.post(signal), signal)


def test_a_backend_terminated_before_its_commit_is_503_and_no_row(proxied, maker):
    signal = maker.signal()
    proxied.proxy.at(COMMIT, "hold")
    post = Post(proxied, signal, signal)
    assert proxied.proxy.reached.wait(10)
    proxied.database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                           " WHERE datname = current_database() AND pid <> pg_backend_pid()")
    proxied.proxy.release()
    assert_error(post.wait(), 503, "unavailable")
    assert proxied.database.stored() == []
    proxied.wait_ready()
    assert_stored(proxied.post(signal), signal)


# A group of several is answered in two pieces, a group of one in one.
ONE_AND_SEVERAL = pytest.mark.parametrize("count", [1, 2])


@pytest.mark.slow
@ONE_AND_SEVERAL
@pytest.mark.parametrize("level", ["notice", "error"])
def test_a_commit_whose_wait_for_a_standby_is_cancelled_is_503(own_stage, maker, level, count):
    """PostgreSQL says COMMIT all the same, and tells by a warning alone that no standby has the row. A role that wants
    to hear no warnings changes nothing."""
    own_stage.postgres.sql(f"ALTER ROLE {APP} SET client_min_messages = {level}")
    receiver = own_stage.receiver(ALPINE_REQUEST_TIMEOUT=25)
    signals = maker.signals(count)
    with missing_standby(receiver.database):
        post = Post(receiver, *signals)
        wait_for(lambda: receiver.database.value(CANCEL_WAITING), 5, "the COMMIT to wait for a standby")
        assert_error(post.wait(), 503, "unavailable")
    receiver.wait_ready()
    assert receiver.batch(signals).json["duplicates"] == count
    assert sorted(receiver.database.stored()) == sorted((signal["signal_id"], signal["sha256"]) for signal in signals)


@pytest.mark.slow
@ONE_AND_SEVERAL
def test_a_warning_that_comes_together_with_the_inserts_answer_is_heard(own_stage, maker, count):
    """The receiver slept meanwhile, and finds both in one piece."""
    receiver = own_stage.receiver(ALPINE_REQUEST_TIMEOUT=25)
    signals = maker.signals(count)
    with missing_standby(receiver.database):
        holder = receiver.database.connect()
        holder.autocommit = False
        holder.cursor().execute(f"SELECT pg_advisory_xact_lock({CHAIN_LOCK})")
        post = Post(receiver, *signals)
        wait_for(lambda: receiver.database.value("SELECT count(*) FROM pg_locks WHERE NOT granted"), 10, "its turn")
        receiver.signal(SIGSTOP)
        holder.close()
        wait_for(lambda: receiver.database.value(CANCEL_WAITING), 5, "the COMMIT to wait for a standby")
        wait_for(lambda: not receiver.database.value(WAITING_FOR_STANDBY), 5, "the COMMIT to be over")
        receiver.signal(SIGCONT)
        assert_error(post.wait(), 503, "unavailable")
    receiver.wait_ready()
    assert receiver.batch(signals).json["duplicates"] == count


@pytest.mark.parametrize("change", ["ALTER COLUMN id TYPE bigint", "ALTER COLUMN verification_hash TYPE varchar(70)"])
def test_a_table_that_is_altered_while_it_runs_costs_a_moment(stage, maker, change):
    """What was prepared does not fit any more; a new connection prepares it anew."""
    receiver = stage.receiver()
    assert_stored(receiver.post(first := maker.signal()), first)
    receiver.database.query(f"ALTER TABLE signals {change}", role=OWNER)
    late = maker.signal()
    wait_for(lambda: receiver.post(late).status == 201, 3, "the next signal to be stored")
    assert check_chain(receiver.database) == 2
