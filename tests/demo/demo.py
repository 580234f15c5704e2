#!/usr/bin/env python3
"""The demo: signals go from a copy of Argo's sample into Alpine's table, everything private to build/demo.

usage: demo.py [--keep | --stop]
"""

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from kept import Kept  # noqa: E402
from support.argo import Argo  # noqa: E402
from support.paths import BUILD, SAMPLE  # noqa: E402
from support.postgres import OWNER, Postgres  # noqa: E402
from support.process import run_program  # noqa: E402
from support.receiver import Receiver  # noqa: E402
from support.sender import Sender  # noqa: E402

FOLDER = BUILD / "demo"
RELEASE = BUILD / "release"
LIVE_SIGNALS = 10
LIVE_LIMIT = 20  # seconds that a live signal may take before the demo has failed

NEWEST = """SELECT id, symbol, action, price, round(confidence::numeric, 4) AS confidence,
       external_signal_id, chain_index AS chain, delivery_latency_ms AS ms, created_at::timestamp(3)
  FROM signals ORDER BY created_at DESC LIMIT 5"""
AUDIT = """SELECT count(*), count(DISTINCT verification_hash),
       count(*) FILTER (WHERE encode(sha256(convert_to(canonical, 'UTF8')), 'hex') = verification_hash),
       max(chain_index) - min(chain_index) + 1
  FROM signals"""


class Failed(Exception):
    """The demo did not show what it should."""


def step(text):
    print(f"\n\033[1m== {text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def say(text):
    print("   " + text.replace("\n", "\n   "), flush=True)


class Demo:
    """What runs, and the acts in their order."""

    def __init__(self, keep):
        self.keep = keep
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        self.postgres = self.receiver = self.sender = self.argo = None

    def play(self):
        self.start_database()
        self.start_receiver()
        self.send_sample()
        self.send_live()
        self.show_newest()
        self.send_again()

    # --- acts ---

    def start_database(self):
        step("A private PostgreSQL")
        self.postgres = Postgres(FOLDER / "postgres", outlives_us=self.keep)
        self.postgres.start()
        self.postgres.create_roles()
        self.database = self.postgres.create_database(name="alpine")
        if self.postgres.moved:
            say(f"(user {self.postgres.account.name} cannot reach build/, so its files are elsewhere)")
        say(f"user {self.postgres.account.name}, port {self.postgres.port.number}, files in {self.postgres.folder}")

    def start_receiver(self):
        step("alpine-receiver: migrate, then serve as a role that may only INSERT and SELECT")
        program = RELEASE / "receiver" / "alpine-receiver"
        self._must(run_program(program, ["migrate"], {"DATABASE_URL": self.database.url(OWNER)}))
        self.database.allow_receiver()
        key = self._must(run_program(program, ["keygen"], {})).out.strip()
        self.key_file = FOLDER / "api-key"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(key + "\n")
        self.receiver = Receiver(
            RELEASE, FOLDER, self.database.url(), outlives_us=self.keep, EXTERNAL_SIGNAL_API_KEY=None,
            EXTERNAL_SIGNAL_API_KEY_FILE=self.key_file)
        self.receiver.start_ready()
        say(f"ready at {self.receiver.url}")

    def send_sample(self):
        step("alpine-sender sync: everything that Argo's table holds already")
        for name in ("signals.db", "signals.log"):
            (FOLDER / "argo").mkdir(exist_ok=True)
            shutil.copy(SAMPLE / name, FOLDER / "argo" / name)
        self.argo = Argo(FOLDER / "argo", seed=time.time_ns(), live=True)
        self.sender = Sender(
            RELEASE, FOLDER, self.receiver.url, self.argo.database, outlives_us=self.keep, ARGO_API_KEY=None,
            ARGO_API_KEY_FILE=self.key_file)
        waiting = len(self.argo.rows())
        began = time.monotonic()
        self._must(self.sender.command("sync"))
        took = time.monotonic() - began
        self._all_there(waiting)
        say(f"{waiting} signals read, sent and stored in {took:.2f} s")

    def send_live(self):
        step(f"alpine-sender run: {LIVE_SIGNALS} live signals, from Argo's commit to Alpine's answer after its COMMIT")
        self.sender.start_service()
        before = self._count()
        say(f"{'signal_id':<18}{'symbol':<9}{'action':<8}{'price':>10}{'arrived after':>17}")
        for _ in range(LIVE_SIGNALS):
            [made] = self.argo.write(1)
            took = self._arrival(made["signal_id"])
            say(f"{made['signal_id']:<18}{made['symbol']:<9}{made['action']:<8}{made['entry_price']:>10}"
                f"{took * 1000:>14.1f} ms")
        self._all_there(before + LIVE_SIGNALS)

    def show_newest(self):
        step("Alpine's five newest rows")
        say(self.postgres.psql("alpine", "-c", NEWEST).rstrip())

    def send_again(self):
        step("Everything once more, by a sender that has forgotten what it sent")
        before = self._count()
        again = Sender(RELEASE, FOLDER, self.receiver.url, self.argo.database, name="forgetful", ARGO_API_KEY=None,
                       ARGO_API_KEY_FILE=self.key_file)
        self._must(again.command("sync"))
        rows, hashes, verified, chain = map(int, self.postgres.psql("alpine", "-At", "-F", " ", "-c", AUDIT).split())
        say(f"rows before {before}, rows after {rows}, different hashes {hashes}")
        say(f"rows that PostgreSQL itself verifies {verified}, links in the chain {chain}")
        if not before == rows == hashes == verified == chain:
            raise Failed("these numbers should be the same")

    # --- how it is known ---

    @staticmethod
    def _must(result):
        if result.code != 0:
            raise Failed(str(result))
        return result

    def _count(self):
        return int(self.postgres.psql("alpine", "-At", "-c", "SELECT count(*) FROM signals"))

    def _all_there(self, wanted):
        if self._count() != wanted:
            raise Failed(f"{self._count()} rows are stored, not {wanted}")

    def _arrival(self, signal_id):
        """Seconds until the sender's log shows Alpine's answer."""
        began = time.monotonic()
        phrase = f"Signal synced to Alpine: {signal_id}"
        while phrase not in self.sender.log():
            if time.monotonic() > began + LIVE_LIMIT:
                raise Failed(f"{signal_id} did not arrive")
            time.sleep(0.0002)  # a bounded look every 0.2 ms, as fine as the time it measures
        return time.monotonic() - began

    # --- the end ---

    def close(self):
        """End everything that was started, in the order in which it depends on each other."""
        for thing in (self.sender, self.receiver):
            if thing is not None:
                try:
                    thing.finish()
                except AssertionError as error:
                    print(error, file=sys.stderr)
        if self.argo is not None:
            self.argo.close()
        if self.postgres is not None:
            self.postgres.remove()

    def leave(self):
        """Leave it running, with what it takes to end it."""
        self.argo.close()
        Kept.write(FOLDER, [self.sender.pid, self.receiver.pid, self.postgres.pid], self.postgres.folder)
        step("Left running")
        say(f"""receiver   {self.receiver.url}/health
API key    in {self.key_file}
database   {self.postgres.programs}/psql {self.postgres.url("alpine", "postgres")}
Argo       {self.argo.database}: rows that are added there arrive in Alpine
logs       {self.sender.err_file}
           {self.receiver.err_file}
stop it    ./run demo --stop""")

    def complain(self, error):
        print(f"\ndemo: {error}", file=sys.stderr)
        for thing in (self.receiver, self.sender):
            if thing is not None and thing.err_file.exists():
                print(f"--- the end of {thing.err_file}\n{thing.all_logs()[-2000:]}", file=sys.stderr)


def interrupt(*_):
    raise KeyboardInterrupt


def play(keep):
    demo = Demo(keep)
    kept = False
    try:
        began = time.monotonic()
        demo.play()
        if keep:
            demo.leave()
            kept = True
        step(f"Done in {time.monotonic() - began:.1f} s" + ("" if keep else "; nothing is left running"))
        return 0
    except KeyboardInterrupt:
        print("\ndemo: interrupted", file=sys.stderr)
        return 130
    except (Failed, AssertionError, OSError) as error:
        demo.complain(error)
        return 1
    finally:
        if not kept:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the cleaning up is not to be interrupted again
            demo.close()


def main():
    parser = argparse.ArgumentParser(prog="./run demo", description="Show signals going from Argo to Alpine.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--keep", action="store_true", help="leave everything running")
    choice.add_argument("--stop", action="store_true", help="stop what --keep left running")
    options = parser.parse_args()
    kept = Kept(FOLDER)
    if options.stop:
        return kept.stop()
    if kept.running():
        print("demo: one that was kept is still running; ./run demo --stop ends it", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, interrupt)
    return play(options.keep)


if __name__ == "__main__":
    sys.exit(main())
