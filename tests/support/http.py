"""HTTP as a test needs it: a plain client, and raw bytes for requests that no client would send."""

import contextlib
import http.client
import json
import socket
from dataclasses import dataclass, field

JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self):
        return json.loads(self.body)

    def header(self, name):
        """A header's value, whatever the case of its name; None when absent."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)

    def __str__(self):
        return f"{self.status} {self.headers} {self.body[:500]!r}"


def request(port, method, path, body=None, headers=None, limit=30):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit)
    try:
        return request_on(connection, method, path, body, headers)
    finally:
        connection.close()


def request_on(connection, method, path, body=None, headers=None):
    """One request on an http.client connection that stays open. An answer that comes before the whole body was sent
    is an answer, even when the rest of the body is no longer wanted."""
    try:
        connection.request(method, path, body=body, headers=headers or {})
    except (BrokenPipeError, ConnectionResetError):
        if connection.sock is None:
            raise
    answer = connection.getresponse()
    return Answer(answer.status, dict(answer.getheaders()), answer.read())


class _Shared:
    """One buffered reader for all answers of a connection: a reader for each would swallow what the next one needs."""

    def __init__(self, file):
        self._file = file

    def makefile(self, *_args):
        return self

    def close(self):
        """HTTPResponse closes what it has read from; the connection goes on."""

    def __getattr__(self, name):
        return getattr(self._file, name)


class RawConnection:
    """A socket that sends exactly the bytes it is told."""

    def __init__(self, port, limit=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=limit)
        self._reader = _Shared(self.socket.makefile("rb"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def answer(self):
        """The next answer."""
        parsed = http.client.HTTPResponse(self._reader)
        try:
            parsed.begin()
        except TimeoutError:
            raise AssertionError(f"no answer within {self.socket.gettimeout()} s") from None
        return Answer(parsed.status, dict(parsed.getheaders()), parsed.read())

    def hang_up(self):
        """At once; a mere close() waits for whoever still reads from it."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def is_closed(self):
        """Whether the other side closes now (waits up to the connection's limit). What it says before that is not
        looked at: libmicrohttpd sends the header of its own errors twice."""
        try:
            self._reader.read()
            return True
        except ConnectionResetError:
            return True


def raw(port, data, limit=30):
    """Send bytes as they are; the answer, and whether the connection was closed after it."""
    with RawConnection(port, limit) as connection:
        connection.send(data)
        answer = connection.answer()
        connection.socket.settimeout(2)
        try:
            return answer, connection.is_closed()
        except TimeoutError:
            return answer, False
