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


def post(receiver, lines, connections, seconds):
    """Single posts for `seconds` over so many connections that stay open. Every one must have been stored."""
    before = receiver.database.count()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", HERE / "post.lua",
               receiver.url, "--", lines, KEY]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=seconds + 60)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    assert figures["bad"] == 0, done.stdout
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
