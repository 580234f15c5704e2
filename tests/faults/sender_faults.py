"""What happens to the sender, and to its disk."""

import signal
import threading

from faults.fault import Fault
from faults.world import FILLING


class SenderFault(Fault):
    """It ends, and starts again with or without Argo's log beside the table."""

    needs = ("sender",)

    def draw(self):
        self.with_log = self.chance.random() < 0.5
        self.detail = "then with the log" if self.with_log else "then without the log"

    def heal(self):
        self.world.start_sender(self.with_log)


class SenderKilled(SenderFault):
    def throw(self):
        self.world.sender.kill9()


class SenderKilledAgainAndAgain(SenderFault):
    longest = 1.0

    def throw(self):
        for _ in range(4):
            self.world.sender.kill9()
            self.world.sender.start()
            threading.Event().wait(self.chance.uniform(0, 0.3))
        self.world.sender.kill9()


class SenderKilledUnanswered(SenderFault):
    """Killed with as many requests under way as there may be, none of which it will ever see answered. What they
    hold is stored or not, depending on whether they still arrive."""

    needs = ("sender", "link")

    def draw(self):
        super().draw()
        self.stored = self.chance.random() < 0.3
        self.detail = f"{'stored' if self.stored else 'never stored'}, {self.detail}"

    def throw(self):
        self.world.link.hold()
        for _ in range(self.chance.randrange(2, 8)):
            self.world.argo.probe()
            threading.Event().wait(self.chance.uniform(0.05, 0.2))
        self.world.sender.kill9()

    def heal(self):
        if not self.stored:
            self.world.link.drop()
        self.world.link.release()
        super().heal()


class SenderRestarted(SenderFault):
    def throw(self):
        self.world.sender.stop(40)


class SenderStopped(Fault):
    needs = ("sender",)
    longest = 6.0

    def throw(self):
        self.world.sender.signal(signal.SIGSTOP)

    def heal(self):
        self.world.sender.signal(signal.SIGCONT)


class DiskFull(Fault):
    """The file system of the sender's state has no byte left. It goes on, or is started when there is room again."""

    needs = ("sender",)
    longest = 5.0

    def draw(self):
        self.killed = self.chance.random() < 0.3
        self.detail = "and the sender killed" if self.killed else ""

    @property
    def may_end(self):
        """Killed, it cannot begin again while there is no room."""
        return (self.world.sender,) if self.killed else ()

    def throw(self):
        self.file = self.world.state / FILLING
        with open(self.file, "wb", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                try:
                    while file.write(b"\0" * size):
                        pass
                except OSError:
                    pass
        if self.killed:
            self.world.sender.kill9()
            self.world.sender.start()

    def heal(self):
        self.file.unlink()
