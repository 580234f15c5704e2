"""The comparison of both sides sees each thing that may go wrong. Needs no engine."""

import hashlib
import json

import pytest

from .checks import Sides


def rows(count):
    """As Alpine stores them: each with the hash of its text, in one chain."""
    made, previous = [], None
    for index in range(count):
        text = json.dumps({"signal_id": f"id-{index}"})
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        made.append({"external_signal_id": f"id-{index}", "verification_hash": sha256, "canonical": text,
                     "chain_index": index, "previous_hash": previous})
        previous = sha256
    return made


class BothSides(Sides):
    """Sides that are lists."""

    def __init__(self, stored):
        super().__init__(None)
        self.there = stored
        self.pairs = [(row["external_signal_id"], row["verification_hash"]) for row in rows(5)]

    def committed(self):
        return self.pairs

    def stored(self):
        return self.there

    def ids(self):
        return {f"id-{index}" for index in range(len(self.pairs))}


def test_what_is_right_is_right():
    assert BothSides(rows(5)).compare() == 5


def _lost(stored):
    del stored[4]


def _doubled(stored):
    stored.append(dict(stored[4], chain_index=5, previous_hash=stored[4]["verification_hash"]))


def _altered(stored):
    stored[2]["canonical"] += " "


def _another_hash(stored):
    stored[4]["verification_hash"] = "0" * 64


def _gap(stored):
    stored[4]["chain_index"] = 7


def _fork(stored):
    stored[4]["previous_hash"] = stored[2]["verification_hash"]


@pytest.mark.parametrize("spoil", [_lost, _doubled, _altered, _another_hash, _gap, _fork])
def test_what_is_wrong_is_seen(spoil):
    stored = rows(5)
    spoil(stored)
    with pytest.raises(AssertionError):
        BothSides(stored).compare()
