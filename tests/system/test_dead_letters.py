"""Signals that cannot go: kept before they are passed, bounded, listed, shown, sent again, dropped with a trace."""

import json

import pytest

from support.argo import pairs, seal
from support.fake_receiver import right_answer
from support.waiting import stays, wait_for

FULL = "The state directory cannot be written: there are "
TEXT_LIMIT = 64 * 1024


def refusing(*signals):
    """Answers as a receiver that refuses these signals, each with its own reason: {signal_id: code}."""
    codes = dict(signals)

    def answer(request):
        status, body = right_answer(request)
        if not request.path.startswith("/api/v1/external-signals/sync/batch"):
            code = codes.get(request.signals[0]["signal_id"])
            return (422, {"status": "error", "code": code, "detail": f"no: {code}"}) if code else (status, body)
        for result, signal in zip(body["results"], request.signals):
            if code := codes.get(signal["signal_id"]):
                result.clear()
                result.update(status="rejected", code=code, detail=f"no: {code}")
                body["stored"] -= 1
                body["rejected"] += 1
        return status, body
    return answer


def spoilt(argo, count, good=0):
    """This many rows whose hash is wrong, then this many good ones: (bad, good)."""
    made = argo.write(count + good)
    for signal in made[:count]:
        argo.spoil(signal, symbol="WRONG")
    return made[:count], made[count:]


def heal(argo, *signals):
    for signal in signals:
        argo.spoil(signal, symbol=signal["symbol"])


def by_signal(sender):
    return {letter["signal_id"]: letter for letter in sender.dead()}


# --- kept ---

def test_list_json_has_all_that_a_program_wants(stage):
    argo = stage.argo()
    [bad], _ = spoilt(argo, 1)
    sender = stage.sender(stage.fake_receiver(), argo)
    sender.sync(code=3)
    [letter] = sender.dead()
    assert set(letter) == {"id", "signal_id", "symbol", "action", "reason", "detail", "created_at", "position", "retry",
                           "source"}
    assert (letter["signal_id"], letter["symbol"], letter["action"]) == (bad["signal_id"], "WRONG", bad["action"])
    assert (letter["position"], letter["retry"], letter["source"]) == (1, False, "table")
    assert letter["reason"] == "hash_mismatch" and letter["detail"] and letter["created_at"].endswith("Z")


def test_list_for_people_and_by_reason(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    [bad], good = spoilt(argo, 1, 2)
    far_end.otherwise = refusing((good[0]["signal_id"], "invalid_field"))
    sender = stage.sender(far_end, argo)
    assert "no dead letters" in sender.command("dead", "list").out
    sender.sync(code=3)
    everything = sender.command("dead", "list").out
    assert bad["signal_id"] in everything and good[0]["signal_id"] in everything
    some = sender.command("dead", "list", "--reason", "invalid_field").out
    assert bad["signal_id"] not in some and good[0]["signal_id"] in some
    shown = sender.command("dead", "show", str(by_signal(sender)[good[0]["signal_id"]]["id"])).out
    assert "invalid_field" in shown and "no: invalid_field" in shown and good[0]["sha256"] in shown


def test_show_json_has_the_signal_as_it_was_sent(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    [made] = argo.write(1)
    far_end.otherwise = refusing((made["signal_id"], "invalid_field"))
    sender = stage.sender(far_end, argo)
    sender.sync(code=3)
    done = sender.command("dead", "show", str(sender.letters("id")[0]), "--json")
    assert json.loads(json.loads(done.out)["signal"])["sha256"] == made["sha256"]


@pytest.mark.slow
def test_a_letter_is_kept_before_its_row_is_passed_however_the_sender_ends(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    sender = stage.sender(far_end, argo, ALPINE_BATCH_MAX=7)
    bad, good = [], []
    for _ in range(8):
        for _ in range(12):
            some_bad, some_good = spoilt(argo, 1, 3)
            bad += some_bad
            good += some_good
        before = len(far_end.accepted)
        sender.start()
        wait_for(lambda before=before: len(far_end.accepted) > before, 20, "some progress")
        sender.kill9()
        kept = set(sender.letters())
        passed = {signal["signal_id"] for signal in bad[:sum(
            row <= sender.status()["position"] for row in range(1, 4 * len(bad), 4))]}
        assert passed <= kept, "the position has passed a row that was neither delivered nor kept"
    sender.start_service()
    sender.wait_status(pending=0)
    assert sorted(sender.letters()) == sorted(signal["signal_id"] for signal in bad)
    assert set(pairs(far_end.accepted)) == set(pairs(good))


def test_a_dead_letter_is_flushed_to_the_disk(stage):
    """A position may be lost in a power cut, a letter may not: the system calls show it."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    untraced = stage.sender(far_end, argo)  # to ask for the status
    sender = stage.sender(far_end, argo, ASAN_OPTIONS="exitcode=99:detect_leaks=0")  # no leak check under a tracer
    trace = stage.folder / "trace"
    sender.program, sender.arguments = "strace", [
        "-D", "-f", "-e", "trace=fsync,fdatasync", "-o", trace, sender.program, *sender.arguments]
    sender.start_service()
    argo.write(3)
    untraced.settled(delivered=3)  # the first save is over, for which a new WAL is flushed too
    before = trace.read_text().count("sync(")
    bad = argo.maker.signal()
    argo.commit([{**bad, "symbol": "WRONG"}])
    wait_for(lambda: f"signal {bad['signal_id']} was not delivered" in sender.log(), 20, "the letter")
    wait_for(lambda: trace.read_text().count("sync(") > before, 2, "a flush")


def test_a_long_signal_is_kept_up_to_its_limit_and_delivered_whole(stage):
    receiver, argo = stage.receiver(), stage.argo(wide=True)
    [made] = argo.write(1, reasoning="why " * 12_000)
    argo.spoil(made, symbol="WRONG")
    [longer] = argo.write(1, reasoning="because " * 50_000)
    sender = stage.sender(receiver, argo)
    sender.sync(code=3)
    letters = by_signal(sender)
    assert set(letters) == {made["signal_id"], longer["signal_id"]}
    for letter in letters.values():
        shown = json.loads(sender.command("dead", "show", str(letter["id"]), "--json").out)
        assert 0 < len(shown["signal"]) <= TEXT_LIMIT + 100
    heal(argo, made)
    sender.command("dead", "retry", str(letters[made["signal_id"]]["id"]))
    sender.sync(code=3)
    assert receiver.database.signal(made["signal_id"])["rationale"].startswith("why why")
    assert sender.letters() == [longer["signal_id"]]


# --- bounded ---

@pytest.mark.slow
def test_no_more_letters_than_allowed_and_the_rest_waits(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    bad, good = spoilt(argo, 5, 5)
    more = argo.write(5)
    sender = stage.sender(far_end, argo, ALPINE_DEAD_LETTERS_MAX=3).start_service()
    sender.wait_log(FULL + "3 dead letters already")
    sender.wait_status(dead=3)
    stays(lambda: sender.status()["dead"] == 3, 0.7, "more were kept than allowed")
    status = sender.status()
    assert status["pending"] >= 2 and status["position"] < 4, "a signal that is not kept is not passed"
    assert set(far_end.times_posted) <= {signal["signal_id"] for signal in good + more}
    for signal in bad[:3]:
        done = sender.command("dead", "drop", str(by_signal(sender)[signal["signal_id"]]["id"]))
        assert done.code == 0, done
    sender.wait_log("The state directory can be written again")
    sender.wait_status(dead=2, pending=0)
    assert sorted(sender.letters()) == sorted(signal["signal_id"] for signal in bad[3:])
    assert set(pairs(far_end.accepted)) == set(pairs(good + more))


def test_others_go_on_while_no_letter_fits(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    bad, good = spoilt(argo, 3, 5)
    sender = stage.sender(far_end, argo, ALPINE_DEAD_LETTERS_MAX=2).start_service()
    sender.wait_log(FULL)
    late = argo.write(3)
    wait_for(lambda: set(pairs(far_end.accepted)) == set(pairs(good + late)), 20, "the good ones to be delivered")
    sender.stop()
    sender.settings["ALPINE_DEAD_LETTERS_MAX"] = 10
    sender.start_service()
    sender.wait_status(dead=3, pending=0)
    assert sorted(sender.letters()) == sorted(signal["signal_id"] for signal in bad)


@pytest.mark.parametrize("value", ["0x", "-1", "many"])
def test_a_limit_that_is_none_is_a_configuration_error(stage, value):
    done = stage.sender(stage.fake_receiver(), stage.argo()).command("sync", ALPINE_DEAD_LETTERS_MAX=value)
    assert done.code == 78 and "ALPINE_DEAD_LETTERS_MAX" in done.err


# --- sent again ---

@pytest.mark.slow
@pytest.mark.parametrize("running", [True, False], ids=["running", "down"])
@pytest.mark.parametrize("selection", ["one", "all", "reason"])
def test_a_letter_that_is_sent_again_and_delivered_leaves_the_list(stage, running, selection):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(6)
    refused, spoilt_one = made[:3], made[3]
    argo.spoil(spoilt_one, symbol="WRONG")
    far_end.otherwise = refusing(*((signal["signal_id"], "invalid_field") for signal in refused))
    sender = stage.sender(far_end, argo)
    if running:
        sender.start_service()
        sender.wait_status(dead=4, pending=0)
    else:
        sender.sync(code=3)
    far_end.otherwise = refusing((spoilt_one["signal_id"], "hash_mismatch"))  # it judges what is asked for again
    one = str(by_signal(sender)[refused[1]["signal_id"]]["id"])
    asked = {"one": [one], "all": ["--all"], "reason": ["--reason", "invalid_field"]}[selection]
    done = sender.command("dead", "retry", *asked)
    assert done.code == 0, done
    if not running:
        sender.sync(code=3)
    left = {"one": [refused[0], refused[2], spoilt_one], "all": [spoilt_one], "reason": [spoilt_one]}[selection]
    sender.wait_status(dead=len(left), pending=0)
    assert sorted(sender.letters()) == sorted(signal["signal_id"] for signal in left)
    assert sorted(pairs(far_end.accepted)) == pairs(signal for signal in refused if signal not in left)
    assert sender.status()["delivered"] == len(made) - len(left)


@pytest.mark.slow
def test_a_letter_that_is_refused_again_stays_with_the_newer_reason(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    [made] = argo.write(1)
    far_end.otherwise = refusing((made["signal_id"], "invalid_field"))
    sender = stage.sender(far_end, argo).start_service()
    sender.wait_status(dead=1)
    far_end.otherwise = refusing((made["signal_id"], "conflict"))
    assert sender.command("dead", "retry", "--all").code == 0
    wait_for(lambda: sender.letters("reason") == ["conflict"], 20, "the newer reason")
    [letter] = sender.dead()
    assert letter["retry"] is False
    stays(lambda: far_end.times_posted[made["signal_id"]] <= 3, 0.7, "it is sent again without being asked for")


@pytest.mark.slow
def test_a_retry_that_meets_a_far_end_which_is_away_is_not_forgotten(stage):
    receiver, argo = stage.receiver(start=False), stage.argo()
    far_end = stage.fake_receiver()
    [made] = argo.write(1)
    far_end.otherwise = refusing((made["signal_id"], "invalid_field"))
    sender = stage.sender(far_end, argo)
    sender.sync(code=3)
    assert sender.command("dead", "retry", "--all").code == 0
    sender.settings["ALPINE_API_URL"] = receiver.url
    sender.start_service()
    sender.wait_log("Connection error - Alpine backend unreachable")
    assert sender.dead()[0]["retry"] is True
    sender.kill9()
    sender.start_service()
    receiver.start_ready()
    sender.settled(delivered=1)
    assert receiver.database.stored() == pairs([made])


def test_a_letter_whose_row_comes_right_by_itself_is_one_signal_in_one_state(stage):
    """Argo replaces the bad row by a good one with the same id, at a new place."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    [bad], _ = spoilt(argo, 1)
    sender = stage.sender(far_end, argo).start_service()
    sender.wait_status(dead=1)
    argo.connection.execute("DELETE FROM signals WHERE signal_id = ?", [bad["signal_id"]])
    argo.commit([bad])
    sender.settled(delivered=1, dead=0)
    assert sender.dead() == []


# --- dropped ---

@pytest.mark.parametrize("selection", ["one", "all", "reason"])
def test_what_is_dropped_leaves_an_audit_line_and_never_comes_back(stage, selection):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(4)
    argo.spoil(made[0], symbol="WRONG")
    reasons = {made[0]["signal_id"]: "hash_mismatch", made[1]["signal_id"]: "invalid_field",
               made[2]["signal_id"]: "invalid_field"}
    far_end.otherwise = refusing(*((signal["signal_id"], "invalid_field") for signal in made[1:3]))
    sender = stage.sender(far_end, argo)
    sender.sync(code=3)
    one = by_signal(sender)[made[0]["signal_id"]]["id"]
    asked = {"one": [str(one)], "all": ["--all"], "reason": ["--reason", "invalid_field"]}[selection]
    gone = {"one": made[:1], "all": made[:3], "reason": made[1:3]}[selection]
    done = sender.command("dead", "drop", *asked)
    assert done.code == 0, done
    for signal in made:
        line = f"Dead letter dropped: signal {signal['signal_id']} ({reasons.get(signal['signal_id'])})"
        assert (line in done.err) == (signal in gone), done
    assert sum("Dead letter dropped" in line and " warn " in line for line in done.err.splitlines()) == len(gone)
    sender.sync(code=3 if len(gone) < 3 else 0)
    assert sorted(sender.letters()) == sorted(signal["signal_id"] for signal in made[:3] if signal not in gone)
    assert sender.status()["dead"] == 3 - len(gone)


@pytest.mark.parametrize("wrong", [["drop"], ["retry"], ["show"], ["drop", "1", "--all"], ["retry", "x"], ["list", "1"],
                                   ["drop", "0"], ["drop", "--reason"], ["drop", "1", "2"],
                                   ["drop", "--reason", ""], ["list", "--reason="],
                                   ["drop", "--all", "--reason", "stuck"]], ids=" ".join)
def test_a_selection_that_is_none_touches_nothing(stage, wrong):
    argo = stage.argo()
    spoilt(argo, 2)
    sender = stage.sender(stage.fake_receiver(), argo)
    sender.sync(code=3)
    assert sender.command("dead", *wrong).code == 2
    assert len(sender.dead()) == 2


def test_an_id_that_is_not_there_is_an_error(stage):
    argo = stage.argo()
    spoilt(argo, 1)
    sender = stage.sender(stage.fake_receiver(), argo)
    sender.sync(code=3)
    for verb in ("show", "retry", "drop"):
        done = sender.command("dead", verb, "99")
        assert done.code == 1 and "99" in done.err
    assert len(sender.dead()) == 1


def test_what_came_from_outside_cannot_write_to_the_terminal(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    signal = seal({**argo.maker.signal(), "signal_id": "a\x1b[31m\nb", "strategy": "\x1b]0;x\x07"})
    argo.commit([signal])
    far_end.otherwise = (422, {"status": "error", "code": "invalid_field", "detail": "\x1b[2J\nno"})
    sender = stage.sender(far_end, argo)
    done = sender.sync(code=3)
    outputs = [done.err] + [sender.command("dead", *words).out for words in (
        ["list"], ["list", "--json"], ["show", "1"], ["show", "1", "--json"])]
    outputs.append(sender.command("dead", "drop", "--all").err)
    assert not any("\x1b" in text or "\x07" in text for text in outputs)
