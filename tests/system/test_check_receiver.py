"""alpine-receiver check: each item as it passes, warns and fails, against real databases and roles. Not under
ThreadSanitizer: names are looked up by a thread of glibc's own (getaddrinfo_a), which it does not know."""

import socket
import time

import pytest

from support.checked import Checked
from support.elsewhere import BlackHole, SilentNameServer, run_with_file
from support.pgbouncer import PgBouncer
from support.ports import take_port
from support.postgres import APP, OWNER
from support.receiver import KEY
from support.shifted_clock import ShiftedClock

LIMIT = 15.0  # seconds that a check takes at most, whatever hangs
PASSWORD = "a-database-password"


@pytest.fixture(name="port")
def fixture_port():
    """One that nothing listens on."""
    port = take_port()
    yield port.number
    port.release()


@pytest.fixture(name="check")
def fixture_check(stage, port):
    """Runs a check for which everything passes, but for what is given."""
    def run(database=None, **settings):
        given = {"DATABASE_URL": database.url() if database else None, "EXTERNAL_SIGNAL_API_KEY": KEY,
                 "ALPINE_LISTEN": f"127.0.0.1:{port}", **settings}
        begun = time.monotonic()
        checked = Checked(stage.receiver_command("check", "--json", **given))
        assert time.monotonic() - begun < LIMIT
        return checked
    return run


# --- as a whole ---

def test_everything_passes(stage, check):
    checked = check(stage.database()).others_pass()
    checked.expect("DATABASE_URL", "pass", "(secret)", "environment")
    for item in ("api key", "listen", "dns", "database", "database version", "primary", "durability", "clock", "schema",
                 "role", "write"):
        checked.expect(item, "pass")


def test_it_runs_beside_the_service_and_stores_nothing(stage, check):
    receiver = stage.receiver()
    checked = check(receiver.database, ALPINE_LISTEN=receiver.settings["ALPINE_LISTEN"]).others_pass()
    checked.expect("listen", "pass", "in use by a receiver")
    assert receiver.database.count() == 0 and receiver.ready()


def test_a_missing_setting_is_78(check):
    checked = check(None)
    checked.expect("DATABASE_URL", "fail", "DATABASE_URL_FILE").lacks("database")
    assert checked.code == 78


# --- keys, files, address ---

def test_keys_that_are_short_or_equal(stage, check):
    database = stage.database()
    check(database, EXTERNAL_SIGNAL_API_KEY="short").expect("api key", "warn", "keygen").others_pass("api key")
    checked = check(database, EXTERNAL_SIGNAL_API_KEY_NEXT="short")
    checked.expect("next api key", "warn", "keygen").others_pass("next api key")
    checked = check(database, EXTERNAL_SIGNAL_API_KEY_NEXT=KEY)
    checked.expect("next api key", "warn", "EXTERNAL_SIGNAL_API_KEY").others_pass("next api key")
    check(database, EXTERNAL_SIGNAL_API_KEY_NEXT=KEY[::-1]).expect("next api key", "pass").others_pass()


def test_a_secret_that_others_can_read(stage, check):
    database = stage.database()
    url = stage.folder / "database-url"
    url.write_text(database.url())
    for mode, verdict in ((0o600, "pass"), (0o644, "warn")):
        url.chmod(mode)
        checked = check(None, DATABASE_URL_FILE=url)
        checked.expect("DATABASE_URL file", verdict, str(url)).others_pass("DATABASE_URL file")


@pytest.mark.slow
def test_an_address_that_is_taken(stage, check, port):
    with socket.create_server(("127.0.0.1", port)):
        checked = check(stage.database())
        checked.expect("listen", "fail", f"127.0.0.1:{port}", "ALPINE_LISTEN").others_pass("listen")
    checked = check(stage.database(), ALPINE_LISTEN="192.0.2.1:8001")
    checked.expect("listen", "fail", "192.0.2.1:8001").others_pass("listen")


# --- reaching the database ---

def test_a_database_that_is_not_there(check):
    checked = check(None, DATABASE_URL=f"postgresql://x:{PASSWORD}@127.0.0.1:1/x")
    checked.expect("database", "fail", "DATABASE_URL").others_pass("database").lacks("role", "schema", "write")


@pytest.mark.slow
def test_a_database_that_never_answers_is_given_up(stage, check):
    hole = stage.keep(BlackHole())
    check(None, DATABASE_URL=f"postgresql://x@127.0.0.1:{hole.port}/x").expect("database", "fail", "cannot connect")
    silent = stage.keep(_Silent())
    check(None, DATABASE_URL=f"postgresql://x@127.0.0.1:{silent.port}/x").expect("database", "fail", "no answer in time")


class _Silent:
    """Takes connections and says nothing."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def finish(self):
        self._listener.close()


def test_names_that_have_no_address(stage, check):
    checked = check(None, DATABASE_URL="postgresql://x@nothing.invalid/x")
    checked.expect("dns", "fail", "nothing.invalid", "DATABASE_URL").others_pass("dns").lacks("database")
    database = stage.database()
    url = database.url().replace("127.0.0.1:", f"nothing.invalid,127.0.0.1:{stage.postgres.port.number},")
    both = url.replace(f"{stage.postgres.port.number},{stage.postgres.port.number}", f"{stage.postgres.port.number}")
    check(None, DATABASE_URL=both).expect("dns", "warn", "nothing.invalid").expect("database", "pass")


@pytest.mark.slow
def test_a_name_server_that_hangs_does_not_hold_it_up(stage):
    server = stage.keep(SilentNameServer(stage.folder))
    begun = time.monotonic()
    done = run_with_file(server.file, "/etc/resolv.conf", stage.build / "receiver" / "alpine-receiver",
                         ["check", "--json"], {"DATABASE_URL": "postgresql://x@database.example/x",
                                               "EXTERNAL_SIGNAL_API_KEY": KEY})
    assert time.monotonic() - begun < LIMIT
    Checked(done).expect("dns", "fail", "database.example", "no name server answered").lacks("database")


def test_a_pooler_is_noticed(stage, check):
    database = stage.database()
    pool = stage.keep(PgBouncer(stage.folder, stage.postgres.port.number)).start_listening()
    check(None, DATABASE_URL=pool.url(database)).expect("database", "pass", "pooler").others_pass()


# --- what the database is ---

def test_a_database_that_takes_no_writes(stage, check):
    database = stage.database()
    database.query(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    check(database).expect("database", "fail", "DATABASE_URL").others_pass("database")
    checked = check(None, DATABASE_URL=f"{database.url()}?target_session_attrs=any")
    checked.expect("primary", "fail", "target_session_attrs").others_pass("primary").lacks("write")


def test_a_database_that_is_too_old(stage, check):
    """Played by a function that answers in the place of PostgreSQL's own."""
    database = stage.database()
    database.query("""CREATE FUNCTION public.current_setting(name text) RETURNS text LANGUAGE sql AS $$
                      SELECT CASE name WHEN 'server_version_num' THEN '120022' WHEN 'server_version' THEN '12.22'
                                       ELSE pg_catalog.current_setting(name) END $$""")
    checked = check(None, DATABASE_URL=f"{database.url()}?options=-csearch_path%3Dpublic,pg_catalog")
    checked.expect("database version", "fail", "12.22", "13").others_pass("database version").lacks("role")


def test_a_database_that_does_not_flush(own_stage, port):
    database = own_stage.database()
    given = {"DATABASE_URL": database.url(), "EXTERNAL_SIGNAL_API_KEY": KEY, "ALPINE_LISTEN": f"127.0.0.1:{port}"}
    for setting in ("fsync", "full_page_writes"):
        own_stage.postgres.restart(**{setting: "off"})
        checked = Checked(own_stage.receiver_command("check", "--json", **given))
        checked.expect("durability", "warn", f"{setting} is off").others_pass("durability")


@pytest.mark.parametrize("shift, verdict, said", [(1, "pass", "less than 2 s"), (30, "warn", "behind"),
                                                  (-30, "warn", "ahead"), (7200, "fail", "NTP")])
def test_clocks_that_are_apart(stage, check, shift, verdict, said):
    clock = ShiftedClock(stage.folder)
    clock.jump(shift)
    check(stage.database(), **clock.settings).expect("clock", verdict, said).others_pass("clock")


# --- schema and rights ---

def test_a_schema_that_lacks_migrations(stage, check):
    database = stage.database()
    database.query("DELETE FROM alpine_sync_migrations WHERE version = 3")
    checked = check(database).expect("schema", "fail", "0003_least_privilege", "alpine-receiver migrate")
    checked.others_pass("schema").lacks("role")
    database.query("DELETE FROM alpine_sync_migrations")
    check(database).expect("schema", "fail", "0001_signals_table", "0002_signal_on_the_wire", "0003_least_privilege")
    bare = stage.bare_database()
    check(None, DATABASE_URL=bare.url(OWNER)).expect("schema", "fail", "version 0", "migrate").others_pass("schema")


def test_a_hole_in_the_migrations_is_named(stage, check):
    database = stage.database()
    database.query("DELETE FROM alpine_sync_migrations WHERE version = 2")
    check(database).expect("schema", "fail", "0002_signal_on_the_wire")


def test_a_schema_that_is_newer(stage, check):
    database = stage.database()
    database.query("INSERT INTO alpine_sync_migrations (version, name, checksum) VALUES (99, 'later', 'x')")
    check(database).expect("schema", "fail", "newer").others_pass("schema")


@pytest.mark.parametrize("right", ["INSERT", "SELECT"])
def test_a_role_that_lacks_a_right(stage, check, right):
    database = stage.database()
    database.query(f"REVOKE {right} ON signals FROM {APP}", role=OWNER)
    checked = check(database).expect("role", "fail", f"lacks {right}", f"GRANT INSERT, SELECT ON signals TO {APP}")
    checked.others_pass("role").lacks("write")


def test_a_role_whose_name_has_to_be_quoted(stage, check):
    database = stage.database()
    stage.postgres.sql('DROP ROLE IF EXISTS "Odd-Role"', 'CREATE ROLE "Odd-Role" LOGIN')
    check(None, DATABASE_URL=database.url("Odd-Role")).expect("role", "fail", 'ON signals TO "Odd-Role"')


def test_ids_out_of_a_sequence_that_the_role_may_not_use(stage, check):
    """As a table looks that was restored by hand."""
    database = stage.database()
    database.query("ALTER TABLE signals ALTER COLUMN id DROP IDENTITY", role=OWNER)
    database.query("CREATE SEQUENCE signals_id_seq OWNED BY signals.id", role=OWNER)
    database.query("ALTER TABLE signals ALTER COLUMN id SET DEFAULT nextval('signals_id_seq')", role=OWNER)
    check(database).expect("role", "fail", f"GRANT USAGE ON SEQUENCE signals_id_seq TO {APP}").others_pass("role")


@pytest.mark.parametrize("right", ["UPDATE", "DELETE", "TRUNCATE"])
def test_a_role_with_a_right_too_many(stage, check, right):
    database = stage.database()
    database.query(f"GRANT {right} ON signals TO {APP}", role=OWNER)
    check(database).expect("role", "warn", f"may {right}", "GRANT INSERT, SELECT").others_pass("role")


def test_the_owner_and_the_superuser_may_too_much(stage, check):
    database = stage.database()
    check(None, DATABASE_URL=database.url(OWNER)).expect("role", "warn", "owns signals").others_pass("role")
    check(None, DATABASE_URL=database.url("postgres")).expect("role", "warn", "superuser").others_pass("role")


@pytest.mark.slow
def test_a_write_that_fails_is_found_though_all_rights_are_there(stage, check):
    database = stage.database()
    blocker = database.connect()
    try:
        with blocker.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE signals IN EXCLUSIVE MODE")
            check(database).expect("write", "fail").others_pass("write")
    finally:
        blocker.close()


def test_no_secret_is_in_what_check_says(stage, port):
    database = stage.database()
    stage.postgres.sql("DROP ROLE IF EXISTS checked_with_password",
                       f"CREATE ROLE checked_with_password LOGIN PASSWORD '{PASSWORD}'")
    right = database.url("checked_with_password").replace("checked_with_password@", f"checked_with_password:{PASSWORD}@")
    for url in (right, right.replace(database.name, "no_such_database"), f"postgresql://x:{PASSWORD}@nothing.invalid/x",
                f"postgresql://x:{PASSWORD}@127.0.0.1:1/x", f"postgresql://x:{PASSWORD}@@127.0.0.1/x"):
        for options in ((), ("--json",)):
            done = stage.receiver_command("check", *options, DATABASE_URL=url, EXTERNAL_SIGNAL_API_KEY=KEY,
                                          ALPINE_LISTEN=f"127.0.0.1:{port}")
            assert PASSWORD not in str(done) and KEY not in str(done), done


def test_check_is_0_when_all_is_set_up_and_says_what_to_do_when_not(stage):
    database = stage.database()
    good = stage.receiver_command("check", DATABASE_URL=database.url(), EXTERNAL_SIGNAL_API_KEY=KEY)
    assert good.code == 0, good
    bare = stage.bare_database()
    unmigrated = stage.receiver_command("check", DATABASE_URL=bare.url(OWNER), EXTERNAL_SIGNAL_API_KEY=KEY)
    assert unmigrated.code != 0 and "migrate" in unmigrated.out + unmigrated.err
    nowhere = "postgresql://alpine_app:a-database-password@127.0.0.1:1/nothing?connect_timeout=2"
    down = stage.receiver_command("check", DATABASE_URL=nowhere, EXTERNAL_SIGNAL_API_KEY=KEY)
    assert down.code != 0 and "DATABASE_URL" in down.out + down.err
