"""What happens to the receivers, to one or to both."""

import signal

from faults.fault import Fault


class ReceiverFault(Fault):
    """One of them, or both."""

    needs = ("receivers",)

    def draw(self):
        self.hit = self.chance.choice([[0], [1], [0, 1]])
        self.detail = "+".join("ab"[number] for number in self.hit)

    def each(self):
        return [self.world.receivers[number] for number in self.hit]


class ReceiverKilled(ReceiverFault):
    def throw(self):
        for receiver in self.each():
            receiver.kill9()

    def heal(self):
        for receiver in self.each():
            receiver.start()


class ReceiverRestarted(ReceiverFault):
    def throw(self):
        for receiver in self.each():
            receiver.stop(40)

    def heal(self):
        for receiver in self.each():
            receiver.start()


class ReceiverStopped(ReceiverFault):
    longest = 6.0

    def throw(self):
        for receiver in self.each():
            receiver.signal(signal.SIGSTOP)

    def heal(self):
        for receiver in self.each():
            receiver.signal(signal.SIGCONT)
