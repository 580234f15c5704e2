"""Single posts, each its own signal and answered after its COMMIT, against one-row inserts into the same table."""

from . import load
from .goals import GOALS, Result
from .rig import median, turns, watched

# Over one connection much of the time goes into waking up who waits, and what that costs changes by the second.
MORE_OF_ONE = 3


def _receiver_side(rig, lines, connections, seconds, memory):
    def side():
        receiver = rig.receiver(rig.database())
        with watched(receiver, memory):
            measured = load.post(receiver, lines, connections, seconds)
        receiver.stop()
        return measured
    return side


def _database_side(rig, connections, seconds):
    return lambda: load.insert(rig.database(), connections, seconds)


def measure(rig, size):
    """The rates over several numbers of connections, the latency over one, and the receiver's memory on the way."""
    lines = rig.lines(size.posts)
    memory = []
    curves = {"ours": {}, "pgbench": {}}
    for connections in size.connections:
        rounds = size.rounds * (MORE_OF_ONE if connections == 1 else 1)
        ours, peer = turns(rounds, _receiver_side(rig, lines, connections, size.seconds, memory),
                           _database_side(rig, connections, size.seconds))
        for name, loads in (("ours", ours), ("pgbench", peer)):
            curves[name][connections] = {key: median(getattr(one, key) for one in loads)
                                         for key in ("rate", "p50", "p90", "p99", "worst")}
        name = f"posts_{connections}"
        if name in GOALS:
            yield Result(name, curves["ours"][connections]["rate"], curves["pgbench"][connections]["rate"])
    yield Result("latency_1", curves["ours"][1]["p50"], curves["pgbench"][1]["p50"])
    rig.curves.update(curves)
    yield Result("receiver_memory", max(memory) / 1024, 48, "while posts came over up to 256 connections")


def measure_two(rig, size):
    """The same two crowds of clients, at one receiver and at one each of two that share a database."""
    connections = 128
    files = rig.halves(size.posts)

    def side(names):
        def run():
            database = rig.database()
            receivers = [rig.receiver(database, name) for name in names]
            rates = load.post_together(receivers * (2 // len(names)), files, connections, size.seconds)
            for receiver in receivers:
                receiver.stop()
            return sum(rates)
        return run

    alone, together = turns(size.rounds, side(["alone"]), side(["one", "other"]))
    yield Result("two_receivers", median(together), median(alone), f"2 × {connections} connections")
