"""What a signal costs in instructions, counted by callgrind: it does not depend on how fast or how busy a machine is.

`costs.json` holds the figures that were last agreed on; more than a tenth above one of them fails. Who changes a cost on
purpose runs this file with ALPINE_COSTS=write, looks at the difference, and commits it with the change."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from support.argo import Argo, Maker

from bench.rig import wire_line

COSTS = Path(__file__).with_name("costs.json")
SIGNALS = 500
ROUNDS = (2, 6)  # the difference leaves out what is done once
ALLOWED = 1.10
# The C library and OpenSSL choose their fastest way by the processor; here all take the plain one.
PLAIN = {"OPENSSL_ia32cap": "0x0:0x0",
         "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-BMI2,-ERMS,-FSRM,-MOVBE,-SSE4_2,-SSSE3"}


@pytest.fixture(scope="module", name="inputs")
def fixture_inputs(tmp_path_factory):
    """Signals as lines of JSON, and as rows of Argo's table."""
    folder = tmp_path_factory.mktemp("cost")
    maker = Maker(seed=6)
    lines = folder / "signals.ndjson"
    lines.write_text("".join(wire_line(maker.signal()) for _ in range(SIGNALS)), encoding="utf-8")
    argo = Argo(folder, seed=6, wide=True)
    argo.commit(argo.maker.signals(SIGNALS))
    argo.close()
    return {"lines": lines, "rows": argo.database}


def instructions(program, given, rounds):
    """Of the whole program."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, given, str(rounds)],
                          capture_output=True, encoding="utf-8", timeout=300, env={**os.environ, **PLAIN})
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["good"] in (SIGNALS, SIGNALS * rounds), done.stdout
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


@pytest.mark.slow
@pytest.mark.one_build
@pytest.mark.parametrize("name, program, given", [
    ("read and verify a signal", "bench_hashing", "lines"),
    ("build an insert's parameters", "cost_receiver", "lines"),
    ("read a row and write its JSON", "cost_sender", "rows"),
])
def test_a_signal_costs_no_more_than_agreed(build, inputs, name, program, given):
    few, many = (instructions(build / "tests" / "bench" / program, inputs[given], rounds) for rounds in ROUNDS)
    cost = (many - few) / (ROUNDS[1] - ROUNDS[0]) / SIGNALS
    agreed = json.loads(COSTS.read_text(encoding="utf-8"))
    if os.environ.get("ALPINE_COSTS") == "write":
        agreed[name] = round(cost)
        COSTS.write_text(json.dumps(agreed, indent=1) + "\n", encoding="utf-8")
    assert cost <= agreed[name] * ALLOWED, f"{cost:.0f} instructions to {name}; agreed are {agreed[name]}"
