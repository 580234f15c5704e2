"""The older sender, as the contract describes it: single posts, 201 and 409 are success, 5xx and time-outs are tried
up to three more times, everything else is given up."""

import json

from . import http
from .receiver import PREFIX

RETRIES = 3


class OlderSender:
    """Posts signals one after the other. What became of them: `delivered` and `given_up`, lists of signal ids."""

    def __init__(self, client, timeout=10):
        """`client` is a receiver.Client: where to, and with which key."""
        self.client = client
        self.timeout = timeout
        self.delivered = []
        self.given_up = []
        self.statuses = []

    def send(self, signals):
        for signal in signals:
            outcome = self.delivered if self._deliver(signal) else self.given_up
            outcome.append(signal["signal_id"])

    def _deliver(self, signal):
        for _ in range(1 + RETRIES):
            status = self._post(signal)
            self.statuses.append(status)
            if status in (201, 409):
                return True
            if status is not None and status < 500:
                return False
        return False

    def _post(self, signal):
        """The status, or None for a time-out."""
        headers = {"Content-Type": "application/json", "X-API-Key": self.client.key}
        try:
            return http.request(self.client.port, "POST", f"{PREFIX}/signal", json.dumps(signal).encode(), headers,
                                self.timeout).status
        except TimeoutError:
            return None
