"""Batches travel compressed once the receiver has offered to take them so."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.answers import assert_error, assert_stored
from support.argo import pairs
from support.fake_receiver import right_answer
from support.http import JSON, NDJSON
from support.locked import Locked
from support.receiver import PREFIX
from support.waiting import wait_for

pytestmark = pytest.mark.under_tsan


def compress(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, capture_output=True, check=True).stdout


def lines(signals):
    return "".join(json.dumps(signal) + "\n" for signal in signals).encode()


def post(receiver, body, path="batch", content_type=NDJSON, coding="zstd", **options):
    return receiver.call("POST", f"{PREFIX}/{path}", body, content_type=content_type, Content_Encoding=coding, **options)


def test_a_compressed_batch_is_stored(stage, maker):
    receiver, signals = stage.receiver(), maker.signals(100)
    answer = post(receiver, compress(lines(signals)))
    assert answer.status == 200 and answer.json["stored"] == 100
    assert answer.headers["Accept-Encoding"] == "zstd"
    assert receiver.database.stored() == pairs(signals)


def test_a_compressed_array_and_a_compressed_single_signal_too(stage, maker):
    receiver, signals = stage.receiver(), maker.signals(3)
    array = compress(json.dumps(signals[:2]).encode())
    assert post(receiver, array, content_type=JSON, coding="ZSTD").json["stored"] == 2
    single = compress(json.dumps(signals[2]).encode())
    assert_stored(post(receiver, single, "signal", JSON), signals[2])


def test_several_frames_one_after_another_are_one_body(stage, maker):
    receiver, signals = stage.receiver(), maker.signals(20)
    body = compress(lines(signals[:7])) + compress(lines(signals[7:]))
    assert post(receiver, body).json["stored"] == 20


@pytest.mark.parametrize("path", ["signal", "batch"])
def test_every_post_is_told_what_may_come(stage, maker, path):
    receiver = stage.receiver()
    answers = [receiver.post(maker.signal()) if path == "signal" else receiver.batch([maker.signal()]),
               receiver.call("POST", f"{PREFIX}/{path}", b"{", content_type=JSON)]
    assert {answer.headers.get("Accept-Encoding") for answer in answers} == {"zstd"}


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd, zstd", "deflate", "x"])
def test_another_coding_is_415_and_told_which_one_may_come(stage, maker, coding):
    receiver = stage.receiver()
    answer = post(receiver, lines([maker.signal()]), coding=coding)
    assert_error(answer, 415, "unsupported_media_type")
    assert answer.headers["Accept-Encoding"] == "zstd"


def test_identity_is_no_coding(stage, maker):
    assert post(stage.receiver(), lines([maker.signal()]), coding="identity").json["stored"] == 1


def test_the_limit_is_that_of_the_expanded_bytes(stage, maker):
    receiver = stage.receiver(ALPINE_BATCH_BYTES_MAX=20000)
    made = maker.signal()
    body = lines([made])
    padded = body + b" " * (20000 - len(body))
    assert post(receiver, compress(padded)).json["stored"] == 1
    assert_error(post(receiver, compress(padded + b" ")), 413, "too_large")
    assert_error(post(receiver, compress(b" " * 50_000_000)), 413, "too_large")


@pytest.mark.slow
@pytest.mark.parametrize("levels", [[], ["--no-content-size"], ["-19", "--long=27"]], ids=["plain", "unsized", "long"])
def test_a_bomb_costs_no_more_than_its_limit(stage, levels):
    """Two gigabytes in 200 KB; the larger window is refused before memory is asked for it."""
    receiver = stage.receiver()
    bomb = subprocess.run(f"head -c 2000000000 /dev/zero | zstd -q -c {' '.join(levels)}", shell=True,
                          capture_output=True, check=True).stdout
    answer = post(receiver, bomb)
    assert answer.status == (400 if "--long=27" in levels else 413), answer
    if "release" in receiver.program.parts:
        assert receiver.memory() < 64 * 1024
    assert receiver.ready()


def damaged():
    body = compress(b'{"signal_id": "x"}\n' * 100)
    yield "nothing", b""
    yield "no zstd", b"{}"
    yield "half", body[:len(body) // 2]
    yield "all but a byte", body[:-1]
    yield "something behind", body + b"x"
    yield "a byte changed", body[:20] + bytes([body[20] ^ 0x55]) + body[21:]


@pytest.mark.parametrize("body", [pytest.param(body, id=name) for name, body in damaged()])
def test_what_is_damaged_is_400_or_its_lines_are(stage, body):
    """A byte that was changed may still expand to something, and then that is looked at."""
    receiver = stage.receiver()
    answer = post(receiver, body)
    assert answer.status == 400 or (answer.status == 200 and answer.json["stored"] == 0), answer
    assert receiver.database.count() == 0 and receiver.ready()


def test_a_compressed_body_that_nothing_calls_so_is_415_without_an_offer(stage, maker):
    """Something on the way forgets headers; its lines must not be taken for signals."""
    receiver = stage.receiver()
    for signals in ([maker.signal()], maker.signals(50)):
        answer = receiver.call("POST", f"{PREFIX}/batch", compress(lines(signals)), content_type=NDJSON)
        assert_error(answer, 415, "unsupported_media_type")
        assert "Accept-Encoding" not in answer.headers


@pytest.mark.slow
def test_what_is_expanded_counts_as_what_is_received(stage, maker):
    """Forty bodies of 1 KB that hold 8 MB each, while nothing can be stored."""
    receiver = stage.receiver(ALPINE_REQUEST_TIMEOUT=240)
    body = compress(lines([maker.signal(reasoning="a" * 60000)] * 130))
    with ThreadPoolExecutor(40) as pool, Locked(receiver.database):  # the lock ends first: what waits is stored
        posts = [pool.submit(post, receiver, body, limit=240) for _ in range(40)]
        wait_for(lambda: sum(each.done() for each in posts) >= 25, 90, "most of them to be refused")
        early = [each.result().status for each in posts if each.done()]
        assert set(early) == {503}
        if "release" in receiver.program.parts:
            assert receiver.memory() < 200 * 1024
    assert {each.result().status for each in posts} <= {200, 503}
    receiver.wait_ready()


# --- the sender ---

def sizes(stage, argo, **settings):
    """Bytes that a sync sends, over a proxy that counts them."""
    receiver = stage.receiver()
    proxy = stage.proxy(receiver)
    sender = stage.sender(proxy, argo, f"sender-{len(settings)}", **settings)
    sender.sync()
    assert receiver.database.count() == 3000
    return proxy.request_bytes


def test_a_thousand_signals_take_a_quarter_of_the_bytes(stage):
    """The first answer brings the offer, so the first batches of a sync are plain."""
    argo = stage.argo(wide=True)
    argo.write(3000)
    plain = sizes(stage, argo, ALPINE_COMPRESSION="false", ALPINE_IN_FLIGHT_MAX=1)
    packed = sizes(stage, argo, ALPINE_IN_FLIGHT_MAX=1)
    first = plain / 3
    assert packed - first < (plain - first) / 4


def test_a_receiver_that_offers_nothing_gets_plain_batches(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(2500)
    stage.sender(far_end, argo).sync()
    assert pairs(far_end.accepted) == pairs(made)


def test_an_offer_that_is_taken_back_costs_nothing(stage):
    """Another receiver took the place of the one that offered it: 415, and then they travel plain."""
    offer = [True]

    def answer(request):
        if "Content-Encoding" in request.headers:
            offer.clear()
            return 415, {"status": "error", "code": "unsupported_media_type", "detail": "what is this?"}
        return *right_answer(request), {"Accept-Encoding": "gzip, zstd;q=0.5"} if offer else {}

    far_end, argo = stage.fake_receiver(otherwise=answer), stage.argo()
    made = argo.write(3000)
    sender = stage.sender(far_end, argo, ALPINE_RETRY_FIRST=0.1, ALPINE_IN_FLIGHT_MAX=1).start_service()
    sender.settled(delivered=3000)
    assert not offer, "a compressed batch was tried"
    assert pairs(far_end.accepted) == pairs(made)


@pytest.mark.parametrize("offered", ["gzip", "zstd;q=0", "zstdx", "", "identity, *"])
def test_what_is_no_offer_is_none(stage, offered):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.otherwise = lambda request: (*right_answer(request), {"Accept-Encoding": offered})
    argo.write(3000)
    stage.sender(far_end, argo, ALPINE_IN_FLIGHT_MAX=1).sync()
    assert not any("Content-Encoding" in request.headers for request in far_end.posts)


def junk(request):
    """What a receiver says that reads compressed bytes as lines: by chance as many as there are signals."""
    if "Content-Encoding" not in request.headers:
        return *right_answer(request), {"Accept-Encoding": "zstd"}
    refused = {"status": "rejected", "code": "malformed", "detail": "not valid JSON"}
    return 200, {"results": [refused] * 1000, "stored": 0, "duplicates": 0, "rejected": 1000}, {
        "Accept-Encoding": "zstd"}


def malformed(request):
    """What a receiver says behind something that expands the body and leaves the header."""
    if "Content-Encoding" not in request.headers:
        return *right_answer(request), {"Accept-Encoding": "zstd"}
    return 400, {"status": "error", "code": "malformed", "detail": "not zstd"}, {"Accept-Encoding": "zstd"}


@pytest.mark.parametrize("answer", [junk, malformed])
def test_a_compressed_batch_that_is_not_understood_costs_no_signal(stage, answer):
    far_end, argo = stage.fake_receiver(otherwise=answer), stage.argo()
    made = argo.write(5000)
    sender = stage.sender(far_end, argo, ALPINE_RETRY_FIRST=0.1, ALPINE_IN_FLIGHT_MAX=1).start_service()
    sender.settled(delivered=5000)
    assert pairs(far_end.accepted) == pairs(made)
    tried = [request for request in far_end.posts if "Content-Encoding" in request.headers]
    assert len(tried) == 1, "after the first one they travel plain"
    sender.wait_log("A compressed batch was not understood")
