"""alpine-sender: single commands, and the service."""

import json
from pathlib import Path

from . import http
from .ports import take_port
from .process import Program, run_program
from .receiver import KEY
from .waiting import wait_for


class Sender(Program):
    """The settings and the state of one sender. Commands run to their end; start() starts `run`, the service."""

    def __init__(self, build, folder, url, argo_database, name="sender", outlives_us=False, **settings):
        """`url` is the far end's base address, `argo_database` the SQLite file (None: not set)."""
        folder = Path(folder)
        given = {
            "ALPINE_API_URL": url,
            "ARGO_API_KEY": KEY,
            "ARGO_SIGNALS_DB": argo_database,
            "ALPINE_STATE_DIR": folder / f"{name}-state",
            "ALPINE_PROBE_INTERVAL": 1,
            **settings,
        }
        super().__init__(name, build / "sender" / "alpine-sender", ["run"], given, folder, outlives_us)
        self.state = Path(given["ALPINE_STATE_DIR"])
        self.state.mkdir(parents=True, exist_ok=True)
        self._pages = None

    def command(self, *arguments, text=None, limit=90, **settings):
        """Run `alpine-sender ARGUMENTS` to its end with the same settings, and these changed."""
        return run_program(self.program, arguments, {**self.settings, **settings}, text, limit, self.folder)

    def sync(self, code=0, **settings):
        """`sync`, which must end with this code."""
        done = self.command("sync", **settings)
        assert done.code == code, done
        return done

    def status(self):
        """`status --json`."""
        done = self.command("status", "--json")
        assert done.code in (0, 3), done
        return json.loads(done.out)

    def dead(self):
        """`dead list --json`: one object a line, or one list."""
        done = self.command("dead", "list", "--json")
        assert done.code in (0, 3), done
        text = done.out.strip()
        if text.startswith("["):
            return json.loads(text)
        return [json.loads(line) for line in text.splitlines()]

    def letters(self, field="signal_id"):
        """One field of every dead letter."""
        return [letter[field] for letter in self.dead()]

    def settled(self, delivered, dead=0, limit=30):
        """Wait until nothing waits any more, and these are the counts. What is counted is also saved."""
        return self.wait_status(limit, delivered=delivered, pending=0, dead=dead)

    def start_service(self, limit=20):
        """Start `run` and wait until it says that it looks after Argo's files."""
        self.start()
        self.wait_log("Alpine sync service initialized: ", limit)
        return self

    def listen(self, host="127.0.0.1"):
        """From the next start on it has pages of its own."""
        self._pages = take_port()
        self.settings["ALPINE_SENDER_LISTEN"] = f"{host}:{self._pages.number}"
        return self

    @property
    def port(self):
        """Of its pages."""
        return self._pages.number

    def get(self, path, limit=15):
        """One of its pages."""
        return http.request(self.port, "GET", path, limit=limit)

    def finish(self):
        super().finish()
        if self._pages:
            self._pages.release()

    def wait_status(self, limit=30, **wanted):
        """Wait until `status` shows these values; the status then."""
        seen = {}

        def reached():
            seen.update(self.status())
            return all(seen[name] == value for name, value in wanted.items())

        wait_for(reached, limit, lambda: f"status to show {wanted}; it shows {seen}:\n{self.log()[-2000:]}")
        return seen
