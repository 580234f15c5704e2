"""What is to be reached: each goal is a ratio of two figures that were measured in the same run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """`ours` against `peer`; one of `least` and `most` is set."""

    name: str
    ours: str
    peer: str
    least: float = None
    most: float = None

    @property
    def reach(self):
        return f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"

    def reached(self, ratio):
        return ratio >= self.least if self.least is not None else ratio <= self.most


GOALS = {goal.name: goal for goal in (
    Goal("posts_16", "single posts a second over 16 connections", "pgbench, 16 connections", least=1.2),
    Goal("posts_64", "single posts a second over 64 connections", "pgbench, 64 connections", least=1.5),
    Goal("posts_256", "single posts a second over 256 connections", "pgbench, 256 connections", least=1.5),
    Goal("latency_1", "p50 of a post over one connection, ms", "p50 of pgbench over one connection, ms", most=1.8),
    Goal("sync", "rows a second, sync into an empty table", "COPY of the same rows", least=0.75),
    Goal("duplicates", "rows a second, all of them there already", "the first time", least=3),
    Goal("growth_10", "time a row, sync of 10 times as many rows", "of the fewest rows, less what COPY loses", most=1.3),
    Goal("growth_100", "time a row, sync of 100 times as many rows", "of the fewest rows, less what COPY loses",
         most=1.3),
    Goal("large_table", "rows a second into a table with rows in it", "COPY into the same", least=0.75),
    Goal("end_to_end_p50", "p50 from Argo's commit to Alpine's, ms", "p50 of pgbench over one connection, ms", most=5),
    Goal("end_to_end_p99", "p99 from Argo's commit to Alpine's, ms", "p50 of pgbench over one connection, ms", most=25),
    Goal("busy_p99", "the same p99 beside 500 signals a second, ms", "the p99 without them, ms", most=4),
    Goal("idle_processor", "processor time of an idle sender, ms a minute", "20 ms", most=1),
    Goal("idle_memory", "resident memory of an idle sender, MB", "12 MB", most=1),
    Goal("sender_memory", "most resident memory of a sender with a backlog, MB", "24 MB", most=1),
    Goal("receiver_memory", "most resident memory of a receiver at full load, MB", "48 MB", most=1),
    Goal("two_receivers", "posts a second, two receivers on one database", "one receiver", least=1),
    Goal("hashing", "signals read and verified a second, one core", "the same in CPython", least=8),
    Goal("wire_bytes", "bytes of 1,000 signals, plain", "the same signals compressed", least=4),
    Goal("wire_speed", "rows a second, compressed", "plain", least=0.9),
)}


@dataclass(frozen=True)
class Result:
    """What was measured for a goal."""

    name: str
    ours: float
    peer: float
    note: str = ""

    @property
    def goal(self):
        return GOALS[self.name]

    @property
    def ratio(self):
        return self.ours / self.peer

    @property
    def reached(self):
        return self.goal.reached(self.ratio)
