"""The log: one id from the sender's line to the receiver's; lines that others cause are limited, and each is counted;
whatever a signal contains, one event is one line."""

import json
import re

import pytest

from support.answers import assert_error
from support.argo import seal
from support.fake_receiver import right_answer
from support.http import RawConnection
from support.process import run_program
from support.receiver import KEY, PREFIX
from support.waiting import wait_for

pytestmark = pytest.mark.under_tsan

REQUEST_ID = re.compile(r" request_id=([0-9a-f]{16})\b")
BURST = 20
MISMATCH = "Hash verification failed for signal "


def lines(program, *phrases):
    """The lines of its log that have all of these phrases."""
    return [line for line in program.log().splitlines() if all(phrase in line for phrase in phrases)]


def request_id(line):
    found = REQUEST_ID.findall(line)
    assert len(found) == 1, line
    return found[0]


# --- request ids ---

def test_one_id_leads_from_the_senders_line_to_the_receivers_and_back(stage):
    receiver, argo = stage.receiver(), stage.argo()
    proxy = stage.proxy(receiver)
    sender = stage.sender(proxy, argo, ALPINE_LOG_LEVEL="debug").start_service()
    [signal] = argo.write(1)
    sender.wait_log(f"Signal synced to Alpine: {signal['signal_id']} ")
    [sent] = lines(sender, "Signal synced to Alpine: ", signal["signal_id"])
    [stored] = lines(receiver, "Signal synced from external provider: ", signal["signal_id"])
    assert request_id(sent) == request_id(stored)
    assert request_id(sent) in [request_id(line) for line in lines(sender, "Request: POST")]
    assert "An answer has the id of another request" not in sender.log(), "the answer has it too"


def test_the_answer_has_the_id_that_stands_in_the_log(stage, maker):
    receiver = stage.receiver()
    good, forged = maker.signals(2)
    forged["entry_price"] += 1
    assert receiver.post(good, X_Request_Id="try-1").header("X-Request-Id") == "try-1"
    assert receiver.post(forged, X_Request_Id="try-2").header("X-Request-Id") == "try-2"
    assert len(lines(receiver, good["signal_id"], "request_id=try-1")) == 1
    assert len(lines(receiver, MISMATCH + forged["signal_id"], "request_id=try-2")) == 1


def test_each_attempt_has_an_id_of_its_own(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.script.extend([(503, {"status": "error", "code": "unavailable", "detail": "later"})] * 3)
    sender = stage.sender(far_end, argo, ALPINE_LOG_LEVEL="debug", ALPINE_RETRY_FIRST=0.1).start_service()
    [signal] = argo.write(1)
    sender.wait_log(f"Signal synced to Alpine: {signal['signal_id']} ")
    ids = [request.headers["X-Request-Id"] for request in far_end.posts]
    assert len(ids) == len(set(ids)) == 4
    failed = lines(sender, "cannot take signals now") + lines(sender, "Another attempt failed")
    assert [request_id(line) for line in failed] == ids[:3]
    assert request_id(lines(sender, "Signal synced to Alpine: ")[0]) == ids[3]


def test_a_dead_letters_line_has_the_id_of_the_request_that_was_refused(stage, maker):
    receiver, argo = stage.receiver(), stage.argo()
    first = maker.signal()
    assert receiver.post(first).status == 201
    argo.commit([maker.signal(signal_id=first["signal_id"])])
    sender = stage.sender(receiver, argo)
    sender.start_service()
    sender.wait_log(f"Dead letter: signal {first['signal_id']}")
    [dead], [conflict] = lines(sender, "Dead letter: "), lines(receiver, "Conflict: ")
    [alarm] = lines(sender, "Alarm: ")
    assert request_id(dead) == request_id(conflict) == request_id(alarm)


def test_a_far_end_that_gives_the_key_back_does_not_bring_it_into_log_or_letters(stage):
    """What echoes requests, at a wrong address or on the way."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.otherwise = lambda request: (422, {"status": "error", "code": "no", "detail": str(dict(request.headers))})
    argo.write(1)
    sender = stage.sender(far_end, argo).start_service()
    sender.settled(delivered=0, dead=1)
    letters = sender.command("dead", "show", "1")
    assert "X-API-Key" in letters.out and "X-API-Key" in sender.log(), "the rest of it is shown"
    assert KEY not in letters.out + sender.log()


def test_an_answer_with_the_id_of_another_request_is_noted_and_believed(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.otherwise = lambda request: (*right_answer(request), {"X-Request-Id": "of-a-proxy"})
    sender = stage.sender(far_end, argo)
    argo.write(3)
    done = sender.sync()
    assert done.err.count("An answer has the id of another request") == 1
    assert "answered_id=of-a-proxy" in done.err
    assert sender.status()["delivered"] == 3


def test_an_older_receivers_answer_has_no_id_which_is_nothing_to_say(stage):
    far_end, argo = stage.older_receiver(), stage.argo()
    argo.write(3)
    done = stage.sender(far_end, argo).sync()
    assert "An answer has the id of another request" not in done.err
    assert done.err.count("Signal synced to Alpine: ") == 3


def test_a_request_that_is_refused_as_a_whole_has_a_line(stage, maker):
    receiver = stage.receiver(ALPINE_LOG_LEVEL="debug")
    assert_error(receiver.call("GET", "/nowhere", X_Request_Id="lost"), 404, "not_found")
    assert_error(receiver.post(maker.signal(), content_type="text/plain", X_Request_Id="plain"), 415,
                 "unsupported_media_type")
    assert_error(receiver.post(maker.signal(), key="wrong-key-1234567890", X_Request_Id="wrong"), 401, "unauthorized")
    assert lines(receiver, "Request refused: there is nothing here", "status=404", "request_id=lost")
    assert lines(receiver, "Request refused: Content-Type must be application/json", "request_id=plain")
    assert lines(receiver, "Request without a valid API key", "request_id=wrong")
    receiver.wait_log("request_id=wrong", times=2)  # the second is what an access log would say
    assert lines(receiver, f"debug Request: POST {PREFIX}/signal", "status=401", "request_id=wrong")
    assert "wrong-key" not in receiver.log()


# --- suppression ---

def suppressed(text, kind):
    """How many lines of this kind the log says that it suppressed."""
    told = re.findall(rf"The log suppressed (\d+) lines like this: {re.escape(kind)}.*suppressed=(\d+)", text)
    assert all(said == field for said, field in told), told
    return sum(int(said) for said, _ in told)


def written(text, phrase):
    return [line for line in text.splitlines() if f" {phrase}" in line]


def test_5000_bad_signals_are_a_few_lines_and_each_is_counted(stage, maker):
    receiver = stage.receiver()
    bad = [{**made, "sha256": "0" * 64} for made in maker.signals(5000)]
    answer = receiver.batch(bad)
    assert answer.json["rejected"] == 5000
    receiver.stop()
    text = receiver.all_logs()
    shown = written(text, f"warn {MISMATCH}")
    assert len(shown) + suppressed(text, MISMATCH) == 5000
    assert BURST <= len(shown) <= 4 * BURST, "one interval, or a few on a machine that is busy"
    assert [line.split(MISMATCH)[1].split()[0] for line in shown[:BURST]] == [made["signal_id"] for made in bad[:BURST]]


def test_wrong_keys_do_not_flood_the_log(stage):
    receiver = stage.receiver()
    for _ in range(300):
        assert receiver.call("POST", f"{PREFIX}/signal", "{}", key="attack").status == 401
    receiver.stop()
    text = receiver.all_logs()
    shown = written(text, "warn Request without a valid API key")
    assert len(shown) + suppressed(text, "Request without a valid API key") == 300 and len(shown) <= 4 * BURST


def test_stored_signals_are_never_suppressed_on_either_side(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(1000)
    done = stage.sender(receiver, argo).sync()
    for one in made:
        assert f"Signal synced to Alpine: {one['signal_id']} (" in done.err
    assert receiver.log().count("Signal synced from external provider: ") == 1000
    assert "suppressed" not in done.err + receiver.log()


@pytest.mark.slow
def test_the_number_is_told_when_nothing_else_is_said(stage):
    receiver = stage.receiver()
    for _ in range(BURST + 5):
        receiver.get("/nowhere")
    assert len(lines(receiver, "Request refused: ")) == BURST
    receiver.wait_log("The log suppressed 5 lines like this: Request refused: ... suppressed=5", 15)


@pytest.mark.slow
def test_the_sender_tells_it_when_nothing_else_is_said(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    argo.commit([{**made, "sha256": "0" * 64} for made in argo.maker.signals(BURST + 5)])
    sender = stage.sender(far_end, argo).start_service()
    sender.wait_log("The log suppressed 5 lines like this: Dead letter: signal ... was not delivered: ...", 20)
    assert len(lines(sender, "error Dead letter: ")) == BURST
    assert len(sender.dead()) == BURST + 5, "each letter is kept, whatever the log says"


def test_what_send_refuses_is_never_suppressed_for_it_keeps_no_letters(stage, maker):
    far_end = stage.fake_receiver()
    bad = [{**made, "sha256": "0" * 64} for made in maker.signals(100)]
    done = stage.sender(far_end).command("send", text="".join(json.dumps(made) + "\n" for made in bad))
    assert done.code == 3 and done.err.count("Refused: signal ") == 100


# --- one event, one line ---

LONG = "y" * 50_000
HOSTILE = {
    "controls": "".join(chr(code) for code in range(1, 32)) + "\x7f\x80\x85\x9b\x9f",
    "quotes and backslashes": "\"\\\" \\\\ ' `$(id)` \\u0041 \\",
    "newline and a forged line": "x\n2026-11-01T00:00:00.000Z info Signal synced to Alpine: forged (AAPL BUY)\r\n{}",
    "separators": "a\u2028b\u2029c\u0085d\x1ce",
    "terminal escapes": "\x1b[2J\x1b]0;owned\x07\x1b[31mred\u009b31m",
    "names of the line's own": '","level":"error","message":"forged","time":"',
    "beyond the plane": "📈 \U0010ffff 机",
    "long": LONG,
}
RAW = {
    "a lone high surrogate": rb'"\ud800"',
    "a lone low surrogate": rb'"\udc00\n"',
    "invalid utf-8": b'"\xff\xfe\xc3"',
    "an overlong slash": b'"\xc0\xaf"',
    "a surrogate in utf-8": b'"\xed\xa0\x80"',
    "an unescaped newline": b'"a\nb"',
    "an escaped nul": rb'"a\u0000b"',
    "a nul": b'"a\0b"',
}
HOSTILE_REQUESTS = [b"GET /%0a%1b[31m%22", "GET /\u00e9\x9b31m".encode(), b"GET /\xff\x1b[31m", b"GET /" + b"z" * 9000,
                    b"PO\x1b[31mST /livez"]
FIELDS = ("signal_id", "symbol", "action", "timestamp", "strategy", "reasoning", "sha256")


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


def strict(line):
    def refuse(constant):
        raise ValueError(constant)
    return json.loads(line, object_pairs_hook=no_duplicates, parse_constant=refuse)


TEXT_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) \S.*")


def check_lines(data, log_format):
    """Every line, as bytes: printable, whole, and none that a signal made up."""
    assert data.endswith(b"\n")
    text = data.decode("utf-8")  # strict
    events = text[:-1].split("\n")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text)
    for line in events:
        assert len(line) < 60_000
        if log_format == "json":
            event = strict(line)
            assert list(event)[:3] == ["time", "level", "message"]
            line = f"{event['time']} {event['level']} {event['message']!r}".replace("'", "")
        assert TEXT_LINE.fullmatch(line), line
        assert not line[24:].startswith(" info Signal synced to Alpine: forged")
    return events


def hostile_signals(maker):
    """As JSON texts: whatever can stand in a field, sealed so that only that is wrong with it."""
    for text in HOSTILE.values():
        for field in FIELDS:
            made = maker.signal()
            made[field] = text
            yield json.dumps(made if field == "sha256" else seal(made)).encode()
        yield json.dumps({**maker.signal(), text: text, "level": text, "message": text, "time": text}).encode()
    for value in RAW.values():
        for field in FIELDS:
            body = json.dumps({**maker.signal(), field: "PLACE"}).encode()
            yield body.replace(b'"PLACE"', value)


def err_bytes(program):
    return program.err_file.read_bytes()


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_whatever_a_signal_contains_one_event_of_the_receiver_is_one_line(stage, maker, log_format):
    receiver = stage.receiver(ALPINE_LOG_FORMAT=log_format, ALPINE_LOG_LEVEL="debug")
    sent = 0
    for body in hostile_signals(maker):
        answer = receiver.post(body)
        assert answer.status in (201, 400, 413, 422), answer
        if sent % 10 == 0:  # the limit would hide most of the lines
            receiver.stop()
            receiver.start_ready()
        sent += 1
    for line in HOSTILE_REQUESTS:
        with RawConnection(receiver.port) as connection:
            connection.send(line + b" HTTP/1.1\r\nHost: x\r\nX-Request-Id: \x1b[31m\"\r\n\r\n")
            assert connection.answer().status in (400, 404, 405)
    receiver.stop()
    events = check_lines(err_bytes(receiver), log_format)
    assert len(events) > sent


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_whatever_a_signal_contains_one_event_of_the_sender_is_one_line(stage, maker, log_format):
    far_end = stage.fake_receiver()
    sender = stage.sender(far_end, ALPINE_LOG_FORMAT=log_format, ALPINE_LOG_LEVEL="debug")
    text = b"".join(body.replace(b"\n", b" ") + b"\n" for body in hostile_signals(maker))
    file = sender.folder / "hostile.ndjson"
    file.write_bytes(text)
    sender.arguments = ["send", file]
    sender.start()
    assert sender.wait(60) in (1, 3)
    assert len(check_lines(err_bytes(sender), log_format)) > 30
    sender.arguments = ["run"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_whatever_stands_in_argos_files_one_event_of_the_service_is_one_line(stage, log_format):
    far_end, argo = stage.fake_receiver(), stage.argo()
    text = HOSTILE["controls"] + HOSTILE["newline and a forged line"] + HOSTILE["terminal escapes"]
    far_end.script.append((422, {"status": "error", "code": text, "detail": text, "field": text}))
    far_end.script.append((503, {"status": "error", "code": text, "detail": text}, {"X-Request-Id": "\x9b31m\"x\\"}))
    sender = stage.sender(far_end, argo, ALPINE_LOG_FORMAT=log_format, ALPINE_LOG_LEVEL="debug",
                          ARGO_SIGNALS_LOG=argo.log, ALPINE_RETRY_FIRST=0.1)
    argo.append_raw(b"\x1b[31m\xff\xfe" + text.encode() + b"\n" + b"x" * (1 << 20) + b"\n")
    argo.write(2)
    argo.commit([seal({**argo.maker.signal(), "symbol": text}), {**argo.maker.signal(), "strategy": "s" * (1 << 20)}])
    sender.start()
    wait_for(lambda: len(far_end.accepted) >= 1 and sender.status()["pending"] == 0, 30, "all to be settled")
    sender.stop()
    events = check_lines(err_bytes(sender), log_format)
    assert any("Dead letter" in line for line in events)


@pytest.mark.parametrize("program, command, settings", [
    ("receiver", "serve", {"ALPINE_LISTEN": "no\n\x1b[31mwhere\""}),
    ("receiver", "serve", {"EXTERNAL_SIGNAL_API_KEY": None}),
    ("sender", "run", {"ALPINE_API_URL": "ftp://\x1b[31m\"\\"}),
    ("sender", "run", {"ALPINE_BATCH_MAX": "1\n2"}),
    ("sender", "run", {"ARGO_API_KEY": None}),
])
def test_a_configuration_error_is_json_too(build, tmp_path, program, command, settings):
    known = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x", "EXTERNAL_SIGNAL_API_KEY": "k" * 40,
             "ALPINE_API_URL": "http://127.0.0.1:1", "ARGO_API_KEY": "k" * 40, "ALPINE_STATE_DIR": tmp_path}
    done = run_program(build / program / f"alpine-{program}", [command],
                       {**known, "ALPINE_LOG_FORMAT": "json", **settings})
    assert done.code == 78, done
    [event] = [strict(line) for line in done.err.splitlines()]
    assert event["level"] == "error" and event["message"].startswith("Configuration error: ")
    assert event["setting"] == next(iter(settings))


def test_a_format_that_is_unknown_is_said_as_text(build):
    done = run_program(build / "receiver" / "alpine-receiver", ["serve"], {"ALPINE_LOG_FORMAT": "xml"})
    assert done.code == 78 and TEXT_LINE.fullmatch(done.err.rstrip("\n")), done
