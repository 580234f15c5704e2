"""A proxy before PostgreSQL that goes wrong at a chosen statement."""

import threading

from .postgres import APP
from .proxy import FINE, Proxy


# As the receiver binds them in a session of its own.
COMMIT = b"\0alpine_commit\0"
INSERT = b"\0alpine_insert"  # of one row and of many


class StatementProxy(Proxy):
    """Passes everything on until the client sends `marker`, then does `action` with that piece:

    hold      it is passed on once release() is called
    drop      both ends are reset, and it never arrives
    cut       half of it is passed on, then both ends are reset
    swallow   it is passed on, its answer is thrown away, and both ends are reset
    silence   it is passed on, and nothing comes back any more

    It happens once for each at(); `reached` is set when it does."""

    def __init__(self, database):
        super().__init__(database.postgres.port.number)
        self._database = database
        self._marker = None
        self._action = None
        self._released = threading.Event()
        self._doomed = {}
        self.reached = threading.Event()

    @property
    def url(self):
        """A connection string that leads through here."""
        return f"postgresql://{APP}@127.0.0.1:{self.port}/{self._database.name}"

    def at(self, marker, action):
        """Go wrong at the next piece that holds these bytes."""
        self.reached.clear()
        self._released.clear()
        self._action = action
        self._marker = marker

    def release(self):
        self._released.set()

    def finish(self):
        self.release()
        super().finish()

    def _pump_request(self, pair, fault):
        client, server = pair
        try:
            while data := client.recv(1 << 20):
                if self._marker is not None and self._marker in data:
                    data = self._go_wrong(pair, data)
                server.sendall(data)
                if self._doomed.get(pair) == "cut":
                    break
        except OSError:
            pass
        self._end(pair)

    def _go_wrong(self, pair, data):
        self._marker = None
        action = self._action
        self._doomed[pair] = action
        if action == "hold":
            self.reached.set()
            self._released.wait(60)
        elif action == "drop":
            self._end(pair)
        elif action == "cut":
            data = data[:len(data) // 2]
        self.reached.set()
        return data

    def _pump_answer(self, pair, fault):
        client, server = pair
        try:
            while data := server.recv(1 << 20):
                action = self._doomed.get(pair)
                if action == "swallow":
                    break
                if action != "silence":
                    client.sendall(data)
        except OSError:
            pass
        if self._doomed.get(pair) == "silence":
            self._ending.wait(60)
        self._end(pair)


def statement_proxy(stage, database):
    """One on this stage, running."""
    proxy = stage.keep(StatementProxy(database)).start()
    assert proxy.always is FINE
    return proxy
