"""What the tables of the sources say a program can do, for what is packaged beside it."""

import re
import subprocess
from dataclasses import dataclass

from documented import from_help
from sources import text
from support.paths import REPO

PROGRAMS = ("alpine-sender", "alpine-receiver")
ROW = re.compile(r"\{\.name = \"([a-z-]+)\".*?\}", re.DOTALL)


@dataclass
class Command:
    """One row of a table of commands."""

    name: str
    words: set  # that its first argument may be
    flags: set
    options: set  # with a value
    takes_file: bool


def commands(program):
    """The rows of the table in the program's main.c."""
    main = text(REPO / program.removeprefix("alpine-") / "main.c")
    found = []
    for row in ROW.finditer(main):
        strings = dict(re.findall(r"\.(\w+) = \"([^\"]*)\"", row[0]))
        first = strings.get("arguments", "").split(" ")[0]
        found.append(Command(row[1], set(first.split("|")) if first[:1].islower() else set(),
                             set(strings.get("flags", "").split()), set(strings.get("options", "").split()),
                             "FILE" in first))
    return found


def options(build, program):
    """The options that settings have; a secret's is that of its file."""
    known = from_help(build, program)
    secrets = {name.removesuffix("_FILE") for name in known.files}
    return {"--" + name.lower().replace("_", "-") for name in (set(known.settings) - secrets) | known.files}


def made(build, program, name):
    """A file that the build makes beside the program."""
    return build / "packages" / program / name


def completed_by_bash(build, program, *words):
    """What bash would offer after these words, the last of which is being typed."""
    line = " ".join([program, *words])
    script = f"""
        source "$1"
        IFS=' '
        COMP_WORDS=({' '.join(f"'{word}'" for word in [program, *words])}) COMP_CWORD={len(words)} COMP_LINE='{line}'
        compopt() {{ :; }}
        _{program.replace('-', '_')}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script, "bash", made(build, program, program)], capture_output=True, text=True,
                          timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done
    return set(done.stdout.split())


def aws_secrets(program):
    """Where AWS Secrets Manager has settings of the program."""
    settings = text(REPO / program.removeprefix("alpine-") / "commands" / "settings.c")
    return set(re.findall(r"\.aws_secret = \"([^\"]+)\"", settings))
