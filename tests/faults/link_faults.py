"""What happens on the way between the sender and the receivers."""

import threading

from support import proxy

from faults.fault import Fault


class LinkFault(Fault):
    """Every connection gets the proxy's fault, those that stand are reset."""

    needs = ("link",)

    def throw(self):
        self.world.link.change(self.fault)

    def heal(self):
        self.world.link.change(proxy.FINE)


class ConnectionsRefused(LinkFault):
    fault = proxy.Fault(refuse=True)


class NoAnswer(LinkFault):
    fault = proxy.Fault(silence=True)
    longest = 5.0


class AnswerSwallowedAfterCommit(LinkFault):
    fault = proxy.Fault(swallow_answer=True)


class Latency(LinkFault):
    longest = 5.0

    def draw(self):
        self.fault = proxy.Fault(delay=round(self.chance.uniform(0.02, 1.5), 3))
        self.detail = f"of {self.fault.delay} s"


class LatencyBeyondTheTimeOut(LinkFault):
    fault = proxy.Fault(delay=3.3)
    longest = 5.0


class RequestCutInItsHeader(LinkFault):
    def draw(self):
        self.fault = proxy.Fault(cut_request_after=self.chance.randrange(1, 150))
        self.detail = f"after {self.fault.cut_request_after} bytes"


class RequestCutInItsBody(LinkFault):
    def draw(self):
        self.fault = proxy.Fault(cut_request_after=self.chance.randrange(300, 20000))
        self.detail = f"after {self.fault.cut_request_after} bytes"


class AnswerCut(LinkFault):
    def draw(self):
        self.fault = proxy.Fault(cut_answer_after=self.chance.randrange(1, 800))
        self.detail = f"after {self.fault.cut_answer_after} bytes"


class ConnectionsReset(LinkFault):
    """Whatever is under way at the time, several times over."""

    def throw(self):
        for _ in range(5):
            self.world.link.drop()
            threading.Event().wait(self.chance.uniform(0.01, 0.2))


class HalfOpen(LinkFault):
    """Nothing is passed and nothing is closed; what was held may still arrive, late."""

    longest = 6.0

    def draw(self):
        self.late = self.chance.random() < 0.5
        self.detail = "and late" if self.late else "and lost"

    def throw(self):
        self.world.link.hold()

    def heal(self):
        if not self.late:
            self.world.link.drop()
        self.world.link.release()
