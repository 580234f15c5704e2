"""A fresh seed for every run, shown at the end; ALPINE_SEED=N repeats one."""

import os
import random
import subprocess

import pytest

SEED = int(os.environ.get("ALPINE_SEED") or random.SystemRandom().getrandbits(32))


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"differential tests: ALPINE_SEED={SEED}")


@pytest.fixture
def chance():
    """The run's randomness, the same for every test and build."""
    return random.Random(SEED)


@pytest.fixture
def scale(build):
    """How many of a number of cases to take: all for the optimised build, a tenth for those with sanitizers."""
    return (lambda count: count) if build.name == "release" else (lambda count: count // 10)


@pytest.fixture
def ask(build):
    """Give the driver its input; the lines that it answers, as bytes."""
    def lines(mode, data):
        program = build / "tests" / "differential" / "differential_driver"
        run = subprocess.run([program, mode], input=data, capture_output=True, timeout=300)
        assert run.returncode == 0, f"the driver ended with {run.returncode}: {run.stderr.decode(errors='replace')}"
        return run.stdout.split(b"\n")[:-1]
    return lines
