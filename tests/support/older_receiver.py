"""The older receiver, as the contract describes it: single signals and health, and its own ways of saying no."""

import json
import threading

from .argo import canonical, receiver_canonical, sha256
from .receiver import KEY, PREFIX
from .server import HttpPlayer

REQUIRED = ("signal_id", "symbol", "action", "entry_price", "confidence", "timestamp")


class OlderReceiver(HttpPlayer):
    """Keeps what it stored in `stored`, in order, as (signal_id, sha256). `most_at_once` is the largest number of
    posts that were under way together; `hold` is how long each takes, so that they can meet. `refuses` maps signal
    ids to the answer they get, and the first `troubles` posts get a 500."""

    def __init__(self, key=KEY, hold=0.0, batch_status=404):
        super().__init__()
        self.key = key
        self.batch_status = batch_status
        self.stored = []
        self.refuses = {}
        self.troubles = 0
        self.posts = 0
        self.batch_posts = 0
        self.most_at_once = 0
        self._hold = hold
        self._never = threading.Event()
        self._at_once = 0
        self._lock = threading.Lock()

    def handle(self, handler, method, path, headers, body):
        status, answer = self._answer(method, path.split("?")[0], headers, body)
        handler.reply(status, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _answer(self, method, path, headers, body):
        if path == f"{PREFIX}/health" and method == "GET":
            return 200, {"status": "healthy", "service": "Alpine Analytics - External Signal Sync",
                         "endpoint": f"{PREFIX}/signal"}
        if path == f"{PREFIX}/signal":
            if method != "POST":
                return 405, {"detail": "Method Not Allowed"}
            with self._lock:
                self.posts += 1
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                return self._signal(headers, body)
            finally:
                with self._lock:
                    self._at_once -= 1
        with self._lock:
            self.batch_posts += method == "POST"
        return self.batch_status, {"detail": "Not Found" if self.batch_status == 404 else "Method Not Allowed"}

    def _signal(self, headers, body):
        if headers.get("X-API-Key") != self.key:
            return 401, {"detail": "Invalid API key"}
        self._never.wait(self._hold)
        with self._lock:
            self.troubles -= 1
            if self.troubles >= 0:
                return 500, {"detail": "Internal Server Error"}
        try:
            signal = json.loads(body)
        except ValueError:
            return 422, {"detail": [{"loc": ["body"], "msg": "JSON decode error", "type": "value_error.jsondecode"}]}
        missing = [name for name in REQUIRED if signal.get(name) is None]
        if missing:
            return 422, {"detail": [{"loc": ["body", name], "msg": "field required", "type": "value_error.missing"}
                                    for name in missing]}
        if str(signal["action"]).upper() not in ("BUY", "SELL"):
            return 422, {"detail": "action must be BUY or SELL"}
        if signal["signal_id"] in self.refuses:
            return self.refuses[signal["signal_id"]]
        digest = str(signal.get("verification_hash") or signal.get("sha256") or "").lower()
        if digest not in (sha256(canonical(signal)), sha256(receiver_canonical(signal))):
            return 400, {"detail": "Signal hash verification failed"}
        return self._store(signal["signal_id"], digest)

    def _store(self, signal_id, digest):
        with self._lock:
            known = [row for row in self.stored if row[1] == digest]
            if not known:
                self.stored.append((signal_id, digest))
            number = 1 + self.stored.index((known or self.stored[-1:])[0])
        word = ("duplicate", "Signal already exists") if known else ("success", "Signal stored successfully")
        return 201, {"status": word[0], "message": word[1], "signal_id": number, "alpine_signal_id": number,
                     "external_signal_id": signal_id}
