"""Runs the unit tests: each test_<module>.c is a program of the build under test."""

import os
import subprocess
from pathlib import Path

import pytest

SOURCES = sorted(Path(__file__).parent.glob("test_*.c"))


def test_there_are_unit_tests():
    assert SOURCES, "tests/unit has no test_*.c"


@pytest.mark.parametrize("name", [source.stem for source in SOURCES])
@pytest.mark.under_tsan
def test_module(build, name):
    program = build / "tests" / "unit" / name
    assert program.exists(), f"{program} is not built: is {name}.c in tests/unit/CMakeLists.txt? Is cmocka installed?"
    run = subprocess.run([program], capture_output=True, text=True, errors="replace", timeout=120,
                         env={"PATH": os.environ["PATH"], "CMOCKA_MESSAGE_OUTPUT": "STDOUT"})
    assert run.returncode == 0, f"{name} ended with {run.returncode}:\n{run.stdout}\n{run.stderr}"
