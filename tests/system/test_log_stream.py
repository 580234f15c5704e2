"""ALPINE_LOG_STREAM: where a service's log goes. In a container standard output, so that `docker logs NAME | grep` sees
it; the other commands keep standard output for their results."""

import json

import pytest

from support.waiting import wait_for


@pytest.fixture
def receiver(stage):
    return stage.receiver(ALPINE_LOG_STREAM="stdout")


def test_the_services_log_goes_to_stdout_when_asked_and_nowhere_else(stage, receiver):
    argo = stage.argo()
    sender = stage.sender(receiver, argo, ALPINE_LOG_STREAM="stdout").start()
    signal = argo.write(1)[0]
    wait_for(lambda: f"Signal synced to Alpine: {signal['signal_id']}" in sender.out(), 15, sender.out)
    assert f"Signal synced from external provider: {signal['symbol']} {signal['action']}" in receiver.out()
    sender.stop()
    receiver.stop()
    assert sender.out().endswith("info Stopped\n") and receiver.out().endswith("info Stopped\n")
    assert sender.all_logs() == receiver.all_logs() == ""


def test_what_stops_a_service_from_starting_goes_there_too(stage):
    done = stage.receiver_command("serve", ALPINE_LOG_STREAM="stdout")
    assert done.code == 78 and "DATABASE_URL" in done.out and done.err == "", done


def test_results_never_meet_the_log(stage):
    """`send` logs each signal, and prints a result."""
    argo, receiver = stage.argo(), stage.receiver()
    signal = argo.maker.signal()
    sender = stage.sender(receiver, argo, ALPINE_LOG_STREAM="stdout")
    done = sender.command("send", "--json", text=json.dumps(signal) + "\n")
    assert done.code == 0 and json.loads(done.out)["delivered"] == 1, done
    assert f"Signal synced to Alpine: {signal['signal_id']}" in done.err


def test_a_service_logs_to_stderr_otherwise(stage):
    receiver = stage.receiver()
    assert "Alpine receiver listening" in receiver.log() and receiver.out() == ""
