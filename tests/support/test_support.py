"""The support library does what the tests take for granted: a helper that cannot fail would make tests that cannot."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from http.client import HTTPException
from signal import SIGCONT, SIGSTOP

import pytest

from support import http, sigv4
from support.argo import Argo, Maker, canonical, pairs, receiver_canonical, sha256
from support.certificates import Authority
from support.elsewhere import BlackHole, OtherUser, SilentNameServer, run_with_file
from support.fake_receiver import FakeReceiver, right_answer
from support.older_receiver import OlderReceiver
from support.older_sender import OlderSender
from support.paths import BUILD, REPO
from support.ports import take_port
from support.process import Program, check_sanitizers
from support.proxy import Fault, Proxy
from support.receiver import Client
from support.server import RESET
from support.standby import Pair
from support.strace import Call, every_call, run_killed, run_traced
from support.waiting import stays, wait_for


@pytest.fixture(name="keep")
def fixture_keep():
    """Finishes at the end what it was given."""
    kept = []
    yield lambda thing: kept.append(thing) or thing
    for thing in reversed(kept):
        thing.finish()


def test_waiting_ends_at_its_limit_and_says_for_what():
    with pytest.raises(AssertionError, match="the moon"):
        wait_for(lambda: False, 0.05, "the moon")
    with pytest.raises(AssertionError, match="no longer"):
        stays(lambda: False, 0.05, "no longer")


def test_a_clock_of_running_time_leaves_out_what_the_process_slept_through(tmp_path):
    script = ("import time; from support.waiting import Stopwatch; watch = Stopwatch(); open('started', 'w').close()\n"
              "while watch.passed < 1.5: time.sleep(0.01)\n"
              "print(watch.running)")
    sleeper = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(REPO / "tests")})
    wait_for((tmp_path / "started").exists, 10, "the watch to start")
    sleeper.send_signal(SIGSTOP)
    stays(lambda: sleeper.poll() is None, 1, "it sleeps")
    sleeper.send_signal(SIGCONT)
    running = float(sleeper.communicate(timeout=30)[0])
    assert 0 < running < 1, "the second that it slept counts for a tenth"


def test_a_port_is_nobody_elses_until_it_is_released():
    ports = [take_port() for _ in range(20)]
    assert len({port.number for port in ports}) == 20
    script = "import sys; from support.ports import _lock; sys.exit(_lock(int(sys.argv[1])) is None)"
    taken = [sys.executable, "-c", script, str(ports[0].number)]
    assert subprocess.run(taken, cwd=REPO / "tests").returncode == 1
    for port in ports:
        port.release()
    assert subprocess.run(taken, cwd=REPO / "tests").returncode == 0


def shell(keep, folder, script):
    return keep(Program("shell", "/bin/sh", ["-c", script], {}, folder))


def test_a_program_gets_only_the_settings_given(keep, tmp_path, monkeypatch):
    monkeypatch.setenv("ALPINE_API_URL", "of the developer's own")
    program = shell(keep, tmp_path, "env; exit 0").start()
    program.wait()
    assert "ALPINE_API_URL" not in program.out() and "PATH=" in program.out()


def test_an_end_that_nobody_asked_for_is_a_failure(keep, tmp_path):
    program = Program("shell", "/bin/sh", ["-c", "exit 3"], {}, tmp_path).start()
    wait_for(lambda: not program.running, 5, "its end")
    with pytest.raises(AssertionError, match="had ended with 3"):
        program.finish()
    keep(program.start()).wait()


def test_a_phrase_that_never_comes_is_a_failure_as_soon_as_the_program_ends(keep, tmp_path):
    program = shell(keep, tmp_path, "echo something >&2; exit 0").start()
    with pytest.raises(AssertionError, match="ended with 0 before"):
        program.wait_log("something else", 30)
    program.wait()


def test_a_program_that_was_just_started_is_not_stopped_before_it_minds_the_signal(keep, tmp_path):
    program = shell(keep, tmp_path, "sleep 0.3; trap 'exit 0' TERM; while :; do sleep 0.02; done").start()
    program.stop()
    assert program.code == 0


@pytest.mark.parametrize("report", [
    "==12==ERROR: AddressSanitizer: heap-use-after-free", "WARNING: ThreadSanitizer: data race (pid=1)",
    "common/base/buf.c:17:5: runtime error: signed integer overflow", "==1==ERROR: LeakSanitizer: detected memory leaks"])
def test_a_sanitizers_report_is_a_failure(report):
    with pytest.raises(AssertionError, match="sanitizer"):
        check_sanitizers(f"an ordinary line\n{report}\n", "a program")


# --- the model of Argo ---

def test_argo_is_the_same_for_the_same_seed(tmp_path):
    first, second = (Argo(tmp_path / name, seed=3) for name in "ab")
    assert first.write(70) == second.write(70)
    assert first.rows() == second.rows() and len(first.rows()) == 70
    assert first.log.read_text() == second.log.read_text()


def test_argos_log_rotates_either_way(tmp_path):
    argo = Argo(tmp_path)
    argo.append(argo.maker.signals(1))
    first, number = argo.log.read_text(), argo.log.stat().st_ino
    assert argo.rotate().read_text() == first and argo.log.read_text() == ""
    assert argo.log.stat().st_ino != number
    argo.append_raw(b"second")
    number = argo.log.stat().st_ino
    assert argo.copy_and_truncate().read_text() == "second" and argo.log.stat().st_size == 0
    assert argo.log.stat().st_ino == number
    assert (tmp_path / "signals.log.2").read_text() == first
    assert argo.rotate("elsewhere", recreate=False).exists() and not argo.log.exists()


def test_argos_table_can_be_spoilt_and_replaced_by_a_backup(tmp_path):
    argo = Argo(tmp_path)
    made = argo.write(2)
    backup = argo.back_up()
    argo.spoil(made[0], sha256="wrong")
    assert (made[0]["signal_id"], "wrong") in argo.rows()
    argo.replace(backup)
    assert argo.rows() == pairs(made)
    argo.remove()
    assert argo.rows() == []


def test_the_two_forms_differ_where_the_contract_says_so():
    signal = Maker(1).signal(entry_price=267, action="buy")
    assert '"entry_price": 267,' in canonical(signal) and '"buy"' in canonical(signal)
    assert '"entry_price": 267.0,' in receiver_canonical(signal) and '"BUY"' in receiver_canonical(signal)
    del signal["target_price"], signal["strategy"]
    assert "target_price" not in canonical(signal) and '"target_price": null' in receiver_canonical(signal)
    assert '"strategy": "weighted_consensus_v6"' in receiver_canonical(signal)
    signal["take_profit"] = 300
    assert '"target_price": 300.0' in receiver_canonical(signal)


# --- the far ends and what lies between ---

def test_the_older_ends_understand_each_other(keep):
    older = keep(OlderReceiver()).start()
    signals = Maker(2).signals(20)
    forged = {**Maker(9).signal(), "sha256": sha256("something else")}
    sender = OlderSender(Client(older.port))
    sender.send([*signals, forged, *signals])
    assert sorted(older.stored) == pairs(signals)
    assert sender.given_up == [forged["signal_id"]] and set(sender.statuses) == {201, 400}


def test_the_older_receiver_has_no_batch_and_minds_the_key(keep):
    older = keep(OlderReceiver()).start()
    assert Client(older.port).batch([]).status == 404
    assert Client(older.port, "wrong").post(Maker(1).signal()).status == 401
    assert Client(older.port).health().status == 200


def test_the_older_sender_tries_a_5xx_four_times(keep):
    fake = keep(FakeReceiver(otherwise=(500, "oops"))).start()
    sender = OlderSender(Client(fake.port))
    sender.send(Maker(1).signals(1))
    assert sender.statuses == [500] * 4 and len(sender.given_up) == 1


@pytest.mark.parametrize("fault, arrives", [
    (Fault(refuse=True), False), (Fault(cut_request_after=10), False), (Fault(cut_request_after=400), False),
    (Fault(swallow_answer=True), True), (Fault(cut_answer_after=30), True),
    (Fault(cut_request_after=400, close=True), False)], ids=str)
def test_the_proxy_breaks_what_it_should(keep, fault, arrives):
    fake = keep(FakeReceiver()).start()
    proxy = keep(Proxy(fake.port)).start()
    proxy.next.append(fault)
    with pytest.raises((OSError, HTTPException)):
        Client(proxy.port).post(Maker(1).signal())
    assert bool(fake.accepted) == arrives
    assert Client(proxy.port).post(Maker(1).signal()).status == 201


def test_the_fake_receiver_counts_what_comes_and_how_much_at_once(keep):
    def slowly(request):
        wait_for(lambda: fake.most_at_once == 2, 5, "the other request")
        return right_answer(request)

    fake = keep(FakeReceiver(otherwise=slowly)).start()
    signal, other = Maker(1).signals(2)
    posts = [threading.Thread(target=Client(fake.port).post, args=[one]) for one in (signal, other)]
    for post in posts:
        post.start()
    for post in posts:
        post.join()
    assert fake.most_at_once == 2 and pairs(fake.accepted) == pairs([signal, other])
    fake.script.append((503, "oops"))
    Client(fake.port).post(signal)
    assert fake.times_posted == {signal["signal_id"]: 2, other["signal_id"]: 1} and len(fake.accepted) == 2


def test_a_silent_proxy_says_nothing(keep):
    proxy = keep(Proxy(keep(FakeReceiver()).start().port, Fault(silence=True))).start()
    with pytest.raises(socket.timeout):
        http.request(proxy.port, "GET", "/", limit=0.2)


def all_that_comes(connection):
    """What the other side sends before it closes; None when it resets."""
    try:
        return connection.socket.makefile("rb").read()
    except ConnectionResetError:
        return None


@pytest.mark.parametrize("close, seen", [(False, None), (True, b"HTTP/1.1 ")], ids=["reset", "close"])
def test_the_proxy_ends_a_connection_as_it_should(keep, close, seen):
    fault = Fault(cut_answer_after=9, close=close)
    proxy = keep(Proxy(keep(FakeReceiver()).start().port, fault)).start()
    with http.RawConnection(proxy.port, limit=5) as connection:
        connection.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert all_that_comes(connection) == seen
    assert proxy.answer_bytes == 9


def test_the_fake_receiver_says_any_bytes(keep):
    fake = keep(FakeReceiver()).start()
    for parts, seen in (([b"no HTTP", 0.01, b" at all"], b"no HTTP at all"), ([], b""), ([RESET], None)):
        fake.script.append(parts)
        with http.RawConnection(fake.port, limit=5) as connection:
            connection.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            assert all_that_comes(connection) == seen


def test_every_system_call_can_be_killed_at(tmp_path):
    script = ["/bin/sh", "-c", "echo one >> said; echo two >> said"]
    calls = run_traced(script, {}, tmp_path)
    (tmp_path / "said").unlink()
    assert calls["write"] == 2
    assert run_killed(Call("write", 2), script, {}, tmp_path)
    assert (tmp_path / "said").read_text() == "one\n", "the second was not done"
    assert not run_killed(Call("write", 3), script, {}, tmp_path)
    assert every_call(calls, lambda call: run_killed(call, script, {}, tmp_path)) == calls.total()


def test_the_clusters_durability_is_on(postgres):
    settings = postgres.psql("postgres", "-At", "-c", "SHOW fsync", "-c", "SHOW synchronous_commit")
    assert settings.split() == ["on", "on"]


@pytest.mark.slow
def test_what_a_pair_acknowledged_is_there_after_each_failover(keep):
    pair = keep(Pair(BUILD / f"test-pair-{os.getpid()}"))
    pair.primary.create_database(name="kept")
    pair.primary.sql("CREATE TABLE numbers (number integer)", name="kept")
    ports = [pair.primary.port.number]
    for number in range(3):
        pair.primary.sql(f"INSERT INTO numbers VALUES ({number})", name="kept")
        ports.append(pair.fail_over().port.number)
        pair.primary.sql(f"INSERT INTO numbers VALUES ({number + 10})", name="kept")
        pair.rebuild()
    rows = pair.database("kept").query("SELECT number FROM numbers ORDER BY number")
    assert [row["number"] for row in rows] == [0, 1, 2, 10, 11, 12]
    assert ports == ports[:2] * 2


@pytest.mark.slow
def test_a_pair_acknowledges_nothing_without_its_standby(keep):
    pair = keep(Pair(BUILD / f"test-pair-{os.getpid()}"))
    pair.standby.kill9()
    commit = threading.Thread(target=pair.primary.sql, args=["CREATE TABLE numbers (number integer)"], daemon=True)
    commit.start()
    stays(commit.is_alive, 0.3, "it was acknowledged without the standby")
    pair.standby.start()
    wait_for(lambda: not commit.is_alive(), 20, "the commit")


def test_signatures_of_amazons_own_example_come_out_right():
    """The request and the signature of the "complete signature" example in Amazon's description."""
    headers = [("Host", "iam.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z"),
               ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]
    secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    right = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    said = sigv4.claim("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                       f"SignedHeaders=content-type;host;x-amz-date, Signature={right}")
    canonical = sigv4.canonical_request("GET", "/?Version=2010-05-08&Action=ListUsers", headers, said.signed, b"")
    assert sigv4.signature(secret_key, said, "20150830T123600Z", canonical) == right
    assert sigv4.signature(secret_key + "x", said, "20150830T123600Z", canonical) != right
    assert sigv4.canonical_request("GET", "/", headers[:2], said.signed, b"") is None


# --- another host, another user ---

def test_a_black_hole_takes_no_connection(keep):
    hole = keep(BlackHole())
    with pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", hole.port), timeout=0.5)


@pytest.mark.slow
def test_a_silent_name_server_is_asked_and_says_nothing(keep, tmp_path):
    server = keep(SilentNameServer(tmp_path))
    code = "import socket; socket.getaddrinfo('alpine.example', 1)"
    with pytest.raises(subprocess.TimeoutExpired):
        run_with_file(server.file, "/etc/resolv.conf", sys.executable, ["-c", code], {}, limit=1.5)


def test_another_user_has_other_rights(keep, tmp_path):
    other = keep(OtherUser())
    file = tmp_path / "ours"
    file.touch(mode=0o600)
    assert other.run("/usr/bin/test", ["-r", file], {}).code == 1
    assert other.run("/usr/bin/test", ["-r", "/etc/passwd"], {}).code == 0


def test_certificates_end_when_they_should(keep, tmp_path):
    authority, far_end = Authority(tmp_path / "authority"), keep(FakeReceiver())
    trust = ssl.create_default_context(cafile=str(authority.file))
    far_end.start()
    for days, good in ((1, True), (-1, False)):
        far_end.tls = authority.context(days=days)
        with socket.create_connection(("127.0.0.1", far_end.port), timeout=10) as plain:
            try:
                trust.wrap_socket(plain, server_hostname="localhost").close()
                assert good
            except ssl.SSLCertVerificationError as error:
                assert not good and "expired" in str(error)
