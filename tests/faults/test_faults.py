"""Some minutes of the faults harness, with a seed that is another one each time; the report shows it."""

import os
import re
import signal
import subprocess
import sys

import pytest
from support.paths import REPO

MINUTES = float(os.environ.get("ALPINE_FAULTS_MINUTES", "3"))
LIMIT = MINUTES * 60 + 400  # to set up, to heal the last faults, and to settle
CLEAN = re.compile(r"^faults \d+ signals \d+ lost 0 duplicated 0 unverified 0 chain_faults 0 recovery_p99_ms \d+$")


@pytest.mark.slow
@pytest.mark.timeout(LIMIT + 100)
def test_whatever_goes_wrong_nothing_is_lost_or_doubled(request):
    build = request.config.getoption("--builds").split(",")[0]
    run = subprocess.Popen(  # pylint: disable=consider-using-with
        [sys.executable, "-m", "faults", f"--minutes={MINUTES}", f"--build={build}"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", env={**os.environ, "PYTHONPATH": str(REPO / "tests")})
    try:
        said, _ = run.communicate(timeout=LIMIT)
    finally:
        if run.poll() is None:
            run.send_signal(signal.SIGTERM)  # it ends what it has started
            run.wait(90)
    print(said)
    assert CLEAN.match(said.splitlines()[-1]) and run.returncode == 0, said
