"""Random signals, and the shared vectors: accepted or not, in which form, over which text, as CPython says."""

import json
import subprocess
from collections import Counter

import pytest

from maker import Maker
from reference import judge, parse, producer_form, receiver_form
from support.paths import shared

RANDOM = 200_000


def verdicts(ask, texts):
    return [tuple(line.decode().split("\t")) for line in ask("signals", b"\n".join(texts) + b"\n")]


@pytest.mark.slow
def test_random_signals(ask, chance, scale):
    maker = Maker(chance)
    texts = [maker.signal() for _ in range(scale(RANDOM))]
    expected = [judge(text) for text in texts]
    answers = verdicts(ask, texts)
    assert len(answers) == len(texts)
    wrong = [(text, wanted, answer) for text, wanted, answer in zip(texts, expected, answers) if wanted != answer]
    assert not wrong, f"{len(wrong)} of {len(texts)}; the first (signal, expected, ours): {wrong[0]}"
    seen = Counter((code, detail) for code, detail, _ in expected)
    for kind in (("ok", "producer"), ("ok", "receiver"), ("hash_mismatch", ""), ("malformed", ""),
                 ("malformed", "entry_price"), ("invalid_field", "timestamp")):
        assert seen[kind] >= len(texts) // 5000, f"too few of {kind} among {seen}"


@pytest.mark.parametrize("vectors", shared("vectors", "hash_vectors.ndjson"))
class TestVectors:
    """The shared file, made by CPython."""

    def test_driver(self, ask, vectors):
        rows = [json.loads(line) for line in vectors.read_text().splitlines()]
        answers = verdicts(ask, [json.dumps(row["signal"]).encode() for row in rows])
        assert len(answers) == len(rows) >= 3000
        for row, answer in zip(rows, answers):
            assert_agrees(row, answer[0] == "ok", answer[1], answer[2])

    def test_program(self, build, vectors):
        """The same through `alpine-sender hash --json`, which shows no canonical text for what is no valid signal."""
        rows = [json.loads(line) for line in vectors.read_text().splitlines()]
        lines = "".join(json.dumps(row["signal"]) + "\n" for row in rows)
        run = subprocess.run([build / "sender" / "alpine-sender", "hash", "--json", "-"], input=lines, text=True,
                             capture_output=True, timeout=120)
        assert run.returncode == 3, run.stderr
        answers = [json.loads(line) for line in run.stdout.splitlines()]
        assert len(answers) == len(rows)
        for row, answer in zip(rows, answers):
            assert_agrees(row, answer.get("match") is True, answer.get("form"), answer.get("canonical"))

    def test_reference(self, vectors):
        """What the random signals are compared with agrees with the vectors too."""
        for line in vectors.read_text().splitlines():
            row = json.loads(line)
            code, form, canonical = judge(json.dumps(row["signal"]).encode())
            assert_agrees(row, code == "ok", form, canonical)


def assert_agrees(row, accepted, form, canonical):
    assert accepted is row["accept"], row
    if not accepted:
        return
    assert canonical == row["canonical"], row
    if form != row["form"]:  # either name is right where both texts are the same
        signal = parse(json.dumps(row["signal"]).encode())
        assert producer_form(signal) == receiver_form(signal), row
