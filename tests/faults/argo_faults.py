"""What happens to Argo and to its files."""

from faults.fault import Fault


class ArgoFault(Fault):
    needs = ("argo",)
    longest = 0.5


class LogRotatedByName(ArgoFault):
    def throw(self):
        self.world.argo.rotate_log_by_name()


class LogCopiedAndTruncated(ArgoFault):
    def throw(self):
        self.world.argo.rotate_log_by_copy()


class ArgoCrashed(ArgoFault):
    """What it had not committed is in the log only."""

    def throw(self):
        self.world.argo.crash()


class ArgoLocked(ArgoFault):
    longest = 2.0

    def throw(self):
        self.world.argo.lock_database(self.seconds)


class ArgoVacuumed(ArgoFault):
    def throw(self):
        self.world.argo.vacuum()


class DatabaseFileReplaced(ArgoFault):
    """By a copy of itself."""

    def throw(self):
        self.world.argo.replace_database()


class DatabaseFileWrittenOver(ArgoFault):
    """By a copy of itself, in place: it stays the same inode, but what belonged to it is gone."""

    def throw(self):
        self.world.argo.write_database_over()


class DatabaseFileHidden(ArgoFault):
    longest = 2.0

    def throw(self):
        self.world.argo.hide_database(self.seconds)


class OlderBackupRestored(ArgoFault):
    """What the backup lacks is inserted again, or stays in the log only while new signals take its row ids."""

    longest = 3.0

    def draw(self):
        self.again = self.chance.random() < 0.5
        self.detail = "and the rest inserted again" if self.again else "and the rest forgotten"

    def throw(self):
        self.backup = self.world.argo.copy_database("backup.db")

    def heal(self):
        self.world.argo.replace_database(self.backup, self.again)
