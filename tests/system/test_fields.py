"""The rules of a signal's fields, at their edges, and what is refused before any rule is looked at."""

import json

import pytest

from support.answers import assert_error, assert_stored
from support.argo import seal

pytestmark = pytest.mark.under_tsan

GOOD = [
    ("signal_id", ["a", "x" * 128, "é" * 64, "🚀 any text, \"really\""]),
    ("symbol", ["A", " aapl ", "brk.b", "S" * 20, "  " + "t" * 20 + "\t"]),
    ("action", ["BUY", "sell", "Buy"]),
    ("entry_price", [1, 267, 267.0, 0.0001, 1e-5, 1e16, 1.7976931348623157e308, 5e-324]),
    ("target_price", [None, 0, 0.0, 1, 1e300]),
    ("stop_price", [None, 0, 0.0, 1, 1e-300]),
    ("confidence", [0, 0.0, 0.5, 1, 1.0, 1.5, 99.99, 100, 100.0]),
    ("timestamp", ["2026-11-01T13:30:02Z", "2026-11-01 13:30:02", "2026-11-01T13:30:02.1", "2024-02-29T00:00:00Z",
                   "2026-11-01T13:30:02.123456789Z", "2026-11-01T13:30:02+05:30", "2026-11-01 13:30:02.5-11:00"]),
    ("strategy", [None, "", "señal_β", "x" * 500]),
    ("asset_type", [None, "crypto"]),
    ("data_source", [None, "alpha_vantage"]),
    ("reasoning", [None, "", "机构净买入 📈\n\t\"why\""]),
    ("regime", [None, "TRENDING"]),
    ("service_type", [None, "both"]),
    ("executor_id", [None, "executor-7"]),
    ("generated_by", [None, "signal_generator"]),
    ("consensus_agreement", [None, 0, 0.8708, -1]),
    ("server_timestamp", [None, 1793539802.254258, 0]),
    ("sources_count", [None, 0, 5]),
    ("generation_latency_ms", [None, 0, 2147483647]),
    ("something_else", [None, 1, "x", [1, {"deep": []}], {"a": {"b": 1}}, "123"]),
]
WRONG = [
    ("signal_id", [None, "", "x" * 129, "é" * 65, 17, True, [], {}]),
    ("symbol", [None, "", "   ", "S" * 21, 5, False]),
    ("action", [None, "", "HOLD", "BUYS", 1, True]),
    ("entry_price", [None, 0, 0.0, -1, -0.01, "much", "", True, [1], {}]),
    ("target_price", [-1, -0.5, "much", True, []]),
    ("stop_price", [-1, -0.5, "much", True, {}]),
    ("confidence", [None, -1, -0.001, 100.001, 101, 1e300, "high", False]),
    ("timestamp", [None, "", "x", 1793539802, "2026-11-01", "13:30:02", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
                   "2026-00-10T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-01T25:00:00Z", "2026-11-01T13:60:00Z",
                   "2026-11-01T13:30:02.", "2026-11-01T13:30:02.1234567890Z", "2026-11-01T13:30:02+25:00",
                   "2026-11-01T13:30:02+00:61", "2026-11-01T13:30:02+00:00x", " 2026-11-01T13:30:02Z",
                   "2026-11-01T13:30:02Z ", "2026-11-01X13:30:02Z", "２026-11-01T13:30:02Z", "26-11-01T13:30:02Z"]),
    ("strategy", [5, True, [], {}]),
    ("asset_type", [5, []]),
    ("data_source", [5, {}]),
    ("reasoning", [5, []]),
    ("regime", [1.5]),
    ("service_type", [False]),
    ("executor_id", [7]),
    ("generated_by", [[]]),
    ("consensus_agreement", ["much", True, []]),
    ("server_timestamp", ["now", False]),
    ("sources_count", [1.5, "many", True, []]),
    ("generation_latency_ms", [0.5, "fast", {}]),
]
REQUIRED = ["signal_id", "symbol", "action", "entry_price", "confidence", "timestamp"]


def cases(table):
    return [pytest.param(field, value, id=f"{field}={json.dumps(value)[:24]}")
            for field, values in table for value in values]


@pytest.mark.parametrize("field, value", cases(GOOD))
def test_a_value_within_its_rule_is_stored(api, maker, field, value):
    signal = maker.signal(**{field: value})
    if field == "signal_id":  # the edges are fixed texts, and the receiver's database is shared by the file
        assert api.post(signal, "?dry_run=true").status == 200
    else:
        assert_stored(api.post(signal), signal)


@pytest.mark.parametrize("field, value", cases(WRONG))
def test_a_value_outside_its_rule_is_422_and_named(api, maker, field, value):
    assert_error(api.post(maker.signal(**{field: value})), 422, "invalid_field", field)


@pytest.mark.parametrize("field", REQUIRED)
def test_a_missing_required_field_is_422_and_named(api, maker, field):
    signal = maker.signal()
    del signal[field]
    assert_error(api.post(seal(signal)), 422, "invalid_field", field)


@pytest.mark.parametrize("field", ["target_price", "stop_price", "strategy", "asset_type", "data_source", "reasoning",
                                   "regime", "consensus_agreement", "server_timestamp", "sources_count",
                                   "generation_latency_ms"])
def test_a_missing_optional_field_is_fine(api, maker, field):
    signal = maker.signal()
    del signal[field]
    assert_stored(api.post(seal(signal)), signal)


@pytest.mark.parametrize("value", [None, 5, True, [], {}])
def test_a_hash_that_is_no_text_is_422(api, maker, value):
    signal = maker.signal()
    signal["sha256"] = value
    assert_error(api.post(signal), 422, "invalid_field", "sha256")


def test_a_missing_hash_is_422(api, maker):
    signal = maker.signal()
    del signal["sha256"]
    assert_error(api.post(signal), 422, "invalid_field", "sha256")


@pytest.mark.parametrize("field, value", [("generation_latency_ms", 2147483648), ("sources_count", 10 ** 18),
                                          ("sources_count", -10 ** 30), ("consensus_agreement", 1e308)])
def test_a_number_that_no_column_holds_fails_nobody_else(api, maker, field, value):
    """It is refused or stored, but never taken for a database that is down."""
    good = maker.signal()
    got = api.batch([maker.signal(**{field: value}), good]).json["results"]
    assert got[0]["status"] in ("success", "rejected") and got[1]["status"] == "success"


# --- refused before any rule ---

def text(maker, old="", new=""):
    body = json.dumps(maker.signal(entry_price=267.44, regime="REGIME"))
    assert old in body
    return body.replace(old, new) if old else body


@pytest.mark.parametrize("body", [
    "", " ", "hello", "{", "{}}", "{} {}", "{'a': 1}", '{"a": 1,}', '{"a": 01}', '{"a": +1}', '{"a": .5}', '{"a": 1.}',
    '{"a": 0x10}', '{"a": tru}', '{"a": "\t"}', '{"a": "\\x"}', '{"a": "\\u12"}', '{"a" 1}', "// no\n{}", "[]", "[{}]",
    "null", "17", '"text"', '{"a": 1e999}', '{"a": NaN}', "\\u007b}"])
def test_what_is_no_json_object_is_malformed(api, body):
    assert_error(api.post(body), 400, "malformed")


@pytest.mark.parametrize("new", ["NaN", "Infinity", "-Infinity", "1e309", "-1e309", '"267.44"', '"1"'])
def test_a_price_that_is_no_json_number_is_malformed(api, maker, new):
    assert_error(api.post(text(maker, "267.44", new)), 400, "malformed")


@pytest.mark.parametrize("old, new", [
    ('"regime": "REGIME"', '"regime": "REGIME", "regime": "REGIME"'),
    ('"regime": "REGIME"', '"regime": "REGIME", "extra": {"a": 1, "a": 2}'),
    ('"regime": "REGIME"', '"regime": "REGIME", "\\u0072egime": "REGIME"'),
    ('"REGIME"', '"RE\\u0000GIME"'),
    ('"regime": "REGIME"', '"regime": "REGIME", "extra": "\\u0000"'),
    ('"regime": "REGIME"', '"regime": "REGIME", "ex\\u0000tra": 1'),
    ('"REGIME"', '"\\ud800"'),
    ('"REGIME"', '"\\udc00\\ud800"'),
    ('"regime": "REGIME"', '"regime": "REGIME", "extra": ' + "[" * 17 + "]" * 17),
    ('"regime": "REGIME"', '"regime": "REGIME", "extra": ' + '{"a":' * 5000 + "1" + "}" * 5000),
], ids=["key twice", "nested key twice", "escaped key twice", "NUL", "NUL elsewhere", "NUL in a key", "half a pair",
        "pair turned round", "17 deep", "5000 deep"])
def test_what_postgresql_or_a_parser_could_take_differently_is_malformed(api, maker, old, new):
    assert_error(api.post(text(maker, old, new)), 400, "malformed")


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"],
                         ids=lambda value: value.hex())
def test_invalid_utf8_is_malformed(api, maker, bad):
    body = text(maker).encode().replace(b"REGIME", b"RE" + bad + b"GIME")
    assert_error(api.post(body), 400, "malformed")


def test_raw_utf8_hashes_as_its_escapes_do(api, maker):
    signal = maker.signal(strategy="señal_机构_📈")
    assert_stored(api.post(json.dumps(signal, ensure_ascii=False)), signal)


def test_nesting_16_deep_is_ignored_like_any_unknown_field(api, maker):
    signal = maker.signal()
    signal["extra"] = json.loads("[" * 15 + "]" * 15)
    assert_stored(api.post(signal), signal)
