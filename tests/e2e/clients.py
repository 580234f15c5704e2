"""Callers of the receiver that know no second try: what they get is what the proxy hands on."""

import http.client
import json
import threading
from collections import Counter

from support.argo import Maker

COUNT = 8
CALL = "/api/v1/external-signals/sync/signal?dry_run=true"
PAUSE_S = 0.02
TIME_OUT = 15


class Clients:
    """While the block runs they ask whether signals would be stored, over connections that they keep; `answers` counts
    statuses, and the names of failures."""

    def __init__(self, port, key):
        self.port = port
        self.answers = Counter()
        self._headers = {"Content-Type": "application/json", "X-API-Key": key}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(seed,)) for seed in range(COUNT)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, seed):
        maker = Maker(seed, live=True)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIME_OUT)
        while not self._stop.wait(PAUSE_S):
            answer = self._ask(connection, json.dumps(maker.signal()))
            with self._lock:
                self.answers[answer] += 1
        connection.close()

    def _ask(self, connection, body):
        try:
            connection.request("POST", CALL, body, self._headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException) as failure:
            connection.close()  # the next one makes another
            return type(failure).__name__
