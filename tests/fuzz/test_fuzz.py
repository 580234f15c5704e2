"""Every input of the corpus again, in every build; and, with libFuzzer, a while of looking for new ones."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.paths import BUILD

HERE = Path(__file__).parent
TARGETS = sorted(source.stem for source in HERE.glob("fuzz_*.c"))
SECONDS = int(os.environ.get("ALPINE_FUZZ_SECONDS") or 60)
AT_ONCE = 2
FINDINGS = BUILD / "fuzz-findings"


def corpus(target):
    return sorted((HERE / "corpus" / target.removeprefix("fuzz_")).iterdir())


def program(folder, target):
    path = folder / "tests" / "fuzz" / target
    assert path.exists(), f"{path} is not built"
    return path


def test_there_are_targets():
    assert TARGETS, "tests/fuzz has no fuzz_*.c"


@pytest.mark.parametrize("target", TARGETS)
def test_corpus(build, target):
    inputs = corpus(target)
    assert 1 <= len(inputs) <= 40
    run = subprocess.run([program(build, target), *inputs], capture_output=True, text=True, errors="replace",
                         timeout=120)
    assert run.returncode == 0, f"{target} ended with {run.returncode}:\n{run.stderr[-4000:]}"
    replayed = run.stderr.count("Executed ") if build.name == "fuzz" else int(run.stdout.split()[0])
    assert replayed == len(inputs)


def fuzz(target, folder):
    """Run one target for its time. What it finds stays in build/fuzz-findings."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return subprocess.run(
        [program(BUILD / "fuzz", target), folder, HERE / "corpus" / target.removeprefix("fuzz_"),
         f"-max_total_time={SECONDS}", f"-dict={HERE / 'json.dict'}", f"-artifact_prefix={FINDINGS}/{target}-",
         "-max_len=4096", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"],
        capture_output=True, text=True, errors="replace", timeout=SECONDS + 120)


@pytest.fixture(scope="module")
def fuzzing(tmp_path_factory):
    """All targets, two at a time: what each one's run came to, by name."""
    FINDINGS.mkdir(parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("fuzz")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {target: pool.submit(fuzz, target, folder / target) for target in TARGETS}


@pytest.mark.slow
@pytest.mark.timeout(3 * SECONDS + 600)
@pytest.mark.parametrize("target", TARGETS)
def test_fuzz(fuzzing, target):
    run = fuzzing[target].result()
    assert run.returncode == 0, (f"{target} found something; the input is in {FINDINGS}: add it to tests/fuzz/corpus\n"
                                 f"{run.stderr[-6000:]}")
    executed = int(run.stderr.split("stat::number_of_executed_units:")[1].split()[0])
    assert executed > 100 * SECONDS, f"{target} ran only {executed} inputs in {SECONDS} s"
