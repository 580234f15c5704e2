"""alpine-receiver's commands: right and wrong input, exit codes, what goes to stdout, and what it never says."""

import json
import re
import signal as signals_of_unix

import pytest

from support.answers import assert_error, assert_stored
from support.postgres import OWNER
from support.receiver import KEY
from support.waiting import wait_for

pytestmark = pytest.mark.under_tsan

COMMANDS = ["serve", "migrate", "check", "healthcheck", "keygen", "version", "help"]
USAGE, CONFIGURATION = 2, 78
NOWHERE = "postgresql://alpine_app:a-database-password@127.0.0.1:1/nothing?connect_timeout=2"


# --- usage ---

@pytest.mark.parametrize("asked", [["help"], ["--help"], ["-h"]])
def test_help_names_every_command_on_stdout(stage, asked):
    done = stage.receiver_command(*asked)
    assert done.code == 0
    assert all(command in done.out for command in COMMANDS)


@pytest.mark.parametrize("asked", [["version"], ["--version"]])
def test_version_is_one_line(stage, asked):
    done = stage.receiver_command(*asked)
    assert done.code == 0 and len(done.out.splitlines()) == 1 and "alpine-receiver" in done.out


@pytest.mark.parametrize("wrong", [[], ["frobnicate"], ["serve", "--frobnicate"], ["serve", "surplus"],
                                   ["migrate", "--frobnicate"], ["keygen", "surplus"], ["serve", "--alpine-listen"]])
def test_wrong_usage_is_exit_2_and_explained_on_stderr(stage, wrong):
    done = stage.receiver_command(*wrong, DATABASE_URL=NOWHERE, EXTERNAL_SIGNAL_API_KEY=KEY)
    assert done.code == USAGE and done.err and not done.out


# --- settings ---

@pytest.mark.parametrize("changes, name", [
    ({"DATABASE_URL": None}, "DATABASE_URL"),
    ({"DATABASE_URL": ""}, "DATABASE_URL"),
    ({"DATABASE_URL": "postgresql://host:port:port/"}, "DATABASE_URL"),
    ({"EXTERNAL_SIGNAL_API_KEY": None}, "EXTERNAL_SIGNAL_API_KEY"),
    ({"EXTERNAL_SIGNAL_API_KEY": ""}, "EXTERNAL_SIGNAL_API_KEY"),
    ({"EXTERNAL_SIGNAL_API_KEY": None, "EXTERNAL_SIGNAL_API_KEY_FILE": "/nonexistent"}, "/nonexistent"),
    ({"ALPINE_LISTEN": "127.0.0.1"}, "ALPINE_LISTEN"),
    ({"ALPINE_LISTEN": "127.0.0.1:99999"}, "ALPINE_LISTEN"),
    ({"ALPINE_LISTEN": "127.0.0.1:port"}, "ALPINE_LISTEN"),
    ({"ALPINE_REQUEST_TIMEOUT": "ten"}, "ALPINE_REQUEST_TIMEOUT"),
    ({"ALPINE_QUEUE_MAX": "0"}, "ALPINE_QUEUE_MAX"),
    ({"ALPINE_QUEUE_MAX": "99999999999999999999"}, "ALPINE_QUEUE_MAX"),
    ({"ALPINE_LOG_LEVEL": "loud"}, "ALPINE_LOG_LEVEL"),
])
def test_a_missing_or_malformed_setting_is_exit_78_and_named(stage, changes, name):
    settings = {"DATABASE_URL": NOWHERE, "EXTERNAL_SIGNAL_API_KEY": KEY, "ALPINE_LISTEN": "127.0.0.1:1", **changes}
    done = stage.receiver_command("serve", limit=15, **settings)
    assert done.code == CONFIGURATION, done
    assert len(done.err.splitlines()) == 1, "one line that says what to mend"
    assert name in done.err and "a-database-password" not in done.err and KEY not in done.err


def test_secrets_on_the_command_line_are_refused(stage):
    for option, value in (("--external-signal-api-key", KEY), ("--database-url", NOWHERE)):
        done = stage.receiver_command("check", option, value, DATABASE_URL=NOWHERE, EXTERNAL_SIGNAL_API_KEY=KEY)
        assert done.code == USAGE
        assert KEY not in done.out + done.err and "a-database-password" not in done.out + done.err


def test_secrets_may_come_from_files(stage, maker):
    database = stage.database()
    url, key = stage.folder / "url", stage.folder / "key"
    url.write_text(database.url() + "\n")
    key.write_text(KEY + "\n")
    receiver = stage.receiver(database, DATABASE_URL=None, DATABASE_URL_FILE=url, EXTERNAL_SIGNAL_API_KEY=None,
                              EXTERNAL_SIGNAL_API_KEY_FILE=key)
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)


def test_a_connection_string_of_keywords_is_taken_too(stage, maker):
    database = stage.database()
    port = stage.postgres.port.number
    receiver = stage.receiver(f"host=127.0.0.1 port={port} dbname={database.name} user=alpine_app")
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)


def test_the_first_of_several_hosts_may_be_down(stage, maker):
    database = stage.database()
    port = stage.postgres.port.number
    receiver = stage.receiver(f"postgresql://alpine_app@127.0.0.1:1,127.0.0.1:{port}/{database.name}")
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)


def test_an_option_wins_over_the_environment(stage, maker):
    database = stage.database()
    receiver = stage.receiver(database, start=False)
    right = receiver.settings["ALPINE_LISTEN"]
    receiver.settings["ALPINE_LISTEN"] = "127.0.0.1:1"
    receiver.arguments += ["--alpine-listen", right]
    receiver.start_ready()
    signal = maker.signal()
    assert_stored(receiver.post(signal), signal)


def test_sighup_reads_the_keys_again(stage, maker):
    key = stage.folder / "key"
    key.write_text(KEY)
    receiver = stage.receiver(EXTERNAL_SIGNAL_API_KEY=None, EXTERNAL_SIGNAL_API_KEY_FILE=key)
    new = "a-new-key-0123456789abcdef0123456789abcdef"
    key.write_text(new)
    receiver.signal(signals_of_unix.SIGHUP)
    wait_for(lambda: receiver.post(maker.signal(), key=new).status == 201, 10, "the new key to be valid")
    assert_error(receiver.post(maker.signal(), key=KEY), 401, "unauthorized")


def test_sighup_with_a_key_that_cannot_be_read_keeps_the_old_one(stage, maker):
    key = stage.folder / "key"
    key.write_text(KEY)
    receiver = stage.receiver(EXTERNAL_SIGNAL_API_KEY=None, EXTERNAL_SIGNAL_API_KEY_FILE=key)
    key.unlink()
    receiver.signal(signals_of_unix.SIGHUP)
    receiver.wait_log("EXTERNAL_SIGNAL_API_KEY")
    signal = maker.signal()
    assert_stored(receiver.post(signal, key=KEY), signal)


def test_no_secret_is_ever_logged(stage, maker):
    database = stage.database()
    stage.postgres.sql("DROP ROLE IF EXISTS with_password",
                       "CREATE ROLE with_password LOGIN PASSWORD 'a-database-password' IN ROLE alpine_app")
    url = database.url().replace("alpine_app@", "with_password:a-database-password@")
    receiver = stage.receiver(url, ALPINE_LOG_LEVEL="debug")
    receiver.post(maker.signal())
    receiver.post(maker.signal(), key="wrong")
    checked = stage.receiver_command("check", DATABASE_URL=url, EXTERNAL_SIGNAL_API_KEY=KEY)
    nowhere = stage.receiver_command("check", DATABASE_URL=NOWHERE, EXTERNAL_SIGNAL_API_KEY=KEY)
    failed = stage.receiver_command("migrate", DATABASE_URL=NOWHERE)
    receiver.stop()
    for text in (receiver.all_logs(), str(checked), str(nowhere), str(failed)):
        assert KEY not in text and "a-database-password" not in text


def test_the_log_is_json_lines_when_asked_and_never_breaks(stage, maker):
    receiver = stage.receiver(ALPINE_LOG_FORMAT="json")
    signal = maker.signal(signal_id="two\nlines \x1b[31m\"")
    assert_stored(receiver.post(signal), signal)
    receiver.stop()
    lines = [json.loads(line) for line in receiver.log().splitlines()]
    assert any("Signal synced from external provider" in line["message"] for line in lines)
    assert all({"time", "level", "message"} <= set(line) for line in lines)


def test_a_text_log_has_one_line_an_event_whatever_came_in(stage, maker):
    receiver = stage.receiver()
    receiver.post(maker.signal(signal_id="two\nlines \x1b[31m\u2028"))
    receiver.post({**maker.signal(signal_id="forged\nlines"), "entry_price": 3})
    receiver.stop()
    assert "\x1b" not in receiver.log()
    assert not any(line.startswith("lines") for line in receiver.log().splitlines())


# --- commands ---

def test_keygen_gives_32_random_bytes_in_hex(stage):
    keys = {stage.receiver_command("keygen").out for _ in range(5)}
    assert len(keys) == 5
    assert all(re.fullmatch(r"[0-9a-f]{64}\n", key) for key in keys)


def test_healthcheck_is_0_or_1(stage):
    receiver = stage.receiver()
    listen = receiver.settings["ALPINE_LISTEN"]
    assert stage.receiver_command("healthcheck", ALPINE_LISTEN=listen).code == 0
    receiver.stop()
    assert stage.receiver_command("healthcheck", ALPINE_LISTEN=listen).code == 1


def test_healthcheck_asks_loopback_when_it_listens_on_every_address(stage):
    receiver = stage.receiver()
    assert stage.receiver_command("healthcheck", ALPINE_LISTEN=f"0.0.0.0:{receiver.port}").code == 0


def test_healthcheck_is_1_when_nothing_can_be_stored(stage):
    receiver = stage.receiver(NOWHERE, start=False)
    receiver.start()
    receiver.wait_log("127.0.0.1")
    assert stage.receiver_command("healthcheck", ALPINE_LISTEN=receiver.settings["ALPINE_LISTEN"]).code == 1


def test_migrate_needs_no_key_and_healthcheck_no_database(stage):
    database = stage.bare_database()
    assert stage.receiver_command("migrate", DATABASE_URL=database.url(OWNER)).code == 0
    assert stage.receiver_command("migrate", DATABASE_URL=NOWHERE).code == 1
