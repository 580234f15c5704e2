"""Rows that the database itself refuses: alone, and never at the cost of the others."""

import pytest

from support.answers import assert_error, assert_stored
from support.chain import check_chain
from support.recovery import assert_recovers
from support.starting_points import EXISTING
from support.waiting import Stopwatch, stays

REFUSAL = """
    CREATE FUNCTION no_penny_stocks() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.symbol LIKE 'PNY%' THEN RAISE EXCEPTION 'no penny stocks here'; END IF; RETURN NEW; END $$;
    CREATE FUNCTION leave_penny_stocks_out() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RETURN CASE WHEN NEW.symbol LIKE 'PNY%' THEN NULL ELSE NEW END; END $$;
    """
TRIGGERS = {
    "left out": "CREATE TRIGGER no_penny_stocks BEFORE INSERT ON signals"
                " FOR EACH ROW EXECUTE FUNCTION leave_penny_stocks_out()",
    "before": "CREATE TRIGGER no_penny_stocks BEFORE INSERT ON signals"
              " FOR EACH ROW EXECUTE FUNCTION no_penny_stocks()",
    "after": "CREATE TRIGGER no_penny_stocks AFTER INSERT ON signals"
             " FOR EACH ROW EXECUTE FUNCTION no_penny_stocks()",
    "at the commit": "CREATE CONSTRAINT TRIGGER no_penny_stocks AFTER INSERT ON signals INITIALLY DEFERRED"
                     " FOR EACH ROW EXECUTE FUNCTION no_penny_stocks()",
}


def picky(stage, trigger="before", **settings):
    """A receiver on a database with a rule of Alpine's own."""
    receiver = stage.receiver(**settings)
    receiver.database.query(REFUSAL + TRIGGERS[trigger], role="alpine_owner")
    return receiver


def transactions(database):
    """How many transactions stored the rows: created_at is the start of each's."""
    return database.value("SELECT count(DISTINCT created_at) FROM signals")


def check(receiver, signals, answer):
    """Each refused one is rejected, each other one stored, in the order of the request."""
    assert answer.status == 200, answer
    refused = [signal for signal in signals if signal["symbol"].startswith("PNY")]
    body = answer.json
    assert (body["stored"], body["rejected"]) == (len(signals) - len(refused), len(refused)), body
    for signal, result in zip(signals, body["results"], strict=True):
        wanted = "rejected" if signal["symbol"].startswith("PNY") else "success"
        assert (result["external_signal_id"], result["status"]) == (signal["signal_id"], wanted)
        if wanted == "rejected":
            assert result["code"] == "invalid_field" and result["detail"] and "penny" not in result["detail"]
    assert check_chain(receiver.database) == len(signals) - len(refused)


@pytest.mark.under_tsan
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_signal_that_the_database_refuses_is_422_and_the_next_one_is_stored(stage, maker, trigger):
    receiver = picky(stage, trigger)
    bad, good = maker.signal(symbol="PNY"), maker.signal()
    assert_error(receiver.post(bad), 422, "invalid_field")
    assert_stored(receiver.post(good), good)
    assert receiver.ready(), "the database is well"
    why = ("a trigger of the table leaves this row out" if trigger == "left out" else
           "the database says (P0001): no penny stocks here")
    assert f"The database refused a signal: {why}" in receiver.log()
    assert bad["signal_id"] in receiver.log()


@pytest.mark.parametrize("count", [1, 20])
def test_a_place_that_is_taken_in_an_index_of_alpines_own_refuses_that_row_alone(stage, maker, count):
    """Not by the same signal, so it is no duplicate."""
    receiver = stage.receiver()
    receiver.database.query("CREATE UNIQUE INDEX one_a_symbol ON signals (symbol) WHERE symbol LIKE 'PNY%'",
                            role="alpine_owner")
    assert_stored(receiver.post(first := maker.signal(symbol="PNY")), first)
    signals = maker.signals(count) + [second := maker.signal(symbol="PNY")] + maker.signals(count)
    results = receiver.batch(signals).json["results"]
    assert [result["external_signal_id"] for result in results if result["status"] != "success"] == [second["signal_id"]]
    assert_error(receiver.post(second), 422, "invalid_field")
    assert receiver.post(first).status == 409
    assert check_chain(receiver.database) == 2 * count + 1
    assert receiver.ready()


@pytest.mark.under_tsan
@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("bad", [{0}, {11}, {23}, {0, 23}, {5, 6, 7}, set(range(24)), set(range(1, 24))],
                         ids=["first", "middle", "last", "both ends", "neighbours", "all", "all but one"])
def test_refused_rows_of_a_batch_are_found_wherever_they_stand(stage, maker, bad, trigger):
    receiver = picky(stage, trigger)
    signals = [maker.signal(symbol="PNY" if at in bad else "AAPL") for at in range(24)]
    check(receiver, signals, receiver.batch(signals))
    assert transactions(receiver.database) == (len(bad) < 24), "one COMMIT"


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_hundreds_of_refused_rows_in_a_batch_are_answered_in_one_request(stage, maker, share):
    """With the deadlines that a receiver has by default, which sanitizers stretch."""
    receiver = picky(stage, **({} if stage.build.name == "release" else {"ALPINE_REQUEST_TIMEOUT": 60}))
    signals = [maker.signal(symbol=f"PNY{at}" if int(at * share) != int((at + 1) * share) else "AAPL")
               for at in range(1000)]
    assert sum(signal["symbol"].startswith("PNY") for signal in signals) == int(1000 * share)
    check(receiver, signals, receiver.batch(signals))
    assert transactions(receiver.database) == (share < 1), "one COMMIT"
    again = receiver.batch(signals).json
    assert (again["stored"], again["duplicates"], again["rejected"]) == (
        0, 1000 - int(1000 * share), int(1000 * share)), "and the resend says the same"


@pytest.mark.under_tsan
def test_duplicates_and_conflicts_are_told_beside_refused_rows(stage, maker):
    receiver = picky(stage)
    known, fresh, bad = maker.signal(), maker.signal(), maker.signal(symbol="PNY")
    other = maker.signal(signal_id=known["signal_id"])
    assert_stored(receiver.post(known), known)
    results = receiver.batch([bad, known, fresh, other, fresh, bad]).json["results"]
    assert [result["status"] for result in results] == [
        "rejected", "duplicate", "success", "conflict", "duplicate", "rejected"]
    assert check_chain(receiver.database) == 2


# The audit table, which a trigger of Alpine's writes to, has the ids from 1 to 10.
SEQUENCES = {"behind its rows": "MAXVALUE 10 CYCLE RESTART 1", "at its end": "MAXVALUE 10 NO CYCLE RESTART 10"}


@pytest.mark.slow
@pytest.mark.parametrize("sequence", SEQUENCES)
def test_an_error_in_another_table_of_alpines_is_no_signals_fault(stage, maker, sequence):
    receiver = stage.receiver(stage.database(EXISTING))
    change = "ALTER SEQUENCE signal_audit_log_id_seq "
    receiver.database.query(change + SEQUENCES[sequence])
    signals = maker.signals(3)
    assert_error(receiver.post(signals[0]), 503, "unavailable")
    receiver.wait_unready()
    assert_error(receiver.batch(signals), 503, "unavailable")
    stays(lambda: not receiver.ready(), 1.5, "no signal can be stored")
    assert "The database refused a signal" not in receiver.log()
    receiver.database.query(change + "NO MAXVALUE NO CYCLE RESTART 1000")
    assert_recovers(receiver, signals, Stopwatch())
    assert len(receiver.database.signals()) == 3
