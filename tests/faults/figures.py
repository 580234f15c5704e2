"""What is counted, and the lines that say it."""

import threading

TOLD = 3            # of each of the four
COMPLAINTS_MAX = 50


class Figures:
    """`lost`, `duplicated`, `unverified` and `chain_faults` are the proof; the rest says how hard it was tried."""

    def __init__(self):
        self.faults = 0
        self.by_name = {}
        self.lost = self.duplicated = self.unverified = self.chain_faults = 0
        self.complaints = []     # anything else that is wrong; one is a failed run
        self.recoveries_ms = []
        self._lock = threading.Lock()

    def threw(self, name):
        with self._lock:
            self.faults += 1
            self.by_name[name] = self.by_name.get(name, 0) + 1

    def complain(self, text):
        with self._lock:
            if len(self.complaints) < COMPLAINTS_MAX:
                self.complaints.append(text)

    def wrong(self, figure, text):
        """One more of one of the four; the first few are told in full."""
        with self._lock:
            count = getattr(self, figure) + 1
            setattr(self, figure, count)
        if count <= TOLD:
            self.complain(f"{figure}: {text}")

    def recovered(self, seconds):
        with self._lock:
            self.recoveries_ms.append(seconds * 1000)

    def recovery_p99_ms(self):
        ordered = sorted(self.recoveries_ms)
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]) if ordered else 0

    @property
    def clean(self):
        return not (self.lost or self.duplicated or self.unverified or self.chain_faults or self.complaints)

    def line(self, signals):
        """The figure line."""
        return (f"faults {self.faults} signals {signals} lost {self.lost} duplicated {self.duplicated}"
                f" unverified {self.unverified} chain_faults {self.chain_faults}"
                f" recovery_p99_ms {self.recovery_p99_ms()}")
