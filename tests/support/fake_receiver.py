"""A receiver that answers as a script says, to see what the sender makes of wrong answers."""

import json
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from .receiver import PREFIX
from .server import HttpPlayer
from .waiting import running_time


@dataclass
class Request:
    """What came in."""

    method: str
    path: str
    headers: dict
    body: bytes
    at: float = field(default_factory=time.monotonic)  # when it came
    running_at: float = field(default_factory=running_time)  # the same, for upper limits

    @property
    def signals(self):
        """The signals in it, whichever of the three ways they came; none that is compressed can be read here."""
        if "Content-Encoding" in self.headers:
            return []
        text = self.body.decode()
        if text.lstrip().startswith("["):
            return json.loads(text)
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def right_answer(request):
    """What a receiver that stores everything would say: (status, body)."""
    if request.method == "GET":
        return 200, {"status": "healthy", "service": "Alpine Analytics - External Signal Sync",
                     "endpoint": f"{PREFIX}/signal"}
    if request.path.startswith(f"{PREFIX}/batch"):
        results = [{"status": "success", "signal_id": number, "alpine_signal_id": number,
                    "external_signal_id": signal["signal_id"]}
                   for number, signal in enumerate(request.signals, 1)]
        return 200, {"results": results, "stored": len(results), "duplicates": 0, "rejected": 0}
    return 201, {"status": "success", "message": "Signal stored successfully", "signal_id": 1, "alpine_signal_id": 1,
                 "external_signal_id": request.signals[0].get("signal_id")}


class FakeReceiver(HttpPlayer):
    """`script` holds answers for the next POSTs, each (status, body) or (status, body, headers) or a function of the
    request that gives one; then `otherwise` answers. A body is a dictionary, text or bytes. An answer that is no tuple
    is what Handler.raw() sends. Health is always right, unless `health` says otherwise."""

    def __init__(self, otherwise=right_answer, health=right_answer):
        super().__init__()
        self.script = deque()
        self.otherwise = otherwise
        self.health = health
        self.requests = []
        self.accepted = []
        self.most_at_once = 0  # POSTs that were under way together; may be set back to 0
        self._under_way = 0
        self._lock = threading.Lock()

    @property
    def posts(self):
        """The POSTs so far."""
        return [request for request in list(self.requests) if request.method == "POST"]

    @property
    def times_posted(self):
        """How often each signal_id came in, whatever was answered."""
        return Counter(signal["signal_id"] for request in self.posts for signal in request.signals)

    def handle(self, handler, method, path, headers, body):
        self._count(method, 1)
        try:
            self._answer(handler, Request(method, path, dict(headers), body))
        finally:
            self._count(method, -1)

    def _count(self, method, change):
        with self._lock:
            self._under_way += change if method == "POST" else 0
            self.most_at_once = max(self.most_at_once, self._under_way)

    def _answer(self, handler, request):
        method = request.method
        with self._lock:
            self.requests.append(request)
            answer = self.health if method == "GET" else self.script.popleft() if self.script else self.otherwise
        if callable(answer):
            answer = answer(request)
        if not isinstance(answer, tuple):
            handler.raw(answer)
            return
        status, content, *rest = answer
        if method == "POST" and (status, content) == right_answer(request):
            with self._lock:
                self.accepted += request.signals
        handler.reply(status, _encode(content), {"Content-Type": "application/json", **(rest[0] if rest else {})})


def _encode(content):
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()
