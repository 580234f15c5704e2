"""Plays systemd: a datagram socket that services tell how they are, and what they told when."""

import itertools
import os
import socket
import struct
import threading
import time
from dataclasses import dataclass

from .waiting import wait_for

_numbers = itertools.count()
CREDENTIALS = struct.calcsize("3i")


@dataclass(frozen=True)
class Message:
    """One datagram: when it came, from which process, and its lines as a dictionary."""

    time: float
    pid: int
    fields: dict


class ServiceManager:
    """Reads at once whatever comes, in a thread of its own."""

    def __init__(self, watchdog=None):
        """watchdog: seconds of patience that the service is told of."""
        self.name = f"@alpine-manager-{os.getpid()}-{next(_numbers)}"
        self.watchdog = watchdog
        self._messages = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("\0" + self.name[1:])
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def settings(self):
        """What the service finds in its environment."""
        usec = {"WATCHDOG_USEC": int(self.watchdog * 1e6)} if self.watchdog else {}
        return {"NOTIFY_SOCKET": self.name, **usec}

    def _read(self):
        while True:
            data, extra, *_ = self._socket.recvmsg(4096, socket.CMSG_SPACE(CREDENTIALS))
            if data == b"end":
                return
            pid = struct.unpack("3i", extra[0][2])[0]
            fields = dict(line.split("=", 1) for line in data.decode().splitlines())
            self._messages.append(Message(time.monotonic(), pid, fields))

    def finish(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
            ours.sendto(b"end", "\0" + self.name[1:])
        self._thread.join(10)
        self._socket.close()

    # --- what was told ---

    def all(self, name):
        """The messages that have this field."""
        return [message for message in list(self._messages) if name in message.fields]

    def order(self):
        """The states that were told: READY, RELOADING, STOPPING, in order."""
        states = {"READY", "RELOADING", "STOPPING"}
        return [name for message in list(self._messages) for name in message.fields if name in states]

    def pids(self):
        return {message.pid for message in list(self._messages)}

    def wait(self, name, times=1, limit=20):
        """Wait until the field was told that many times; the last of these messages."""
        wait_for(lambda: len(self.all(name)) >= times, limit,
                 lambda: f"{name} for the {times}. time; told was {self._messages}")
        return self.all(name)[times - 1]

    def wait_order(self, *states, limit=20):
        """Wait until exactly these states were told, in this order."""
        wait_for(lambda: self.order() == list(states), limit, lambda: f"{states}; told was {self._messages}")

    def status(self):
        told = self.all("STATUS")
        return told[-1].fields["STATUS"] if told else None

    def wait_status(self, part, limit=20):
        """Wait until this stands in the latest status."""
        wait_for(lambda: part in (self.status() or ""), limit, lambda: f"status {part!r}; told was {self._messages}")

    # --- the watchdog ---

    def last_fed(self):
        fed = self.all("WATCHDOG")
        return fed[-1].time if fed else 0

    def wait_fed(self, limit=20):
        """Wait until the watchdog is fed from now on, twice: the first may have been on its way."""
        self.wait("WATCHDOG", len(self.all("WATCHDOG")) + 2, limit)

    def wait_starving(self, limit=20):
        """Wait until it was not fed for as long as a manager would wait."""
        wait_for(lambda: time.monotonic() - self.last_fed() > self.watchdog, limit, "the watchdog to starve")

    def is_fed(self):
        return time.monotonic() - self.last_fed() < self.watchdog
