"""Ends a program at a system call of the test's choice, by strace's injection.

strace counts per thread and per name: `Call("write", 3)` is the third write of one thread. The kill comes as the call
is entered, so the call itself is not done. Every call of a run is therefore hit by counting up for each name that
occurs in it, until a run is not hit any more."""

import re
import signal
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .process import environment
from .waiting import wait_for

CALL = re.compile(r"^(?:\d+ +)?(\w+)\(", re.MULTILINE)


@dataclass(frozen=True)
class Call:
    """The number-th call of this name."""

    name: str
    number: int

    @property
    def options(self):
        return ["-e", f"trace={self.name}", "-e", f"inject={self.name}:signal=KILL:when={self.number}"]

    def __str__(self):
        return f"{self.name} {self.number}"


def run_traced(command, settings, folder, limit=60):
    """Run to the end; how often each system call was entered. The execve that starts it is left out: strace injects
    nothing there, and nothing has run yet."""
    trace = Path(folder) / "trace"
    done = _run(["-f", "-o", trace], command, settings, folder, limit)
    assert done.returncode >= 0, f"ended by signal {-done.returncode}:\n{done.stderr.decode(errors='replace')}"
    return calls_in(trace) - Counter(["execve"])


def run_killed(call, command, settings, folder, limit=60):
    """Run, and kill whichever thread comes to this call first; whether any did."""
    done = _run(["-f", "-o", "/dev/null", *call.options], command, settings, folder, limit)
    return done.returncode == -signal.SIGKILL


def calls_in(trace):
    """How often each system call was entered, from strace's own output."""
    return Counter(CALL.findall(Path(trace).read_text(errors="replace")))


def every_call(calls, hits, workers=1):
    """Counts up for each name for as long as hits(call) is true; how often it was. Where one hit knows nothing of
    another, several workers can share the names."""
    def count_up(name):
        number = 1
        while hits(Call(name, number)):
            number += 1
        return number - 1

    names = [name for name, _ in calls.most_common()]
    if workers == 1:  # in this thread: programs end with the thread that started them
        return sum(map(count_up, names))
    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(count_up, names))


@contextmanager
def traced_thread(thread, options):
    """Attaches to one thread of a program that runs, and lets it go at the end if it is still there."""
    tracer = subprocess.Popen(["strace", "-qq", "-p", str(thread), *map(str, options)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        # It ends at once where the first thing that it sees is the call to kill at.
        wait_for(lambda: tracer.poll() is not None or _is_traced(thread), 10, "strace to attach")
        yield
    finally:
        if tracer.poll() is None:
            tracer.terminate()
        assert tracer.wait(10) != 1, "strace could not attach"


def _is_traced(thread):
    try:
        return "TracerPid:\t0\n" not in Path(f"/proc/{thread}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _run(options, command, settings, folder, limit):
    return subprocess.run(["strace", "-qq", *map(str, options), *map(str, command)], env=environment(settings),
                          cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit)
