"""Programs that see another host than this one, or see it as another user. Both need root."""

import os
import random
import shutil
import socket
import tempfile
from pathlib import Path

from .process import run_program
from .unprivileged import Account

MOUNT = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


def run_with_file(file, place, program, arguments, settings, limit=60):
    """Run to the end with that file in the place of another, for this program alone."""
    return run_program("unshare", ["--mount", "sh", "-c", MOUNT, "sh", file, place, program, *arguments], settings,
                       limit=limit)


class OtherUser:
    """Runs programs as the user who has nothing to do with us. `folder` is his to enter, and ours to write."""

    def __init__(self):
        assert os.geteuid() == 0, "only root can become somebody else"
        self.account = Account()
        self.folder = Path(tempfile.mkdtemp(prefix="alpine-sync-other-"))
        self.folder.chmod(0o755)

    def run(self, program, arguments, settings):
        copy = shutil.copy(program, self.folder)
        words = self.account.prefix(False)
        return run_program(words[0], [*words[1:], copy, *arguments], settings)

    def finish(self):
        shutil.rmtree(self.folder)


class SilentNameServer:
    """Takes every question and answers none. `file` is the resolv.conf that leads there."""

    def __init__(self, folder):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        address = f"127.53.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
        self._socket.bind((address, 53))
        self.file = Path(folder) / "resolv.conf"
        self.file.write_text(f"nameserver {address}\n")

    def finish(self):
        self._socket.close()


class BlackHole:
    """A port that never finishes a handshake: its queue is full, and stays so."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self._listener.getsockname()[1]
        self._waiting = [self._begin() for _ in range(4)]

    def _begin(self):
        waiting = socket.socket()
        waiting.setblocking(False)
        waiting.connect_ex(("127.0.0.1", self.port))
        return waiting

    def finish(self):
        for end in (*self._waiting, self._listener):
            end.close()
