"""What comes out: a table for people, JSON for programs, and two pictures."""

import json
import os
import platform
import subprocess
from datetime import datetime, timezone

from .goals import Result
from .rig import percentile
from .svg import Chart


def _figure(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def row(result: Result):
    """One line of the table."""
    mark = "reached" if result.reached else "MISSED"
    return (f"{result.goal.ours:<58} {_figure(result.ours):>9}  {_figure(result.peer):>9}  {result.ratio:7.2f} "
            f"{result.goal.reach:>7}  {mark:<8} {result.note}")


HEADER = f"{'what':<58} {'ours':>9}  {'against':>9}  {'ratio':>7} {'reach':>7}"


def machine():
    """What it was measured on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")
    versions = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\\n", "postgresql-15", "libmicrohttpd12",
                               "libcurl4", "libpq5", "wrk"], capture_output=True, encoding="utf-8").stdout.splitlines()
    return {"cpus": os.cpu_count(), "cpu": model, "kernel": platform.release(), "python": platform.python_version(),
            "packages": versions}


def write_json(path, command, results, rig):
    """Everything that was measured."""
    path.write_text(json.dumps({
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": command,
        "machine": machine(),
        "results": [{"name": result.name, "what": result.goal.ours, "against": result.goal.peer, "ours": result.ours,
                     "peer": result.peer, "ratio": result.ratio, "reach": result.goal.reach,
                     "reached": result.reached, "note": result.note} for result in results],
        "posts": rig.curves,
        "end_to_end_ms": {name: {f"p{percent}": percentile(values, percent) for percent in (50, 90, 99)}
                          for name, values in rig.latencies.items()},
    }, indent=1) + "\n", encoding="utf-8")


def draw(folder, rig):
    """The pictures of docs/performance.md, as far as there are figures for them."""
    if rig.curves:
        chart = Chart("Signals stored a second, each post after its COMMIT", "connections", "a second")
        for name, label in (("ours", "alpine-receiver"), ("pgbench", "pgbench, one row a transaction")):
            chart.line(label, [(str(count), figures["rate"]) for count, figures in rig.curves[name].items()])
        (folder / "throughput.svg").write_text(chart.svg(), encoding="utf-8")
    if rig.latencies:
        chart = Chart("From Argo's commit to Alpine's", "percentile", "milliseconds")
        percents = (10, 25, 50, 75, 90, 95, 99, 99.9)
        for name, label in (("idle", "idle link"), ("busy", "beside 500 signals a second")):
            chart.line(label, [(f"{percent:g}", percentile(rig.latencies[name], percent)) for percent in percents])
        (folder / "latency.svg").write_text(chart.svg(), encoding="utf-8")
