"""The set-up script of alpine-sender, on a scratch root with a systemctl that only writes down what it is asked."""

import os
import re
import shutil
import signal as signals_of_unix
import stat
import subprocess
import time
from pathlib import Path

import pytest

from support.argo import Argo
from support.paths import REPO
from support.process import SYSTEM_PATH
from support.receiver import KEY
from support.terminal import Terminal
from support.unprivileged import Account
from support.waiting import wait_for

pytestmark = [pytest.mark.one_build, pytest.mark.slow]

SCRIPT = REPO / "sender" / "setup-production-env.sh"
OTHER_KEY = "another-key-0123456789abcdef"
ENV, API_KEY = "etc/alpine-sync/sender.env", "etc/alpine-sync/api-key"
DROP_IN = "etc/systemd/system/alpine-sender.service.d/10-setup.conf"
OWN_UNIT = "etc/systemd/system/alpine-sender.service"
STATE = "var/lib/alpine-sync"
HOMES = "/home"

SYSTEMCTL = """#!/bin/sh
# Knows whether there is a unit, and whether the service is enabled and active; and nothing else.
unit() { ls "$here"/root/*/systemd/system/alpine-sender.service "$here"/root/*/*/systemd/system/alpine-sender.service \
    2>&1 | grep -v cannot; }
echo "$*" >> "$here/calls"
case "$*" in
    *is-enabled*) test -e "$here/enabled" ;;
    *is-active*) test -e "$here/active" ;;
    cat*) unit ;;
    *show*) date -r "$here/active" ;;
    *disable*) unit >/dev/null 2>&1 || exit 1; rm -f "$here/enabled" "$here/active" ;;
    *enable*) touch "$here/enabled" ;;
    restart*) touch "$here/active" ;;
esac
"""


class Host:
    """Argo's host: a root below which the script works, Argo's files in it, and a PATH of its own."""

    def __init__(self, folder, build, systemd=True, unit=True):
        self.folder, self.root, self.bin = folder, folder / "root", folder / "bin"
        self.bin.mkdir(parents=True)
        self.argo = self.root / "srv/argo"
        self.argo.mkdir(parents=True)
        shutil.copy(build / "sender" / "alpine-sender", self.bin)
        self.command("systemctl", SYSTEMCTL.replace("$here", str(folder)))
        if systemd:
            (self.root / "run/systemd/system").mkdir(parents=True)
        if unit:
            units = self.root / "usr/lib/systemd/system"
            units.mkdir(parents=True)
            shutil.copy(REPO / "sender/systemd/alpine-sender.service", units)

    def command(self, name, text):
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    @property
    def environment(self):
        return {"PATH": f"{self.bin}:{SYSTEM_PATH}", "HOME": "/", "TERM": "dumb"}

    def arguments(self, *options):
        return [str(SCRIPT), "--root", str(self.root), *map(str, options)]

    def set_up(self, *options, key=None, code=0, before=()):
        """Run the script; its output, which must not have the key. `key` goes to its standard input."""
        traced = {"ASAN_OPTIONS": "detect_leaks=0"} if before else {}  # no leak check under a tracer
        done = subprocess.run([*before, *self.arguments(*options)], env={**self.environment, **traced}, text=True,
                              input=key or "", capture_output=True, timeout=120, check=False)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        said = done.stdout + done.stderr
        if (self.root / API_KEY).is_file() and "--show-key" not in options:
            assert (self.root / API_KEY).read_text().strip() not in said
        return said

    def calls(self):
        """What systemctl was asked since the last time."""
        path = self.folder / "calls"
        calls = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [call for call in calls if not re.search(r"is-|show|^cat", call)]

    def text(self, name):
        return (self.root / name).read_text()

    def mode(self, name):
        return stat.S_IMODE((self.root / name).stat().st_mode)

    def tree(self):
        """Everything that there is: path, mode, owner, time and contents."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            if path.name.endswith(("-shm", "-wal")):
                continue  # whoever reads Argo's database makes and removes them
            about = path.lstat()
            found[path.relative_to(self.root).as_posix()] = (
                about.st_mode, about.st_uid, about.st_mtime_ns, path.read_bytes() if path.is_file() else None)
        return found

    def contents(self):
        return {name: contents for name, (_, _, _, contents) in self.tree().items()}


@pytest.fixture(name="host")
def fixture_host(tmp_path, build):
    return Host(tmp_path / "host", build)


@pytest.fixture(name="receiver", scope="module")
def fixture_receiver(module_stage):
    return module_stage.receiver()


def argo_of(host):
    """Argo's database, closed: the script looks at its owner."""
    argo = Argo(host.argo)
    argo.write(3)
    argo.finish()
    return "/srv/argo/signals.db"


def usual(host, receiver):
    return "--url", receiver.url, "--database", argo_of(host)


@pytest.fixture(name="ready")
def fixture_ready(host, receiver):
    """A host that was set up."""
    host.set_up(*usual(host, receiver), "--key-file", "-", key=KEY)
    host.calls()
    return host


# --- what it sets up ---


def test_a_fresh_host(host, receiver):
    log = "/srv/argo/signals.log"
    said = host.set_up(*usual(host, receiver), "--log", log, "--key-file", "-", key=KEY + "\n")
    assert host.text(API_KEY) == KEY + "\n"
    assert host.mode(API_KEY) == host.mode(ENV) == 0o600
    assert host.mode("etc/alpine-sync") == 0o700
    assert host.text(ENV).splitlines()[1:] == [
        f"ALPINE_API_URL={receiver.url}", "ARGO_SIGNALS_DB=/srv/argo/signals.db", f"ARGO_SIGNALS_LOG={log}"]
    owner = (host.argo / "signals.db").owner()
    assert f"User={owner}\nGroup=" in host.text(DROP_IN)
    assert host.mode(STATE) == 0o700
    assert host.calls() == ["daemon-reload", "--quiet enable alpine-sender.service", "restart alpine-sender.service"]
    assert said.count(" 0 failed") == 2, "of check, and of test"
    assert "Nothing." in said


def test_the_second_run_changes_nothing(ready, receiver):
    before = ready.tree()
    for options in [(), ("--url", receiver.url), ("--generate-key",)]:
        said = ready.set_up(*options)
        assert said.count("unchanged: ") == 5
        assert "wrote" not in said and "make the" not in said
        assert ready.tree() == before
        assert ready.calls() == ["daemon-reload"]


def test_what_is_not_known_is_kept_and_a_change_restarts(ready, stage):
    other = stage.receiver(EXTERNAL_SIGNAL_API_KEY=OTHER_KEY)
    env = ready.root / ENV
    env.write_text("# mine\nALPINE_LOG_LEVEL=debug\n" + env.read_text() + "ALPINE_IN_FLIGHT_MAX=1\n")
    before = ready.text(ENV)
    old = re.search("ALPINE_API_URL=(.*)", before)[1]
    (ready.folder / "new-key").write_text(OTHER_KEY)
    ready.set_up("--url", other.url, "--key-file", ready.folder / "new-key")
    assert ready.text(ENV) == before.replace(old, other.url)
    assert ready.text(API_KEY) == OTHER_KEY + "\n"
    assert ready.mode(ENV) == 0o600
    assert ready.calls() == ["daemon-reload", "restart alpine-sender.service"]


def test_settings_with_blanks_around_them_are_read_as_systemd_reads_them(ready, receiver):
    (ready.root / ENV).write_text(f"  ALPINE_API_URL = {receiver.url}  \n\tARGO_SIGNALS_DB='/srv/argo/signals.db' \n")
    ready.set_up()
    assert ready.text(ENV) == f"ALPINE_API_URL={receiver.url}\nARGO_SIGNALS_DB=/srv/argo/signals.db\n"


def test_it_is_checked_with_the_service_s_environment_and_no_other(ready):
    """A proxy that only this shell knows would be another way than the service's, and one of the service's is its way."""
    env = ready.root / ENV
    nowhere = "http://127.0.0.1:1"
    ready.set_up(before=("env", f"http_proxy={nowhere}", "ALPINE_STATE_DIR=/nowhere"))
    env.write_text(env.read_text() + f"http_proxy={nowhere}\nUID=0\nPATH=/nowhere\n")
    said = ready.set_up(code=3)
    assert "alpine-sender test ended with 1" in said and "readonly" not in said


def test_an_empty_log_is_no_log(host, receiver):
    host.set_up(*usual(host, receiver), "--log", "/srv/argo/signals.log", "--key-file", "-", key=KEY)
    assert "ARGO_SIGNALS_LOG" in host.text(ENV)
    host.set_up("--log", "")
    assert "ARGO_SIGNALS_LOG" not in host.text(ENV)


def test_a_mode_that_is_too_wide_is_put_right(ready):
    (ready.root / API_KEY).chmod(0o644)
    ready.set_up()
    assert ready.mode(API_KEY) == 0o600


def test_a_service_that_is_older_than_its_files_is_restarted(ready):
    """As after a run that was stopped between the two."""
    os.utime(ready.root / ENV, (time.time() + 5, time.time() + 5))
    ready.set_up()
    assert "restart alpine-sender.service" in ready.calls()


def test_a_rehearsal_changes_nothing(host, receiver):
    options = (*usual(host, receiver), "--key-file", "-")
    before = host.tree()
    said = host.set_up(*options, "--dry-run", key=KEY)
    assert host.tree() == before and not host.calls()
    for name in (ENV, API_KEY, DROP_IN):
        assert f"would write {host.root / name}" in said
    host.set_up(*options, key=KEY)
    before = host.tree()
    host.calls()
    for dry in [("--url", "http://localhost:1"), ("--uninstall", "--purge")]:
        host.set_up("--dry-run", *dry)
        assert host.tree() == before and not host.calls()


def test_a_rehearsal_hands_out_no_key_that_is_nowhere(host, receiver):
    said = host.set_up(*usual(host, receiver), "--generate-key", "--show-key", "--dry-run")
    assert "Key: " not in said and "the new key" not in said
    assert "nothing has been changed" in said


def test_a_host_without_systemd(tmp_path, build, receiver):
    host = Host(tmp_path / "bare", build, systemd=False)
    said = host.set_up(*usual(host, receiver), "--key-file", "-", key=KEY)
    assert "systemd does not run here" in said
    assert not host.calls()
    assert " 0 failed" in said


def test_a_host_without_the_unit_gets_it_and_loses_it_again(tmp_path, build, receiver):
    host = Host(tmp_path / "bare", build, unit=False)
    host.set_up(*usual(host, receiver), "--key-file", "-", key=KEY)
    unit = (REPO / "sender/systemd/alpine-sender.service").read_text()
    assert host.text(OWN_UNIT).endswith(unit)
    host.set_up("--uninstall")
    assert not (host.root / OWN_UNIT).exists()
    assert "nothing to stop" in host.set_up("--uninstall")


def test_what_the_unit_hides_is_shown_to_the_service(host, receiver, tmp_path):
    argo_of(host)
    data = f"{HOMES}/argo/data"
    shutil.copytree(host.argo, host.root / data.lstrip("/"))
    host.set_up("--url", receiver.url, "--database", f"{data}/signals.db", "--log", "/tmp/argo logs/signals.log",
                "--key-file", "-", key=KEY, code=3)  # the log is not there
    assert f'BindReadOnlyPaths="{data}"\nBindReadOnlyPaths="/tmp/argo logs"\n' in host.text(DROP_IN)
    assert 'ARGO_SIGNALS_LOG="/tmp/argo logs/signals.log"' in host.text(ENV)
    units = tmp_path / "units"
    shutil.copytree(host.root / Path(DROP_IN).parent, units / "alpine-sender.service.d")
    unit = (REPO / "sender/systemd/alpine-sender.service").read_text()
    (units / "alpine-sender.service").write_text(
        unit.replace("ExecStart=alpine-sender", f"ExecStart={host.bin}/alpine-sender"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", units / "alpine-sender.service"], text=True,
                          capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("linked", ["directory", "file"])
def test_what_is_hidden_behind_a_link_is_shown_too(host, receiver, linked):
    argo_of(host)
    hidden = host.root / f"{HOMES}/argo/data".lstrip("/")
    shutil.copytree(host.argo, hidden)
    if linked == "directory":
        (host.root / "srv/link").symlink_to(f"..{HOMES}/argo/data")
    else:
        (host.root / "srv/link").mkdir()
        (host.root / "srv/link/signals.db").symlink_to(f"../..{HOMES}/argo/data/signals.db")
    host.set_up("--url", receiver.url, "--database", "/srv/link/signals.db", "--key-file", "-", key=KEY)
    assert f'BindReadOnlyPaths="{HOMES}/argo/data"\n' in host.text(DROP_IN)
    assert "ARGO_SIGNALS_DB=/srv/link/signals.db\n" in host.text(ENV)


def test_a_root_may_be_named_from_here(host, receiver):
    options = (*usual(host, receiver), "--key-file", "-")
    done = subprocess.run([SCRIPT, "--root", "root/", *options], cwd=host.folder, env=host.environment, input=KEY,
                          text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0 and done.stdout.count(" 0 failed") == 2, done


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become Argo's user")
def test_argos_user_is_the_owner_of_its_database(tmp_path, build, receiver):
    account = Account()
    place = Path("/tmp") / f"alpine-setup-{os.getpid()}"  # where this user can look
    place.mkdir(mode=0o755)
    try:
        host = Host(place, build)
        options = usual(host, receiver)
        for path in (host.argo, host.argo / "signals.db"):
            shutil.chown(path, account.name, account.name)
        said = host.set_up(*options, "--key-file", "-", key=KEY)
        assert f"User={account.name}\nGroup={account.name}\n" in host.text(DROP_IN)
        assert f"check, as {account.name}:" in said and " 0 failed" in said
        assert (host.root / STATE).owner() == account.name
        assert (host.root / API_KEY).owner() == "root"
        said = host.set_up("--user", "root", code=3)
        assert f"belongs to {account.name}, not to root" in said
    finally:
        shutil.rmtree(place)


# --- the key ---


def test_a_key_of_its_own(host, receiver):
    """Alpine does not know it yet, which is no reason not to go on."""
    said = host.set_up(*usual(host, receiver), "--generate-key", code=3)
    key = host.text(API_KEY).strip()
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert f"It is in {host.root / API_KEY};" in said
    assert "restart alpine-sender.service" in host.calls()
    assert f"Key: {key}\n" in host.set_up("--show-key", code=3)
    assert host.text(API_KEY).strip() == key


@pytest.mark.slow
def test_the_key_is_in_no_argument_and_in_no_file_for_others(host, receiver):
    trace = host.folder / "trace"
    host.set_up(*usual(host, receiver), "--key-file", "-", key=KEY,
                before=("strace", "-f", "-s", "4096", "-e", "trace=execve", "-o", str(trace)))
    called = trace.read_text()
    assert '"alpine-sender"' in called or "/alpine-sender" in called
    assert KEY not in called
    holding = [name for name, contents in host.contents().items() if contents and KEY.encode() in contents]
    assert holding == [API_KEY]


# --- what it refuses ---


@pytest.mark.parametrize(("options", "code", "said"), [
    (["--url", "ftp://alpine.example"], 2, "--url must be http:// or https://"),
    (["--url", "https://me:secret@alpine.example"], 2, "without a user name"),
    (["--url", ""], 2, "--url is missing"),
    (["--database", "signals.db"], 2, "must be an absolute path"),
    (["--database", "/srv/argo/gone.db"], 1, "/srv/argo/gone.db is not there"),
    (["--database", "/srv/argo"], 1, "/srv/argo is no file"),
    (["--database", "/srv/ar%h/signals.db"], 2, "--database may have"),
    (["--log", "/srv/a\nUser=root"], 2, "--log may have"),
    (["--user", "nobody-of-that-name"], 1, "there is no user nobody-of-that-name"),
    (["--key-file", "/nowhere/key"], 1, "the key's file cannot be read: /nowhere/key"),
    (["--key-file", "/dev/null"], 1, "the key (/dev/null) must be printable"),
    (["--key-file", "-", "--generate-key"], 2, "not both"),
    (["--key-file", ""], 2, "--key-file needs a value"),
    (["--user", ""], 2, "--user needs a value"),
    (["--root", ""], 2, "--root needs a value"),
    (["--api-key", "x"], 2, "every user of this host"),
    (["--purge"], 2, "--purge goes with --uninstall"),
    (["--url"], 2, "--url needs a value"),
    (["--color"], 2, "unknown option --color"),
])
def test_what_cannot_be_is_refused_before_anything_is_done(host, receiver, options, code, said):
    given = [*usual(host, receiver), "--key-file", "-"]
    if "--key-file" in options or "--generate-key" in options:
        given = given[:-2]
    before = host.tree()
    assert said in host.set_up(*given, *options, key=KEY, code=code)
    assert host.tree() == before and not host.calls()


@pytest.mark.parametrize("key", ["two words", "two\nlines", "non-ascii-é", "", "k" * 257])
def test_a_key_that_is_none(host, receiver, key):
    said = host.set_up(*usual(host, receiver), "--key-file", "-", key=key, code=1)
    assert re.search(r"the key \(standard input\) (must be printable ASCII|has more than 256 characters)", said)
    assert not key or key not in said
    assert not (host.root / API_KEY).exists()


@pytest.mark.parametrize("place", [ENV, API_KEY, DROP_IN, OWN_UNIT])
def test_a_directory_where_a_file_belongs(host, receiver, place):
    """As a container's engine makes one, when it is to mount a file that is not there."""
    options = (*usual(host, receiver), "--key-file", "-")
    (host.root / place).mkdir(parents=True)
    (host.root / "etc/alpine-sync").mkdir(exist_ok=True)
    before = host.tree()
    assert f"{host.root / place} is in the way" in host.set_up(*options, key=KEY, code=1)
    assert host.tree() == before and not host.calls()


@pytest.mark.parametrize("spoil", [
    lambda folder: folder.chmod(0o777), lambda folder: folder.chmod(0o770),
    pytest.param(lambda folder: os.chown(folder, 65534, 65534),
                 marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away"))],
    ids=["everybody's", "a group's", "somebody else's"])
def test_a_directory_in_which_others_may_write(host, receiver, spoil):
    """They could have put a link where the key is written to."""
    options = (*usual(host, receiver), "--key-file", "-")
    folder = host.root / "etc/alpine-sync"
    folder.mkdir(parents=True)
    spoil(folder)
    before = host.tree()
    assert f"others may write in {folder}" in host.set_up(*options, key=KEY, code=1)
    assert host.tree() == before and not host.calls()


@pytest.mark.parametrize(("url", "told"), [
    ("http://localhost.elsewhere.example", True), ("http://127.0.0.1.elsewhere.example", True),
    ("http://localhost:8001", False), ("http://[::1]:8001", False), ("https://alpine.example", False)])
def test_a_key_that_would_travel_in_the_open_is_told(host, receiver, url, told):
    said = host.set_up(*usual(host, receiver), "--url", url, "--generate-key", "--dry-run", code=3 if told else 0)
    assert ("everybody on the way can read the key" in said) == told


def test_without_the_program_it_says_so(host, receiver):
    options = usual(host, receiver)
    (host.bin / "alpine-sender").unlink()
    assert "alpine-sender is not installed" in host.set_up(*options, "--generate-key", code=1)


def test_a_service_that_does_not_start_is_told(host, receiver):
    host.command("systemctl", '#!/bin/sh\ncase "$*" in restart*|is-*) exit 1 ;; esac\n')
    said = host.set_up(*usual(host, receiver), "--key-file", "-", key=KEY, code=3)
    assert "did not start; see: systemctl status" in said
    assert " 0 failed" in said, "it is checked all the same"


@pytest.mark.parametrize("line", ["ARGO_API_KEY=another", "ARGO_API_KEY_FILE=/srv/argo/key"])
def test_a_key_among_the_settings_is_told(ready, line):
    with open(ready.root / ENV, "a", encoding="utf-8") as env:
        env.write(line + "\n")
    assert f"sets {line.split('=')[0]}, which goes before" in ready.set_up(code=3)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_somebody_else_than_root():
    done = subprocess.run([*Account().prefix(False), "bash", "-s", "--", "--url", "https://alpine.example"],
                          stdin=open(SCRIPT, encoding="utf-8"), capture_output=True, text=True, timeout=60, cwd="/",
                          env={"PATH": SYSTEM_PATH}, check=False)
    assert done.returncode == 1
    assert "this needs root" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.parametrize("options", ["size=4k,mode=0700", "ro,mode=0700"], ids=["full", "read-only"])
def test_a_disk_that_takes_no_file_is_told(host, receiver, options):
    usually = (*usual(host, receiver), "--key-file", "-")
    place = host.root / "etc/alpine-sync"
    place.mkdir(parents=True)
    mount = 'mount -t tmpfs -o "$0" tmpfs "$1"; shift; exec "$@"'
    said = host.set_up(*usually, key=KEY, code=1, before=("unshare", "--mount", "sh", "-ec", mount, options, place))
    name = API_KEY if options.startswith("ro") else ENV
    assert f"{host.root / name} could not be written" in said
    assert not host.calls()


# --- and back ---


def test_it_takes_back_what_it_did_but_keeps_what_signals_hang_on(ready):
    (ready.root / STATE / "state.db").touch()
    said = ready.set_up("--uninstall")
    assert "--quiet disable --now alpine-sender.service" in ready.calls()
    for name in (ENV, API_KEY, DROP_IN, "etc/alpine-sync", str(Path(DROP_IN).parent)):
        assert not (ready.root / name).exists(), name
    assert (ready.root / STATE / "state.db").exists()
    assert f"left: {ready.root / STATE}" in said
    assert (ready.root / "usr/lib/systemd/system/alpine-sender.service").exists(), "that is the package's"
    assert (ready.argo / "signals.db").exists()
    ready.set_up("--uninstall", "--purge")
    assert not (ready.root / STATE).exists()
    ready.set_up("--uninstall")


def test_it_leaves_settings_that_were_added_by_hand(ready):
    with open(ready.root / ENV, "a", encoding="utf-8") as env:
        env.write("ALPINE_LOG_LEVEL=debug\n")
    assert f"left: {ready.root / ENV}, which has lines of yours" in ready.set_up("--uninstall")
    assert "ALPINE_LOG_LEVEL=debug" in ready.text(ENV)


def test_it_leaves_what_is_not_its_own(host, receiver):
    (host.root / "etc/alpine-sync").mkdir(parents=True)
    (host.root / ENV).write_text("ALPINE_LOG_LEVEL=debug\n")
    (host.root / "etc/alpine-sync/receiver.env").touch()
    host.set_up(*usual(host, receiver), "--key-file", "-", key=KEY)
    said = host.set_up("--uninstall")
    assert f"left: {host.root / ENV}, which was there before" in said
    assert f"left: {host.root / API_KEY}, which is the receiver's too" in said
    assert "ALPINE_LOG_LEVEL=debug" in host.text(ENV) and host.text(API_KEY)


# --- on a terminal ---


@pytest.fixture(name="run_on_terminal")
def fixture_run_on_terminal():
    """Runs the script on a terminal."""
    made = []
    yield lambda host, *options: made.append(Terminal(host.arguments(*options), host.environment)) or made[-1]
    for terminal in made:
        terminal.finish()


def test_it_asks_for_what_it_was_not_told(host, receiver, run_on_terminal):
    argo_of(host)
    terminal = run_on_terminal(host)
    terminal.answer("Alpine's address: ", receiver.url)
    terminal.answer("Argo's SQLite file: ", "/srv/argo/signals.db")
    terminal.answer("Argo's log of signals (if there is one): ", "")
    terminal.answer("The key that Alpine's receiver knows", KEY)
    assert terminal.end() == 0, terminal.said
    assert KEY not in terminal.said
    assert host.text(API_KEY) == KEY + "\n"
    again = run_on_terminal(host)
    again.answer(f"Alpine's address [{receiver.url}]: ", "")
    again.answer("Argo's SQLite file [/srv/argo/signals.db]: ", "")
    again.answer("Argo's log of signals (if there is one): ", "")
    assert again.end() == 0, again.said
    assert again.said.count("unchanged: ") == 5


def test_no_key_makes_one(host, receiver, run_on_terminal):
    terminal = run_on_terminal(host, *usual(host, receiver), "--log", "")
    terminal.answer("The key that Alpine's receiver knows", "")
    assert terminal.end() == 3, terminal.said
    assert re.fullmatch("[0-9a-f]{64}\n", host.text(API_KEY))


def test_an_interrupted_question_leaves_the_terminal_as_it_was(host, receiver, run_on_terminal):
    options = usual(host, receiver)
    before = host.tree()
    terminal = run_on_terminal(host, *options, "--log", "")
    terminal.wait("The key that Alpine's receiver knows")
    wait_for(lambda: not terminal.echoes(), 10, "the key not to be shown")
    terminal.type("half a k\x03")
    terminal.wait("stopped; run it again to go on")
    wait_for(terminal.echoes, 10, "the terminal to show again what is typed")
    assert terminal.end() == 130
    assert host.tree() == before


# --- stopped on the way ---


@pytest.mark.parametrize("how", [signals_of_unix.SIGINT, signals_of_unix.SIGTERM, signals_of_unix.SIGKILL])
@pytest.mark.parametrize("tool", ["chmod", "mv"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_stopped_on_the_way_it_leaves_whole_files_and_can_go_on(host, receiver, how, tool, nth):
    count = host.folder / "count"
    host.command(tool, f'#!/bin/sh\necho >> "{count}"\n'
                       f'[ "$(wc -l < "{count}")" -ne {nth} ] || kill -{how.value} $PPID\nexec /usr/bin/{tool} "$@"\n')
    options = (*usual(host, receiver), "--key-file", "-")
    host.set_up(*options, key=KEY, code=-9 if how == signals_of_unix.SIGKILL else 128 + how.value)
    (host.bin / tool).unlink()
    left = host.contents()
    for name, first in ((ENV, "# Written by"), (DROP_IN, "# Written by"), (API_KEY, KEY)):
        assert name not in left or (left[name].startswith(first.encode()) and left[name].endswith(b"\n"))
    if how != signals_of_unix.SIGKILL:
        assert not [name for name in left if name.endswith(".new")], "a file is left behind"
    host.set_up(*options, key=KEY)
    there = set(host.contents())
    assert {ENV, API_KEY, DROP_IN} <= there
    assert not [name for name in there if name.endswith(".new")], "a killed run's file is left behind"
    assert host.calls()[-1] == "restart alpine-sender.service"


def test_taking_back_takes_what_a_killed_run_left(ready):
    (ready.root / f"{API_KEY}.new").write_text(KEY)
    ready.set_up("--uninstall")
    assert not (ready.root / "etc/alpine-sync").exists()
