"""A program on a terminal of its own, and somebody who reads and types there."""

import os
import pty
import select
import termios

from .waiting import wait_for


class Terminal:
    """Starts at once; ends with the program (`end`), or with `finish`."""

    def __init__(self, arguments, environment):
        arguments = list(map(str, arguments))
        self.said = ""
        self.code = None
        self._pid, self._fd = pty.fork()
        if not self._pid:
            os.execve(arguments[0], arguments, environment)

    def wait(self, text, limit=60):
        """Wait until it has said this, from the beginning on."""
        wait_for(lambda: self._read() or text in self.said, limit, lambda: f"{text!r}:\n{self.said}")

    def type(self, text):
        os.write(self._fd, text.encode())

    def answer(self, question, text):
        """Type this, and Enter, when it asks."""
        self.wait(question)
        self.type(text + "\n")

    def echoes(self):
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self._fd)[3] & termios.ECHO)

    def end(self, limit=60):
        """Its exit code, at its end."""
        wait_for(self._has_ended, limit, lambda: f"its end:\n{self.said}")
        return self.code

    def finish(self):
        """End it whatever it does: a terminal that is gone ends what runs on it."""
        if self.code is None:
            os.close(self._fd)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _has_ended(self):
        self._read()
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid:
            self._read()
            os.close(self._fd)
            self.code = os.waitstatus_to_exitcode(status)
        return bool(pid)

    def _read(self):
        while select.select([self._fd], [], [], 0.02)[0]:
            try:
                data = os.read(self._fd, 65536)
            except OSError:  # nobody is at the other end
                return
            if not data:
                return
            self.said += data.decode(errors="replace")
