"""The connection cut after every byte of a request and of its answer, by a reset and by an ordinary end: the sender
tries again, and every signal is stored once."""

import pytest

from support.argo import pairs
from support.chain import check_chain
from support.proxy import Fault
from support.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.one_build]

BATCH = 3
MARGIN = 24  # the numbers of the rows get longer, and with them the answers
# Signals of one size each, and that a small one.
PLAIN = {"symbol": "AAPL", "action": "BUY", "entry_price": 267.44, "target_price": 280.81, "stop_price": 260.75,
         "confidence": 87.5, "strategy": "w", "asset_type": "stock", "data_source": "w",
         "timestamp": "2026-11-01T13:30:02Z"}


class Follower:
    """Reads on in a program's log."""

    def __init__(self, program):
        self._file = open(program.err_file, encoding="utf-8", errors="replace")  # pylint: disable=consider-using-with
        self.text = ""

    def has(self, phrases):
        """Whether all of these have been logged since forget()."""
        self.text += self._file.read()
        return all(phrase in self.text for phrase in phrases)

    def forget(self):
        self.text = ""

    def finish(self):
        self._file.close()


class Line:
    """A service that sends batches of one size through a proxy."""

    def __init__(self, stage):
        self.receiver = stage.receiver()
        self.argo = stage.argo()
        self.argo.connection.execute("PRAGMA synchronous=OFF")
        self.proxy = stage.proxy(self.receiver)
        self.sender = stage.sender(self.proxy, self.argo, ALPINE_RETRY_FIRST=0.01).start_service()
        self.log = stage.keep(Follower(self.sender))
        self.sent = []

    def deliver(self, what, fault=None):
        """Commit a batch, the first attempt to send it meets the fault, and the sender has its answer at the end."""
        self.proxy.drop()  # the fault is a new connection's
        if fault is not None:
            self.proxy.next.append(fault)
        made = self.argo.maker.signals(BATCH, **PLAIN)
        self.argo.commit(made)
        self.sent += made
        self.log.forget()
        wait_for(lambda: self.log.has([f"Signal synced to Alpine: {signal['signal_id']} " for signal in made]), 20,
                 lambda: f"the sender to deliver; {what}:\n{self.log.text[-3000:]}")

    def lengths(self):
        """How long an undisturbed batch is, and its answer."""
        self.deliver("warming up")
        before = self.proxy.request_bytes, self.proxy.answer_bytes
        self.deliver("measuring")
        return {"request": self.proxy.request_bytes - before[0], "answer": self.proxy.answer_bytes - before[1]}


@pytest.mark.parametrize("close", [False, True], ids=["reset", "close"])
@pytest.mark.parametrize("part", ["request", "answer"])
def test_a_cut_after_every_byte_costs_nothing(stage, part, close):
    line = Line(stage)
    length = line.lengths()[part]
    assert length > 300, length
    cuts = range(length + 1 + (MARGIN if part == "answer" else 0))
    for count in cuts:
        line.deliver(f"{part} cut after {count} of {length} bytes", Fault(**{f"cut_{part}_after": count}, close=close))
    assert line.proxy.faults_used == len(cuts), "the connections were not made as this test takes for granted"
    assert line.receiver.database.stored() == pairs(line.sent)
    assert check_chain(line.receiver.database) == len(line.sent)
    status = line.sender.wait_status(pending=0)
    assert (status["delivered"], status["dead"]) == (len(line.sent), 0), status
    again = line.sender.log().count("result=duplicate")
    if part == "answer":
        assert again >= BATCH * length, "the signals of a lost answer are sent again"
