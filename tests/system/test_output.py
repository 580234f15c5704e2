"""Where results go when standard output cannot take them, and what becomes of closed standard files. Both programs."""

import json
import os
import socket
import subprocess

import pytest

from support.argo import Maker
from support.ports import take_port
from support.process import SYSTEM_PATH
from support.receiver import KEY
from support.waiting import wait_for

SETTINGS = {"PATH": SYSTEM_PATH, "AWS_EC2_METADATA_DISABLED": "true", "ALPINE_API_URL": "http://127.0.0.1:1", "ARGO_API_KEY": KEY,
            "EXTERNAL_SIGNAL_API_KEY": KEY, "DATABASE_URL": "postgresql://127.0.0.1:1/nothing"}


@pytest.mark.parametrize(("program", "command"), [
    ("sender", "version"), ("sender", "help"), ("sender", "check"), ("sender", "status"), ("sender", "hash"),
    ("receiver", "version"), ("receiver", "keygen"), ("receiver", "check")])
@pytest.mark.parametrize("target", [">/dev/full", ">&-"])
def test_results_that_cannot_be_written_are_a_failure_that_is_told(build, tmp_path, program, command, target):
    path = build / program / f"alpine-{program}"
    signals = "\n".join(map(json.dumps, ["no signal", *Maker().signals(200)]))
    done = subprocess.run(["sh", "-c", f'"$0" "$@" {target}', path, command], input=signals, text=True, timeout=60,
                          capture_output=True, check=False, env={**SETTINGS, "ALPINE_STATE_DIR": str(tmp_path)})
    assert done.returncode == 1
    assert "The results could not be written to standard output: " in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the open files of a process that is not dumpable")
@pytest.mark.parametrize("program", ["sender", "receiver"])
def test_no_file_and_no_socket_takes_the_place_of_a_closed_standard_file(build, tmp_path, program):
    """What is printed or logged would go there: into a request, or to the database."""
    taken = take_port()
    port = taken.number
    settings = {**SETTINGS, "ALPINE_STATE_DIR": str(tmp_path), "ALPINE_LISTEN": f"127.0.0.1:{port}",
                "ALPINE_SENDER_LISTEN": f"127.0.0.1:{port}", "ARGO_SIGNALS_DB": str(tmp_path / "signals.db")}
    path = build / program / f"alpine-{program}"
    process = subprocess.Popen(["sh", "-c", 'exec "$0" "$1" <&- >&- 2>&-', path,
                                "run" if program == "sender" else "serve"], env=settings)
    try:
        wait_for(lambda: _listens(port), 20, "it to serve")
        assert {os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)} == {"/dev/null"}
    finally:
        process.kill()
        process.wait()
        taken.release()


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
