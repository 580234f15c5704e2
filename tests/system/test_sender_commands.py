"""alpine-sender's commands: right and wrong input, exit codes, what goes to stdout, and where settings come from."""

import json

import pytest

from support.argo import Maker, canonical, pairs
from support.paths import SAMPLE, shared
from support.process import run_program
from support.receiver import KEY

COMMANDS = ["run", "sync", "send", "check", "test", "status", "dead", "hash", "version", "help"]
USAGE, ATTENTION, CONFIGURATION = 2, 3, 78


@pytest.fixture(name="program")
def fixture_program(build):
    """Runs alpine-sender with nothing but the settings that are given."""
    def run(*arguments, text=None, folder="/", **settings):
        return run_program(build / "sender" / "alpine-sender", arguments, settings, text, folder=folder)
    return run


# --- usage ---

@pytest.mark.parametrize("asked", [["help"], ["--help"], ["-h"]])
def test_help_names_every_command_on_stdout(program, asked):
    done = program(*asked)
    assert done.code == 0
    assert all(command in done.out for command in COMMANDS)


@pytest.mark.parametrize("asked", [["version"], ["--version"]])
def test_version_is_one_line(program, asked):
    done = program(*asked)
    assert done.code == 0 and len(done.out.splitlines()) == 1 and "alpine-sender" in done.out


@pytest.mark.parametrize("wrong", [[], ["frobnicate"], ["sync", "--frobnicate"], ["sync", "surplus"], ["dead", "burn"],
                                   ["version", "surplus"], ["dead"], ["dead", "show"], ["hash", "a", "b"],
                                   ["sync", "--argo-signals-db"]])
def test_wrong_usage_is_exit_2_and_explained_on_stderr(program, wrong):
    done = program(*wrong, ALPINE_API_URL="http://127.0.0.1:1", ARGO_API_KEY=KEY)
    assert done.code == USAGE and done.err and not done.out


@pytest.mark.parametrize("how", ["by name", "as standard input"])
def test_a_directory_is_no_input(build, tmp_path, how):
    command = 'exec "$0" hash "$1"' if how == "by name" else 'exec "$0" hash < "$1"'
    done = run_program("/bin/sh", ["-c", command, build / "sender" / "alpine-sender", tmp_path], {}, None)
    assert done.code == 1 and "Is a directory" in done.err


# --- settings ---

@pytest.mark.parametrize("settings, name", [
    ({}, "ALPINE_API_URL"),
    ({"ALPINE_API_URL": "http://127.0.0.1:1"}, "ARGO_API_KEY"),
    ({"ALPINE_API_URL": "not a url", "ARGO_API_KEY": KEY}, "ALPINE_API_URL"),
    ({"ALPINE_API_URL": "ftp://host", "ARGO_API_KEY": KEY}, "ALPINE_API_URL"),
    ({"ALPINE_API_URL": "http://127.0.0.1:1", "ARGO_API_KEY": ""}, "ARGO_API_KEY"),
    ({"ALPINE_API_URL": "http://127.0.0.1:1", "ARGO_API_KEY": "new\nline"}, "ARGO_API_KEY"),
    ({"ALPINE_API_URL": "http://127.0.0.1:1", "ARGO_API_KEY_FILE": "/nonexistent"}, "/nonexistent"),
    ({"ALPINE_API_URL": "http://127.0.0.1:1", "ARGO_API_KEY": KEY, "ALPINE_SYNC_ENABLED": "maybe"},
     "ALPINE_SYNC_ENABLED"),
    ({"ALPINE_API_URL": "http://127.0.0.1:1", "ARGO_API_KEY": KEY, "ALPINE_LOG_FORMAT": "xml"}, "ALPINE_LOG_FORMAT"),
    ({"ALPINE_API_URL": "http://127.0.0.1:1", "ARGO_API_KEY": KEY, "ALPINE_REQUEST_TIMEOUT": "soon"},
     "ALPINE_REQUEST_TIMEOUT"),
    ({"ALPINE_API_URL": "http://127.0.0.1:1", "ARGO_API_KEY": KEY, "ALPINE_REQUEST_TIMEOUT": "-1"},
     "ALPINE_REQUEST_TIMEOUT"),
])
@pytest.mark.parametrize("command", ["run", "sync"])
def test_a_missing_or_malformed_setting_is_exit_78_and_named(program, tmp_path, command, settings, name):
    done = program(command, **{"ALPINE_STATE_DIR": tmp_path, **settings})
    assert done.code == CONFIGURATION and name in done.err
    assert KEY not in done.err + done.out


def check_output(program, *options, **settings):
    done = program("check", *options, **settings)
    return done.out + done.err


def test_the_first_of_option_environment_and_file_wins_and_check_says_which(program, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"alpine": {"api_url": "http://127.0.0.1:3", "api_key": KEY}}))
    settings = {"ARGO_CONFIG": config, "ALPINE_STATE_DIR": tmp_path}
    assert "http://127.0.0.1:3" in check_output(program, **settings)
    settings["ALPINE_API_URL"] = "http://127.0.0.1:2"
    text = check_output(program, **settings)
    assert "http://127.0.0.1:2" in text and "http://127.0.0.1:3" not in text
    text = check_output(program, "--alpine-api-url", "http://127.0.0.1:1", **settings)
    assert "http://127.0.0.1:1" in text and "http://127.0.0.1:2" not in text


@pytest.mark.parametrize("content", [{"alpine": {"api_key": KEY}}, {"api_keys": {"argo_api_key": KEY}}])
def test_the_key_may_stand_in_config_json(stage, content):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(2)
    (stage.folder / "config.json").write_text(json.dumps({**content, "something": ["else"]}))
    stage.sender(receiver, argo, ARGO_API_KEY=None, ARGO_CONFIG=stage.folder / "config.json").sync()
    assert receiver.database.stored() == pairs(made)


def test_config_json_in_the_working_directory_is_found(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(2)
    (stage.folder / "config.json").write_text(json.dumps({"alpine": {"api_url": receiver.url, "api_key": KEY}}))
    stage.sender(receiver, argo, ALPINE_API_URL=None, ARGO_API_KEY=None).sync()
    assert receiver.database.stored() == pairs(made)


@pytest.mark.parametrize("content, name", [('{"alpine": ', "config.json"), ("[]", "config.json"),
                                           ('{"alpine": {"sync_enabled": "maybe"}}', "sync_enabled"),
                                           ('{"alpine": {"api_url": 5}}', "api_url")])
def test_a_config_json_that_is_wrong_is_exit_78_and_named(program, tmp_path, content, name):
    (tmp_path / "config.json").write_text(content)
    done = program("sync", ARGO_CONFIG=tmp_path / "config.json", ALPINE_STATE_DIR=tmp_path,
                   ALPINE_API_URL="http://127.0.0.1:1" if "api_url" not in name else None, ARGO_API_KEY=KEY)
    assert done.code == CONFIGURATION and name in done.err


def test_a_config_json_that_was_named_must_be_there(program, tmp_path):
    done = program("sync", ARGO_CONFIG=tmp_path / "nothing.json", ALPINE_STATE_DIR=tmp_path,
                   ALPINE_API_URL="http://127.0.0.1:1", ARGO_API_KEY=KEY)
    assert done.code == CONFIGURATION and "ARGO_CONFIG" in done.err


def test_a_secret_on_the_command_line_is_refused(program, tmp_path):
    done = program("check", "--argo-api-key", KEY, ALPINE_API_URL="http://127.0.0.1:1", ALPINE_STATE_DIR=tmp_path)
    assert done.code == USAGE and KEY not in done.err + done.out


def test_a_secret_may_come_from_a_file_with_or_without_a_newline(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(1)
    for number, text in enumerate((KEY, KEY + "\n", KEY + "\r\n")):
        file = stage.folder / f"key{number}"
        file.write_bytes(text.encode())
        stage.sender(receiver, argo, f"s{number}", ARGO_API_KEY=None, ARGO_API_KEY_FILE=file).sync()


def test_no_secret_is_ever_printed(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(2)
    sender = stage.sender(receiver, argo, ALPINE_LOG_LEVEL="debug")
    for command in ("check", "sync", "test", "status", "help"):
        done = sender.command(command)
        assert KEY not in done.out + done.err, command


# --- check, test, status ---

def test_check_is_0_when_everything_is_set_up_and_says_what_to_do_when_not(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(1)
    sender = stage.sender(receiver, argo)
    done = sender.command("check")
    assert done.code == 0, done
    bad = sender.command("check", ARGO_SIGNALS_DB=stage.folder / "nothing" / "signals.db")
    assert bad.code != 0 and "ARGO_SIGNALS_DB" in bad.out + bad.err
    gone = sender.command("check", ALPINE_API_URL="http://127.0.0.1:1")
    assert gone.code != 0 and "127.0.0.1:1" in gone.out + gone.err
    stranger = sender.command("check", ARGO_API_KEY="a-key-that-is-wrong-0123456789abcdef")
    assert stranger.code != 0 and "ARGO_API_KEY" in stranger.out + stranger.err


def test_check_json_is_json(stage):
    sender = stage.sender(stage.receiver(), stage.argo())
    json.loads(sender.command("check", "--json").out)


def test_test_goes_end_to_end_and_stores_nothing(stage):
    receiver = stage.receiver()
    sender = stage.sender(receiver, stage.argo())
    done = sender.command("test")
    assert done.code == 0 and "Alpine backend health check passed" in done.out + done.err
    assert receiver.database.count() == 0
    wrong = sender.command("test", ARGO_API_KEY="a-key-that-is-wrong-0123456789abcdef")
    assert wrong.code == 1 and "Authentication failed - check ARGO_API_KEY" in wrong.out + wrong.err
    gone = sender.command("test", ALPINE_API_URL="http://127.0.0.1:1")
    assert gone.code == 1
    assert "Connection error - Alpine backend unreachable: http://127.0.0.1:1" in gone.out + gone.err


def test_status_before_anything_was_sent(stage):
    argo = stage.argo()
    argo.write(4)
    status = stage.sender(stage.fake_receiver(), argo).status()
    assert (status["delivered"], status["pending"], status["dead"]) == (0, 4, 0)
    assert status["last_success"] is None and "lag_seconds" in status


def test_sync_prints_no_progress_where_there_is_no_terminal(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(100)
    done = stage.sender(receiver, argo).sync()
    assert "\r" not in done.out + done.err and "\x1b" not in done.out + done.err


def test_the_log_is_json_lines_when_asked(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(1, signal_id="two\nlines \x1b[31m")
    done = stage.sender(receiver, argo, ALPINE_LOG_FORMAT="json").sync()
    lines = [json.loads(line) for line in done.err.splitlines()]
    assert lines and all({"time", "level"} <= set(line) for line in lines)


def test_a_text_log_has_one_line_an_event_whatever_came_in(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(1, signal_id="two\nlines \x1b[31m")
    done = stage.sender(receiver, argo).sync()
    assert not any(line.startswith("lines") for line in done.err.splitlines()) and "\x1b" not in done.err


# --- send ---

@pytest.mark.parametrize("way", ["file", "stdin", "dash"])
def test_send_takes_ndjson_from_a_file_or_stdin(stage, maker, way):
    receiver = stage.receiver()
    signals = maker.signals(30)
    text = "".join(json.dumps(signal) + "\n" for signal in signals)
    file = stage.folder / "signals.ndjson"
    file.write_text(text)
    arguments = {"file": [file], "stdin": [], "dash": ["-"]}[way]
    done = stage.sender(receiver).command("send", *arguments, text=None if way == "file" else text)
    assert done.code == 0, done
    assert receiver.database.stored() == pairs(signals)


def test_send_goes_past_bad_lines_and_ends_with_3(stage, maker):
    receiver = stage.receiver()
    signals = maker.signals(3)
    forged = {**maker.signal(), "entry_price": 1.5}
    lines = [json.dumps(signals[0]), "{broken", json.dumps(signals[1]), json.dumps(forged), json.dumps(signals[2])]
    done = stage.sender(receiver).command("send", text="\n".join(lines))
    assert done.code == ATTENTION, done
    assert receiver.database.stored() == pairs(signals)


def test_send_skips_neutral_signals_which_is_no_error(stage, maker):
    receiver = stage.receiver()
    signal = maker.signal()
    text = json.dumps(maker.neutral()) + "\n" + json.dumps(signal) + "\n"
    assert stage.sender(receiver).command("send", text=text).code == 0
    assert receiver.database.stored() == pairs([signal])


def test_send_of_a_file_that_is_not_there_is_an_error(stage):
    done = stage.sender(stage.fake_receiver()).command("send", "/nonexistent.ndjson")
    assert done.code == 1 and "/nonexistent.ndjson" in done.err


# --- hash ---

def hash_lines(program, text, code, *arguments):
    done = program("hash", "--json", *arguments, text=text)
    assert done.code == code, done
    return [json.loads(line) for line in done.out.splitlines()]


def test_hash_gives_a_line_for_each_signal_in_order(program):
    signals = Maker(5).signals(20)
    lines = hash_lines(program, "".join(json.dumps(signal) + "\n" for signal in signals), 0)
    assert lines == [{"signal_id": signal["signal_id"], "sha256": signal["sha256"], "match": True,
                      "form": "producer", "canonical": canonical(signal)} for signal in signals]


def test_hash_of_what_does_not_match_is_the_producers_form_and_exit_3(program):
    signal = Maker(6).signal()
    right = signal["sha256"]
    signal["sha256"] = "0" * 64
    [line] = hash_lines(program, json.dumps(signal), ATTENTION)
    assert line == {"signal_id": signal["signal_id"], "sha256": right, "match": False, "form": None,
                    "canonical": canonical(signal)}


def test_hash_of_what_is_no_signal_is_an_error_line_and_the_others_go_on(program):
    good = Maker(7).signals(2)
    lines = hash_lines(program, f"{json.dumps(good[0])}\n{{broken\n[]\n{json.dumps(good[1])}\n", ATTENTION)
    assert [set(line) == {"error"} for line in lines] == [False, True, True, False]


def test_hash_reads_a_file_and_needs_no_settings(program, tmp_path):
    (tmp_path / "one.ndjson").write_text(json.dumps(Maker(8).signal()))
    assert len(hash_lines(program, None, 0, tmp_path / "one.ndjson")) == 1
    assert program("hash", "/nonexistent").code == 1
    assert program("hash", SAMPLE / "signals.log").code in (0, ATTENTION)


@pytest.mark.parametrize("vectors", shared("vectors", "hash_vectors.ndjson"), ids=lambda path: path.name)
def test_hash_judges_all_the_vectors_as_cpython_did(program, vectors):
    wanted = [json.loads(line) for line in vectors.read_text().splitlines()]
    text = "".join(json.dumps(vector["signal"]) + "\n" for vector in wanted)
    lines = hash_lines(program, text, ATTENTION)
    assert len(lines) == len(wanted)
    for vector, line in zip(wanted, lines):
        assert line.get("match", False) == vector["accept"], (vector, line)
        if vector["accept"]:
            assert line["canonical"] == vector["canonical"], (vector, line)


def test_status_counts_what_a_replaced_table_has_from_its_beginning(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    argo.write(30)
    sender = stage.sender(far_end, argo)
    sender.sync()
    argo.remove()
    argo.write(12)
    assert sender.status()["pending"] == 12
    sender.sync()
    assert sender.status()["pending"] == 0
