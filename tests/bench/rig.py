"""What the measurements stand on: a PostgreSQL that flushes, migrated databases, and signals that were made before."""

import json
import os
import shutil
import statistics

from support.argo import Maker
from support.paths import BUILD
from support.postgres import Postgres
from support.stage import Stage

# A small server's settings instead of a test's; durability as it comes. The commit's time is what latencies end with.
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB", "max_connections": "400", "track_commit_timestamp": "on"}
SETTINGS = {"ALPINE_LOG_LEVEL": "warn"}


class Rig:
    """Everything is under `folder`, and gone with finish()."""

    def __init__(self, build, schema=None):
        self.build = build
        self.folder = BUILD / f"bench-{os.getpid()}"
        self.folder.mkdir(parents=True)
        self.schema = schema
        self.postgres = Postgres(self.folder / "postgres")
        self.stage = Stage(build, self.folder, self.postgres, {})
        self._lines = {}

    def start(self):
        self.postgres.start(**SERVER)
        self.postgres.create_roles()
        return self

    def finish(self):
        try:
            self.stage.finish()
        finally:
            self.postgres.remove()
            shutil.rmtree(self.folder, ignore_errors=True)

    def database(self):
        """An empty table, with nothing left to be written for the one before."""
        self.postgres.sql("CHECKPOINT")
        return self.stage.database(self.schema)

    def receiver(self, database, name="receiver", **settings):
        """A receiver as it is installed, but for its log: at info it is measured apart."""
        return self.stage.receiver(database, name, **{**SETTINGS, **settings})

    def lines(self, count):
        """A file of `count` different signals, one a line; the same ones each time."""
        if count not in self._lines:
            path = self.folder / f"{count}.ndjson"
            maker = Maker(seed=5)
            with open(path, "w", encoding="utf-8") as file:
                for _ in range(count):
                    file.write(json.dumps(maker.signal()) + "\n")
            self._lines[count] = path
        return self._lines[count]


def turns(rounds, *sides):
    """Call the sides one after the other, `rounds` times, so that all meet the same machine; each one's results."""
    results = [[] for _ in sides]
    for _ in range(rounds):
        for side, result in zip(sides, results):
            result.append(side())
    return results


def median(values):
    return statistics.median(values)


def percentile(values, percent):
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
