"""The images of the system: ours, built by their Dockerfiles, and the base images, from a registry or, where none can be
reached, from Debian's packages."""

import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.paths import REPO

from .engine import Failed, Impossible

MIRROR = "http://deb.debian.org/debian"
PULL_LIMIT = 300
BUILD_LIMIT = 900
BASE = "alpine-e2e-debian:12"
STAND_IN = "alpine-e2e-stand-in"
PROMETHEUS = "alpine-e2e-prometheus"
# debootstrap mounts /proc: whenever it is ended, nothing stays mounted, and no child of it stays
ALONE = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
OURS = {"receiver": "alpine-e2e-receiver", "sender": "alpine-e2e-sender", "argo": "alpine-e2e-argo"}
FROM_REGISTRY = ("debian:12", "postgres:15", "haproxy:2.6", "prom/prometheus:v2.55.1")


class Images:
    """What the compose files get as variables."""

    def __init__(self, engine):
        self.engine = engine
        self.offline = not self._pull()
        if self.offline:
            self._bootstrap()

    def variables(self):
        given = {"RECEIVER_IMAGE": OURS["receiver"], "SENDER_IMAGE": OURS["sender"], "ARGO_IMAGE": OURS["argo"]}
        if self.offline:
            given.update(POSTGRES_IMAGE=STAND_IN, HAPROXY_IMAGE=STAND_IN, PROMETHEUS_IMAGE=PROMETHEUS)
        return given

    def build(self):
        """Everything: two at a time, as the receiver's and the sender's begin with the same packages."""
        jobs = [lambda: (self._build_ours("receiver"), self._build_ours("sender")), lambda: self._build_ours("argo")]
        if self.offline:
            jobs += [lambda: self._build(PROMETHEUS, "prometheus.Dockerfile", REPO / "tests/e2e"),
                     lambda: self._build(STAND_IN, "stand-in.Dockerfile", REPO / "tests/e2e")]
        with ThreadPoolExecutor(2) as pool:
            for job in [pool.submit(job) for job in reversed(jobs)]:
                job.result()

    def layers(self, program):
        """The digests of the image's content."""
        return self.engine.docker("image", "inspect", "-f", "{{json .RootFS.Layers}}", OURS[program], merge=False).strip()

    def build_anew(self, program):
        """Compile once more, whatever is there from before."""
        self._build_ours(program, "--build-arg", f"REBUILD={time.time_ns()}")

    # --- inside ---

    def _pull(self):
        try:
            for image in FROM_REGISTRY:
                self.engine.docker("pull", "-q", image, limit=PULL_LIMIT)
        except (Failed, subprocess.TimeoutExpired):
            return False
        return True

    def _bootstrap(self):
        if self.engine.docker("images", "-q", BASE).strip():
            return
        if not shutil.which("debootstrap"):
            raise Impossible("no registry can be reached, and debootstrap is not installed")
        with tempfile.TemporaryDirectory(prefix="alpine-e2e-") as folder:
            self.engine.run(*ALONE, "debootstrap", "--variant=minbase", "bookworm", folder, MIRROR, limit=BUILD_LIMIT)
            # as in the registry's images: no flush after each file of a package
            Path(folder, "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n", encoding="utf-8")
            archive = f"tar -C {folder} --numeric-owner --exclude=./var/cache/apt/archives/*.deb -c . | docker import - {BASE}"
            self.engine.run("bash", "-o", "pipefail", "-c", archive, limit=BUILD_LIMIT)

    def _build_ours(self, name, *options):
        self._build(OURS[name], REPO / f"docker/{name}.Dockerfile", REPO, *options)

    def _build(self, tag, dockerfile, context, *options):
        arguments = ["--build-arg", f"BASE={BASE}", "--build-arg", f"ARCHIVE={MIRROR}"] if self.offline else []
        # an engine of ours has no way out for a bridge
        network = ["--network", "host"] if self.engine.own else []
        self.engine.docker("build", *network, *arguments, *options, "-t", tag, "-f", context / dockerfile, context,
                           limit=BUILD_LIMIT)
