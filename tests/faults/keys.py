"""The files that hold the API keys."""

import os


class Keys:
    """One for each place where a key stands; each is replaced as a whole."""

    def __init__(self, folder):
        self.current = folder / "key"
        self.next = folder / "key-next"
        self.senders = folder / "key-of-sender"
        self._number = 0
        key = self.new()
        for file in (self.current, self.senders):
            self.write(file, key)
        self.write(self.next, self.new())

    def new(self):
        self._number += 1
        return f"faults-key-{self._number:04d}-5a69788796a5b4c3"

    @staticmethod
    def write(file, key):
        beside = file.with_suffix(".new")
        beside.touch(mode=0o600)
        beside.write_text(key + "\n")
        os.replace(beside, file)
