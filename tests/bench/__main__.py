"""The measurements: `./run bench [--full] [--only NAME ...] [--rounds N] [--json FILE] [--svg FOLDER]`.

Each goal is a ratio of two figures of the same run on the same machine, taken in turns, with nothing relaxed: PostgreSQL
flushes, the answer comes after the COMMIT, every hash is verified, the chain is kept, and the table has all of its
15 indexes. The last line counts the goals that were reached; the exit code is 1 if one was missed.
"""

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from support.paths import BUILD, build_folder

from . import hashing, idle, latency, posts, report, syncs
from .rig import Rig


@dataclass(frozen=True)
class Size:
    """How much of each: the short run is for every day, the full one for docs/performance.md."""

    connections: tuple
    rounds: int
    seconds: int
    posts: int
    rows: int
    samples: int
    idle: int
    tables: tuple


SHORT = Size(connections=(1, 16, 64, 256), rounds=2, seconds=3, posts=120_000, rows=60_000, samples=500, idle=10,
             tables=(0,))
FULL = Size(connections=(1, 4, 16, 64, 256), rounds=3, seconds=5, posts=200_000, rows=1_000_000, samples=2_000, idle=60,
            tables=(0, 1_000_000, 5_000_000))
MEASURES = {
    "hashing": hashing.measure,
    "posts": posts.measure,
    "two": posts.measure_two,
    "sync": syncs.measure,
    "wire": syncs.measure_wire,
    "latency": latency.measure,
    "idle": idle.measure,
    "memory": syncs.measure_memory,
    "growth": syncs.measure_growth,
    "large": syncs.measure_large_table,
}
ONLY_FULL = {"growth", "large"}


def parse():
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the long ones too: a million rows, tables of five million")
    parser.add_argument("--only", nargs="+", choices=MEASURES, help="these measurements alone")
    parser.add_argument("--rounds", type=int, help="how often each pair is measured in turns")
    parser.add_argument("--json", type=Path, default=BUILD / "bench.json", help="where the figures go")
    parser.add_argument("--svg", type=Path, help="a folder for the pictures")
    parser.add_argument("--schema", type=Path, help="Alpine's schema to start from, instead of an empty database")
    parser.add_argument("--build", default="release", help="a flavor, or a build's folder")
    return parser.parse_args()


def measure(rig, names, size):
    """Print each result as it comes."""
    results = []
    print(report.HEADER, flush=True)
    for name in names:
        for result in MEASURES[name](rig, size):
            results.append(result)
            print(report.row(result), flush=True)
    return results


def main():
    options = parse()
    names = options.only or [name for name in MEASURES if options.full or name not in ONLY_FULL]
    size = FULL if options.full else SHORT
    if options.rounds:
        size = replace(size, rounds=options.rounds)
    for folder in filter(None, (options.svg, options.json.parent)):
        folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    rig = Rig(build_folder(options.build), options.schema).start()
    try:
        results = measure(rig, names, size)
    finally:
        rig.finish()
    report.write_json(options.json, " ".join(["./run bench", *sys.argv[1:]]), results, rig)
    if options.svg:
        report.draw(options.svg, rig)
    reached = sum(result.reached for result in results)
    print(f"{reached} of {len(results)} goals reached in {time.monotonic() - began:.0f} s; the figures are in {options.json}")
    return 0 if reached == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
