"""The contract's sections 3 and 4 once more, in Python and by CPython's own json: what is a signal, and what was hashed."""

import hashlib
import json
import re
from datetime import datetime

HASHED = ("action", "confidence", "entry_price", "signal_id", "stop_price", "strategy", "symbol", "target_price",
          "timestamp")
ALIASES = {"target_price": "take_profit", "stop_price": "stop_loss"}
TEXTS = ("strategy", "asset_type", "data_source", "reasoning", "regime", "service_type", "executor_id", "generated_by")
NUMBERS = ("consensus_agreement", "server_timestamp")
INTEGERS = ("sources_count", "generation_latency_ms")
TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?", re.ASCII)
DEEPEST = 16


class Fault(Exception):
    """A signal that is not accepted, by code and field."""

    def __init__(self, code, field=""):
        super().__init__(code, field)
        self.code, self.field = code, field


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def producer_form(signal):
    return json.dumps({name: signal[name] for name in HASHED if name in signal}, sort_keys=True)


def receiver_form(signal):
    fields = {name: signal.get(name) for name in HASHED}
    for name, alias in ALIASES.items():
        if not fields[name]:  # missing, null or 0
            fields[name] = signal.get(alias)
    if "strategy" not in signal:
        fields["strategy"] = "weighted_consensus_v6"
    fields["action"] = fields["action"].upper()
    numbers = {name: float(value) for name, value in fields.items() if isinstance(value, (int, float))}
    return json.dumps(fields | numbers, sort_keys=True)


def _no_duplicates(pairs):
    members = dict(pairs)
    if len(members) != len(pairs) or any("\0" in name for name in members):
        raise Fault("malformed")
    return members


def _no_constant(_name):
    raise Fault("malformed")


def _finite(text):
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Fault("malformed")
    return value


def _64_bits(text):
    """Argo's integers fit into 64 bits; both ends refuse larger ones rather than round them."""
    value = int(text)
    if not -2**63 <= value < 2**63:
        raise Fault("malformed")
    return value


def _check_tree(value, depth=1):
    if isinstance(value, (dict, list)):
        if depth > DEEPEST:
            raise Fault("malformed")
        for inner in (value.values() if isinstance(value, dict) else value):
            _check_tree(inner, depth + 1)
    elif isinstance(value, str) and ("\0" in value or not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
        raise Fault("malformed")


def parse(text):
    """The object in these bytes; Fault if the contract refuses them."""
    try:
        signal = json.loads(text.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant,
                            parse_float=_finite, parse_int=_64_bits)
    except (ValueError, RecursionError):
        raise Fault("malformed") from None
    if not isinstance(signal, dict):
        raise Fault("malformed")
    _check_tree(signal)
    return signal


def _number(signal, name, fits):
    value = signal[name]
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            raise Fault("invalid_field", name) from None
        raise Fault("malformed", name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not fits(value):
        raise Fault("invalid_field", name)


def _text(signal, name, fits):
    if not isinstance(signal.get(name), str) or not fits(signal[name]):
        raise Fault("invalid_field", name)


def _is_timestamp(text):
    match = TIMESTAMP.fullmatch(text)
    try:
        return bool(match and datetime.strptime(f"{match[1]} {match[2]}", "%Y-%m-%d %H:%M:%S")) and match[2][6:] < "60"
    except ValueError:
        return False


def check(signal):
    """Fault if a field breaks its rule. A signal with several broken fields may name any of them."""
    for name in ("entry_price", "confidence"):
        if signal.get(name) is None:
            raise Fault("invalid_field", name)
    _text(signal, "signal_id", lambda text: 1 <= len(text.encode()) <= 128)
    _text(signal, "symbol", lambda text: 1 <= len(text.strip()) <= 20)
    _text(signal, "action", lambda text: text.lower() in ("buy", "sell"))
    _number(signal, "entry_price", lambda number: number > 0)
    for pair in ALIASES.items():
        for name in pair:
            if signal.get(name) is not None:
                _number(signal, name, lambda number: number >= 0)
    _number(signal, "confidence", lambda number: 0 <= number <= 100)
    _text(signal, "timestamp", _is_timestamp)
    if signal.get("verification_hash") is None:
        _text(signal, "sha256", lambda _: True)
    for name in TEXTS:
        if signal.get(name) is not None:
            _text(signal, name, lambda _: True)
    for name in NUMBERS:
        if signal.get(name) is not None:
            _number(signal, name, lambda _: True)
    for name in INTEGERS:
        if signal.get(name) is not None:
            _number(signal, name, lambda number: number == int(number) and -2**31 <= number < 2**31)


def judge(text):
    """What is to be made of these bytes: (code, field or form, hashed text). Where both forms are the same text, the
    form is the producer's."""
    try:
        signal = parse(text)
        check(signal)
    except Fault as fault:
        return fault.code, fault.field, ""
    given = signal.get("verification_hash")
    given = (signal["sha256"] if given is None else given).lower()
    producer = producer_form(signal)
    if given == digest(producer):
        return "ok", "producer", producer
    receiver = receiver_form(signal)
    if given == digest(receiver):
        return "ok", "receiver", receiver
    return "hash_mismatch", "", producer
