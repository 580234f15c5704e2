"""A real process of ours: started with exactly the settings given, watched through its log, stopped by its own pid."""

import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .waiting import wait_for

SANITIZERS = {
    "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "exitcode=99:halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "exitcode=99:second_deadlock_stack=1",
}
REPORT = re.compile(r"(ERROR|WARNING): \w*Sanitizer|runtime error: ")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(settings):
    """Only what is given, so that nothing of the developer's own leaks into a test: no variable or file of AWS, and no
    role of the machine that the tests run on. None leaves a setting out."""
    chosen = {"PATH": SYSTEM_PATH, "AWS_EC2_METADATA_DISABLED": "true", **settings}
    given = {name: str(value) for name, value in chosen.items() if value is not None}
    return {**SANITIZERS, **given}


def command_line(program, arguments):
    """ThreadSanitizer cannot map its shadow under strong address randomisation."""
    plain = [str(program), *map(str, arguments)]
    without_aslr = "tsan" in Path(program).parts and shutil.which("setarch")
    return ["setarch", "-R", *plain] if without_aslr else plain


def check_sanitizers(text, name):
    assert not REPORT.search(text), f"{name}: a sanitizer reported:\n{text[-6000:]}"


@dataclass
class Result:
    """What a program left behind that ran to its end."""

    code: int
    out: str
    err: str

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def run_program(program, arguments, settings, text=None, limit=60, folder="/"):
    """Run to the end. `text` goes to its stdin: str or bytes."""
    data = text.encode() if isinstance(text, str) else text
    done = subprocess.run(
        command_line(program, arguments), env=environment(settings), cwd=folder, timeout=limit, capture_output=True,
        **({"input": data} if data is not None else {"stdin": subprocess.DEVNULL}))
    result = Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
    check_sanitizers(result.err, program)
    return result


class Program:
    """One long-running program."""

    def __init__(self, name, program, arguments, settings, folder, outlives_us=False):
        """stdout and stderr go to `folder`/`name`.out and .err, over all the starts of this object."""
        self.name = name
        self.program = program
        self.arguments = list(arguments)
        self.settings = dict(settings)
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.out_file = self.folder / f"{name}.out"
        self.err_file = self.folder / f"{name}.err"
        self._prefix = [] if outlives_us else ["setpriv", "--pdeathsig=TERM"]
        self._process = None
        self._log_start = 0
        self._end_was_seen = False

    # --- starting and stopping ---

    def trace_into(self, file):
        """From the next start on strace writes every system call there. It is the program that we start, and signal."""
        self._prefix = [*self._prefix, "strace", "-D", "-f", "-o", file]

    def see_read_only(self, folder):
        """From the next start on the folder is mounted read-only, for this program alone. Needs root."""
        mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
        self._prefix = [*self._prefix, "unshare", "--mount", "sh", "-c", mount, "sh", folder]

    def start(self):
        assert not self.running, f"{self.name} is running already"
        with open(self.out_file, "ab") as out, open(self.err_file, "ab") as err:
            self._log_start = err.tell()
            self._end_was_seen = False
            self._process = subprocess.Popen(
                self._prefix + command_line(self.program, self.arguments), env=environment(self.settings),
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
        return self

    @property
    def pid(self):
        return self._process.pid

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    @property
    def code(self):
        """The exit code; None while it runs."""
        return self._process.poll()

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self, limit=20):
        """Wait for it to end by itself; its exit code."""
        wait_for(lambda: not self.running, limit, lambda: f"{self.name} to end:\n{self.log()[-3000:]}")
        self._end_was_seen = True
        return self.code

    def stop(self, limit=20):
        """SIGTERM, as soon as it minds it (before that the kernel ends it); it must end with 0 and without a
        sanitizer's report."""
        wait_for(lambda: not self.running or self._minds(signal.SIGTERM), limit,
                 lambda: f"{self.name} to mind SIGTERM:\n{self.log()[-3000:]}")
        if self.running:
            self.signal(signal.SIGTERM)
            code = self.wait(limit)
            assert code == 0, f"{self.name} ended with {code}:\n{self.log()[-3000:]}"
        self.check()

    def _minds(self, number):
        """Whether the signal is caught, or blocked to be read, instead of doing what the kernel does with it. Who blocks
        all of them does so for a moment, as a library or a shell does around a new thread or process."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        blocked, caught = (int(re.search(rf"^{name}:\s+([0-9a-f]+)$", status, re.MULTILINE)[1], 16)
                           for name in ("SigBlk", "SigCgt"))
        if blocked >> signal.SIGUSR1 - 1 & 1:
            return False
        return bool((blocked | caught) >> number - 1 & 1)

    def kill9(self):
        """The end without a warning."""
        self.signal(signal.SIGKILL)
        self._process.wait(10)
        self._end_was_seen = True

    def restart(self, **settings):
        """Stop and start, with these settings changed."""
        self.stop()
        self.settings.update(settings)
        return self.start()

    def finish(self):
        """Whatever state it is in, make it end; called by the one who started it. An end that nobody asked for and
        nobody looked at is a failure."""
        if self._process is None:
            return
        unnoticed = not self.running and not self._end_was_seen
        try:
            self.stop()
        finally:
            if self.running:
                self.kill9()
        assert not unnoticed, f"{self.name} had ended with {self.code}:\n{self.log()[-3000:]}"

    def check(self):
        check_sanitizers(self.all_logs(), self.name)

    # --- watching ---

    def all_logs(self):
        return self.err_file.read_text(errors="replace") if self.err_file.exists() else ""

    def log(self):
        """stderr since the last start."""
        with open(self.err_file, "rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def out(self):
        return self.out_file.read_text(errors="replace")

    def wait_log(self, phrase, limit=15, times=1):
        """Wait until the phrase stands in the log, `times` times."""
        wait_for(lambda: self._logged(phrase, times), limit,
                 lambda: f"{self.name} to log {phrase!r}:\n{self.log()[-3000:]}")

    def _logged(self, phrase, times):
        text = self.log()
        if text.count(phrase) >= times:
            return True
        assert self.running, f"{self.name} ended with {self.code} before it logged {phrase!r}:\n{text[-3000:]}"
        return False

    def memory(self):
        """Resident memory in KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
