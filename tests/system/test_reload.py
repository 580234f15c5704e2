"""SIGHUP: what it applies, what it leaves for a restart, and that it is all or nothing, also under load."""

import json
import os
import signal as signals_of_unix
import subprocess
import threading

import pytest

from support.argo import Maker, pairs
from support.certificates import Authority
from support.chain import check_chain
from support.checked import Checked
from support.elsewhere import run_with_file
from support.receiver import KEY
from support.waiting import stays, wait_for

NEW = "a-new-key-0123456789abcdef0123456789abcdef"
BROKEN_PEM = "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"


def reload(program, phrase="Reloaded: "):
    """SIGHUP, and wait for what it came to."""
    times = program.log().count(phrase) + 1
    program.signal(signals_of_unix.SIGHUP)
    program.wait_log(phrase, times=times)
    return [line for line in program.log().splitlines() if "Reload" in line]


def last(lines, phrase):
    return [line for line in lines if phrase in line][-1]


def write_config(file, **settings):
    file.write_text(json.dumps({"alpine": settings}))


# --- what is said ---

def test_each_setting_is_applied_in_need_of_a_restart_or_unchanged(stage):
    config, key = stage.folder / "config.json", stage.folder / "key"
    key.write_text(KEY)
    write_config(config, batch_max=500)
    sender = stage.sender(stage.fake_receiver(), stage.argo(), ARGO_API_KEY=None, ARGO_API_KEY_FILE=key,
                          ARGO_CONFIG=config).start_service()
    summary = last(reload(sender), "Reloaded: ")
    assert "0 applied, 0 in need of a restart" in summary and "applied=" not in summary
    key.write_text(NEW)
    write_config(config, batch_max=700)
    lines = reload(sender)
    assert "ARGO_API_KEY is changed: applied" in last(lines, "ARGO_API_KEY is")
    change = last(lines, "ALPINE_BATCH_MAX is")
    assert "needs a restart" in change and "old=500" in change and "new=700" in change and "WARN" in change.upper()
    summary = last(lines, "Reloaded: ")
    assert "applied=ARGO_API_KEY" in summary and "need_restart=ALPINE_BATCH_MAX" in summary
    named = summary.split("unchanged=")[1].split(",")
    assert "ALPINE_API_URL" in named and "ARGO_API_KEY" not in named and "ALPINE_BATCH_MAX" not in named
    assert KEY not in sender.log() and NEW not in sender.log()


def test_what_was_applied_is_unchanged_then_and_what_needs_a_restart_is_said_again(stage):
    config, key = stage.folder / "config.json", stage.folder / "key"
    key.write_text(KEY)
    write_config(config, batch_max=500)
    sender = stage.sender(stage.fake_receiver(), stage.argo(), ARGO_API_KEY=None, ARGO_API_KEY_FILE=key,
                          ARGO_CONFIG=config).start_service()
    key.write_text(NEW)
    write_config(config, batch_max=700)
    reload(sender)
    again = last(reload(sender), "Reloaded: ")
    assert "0 applied, 1 in need of a restart" in again
    key.write_text(KEY)
    write_config(config, batch_max=500)
    back = last(reload(sender), "Reloaded: ")
    assert "1 applied, 0 in need of a restart" in back and "applied=ARGO_API_KEY" in back


def test_log_level_and_format_are_applied_and_the_reload_itself_is_always_logged(stage):
    config = stage.folder / "config.json"
    write_config(config)
    sender = stage.sender(stage.fake_receiver(), stage.argo(), ARGO_CONFIG=config).start_service()
    write_config(config, log_format="json", log_level="error")
    lines = [json.loads(line) for line in reload(sender)]
    assert lines[-1]["applied"] == "ALPINE_LOG_FORMAT,ALPINE_LOG_LEVEL"
    assert (lines[0]["old"], lines[0]["new"]) == ("text", "json") and lines[1]["new"] == "error"
    write_config(config, log_level="info")
    reload(sender)
    sender.wait_log("ALPINE_LOG_LEVEL is changed: applied", times=2)
    assert sender.log().splitlines()[-1].count("applied=ALPINE_LOG_FORMAT,ALPINE_LOG_LEVEL") == 1


def test_the_receiver_names_a_changed_listen_address(stage):
    config = stage.folder / "receiver.json"
    receiver = stage.receiver(start=False, ALPINE_RECEIVER_CONFIG=config)
    listen = receiver.settings.pop("ALPINE_LISTEN")
    config.write_text(json.dumps({"receiver": {"listen": listen}}))
    receiver.start_ready()
    config.write_text(json.dumps({"receiver": {"listen": "127.0.0.1:1"}}))
    change = last(reload(receiver), "ALPINE_LISTEN is")
    assert "needs a restart" in change and f"old={listen}" in change.replace('"', "") and "127.0.0.1:1" in change
    assert receiver.ready(), "it still listens where it did"


# --- all or nothing ---

@pytest.mark.parametrize("bad", ["batch_max", "key", "ca_file", "ca_file gone", "config"])
def test_a_reload_with_one_bad_value_changes_nothing(stage, maker, bad):
    config, key, ca = (stage.folder / name for name in ("config.json", "key", "ca.pem"))
    authority = Authority(stage.folder / "authority")
    ca.write_bytes(authority.file.read_bytes())
    key.write_text(KEY)
    write_config(config, ca_file=str(ca))
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.tls = authority.context()
    sender = stage.sender(far_end, argo, ARGO_API_KEY=None, ARGO_API_KEY_FILE=key, ARGO_CONFIG=config).start_service()
    argo.write(1)
    wait_for(lambda: far_end.posts, 10, "the first signal")
    key.write_text("with spaces in it" if bad == "key" else NEW)
    if bad == "ca_file":
        ca.write_text(BROKEN_PEM)
    if bad == "ca_file gone":
        ca.unlink()
    if bad == "config":
        config.write_text("{")
    if bad == "batch_max":
        write_config(config, ca_file=str(ca), batch_max="many")
    named = {"batch_max": "ALPINE_BATCH_MAX", "key": "ARGO_API_KEY", "config": "ARGO_CONFIG"}.get(bad, "ALPINE_CA_FILE")
    assert named in last(reload(sender, "Reload refused"), "Reload refused")
    seen = len(far_end.posts)
    argo.write(1)
    wait_for(lambda: len(far_end.posts) > seen, 10, "another signal")
    assert {request.headers["X-API-Key"] for request in far_end.posts} == {KEY}
    assert "with spaces" not in sender.log()


# --- certificates ---

@pytest.mark.slow
@pytest.mark.parametrize("written_to", [False, True], ids=["nobody writes", "a writer that is silent"])
def test_a_key_file_that_turned_into_a_pipe_holds_up_no_delivery(stage, written_to):
    key = stage.folder / "key"
    key.write_text(KEY)
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = stage.sender(far_end, argo, ARGO_API_KEY=None, ARGO_API_KEY_FILE=key).start_service()
    key.unlink()
    os.mkfifo(key, 0o600)
    os.chown(key, *os.stat(stage.folder)[4:6])
    pipe = os.open(key, os.O_RDWR) if written_to else None
    try:
        reload(sender, "Reload refused")
        made = argo.write(1)
        wait_for(lambda: pairs(far_end.accepted) == pairs(made), 10, "the signal to arrive")
    finally:
        if pipe is not None:
            os.close(pipe)


def test_a_ca_file_that_holds_no_certificate_is_a_configuration_error(stage):
    file = stage.folder / "ca.pem"
    sender = stage.sender(stage.fake_receiver(), stage.argo(), ALPINE_CA_FILE=file)
    for content in (None, "", "no certificate\n", BROKEN_PEM, "binary\0\n"):
        if content is not None:
            file.write_text(content)
        done = sender.command("sync")
        assert done.code == 78 and "ALPINE_CA_FILE" in done.err and str(file) in done.err, done


def test_only_the_certificates_of_the_ca_file_are_trusted(stage):
    ours, others = Authority(stage.folder / "ours"), Authority(stage.folder / "others")
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.tls = ours.context()
    argo.write(1)
    sender = stage.sender(far_end, argo)
    assert sender.command("test", ALPINE_CA_FILE=others.file).code == 1
    assert sender.command("test").code == 1
    sender.sync(ALPINE_CA_FILE=ours.file)


def test_the_systems_certificates_are_trusted_only_without_a_ca_file(stage):
    """Neither those of the system's file nor those of its directory."""
    ours, others = Authority(stage.folder / "ours"), Authority(stage.folder / "others", "Another Authority")
    system = stage.folder / "certs"
    system.mkdir()
    (system / "ca-certificates.crt").write_bytes(ours.file.read_bytes())
    subprocess.run(["openssl", "rehash", system], check=True)
    far_end = stage.fake_receiver()
    far_end.tls = ours.context()
    sender = stage.sender(far_end, stage.argo())

    def health(**settings):
        done = run_with_file(system, "/etc/ssl/certs", sender.program, ["check", "--json"],
                             {**sender.settings, **settings})
        return Checked(done).items["tls"]["verdict"], "receiver" in Checked(done).items
    assert health() == ("pass", True)
    assert health(ALPINE_CA_FILE=others.file) == ("fail", False)
    done = run_with_file(system, "/etc/ssl/certs", sender.program, ["test"],
                         {**sender.settings, "ALPINE_CA_FILE": others.file})
    assert done.code == 1 and "issuer certificate" in done.out, done


@pytest.mark.slow
def test_new_certificates_in_the_same_file_hold_for_new_connections_and_for_kept_ones(stage):
    """The far end keeps connections open that were made in the old trust; none of them is used once it is withdrawn."""
    old, new = Authority(stage.folder / "old"), Authority(stage.folder / "new", "Another Authority")
    trusted = stage.folder / "trusted.pem"
    trusted.write_bytes(old.file.read_bytes())
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.tls = old.context()
    sender = stage.sender(far_end, argo, ALPINE_CA_FILE=trusted, ALPINE_PROBE_INTERVAL=0.2).start_service()
    argo.write(1)
    wait_for(lambda: far_end.posts, 10, "a signal")
    trusted.write_bytes(new.file.read_bytes())
    lines = reload(sender)
    assert "ALPINE_CA_FILE is changed: applied" in last(lines, "ALPINE_CA_FILE is")
    made = argo.write(1)
    sender.wait_log("certificate")
    stays(lambda: made[0]["signal_id"] not in far_end.times_posted, 1, "it went to whom nobody trusts any more")
    far_end.tls = new.context()
    wait_for(lambda: made[0]["signal_id"] in far_end.times_posted, 10, lambda: f"the signal:\n{sender.log()}")


def test_a_ca_file_that_changes_without_a_reload_changes_nothing(stage):
    authority, other = Authority(stage.folder / "ours"), Authority(stage.folder / "other")
    trusted = stage.folder / "trusted.pem"
    trusted.write_bytes(authority.file.read_bytes())
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.tls = authority.context()
    sender = stage.sender(far_end, argo, ALPINE_CA_FILE=trusted).start_service()
    trusted.write_bytes(other.file.read_bytes())
    argo.write(1)
    wait_for(lambda: far_end.posts, 10, lambda: f"the signal:\n{sender.log()}")


# --- a key is rotated under load ---

class Poster(threading.Thread):
    """Posts signals one after the other, each once, with the key that the file holds then."""

    def __init__(self, receiver, key_file, seed):
        super().__init__(daemon=True)
        self.receiver, self.key_file, self.maker = receiver, key_file, Maker(seed)
        self.statuses, self.made = [], []
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set():
            signal = self.maker.signal()
            self.statuses.append(self.receiver.post(signal, key=self.key_file.read_text().strip()).status)
            self.made.append(signal)

    def finish(self):
        self.ending.set()
        self.join(30)


def replace(file, text):
    """As a whole: nobody sees half of it."""
    beside = file.with_suffix(".new")
    beside.write_text(text + "\n")
    beside.replace(file)


@pytest.mark.under_tsan
def test_a_key_is_rotated_under_load_and_no_signal_is_refused(stage):
    current, following, senders = (stage.folder / name for name in ("key", "key-next", "key-of-senders"))
    for file in (current, following, senders):
        replace(file, KEY)
    receiver = stage.receiver(EXTERNAL_SIGNAL_API_KEY=None, EXTERNAL_SIGNAL_API_KEY_FILE=current,
                              EXTERNAL_SIGNAL_API_KEY_NEXT_FILE=following)
    argo = stage.argo()
    sender = stage.sender(receiver, argo, ARGO_API_KEY=None, ARGO_API_KEY_FILE=senders).start_service()
    posters = [stage.keep(Poster(receiver, senders, seed)) for seed in (71, 72)]
    for poster in posters:
        poster.start()
    made = []

    def under_load():
        made.extend(argo.write(60, chunk=5))
        reached = [len(poster.statuses) + 10 for poster in posters]
        wait_for(lambda: all(len(poster.statuses) >= count for poster, count in zip(posters, reached)), 30, "some posts")

    keys = [KEY, NEW, "the-third-key-0123456789abcdef0123456789abcdef"]
    for new in keys[1:]:
        under_load()
        replace(following, new)
        reload(receiver)
        under_load()
        replace(following, "a key with spaces")  # somebody slips; nothing must come of it
        reload(receiver, "Reload refused")
        replace(following, new)
        replace(senders, new)
        reload(sender)
        made += argo.write(20, chunk=5)
        sender.settled(len(made))  # what was under way with the old key is through
        under_load()
        replace(current, new)
        reload(receiver)
        under_load()
    for poster in posters:
        poster.finish()
        assert set(poster.statuses) == {201}, "no answer is another one"
        made += poster.made
    sender.settled(len(made) - sum(len(poster.made) for poster in posters))
    for program in (sender, receiver):
        assert "unauthorized" not in program.log().lower() and "Authentication failed" not in program.log()
    assert sender.dead() == []
    assert receiver.database.stored() == pairs(made)
    assert check_chain(receiver.database) == len(made)
    for old in keys[:-1]:
        assert receiver.post(Maker(73).signal(), key=old).status == 401
