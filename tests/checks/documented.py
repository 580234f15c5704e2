"""What the programs say of themselves (`PROGRAM help`) against what README.md and docs/*.md say of them."""

import re
import subprocess
from dataclasses import dataclass, field

from sources import files, text
from support.paths import REPO

PROGRAMS = ("alpine-sender", "alpine-receiver")
SETTING = re.compile(r"\b(?:ALPINE|ARGO|EXTERNAL_SIGNAL|DATABASE)_[A-Z0-9_]*[A-Z0-9]\b")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
CALL = re.compile(r"\b(alpine-sender|alpine-receiver) +([a-z][a-z-]*)\b")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


@dataclass
class Program:
    """A program's commands, its settings with their defaults (None: there is none), secrets' NAME_FILE, and which
    settings a reload applies."""
    name: str
    commands: set = field(default_factory=set)
    settings: dict = field(default_factory=dict)
    files: set = field(default_factory=set)
    secrets: dict = field(default_factory=dict)  # setting: its name in AWS Secrets Manager
    reloaded: set = field(default_factory=set)


def from_help(build, program_name):
    """Read `PROGRAM help`."""
    program = Program(program_name)
    path = build / program_name.removeprefix("alpine-") / program_name
    said = subprocess.run([path, "help"], capture_output=True, text=True, check=True, timeout=30).stdout
    section = None
    for line in said.splitlines():
        if line and not line.startswith(" "):
            section = line.split()[0].rstrip(":")
        elif section == "Commands" and line.startswith("  ") and not line.startswith("   "):
            program.commands.add(line.split()[0])
        elif section == "Settings" and line.startswith("  ") and not line.startswith("   "):
            name, rest = line.split(maxsplit=1)
            default = re.search(r" \[([^\]]*)\];", rest)
            program.settings[name] = default[1] if default else None
            program.secrets.update((name, secret) for secret in re.findall(r"; AWS secret ([^\s;]+)", rest))
            program.files.update(re.findall(rf"\b{name}_FILE\b", rest))
            program.reloaded.update([name] if rest.endswith("; SIGHUP") else [])
    assert program.commands and program.settings, f"`{program_name} help` has no commands or settings:\n{said}"
    return program


def documents():
    """README.md and docs/*.md: text by name."""
    paths = [REPO / "README.md", *sorted((REPO / "docs").glob("*.md"))]
    return {path.relative_to(REPO).as_posix(): text(path) for path in paths if path.exists()}


def code(document):
    """Everything that is set as code."""
    return "\n".join(CODE.findall(document))


def undocumented(programs):
    """What the programs have and no document names."""
    everything = "\n".join(documents().values())
    calls = set(CALL.findall(code(everything))) | _tabled_commands()
    wrong = [f"`{program.name} {command}` is not documented"
             for program in programs for command in sorted(program.commands) if (program.name, command) not in calls]
    for program in programs:
        wrong += [f"{setting} of {program.name} is not documented"
                  for setting in sorted(program.settings) if not re.search(rf"\b{setting}\b", everything)]
        wrong += [f"{setting} has the AWS secret {secret}, which no row says" for setting, secret in program.secrets.items()
                  if f"| `{setting}` | `{secret}` |" not in everything]
    rows = [line for line in everything.splitlines() if line.startswith("|")]
    return wrong + _wrong_defaults(programs, rows) + _wrong_marks(programs, rows)


def _wrong_marks(programs, rows):
    """Rows of the tables of settings whose (SIGHUP) says something else than the program."""
    reloaded = set().union(*(program.reloaded for program in programs))
    settings = set().union(*(program.settings for program in programs))
    wrong = []
    for row in rows:
        name = re.match(r"\| `([A-Z_]+)` \|[^|]*\|[^|]*\|[^|]*\|$", row)
        if name and name[1] in settings and (name[1] in reloaded) != ("(SIGHUP)" in row):
            said = "applies" if name[1] in reloaded else "does not apply"
            wrong.append(f"a reload {said} {name[1]}, and its row says otherwise: {row}")
    return wrong


def _wrong_defaults(programs, rows):
    """Rows of a table that begin with a setting and name another default than the program. Both programs may have a
    setting of the same name; then each default needs a row, and each row one of the defaults."""
    wrong = []
    for setting in sorted(set().union(*(program.settings for program in programs))):
        defaults = [program.settings[setting] for program in programs if program.settings.get(setting)]
        described = [row for row in rows if re.match(rf"\|\s*`?{setting}\b", row)]
        wrong += [f"the default of {setting} is {' or '.join(defaults)}, which its row does not say: {row}"
                  for row in described if defaults and not any(default in row for default in defaults)]
        wrong += [f"the default of {setting} is {default}, which no row says"
                  for default in defaults if described and not any(default in row for row in described)]
    return wrong


def _tabled_commands():
    """Commands that a table lists below a heading that names the program."""
    found = set()
    for document in documents().values():
        program = None
        for line in document.splitlines():
            if line.startswith("#"):
                program = next((name for name in PROGRAMS if name in line), None)
            row = re.match(r"\|\s*`([a-z][a-z-]*)", line)
            if program and row:
                found.add((program, row[1]))
    return found


def invented(programs):
    """What a document names and nothing has."""
    settings = set().union(*(set(program.settings) | program.files for program in programs))
    of_tests = set(SETTING.findall("\n".join(text(path) for path in files("tests") + [REPO / "run"]
                                             if path.suffix in (".py", ".sh") or path.name == "run")))
    commands = {(program.name, command) for program in programs for command in program.commands}
    options = {"--" + setting[0].lower() + setting[1:].lower().replace("_", "-") for setting in settings}
    wrong = []
    secrets = set().union(*(program.secrets.values() for program in programs))
    for name, document in documents().items():
        wrong += [f"{name} names the AWS secret {secret}, which no setting has"
                  for secret in sorted(set(re.findall(r"\bargo-alpine/[a-z/-]+", document)) - secrets)]
        wrong += [f"{name} names {setting}, which is no setting"
                  for setting in sorted(set(SETTING.findall(document)) - settings - of_tests)]
        wrong += [f"{name} names `{program} {command}`, which is no command"
                  for program, command in sorted(set(CALL.findall(code(document))) - commands)]
        for line in code(document).splitlines():
            if line.lstrip().startswith("docker "):
                continue  # its options are Docker's
            program = next((known for known in PROGRAMS if re.search(rf"\b{known} ", line)), None)
            wrong += [f"{name} gives {program} the option {option}, which it does not have: {line.strip()}"
                      for option in OPTION.findall(line[line.find(program):] if program else "")
                      if option not in options and not _in_source(program, option)]
    return wrong


def _in_source(program, option):
    """Whether a command's table of options has it, in the program's own files or in common ones."""
    return any(re.search(rf'"[^"\n]*{option}\b', text(path))
               for path in files("common", program.removeprefix("alpine-")) if path.suffix == ".c")


def broken_links():
    """Links from one document to another, or to a heading, that lead nowhere."""
    headings = {name: {_anchor(heading) for heading in re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?s)```.*?```", "", document))}
                for name, document in documents().items()}
    wrong = []
    for name, document in documents().items():
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", document):
            path = (REPO / name).parent / target if target else REPO / name
            there = path.resolve().relative_to(REPO.resolve()).as_posix()
            if not path.exists():
                wrong.append(f"{name} links to {target}, which is not there")
            elif anchor and anchor not in headings.get(there, ()):
                wrong.append(f"{name} links to {there}#{anchor}, which has no such heading")
    return wrong


def _anchor(heading):
    """What a heading is called in a link, as the usual renderers make it."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
