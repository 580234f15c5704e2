"""PostgreSQL refuses to run as root: who runs it then, and a folder that this user can reach."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

USER = "alpine-test"


class Account:
    """The user who runs PostgreSQL: ourselves, or alpine-test when we are root."""

    def __init__(self):
        self.is_other = os.geteuid() == 0
        self.name = USER if self.is_other else pwd.getpwuid(os.geteuid()).pw_name
        if self.is_other and not _exists(USER):
            subprocess.run(
                ["/usr/sbin/useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                 "--shell", "/usr/sbin/nologin", USER], check=True)

    def prefix(self, dies_with_parent):
        """The words before a command that make it run as this user (and end when its parent does)."""
        words = ["setpriv"]
        if self.is_other:
            words += [f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        if dies_with_parent:
            words += ["--pdeathsig=INT"]
        return words if len(words) > 1 else []

    def give(self, folder):
        """Make the folder this user's own."""
        if self.is_other:
            shutil.chown(folder, USER, USER)

    def can_use(self, folder):
        """Whether this user can reach the folder and write to it."""
        test = self.prefix(False) + ["test", "-w", str(folder), "-a", "-x", str(folder)]
        return subprocess.run(test, cwd="/", stderr=subprocess.DEVNULL).returncode == 0


def _exists(name):
    try:
        pwd.getpwnam(name)
        return True
    except KeyError:
        return False


def private_folder(account, wanted):
    """An empty folder of the account's own: `wanted`, or one under /tmp when the account cannot reach that."""
    wanted = Path(wanted)
    if wanted.exists():
        shutil.rmtree(wanted)
    wanted.mkdir(parents=True, mode=0o700)
    account.give(wanted)
    if account.can_use(wanted):
        return wanted
    wanted.rmdir()
    folder = Path(tempfile.mkdtemp(prefix="alpine-sync-"))
    account.give(folder)
    return folder
