"""This system to try things on: what is changed there is kept in memory, and gone at the end. Needs root."""

import subprocess
from pathlib import Path

from .process import SYSTEM_PATH, Result
from .waiting import wait_for

MOUNTS = """
mount -t tmpfs -o mode=0755 scratch "$0"
cd "$0"
mkdir upper work merged
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay merged
mount -t proc proc merged/proc
mount --bind /dev merged/dev
mount -t tmpfs -o mode=1777 tmp merged/tmp
mount -t tmpfs -o mode=0755 run merged/run
touch merged/run/is-there
exec sleep infinity
"""


class ScratchSystem:
    """An overlay over the root of this system, in a mount namespace of its own, which ends with it."""

    def __init__(self, folder):
        folder = Path(folder)
        folder.mkdir(parents=True)
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation=private", "setpriv", "--pdeathsig=KILL", "sh", "-eu", "-c", MOUNTS,
             str(folder)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.root = Path(f"/proc/{self._holder.pid}/root") / folder.relative_to("/") / "merged"
        wait_for(self._is_there, 20, "the mounts of a scratch system")

    def _is_there(self):
        assert self._holder.poll() is None, f"no scratch system: {self._holder.stderr.read()}"
        return (self.root / "run/is-there").exists()

    def run(self, *command, text=None, limit=120):
        """Run this there, to its end."""
        done = subprocess.run(
            ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--root=" + str(self.root), "--wd=/", "--",
             *map(str, command)],
            env={"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/"},
            input=text or "", capture_output=True, text=True, timeout=limit, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def path(self, name):
        """Where something of it can be seen from here."""
        return self.root / name.lstrip("/")

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def named(self, word, *folders):
        """Files below these folders with the word in their name."""
        found = self.run("find", *folders, "-name", f"*{word}*")
        return sorted(found.out.split())

    def finish(self):
        self._holder.kill()
        self._holder.wait()
        self._holder.stderr.close()
