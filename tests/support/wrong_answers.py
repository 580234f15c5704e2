"""Answers to a POST that are no receiver's word that the signals are stored. One row adds one.

An answer is what FakeReceiver takes: (status, body[, headers]), a function of the request that gives one, or what
Handler.raw() sends. ELSEWHERE in a Location stands for a server that would take everything."""

import gzip
import itertools
import json
import random

from .fake_receiver import right_answer
from .receiver import PREFIX
from .server import RESET

HTML = "<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>"
ERROR = {"status": "error", "code": "something", "detail": "somebody else says so"}
HTML_TYPE = {"Content-Type": "text/html"}
MEGABYTE = 1 << 20
GIGABYTE = 1 << 30
FILL = b"x" * 65536
STATUSES = (401, 402, 403, 404, 405, 406, 407, 408, 410, 411, 412, 414, 415, 416, 417, 418, 421, 423, 424, 425, 426,
            428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 599, 600, 999)


# --- how to make one out of the right answer ---

def right_text(request):
    return json.dumps(right_answer(request)[1])


def to_a_batch_alone(answer):
    """This answer to a batch; for a single signal 503."""
    def answer_batch(request):
        if not request.path.startswith(f"{PREFIX}/batch"):
            return 503, ERROR
        return answer(request) if callable(answer) else answer
    return answer_batch


def edited(change):
    """The right answer with its text changed."""
    return lambda request: (right_answer(request)[0], change(right_text(request)))


def each(change):
    """The right answer with every signal's result changed; `change` gets the object and gives another."""
    def answer(request):
        status, content = right_answer(request)
        if "results" in content:
            return status, {**content, "results": [change(dict(result)) for result in content["results"]]}
        return status, change(dict(content))
    return answer


def having(**changes):
    return each(lambda result: {**result, **changes})


def with_id(change):
    return each(lambda result: {**result, "external_signal_id": change(result["external_signal_id"])})


def without(*names):
    return each(lambda result: {name: value for name, value in result.items() if name not in names})


def with_status(status, headers=None):
    """The right body under another status."""
    return lambda request: (status, right_text(request), headers or {})


def results(change):
    """The right answer to a batch with its list of results changed; for a single signal 503."""
    def answer(request):
        status, content = right_answer(request)
        if "results" not in content:
            return 503, ERROR
        return status, {**content, "results": change(content["results"])}
    return answer


# --- how to make one out of bytes ---

def head(*lines, status="HTTP/1.1 200 OK"):
    return "".join(line + "\r\n" for line in (status, *lines)).encode() + b"\r\n"


def raw(*parts):
    """These parts. A function among them gets the right answer's text and gives bytes; iterators are made by
    functions without arguments, so that each request gets one of its own."""
    def answer(request):
        text = right_text(request).encode()
        for part in parts:
            if part is RESET or isinstance(part, (bytes, float)):
                yield part
            else:
                made = part(text)
                yield from [made] if isinstance(made, bytes) else made
    return answer


def sized(text):
    """The right answer as it should be."""
    return head(f"Content-Length: {len(text)}", "Content-Type: application/json") + text


def endless(part):
    return lambda _: itertools.repeat(part)


def gigabyte(_):
    return itertools.repeat(FILL, GIGABYTE // len(FILL))


def dripping(text):
    """A byte a second."""
    for byte in sized(text):
        yield bytes([byte])
        yield 1.0


def deep(levels):
    return edited(lambda text: text[:-1] + ', "x": ' + "[" * levels + "]" * levels + "}")


NOISE = random.Random(4).randbytes(4000)
CHUNKED = head("Transfer-Encoding: chunked", "Content-Type: application/json")


# --- the tables ---

# To a single signal and to a batch alike.
TO_ALL = {
    # a success without the body that it should have
    "200, empty": (200, ""),
    "201, empty": (201, ""),
    "409, empty": (409, ""),
    "200, a page": (200, HTML, HTML_TYPE),
    "201, a page": (201, HTML, HTML_TYPE),
    "409, a page": (409, HTML, HTML_TYPE),
    "200, a page that says it is JSON": (200, HTML),
    "200, OK": (200, "OK"),
    "200, null": (200, "null"),
    "200, true": (200, "true"),
    "200, a number": (200, "1"),
    "200, a text": (200, '"success"'),
    "200, an empty list": (200, "[]"),
    "200, an empty object": (200, "{}"),
    "201, status alone": (201, {"status": "success"}),
    "200, status alone": (200, {"status": "success"}),
    "409, status alone": (409, {"status": "duplicate"}),
    "200, healthy": (200, {"status": "healthy", "service": "another"}),
    "200, an error": (200, ERROR),
    "201, an error": (201, ERROR),
    "409, an error": (409, ERROR),
    # about another signal, or about none
    "another signal's id": having(external_signal_id="another"),
    "the id in capitals": with_id(str.upper),
    "the id cut short": with_id(lambda right: right[:-1]),
    "an id that is longer": with_id(lambda right: right + "0"),
    "an id that ends in NUL": with_id(lambda right: right + "\0"),
    "the id is null": having(external_signal_id=None),
    "the id is empty": having(external_signal_id=""),
    "the id is a number": having(external_signal_id=1),
    "the id is a list": with_id(lambda right: [right]),
    "no id at all": without("external_signal_id", "signal_id", "alpine_signal_id"),
    # a status that is none
    "no status": without("status"),
    "status is null": having(status=None),
    "status is true": having(status=True),
    "status is a number": having(status=201),
    "status is a list": having(status=["success"]),
    "status is an object": having(status={"success": True}),
    "status in capitals": having(status="SUCCESS"),
    "status with a blank": having(status="success "),
    "status with NUL": having(status="success\0"),
    "status pending": having(status="pending"),
    "status valid, as for a dry run": having(status="valid"),
    "status error": having(status="error"),
    "refused, but another signal": having(status="rejected", code="invalid_field", external_signal_id="another"),
    "a conflict, but another signal": having(status="conflict", external_signal_id="another"),
    # no JSON
    "cut after one byte": edited(lambda text: text[:1]),
    "cut in the middle": edited(lambda text: text[:len(text) // 2]),
    "cut before the last byte": edited(lambda text: text[:-1]),
    "cut in an id": edited(lambda text: text[:text.index("external_signal_id") + 24]),
    "something behind it": edited(lambda text: text + "x"),
    "twice": edited(lambda text: text + text),
    "a NUL behind it": edited(lambda text: text + "\0"),
    "a byte-order mark": edited(lambda text: "\ufeff" + text),
    "single quotes": edited(lambda text: text.replace('"', "'")),
    "a comment in it": edited(lambda text: "/* stored */" + text),
    "a comma too many": edited(lambda text: text[:-1] + ",}"),
    "duplicate keys": edited(lambda text: text[:-1] + ', "status": "success", "status": "success"}'),
    "deep lists": deep(100_000),
    "deep objects": edited(lambda text: text[:-1] + ', "x": ' + '{"x":' * 50_000 + "1" + "}" * 50_001),
    "deep lists without an end": edited(lambda text: "[" * MEGABYTE),
    "a number too large": edited(lambda text: text[:-1] + ', "x": 1e999}'),
    "a whole number too large": edited(lambda text: text[:-1] + ', "x": ' + "9" * 400 + "}"),
    "a very long number": edited(lambda text: text[:-1] + ', "x": ' + "9" * MEGABYTE + "}"),
    "NaN": edited(lambda text: text[:-1] + ', "x": NaN}'),
    "invalid UTF-8": lambda request: (200, right_text(request)[:-1].encode() + b', "x": "\xff\xc0\x80"}'),
    "a lone surrogate": edited(lambda text: text[:-1] + ', "x": "\\ud800"}'),
    "UTF-16": lambda request: (200, right_text(request).encode("utf-16")),
    "compressed": lambda request: (200, gzip.compress(right_text(request).encode()), {"Content-Encoding": "gzip"}),
    "compressed, but silent about it": lambda request: (200, gzip.compress(right_text(request).encode())),
    # another success
    "202": with_status(202),
    "203": with_status(203),
    "204": raw(head(status="HTTP/1.1 204 No Content")),
    "204 with a body": with_status(204),
    "205": raw(head("Content-Length: 0", status="HTTP/1.1 205 Reset Content")),
    "206": with_status(206, {"Content-Range": "bytes 0-1/2"}),
    "207": with_status(207),
    "226": with_status(226),
    "299": with_status(299),
    # 1xx
    "100 and then nothing": raw(head(status="HTTP/1.1 100 Continue")),
    "100 ten thousand times": raw(head(status="HTTP/1.1 100 Continue") * 10_000),
    "100 ten thousand times, then an empty 200": raw(head(status="HTTP/1.1 100 Continue") * 10_000,
                                                     head("Content-Length: 0")),
    "101": raw(head("Upgrade: websocket", "Connection: Upgrade", status="HTTP/1.1 101 Switching Protocols"), NOISE),
    "102 ten thousand times": raw(head(status="HTTP/1.1 102 Processing") * 10_000),
    "103 ten thousand times": raw(head("Link: </x>; rel=preload", status="HTTP/1.1 103 Early Hints") * 10_000),
    "100 without an end": raw(endless(head(status="HTTP/1.1 100 Continue") * 100)),
    # elsewhere
    **{f"{status} to elsewhere": with_status(status, {"Location": "ELSEWHERE"})
       for status in (300, 301, 302, 303, 304, 305, 307, 308)},
    "302 to nowhere": (302, ""),
    "301 to itself": (301, "", {"Location": "/api/v1/external-signals/sync/signal"}),
    "307 to a file": (307, "", {"Location": "file:///etc/hostname"}),
    "200 that refreshes to elsewhere": (200, HTML, {"Refresh": "0; url=ELSEWHERE", **HTML_TYPE}),
    # too much
    "a gigabyte in chunks": raw(CHUNKED, lambda _: itertools.chain(
        itertools.repeat(b"10000\r\n" + FILL + b"\r\n", GIGABYTE // len(FILL)), [b"0\r\n\r\n"])),
    "a gigabyte that is announced": raw(head(f"Content-Length: {GIGABYTE}"), gigabyte),
    "a gigabyte of blanks before it": raw(head(f"Content-Length: {GIGABYTE}"), endless(b" " * 65536)),
    "a gigabyte that ends with the connection": raw(head("Connection: close"), gigabyte),
    "a body without an end": raw(CHUNKED, endless(b"1\r\n \r\n" * 10_000)),
    "a header of a megabyte": raw(head("X: " + "x" * MEGABYTE, "Content-Length: 0")),
    "a hundred thousand headers": raw(head(*["X: x"] * 100_000, "Content-Length: 0")),
    "headers without an end": raw(b"HTTP/1.1 200 OK\r\n", endless(b"X: x\r\n" * 10_000)),
    "a header without an end": raw(b"HTTP/1.1 200 OK\r\nX: ", endless(FILL)),
    "a status line without an end": raw(b"HTTP/1.1 200 ", endless(FILL)),
    # a length that is none
    "less than announced": raw(lambda text: head(f"Content-Length: {len(text) + 10}") + text),
    "more than announced": raw(lambda text: head(f"Content-Length: {len(text) - 10}") + text),
    "a whole body where none was announced": raw(lambda text: head("Content-Length: 0") + text),
    "far less than announced": raw(head(f"Content-Length: {10 ** 18}"), b"{"),
    "a length that no number holds": raw(lambda text: head(f"Content-Length: {10 ** 30}") + text[:-1]),
    "a negative length": raw(lambda text: head("Content-Length: -1") + text),
    "a length that is a word": raw(lambda text: head("Content-Length: all") + text[:-1]),
    "two lengths": raw(lambda text: head(f"Content-Length: {len(text) - 1}", f"Content-Length: {len(text)}")
                       + text[:-1]),
    "a chunk that is no number": raw(CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is too large": raw(CHUNKED, b"fffffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    "a negative chunk": raw(CHUNKED, b"-5\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is longer than it says": raw(CHUNKED, lambda text: b"2\r\n" + text + b"\r\n0\r\n\r\n"),
    "chunks without the last one": raw(CHUNKED, lambda text: f"{len(text):x}\r\n".encode() + text + b"\r\n"),
    "HTTP/1.0, cut": raw(lambda text: head(status="HTTP/1.0 200 OK") + text[:-1]),
    "HTTP/1.0, a page": raw(head(status="HTTP/1.0 200 OK") + HTML.encode()),
    # no HTTP
    "HTTP/0.9": raw(lambda text: text),
    "HTTP/2": raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    "HTTP/2 frames": raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x04\x00\x01\x00\x00"),
    "HTTP/9.9": raw(head("Content-Length: 0", status="HTTP/9.9 200 OK")),
    "noise": raw(NOISE),
    "noise in the header": raw(b"HTTP/1.1 200 OK\r\n" + NOISE + b"\r\n\r\n"),
    "noise as the body": raw(head(f"Content-Length: {len(NOISE)}") + NOISE),
    "noise without an end": raw(endless(NOISE)),
    "a NUL in the header": raw(b"HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 0\r\n\r\n"),
    "a header without a colon": raw(b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n"),
    "TLS": raw(b"\x15\x03\x01\x00\x02\x02\x28"),
    "SSH": raw(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    "SMTP": raw(b"220 mail ESMTP\r\n500 Command unrecognized\r\n"),
    "its own request": lambda request: [f"{request.method} {request.path} HTTP/1.1\r\n\r\n".encode() + request.body],
    "a status of two digits": raw(lambda text: head(f"Content-Length: {len(text) - 1}", status="HTTP/1.1 20 OK")
                                  + text[:-1]),
    "status 000": raw(head("Content-Length: 0", status="HTTP/1.1 000 OK")),
    "a status that is a word": raw(head("Content-Length: 0", status="HTTP/1.1 OK 200")),
    "a negative status": raw(head("Content-Length: 0", status="HTTP/1.1 -200 OK")),
    # silence, and ends
    "closed at once": raw(b""),
    "reset at once": raw(RESET),
    "closed in the status line": raw(b"HTTP/1.1 2"),
    "closed after the status line": raw(b"HTTP/1.1 200 OK\r\n"),
    "closed after the header": raw(lambda text: head(f"Content-Length: {len(text)}")),
    "reset after the header": raw(lambda text: head(f"Content-Length: {len(text)}"), 0.02, RESET),
    "reset in the body": raw(lambda text: sized(text)[:-5], 0.02, RESET),
    "silence": raw(3600.0),
    "silence after the header": raw(lambda text: head(f"Content-Length: {len(text)}"), 3600.0),
    "silence before the last byte": raw(lambda text: sized(text)[:-1], 3600.0),
    "a byte a second": raw(dripping),
    # any other status, whatever else it says
    **{f"{status} with an error": (status, ERROR) for status in STATUSES},
    **{f"{status} with a page": (status, HTML, HTML_TYPE) for status in STATUSES},
    **{f"{status} that claims success": with_status(status) for status in STATUSES},
    # a refusal that gives no reason is not the receiver's
    "400 with a page": (400, HTML, HTML_TYPE),
    "422 with a page": (422, HTML, HTML_TYPE),
    "400, empty": (400, ""),
    "422, empty": (422, ""),
    "400, an empty object": (400, "{}"),
    "422, an empty object": (422, "{}"),
    "400, cut": (400, json.dumps(ERROR)[:-1]),
    "422, a list": (422, json.dumps([ERROR])),
    "400 that claims success": with_status(400),
    "422 that claims success": with_status(422),
}

TO_A_SINGLE_SIGNAL = {
    "the answer to a batch": lambda request: (200, {"results": [right_answer(request)[1]], "stored": 1,
                                                    "duplicates": 0, "rejected": 0}),
    "a list with the answer": lambda request: (201, [right_answer(request)[1]]),
    "the row's number is a fraction": (201, {"status": "success", "signal_id": 1.5}),
    "the row's number is true": (201, {"status": "success", "signal_id": True}),
    "the row's number is null": (201, {"status": "success", "signal_id": None}),
    "the row's number is a word": (201, {"status": "success", "signal_id": "another"}),
    "the row's number is huge": (201, '{"status": "success", "signal_id": ' + "9" * 400 + "}"),
}

_TO_A_BATCH = {
    "the answer to a single signal": lambda request: (200, {"status": "success", "signal_id": 1,
                                                            "external_signal_id": request.signals[0]["signal_id"]}),
    "no results": results(lambda _: []),
    "a result too few": results(lambda right: right[:-1]),
    "a result too many": results(lambda right: right + right[-1:]),
    "another order": results(lambda right: right[1:] + right[:1]),
    "results are null": results(lambda _: None),
    "results are a text": results(lambda _: "success"),
    "results are a number": results(len),
    "results are an object": results(lambda right: {str(at): result for at, result in enumerate(right)}),
    "a list of lists": results(lambda right: [[result] for result in right]),
    "a list of texts": results(lambda right: ["success"] * len(right)),
    "a list of numbers": results(lambda right: list(range(len(right)))),
    "a list of nulls": results(lambda right: [None] * len(right)),
    "a list of empty objects": results(lambda right: [{}] * len(right)),
    "a list and no object around it": lambda request: (200, right_answer(request)[1].get("results", [])),
    "results twice": edited(lambda text: text[:-1] + ', "results": []}'),
    "all of them unavailable": having(status="rejected", code="unavailable"),
    "all of them refused for too many requests": having(status="rejected", code="rate_limited"),
    "a batch's right answer under 201": with_status(201),
    "a batch's right answer under 409": with_status(409),
}
# A sender that met one of these twice asks for single signals, to which some would be the right answer.
TO_A_BATCH = {name: to_a_batch_alone(answer) for name, answer in _TO_A_BATCH.items()}
