"""The faults harness: `./run faults [--minutes N] [--seed S] [--build FLAVOR]`.

It runs a model of Argo, alpine-sender, two alpine-receivers behind a proxy, and PostgreSQL with a standby that every
commit waits for, and throws at them what faults.py lists, in the order that the seed says. All the while it compares
what Alpine has with what Argo made. At the end everything is healed, Argo falls silent, and within two minutes

    the signals in Argo's table = the rows in Alpine's table + the dead letters,

where the dead letters are exactly those that Argo made bad on purpose. Signals that are in Argo's log only (it crashed
before it committed them, or an older database was put in the place of its own) may have arrived, and then have to be
right like the others.

The last line of standard output holds the figures (not if it was interrupted, for then nothing is proved):

    faults N signals M lost 0 duplicated 0 unverified 0 chain_faults 0 recovery_p99_ms X

lost          signals of Argo's table that are neither stored nor dead letters, good ones that are dead letters, and
              any that Alpine acknowledged and does not have
duplicated    signals that stand in Alpine's table twice, by (provider, signal_id) or by hash
unverified    rows whose canonical text does not have the row's hash, or is not what Argo said, or that Argo never
              made, or made bad
chain_faults  places where the chain has a gap, a fork or a wrong predecessor
recovery      after each healing Argo makes one signal and commits it at once; measured is the time from the healing
              until this signal can be read in Alpine's table. Left out are those during which another fault was
              there, began or ended.

Exit code 0 if all four are 0 and nothing else was wrong: a program that ended by itself, a signal that did not arrive
within 90 seconds after a healing, a sender whose position is not Argo's newest row in the end. On failure the logs
stay under build/, and the seed is printed. The faults and the signals of a seed are the same each time; what they
meet depends on the machine.
"""

import argparse
import random
import shutil
import signal
import sys
import threading
import time
import traceback

from support.paths import BUILD, build_folder

from faults.figures import Figures
from faults.storm import Storm
from faults.world import World

SETTLE_LIMIT = 120


def interrupt(*_):
    raise KeyboardInterrupt


class Minutes:
    """One line a minute."""

    def __init__(self, world, storm, figures):
        self._world, self._storm, self._figures = world, storm, figures
        self._ended = threading.Event()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self):
        minute = 0
        while not self._ended.wait(60):
            minute += 1
            figures, now = self._figures, ", ".join(map(str, list(self._storm.running)))
            print(f"minute {minute}: faults {figures.faults} signals {len(self._world.argo.made)} stored"
                  f" {self._world.ledger.count} complaints {len(figures.complaints)} recovery_p99_ms"
                  f" {figures.recovery_p99_ms()}; now: {now or 'none'}", flush=True)

    def end(self):
        self._ended.set()


class Diary:
    """What happened when, in a file."""

    def __init__(self, path):
        self._file = open(path, "w", encoding="utf-8", buffering=1)  # pylint: disable=consider-using-with
        self._began = time.time()

    def __call__(self, text):
        now = time.time()
        stamp = time.strftime("%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}"
        self._file.write(f"{stamp} {now - self._began:9.3f} {text}\n")


def run(options, folder, figures):
    """The whole of it; the number of signals made."""
    world = World(folder, build_folder(options.build), options.seed, figures)
    try:
        diary = Diary(folder / "diary")
        if not world.mounted:
            print("not root: the full disk is left out, because nothing can be mounted", flush=True)
        world.argo.start()
        storm = Storm(world, options.seed, figures, diary)
        minutes = Minutes(world, storm, figures)
        storm.blow(options.minutes * 60)
        minutes.end()
        diary("healed; Argo falls silent")
        world.argo.end()
        if world.argo.error:
            figures.complain(f"the model of Argo failed: {world.argo.error!r}")
        committed, dead = world.settle(SETTLE_LIMIT)
        diary("settled")
        world.ledger.finish()
        world.ledger.prove(committed, dead, world.answered())
        print(f"committed {len(committed)}, stored {len(world.ledger.stored)}, dead letters {len(dead)}, neutral"
              f" {world.argo.neutral}, in the log only {len(world.argo.made) - len(committed)}, recoveries measured"
              f" {len(figures.recoveries_ms)}")
        return len(world.argo.made)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the cleaning up is not to be interrupted again
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        world.finish()


def main():
    parser = argparse.ArgumentParser(prog="./run faults", description="Everything goes wrong; nothing may be lost.")
    parser.add_argument("--minutes", type=float, default=5, help="how long faults are thrown (5)")
    parser.add_argument("--seed", type=int, help="the same faults and signals as that run (a random one)")
    parser.add_argument("--build", default="release", help="the build to try: a flavor or a folder (release)")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1, 10**6)
    folder = BUILD / f"faults-{options.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    print(f"seed {options.seed}, {options.minutes:g} minutes, build {options.build}", flush=True)
    figures, signals = Figures(), None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        signals = run(options, folder, figures)
    except KeyboardInterrupt:
        figures.complain("interrupted")
    except Exception:  # pylint: disable=broad-except
        figures.complain(traceback.format_exc())
    if figures.clean:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        for complaint in figures.complaints[:10]:
            print(f"wrong: {complaint[:3000]}")
        print(f"FAILED with seed {options.seed}: {len(figures.complaints)} complaints; logs in {folder}")
    if signals is not None:  # without a proof no figures
        print(figures.line(signals))
    return 0 if figures.clean else 1


if __name__ == "__main__":
    sys.exit(main())
