"""A post whose answer is waited for later."""

import threading


class Post:
    """A post in a thread of its own; `answer` is None until it has one."""

    def __init__(self, receiver, *signals):
        self.answer = None
        self._thread = threading.Thread(target=self._work, args=[receiver, signals])
        self._thread.start()

    def _work(self, receiver, signals):
        self.answer = receiver.batch(list(signals)) if len(signals) > 1 else receiver.post(*signals)

    def wait(self):
        self._thread.join(60)
        assert self.answer is not None, "no answer"
        return self.answer
