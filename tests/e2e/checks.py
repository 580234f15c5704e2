"""What Argo has committed against what Alpine has stored, read from both sides by their own means."""

import hashlib
import json
from collections import Counter

from support.waiting import wait_for

ARRIVAL_LIMIT = 60
STORED = """SELECT row_to_json(row) FROM (SELECT external_signal_id, verification_hash, canonical, chain_index,
            previous_hash FROM signals ORDER BY chain_index) AS row"""


class Sides:
    """Both sides of the system that docker/compose.yaml makes."""

    def __init__(self, system):
        self.system = system

    def committed(self):
        """(signal_id, sha256) of each row in Argo's table."""
        lines = self.system.exec("argo", "python3", "/model/model.py", "list", merge=False).splitlines()
        return [(row["signal_id"], row["sha256"]) for row in map(json.loads, lines)]

    def sql(self, text, **options):
        return self.system.exec("database", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "alpine_owner", "-d", "alpine",
                                "-c", text, **options)

    def stored(self):
        """The rows of Alpine's table, by their place in the chain."""
        return [json.loads(line) for line in self.sql(STORED, merge=False).splitlines()]

    def ids(self):
        return set(self.sql("SELECT external_signal_id FROM signals", merge=False).split())

    def make_more(self, count=40):
        """Wait until Argo has committed so many more."""
        wanted = len(self.committed()) + count
        wait_for(lambda: len(self.committed()) >= wanted, ARRIVAL_LIMIT, f"Argo to commit {count} signals")

    def catch_up(self, limit=ARRIVAL_LIMIT):
        """All that Argo has committed by now arrives."""
        wanted = {signal_id for signal_id, _ in self.committed()}
        assert wanted
        wait_for(lambda: wanted <= self.ids(), limit, lambda: f"{len(wanted - self.ids())} of {len(wanted)} signals to arrive")

    def pause(self):
        """Argo makes no more, and commits what it has."""
        self.system.kill("argo", "USR1")
        wait_for(lambda: self.system.log("argo").splitlines()[-1:] == ["paused"], 10, "Argo to pause")

    def compare(self):
        """Each signal stands once on both sides, with the same hash, which is that of its text; the chain is whole. How
        many there are."""
        committed = self.committed()
        wait_for(lambda: len(self.ids()) >= len(committed), ARRIVAL_LIMIT, "the last signals to arrive")
        stored = self.stored()
        there = [(row["external_signal_id"], row["verification_hash"]) for row in stored]
        lost, added = Counter(committed) - Counter(there), Counter(there) - Counter(committed)
        assert not lost and not added, f"only Argo has {list(lost)[:5]}, only Alpine has {list(added)[:5]}"
        for row in stored:
            assert hashlib.sha256(row["canonical"].encode()).hexdigest() == row["verification_hash"], row
        _check_chain(stored)
        return len(stored)


def _check_chain(rows):
    previous = None
    for index, row in enumerate(rows, rows[0]["chain_index"]):
        assert (row["chain_index"], row["previous_hash"]) == (index, previous), f"the chain breaks at {row}"
        previous = row["verification_hash"]
