"""Holds one thread of a process while the others go on: what a thread looks like that hangs."""

import ctypes
import os
from pathlib import Path

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
ALL_KINDS = 0x40000000  # __WALL

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None):
        raise OSError(ctypes.get_errno(), "ptrace")


def thread_named(pid, name):
    """The first thread of a process that has this name."""
    for thread in sorted(Path(f"/proc/{pid}/task").iterdir(), key=lambda path: int(path.name)):
        if (thread / "comm").read_text().strip() == name:
            return int(thread.name)
    raise AssertionError(f"no thread of {pid} is called {name}")


class FrozenThread:
    """Within `with`. Needs root, because the programs let nobody else look into them."""

    def __init__(self, pid, name):
        self.thread = thread_named(pid, name)

    def __enter__(self):
        _ptrace(SEIZE, self.thread)
        _ptrace(INTERRUPT, self.thread)
        os.waitpid(self.thread, ALL_KINDS)
        return self

    def __exit__(self, *_):
        _ptrace(DETACH, self.thread)
