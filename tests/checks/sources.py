"""The project's own files, and tools run over them."""

import os
import subprocess
from pathlib import Path

from support.paths import REPO

PRODUCT = ("common", "sender", "receiver")
_NOT_OURS = {".git", "build", "__pycache__", ".pytest_cache"}


def name(path):
    """How a file is called in a message: by its path in the repository."""
    return path.relative_to(REPO).as_posix()


def files(*folders):
    """Every file of the repository, or of these folders of it."""
    found = []
    for start in ([REPO / folder for folder in folders] or [REPO]):
        for here, inner, names in os.walk(start):
            inner[:] = sorted(set(inner) - _NOT_OURS)  # what is built comes and goes meanwhile
            found += [Path(here) / one for one in sorted(names) if (Path(here) / one).is_file()]
    return found


def c_files(*folders):
    return [path for path in files(*folders) if path.suffix in (".c", ".h")]


def product_files():
    return c_files(*PRODUCT)


def tool(*command, cwd=REPO):
    """Run a tool; (whether it was content, what it said)."""
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace", cwd=cwd,
                         timeout=580)
    return run.returncode == 0, (run.stdout + run.stderr).strip()


def flags_of(*packages):
    """The compiler flags that pkg-config names for these libraries."""
    run = subprocess.run(["pkg-config", "--cflags", *packages], capture_output=True, text=True, check=True)
    return run.stdout.split()


def include_flags(path):
    """The folders that a product file's includes start from."""
    top = path.relative_to(REPO).parts[0]
    return [f"-I{REPO / folder}" for folder in dict.fromkeys(("common", top)) if folder in PRODUCT]


def text(path):
    return Path(path).read_text(encoding="utf-8")
