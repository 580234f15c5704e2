"""alpine-receiver as a process, with a client for its API."""

import json

from . import http
from .ports import take_port
from .process import Program
from .waiting import wait_for

PREFIX = "/api/v1/external-signals/sync"
KEY = "test-key-4f1d2c3b5a69788796a5b4c3d2e1f00f"


class Client:
    """Calls the API of whatever listens on a port."""

    def __init__(self, port, key=KEY):
        self.port = port
        self.key = key

    @property
    def url(self):
        """What the sender's ALPINE_API_URL gets."""
        return f"http://127.0.0.1:{self.port}"

    def get(self, path, limit=30, **headers):
        return http.request(self.port, "GET", path, headers=_names(headers), limit=limit)

    def call(self, method, path, body=None, content_type=http.JSON, key=..., limit=30, **headers):
        """Any call. `key` None leaves the header out; header names are given with underscores; `limit` is in
        seconds."""
        key = self.key if key is ... else key
        sent = _names(headers)
        if key is not None:
            sent["X-API-Key"] = key
        if content_type is not None:
            sent["Content-Type"] = content_type
        return http.request(self.port, method, path, _bytes(body), sent, limit)

    def post(self, signal, query="", **options):
        """POST /signal. `signal` is a dictionary, or the body itself."""
        return self.call("POST", f"{PREFIX}/signal{query}", signal, **options)

    def batch(self, signals, content_type=http.NDJSON, **options):
        """POST /batch. `signals` is a list (sent as the content type says), or the body itself."""
        if isinstance(signals, list):
            lines = [line if isinstance(line, str) else json.dumps(line) for line in signals]
            signals = "".join(line + "\n" for line in lines) if content_type == http.NDJSON else f"[{','.join(lines)}]"
        return self.call("POST", f"{PREFIX}/batch", signals, content_type=content_type, **options)

    def health(self):
        return self.get(f"{PREFIX}/health")

    def ready(self):
        try:
            return self.get("/readyz", limit=3).status == 200
        except OSError:
            return False

    def head(self, method="POST", path=PREFIX + "/signal", *lines):
        """The beginning of a raw request, key and Host included, without the blank line."""
        first = [f"{method} {path} HTTP/1.1", "Host: localhost", f"X-API-Key: {self.key}", *lines]
        return "\r\n".join(first) + "\r\n"


def _names(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _bytes(body):
    if body is None or isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


class Receiver(Program, Client):
    """`alpine-receiver serve` on a port of its own."""

    def __init__(self, build, folder, database_url, name="receiver", arguments=(), outlives_us=False, **settings):
        self._port = take_port()
        given = {
            "DATABASE_URL": database_url,
            "EXTERNAL_SIGNAL_API_KEY": KEY,
            "ALPINE_LISTEN": f"127.0.0.1:{self._port.number}",
            **settings,
        }
        program = build / "receiver" / "alpine-receiver"
        Program.__init__(self, name, program, ["serve", *arguments], given, folder, outlives_us)
        Client.__init__(self, self._port.number, given["EXTERNAL_SIGNAL_API_KEY"] or KEY)

    def start_ready(self, limit=30):
        """Start, and wait until it says that it can store."""
        self.start()
        self.wait_ready(limit)
        return self

    def wait_ready(self, limit=30):
        wait_for(self._is_ready, limit, lambda: f"{self.name} to be ready:\n{self.log()[-3000:]}")

    def _is_ready(self):
        assert self.running, f"{self.name} ended with {self.code}:\n{self.log()[-3000:]}"
        return self.ready()

    def wait_unready(self, limit=30):
        wait_for(lambda: not self.ready(), limit, lambda: f"{self.name} to be unready:\n{self.log()[-3000:]}")

    def restart_ready(self, **settings):
        self.restart(**settings)
        self.wait_ready()

    def finish(self):
        super().finish()
        self._port.release()
