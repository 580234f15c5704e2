"""Makes signals as bytes: most of them good, in every spelling that JSON has, and the others bad in one way each."""

import json
import math
import struct

from reference import digest, producer_form, receiver_form

PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
STRANGE = list("aé\"\\/\b\f\n\r\t\x01\x1f\x7f\x80ÿ机\u2028\u2029\ud7ff\ue000\ufeff\uffff📈\U00010000\U0010ffff'<& ")
OPTIONAL_TEXTS = ("asset_type", "data_source", "reasoning", "regime", "service_type", "executor_id", "generated_by")
PRICES = ("entry_price", "target_price", "stop_price", "take_profit", "stop_loss")

# One broken field: its name, the JSON that it is given (None: it is left out), which the reference then judges.
BROKEN = [(name, token) for name, tokens in {
    "signal_id": (None, "null", '""', "5", "true", '"' + "x" * 129 + '"', '"' + "é" * 65 + '"'),
    "symbol": (None, "null", '""', '"  \\t "', "5", '"' + "x" * 21 + '"', '"' + "机" * 21 + '"', "[]"),
    "action": (None, "null", '""', '"HOLD"', '" BUY"', '"BUY "', "1", "{}"),
    "entry_price": (None, "null", "0", "-1", "0.0", "-0.0", "1e-400", '"267"', '" 5"', '"x"', '""', "true", "[1]"),
    "target_price": ("-1", "-5e-324", '"5"', '"x"', "true", "{}"),
    "take_profit": ("-1", '"5"', '"x"', "false"),
    "stop_price": ("-0.01", '"1e5"', '"x"', "[]"),
    "stop_loss": ("-1e300", '"5"', '"x"', "true"),
    "confidence": (None, "null", "-1", "101", "100.00000000000001", '"82.6"', '"high"', "true"),
    "timestamp": (None, "null", '""', "1793539802", '"2026-02-29T00:00:00"', '"2026-11-01"', '"2026-11-01T24:00:00"',
                  '"2026-11-01T00:00:60"', '"2026-11-01T00:00:00.1234567890"', '"2026-11-01T00:00:00.Z"',
                  '"2026-11-01T00:00:00+24:00"', '"2026-11-01T00:00:00Zx"', '"0000-01-01T00:00:00Z"',
                  '"1900-02-29 12:00:00"', '"2026-11-01T00:00:00\\u0661"', '"2026-11-01t00:00:00"'),
    "strategy": ("5", "true", "[]"),
    "reasoning": ("5", "{}"),
    "consensus_agreement": ('"0.5"', '"x"', "true"),
    "server_timestamp": ('"1"', "[]"),
    "sources_count": ("1.5", "2147483648", "-2147483649", '"4"', "true"),
    "generation_latency_ms": ("0.1", "1e10", '"x"'),
}.items() for token in tokens]

# Just within the rules.
EDGES = [(name, token) for name, tokens in {
    "signal_id": ('"' + "x" * 128 + '"', '"' + "é" * 64 + '"', '" "'),
    "symbol": ('"' + "x" * 20 + '"', '"  ' + "机" * 20 + ' \\n"'),
    "entry_price": ("5e-324", "1.7976931348623157e308", "9223372036854775807"),
    "confidence": ("100", "100.0", "0", "-0.0", "99.99999999999999"),
    "timestamp": ('"0001-01-01T00:00:00Z"', '"9999-12-31 23:59:59.999999999-23:59"', '"2000-02-29T00:00:00+23:59"'),
    "sources_count": ("2147483647", "-2147483648", "4.0"),
    "consensus_agreement": ("-1e308", "null"),
}.items() for token in tokens]

# What makes the whole text no JSON of ours, put into it as one more member.
MALFORMED = [member.encode() for member in (
    '"x": NaN', '"x": Infinity', '"x": -Infinity', '"x": nan', '"x": 1e999', '"x": -1e400', '"x": 01', '"x": .5',
    '"x": 1.', '"x": +1', '"x": "\\u0000"', '"x\\u0000": 1', '"x": "\\ud800"', '"x": "\\udc00\\ud800"', '"x": "a\tb"',
    '"x": "\\x"', '"x": tru', '"x"', '"x": 1, "x": 1', '"x": 1, "\\u0078": 2', '"x": {"y": 1, "y": 1}', '"x": 1,',
    '"x": 9223372036854775808', '"x": ' + "[" * 16 + "]" * 16, '"x": ' + '{"a": ' * 16 + "1" + "}" * 16,
    '"x": ' + "[" * 2000 + "]" * 2000)] + [
    b'"x": "\xff"', b'"x": "\xc0\x80"', b'"x": "\xed\xa0\x80"', b'"\xf5": 1', b'"x": "\xc3"', b'"x": "a\0b"']

# Members that say nothing of the signal: to be ignored.
IGNORED = ('"order_id": null', '"Symbol": 5', '"x": {"symbol": "no", "y": [1, 2, {"z": []}]}', '"": ""',
           '"x": ' + "[" * 15 + "]" * 15, '"outcome": "\\ud83d\\udcc8"', '"take_profit": null', '"stop_loss": null')


class Maker:
    """One random signal after the other."""

    def __init__(self, chance):
        self._chance = chance

    def signal(self):
        """The bytes of one signal, as a line without its end."""
        kind = self._chance.random()
        tokens = self._tokens()
        if kind < 0.15:
            name, token = self._chance.choice(BROKEN)
            if token is None:
                del tokens[name]
            else:
                tokens[name] = token
        text = self._text(tokens)
        if 0.15 <= kind < 0.2:
            bad = self._chance.choice(MALFORMED)
            text = text[:1] + bad + b", " + text[1:]
        elif 0.2 <= kind < 0.22:
            text = text[:self._chance.randrange(len(text))]
        return text

    def _tokens(self):
        """The members of a good signal and its hash, as JSON by name."""
        chance = self._chance
        tokens = {
            "signal_id": self._string(1, 30) if chance.random() < 0.2 else f'"{chance.getrandbits(64):016x}"',
            "symbol": self._string(1, 9) if chance.random() < 0.1 else f'"{chance.choice(PLAIN)}{chance.choice(PLAIN)}"',
            "action": chance.choice(('"BUY"', '"SELL"', '"BUY"', '"SELL"', '"buy"', '"Sell"')),
            "entry_price": self._price(),
            "confidence": self._confidence(),
            "timestamp": f'"{self._timestamp()}"',
        }
        for name in ("target_price", "stop_price"):
            which = chance.random()
            if which < 0.9:
                tokens[name] = self._price() if which < 0.75 else chance.choice(("null", "0", "0.0", "-0.0"))
        for name in ("take_profit", "stop_loss"):
            if chance.random() < 0.15:
                tokens[name] = chance.choice((self._price(), "0", "0.0"))
        if chance.random() < 0.85:
            tokens["strategy"] = chance.choice((self._string(0, 20), '"weighted_consensus_v6"', '"mom"', "null"))
        if chance.random() < 0.3:
            tokens[chance.choice(OPTIONAL_TEXTS)] = chance.choice((self._string(0, 30), "null"))
        if chance.random() < 0.2:
            tokens["sources_count"] = str(chance.randrange(-2**31, 2**31))
        if chance.random() < 0.1:
            tokens.update([chance.choice(EDGES)])
        self._seal(tokens)
        return tokens

    def _seal(self, tokens):
        values = {name: json.loads(token) for name, token in tokens.items()}
        which = self._chance.random()
        right = digest(producer_form(values) if which < 0.55 else receiver_form(values))
        wrong = self._chance.choice(("", right[:63], right + "0", "g" + right[1:], digest(right), right[::-1]))
        if which > 0.9:
            right = wrong
        elif which > 0.85:
            right = right.upper()
        spare = self._chance.random()
        if spare < 0.85:
            tokens["sha256"] = f'"{right}"'
        else:
            tokens["verification_hash"] = f'"{right}"'
            if spare < 0.95:
                tokens["sha256"] = self._chance.choice((f'"{wrong}"', "null"))

    def _text(self, tokens):
        members = [f"{json.dumps(name)}:{token}" for name, token in tokens.items()]
        if self._chance.random() < 0.1:
            extra = self._chance.choice(IGNORED)
            if json.loads(extra.split(":")[0]) not in tokens:
                members.append(extra)
        self._chance.shuffle(members)
        between = self._chance.choice((",", ", ", " ,\t"))
        return ("{" + between.join(members) + "}").encode()

    def _string(self, least, most):
        text = "".join(self._chance.choices(STRANGE, k=self._chance.randint(least, most)))
        if not text.strip():
            text += "x" if least else ""
        return json.dumps(text, ensure_ascii=self._chance.random() < 0.5)

    def _price(self):
        chance = self._chance
        which = chance.randrange(9)
        if which < 3:
            return repr(round(chance.uniform(0.01, 10.0 ** chance.randrange(1, 7)), chance.randrange(1, 9)) + 0.0001)
        if which == 3:
            return str(chance.randrange(1, 10 ** chance.randrange(1, 7)))
        if which == 4:
            return str(chance.randrange(1, 2 ** chance.randrange(1, 64)))
        if which == 5:
            return f"{chance.uniform(1, 1000):.{chance.randrange(3)}f}0{chance.choice(('e0', 'E+2', 'e-3', 'E7'))}"
        if which == 6:
            return f"{2.0 ** chance.randrange(-1074, 1024):.17g}"
        if which == 7:
            return f"{chance.uniform(0.1, 10)}e{chance.randrange(-320, 308)}"
        value = math.fabs(struct.unpack("d", chance.randbytes(8))[0])
        return repr(value) if value and math.isfinite(value) else "1.5"

    def _confidence(self):
        chance = self._chance
        return chance.choice((repr(round(chance.uniform(0, 100), 1)), str(chance.randrange(101)),
                              repr(chance.random()), "100.0", "1e2", "0", "-0.0", "-0", "5e-324"))

    def _timestamp(self):
        chance = self._chance
        fraction = f".{chance.randrange(10 ** 9):09d}"[:chance.randrange(2, 11)] if chance.random() < 0.7 else ""
        offset = chance.choice(("+00:00", "Z", "", f"-{chance.randrange(24):02d}:{chance.randrange(60):02d}"))
        return (f"{chance.choice((1, 1970, 2000, 2026, 9999)):04d}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
                f"{chance.choice('TTT ')}{chance.randrange(24):02d}:{chance.randrange(60):02d}:{chance.randrange(60):02d}"
                f"{fraction}{offset}")
