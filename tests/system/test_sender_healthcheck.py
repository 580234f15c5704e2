"""`alpine-sender healthcheck`: what a container's engine asks."""

from types import SimpleNamespace

import pytest

from support.argo import Maker
from support.ports import take_port
from support.waiting import wait_for

OLD = "2026-01-02T03:04:05+00:00"


def verdict(sender):
    done = sender.command("healthcheck")
    assert done.code in (0, 1) and done.err == "", done
    return done.code, done.out.strip()


def test_a_sender_that_keeps_up_is_healthy(stage):
    argo, far_end = stage.argo(), stage.fake_receiver()
    sender = stage.sender(far_end, argo).start_service()
    argo.write(3, timestamp=OLD)
    sender.settled(delivered=3)
    assert verdict(sender) == (0, "healthy")


def test_no_sender_is_not_healthy(stage):
    sender = stage.sender(stage.fake_receiver(), stage.argo())
    code, said = verdict(sender)
    assert code == 1 and said.startswith("unhealthy: no sender runs on "), said


@pytest.fixture
def cut_off(stage):
    """A sender whose far end is not there."""
    port = take_port()
    yield stage.sender(SimpleNamespace(url=f"http://127.0.0.1:{port.number}"), stage.argo()).start_service()
    port.release()


def test_what_waits_for_a_moment_is_no_reason_to_restart_anything(stage, cut_off):
    stage.argo().emit([Maker(7, live=True).signal()])
    wait_for(lambda: cut_off.status()["pending"] == 1, 10, "a signal to wait")
    assert verdict(cut_off) == (0, "healthy")


def test_what_waits_for_too_long_is(stage, cut_off):
    stage.argo().write(2, timestamp=OLD)
    wait_for(lambda: verdict(cut_off)[0] == 1, 10, "the sender to be unhealthy")
    assert "2 signals wait, the oldest for " in verdict(cut_off)[1]


def test_a_source_that_cannot_be_read_is_not_healthy(stage):
    argo = stage.argo()
    sender = stage.sender(stage.fake_receiver(), argo).start_service()
    argo.remove()
    argo.database.write_bytes(b"this is no database at all" * 100)
    code, said = verdict(sender)
    assert code == 1 and said.endswith("cannot be read"), said
