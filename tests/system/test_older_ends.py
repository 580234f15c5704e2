"""Each of our ends against the other's older one."""

import pytest

from support.argo import pairs, seal
from support.older_sender import OlderSender
from support.waiting import wait_for

# --- the older sender, our receiver ---


@pytest.mark.under_tsan
def test_the_older_sender_delivers_everything_once(stage, maker):
    receiver = stage.receiver()
    signals = maker.signals(60)
    sender = OlderSender(receiver)
    sender.send(signals)
    sender.send(signals)
    assert sender.given_up == [] and set(sender.statuses) == {201, 409}
    assert receiver.database.stored() == pairs(signals)


@pytest.mark.under_tsan
def test_the_older_sender_gives_up_only_what_is_wrong(stage, maker):
    receiver = stage.receiver()
    good, forged, wrong, last = maker.signals(4)
    forged["entry_price"] += 1
    wrong["action"] = "HOLD"
    sender = OlderSender(receiver)
    sender.send([good, forged, seal(wrong), last])
    assert sender.given_up == [forged["signal_id"], wrong["signal_id"]]
    assert sender.statuses == [201, 400, 422, 201]
    assert receiver.database.stored() == pairs([good, last])


@pytest.mark.under_tsan
@pytest.mark.slow
def test_the_older_senders_retry_after_a_503_is_no_doublet(own_stage, maker):
    receiver = own_stage.receiver()
    signal = maker.signal()
    own_stage.postgres.stop()
    receiver.wait_unready()
    sender = OlderSender(receiver)
    sender.send([signal])
    assert sender.statuses == [503] * 4
    own_stage.postgres.start()
    receiver.wait_ready()
    sender.send([signal])
    sender.send([signal])
    assert sender.statuses[4:] in ([201, 409], [409, 409])
    assert receiver.database.stored() == pairs([signal])


# --- our sender, the older receiver ---

@pytest.mark.parametrize("status", [404, 405])
def test_an_older_receiver_gets_single_signals_five_at_a_time(stage, status):
    older, argo = stage.older_receiver(hold=0.02, batch_status=status), stage.argo()
    made = argo.write(100)
    sender = stage.sender(older, argo)
    sender.sync()
    assert sorted(older.stored) == pairs(made)
    assert 2 <= older.most_at_once <= 5
    assert older.batch_posts <= 5, "it is not asked for a batch again and again"
    assert sender.status()["delivered"] == 100


def test_an_older_receivers_201_for_a_duplicate_is_delivered(stage):
    older, argo = stage.older_receiver(), stage.argo()
    made = argo.write(30)
    stage.sender(older, argo).sync()
    again = stage.sender(older, argo, "again")
    again.sync()
    assert sorted(older.stored) == pairs(made)
    assert again.status()["delivered"] == 30


def test_the_service_delivers_live_signals_to_an_older_receiver(stage):
    older, argo = stage.older_receiver(), stage.argo(live=True)
    stage.sender(older, argo).start_service()
    made = []
    for _ in range(5):
        made += argo.write(4)
        wait_for(lambda: sorted(older.stored) == pairs(made), 20, "the signals to arrive")


def test_what_an_older_receiver_refuses_becomes_a_dead_letter_and_the_others_go_on(stage):
    older, argo = stage.older_receiver(), stage.argo()
    made = argo.write(10)
    older.refuses = {made[3]["signal_id"]: (422, {"detail": "no such symbol here"}),
                     made[5]["signal_id"]: (422, {"detail": [{"loc": ["body", "symbol"], "msg": "not that one"}]}),
                     made[7]["signal_id"]: (400, {"detail": "Signal hash verification failed"})}
    sender = stage.sender(older, argo)
    sender.sync(code=3)
    assert sorted(older.stored) == pairs([signal for signal in made if signal["signal_id"] not in older.refuses])
    reasons = {letter["signal_id"]: letter["detail"] for letter in sender.dead()}
    assert set(reasons) == set(older.refuses)
    assert "no such symbol here" in reasons[made[3]["signal_id"]]
    assert "not that one" in reasons[made[5]["signal_id"]]


def test_an_older_receiver_in_trouble_is_tried_again(stage):
    older, argo = stage.older_receiver(), stage.argo()
    older.troubles = 3
    made = argo.write(10)
    stage.sender(older, argo).start_service()
    wait_for(lambda: sorted(older.stored) == pairs(made), 30, "everything to arrive after the trouble")


@pytest.mark.slow
def test_an_older_receivers_401_holds_everything(stage):
    older, argo = stage.older_receiver(key="another key"), stage.argo()
    made = argo.write(10)
    sender = stage.sender(older, argo).start_service()
    sender.wait_log("Authentication failed - check ARGO_API_KEY")
    status = sender.status()
    assert (status["pending"], status["dead"]) == (10, 0)
    older.key = sender.settings["ARGO_API_KEY"]
    wait_for(lambda: sorted(older.stored) == pairs(made), 30, "everything to arrive with the right key")


def test_a_receiver_that_was_replaced_by_a_newer_one_gets_batches_again(stage):
    """The same address, first the older program, then ours."""
    older, argo = stage.older_receiver(), stage.argo()
    receiver = stage.receiver()
    proxy = stage.proxy(older)
    made = argo.write(20)
    sender = stage.sender(proxy, argo).start_service()
    sender.settled(delivered=20)  # an answer that was lost now would send its signals once more
    assert sorted(older.stored) == pairs(made)
    proxy.target_port = receiver.port
    proxy.drop()
    late = argo.write(20)
    wait_for(lambda: receiver.database.stored() == pairs(late), 30, "the newer receiver to have the rest")
    assert sender.status()["dead"] == 0
