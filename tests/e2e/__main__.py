"""./run e2e: brings the compose systems up, throws what happens to containers at them, and compares both sides.

Exit codes: 0 everything passed; 1 something failed; 77 this machine cannot run containers."""

import fcntl
import os
import signal
import subprocess
import sys
import time
import traceback

from support.paths import BUILD, REPO
from support.ports import take_port

from .checks import Sides
from .compose import Compose
from .engine import Impossible, find_engine
from .images import Images
from .production import Production
from .scenario import Scenario
from .watching import Watching

FOLDER = BUILD / "e2e"
RATE = 40  # signals a second
SKIPPED = 77
LEAVE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def say(text):
    print(f"e2e: {text}", flush=True)


class Course:
    """Runs steps, and counts them."""

    def __init__(self):
        self.passed = self.failed = 0

    def step(self, name, job):
        """The step's own result; None if it failed, with everything that is known printed."""
        start = time.monotonic()
        try:
            result = job()
        except (AssertionError, subprocess.SubprocessError, OSError, LookupError, ValueError):
            self.failed += 1
            say(f"FAILED after {time.monotonic() - start:.1f} s: {name}")
            traceback.print_exc()
            raise
        self.passed += 1
        said = f": {result}" if isinstance(result, str) else ""
        say(f"ok {time.monotonic() - start:6.1f} s  {name}{said}")
        return result

    def steps(self, title, steps):
        for one in steps:
            self.step(f"{title}: {one.__name__.replace('_', ' ')}", one)


def run(engine, course):
    images = course.step("base images", lambda: Images(engine))
    course.step("images are built", images.build)
    course.step("a second build has the same content", lambda: build_twice(images))
    ports = [take_port().number for _ in range(3)]
    secrets = FOLDER / "secrets"
    subprocess.run([REPO / "docker/secrets.sh", secrets], check=True)
    variables = {**images.variables(), "SECRETS": str(secrets), "ARGO_RATE": str(RATE), "ALPINE_PORT": str(ports[0]),
                 "PUBLISH": f"127.0.0.1:{ports[1]}", "PROMETHEUS_PORT": str(ports[2])}
    name = f"alpine-e2e-{os.getpid()}"
    local = Compose(engine, REPO / "docker/compose.yaml", name, variables)
    production = Compose(engine, REPO / "docker/compose.production.yaml", f"{name}-production", variables)
    sides = Sides(local)
    try:
        scenario = Scenario(local, sides, secrets)
        watching = Watching(local, sides, ports[2])
        course.step("local: comes up", scenario.comes_up)
        watching.start()  # it has looked a few times when it is asked
        course.steps("local", scenario.steps())
        say("Grafana is left out: Debian has no package of it")
        course.steps("observability", watching.steps())
        course.step("local: both sides agree", scenario.both_sides_agree)
        key = (secrets / "api-key").read_text().strip()
        course.steps("production", Production(production, local, sides, ports[1], key).steps())
    except Exception:
        keep_logs(local, production)
        raise
    finally:
        take_down(local, production)


def build_twice(images):
    before = images.layers("receiver")
    images.build_anew("receiver")
    assert images.layers("receiver") == before, f"{before}, then {images.layers('receiver')}"


def keep_logs(*systems):
    for system in systems:
        file = FOLDER / f"{system.project}.log"
        file.write_text(system.compose("ps", check=False) + system.compose("logs", "--no-color", "-t", check=False))
        say(f"all logs are in {file.relative_to(REPO)}; the last lines of each container:")
        print(system.compose("logs", "--no-color", "--tail=15", check=False), flush=True)


def take_down(local, production):
    """Containers of the one are in networks of the other: first all containers, then the networks."""
    for system in (production, local):
        system.remove()
    for system in (production, local):
        system.down()


def take_turn(lock):
    """Two runs at once have one engine and one set of images."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waiting for another run to end")
        fcntl.flock(lock, fcntl.LOCK_EX)


def leave(number, _):
    """What was started is taken down on the way out; a second Ctrl-C does not cut that short, here or in a child."""
    for one in LEAVE:
        signal.signal(one, signal.SIG_IGN)
    say(f"{signal.Signals(number).name}: taking everything down")
    sys.exit(128 + number)


def main():
    for number in LEAVE:
        signal.signal(number, leave)
    FOLDER.mkdir(parents=True, exist_ok=True)
    course = Course()
    with open(FOLDER / ".lock", "w", encoding="utf-8") as lock:
        take_turn(lock)
        engine = None
        try:
            engine = course.step("a Docker engine", lambda: find_engine(FOLDER / "engine"))
            run(engine, course)
        except Impossible as reason:
            say(f"SKIPPED: this machine cannot run the containers: {reason}")
            return SKIPPED
        except Exception:
            if not course.failed:
                course.failed += 1
                traceback.print_exc()
        finally:
            if engine is not None:
                engine.stop()
    print(f"e2e: {course.passed} passed, {course.failed} failed")
    return 1 if course.failed else 0


if __name__ == "__main__":
    sys.exit(main())
