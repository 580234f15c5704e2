"""Throws the faults: which ones and when comes from the seed alone, at most two at a time, and after each healing it is
measured how long it takes until signals arrive again."""

import random
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from faults.faults import FAULTS, NEED_A_MOUNT

TOGETHER = 0.25  # how often a fault does not wait for the one before to be over
MOST_AT_ONCE = 2
LONGEST_PAUSE = 0.6


class Storm:
    """One storm over one world."""

    def __init__(self, world, seed, figures, say):
        self.world = world
        self.figures = figures
        self.say = say
        self.running = []
        self.failed = False
        self._seed = seed
        self._plan = random.Random(f"{seed} faults")
        self._number = 0
        self._changed = threading.Condition()
        # These live as long as this process: a program is ended by the kernel with the thread that started it.
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE)
        self._table = {kind: weight for kind, weight in FAULTS.items() if world.mounted or kind not in NEED_A_MOUNT}

    def blow(self, seconds):
        """Until the time is over, and every fault that was thrown is healed."""
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until and not self.failed:
                together = self._plan.random() < TOGETHER
                fault = self._next()
                with self._changed:
                    self._changed.wait_for(lambda fault=fault, together=together: self._may_begin(fault, together))
                    if self.failed:
                        break
                    self.running.append(fault)
                self._threads.submit(self._live, fault)
                time.sleep(self._plan.uniform(0, LONGEST_PAUSE))
        except BaseException:
            self.world.given_up.set()
            raise
        finally:
            with self._changed:
                if not self._changed.wait_for(lambda: not self.running, 300):
                    self.failed = True
                    self.figures.complain(f"never over: {', '.join(map(str, self.running))}")

    def _next(self):
        self._number += 1
        kind = self._plan.choices(list(self._table), list(self._table.values()))[0]
        fault = kind(self.world, random.Random(f"{self._seed} fault {self._number}"))
        fault.number = self._number
        return fault

    def _may_begin(self, fault, together):
        busy = {name for other in self.running for name in other.needs}
        most = MOST_AT_ONCE if together else 1
        return len(self.running) < most and not busy.intersection(fault.needs)

    def _live(self, fault):
        """From being thrown to being over."""
        try:
            self.say(f"fault {fault.number}: {fault}")
            self.figures.threw(type(fault).__name__)
            self.world.mend(fault, before=True)  # what has ended by itself is not to be hidden by what ends it now
            fault.throw()
            time.sleep(fault.seconds)
            fault.heal()
            self._recover(fault)
            fault.afterwards()
        except Exception as error:  # pylint: disable=broad-except
            self.failed = True
            where = "" if isinstance(error, AssertionError) else "\n" + traceback.format_exc()
            self.figures.complain(f"fault {fault.number}, {fault}: {error}{where}")
        finally:
            with self._changed:
                self.running.remove(fault)
                self._changed.notify_all()

    def _recover(self, fault):
        """See a signal arrive that was made after the healing. How long that takes is this fault's only if no other
        was there in the meantime."""
        self.world.mend(fault)
        alone, number = self.running == [fault], self._number
        healed = time.monotonic()
        self.world.wait_arrival(self.world.argo.probe())
        took = time.monotonic() - healed
        attributed = alone and number == self._number
        if attributed:
            self.figures.recovered(took)
        self.say(f"fault {fault.number}: over, signals arrived after {took * 1000:.0f} ms"
                 + ("" if attributed else ", others were there too"))
        self.world.wait_all()
