"""A small HTTP server in threads of this process, for the far ends that Python plays."""

import os
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .ports import take_port


RESET = object()  # in what raw() sends: reset the connection


class Handler(BaseHTTPRequestHandler):
    """Hands every request to the server's answer(method, path, headers, body)."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.player.handle(self, self.command, self.path, self.headers, body)

    do_GET = do_POST = do_PUT = do_HEAD = _serve

    def reply(self, status, body=b"", headers=None):
        """Send one answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def raw(self, parts):
        """Send bytes as they are, then close. `parts` are bytes, numbers (seconds to wait) and RESET, for as long as
        the client is there."""
        self.close_connection = True
        for part in parts:
            if part is RESET:
                _reset(self.connection)
                return
            if isinstance(part, bytes):
                self.wfile.write(part)
            elif self.server.player.ending.wait(part):
                return

    def log_message(self, *_):
        """Nothing on stderr."""


def _reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def finish_request(self, request, client_address):
        """In the connection's own thread: one that says nothing does not hold up the others."""
        tls = self.player.tls
        super().finish_request(tls.wrap_socket(request, server_side=True) if tls else request, client_address)

    def handle_error(self, *_):
        """A client that goes away is nothing to talk about."""


class HttpPlayer:
    """Base of the far ends: a locked port, a thread that accepts, and handle() to be filled in. `tls` is an ssl
    context for what connects from now on."""

    tls = None

    def __init__(self):
        self._port = take_port()
        self.port = self._port.number
        self.ending = threading.Event()
        self._server = None

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self):
        self._server = _Server(("127.0.0.1", self.port), Handler)
        self._server.player = self
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def stop(self):
        """Stop accepting; the port stays ours, so that it can start again."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def finish(self):
        self.ending.set()
        self.stop()
        self._port.release()

    def handle(self, handler, method, path, headers, body):
        """Answer one request with handler.reply()."""
        raise NotImplementedError
