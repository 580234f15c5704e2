"""Single posts, each its own signal and answered after its COMMIT, against one-row inserts into the same table."""

from . import load
from .goals import Result
from .rig import median, turns, watched


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
        ours, peer = turns(size.rounds, _receiver_side(rig, lines, connections, size.seconds, memory),
                           _database_side(rig, connections, size.seconds))
        for name, loads in (("ours", ours), ("pgbench", peer)):
            curves[name][connections] = {key: median(getattr(one, key) for one in loads)
                                         for key in ("rate", "p50", "p90", "p99", "worst")}
        if connections > 1:
            yield Result(f"posts_{connections}", curves["ours"][connections]["rate"],
                         curves["pgbench"][connections]["rate"])
        else:
            yield Result("latency_1", curves["ours"][1]["p50"], curves["pgbench"][1]["p50"])
    rig.curves.update(curves)
    yield Result("receiver_memory", max(memory) / 1024, 48, "while posts came over up to 256 connections")


def measure_two(rig, size):
    """Two receivers on one database share the load that one had alone."""
    connections = 64
    files = rig.halves(size.posts)

    def one():
        receiver = rig.receiver(rig.database())
        rate = load.post(receiver, rig.lines(size.posts), connections, size.seconds).rate
        receiver.stop()
        return rate

    def two():
        database = rig.database()
        receivers = [rig.receiver(database, name) for name in ("one", "other")]
        rates = load.post_together(receivers, files, connections // 2, size.seconds)
        for receiver in receivers:
            receiver.stop()
        return sum(rates)

    alone, together = turns(size.rounds, one, two)
    yield Result("two_receivers", median(together), median(alone))
