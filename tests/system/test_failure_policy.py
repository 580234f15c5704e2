"""Again, hold, never: when the sender comes back, how often, how many at once, and how soon at full speed again."""

import contextlib
import email.utils
import os
import socket
import threading
import time

import pytest

from support.argo import canonical, pairs, sha256
from support.fake_receiver import right_answer
from support.ports import take_port
from support.proxy import Fault
from support.waiting import Stopwatch, stays, wait_for

DOWN = "Alpine backend is down: "
UNAVAILABLE = (503, {"status": "error", "code": "unavailable", "detail": "later"})
FORBIDDEN = (401, {"status": "error", "code": "unauthorized", "detail": "no"})


def gaps(far_end):
    """Seconds between the posts, for lower limits."""
    return differences([post.at for post in far_end.posts])


def running_gaps(far_end):
    """The same for upper limits."""
    return differences([post.running_at for post in far_end.posts])


def differences(times):
    return [later - sooner for sooner, later in zip(times, times[1:])]


def everything_accepted(far_end, made, limit=20):
    wait_for(lambda: len({signal["signal_id"] for signal in list(far_end.accepted)}) == len(made), limit,
             lambda: f"{len(made)} signals; {len(far_end.accepted)} were accepted")
    assert set(pairs(far_end.accepted)) == set(pairs(made))


# --- again ---

def unavailable_after(event):
    """An answer that is held back until the event."""
    return lambda _: event.wait(30) and UNAVAILABLE


@pytest.mark.slow
def test_three_quick_retries_and_then_the_link_counts_as_down(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    last_retry, probe = threading.Event(), threading.Event()
    far_end.script += [UNAVAILABLE] * 3 + [unavailable_after(last_retry)]
    far_end.otherwise = unavailable_after(probe)
    argo.write(1)
    sender = stage.sender(far_end, argo, ALPINE_RETRY_FIRST=0.2, ALPINE_PROBE_INTERVAL=0.3,
                          ALPINE_REQUEST_TIMEOUT=30).start_service()
    wait_for(lambda: len(far_end.posts) == 4, 10, "the first try and three retries")
    assert DOWN not in sender.log(), "not before the last of them"
    last_retry.set()
    sender.wait_log(DOWN + far_end.url)
    wait_for(lambda: len(far_end.posts) == 5, 10, "a probe")
    probe.set()
    assert any(DOWN in line and " error " in line for line in sender.log().splitlines())
    wait_for(lambda: len(far_end.posts) > 12, 20, "probes")
    assert sender.log().count(DOWN) == 1, "said once"
    far_end.otherwise = right_answer
    sender.wait_log("Alpine backend is back: " + far_end.url)
    sender.settled(delivered=1)


@pytest.mark.slow
def test_the_quick_retries_come_after_up_to_1_2_and_4_seconds(stage):
    far_end, argo = stage.fake_receiver(otherwise=UNAVAILABLE), stage.argo()
    argo.write(1)
    sender = stage.sender(far_end, argo, ALPINE_PROBE_INTERVAL=None).start_service()
    sender.wait_log(DOWN, 15)
    for gap, running_gap, longest in zip(gaps(far_end), running_gaps(far_end), (1, 2, 4)):
        assert 0.05 < gap and running_gap < longest + 0.3, gaps(far_end)


@pytest.mark.slow
def test_pauses_have_full_jitter(stage):
    """Senders that fail together must not come back together: the first pause is anywhere between none and all."""
    pauses = []
    for number in range(8):
        far_end = stage.fake_receiver(otherwise=UNAVAILABLE)
        argo = stage.argo(name=f"argo{number}", seed=number)
        argo.write(1)
        sender = stage.sender(far_end, argo, f"sender{number}", ALPINE_RETRY_FIRST=1).start_service()
        pauses.append((far_end, sender))
    for far_end, sender in pauses:
        wait_for(lambda far_end=far_end: len(far_end.posts) >= 2, 10, "a second try")
        sender.stop()
    firsts = [gaps(far_end)[0] for far_end, _ in pauses]
    assert max(running_gaps(far_end)[0] for far_end, _ in pauses) < 1.3, firsts
    assert max(firsts) - min(firsts) > 0.25, firsts


@pytest.mark.parametrize("count", [1, 3], ids=["single", "batch"])
def test_what_is_sent_again_is_the_same_byte_for_byte(stage, count):
    """A whole number that turned into a float on the way would no longer have its hash."""
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.script.extend([UNAVAILABLE] * 3)
    made = [argo.maker.signal(entry_price=267, confidence=70, strategy="señal_β") for _ in range(count)]
    argo.commit(made)
    sender = stage.sender(far_end, argo, ALPINE_RETRY_FIRST=0.1).start_service()
    sender.settled(delivered=count)
    assert len(far_end.posts) == 4 and len({post.body for post in far_end.posts}) == 1
    assert [sha256(canonical(signal)) for signal in far_end.accepted] == [signal["sha256"] for signal in made]


@pytest.mark.slow
@pytest.mark.parametrize("answer", [UNAVAILABLE, FORBIDDEN], ids=["again", "hold"])
def test_while_the_link_is_down_one_probe_at_a_time_goes_out(stage, answer):
    def slowly(_request):
        time.sleep(0.15)
        return answer

    far_end, argo = stage.fake_receiver(otherwise=UNAVAILABLE), stage.argo()
    argo.write(200)
    settings = {"ALPINE_RETRY_FIRST": 0.05, "ALPINE_PROBE_INTERVAL": 0.2, "ALPINE_BATCH_MAX": 10}
    sender = stage.sender(far_end, argo, **settings).start_service()
    sender.wait_log(DOWN)
    far_end.otherwise = slowly
    seen = len(far_end.posts)
    wait_for(lambda: len(far_end.posts) > seen, 10, "the first probe of the slow far end")
    far_end.most_at_once = 0
    wait_for(lambda: len(far_end.posts) > seen + 8, 20, "probes")
    assert far_end.most_at_once == 1
    assert max(running_gaps(far_end)[seen:]) < 0.2 + 0.15 + 0.5, gaps(far_end)
    sender.wait_status(delivered=0, dead=0, pending=200)


@pytest.mark.slow
@pytest.mark.parametrize("down", ["answers", "refuses", "silent"])
def test_full_speed_within_one_probe_of_recovery(stage, down):
    far_end, argo = stage.fake_receiver(), stage.argo()
    proxy = stage.proxy(far_end)
    made = argo.write(3000)
    if down == "answers":
        far_end.otherwise = UNAVAILABLE
    else:
        proxy.always = Fault(refuse=down == "refuses", silence=down == "silent")
    settings = {"ALPINE_RETRY_FIRST": 0.02, "ALPINE_PROBE_INTERVAL": 0.5, "ALPINE_REQUEST_TIMEOUT": 0.4,
                "ALPINE_BATCH_MAX": 20}
    sender = stage.sender(proxy, argo, **settings).start_service()
    sender.wait_log(DOWN)
    stays(lambda: not far_end.accepted, 1.5, "nothing can have arrived")
    far_end.most_at_once = 0
    watch = Stopwatch()
    far_end.otherwise = right_answer
    proxy.change(Fault())
    everything_accepted(far_end, made)
    took = watch.running
    assert took < 0.5 + 0.4 + 2, f"{took:.1f} s for 150 requests after the far end was back"
    assert far_end.most_at_once > 1, "one request at a time is not full speed"


def test_one_bad_moment_does_not_count_as_down(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.script.extend([UNAVAILABLE] * 2)
    made = argo.write(5)
    sender = stage.sender(far_end, argo, ALPINE_RETRY_FIRST=0.05).start_service()
    everything_accepted(far_end, made)
    assert DOWN not in sender.log()


def test_down_is_said_again_for_another_outage(stage):
    far_end, argo = stage.fake_receiver(), stage.argo()
    settings = {"ALPINE_RETRY_FIRST": 0.02, "ALPINE_PROBE_INTERVAL": 0.1}
    sender = stage.sender(far_end, argo, **settings).start_service()
    made = []
    for outage in (1, 2, 3):
        far_end.otherwise = UNAVAILABLE
        made += argo.write(2)
        sender.wait_log(DOWN, times=outage)
        far_end.otherwise = right_answer
        everything_accepted(far_end, made)
    assert sender.log().count(DOWN) == 3


# --- Retry-After ---

@pytest.mark.slow
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_a_floor_in_either_form(stage, form):
    def answer(_request):
        later = "3" if form == "seconds" else email.utils.formatdate(time.time() + 4, usegmt=True)
        return (*UNAVAILABLE, {"Retry-After": later})

    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.script.append(answer)
    argo.write(1)
    stage.sender(far_end, argo, ALPINE_RETRY_FIRST=0.05).start_service()
    wait_for(lambda: len(far_end.posts) == 2, 15, "the second post")
    assert 2.9 < gaps(far_end)[0] < 6, gaps(far_end)


@pytest.mark.parametrize("value", ["", "soon", "-5", "0", "Sun, 06 Nov 1994 08:49:37 GMT",
                                   "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                                   "Tue, 99 Foo 2026 99:99:99 GMT"])
def test_a_retry_after_that_says_nothing_is_no_reason_to_wait(stage, value):
    far_end, argo = stage.fake_receiver(), stage.argo()
    far_end.script.append((*UNAVAILABLE, {"Retry-After": value}))
    argo.write(1)
    stage.sender(far_end, argo, ALPINE_RETRY_FIRST=0.05).start_service()
    wait_for(lambda: len(far_end.posts) == 2, 3, "the second post")


# --- no answer ---

def test_a_request_without_an_answer_ends_at_its_limit(stage):
    receiver, argo = stage.receiver(), stage.argo()
    made = argo.write(1)
    proxy = stage.proxy(receiver)
    proxy.next.extend([Fault(silence=True)] * 2)  # the health check at the start, and the first post
    watch = Stopwatch()
    sender = stage.sender(proxy, argo, ALPINE_REQUEST_TIMEOUT=0.5, ALPINE_RETRY_FIRST=0.05).start_service()
    sender.wait_log("Connection error - Alpine backend unreachable", 5)
    assert 0.4 < watch.passed and watch.running < 3
    sender.settled(delivered=1)
    assert receiver.database.stored() == pairs(made)


class Trickle:
    """Answers one byte a second, so that something is always coming and nothing ever arrives."""

    def __init__(self):
        self._port = take_port()
        self._end = threading.Event()
        self.url = f"http://127.0.0.1:{self._port.number}"
        self._listener = socket.create_server(("127.0.0.1", self._port.number))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._answer, args=[self._listener.accept()[0]], daemon=True).start()

    def _answer(self, client):
        with client, contextlib.suppress(OSError):
            client.recv(65536)
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b" " * 100:
                client.sendall(bytes([byte]))
                if self._end.wait(0.1):
                    return

    def finish(self):
        self._end.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._port.release()


@pytest.mark.slow
def test_an_answer_that_trickles_in_is_no_answer(stage):
    far_end, argo = stage.keep(Trickle()), stage.argo()
    argo.write(1)
    sender = stage.sender(far_end, argo, ALPINE_REQUEST_TIMEOUT=0.5, ALPINE_RETRY_FIRST=0.05).start_service()
    sender.wait_log("Connection error - Alpine backend unreachable", 5)
    sender.wait_log(DOWN, 20)
    sender.wait_status(delivered=0, pending=1, dead=0)


class FullHouse:
    """Listens, but its queue is full: a connection is neither made nor refused."""

    def __init__(self):
        self._port = take_port()
        self.port = self._port.number
        self.url = f"http://127.0.0.1:{self.port}"
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen(0)
        self._guests = []
        for _ in range(4):
            guest = socket.socket()
            guest.setblocking(False)
            guest.connect_ex(("127.0.0.1", self.port))
            self._guests.append(guest)

    def finish(self):
        for guest in self._guests:
            guest.close()
        self._listener.close()
        self._port.release()


@pytest.mark.slow
@pytest.mark.parametrize("limit", [None, 0.5], ids=["default", "half a second"])
def test_a_connection_that_is_not_made_ends_at_its_limit(stage, limit):
    far_end, argo = stage.keep(FullHouse()), stage.argo()
    argo.write(1)
    watch = Stopwatch()
    sender = stage.sender(far_end, argo, ALPINE_CONNECT_TIMEOUT=limit)
    sender.start()
    sender.wait_log("Connection error - Alpine backend unreachable", 15)
    assert (limit or 5) - 0.1 < watch.passed and watch.running < (limit or 5) + 3


@pytest.mark.slow
def test_the_default_limit_of_an_answer_is_10_seconds(stage):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(1)
    sender = stage.sender(stage.proxy(receiver, always=Fault(silence=True)), argo)
    watch = Stopwatch()
    sender.start()
    sender.wait_log("Connection error - Alpine backend unreachable", 20)
    assert 9.8 < watch.passed and watch.running < 14


# --- names ---

def with_own_hosts(sender, file):
    """The sender sees this file as /etc/hosts; whoever may mount can do that for one process alone."""
    words = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []),
             "sh", "-ec", 'mount --bind "$0" /etc/hosts; exec "$@"', str(file)]
    sender.arguments = [*words[1:], str(sender.program), *sender.arguments]
    sender.program = words[0]
    return sender


def rewrite(file, text):
    """In place, since it is mounted, and never empty: a name that is not in it is asked of a name server, at length."""
    with open(file, "r+", encoding="utf-8") as opened:
        opened.write(text)
        opened.truncate()


@pytest.mark.slow
@pytest.mark.parametrize("before", ["127.0.0.2 alpine.test\n", "", "127.0.0.2 alpine.test\n127.0.0.3 alpine.test\n"],
                         ids=["another address", "no such name", "two addresses"])
def test_a_name_is_looked_up_again(stage, before):
    far_end, argo = stage.fake_receiver(), stage.argo()
    made = argo.write(3)
    hosts = stage.folder / "hosts"
    hosts.write_text(before)
    sender = stage.sender(far_end, argo, ALPINE_RETRY_FIRST=0.1, ALPINE_PROBE_INTERVAL=0.3,
                          ALPINE_API_URL=f"http://alpine.test:{far_end.port}")
    with_own_hosts(sender, hosts).start()
    sender.wait_log(DOWN, 20)
    rewrite(hosts, "127.0.0.1 alpine.test\n")
    everything_accepted(far_end, made, 5)


def test_a_name_that_moves_while_all_is_well_is_followed(stage):
    """The old address stops answering, as in a fail-over; the new one must not wait for a cache to forget."""
    old, new, argo = stage.fake_receiver(), stage.fake_receiver(), stage.argo()
    proxy = stage.proxy(old)
    hosts = stage.folder / "hosts"
    hosts.write_text("127.0.0.1 alpine.test\n")
    made = argo.write(3)
    sender = stage.sender(proxy, argo, ALPINE_RETRY_FIRST=0.1, ALPINE_PROBE_INTERVAL=0.3,
                          ALPINE_API_URL=f"http://alpine.test:{proxy.port}")
    with_own_hosts(sender, hosts).start()
    sender.wait_log("Signal synced to Alpine", times=len(made))  # an answer that is cut off would be asked for again
    proxy.stop()
    listener = stage.keep(Relay(("127.0.0.2", proxy.port), new.port))
    rewrite(hosts, "127.0.0.2 alpine.test\n")
    late = argo.write(3)
    everything_accepted(new, late, 5)
    assert listener.connections


class Relay:
    """The same port at another address, passed on to a far end."""

    def __init__(self, address, port):
        self._listener = socket.create_server(address)
        self._port = port
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                self.connections += 1
                server = socket.create_connection(("127.0.0.1", self._port))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    @staticmethod
    def _pump(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def finish(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


# --- a slow database ---

@pytest.mark.slow
def test_batches_that_the_database_takes_too_long_for_get_smaller(stage):
    """The receiver answers 503 each time, and in time: that it takes so long is the sign. All at once they would take
    3 seconds, twice as long as an insert may."""
    receiver, argo = stage.receiver(ALPINE_REQUEST_TIMEOUT=3), stage.argo()
    receiver.database.query("""
        CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION slow()""", role="alpine_owner")
    made = argo.write(300)
    sender = stage.sender(receiver, argo, ALPINE_RETRY_FIRST=0.05, ALPINE_PROBE_INTERVAL=0.5).start_service()
    sender.settled(delivered=300, limit=60)
    assert receiver.database.stored() == pairs(made)
