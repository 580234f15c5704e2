"""The ledger and the figures see what they are for: without that, four zeros would prove nothing."""

import pytest
from support.argo import Maker, sha256

from faults.argo_model import Made
from faults.figures import Figures
from faults.ledger import Ledger

COUNT = 4
SIGNALS = Maker(8).signals(COUNT)


class Case:
    """A ledger without a database, and the rows that a right Alpine would have."""

    def __init__(self):
        self.figures = Figures()
        self.made = {signal["signal_id"]: Made(signal) for signal in SIGNALS}
        self.ledger = Ledger(None, self.made, self.figures)
        self.rows = [row_of(signal, place) for place, signal in enumerate(SIGNALS)]
        self.committed = list(self.made)
        self.dead = set()
        self.answered = set(self.made)

    def counted(self):
        for row in self.rows:
            self.ledger.check(row)
        self.ledger.prove_sets(self.committed, self.dead, self.answered)
        figures = self.figures
        return {name: count for name in ("lost", "duplicated", "unverified", "chain_faults")
                if (count := getattr(figures, name))}


def row_of(signal, place):
    return {
        "id": place + 1, "external_signal_id": signal["signal_id"], "provider": "argo", "symbol": signal["symbol"],
        "action": signal["action"], "price": float(signal["entry_price"]), "target_price": signal["target_price"],
        "stop_loss": signal["stop_price"], "verification_hash": signal["sha256"], "canonical": Made(signal).text,
        "chain_index": place + 1, "previous_hash": SIGNALS[place - 1]["sha256"] if place else None}


def test_what_is_right_counts_nothing():
    case = Case()
    assert case.counted() == {} and case.figures.clean
    assert case.figures.line(COUNT) == (
        f"faults 0 signals {COUNT} lost 0 duplicated 0 unverified 0 chain_faults 0 recovery_p99_ms 0")


def lose_the_last(case):
    case.rows.pop()
    case.answered.remove(SIGNALS[-1]["signal_id"])


def lose_an_acknowledged_one(case):
    case.rows.pop()
    case.committed.pop()


def bury_a_good_one(case):
    lose_the_last(case)
    case.dead.add(SIGNALS[-1]["signal_id"])


def lose_for_a_while(case):
    case.ledger.lost.add(SIGNALS[0]["signal_id"])


def store_twice(case):
    case.rows.append({**case.rows[-1], "chain_index": COUNT + 1, "previous_hash": SIGNALS[-1]["sha256"]})


def store_what_nobody_made(case):
    del case.made[SIGNALS[-1]["signal_id"]]
    case.committed.pop()
    case.answered.remove(SIGNALS[-1]["signal_id"])


def store_a_bad_one(case):
    case.made[SIGNALS[0]["signal_id"]].bad = True


def change_the_text(case):
    case.rows[-1]["canonical"] += " "


def change_text_and_hash(case):
    case.rows[-1]["canonical"] += " "
    case.rows[-1]["verification_hash"] = sha256(case.rows[-1]["canonical"])


def change_the_price(case):
    case.rows[0]["price"] += 0.01


def leave_a_gap(case):
    case.rows[-1]["chain_index"] += 1


def fork(case):
    case.rows[-1]["chain_index"] -= 1


def name_another_predecessor(case):
    case.rows[-1]["previous_hash"] = SIGNALS[0]["sha256"]


@pytest.mark.parametrize("harm, figure", [
    (lose_the_last, "lost"), (lose_an_acknowledged_one, "lost"), (bury_a_good_one, "lost"), (lose_for_a_while, "lost"),
    (store_twice, "duplicated"), (store_what_nobody_made, "unverified"), (store_a_bad_one, "unverified"),
    (change_the_text, "unverified"), (change_text_and_hash, "unverified"), (change_the_price, "unverified"),
    (leave_a_gap, "chain_faults"), (fork, "chain_faults"), (name_another_predecessor, "chain_faults")])
def test_each_harm_counts_once(harm, figure):
    case = Case()
    harm(case)
    assert case.counted() == {figure: 1}
    assert not case.figures.clean


def test_a_bad_one_that_is_a_dead_letter_is_right():
    case = Case()
    lose_the_last(case)
    case.made[SIGNALS[-1]["signal_id"]].bad = True
    case.dead.add(SIGNALS[-1]["signal_id"])
    assert case.counted() == {}


def test_any_other_complaint_is_a_failure_too():
    figures = Figures()
    figures.complain("a program had ended by itself")
    assert not figures.clean


def test_the_99th_percentile():
    figures = Figures()
    for number in range(1, 201):
        figures.recovered(number / 1000)
    assert figures.recovery_p99_ms() == 199
