"""A Docker engine: the one that runs here, or one of our own, which leaves the machine's firewall alone and is stopped
by its own pid. Knows nothing of Alpine Sync."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from support.waiting import wait_for

SOCKET_PATH_MAX = 100  # the kernel takes 107 bytes
START_LIMIT = 60
STOP_LIMIT = 60


class Impossible(Exception):
    """This machine cannot run containers."""


class Failed(AssertionError):
    """A command of Docker's did not do what it was asked to."""


class Engine:
    """Runs docker and compose against one engine."""

    own = False

    def __init__(self, environment=None):
        self.environment = dict(os.environ, **(environment or {}))
        self._compose = None

    def run(self, *command, limit=120, check=True, environment=None, merge=True):
        """Run a command in the engine's environment; its output, stderr included unless `merge` is off."""
        done = subprocess.run(
            [str(part) for part in command], env={**self.environment, **(environment or {})}, text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            timeout=limit)
        if check and done.returncode:
            said = done.stdout + ("" if merge else done.stderr)
            raise Failed(f"`{' '.join(map(str, command))}` ended with {done.returncode}:\n{said[-6000:]}")
        return done.stdout

    def docker(self, *arguments, **options):
        return self.run("docker", *arguments, **options)

    def answers(self):
        try:
            return subprocess.run(["docker", "info"], env=self.environment, capture_output=True, timeout=20).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False

    @property
    def compose(self):
        """The words that call Compose: version 2 if it is there, else 1."""
        if self._compose is None:
            known = subprocess.run(["docker", "compose", "version"], env=self.environment, capture_output=True)
            self._compose = ["docker", "compose"] if known.returncode == 0 else ["docker-compose"]
            if not shutil.which(self._compose[0]):
                raise Impossible("neither Compose v2 nor docker-compose is installed")
        return self._compose

    def stop(self):
        """Ours alone would be stopped."""


class OwnEngine(Engine):
    """dockerd with everything of its own below a folder. Images stay there for the next time."""

    own = True

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.runtime = self.folder / "run"
        if len(str(self.runtime / "exec/containerd/containerd-debug.sock")) > SOCKET_PATH_MAX:
            self.runtime = Path(tempfile.mkdtemp(prefix="alpine-e2e-")) / "run"
        self.socket = self.runtime / "docker.sock"
        self.log = self.folder / "dockerd.log"
        self._process = None
        # the classic builder and no configuration of somebody's: a client alone may be newer than the engine
        super().__init__({"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0",
                          "DOCKER_CONFIG": str(self.folder / "config")})

    def start(self):
        """No rule of the firewall is needed for what goes on in the bridges that Compose makes, and none is touched;
        images are built in the host's network."""
        self._end_earlier_one()
        self._clear_runtime()
        self.runtime.mkdir(parents=True)
        command = ["dockerd", "--host", f"unix://{self.socket}", "--data-root", self.folder / "data", "--exec-root",
                   self.runtime / "exec", "--pidfile", self.runtime / "dockerd.pid", "--bridge=none", "--iptables=false",
                   "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"]
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, start_new_session=True)
        try:
            self._await_start()
        except BaseException:  # Ctrl-C too: nobody else knows of it yet
            self.stop()
            raise
        return self

    def _await_start(self):
        wait_for(lambda: self._process.poll() is not None or self.answers(), START_LIMIT, "dockerd to answer")
        if self._process.poll() is not None:
            raise Impossible(f"dockerd ended with {self._process.returncode}:\n{self.log.read_text()[-2000:]}")
        self._clear_data()

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(STOP_LIMIT)
        self._clear_runtime()

    def _end_earlier_one(self):
        """One whose run was killed before it could stop it."""
        pid_file = self.runtime / "dockerd.pid"
        command = Path("/proc", pid_file.read_text().strip(), "cmdline") if pid_file.exists() else None
        if command is None or not command.exists() or str(self.folder / "data").encode() not in command.read_bytes():
            return
        os.kill(int(command.parent.name), signal.SIGTERM)
        wait_for(lambda: not command.exists(), STOP_LIMIT, "an earlier dockerd to end")

    def _clear_data(self):
        """What such a run left would start again. Images stay: they are what makes the next run quick."""
        left = self.docker("ps", "-aq", merge=False).split()
        if left:
            self.docker("rm", "-f", "-v", *left)
        for what in (("network", "prune"), ("volume", "prune"), ("image", "prune", "--filter", "until=24h")):
            self.docker(*what, "-f")

    def _clear_runtime(self):
        """dockerd leaves a network namespace mounted, and, stopped while it starts, its data directory."""
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            target = line.split()[1]
            if Path(target).is_relative_to(self.runtime) or Path(target).is_relative_to(self.folder):
                subprocess.run(["umount", target], check=False)
        shutil.rmtree(self.runtime, ignore_errors=True)


def find_engine(folder):
    """The engine of this machine if one answers, else our own."""
    engine = Engine()
    if engine.answers():
        return engine
    if not shutil.which("dockerd"):
        raise Impossible("no Docker engine answers, and dockerd is not installed")
    if os.geteuid():
        raise Impossible("no Docker engine answers, and only root can start one")
    return OwnEngine(folder).start()
