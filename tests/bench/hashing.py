"""Reading a signal's JSON and verifying its hash, on one core: the library against CPython's own."""

import hashlib
import json
import subprocess
import time

from support.argo import HASHED

from .goals import Result

SIGNALS = 20_000
ROUNDS = 15


def _cpython_ns(lines):
    began = time.process_time()
    good = 0
    for line in lines:
        signal = json.loads(line)
        text = json.dumps({name: signal[name] for name in HASHED if name in signal}, sort_keys=True)
        good += hashlib.sha256(text.encode()).hexdigest() == signal["sha256"]
    assert good == len(lines)
    return (time.process_time() - began) / good * 1e9


def _library_ns(rig, file):
    program = rig.build / "tests" / "bench" / "bench_hashing"
    done = subprocess.run([program, file, "5"], capture_output=True, encoding="utf-8", check=True)
    figures = json.loads(done.stdout)
    assert figures["good"] == SIGNALS * 5
    return figures["nanoseconds"]


def measure(rig, _size):
    """The JSON is what alpine-sender puts on the wire; the best of some rounds of each, in turns."""
    file = rig.wire_lines(SIGNALS)
    lines = file.read_text().splitlines()
    rounds = [(_library_ns(rig, file), _cpython_ns(lines)) for _ in range(ROUNDS)]
    library, cpython = (min(column) for column in zip(*rounds))
    yield Result("hashing", 1e9 / library, 1e9 / cpython, f"{library:.0f} ns and {cpython:.0f} ns a signal")
