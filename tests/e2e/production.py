"""docker/compose.production.yaml: two receivers behind one port. The sender of the local system gets to the proxy under
the receiver's name, and the receivers to that system's database."""

import http.client
from contextlib import contextmanager

from support.waiting import wait_for

from .clients import Clients

RECEIVERS = ("receiver-a", "receiver-b")
STORED = "Signal synced from external provider"


class Production:
    """`system` is production's Compose, `local` the other one, whose receiver is put out of the way; `port` is where the
    proxy is published, `key` the senders' key."""

    def __init__(self, system, local, sides, port, key):
        self.system = system
        self.local = local
        self.sides = sides
        self.port = port
        self.key = key

    def steps(self):
        return [self.comes_up, self.one_is_killed, self.the_other_is_stopped, self.both_have_stored,
                self.one_is_replaced, self.the_port_shows_what_it_should, self.both_sides_agree]

    def comes_up(self):
        self.local.compose("rm", "-sf", "receiver")
        self.system.up()
        # the database is another one's: it comes into the receivers' network as any host would be reached
        self.system.plug(None, "default", "database", self.local.container("database"))
        self.system.compose("run", "--rm", "migrate")
        for receiver in RECEIVERS:
            self.system.wait_health(receiver)
        wait_for(lambda: self._get("/readyz") == 200, 20, "the proxy to have found a receiver")
        self.local.plug(None, "link", "receiver", self.system.container("proxy"))
        self.sides.make_more()
        self.sides.catch_up()

    def one_is_killed(self):
        with self._nobody_notices():
            self.system.kill("receiver-a")
            self.sides.make_more()
            self.sides.catch_up()
            self.system.start("receiver-a")
            self.system.wait_health("receiver-a")

    def the_other_is_stopped(self):
        with self._nobody_notices():
            self.system.stop("receiver-b")
            assert self.system.state("receiver-b") == ("exited", 0)
            self.sides.make_more()
            self.sides.catch_up()
            self.system.start("receiver-b")
            self.system.wait_health("receiver-b")

    def both_have_stored(self):
        """The balance is by connection, and each was alone for a while."""
        for receiver in RECEIVERS:
            assert STORED in self.system.log(receiver), f"{receiver} has stored nothing"

    def one_is_replaced(self):
        """Upgraded by its name. The proxy finds it at its new address: the other one is away then."""
        with self._nobody_notices():
            self.system.compose("up", "-d", "--no-deps", "--force-recreate", "receiver-a")
            self.system.wait_health("receiver-a")
        self.system.kill("receiver-b")
        self.sides.make_more()
        self.sides.catch_up()
        assert STORED in self.system.log("receiver-a")
        self.system.start("receiver-b")
        self.system.wait_health("receiver-b")

    def the_port_shows_what_it_should(self):
        assert self._get("/health") == 200
        assert self._get("/metrics") == 404

    def both_sides_agree(self):
        self.sides.pause()
        return f"{self.sides.compare()} signals, each once, with the same hash, in one chain"

    @contextmanager
    def _nobody_notices(self):
        """What happens meanwhile costs no request, though it happens in the middle of some."""
        with Clients(self.port, self.key) as clients:
            yield
        assert set(clients.answers) == {200}, clients.answers

    def _get(self, path):
        """The status; None if nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()
