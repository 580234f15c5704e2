"""A disk that is really full: a small tmpfs of its own."""

import errno
import os
import subprocess
from pathlib import Path

CHUNK = 4096


class SmallDisk:
    """A mounted tmpfs. Mounting needs root, or sudo without a question."""

    def __init__(self, folder, account, kib):
        """`account` (support.unprivileged) may write there."""
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._filler = self.folder / "filler"
        self._as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        subprocess.run([*self._as_root, "mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=0777", "small",
                        str(self.folder)], check=True)
        self.inside = self.folder / "inside"
        self.inside.mkdir(mode=0o700)
        account.give(self.inside)

    def fill(self):
        """Leave not a single block."""
        with open(self._filler, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * CHUNK)
            except OSError as error:
                assert error.errno == errno.ENOSPC, error

    def make_room(self):
        self._filler.unlink()

    def finish(self):
        subprocess.run([*self._as_root, "umount", "-l", str(self.folder)], check=True)
