"""The two loads that are held against each other: wrk's posts and pgbench's inserts."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.postgres import OWNER
from support.receiver import KEY

HERE = Path(__file__).parent


@dataclass
class Load:
    """What a load measured: how many a second, and how long each took, in milliseconds."""

    rate: float
    p50: float
    p90: float
    p99: float
    worst: float


def _start_wrk(receiver, lines, connections, seconds):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", HERE / "post.lua",
               receiver.url, "--", lines, KEY]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")


def _figures(wrk, seconds):
    out, err = wrk.communicate(timeout=seconds + 60)
    assert wrk.returncode == 0, out + err
    figures = json.loads(out.strip().splitlines()[-1])
    assert figures["bad"] == 0, out
    return figures


def post_together(receivers, files, connections, seconds):
    """Single posts for `seconds` to several receivers of one database, each with a file and so many connections of its
    own; the rate of each. Every post must have been stored."""
    database = receivers[0].database
    before = database.count()
    running = [_start_wrk(receiver, file, connections, seconds) for receiver, file in zip(receivers, files)]
    figures = [_figures(wrk, seconds) for wrk in running]
    answered = sum(each["requests"] for each in figures)
    stored = database.count() - before
    assert 0 <= stored - answered <= connections * len(receivers), f"{answered} answered, {stored} stored"
    return [each["requests"] / each["microseconds"] * 1e6 for each in figures]


def post(receiver, lines, connections, seconds):
    """The same to one receiver, with the latencies."""
    before = receiver.database.count()
    figures = _figures(_start_wrk(receiver, lines, connections, seconds), seconds)
    stored = receiver.database.count() - before
    assert 0 <= stored - figures["requests"] <= connections, f"{figures['requests']} answered, {stored} stored"
    return Load(figures["requests"] / figures["microseconds"] * 1e6,
                *(figures[name] / 1000 for name in ("p50", "p90", "p99", "worst")))


def insert(database, connections, seconds):
    """One-row inserts for `seconds` over so many connections, each in a transaction of its own."""
    postgres = database.postgres
    log = postgres.folder / "pgbench"
    command = [postgres.programs / "pgbench", "-n", "-M", "prepared", "-f", HERE / "insert.sql", "-T", str(seconds),
               "-c", str(connections), "-j", str(min(2, connections)), "-h", "127.0.0.1",
               "-p", str(postgres.port.number), "-U", OWNER, "--log", f"--log-prefix={log}", database.name]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=seconds + 60)
    assert done.returncode == 0, done.stderr
    assert re.search(r"number of failed transactions: 0 ", done.stdout), done.stdout
    latencies = []
    for part in postgres.folder.glob("pgbench.*"):
        latencies += [int(line.split()[2]) for line in part.read_text().splitlines()]
        os.unlink(part)
    latencies.sort()
    rate = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])
    return Load(rate, *(latencies[min(int(len(latencies) * part), len(latencies) - 1)] / 1000
                        for part in (0.5, 0.9, 0.99, 1)))
