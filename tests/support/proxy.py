"""A TCP proxy that goes wrong on request, and shares the connections out among several targets."""

import itertools
import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass

from .ports import take_port

CHUNK = 65536


@dataclass
class Fault:
    """What goes wrong with one connection. Without any of these it is passed on as it is."""

    refuse: bool = False              # reset as soon as it is there
    silence: bool = False             # accepted, read, never answered
    delay: float = 0.0                # seconds that every chunk of the answer waits
    cut_request_after: int = None     # bytes of the request that go through before both ends are reset
    cut_answer_after: int = None      # bytes of the answer that go through before both ends are reset
    swallow_answer: bool = False      # the request arrives whole, the answer is thrown away, both ends are reset
    close: bool = False               # where it says reset above, both ends see an ordinary end instead


FINE = Fault()


class Proxy:
    """Listens on a port of its own and passes on to another. `always` is what new connections get; `next` holds the
    faults of the coming ones. Connections that stand already keep what they got: drop() ends them. With `others`,
    the targets take turns, and one that does not accept is passed over."""

    def __init__(self, target_port, always=FINE, others=()):
        self.target_port = target_port
        self.others = list(others)
        self.always = always
        self.next = deque()
        self.faults_used = 0
        self.connections = 0
        self.request_bytes = 0   # that went through, over all connections
        self.answer_bytes = 0
        self._port = take_port()
        self.port = self._port.number
        self._pairs = set()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._flowing = threading.Event()
        self._flowing.set()
        self._turns = itertools.count()
        self._listener = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()
        return self

    def stop(self):
        """Nothing listens any more, and what stood is reset."""
        if self._listener is not None:
            try:
                self._listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self._listener.close()
            self._listener = None
        self.drop()

    def drop(self):
        """Reset every connection."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair)

    def change(self, fault):
        """From now on everything gets this fault, connections that stand included (they are reset)."""
        self.always = fault
        self.drop()

    def hold(self):
        """Half-open: nothing is passed on any more and nothing is closed, on connections that stand and on new ones."""
        self._flowing.clear()

    def release(self):
        """What was held goes on its way, however late."""
        self._flowing.set()

    def finish(self):
        self._ending.set()
        self.release()
        self.stop()
        self._port.release()

    # --- inside ---

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                fault = self.next.popleft() if self.next else self.always
                self.faults_used += fault is not FINE
            threading.Thread(target=self._connect, args=[client, fault], daemon=True).start()

    def _connect(self, client, fault):
        if fault.refuse:
            _reset(client)
            return
        server = self._reach_target()
        if server is None:
            _reset(client)
            return
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (client, server)
        with self._lock:
            self._pairs.add(pair)
        threading.Thread(target=self._pump_answer, args=[pair, fault], daemon=True).start()
        self._pump_request(pair, fault)

    def _reach_target(self):
        """A connection to the target whose turn it is, or to the next one that accepts."""
        targets = [self.target_port, *self.others]
        first = next(self._turns) % len(targets)
        for port in targets[first:] + targets[:first]:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=10)
            except OSError:
                continue
        return None

    def _pump_request(self, pair, fault):
        client, server = pair
        left = fault.cut_request_after
        try:
            while data := client.recv(CHUNK):
                if fault.silence:
                    continue
                self._flowing.wait()
                if left is not None:
                    data, left = data[:left], left - len(data)
                self.request_bytes += len(data)
                server.sendall(data)
                if left is not None and left <= 0:
                    break
            else:
                self._flowing.wait()
                server.shutdown(socket.SHUT_WR)
                return
        except OSError:
            pass
        self._end(pair)

    def _pump_answer(self, pair, fault):
        client, server = pair
        left = fault.cut_answer_after
        try:
            while data := server.recv(CHUNK):
                if fault.delay:
                    self._ending.wait(fault.delay)
                self._flowing.wait()
                if fault.swallow_answer:
                    break
                if left is not None:
                    data, left = data[:left], left - len(data)
                self.answer_bytes += len(data)
                client.sendall(data)
                if left is not None and left <= 0:
                    break
        except OSError:
            pass
        self._end(pair, fault.close)

    def _end(self, pair, gently=False):
        with self._lock:
            if pair not in self._pairs:
                return
            self._pairs.discard(pair)
        for end in pair:
            if gently:
                _say_end(end)
            else:
                _reset(end)
        if gently:
            for end in pair:
                _close_after_reading(end)


def _say_end(end):
    try:
        end.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def _close_after_reading(end):
    """Read what still comes, since closing before that would be a reset."""
    try:
        end.settimeout(5)
        while end.recv(CHUNK):
            pass
    except OSError:
        pass
    end.close()


def _reset(end):
    """Close with a reset, and wake whoever reads from it."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    end.close()
