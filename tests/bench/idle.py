"""A sender with nothing to do."""

import time
from pathlib import Path

from support.waiting import stays

from .goals import Result


def _processor_ms(pid):
    """Of all its threads (there is one)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def measure(rig, size):
    """Its memory, and its processor time in a minute (in the short run a part of one, taken as a whole)."""
    argo = rig.stage.argo(wide=True, name="idle")
    receiver = rig.receiver(rig.database())
    sender = rig.sender(receiver, argo, ARGO_SIGNALS_LOG=argo.log, ALPINE_LOG_LEVEL="info").start_service()
    argo.write(200)
    sender.settled(delivered=200)
    before, began = _processor_ms(sender.pid), time.monotonic()
    stays(lambda: sender.running, size.idle, "the sender ended")
    spent = (_processor_ms(sender.pid) - before) * 60 / (time.monotonic() - began)
    yield Result("idle_processor", spent, 20, f"over {size.idle} s")
    yield Result("idle_memory", sender.memory() / 1024, 12)
    sender.stop()
    receiver.stop()
