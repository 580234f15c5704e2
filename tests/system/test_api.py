"""The receiver's API: what each call answers when the request is right."""

import json

import pytest

from support.answers import assert_error, assert_stored
from support.argo import seal
from support.http import JSON, NDJSON
from support.receiver import PREFIX

pytestmark = pytest.mark.under_tsan

CONTENT_TYPES = [NDJSON, JSON]


# --- one signal ---

def test_a_new_signal_is_stored_and_answered_201(api, maker):
    signal = maker.signal()
    number = assert_stored(api.post(signal), signal)
    row = api.database.signal(signal["signal_id"])
    assert (row["id"], row["verification_hash"]) == (number, signal["sha256"])


def test_the_same_signal_again_is_409_with_the_stored_rows_id(api, maker):
    signal = maker.signal()
    number = assert_stored(api.post(signal), signal)
    again = api.post(signal)
    assert again.status == 409
    assert again.json["status"] == "duplicate" and again.json["message"] == "Signal already exists"
    assert again.json["signal_id"] == number
    assert len(api.database.query("SELECT 1 FROM signals WHERE verification_hash = %s", [signal["sha256"]])) == 1


def test_the_same_id_with_another_hash_is_a_conflict_and_the_row_stays(api, maker):
    signal = maker.signal()
    assert_stored(api.post(signal), signal)
    before = api.database.signal(signal["signal_id"])
    other = maker.signal(signal_id=signal["signal_id"])
    answer = api.post(other)
    assert answer.status == 422 and answer.json["status"] == "conflict"
    assert api.database.signal(signal["signal_id"]) == before


def test_an_upper_case_hash_is_compared_in_lower_case(api, maker):
    signal = maker.signal()
    digest = signal["sha256"]
    signal["sha256"] = digest.upper()
    assert_stored(api.post(signal), signal)
    assert api.database.signal(signal["signal_id"])["verification_hash"] == digest


def test_verification_hash_wins_over_sha256(api, maker):
    right, wrong = maker.signal(), maker.signal()
    right["verification_hash"], right["sha256"] = right["sha256"], "0" * 64
    assert_stored(api.post(right), right)
    wrong["verification_hash"] = "0" * 64
    assert_error(api.post(wrong), 400, "hash_mismatch")


def test_a_hash_that_does_not_match_is_400_and_logged(api, maker):
    signal = maker.signal()
    signal["entry_price"] += 1
    answer = api.post(signal)
    assert_error(answer, 400, "hash_mismatch")
    assert answer.json["detail"] == "Signal hash verification failed"
    api.wait_log(f"Hash verification failed for signal {signal['signal_id']}")


@pytest.mark.parametrize("digest", ["", "abc", "0" * 63, "0" * 65, "g" * 64, " " + "0" * 63])
def test_a_hash_that_is_no_64_hex_digits_is_a_mismatch(api, maker, digest):
    signal = maker.signal()
    signal["sha256"] = digest
    assert_error(api.post(signal), 400, "hash_mismatch")


def test_a_stored_signal_is_logged_with_the_operators_phrase(api, maker):
    signal = maker.signal()
    api.post(signal)
    api.wait_log(f"Signal synced from external provider: {signal['symbol']} {signal['action']}"
                 f" ({signal['signal_id']})")


# --- dry run ---

def test_a_dry_run_says_valid_and_stores_nothing(api, maker):
    signal = maker.signal()
    answer = api.post(signal, "?dry_run=true")
    assert answer.status == 200 and answer.json["status"] == "valid"
    assert not api.database.query("SELECT 1 FROM signals WHERE external_signal_id = %s", [signal["signal_id"]])


def test_a_dry_run_gives_the_error_that_the_signal_would_get(api, maker):
    stored, forged, wrong = maker.signals(3)
    assert_stored(api.post(stored), stored)
    assert api.post(stored, "?dry_run=true").status == 409
    conflict = api.post(maker.signal(signal_id=stored["signal_id"]), "?dry_run=true")
    assert conflict.status == 422 and conflict.json["status"] == "conflict"
    forged["confidence"] = 1.5
    assert_error(api.post(forged, "?dry_run=true"), 400, "hash_mismatch")
    wrong["action"] = "HOLD"
    assert_error(api.post(seal(wrong), "?dry_run=true"), 422, "invalid_field", "action")


@pytest.mark.parametrize("query", ["", "?dry_run=false", "?other=true"])
def test_without_dry_run_the_signal_is_stored(api, maker, query):
    signal = maker.signal()
    assert_stored(api.post(signal, query), signal)
    api.database.signal(signal["signal_id"])


@pytest.mark.parametrize("query", ["?dry_run", "?dry_run=", "?dry_run=no", "?dry_run=false&dry_run=true"])
@pytest.mark.parametrize("batch", [False, True])
def test_a_dry_run_that_is_not_clear_is_refused_and_stores_nothing(api, maker, query, batch):
    signal = maker.signal()
    answer = api.call("POST", f"{PREFIX}/batch{query}", [signal]) if batch else api.post(signal, query)
    assert_error(answer, 422, "invalid_field", "dry_run")
    assert not api.database.query("SELECT 1 FROM signals WHERE external_signal_id = %s", [signal["signal_id"]])


# --- batch ---

def results(answer):
    assert answer.status == 200, answer
    return answer.json["results"]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_a_batch_is_stored_and_answered_in_order(api, maker, content_type):
    signals = maker.signals(20)
    answer = api.batch(signals, content_type)
    assert [result["status"] for result in results(answer)] == ["success"] * 20
    assert (answer.json["stored"], answer.json["duplicates"], answer.json["rejected"]) == (20, 0, 0)
    for signal, result in zip(signals, results(answer)):
        assert api.database.signal(signal["signal_id"])["id"] == result["signal_id"]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_bad_signals_in_a_batch_never_fail_the_others(api, maker, content_type):
    known, first, second, third, forged, wrong, rival = maker.signals(7)
    assert_stored(api.post(known), known)
    forged["entry_price"] += 1
    wrong["symbol"] = ""
    seal(wrong)
    rival["signal_id"] = first["signal_id"]
    seal(rival)
    nul = json.dumps(third).replace('"regime": "', '"regime": "\\u0000')
    answer = api.batch([first, forged, known, wrong, second, first, rival, nul, third], content_type)
    got = results(answer)
    assert [result["status"] for result in got] == [
        "success", "rejected", "duplicate", "rejected", "success", "duplicate", "conflict", "rejected", "success"]
    assert got[5]["signal_id"] == got[0]["signal_id"]
    assert [got[index]["code"] for index in (1, 3, 7)] == ["hash_mismatch", "invalid_field", "malformed"]
    assert all(got[index]["detail"] for index in (1, 3, 7))
    assert (answer.json["stored"], answer.json["duplicates"]) == (3, 2)
    assert answer.json["rejected"] == 4
    row = api.database.signal(first["signal_id"])
    assert row["verification_hash"] == first["sha256"]


def test_a_line_that_is_no_json_is_rejected_alone(api, maker):
    first, second = maker.signals(2)
    got = results(api.batch([first, "{not json", second]))
    assert [result["status"] for result in got] == ["success", "rejected", "success"]
    assert got[1]["code"] == "malformed"


def test_an_array_element_that_is_no_object_is_rejected_alone(api, maker):
    signal = maker.signal()
    got = results(api.batch([json.dumps(signal), "17", "null", '"text"'], JSON))
    assert [result["status"] for result in got] == ["success", "rejected", "rejected", "rejected"]


def test_a_batch_with_numbers_written_as_argo_wrote_them_keeps_them(api, maker):
    whole = maker.signal(entry_price=267, confidence=63)
    point = maker.signal(entry_price=267.0, confidence=63.0)
    assert [result["status"] for result in results(api.batch([whole, point], JSON))] == ["success", "success"]
    assert '"entry_price": 267,' in api.database.signal(whole["signal_id"])["canonical"]
    assert '"entry_price": 267.0,' in api.database.signal(point["signal_id"])["canonical"]


def test_a_batch_of_5000_is_taken_and_one_more_is_too_large(api, maker):
    signals = maker.signals(5000)
    answer = api.batch(signals)
    assert answer.json["stored"] == 5000
    assert_error(api.batch(signals + [maker.signal()]), 413, "too_large")


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_the_last_newline_is_not_needed(api, maker, content_type):
    lines = [json.dumps(signal) for signal in maker.signals(2)]
    body = "\n".join(lines) if content_type == NDJSON else f" [ {lines[0]} ,\n {lines[1]} ] \n"
    assert len(results(api.batch(body, content_type))) == 2


@pytest.mark.parametrize("body", ["[{}", "{}]", "[", "]"])
def test_an_array_that_does_not_parse_is_malformed(api, body):
    assert_error(api.batch(body, JSON), 400, "malformed")


# --- health and the like ---

@pytest.mark.parametrize("path", [f"{PREFIX}/health", "/health"])
def test_health_needs_no_key_and_says_nothing_secret(api, path):
    answer = api.get(path)
    assert answer.status == 200 and answer.header("Content-Type").startswith("application/json")
    body = answer.json
    assert body["status"] == "healthy"
    assert body["service"] == "Alpine Analytics - External Signal Sync"
    assert body["endpoint"] == f"{PREFIX}/signal"
    text = answer.body.decode()
    assert api.key not in text and "postgresql://" not in text and "alpine_app" not in text


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_need_no_key(api, path):
    answer = api.get(path)
    assert answer.status == 200 and isinstance(answer.json, dict)


# --- X-Request-Id ---

def test_a_sane_request_id_comes_back(api, maker):
    assert api.get("/livez", X_Request_Id="abc-123_X.7").header("X-Request-Id") == "abc-123_X.7"
    assert api.post(maker.signal(), X_Request_Id="trace-1").header("X-Request-Id") == "trace-1"


@pytest.mark.parametrize("insane", ["", "a b", "x" * 1000, "<script>", "quote\"", "tab\there"])
def test_an_insane_request_id_is_replaced(api, insane):
    given = api.get("/livez", X_Request_Id=insane).header("X-Request-Id")
    assert given and given != insane


def test_every_answer_has_a_request_id_of_its_own(api):
    ids = {api.get("/livez").header("X-Request-Id") for _ in range(20)}
    assert len(ids) == 20 and None not in ids
