"""TCP ports that no other test run on this machine takes, below the range that the kernel hands out itself."""

import fcntl
import itertools
import os
import random
import socket

FIRST, LAST = 21000, 29999
FOLDER = "/tmp/alpine-sync-ports"


class Port:
    """A port that stays ours until release(), even while nothing listens on it."""

    def __init__(self, number, lock):
        self.number = number
        self._lock = lock

    def release(self):
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(number):
    try:
        lock = os.open(f"{FOLDER}/{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:  # another user's
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", number))
    except OSError:
        os.close(lock)
        return None
    return lock


def take_port():
    """A locked, free port."""
    if not os.path.isdir(FOLDER):
        os.makedirs(FOLDER, exist_ok=True)
        os.chmod(FOLDER, 0o1777)
    start = random.randrange(FIRST, LAST)
    for number in itertools.chain(range(start, LAST + 1), range(FIRST, start)):
        lock = _lock(number)
        if lock is not None:
            return Port(number, lock)
    raise RuntimeError("no free port")
