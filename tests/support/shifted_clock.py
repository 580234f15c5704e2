"""Makes a program's wall clock jump while it runs; its monotonic clock goes on as it should."""

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class ShiftedClock:
    """Settings for a program, and a hand on its clock."""

    def __init__(self, folder):
        self._library = Path(folder) / "shifted_clock.so"
        self._file = Path(folder) / "shift"
        command = ["cc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-o", str(self._library), str(SOURCE)]
        subprocess.run(command, check=True)
        self.jump(0)

    @property
    def settings(self):
        """What the program's environment needs. The address sanitizer wants to be first, and may be second."""
        return {"LD_PRELOAD": self._library, "SHIFTED_CLOCK": self._file,
                "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:verify_asan_link_order=0"}

    def jump(self, seconds):
        """From now on the wall clock is this far from the right time."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds}\n")
        fresh.rename(self._file)
