#!/usr/bin/env python3
"""Makes the fuzzers' first inputs, tests/fuzz/corpus/<target>/: run it again after changing it, and commit both."""

import json
import struct
import subprocess
from pathlib import Path

CORPUS = Path(__file__).resolve().parent / "corpus"
SIGNAL = {
    "signal_id": "68a40f327ea78805", "symbol": "AAPL", "action": "BUY", "entry_price": 267.44, "target_price": 280.81,
    "stop_price": 259, "confidence": 82.6, "timestamp": "2026-11-01T13:30:02.254258+00:00",
    "sha256": "5cde8817b69299ca98f4bd31db45e5bc535c1fbc20c4603d4ee726a59d484e3c", "strategy": "mom",
}
EVERY_FIELD = SIGNAL | {
    "take_profit": 281, "stop_loss": 258.5, "verification_hash": "0" * 64, "asset_type": "stock", "data_source": "x",
    "reasoning": "because", "regime": "TRENDING", "service_type": "both", "executor_id": "e", "generated_by": "g",
    "consensus_agreement": 0.85, "server_timestamp": 1793539802.25, "sources_count": 4, "generation_latency_ms": 12,
}
# The fields in the order of common/format/signal_fields.h, as fuzz_row reads them.
ROW = ("signal_id", "symbol", "action", "entry_price", "target_price", "stop_price", "confidence", "timestamp", "sha256",
       "strategy", "asset_type", "data_source", "reasoning", "regime", "service_type", "executor_id", "generated_by",
       "consensus_agreement", "server_timestamp", "sources_count", "generation_latency_ms")


def changed(**members):
    return json.dumps(SIGNAL | members).encode()


def without(*names):
    return json.dumps({name: value for name, value in SIGNAL.items() if name not in names}).encode()


def signals():
    return [
        json.dumps(SIGNAL).encode(), json.dumps(EVERY_FIELD).encode(), b"{}", b"[]", b"", b"{",
        changed(action="sell", symbol=" btc-usd\n"), changed(symbol="étoile 机", strategy="📈\x7f\u2028\"\\"),
        json.dumps(SIGNAL | {"strategy": "📈 é"}, ensure_ascii=False).encode(), changed(symbol="x" * 21),
        changed(signal_id="x" * 129), changed(signal_id="é" * 64), changed(entry_price=5e-324),
        changed(entry_price=1.7976931348623157e308), changed(entry_price=2**63 - 1), changed(entry_price="267.44"),
        changed(entry_price=0), changed(target_price=0, take_profit=5), changed(target_price=None, stop_price=0.0),
        without("target_price", "stop_price", "strategy"), without("sha256"), changed(confidence=100),
        changed(confidence=-0.0), changed(confidence=101), changed(timestamp="2026-02-29T00:00:00"),
        changed(sources_count=2**31), changed(sources_count=3.0), changed(x={"a": [1, {"b": None}]}),
        changed(strategy=True), changed(verification_hash="A" * 64), b'{"a":1,"a":2}', b'{"x":NaN}', b'{"x":1e400}',
        b'{"x":"\\u0000"}', b'{"x":"\\ud800"}', b'{"x":"\xff"}', b'{"x":' + b"[" * 17 + b"]" * 17 + b"}",
        b'{"confidence":' + b"1" * 30 + b"}",
    ]


def batches():
    one = json.dumps(SIGNAL).encode()
    return [b"[" + array for array in (
        b"]", one + b"]", one + b"," + one + b"]", b" " + one + b" ,\n" + one + b" ]\n", one, one + b",", one + b",]",
        b",]", b"]]", b"] x", b"}]", b'"]", "\\"]", [1, [2]], {"a": "]}"}]', b'"\\', b"nonsense, {}]",
        b"[" * 20 + b"1" + b"]" * 20 + b", {}]", b'{"a": "open}, {}]')] + [b"\n" + lines for lines in (
            b"", one, one + b"\n", one + b"\r\n\n  " + one + b"  \n", b"broken\n" + one, b"[" + one + b"]\n", b"\n\n\n")]


def timestamps():
    return [text.encode() for text in (
        "2026-11-01T13:30:02.254258+00:00", "2026-11-01 13:30:02", "2026-11-01T13:30:02Z", "2024-02-29T00:00:00.1",
        "2023-02-29T00:00:00", "1900-02-29T00:00:00", "0001-01-01T00:00:00-23:59", "9999-12-31T23:59:59.999999999+23:59",
        "0000-01-01T00:00:00", "2026-11-01T24:00:00", "2026-11-01T23:59:60", "2026-11-01T00:00:00.", "",
        "2026-11-01T00:00:00.1234567890", "2026-11-01T00:00:00+24:00", "2026-11-01T00:00:00+0000", "2026-11-01",
        "2026-11-01T00:00:00Zx", "2026-13-01T00:00:00", "1970-01-01T00:00:00.000000-00:00")]


def configs():
    whole = {"a": {"url": "http://x", "key": "secret", "format": "json", "b": {"count": 7}}, "pause": 0.5,
             "enabled": False}
    return [json.dumps(value).encode() for value in (
        whole, {}, [], {"url": "y"}, {"a": None}, {"a": []}, {"a": {"url": ""}, "url": "second"},
        {"a": {"key": ["s"]}}, {"a": {"key": True}}, {"a": {"key": ""}}, {"a": {"b": {"count": 7.5}}},
        {"a": {"b": {"count": "12"}}}, {"a": {"b": {"count": 1001}}}, {"a": {"b": {"count": -11}}}, {"pause": 0.05}, {"a": {"b": {"count": 2**62}}},
        {"a": {"format": "xml"}}, {"a": {"format": "jso"}}, {"pause": "1e3"}, {"pause": 1e300}, {"pause": "nan"},
        {"enabled": "off"}, {"enabled": 2}, {"a": {"url": "x" * 600, "key": "k" * 600}}, {"a": {"url": "é\n📈"}},
    )] + [b"", b"{", b'{"a":{"key": s3cret}}', b'{"a":1,"a":2}', b"\xef\xbb\xbf{}"]


def encoded(value):
    """A value as fuzz_row reads it. `...` is an absent one."""
    if value is ...:
        return b"\0"
    if value is None:
        return b"\1"
    if isinstance(value, int):
        return b"\2" + struct.pack("<q", value)
    if isinstance(value, float):
        return b"\3" + struct.pack("<d", value)
    data = value if isinstance(value, bytes) else value.encode()
    return b"\4" + bytes([len(data)]) + data


def row(mixture=0, **members):
    return bytes([mixture]) + b"".join(encoded((EVERY_FIELD | members).get(name, ...)) for name in ROW)


def rows():
    whole = {"entry_price": 267.0, "target_price": 280.0, "stop_price": 259.0, "confidence": 82.0}
    nulls = {"target_price": None, "stop_price": None, "strategy": None}
    return [row(), row(255, **whole), row(0b10101010, **whole), row(0b01010101, **whole), row(255, **(whole | nulls)),
            row(0b00110011, **nulls), row(255, entry_price=1e300), row(255, entry_price=9007199254740993.0),
            row(255, entry_price=5e-324), row(255, confidence=-0.0), row(entry_price=float("nan")),
            row(entry_price=float("inf")), row(symbol=b"\xff"), row(symbol=b"a\0b"), row(symbol=" é "), row(symbol=5),
            row(action="sell"), row(signal_id=b"x" * 129), row(signal_id=None), row(sources_count=4.0),
            row(sources_count=2**40), row(target_price="280"), row(strategy="📈\x7f"), row(timestamp="now"), b"",
            row()[:40], row(reasoning="r" * 255)]


def packed(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, capture_output=True, check=True).stdout


def compressed():
    line = json.dumps(SIGNAL).encode() + b"\n"
    whole = packed(line * 50)
    return [b"", b"{}", whole, whole + whole, whole[:-1], whole[:30], whole + b"x", packed(b""), packed(line, "-19"),
            packed(line * 50, "--no-content-size", "--no-check"), packed(b" " * 100000), packed(b" " * 100001),
            packed(line, "--no-check") + packed(b"")]


def logs():
    """Two texts with a NUL between them, as fuzz_log reads them."""
    hostile = ["", "plain", "two words", "\"\\\"", "a\nb\r\tc", "\x1b[31m\x7f\x9b\x85", "\u2028\u2029",
               "📈\U0010ffffé", '","level":"error","x":"', "x\n2026-11-01T00:00:00.000Z info forged", "=", "é" * 600,
               "y" * 1023, "z" * 9000, "é" * 5000, "\\" * 9000]
    broken = [b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x80" * 600,
              b"x" * 8191 + b"\xf0\x9f\x93\x88"]
    texts = [text.encode() for text in hostile] + broken
    return [b"", b"\0"] + [first + b"\0" + second for first, second in zip(texts, texts[1:] + texts[:1])]


def main():
    for target, inputs in {"signal": signals(), "batch": batches(), "timestamp": timestamps(), "config": configs(),
                           "row": rows(), "compressed": compressed(), "log": logs()}.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("seed-*"):
            old.unlink()
        for number, data in enumerate(inputs):
            (folder / f"seed-{number:02d}").write_bytes(data)


if __name__ == "__main__":
    main()
