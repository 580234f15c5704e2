"""What people do to the API keys."""

import signal

from faults.fault import Fault


class KeyRotated(Fault):
    """As the documentation says: the receivers learn the new one, then the sender, then it becomes the first."""

    needs = ("sender", "receivers")
    longest = 1.0
    receivers_first = True

    def draw(self):
        self.detail = "" if self.receivers_first else "in the wrong order"

    def throw(self):
        self.key = self.world.keys.new()
        (self.tell_receivers if self.receivers_first else self.tell_sender)()

    def heal(self):
        (self.tell_sender if self.receivers_first else self.tell_receivers)()

    def afterwards(self):
        self.world.keys.write(self.world.keys.current, self.key)
        self._hang_up(*self.world.receivers)

    def tell_receivers(self):
        self.world.keys.write(self.world.keys.next, self.key)
        self._hang_up(*self.world.receivers)

    def tell_sender(self):
        self.world.keys.write(self.world.keys.senders, self.key)
        self._hang_up(self.world.sender)

    @staticmethod
    def _hang_up(*programs):
        for program in programs:
            program.signal(signal.SIGHUP)


class KeyRotatedWrongly(KeyRotated):
    """The sender first: it is refused, holds everything, and goes on once the receivers know the key."""

    receivers_first = False
    longest = 3.0
