"""The migrations: from every starting point to the same place, losing nothing, as often and as many at once as one
likes."""

import threading

import pytest

from support.answers import assert_stored
from support.postgres import APP, OWNER
from support.starting_points import EXISTING_TABLES, STARTING_POINTS

pytestmark = pytest.mark.under_tsan

BOOK = "alpine_sync_migrations"
ALPINES_COLUMNS = """id symbol action price confidence target_price stop_loss rationale verification_hash is_active
    created_at updated_at user_id retention_expires_at previous_hash chain_index generation_latency_ms
    delivery_latency_ms server_timestamp""".split()
SHAPE = """SELECT column_name, data_type, udt_name, character_maximum_length, is_nullable
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'signals'
            ORDER BY column_name"""


def migrate(stage, database, *options, code=0, role=OWNER):
    done = stage.receiver_command("migrate", *options, DATABASE_URL=database.url(role))
    assert done.code == code, done
    return done


def columns(database):
    return database.query(SHAPE)


def old_rows(database):
    listed = ", ".join(ALPINES_COLUMNS)
    return database.query(f"SELECT {listed} FROM signals ORDER BY id")


@pytest.mark.parametrize("start", STARTING_POINTS)
def test_it_leads_to_a_database_that_a_receiver_serves_from(stage, maker, start):
    database = stage.bare_database(start)
    migrate(stage, database)
    database.allow_receiver()
    signal = maker.signal()
    assert_stored(stage.receiver(database).post(signal), signal)


@pytest.mark.parametrize("start", EXISTING_TABLES)
def test_every_starting_point_ends_with_the_same_columns(stage, start):
    empty, existing = stage.bare_database(), stage.bare_database(start)
    migrate(stage, empty)
    migrate(stage, existing)
    assert columns(empty) == columns(existing)


@pytest.mark.parametrize("start", EXISTING_TABLES)
def test_alpines_columns_keep_their_names_and_types(stage, start):
    database = stage.bare_database(start)
    before = columns(database)
    migrate(stage, database)
    after = {row["column_name"]: row for row in columns(database)}
    assert [after[row["column_name"]] for row in before] == before


@pytest.mark.parametrize("start", EXISTING_TABLES)
def test_old_rows_stay_as_they_are_and_have_no_canonical_text(stage, start):
    database = stage.bare_database(start)
    before = old_rows(database)
    migrate(stage, database)
    assert old_rows(database) == before
    assert database.value("SELECT count(*) FROM signals WHERE canonical IS NOT NULL") == 0


@pytest.mark.parametrize("start", EXISTING_TABLES)
def test_alpines_web_application_can_go_on_inserting_as_before(stage, maker, start):
    """It knows nothing of the new columns."""
    database = stage.database(start)
    database.query("INSERT INTO signals (symbol, action, price, confidence, rationale, verification_hash, is_active)"
                   " VALUES ('MSFT', 'BUY', 1, 0.5, 'by the web application', repeat('a', 64), true)", role=OWNER)
    signal = maker.signal()
    assert_stored(stage.receiver(database).post(signal), signal)


@pytest.mark.parametrize("start", STARTING_POINTS)
def test_running_it_again_changes_nothing(stage, start):
    database = stage.bare_database(start)
    migrate(stage, database)
    shape, book = columns(database), database.query(f"SELECT * FROM {BOOK} ORDER BY version")
    migrate(stage, database)
    assert columns(database) == shape
    assert database.query(f"SELECT * FROM {BOOK} ORDER BY version") == book


@pytest.mark.parametrize("start", STARTING_POINTS)
def test_four_at_once_do_it_once(stage, start):
    database = stage.bare_database(start)
    results = []
    threads = [threading.Thread(target=lambda: results.append(
        stage.receiver_command("migrate", DATABASE_URL=database.url(OWNER)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [done.code for done in results] == [0] * 4, "\n".join(map(str, results))
    versions = database.query(f"SELECT version, count(*) AS times FROM {BOOK} GROUP BY version ORDER BY version")
    assert [row["version"] for row in versions] == list(range(1, len(versions) + 1))
    assert all(row["times"] == 1 for row in versions)


@pytest.mark.parametrize("start", STARTING_POINTS)
def test_two_receivers_that_start_with_migrate_both_serve(stage, maker, start):
    database = stage.bare_database(start)
    pair = [stage.receiver(database.url(OWNER), name, start=False, arguments=["--migrate"]) for name in ("one", "two")]
    for receiver in pair:
        receiver.start()
    for receiver in pair:
        receiver.wait_ready()
        signal = maker.signal()
        assert_stored(receiver.post(signal), signal)


def test_status_tells_what_is_waiting_and_changes_nothing(stage):
    database = stage.bare_database()
    before = migrate(stage, database, "--status", code=3)
    assert "missing" in before.out and "present" not in before.out
    assert not columns(database)
    migrate(stage, database)
    after = migrate(stage, database, "--status")
    assert "missing" not in after.out and "present" in after.out


def test_a_database_that_is_newer_is_refused(stage):
    database = stage.database()
    database.query(f"CREATE TEMP TABLE newer AS SELECT * FROM {BOOK} ORDER BY version DESC LIMIT 1;"
                   f"UPDATE newer SET version = version + 1; INSERT INTO {BOOK} SELECT * FROM newer")
    assert "newer" in migrate(stage, database, code=1).err
    receiver = stage.receiver(database, start=False)
    receiver.start()
    receiver.wait_log("newer")
    assert not receiver.ready()


def test_a_migration_that_was_changed_after_it_ran_is_refused(stage):
    database = stage.database()
    database.query(f"UPDATE {BOOK} SET checksum = repeat('0', 64) WHERE version = 1")
    assert "checksum" in migrate(stage, database, code=1).err


def test_a_receiver_on_a_database_without_its_tables_is_not_ready_and_says_why(stage):
    receiver = stage.receiver(stage.bare_database(), start=False)
    receiver.start()
    receiver.wait_log("migrate")
    assert not receiver.ready()


def test_a_role_that_may_not_change_tables_is_told_so_and_nothing_is_half_done(stage):
    database = stage.bare_database()
    migrate(stage, database, code=1, role=APP)
    assert not columns(database)


def test_a_migration_that_fails_leaves_the_database_as_it_was(stage):
    """Something else is called signals there."""
    database = stage.bare_database()
    database.query("CREATE VIEW signals AS SELECT 1 AS id")
    migrate(stage, database, code=1)
    assert [row["column_name"] for row in columns(database)] == ["id"]
    if database.value(f"SELECT to_regclass('{BOOK}') IS NOT NULL"):
        assert not database.query(f"SELECT version FROM {BOOK}")
