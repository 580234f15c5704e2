"""docs/openapi.yaml against a receiver that runs: each documented status is produced, each answer as documented."""

import copy
import itertools
import json

import pytest

from support.argo import seal
from support.http import JSON, NDJSON, Answer, RawConnection, request
from support.locked import Locked
from support.openapi import OpenApi
from support.receiver import PREFIX
from support.waiting import wait_for

SIGNAL, BATCH = f"{PREFIX}/signal", f"{PREFIX}/batch"
OTHER = "/{other}"
TWO_HOSTS = "Host: a\r\nHost: b\r\n\r\n"


class Seen:
    """The answers so far, each with the operation that it belongs to."""

    def __init__(self, document):
        self.document = document
        self.produced = set()
        self.wrong = []

    def take(self, path, method, answer, expected=None):
        """Hold an answer against the document; the answer."""
        name = f"{method} {path} -> {answer}"
        if expected is not None and answer.status != expected:
            self.wrong.append(f"{name}: expected was {expected}")
        self.wrong += [f"{name}: {why}" for why in self.document.differences(path, method, answer)]
        self.produced.add((path, method, answer.status))
        return answer


@pytest.fixture(name="document")
def fixture_document():
    return OpenApi()


@pytest.fixture(name="seen")
def fixture_seen(document):
    return Seen(document)


def gets(document):
    """Every documented GET and HEAD but that of what is not there."""
    return [(path, method) for path, method in document.operations() if method in ("get", "head") and path != OTHER]


def read_raw(connection, method):
    """An answer to HEAD ends with its headers."""
    if method != "head":
        return connection.answer()
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.socket.recv(4096)
    first, *lines = data.split(b"\r\n\r\n")[0].decode().split("\r\n")
    return Answer(int(first.split()[1]), dict(line.split(": ", 1) for line in lines), b"")


def ask_raw(receiver, path, method, rest):
    with RawConnection(receiver.port) as connection:
        connection.send(f"{method.upper()} {path} HTTP/1.1\r\n{rest}")
        return read_raw(connection, method)


# --- what a receiver that is well answers ---

def ask_everything(seen, receiver):
    for path, method in gets(seen.document):
        seen.take(path, method, request(receiver.port, method.upper(), path), 200)
    for path, method in seen.document.operations():
        real = path.replace(OTHER, "/nothing/here")
        seen.take(path, method, ask_raw(receiver, real, method, TWO_HOSTS), 400)
    for path in seen.document.paths:
        if path == OTHER:
            for method in ("get", "post"):
                seen.take(path, method, request(receiver.port, method.upper(), "/nothing"), 404)
            continue
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            answer = request(receiver.port, method, path)
            for documented in [one for at, one in seen.document.operations() if at == path and one != "head"]:
                seen.take(path, documented, answer, 405)


def post_signals(seen, receiver, maker):
    def take(status, signal, query="", **options):
        return seen.take(SIGNAL, "post", receiver.post(signal, query, **options), status)
    stored, forged, wrong, large = maker.signals(4)
    take(200, stored, "?dry_run=true")
    take(201, stored)
    take(409, stored)
    take(422, maker.signal(signal_id=stored["signal_id"]))
    take(422, maker.signal(signal_id=stored["signal_id"]), "?dry_run=true")
    take(422, seal({**wrong, "action": "HOLD"}))
    take(422, wrong, "?dry_run=maybe")
    take(400, {**forged, "entry_price": forged["entry_price"] + 1})
    take(400, "{not json")
    take(400, b"\x28\xb5\x2f\xfd damaged", Content_Encoding="zstd")
    take(401, stored, key=None)
    take(401, stored, key="wrong")
    take(413, json.dumps({**large, "padding": "x" * 70_000}))
    take(415, stored, content_type="text/plain")
    take(415, stored, Content_Encoding="gzip")
    take(415, b"\x28\xb5\x2f\xfd\x00")


def post_batches(seen, receiver, maker):
    def take(status, signals, content_type=NDJSON, query="", **options):
        answer = receiver.batch(signals, content_type, **options) if not query else receiver.call(
            "POST", BATCH + query, "".join(json.dumps(one) + "\n" for one in signals), NDJSON)
        return seen.take(BATCH, "post", answer, status)
    known, good, forged, wrong, large = maker.signals(5)
    receiver.post(known)
    mixed = [known, good, {**forged, "entry_price": 1.5}, seal({**wrong, "symbol": ""}), "{",
             {**large, "padding": "x" * 70_000}, maker.signal(signal_id=known["signal_id"])]
    take(200, [maker.signal(), known], query="?dry_run=1")
    answer = take(200, mixed)
    assert [one["status"] for one in answer.json["results"]] == [
        "duplicate", "success", "rejected", "rejected", "rejected", "rejected", "conflict"]
    take(200, [])
    take(200, mixed[:3], JSON)
    take(400, "[1,", JSON)
    take(401, [good], key="wrong")
    take(413, [known] * 5001)
    take(413, "x" * (8 * 1024 * 1024 + 1))
    take(415, [good], "text/csv")
    take(422, [good], query="?dry_run=perhaps")


# --- what takes a receiver of its own ---

def be_slow(seen, receiver):
    for path in (SIGNAL, BATCH):
        with RawConnection(receiver.port) as connection:
            connection.send(receiver.head("POST", path, f"Content-Type: {JSON}", "Content-Length: 50") + "\r\n{")
            seen.take(path, "post", connection.answer(), 408)


def be_hasty(seen, receiver, maker):
    for path, body in ((SIGNAL, "{}"), (BATCH, "[]")):
        def too_many(path=path, body=body):
            answer = seen.take(path, "post", receiver.call("POST", path, body))
            return answer.status == 429
        wait_for(too_many, 10, "a limit of requests to be met")


def be_without_a_database(seen, receiver, postgres, maker):
    postgres.stop("immediate")
    receiver.wait_unready()
    ask_unavailable(seen, receiver, maker)
    for path, method in gets(seen.document):
        if (path, method, 503) in seen.document.responses():
            seen.take(path, method, request(receiver.port, method.upper(), path), 503)


def ask_unavailable(seen, receiver, maker):
    seen.take(SIGNAL, "post", receiver.post(maker.signal()), 503)
    seen.take(BATCH, "post", receiver.batch([maker.signal()]), 503)


def be_stopping(seen, receiver, maker):
    """A request that waits for a lock keeps it from ending meanwhile."""
    held = maker.signal()
    with Locked(receiver.database) as lock, RawConnection(receiver.port) as waiting, \
            RawConnection(receiver.port) as other, RawConnection(receiver.port) as health:
        for connection in (other, health):  # open before the stop: nobody is let in later
            connection.send(receiver.head("GET", "/livez") + "\r\n")
            assert connection.answer().status == 200
        body = json.dumps(held)
        head = receiver.head("POST", SIGNAL, f"Content-Type: {JSON}", f"Content-Length: {len(body)}")
        waiting.send(f"{head}\r\n{body}")
        lock.wait_waiting()
        receiver.signal(15)
        receiver.wait_log("Stopping: ")
        health.send(receiver.head("GET", "/readyz") + "\r\n")
        assert seen.take("/readyz", "get", health.answer(), 503).json["status"] == "draining"
        other.send(receiver.head("POST", SIGNAL, f"Content-Type: {JSON}", "Content-Length: 2") + "\r\n{}")
        seen.take(SIGNAL, "post", other.answer(), 503)
    assert receiver.wait() == 0


@pytest.mark.slow
def test_every_documented_status_is_answered_and_every_answer_is_as_documented(own_stage, own_postgres, maker, document,
                                                                              seen):
    database = own_stage.database()
    receiver = own_stage.receiver(database, ALPINE_BODY_TIMEOUT=1)
    stopping = own_stage.receiver(database, name="stopping")
    hasty = own_stage.receiver(database, name="hasty", ALPINE_RATE_LIMIT=1)
    ask_everything(seen, receiver)
    post_signals(seen, receiver, maker)
    post_batches(seen, receiver, maker)
    be_slow(seen, receiver)
    be_hasty(seen, hasty, maker)
    be_stopping(seen, stopping, maker)
    be_without_a_database(seen, receiver, own_postgres, maker)
    missing = set(document.responses()) - seen.produced
    assert not seen.wrong, "\n".join(seen.wrong)
    assert not missing, f"documented, and never answered: {sorted(missing)}"


def test_the_examples_of_requests_are_taken(api, document, seen):
    for path, method in document.operations():
        for content_type, value in document.request_examples(path, method):
            answer = seen.take(path, method, api.call(method.upper(), path, json.dumps(value), content_type))
            assert answer.status in (200, 201, 409), answer
            assert answer.json.get("rejected", 0) == 0
    assert len(seen.produced) == 2 and not seen.wrong, seen.wrong


def test_what_the_schema_of_a_signal_refuses_the_receiver_refuses_too(api, maker, document):
    """And the other way round, as far as JSON Schema can say it."""
    schema = {"$ref": "#/components/schemas/Signal"}
    values = [None, "", "x", 0, 1, -1, 1.5, 101, True, [], {}, "2026-11-01T00:00:00", "0" * 64, "x" * 129, 2**31]
    for name, value in itertools.product(document.document["components"]["schemas"]["Signal"]["properties"], values):
        signal = copy.deepcopy(maker.signal())
        signal[name] = value
        answer = api.post(seal(signal) if name not in ("sha256", "verification_hash") else signal, "?dry_run=1")
        fits = not document.invalid(schema, signal)
        mismatch = answer.status == 400 and answer.json["code"] == "hash_mismatch"
        taken = answer.status == 200 or (mismatch and isinstance(value, str) and len(value) == 64)
        narrower = name == "symbol" and isinstance(value, str)  # its length counts once it is trimmed
        assert taken == fits or narrower, f"{name}={value!r}: {answer}; {document.invalid(schema, signal)}"


def test_a_difference_is_seen(document):
    """The test of the test."""
    good = Answer(200, {"Content-Type": JSON, "X-Request-Id": "a"}, b'{"status": "alive"}')
    assert document.differences("/livez", "get", good) == []
    headers = {"Content-Type": JSON, "X-Request-Id": "a"}
    for answer in (Answer(201, headers, good.body), Answer(200, {"Content-Type": JSON}, good.body),
                   Answer(200, {**headers, "Server": "x"}, good.body), Answer(200, headers, b'{"status": "dead"}'),
                   Answer(200, headers, b'{"status": "alive", "more": 1}'),
                   Answer(200, {**headers, "Content-Type": "text/html"}, good.body),
                   Answer(200, {**headers, "X-Request-Id": "a b"}, good.body)):
        assert document.differences("/livez", "get", answer), answer
