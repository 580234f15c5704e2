"""The suite can fail: the tests catch the deliberate defects, a third of them a day, all with ALPINE_DEFECTS=all.

That the same tests pass on a sound build is what the rest of the suite shows.
"""

import os
import re
import signal
import subprocess
import sys

import pytest
from defects.check import third, todays_third
from defects.defects import DEFECTS, Unit
from support.paths import REPO

FOLDER = REPO / "tests" / "defects"
ASKED = os.environ.get("ALPINE_DEFECTS", str(todays_third()))  # all, or 1, 2 or 3 for a third
LIMIT = 1800


def test_there_are_enough_of_them_and_each_has_its_patch():
    assert len(DEFECTS) >= 16
    assert sorted(path.stem for path in FOLDER.glob("*.patch")) == sorted(DEFECTS)


def test_the_thirds_are_all():
    assert sorted(defect.name for number in (1, 2, 3) for defect in third(number)) == sorted(DEFECTS)


@pytest.mark.parametrize("name", DEFECTS)
def test_the_patch_applies(name):
    """To see at once that the code has moved on. As defect.cmake does it."""
    patch = FOLDER / f"{name}.patch"
    done = subprocess.run(["patch", "--dry-run", "--batch", "--forward", "--fuzz=0", "-p1", "-i", patch], cwd=REPO,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nMake tests/defects/{name}.patch anew."
    assert not patch.read_text(encoding="utf-8").startswith("---"), "its first lines say what goes wrong"


@pytest.mark.parametrize("test", {str(test): test for defect in DEFECTS.values() for test in defect.tests}.values(),
                         ids=str)
def test_the_named_test_is_there(test):
    if isinstance(test, Unit):
        source, head = REPO / "tests" / "unit" / f"test_{test.module}.c", f"static void {test.case}("
    else:
        source, head = REPO / "tests" / "system" / test.file, f"def {test.test}("
    assert head in source.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(LIMIT + 60)
def test_each_is_caught():
    which = "--all" if ASKED == "all" else f"--third={ASKED}"
    run = subprocess.Popen(  # pylint: disable=consider-using-with
        [sys.executable, "-m", "defects.check", "--no-sound", which], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(REPO / "tests")})
    try:
        said, _ = run.communicate(timeout=LIMIT)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGTERM)  # with the builds and tests that it has started
            run.wait()
    print(said)
    figures = re.match(r"defects (\d+) caught (\d+)$", said.splitlines()[-1])
    assert run.returncode == 0 and figures and figures[1] == figures[2], said
