"""Nothing but a receiver's own word moves a position: what the sender makes of wrong answers.

The answers are in support/wrong_answers.py. Each case mostly waits, so all that were asked for run side by side, and
the tests look at what came of them."""

import email.utils
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.argo import Argo, pairs
from support.fake_receiver import FakeReceiver, right_answer
from support.sender import Sender
from support.waiting import stays, wait_for
from support.wrong_answers import ERROR, HTML, HTML_TYPE, TO_A_BATCH, TO_A_SINGLE_SIGNAL, TO_ALL, having

pytestmark = pytest.mark.slow

SETTINGS = {"ALPINE_RETRY_FIRST": 0.05, "ALPINE_PROBE_INTERVAL": 0.2, "ALPINE_REQUEST_TIMEOUT": 1}
MEMORY_MAX = 64 * 1024  # KiB
ATTEMPTS = 3
LEAST_TIME = 0.3  # seconds in which one that spins would show it
SIDE_BY_SIDE = 16


@dataclass(frozen=True, eq=False)
class Case:
    """An answer, and how many signals wait when it comes."""

    answer: object
    signals: int


def cases(answers, signals):
    return [pytest.param(Case(answer, signals), id=f"{'batch' if signals > 1 else 'single'}: {name}")
            for name, answer in answers.items()]


CASES = (cases({**TO_ALL, **TO_A_SINGLE_SIGNAL}, 1) + cases({**TO_ALL, **TO_A_BATCH}, 3))


class Meeting:
    """A service that meets a fake receiver."""

    def __init__(self, build, folder, answer, signals):
        self.fake = FakeReceiver(otherwise=answer).start()
        self.argo = Argo(folder)
        self.made = self.argo.write(signals)
        self.sender = Sender(build, folder, self.fake.url, self.argo.database, **SETTINGS)
        self.began = time.monotonic()

    def __enter__(self):
        self.sender.start_service()
        return self

    def __exit__(self, *_):
        for thing in (self.sender, self.argo, self.fake):
            thing.finish()

    def wait_posts(self, count, limit=20):
        wait_for(lambda: len(self.fake.posts) >= count, limit,
                 lambda: f"{count} attempts; {len(self.fake.posts)} came:\n{self.sender.log()[-3000:]}")

    def check_patience(self):
        """It tries again, and does not spin."""
        wait_for(lambda: time.monotonic() - self.began > LEAST_TIME, 5, "time to pass")
        took = time.monotonic() - self.began
        assert len(self.fake.posts) <= 10 + 40 * took, f"{len(self.fake.posts)} attempts in {took:.3f} s"

    def check_nothing_moved(self):
        status = self.sender.status()
        assert (status["delivered"], status["pending"], status["dead"], status["position"]) == (
            0, len(self.made), 0, 0), status

    def check_recovery(self, waiting=None):
        """With the right answer everything is delivered: all that was made, if nothing else was left waiting."""
        self.fake.otherwise = right_answer
        self.sender.wait_status(delivered=len(self.made), pending=0, dead=0)
        assert set(pairs(self.fake.accepted)) == set(pairs(self.made if waiting is None else waiting))
        self.sender.stop()


def peak(program):
    """The most memory that it ever had, in KiB."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{program.pid}/status").read_text()).group(1))


def addressed(answer, url):
    """The answer with ELSEWHERE filled in."""
    def made(request):
        given = answer(request) if callable(answer) else answer
        if not isinstance(given, tuple):
            return given
        status, content, *headers = given
        return status, content, {name: value.replace("ELSEWHERE", url + request.path)
                                 for name, value in (headers[0] if headers else {}).items()}
    return made


def run_case(build, folder, case):
    elsewhere = FakeReceiver().start()
    try:
        with Meeting(build, folder, addressed(case.answer, elsewhere.url), case.signals) as meeting:
            meeting.wait_posts(ATTEMPTS)
            meeting.check_nothing_moved()
            meeting.check_patience()
            if build.name == "release":  # sanitizers need more
                assert peak(meeting.sender) < MEMORY_MAX
            meeting.check_recovery()
        assert not elsewhere.requests, "the sender went where an answer told it to"
    finally:
        elsewhere.finish()


@pytest.fixture(scope="module", name="outcomes")
def fixture_outcomes(request, build, tmp_path_factory):
    """The cases of this session, each running or done."""
    asked = {item.callspec.params["case"] for item in request.session.items
             if getattr(item, "originalname", None) == test_a_wrong_answer_moves_nothing.__name__}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {case: pool.submit(run_case, build, tmp_path_factory.mktemp("case"), case) for case in asked}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_answer_moves_nothing(outcomes, case):
    outcomes[case].result()


def test_there_are_enough_of_them():
    assert len(TO_ALL) >= 60 and len(CASES) == 2 * len(TO_ALL) + len(TO_A_SINGLE_SIGNAL) + len(TO_A_BATCH)


# --- an answer that is right about some signals only ---

def partly(change):
    """The right answer to a batch with the first result changed; single signals wait."""
    def answer(request):
        status, content = right_answer(request)
        if "results" not in content:
            return 503, ERROR
        return status, {**content, "results": [change(content["results"][0]), *content["results"][1:]]}
    return answer


@pytest.mark.parametrize("change", [
    lambda result: {**result, "external_signal_id": "another"}, lambda result: {**result, "status": "pending"},
    lambda result: None, lambda result: {}], ids=["another id", "pending", "null", "empty"])
def test_the_position_waits_for_the_one_that_has_no_answer(build, tmp_path, change):
    with Meeting(build, tmp_path, partly(change), 4) as meeting:
        meeting.wait_posts(ATTEMPTS)
        status = meeting.sender.status()
        assert (status["position"], status["dead"]) == (0, 0) and status["pending"] >= 1, status
        assert meeting.made[0]["signal_id"] in meeting.fake.posts[-1].body.decode()
        meeting.check_patience()
        meeting.check_recovery(meeting.made[:1])


# --- answers that do mean never ---

NEVER = {
    "400 with a code": ((400, {"status": "error", "code": "malformed", "detail": "no"}), "malformed"),
    "422 with a code": ((422, {"status": "error", "code": "invalid_field", "detail": "no"}), "invalid_field"),
    "400 of an older receiver": ((400, {"detail": "Signal hash verification failed"}), "hash_mismatch"),
    "422 of an older receiver": ((422, {"detail": [{"msg": "field required"}]}), "invalid_field"),
    "413 with a code": ((413, {"status": "error", "code": "too_large", "detail": "no"}), "too_large"),
    "413 of what stands in front": ((413, HTML, HTML_TYPE), "too_large"),
    "422 conflict": ((422, {"status": "conflict", "signal_id": 7, "message": "no"}), "conflict"),
}


@pytest.mark.parametrize("signals", [1, 3], ids=["single", "batch"])
@pytest.mark.parametrize("answer, reason", NEVER.values(), ids=NEVER)
def test_a_refusal_with_a_reason_is_a_dead_letter_for_each(build, tmp_path, answer, reason, signals):
    with Meeting(build, tmp_path, answer, signals) as meeting:
        meeting.sender.wait_status(delivered=0, pending=0, dead=signals)
        assert {letter["reason"] for letter in meeting.sender.dead()} == {reason}
        meeting.fake.otherwise = right_answer
        later = meeting.argo.write(2)
        meeting.sender.wait_status(delivered=2, pending=0, dead=signals)
        assert pairs(meeting.fake.accepted) == pairs(later)


@pytest.mark.parametrize("status, reason", [("rejected", "invalid_field"), ("conflict", "conflict")])
def test_a_batchs_refusals_are_dead_letters(build, tmp_path, status, reason):
    with Meeting(build, tmp_path, having(status=status, code=reason, detail="no"), 3) as meeting:
        meeting.sender.wait_status(delivered=0, pending=0, dead=3)
        assert {letter["reason"] for letter in meeting.sender.dead()} == {reason}


# --- Retry-After ---

def in_seconds(seconds):
    """An HTTP date."""
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def later(status, *values):
    """An answer with this Retry-After, or these. A function among them is called for its value when it answers."""
    body = b'{"status":"error","code":"unavailable","detail":"later"}'

    def answer(_):
        lines = [f"HTTP/1.1 {status} Later", f"Content-Length: {len(body)}", "Content-Type: application/json"]
        lines += [f"Retry-After: {value() if callable(value) else value}" for value in values]
        return [("\r\n".join(lines) + "\r\n\r\n").encode() + body]
    return answer


FLOORS = {"503, 1": (503, ["1"], 1), "429, 1": (429, ["1"], 1), "500, 1": (500, ["1"], 1), "3": (503, ["3"], 3),
          "with blanks": (503, ["   2  "], 2), "two": (503, ["1", "1"], 1),
          "a date 2 s ahead": (503, [lambda: in_seconds(2)], 1)}  # a date has whole seconds


@pytest.mark.parametrize("status, values, floor", FLOORS.values(), ids=FLOORS)
def test_retry_after_is_a_floor(build, tmp_path, status, values, floor):
    with Meeting(build, tmp_path, right_answer, 0) as meeting:
        meeting.fake.script.append(later(status, *values))
        meeting.made = meeting.argo.write(2)
        meeting.wait_posts(2)
        first, second = meeting.fake.posts[:2]
        assert floor <= second.at - first.at < floor + 3
        meeting.check_recovery()


NO_FLOORS = {"0": ["0"], "negative": ["-1"], "a word": ["soon"], "empty": [""], "too large for a number": ["9" * 20],
             "a long number": ["1" * 5000], "a fraction": ["0.5"], "a number and a word": ["0 seconds"],
             "a date that is past": [lambda: in_seconds(-3600)], "the year 1": ["Mon, 01 Jan 0001 00:00:00 GMT"],
             "no date": ["Thu, 32 Nov 2026 25:61:61 GMT"], "half a date": ["Thu, 26 Nov"], "two": ["0", "soon"],
             "noise": ["\xff\xfe\x01"]}


@pytest.mark.parametrize("values", NO_FLOORS.values(), ids=NO_FLOORS)
def test_a_retry_after_that_asks_for_nothing_neither_spins_nor_hangs(build, tmp_path, values):
    with Meeting(build, tmp_path, later(503, *values), 2) as meeting:
        meeting.wait_posts(ATTEMPTS, limit=5)
        stays(lambda: meeting.sender.running, 0.3, "the sender tries on")
        meeting.check_nothing_moved()
        meeting.check_patience()
        meeting.check_recovery()


@pytest.mark.parametrize("values", [["1.5"], ["1", "soon"], ["soon", "1"]], ids=str)
def test_a_doubtful_retry_after_hangs_nothing(build, tmp_path, values):
    with Meeting(build, tmp_path, right_answer, 0) as meeting:
        meeting.fake.script.append(later(503, *values))
        meeting.made = meeting.argo.write(2)
        meeting.wait_posts(2, limit=5)
        meeting.check_recovery()
