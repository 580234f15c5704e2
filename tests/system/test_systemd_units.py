"""The units: systemd understands them, they are as locked up as we say, and they fit the programs."""

import os
import re
import signal as signals_of_unix
import subprocess
from configparser import ConfigParser

import pytest

from support.paths import REPO
from support.service_manager import ServiceManager
from support.strace import calls_in
from support.waiting import wait_for

pytestmark = pytest.mark.one_build

EXPOSURE_MAX = "15"  # tenths: what `systemd-analyze security` calls 1.5

both = pytest.mark.parametrize("program", ["sender", "receiver"])


def unit(program):
    return REPO / program / "systemd" / f"alpine-{program}.service"


def service_section(program):
    """Of the options that are given more than once, the last one."""
    parsed = ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str
    parsed.read(unit(program))
    return parsed["Service"]


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", "--no-pager", *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@both
def test_systemd_finds_nothing_wrong(build, tmp_path, program):
    """With the built program in the place of the installed one, which systemd looks for on its own path."""
    text, count = re.subn(rf"^ExecStart=alpine-{program} ", f"ExecStart={build}/{program}/alpine-{program} ",
                          unit(program).read_text(), flags=re.MULTILINE)
    assert count == 1
    copy = tmp_path / unit(program).name
    copy.write_text(text)
    assert analyze("verify", "--man=no", copy) == (0, "")
    copy.write_text(text.replace("WatchdogSec=", "WatchDogSec="))
    assert "Unknown key 'WatchDogSec'" in analyze("verify", "--man=no", copy)[1]


@both
def test_it_is_locked_up(program):
    code, said = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", unit(program))
    assert code == 0, said


def test_the_senders_pages_need_one_port_and_no_more(build, tmp_path):
    """As a drop-in opens it: the last word on what may listen is the one that fits, and the rest stays as it was."""
    text = unit("sender").read_text()
    assert service_section("sender")["SocketBindDeny"] == "any"
    assert re.search(r"^#   SocketBindAllow= +ipv4:tcp:\d+", text, re.MULTILINE), "the unit says how"
    copy = tmp_path / unit("sender").name
    copy.write_text(text.replace("ExecStart=alpine-sender ", f"ExecStart={build}/sender/alpine-sender "))
    drop_in = tmp_path / f"{copy.name}.d" / "pages.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nSocketBindAllow=ipv4:tcp:8002\n")
    assert analyze("verify", "--man=no", copy) == (0, "")
    code, said = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", copy)
    assert code == 0, said
    drop_in.write_text("[Service]\nSocketBindAllow=ipv4:tcp:all\n")
    assert "SocketBindAllow" in analyze("verify", "--man=no", copy)[1], "the drop-in is looked at"


@both
def test_it_fits_the_program(program):
    service = service_section(program)
    assert service["Type"] == "notify"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["RestartPreventExitStatus"] == "78"
    assert float(service["TimeoutStopSec"]) > 25, "what is in flight is waited for that long"
    assert float(service["WatchdogSec"]) >= 60
    assert service["CapabilityBoundingSet"] == ""


@both
def test_its_credentials_are_what_the_program_reads(build, program):
    text = unit(program).read_text()
    loaded = set(re.findall(r"^LoadCredential=([\w-]+):", text, re.MULTILINE))
    read = dict(re.findall(r"^Environment=([A-Z_]+)_FILE=%d/([\w-]+)$", text, re.MULTILINE))
    assert set(read.values()) == loaded != set()
    said = subprocess.run([build / program / f"alpine-{program}", "help"], capture_output=True, text=True, check=True,
                          timeout=30).stdout
    assert all(re.search(rf"^  {name}\b", said, re.MULTILINE) for name in read), "a setting of that name"


def test_the_senders_state_directory_is_systemds(stage):
    """It is found by STATE_DIRECTORY; nothing else has to be set."""
    assert service_section("sender")["StateDirectory"] == "alpine-sync"
    argo = stage.argo()
    argo.write(1)
    sender = stage.sender(stage.fake_receiver(), argo)
    sender.settings["ALPINE_STATE_DIR"] = None
    sender.settings["STATE_DIRECTORY"] = sender.folder / "given"
    sender.start_service()
    sender.settled(delivered=1)
    assert (sender.folder / "given" / "state.db").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_the_sender_follows_argo_through_a_read_only_mount(stage):
    """As ProtectSystem=strict gives it Argo's directory, whether Argo has the database open or not."""
    argo = stage.argo()
    argo.write(3)
    sender = stage.sender(stage.fake_receiver(), argo)
    sender.see_read_only(argo.database.parent)
    sender.start_service()
    sender.settled(delivered=3)
    argo.write(4)
    sender.settled(delivered=7)
    argo.close()
    sender.stop()
    argo.write(2)
    argo.close()
    sender.start_service()
    sender.settled(delivered=9)
    argo.write(1)
    sender.settled(delivered=10)


# --- system calls ---


def members(name, seen=None):
    """The system calls of a set of systemd's, and of those in it."""
    found, (code, said) = set(), analyze("syscall-filter", name)
    assert code == 0, said
    for line in said.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= members(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def allowed(program):
    """By the SystemCallFilter lines; what every process may do is added by systemd."""
    calls = members("@default")
    for names in re.findall(r"^SystemCallFilter=(.*)$", unit(program).read_text(), re.MULTILINE):
        for name in names.lstrip("~").split():
            calls = calls - members(name) if names.startswith("~") else calls | members(name)
    return calls


# Refused, and done without: the soft limit of open files is the unit's, and SQLite gives its files away only as root.
DONE_WITHOUT = {"prlimit64", "setrlimit", "getrlimit", "fchown", "execve"}


@both
def test_no_system_call_that_it_needs_is_refused(stage, program, tmp_path):
    """From the start over some work and a reload to the stop."""
    manager = stage.keep(ServiceManager(watchdog=2))
    argo = stage.argo()
    receiver = stage.receiver(start=False, **(manager.settings if program == "receiver" else {}))
    sender = stage.sender(receiver, argo, **(manager.settings if program == "sender" else {}))
    traced = {"sender": sender, "receiver": receiver}[program]
    trace = tmp_path / "trace"
    traced.trace_into(trace)
    receiver.start()
    receiver.wait_ready()
    sender.start_service()
    argo.write(100)
    sender.settled(delivered=100)
    traced.signal(signals_of_unix.SIGHUP)
    manager.wait_order("READY", "RELOADING", "READY")
    sender.stop()
    receiver.stop()
    wait_for(lambda: "+++ exited with 0 +++" in trace.read_text().splitlines()[-1], 20, "strace to have seen the end")
    used = set(calls_in(trace))
    assert {"sendto", "read", "exit_group"} <= used
    assert used - DONE_WITHOUT <= allowed(program)
