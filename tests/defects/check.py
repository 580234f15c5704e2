"""Shows that the tests can fail: `./run defects [NAME ...] [--third N | --all]`.

For each deliberate defect it makes a build with it and runs the tests that defects.py names against that build. Each of
them has to fail, by an assertion of its own: a build that breaks, a test that is not there, a crash of a unit test or a
time-out is no catch. Before that the same tests have to pass on the sound release build (--no-sound leaves that out).

Without a name it takes a third of the defects, another one each day, so that three days see them all. Two defects are
looked at side by side, each in a build folder of its own, build/defect-1 and build/defect-2, in which only what differs
from the defect before is compiled.

One line a defect, and last `defects N caught N`. Exit code 0 if all were caught.
"""

import argparse
import fcntl
import os
import queue
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from defects.defects import DEFECTS, System, Unit
from support.paths import BUILD, REPO

THIRDS = 3
SIDE_BY_SIDE = 2
LIMIT = 300  # seconds for the tests of one defect
SOUND_LIMIT = 1800  # seconds for all tests where there is no defect
TEST_LIMIT = 100  # seconds for one test, or for a unit test's program


class NotCaught(Exception):
    """Why a defect does not count as caught."""


def run(*command, limit=LIMIT):
    """Run a program; (exit code, what it said)."""
    done = subprocess.run([str(part) for part in command], cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=limit, check=False,
                          env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "STDOUT"})
    return done.returncode, done.stdout


# --- building ---

def build(defect, folder):
    """The two programs and the unit tests that are named, with the defect in them."""
    targets = ["alpine-sender", "alpine-receiver", *(f"test_{unit.module}" for unit in defect.units)]
    for command in (["cmake", "-S", REPO, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
                     f"-DALPINE_DEFECT={defect.name}"],
                    ["cmake", "--build", folder, "--target", *targets]):
        code, said = run(*command)
        if code:
            raise NotCaught(f"it cannot be built:\n{said[-3000:]}")
    for program in ("sender/alpine-sender", "receiver/alpine-receiver"):
        _, said = run(folder / program, "version")
        if f"DEFECT {defect.name}" not in said:
            raise NotCaught(f"{program} does not say that it is defective: {said}")


# --- running the tests ---

@dataclass
class Result:
    """How a test ended: passed, failed (by an assertion) or broken (in any other way)."""

    state: str
    said: str


def run_unit(test, folder):
    code, said = run(folder / "tests" / "unit" / f"test_{test.module}", limit=TEST_LIMIT)
    own = "".join(said.split(f"[ RUN      ] {test.case}\n")[1:]).split("[ RUN ")[0]  # what this case said
    if f"[       OK ] {test.case}\n" in own:
        return Result("passed", said)
    return Result("failed" if code > 0 and "error: Failure!" in own else "broken", own or said)


def _state(case):
    failure = case.find("failure")
    if failure is not None:
        return "failed" if failure.get("message", "").startswith(("AssertionError", "assert ")) else "broken"
    return "passed" if case.find("error") is None and case.find("skipped") is None else "broken"


def run_systems(tests, folder, limit, *options):
    """One run of pytest; {test: its result}."""
    if not tests:
        return {}
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        _, said = run(sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", f"--builds={folder.name}",
                      f"--timeout={TEST_LIMIT}", f"--junitxml={report}", "-o", f"cache_dir={scratch}/cache", *options,
                      *(test.node(folder.name) for test in tests), limit=limit)
        cases = list(xml.parse(report).iter("testcase")) if report.exists() else []
    states = {}
    for case in cases:  # one that failed may be there once more, for the end of its stage
        if states.get(case.get("name")) != "failed":
            states[case.get("name")] = _state(case)
    return {test: Result(states.get(test.node(folder.name).split("::")[1], "broken"), said) for test in tests}


def run_tests(tests, folder, limit, *options):
    """{test: its result}"""
    units = {test: run_unit(test, folder) for test in tests if isinstance(test, Unit)}
    return {**units, **run_systems([test for test in tests if isinstance(test, System)], folder, limit, *options)}


# --- judging ---

def check(defect, folder):
    """(caught or not, what to print)"""
    began = time.monotonic()
    try:
        build(defect, folder)
        began = time.monotonic()
        for test, result in run_tests(defect.tests, folder, LIMIT).items():
            if result.state != "failed":
                raise NotCaught(f"{test} {result.state}:\n{result.said[-3000:]}")
    except (NotCaught, subprocess.TimeoutExpired) as why:
        return False, f"{defect.name}: NOT CAUGHT: {why}"
    names = " and ".join(map(str, defect.tests))
    return True, f"{defect.name}: caught after {time.monotonic() - began:.1f} s by {names}"


@contextmanager
def alone():
    """Two at once take turns: they have the same build folders."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / ".defects.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check_all(chosen):
    """How many were caught."""
    folders = queue.Queue()
    for number in range(1, SIDE_BY_SIDE + 1):
        folders.put(BUILD / f"defect-{number}")

    def work(defect):
        folder = folders.get()
        try:
            return check(defect, folder)
        finally:
            folders.put(folder)

    caught = 0
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for good, line in pool.map(work, chosen):
            caught += good
            print(line, flush=True)
    return caught


def is_sound(chosen, folder):
    """Whether the tests pass where there is no defect."""
    tests = list(dict.fromkeys(test for defect in chosen for test in defect.tests))
    results = run_tests(tests, folder, SOUND_LIMIT, "-n", str(SIDE_BY_SIDE))
    for test, result in results.items():
        if result.state != "passed":
            print(f"{test} {result.state} on the sound build:\n{result.said[-3000:]}", flush=True)
    return all(result.state == "passed" for result in results.values())


# --- which ---

def third(number):
    """Every third defect: 1, 2 or 3 says with which it begins."""
    return list(DEFECTS.values())[number - 1::THIRDS]


def todays_third():
    """1, 2, 3, 1, … from day to day."""
    return int(time.time() // 86400) % THIRDS + 1


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./run defects", description="See the tests catch deliberate defects.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="these defects; without a name today's third")
    parser.add_argument("--third", type=int, choices=range(1, THIRDS + 1), help="this third")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--no-sound", action="store_true", help="take it for granted that the sound build passes")
    parser.add_argument("--list", action="store_true", help="only print what there is")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in DEFECTS]
    if unknown:
        parser.error(f"no such defect: {', '.join(unknown)} (--list shows them)")
    return asked


def main(arguments):
    asked = parse(arguments)
    if asked.names:
        chosen = [DEFECTS[name] for name in asked.names]
    else:
        chosen = list(DEFECTS.values()) if asked.all or asked.list else third(asked.third or todays_third())
    if asked.list:
        print("\n".join(f"{defect.name}: {defect.wrong}" for defect in chosen))
        return 0
    if not asked.no_sound and not is_sound(chosen, BUILD / "release"):
        return 1
    with alone():
        caught = check_all(chosen)
    print(f"defects {len(chosen)} caught {caught}")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
