"""alpine-sender check: each item as it passes, warns and fails, against real servers and files."""

import json
import os
import time
from email.utils import formatdate

import pytest

from support.certificates import Authority
from support.checked import Checked
from support.elsewhere import BlackHole, OtherUser, SilentNameServer, run_with_file
from support.fake_receiver import right_answer
from support.receiver import KEY
from support.server import HttpPlayer

LIMIT = 15.0  # seconds that a check takes at most, whatever hangs


@pytest.fixture(name="sender")
def fixture_sender(stage):
    """One for which everything passes, but for what a test changes."""
    far_end, argo = stage.fake_receiver(health=healthy()), stage.argo()
    argo.write(3)
    argo.log.touch()
    sender = stage.sender(far_end, argo, ARGO_SIGNALS_LOG=argo.log)
    sender.far_end, sender.argo = far_end, argo
    sender.far_end.otherwise = (422, {"status": "error", "code": "invalid_field", "detail": "signal_id is missing"})
    return sender


def healthy(ahead=0, **headers):
    """The answer of a receiver whose clock is so many seconds ahead."""
    def answer(request):
        body = json.dumps({**right_answer(request)[1], "dry_run": True}).encode()
        given = {"Date": formatdate(time.time() + ahead, usegmt=True), "Content-Type": "application/json",
                 "Content-Length": len(body), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value is not None)
        return [f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body]
    return answer


def check(sender, **settings):
    return Checked(sender.command("check", "--json", **settings))


def quick_check(sender, **settings):
    """A check against something that hangs."""
    begun = time.monotonic()
    checked = check(sender, **settings)
    assert time.monotonic() - begun < LIMIT
    return checked


# --- as a whole ---

def test_everything_passes_and_each_setting_has_its_origin(sender):
    checked = check(sender).others_pass()
    checked.expect("ARGO_API_KEY", "pass", "(secret)", "environment").expect("ALPINE_BATCH_MAX", "pass", "1000", "default")
    for item in ("source rights", "source", "log", "state", "dns", "tcp", "tls", "receiver", "clock", "key",
                 "receiver version"):
        checked.expect(item, "pass")
    words = sender.command("check")
    assert words.code == 0 and words.out.splitlines()[-1] == f"{len(checked.items)} passed, 0 warnings, 0 failed"
    assert [line.split()[0] for line in words.out.splitlines()[:-1]] == ["pass"] * len(checked.items)


def test_a_setting_that_is_wrong_is_78_and_the_rest_is_checked_all_the_same(sender):
    checked = check(sender, ALPINE_BATCH_MAX="many")
    checked.expect("ALPINE_BATCH_MAX", "fail", "many", "environment").expect("source", "pass")
    assert checked.code == 78


def test_it_runs_beside_the_service_and_changes_nothing(sender):
    sender.start_service()
    sender.wait_log("health check passed")
    before = sorted((path, path.stat().st_mtime_ns) for path in sender.argo.folder.iterdir())
    check(sender).expect("state", "pass", f"in use by pid {sender.pid}").others_pass()
    assert sorted((path, path.stat().st_mtime_ns) for path in sender.argo.folder.iterdir()) == before


def test_what_a_far_end_says_can_neither_begin_a_line_nor_steer_a_terminal(sender):
    sender.far_end.health = (500, 'a "quoted" line\nfail  key  forged \x1b[31m')
    done = sender.command("check")
    assert "\x1b" not in done.out and not any(line.startswith("fail  key") for line in done.out.splitlines())
    check(sender).expect("receiver", "fail", "500", '"quoted"')


# --- files and permissions ---

def test_a_secret_that_others_can_read(sender):
    key, config = sender.folder / "key", sender.folder / "argo.json"
    key.write_text(KEY)
    for mode, verdict, said in ((0o600, "pass", "0600"), (0o640, "pass", "0640"), (0o644, "warn", "0644"),
                                (0o660, "warn", "changed")):
        key.chmod(mode)
        checked = check(sender, ARGO_API_KEY=None, ARGO_API_KEY_FILE=key)
        checked.expect("ARGO_API_KEY file", verdict, str(key), said).others_pass("ARGO_API_KEY file")
    config.write_text(json.dumps({"alpine": {"api_key": KEY}}))
    config.chmod(0o644)
    checked = check(sender, ARGO_API_KEY=None, ARGO_CONFIG=config)
    checked.expect("ARGO_API_KEY file", "warn", str(config), "chmod").others_pass("ARGO_API_KEY file")
    check(sender, ARGO_CONFIG=config).lacks("ARGO_API_KEY file")


def test_the_source(sender):
    check(sender).expect("source", "pass", "3 signals")
    gone = sender.folder / "nothing.db"
    check(sender, ARGO_SIGNALS_DB=gone).expect("source", "fail", str(gone), "ARGO_SIGNALS_DB").others_pass("source")
    gone.write_text("no database " * 100)
    check(sender, ARGO_SIGNALS_DB=gone).expect("source", "fail", "table `signals`")
    gone.unlink()
    os.mkfifo(gone)
    quick_check(sender, ARGO_SIGNALS_DB=gone).expect("source", "fail", str(gone))


def test_the_log(sender):
    gone = sender.folder / "nothing.log"
    check(sender, ARGO_SIGNALS_LOG=gone).expect("log", "warn", "ARGO_SIGNALS_LOG").others_pass("log")
    check(sender, ARGO_SIGNALS_LOG=sender.folder).expect("log", "fail", "is no file").others_pass("log")
    check(sender, ARGO_SIGNALS_LOG=None).lacks("log")


def test_the_state_directory(sender):
    later = sender.folder / "not" / "there"
    check(sender, ALPINE_STATE_DIR=later).expect("state", "pass", "will be made").others_pass()
    assert not later.parent.exists(), "a check changes nothing"
    check(sender, ALPINE_STATE_DIR=sender.argo.log).expect("state", "fail", "ALPINE_STATE_DIR").others_pass("state")
    sender.state.chmod(0o777)
    check(sender).expect("state", "warn", "chmod o-w").others_pass("state")


@pytest.fixture(name="stranger")
def fixture_stranger(stage):
    return stage.keep(OtherUser())


def test_another_user_who_may_write_beside_the_database_would_lock_argo_out(sender, stranger):
    """The accident: found before the first open, and so before any file of the other user's is there."""
    data = stranger.folder / "data"
    sender.argo.close()
    sender.argo.folder.rename(data)
    settings = {**sender.settings, "ARGO_SIGNALS_DB": data / sender.argo.database.name, "ARGO_SIGNALS_LOG": None,
                "ALPINE_STATE_DIR": stranger.folder / "state"}
    (stranger.folder / "state").mkdir(mode=0o700)
    stranger.account.give(stranger.folder / "state")
    data.chmod(0o777)
    before = sorted(os.listdir(data))
    checked = Checked(stranger.run(sender.program, ["check", "--json"], settings))
    checked.expect("source rights", "fail", "could lock its owner out", "Run as the same user").lacks("source")
    assert sorted(os.listdir(data)) == before
    data.chmod(0o755)
    Checked(stranger.run(sender.program, ["check", "--json"], settings)).others_pass()


def test_what_this_user_may_not_read_or_write(sender, stranger):
    log, state = stranger.folder / "signals.log", stranger.folder / "state"
    log.touch(mode=0o600)
    state.mkdir(mode=0o700)
    settings = {**sender.settings, "ARGO_SIGNALS_DB": None, "ARGO_SIGNALS_LOG": log, "ALPINE_STATE_DIR": state}
    checked = Checked(stranger.run(sender.program, ["check", "--json"], settings))
    checked.expect("log", "fail", "Permission denied").expect("state", "fail", "Permission denied", "ALPINE_STATE_DIR")
    settings["ALPINE_STATE_DIR"] = stranger.folder / "later"
    checked = Checked(stranger.run(sender.program, ["check", "--json"], settings))
    checked.expect("state", "fail", "cannot be made", str(stranger.folder))


# --- name and connection ---

def test_a_name_without_an_address_ends_it(sender):
    checked = check(sender, ALPINE_API_URL="http://nothing.invalid:8001")
    checked.expect("dns", "fail", "nothing.invalid", "ALPINE_API_URL").others_pass("dns").lacks("tcp", "receiver")


@pytest.mark.slow
def test_a_name_server_that_hangs_does_not_hold_it_up(sender, stage):
    server = stage.keep(SilentNameServer(sender.folder))
    begun = time.monotonic()
    done = run_with_file(server.file, "/etc/resolv.conf", sender.program, ["check", "--json"],
                         {**sender.settings, "ALPINE_API_URL": "http://alpine.example:8001"})
    assert time.monotonic() - begun < LIMIT
    Checked(done).expect("dns", "fail", "alpine.example", "no name server answered").others_pass("dns")


def test_each_address_of_a_name_is_tried(sender):
    hosts = sender.folder / "hosts"
    hosts.write_text("127.0.0.1 alpine.test\n127.0.0.2 alpine.test\n192.0.2.1 both.test\n127.0.0.1 both.test\n")

    def checked(name):
        url = f"http://{name}:{sender.far_end.port}"
        return Checked(run_with_file(hosts, "/etc/hosts", sender.program, ["check", "--json"],
                                     {**sender.settings, "ALPINE_API_URL": url}))
    checked("alpine.test").expect("dns", "pass", "127.0.0.1", "127.0.0.2").expect(
        "tcp", "pass", "127.0.0.1: connected", "127.0.0.2: Connection refused").others_pass()
    checked("both.test").expect("tcp", "warn", "127.0.0.1: connected", "192.0.2.1: ").expect("receiver", "pass")


def test_a_refused_port(sender):
    checked = check(sender, ALPINE_API_URL="http://127.0.0.1:1")
    checked.expect("tcp", "fail", "127.0.0.1: Connection refused", "ALPINE_API_URL").others_pass("tcp")
    checked.lacks("receiver", "clock", "key")


@pytest.mark.slow
def test_a_port_that_never_answers_is_given_up(sender, stage):
    hole = stage.keep(BlackHole())
    checked = quick_check(sender, ALPINE_API_URL=f"https://127.0.0.1:{hole.port}")
    checked.expect("tcp", "fail", "timed out").others_pass("tcp")


class Mute(HttpPlayer):
    """Takes requests and says nothing."""

    def handle(self, handler, method, path, headers, body):
        self.ending.wait(60)


@pytest.mark.slow
def test_a_receiver_that_never_answers_is_given_up(sender, stage):
    mute = stage.keep(Mute()).start()
    quick_check(sender, ALPINE_API_URL=mute.url).expect("tcp", "pass").expect("receiver", "fail", "ALPINE_API_URL")
    checked = quick_check(sender, ALPINE_API_URL=mute.url.replace("http", "https"))
    checked.expect("tls", "fail", "no handshake").lacks("receiver")


def test_a_proxy_looks_names_up_itself(sender):
    checked = check(sender, ALPINE_API_URL="http://nothing.invalid:8001", http_proxy=sender.far_end.url)
    checked.expect("dns", "pass", "http_proxy").lacks("tcp").expect("receiver", "pass")


@pytest.mark.parametrize("host, excepted, past", [
    ("127.0.0.1", "127.0.0.1", True), ("127.0.0.1", "*", True), ("127.0.0.1", "other, 127.0.0.1,", True),
    ("127.0.0.1", ".0.0.1", False), ("127.0.0.1", "27.0.0.1", False), ("127.0.0.1", "", False),
    ("localhost", "example.org,LocalHost", True), ("localhost", ".localhost", True), ("localhost", "host", False),
    ("localhost", "a.localhost", False)])
def test_what_no_proxy_excepts_is_looked_at_directly(sender, host, excepted, past):
    """As libcurl sees it: there is no proxy at that port, so that only what goes past it arrives."""
    url = sender.far_end.url.replace("127.0.0.1", host)
    checked = check(sender, ALPINE_API_URL=url, http_proxy="http://127.0.0.1:1", no_proxy=excepted)
    checked.expect("receiver", "pass" if past else "fail")
    if past:
        checked.expect("tcp", "pass").expect("tls", "pass", "on this host")
    else:
        checked.expect("dns", "pass", "http_proxy").lacks("tcp")


# --- TLS ---

@pytest.fixture(name="authority")
def fixture_authority(stage):
    return Authority(stage.folder / "authority")


def test_a_certificate_that_is_trusted(sender, authority):
    sender.far_end.tls = authority.context(days=90.5)
    checked = check(sender, ALPINE_API_URL=sender.far_end.url, ALPINE_CA_FILE=authority.file)
    checked.expect("tls", "pass", "TLSv1.3", "alpine.test", "issued by", "Test Authority", "90 days left").others_pass()


def test_a_certificate_of_its_own_is_trusted_when_it_is_the_ca_file(sender, authority, stage):
    own = Authority(stage.folder / "own", "localhost")
    sender.far_end.tls = own.own_context()
    url = sender.far_end.url.replace("127.0.0.1", "localhost")
    check(sender, ALPINE_API_URL=url, ALPINE_CA_FILE=own.file).expect("tls", "pass", "localhost").others_pass()
    checked = check(sender, ALPINE_API_URL=url, ALPINE_CA_FILE=authority.file)
    checked.expect("tls", "fail", "self-signed", "ALPINE_CA_FILE").others_pass("tls").lacks("receiver", "key")


def test_a_certificate_of_an_unknown_authority(sender, authority):
    sender.far_end.tls = authority.context()
    checked = check(sender, ALPINE_API_URL=sender.far_end.url)
    checked.expect("tls", "fail", "alpine.test", "Test Authority", "ALPINE_CA_FILE").others_pass("tls")


@pytest.mark.parametrize("days, verdict, said", [(21.5, "pass", "21 days left"), (20.5, "warn", "20 days left"),
                                                 (-2, "fail", "expired"), (-2, "fail", "Renew")])
def test_a_certificate_that_ends(sender, authority, days, verdict, said):
    sender.far_end.tls = authority.context(days=days)
    checked = check(sender, ALPINE_API_URL=sender.far_end.url, ALPINE_CA_FILE=authority.file)
    checked.expect("tls", verdict, said).others_pass("tls")


def test_a_certificate_for_another_host(sender, authority):
    sender.far_end.tls = authority.context(names="DNS:elsewhere.example")
    checked = check(sender, ALPINE_API_URL=sender.far_end.url, ALPINE_CA_FILE=authority.file)
    checked.expect("tls", "fail", "127.0.0.1", "ALPINE_API_URL").others_pass("tls")


def test_tls_with_a_port_that_speaks_none(sender):
    checked = check(sender, ALPINE_API_URL=sender.far_end.url.replace("http", "https"))
    checked.expect("tls", "fail", "no handshake").others_pass("tls")


def test_plain_http_is_for_this_host_alone(sender):
    check(sender).expect("tls", "pass", "on this host")
    check(sender, ALPINE_API_URL="http://192.0.2.1:9").expect("tls", "warn", "https://")


# --- the receiver ---

@pytest.mark.parametrize("ahead, verdict, said", [(-1, "pass", "less than 2 s"), (30, "warn", "ahead"),
                                                  (-30, "warn", "behind"), (3600, "fail", "NTP"),
                                                  (-3600, "fail", "behind")])
def test_clocks_that_are_apart(sender, ahead, verdict, said):
    sender.far_end.health = healthy(ahead)
    check(sender).expect("clock", verdict, said).others_pass("clock")


def test_an_answer_without_a_date(sender):
    sender.far_end.health = healthy(Date=None)
    check(sender).expect("clock", "pass", "not compared").others_pass()


def test_a_key_that_is_refused(stage):
    sender = stage.sender(stage.receiver(), stage.argo())
    check(sender).expect("key", "pass").others_pass()
    checked = check(sender, ARGO_API_KEY="a-key-that-is-wrong-0123456789abcdef")
    checked.expect("key", "fail", "ARGO_API_KEY").others_pass("key")


def test_a_receiver_that_cannot_store(sender):
    sender.far_end.health = (503, {"status": "unhealthy"})
    check(sender).expect("receiver", "fail", "503").others_pass("receiver").lacks("key")


def test_an_older_receiver(stage):
    sender = stage.sender(stage.older_receiver(), stage.argo())
    check(sender).expect("receiver version", "warn", "older", "upgrade").others_pass("receiver version")


def test_no_secret_is_in_what_check_says(sender, stage, authority):
    echo = (500, {"status": "error", "code": "unavailable", "detail": f"X-API-Key: {KEY}"})
    sender.far_end.otherwise = echo
    key = sender.folder / "key"
    key.write_text(KEY)
    for settings in ({}, {"ALPINE_LOG_LEVEL": "debug"}, {"ARGO_API_KEY": None, "ARGO_API_KEY_FILE": key},
                     {"ARGO_API_KEY": KEY + " "}, {"ALPINE_API_URL": "https://127.0.0.1:1", "ALPINE_CA_FILE": key}):
        for options in ((), ("--json",)):
            done = sender.command("check", *options, **settings)
            assert KEY not in done.out + done.err, done
    assert KEY not in sender.command("check", ALPINE_API_URL=stage.fake_receiver(health=echo).url).out
