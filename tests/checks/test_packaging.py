"""What is packaged beside the programs says what they say: manual pages, completions, examples, the set-up script."""

import gzip
import os
import re
import subprocess
from pathlib import Path

import packaged
import pytest
from documented import SETTING, from_help
from sources import text
from support.paths import REPO
from support.process import SYSTEM_PATH
from support.terminal import Terminal

pytestmark = pytest.mark.one_build

each = pytest.mark.parametrize("program", packaged.PROGRAMS)
SETUP = REPO / "sender" / "setup-production-env.sh"


@each
def test_bash_completes_every_command_option_and_word(build, program):
    def offered(*words):
        return packaged.completed_by_bash(build, program, *words)

    commands, options = packaged.commands(program), packaged.options(build, program)
    assert offered("") == {command.name for command in commands} == from_help(build, program).commands
    general = {"--help", "--version"} | options
    assert offered("--") == general
    for command in commands:
        own = command.flags | command.options
        assert offered(command.name, "--") == own | general, command.name
        if not command.takes_file:
            assert offered(command.name, "") - own == command.words, command.name
        for word in command.words:
            assert not offered(command.name, word, "") & command.words, "only the first argument is one of these"
        for option in command.options:
            assert not offered(command.name, option, ""), "nobody can guess its value"


def test_bash_completes_values(build, tmp_path):
    def offered(*words):
        return packaged.completed_by_bash(build, "alpine-sender", *words)

    (tmp_path / "signals.db").touch()
    for separated in (("--alpine-log-format",), ("--alpine-log-format", "=")):
        assert offered("run", *separated, "") == offered("run", *separated[:1], "") == {"text", "json"}
        assert offered("run", *separated, "j") == {"json"}
    assert offered("--argo-signals-db", f"{tmp_path}/s") == {f"{tmp_path}/signals.db"}
    assert offered("send", f"{tmp_path}/s") == {f"{tmp_path}/signals.db"}
    assert offered("--alpine-batch-max", "") == set()
    assert offered("d") == {"dead"}
    assert offered("--alpine-log-level", "debug", "dead", "l") == {"list"}


@pytest.fixture(name="zsh")
def fixture_zsh(build):
    """zsh on a terminal, with our completions and no habits of its own."""
    folders = " ".join(str(packaged.made(build, program, "")) for program in packaged.PROGRAMS)
    terminal = Terminal(["/usr/bin/zsh", "-f", "-i"], {"PATH": SYSTEM_PATH, "TERM": "dumb", "HOME": "/nonexistent"})
    terminal.type(f"PS1='$ '; unsetopt zle_bracketed_paste; fpath=({folders} $fpath); autoload -Uz compinit; "
                  "compinit -u -D; bindkey '^I' complete-word; bindkey '^U' kill-whole-line; setopt list_packed; "
                  "LISTMAX=1000 COLUMNS=200 LINES=200; print re''ady\n")
    terminal.wait("ready")
    yield terminal
    terminal.finish()


@pytest.mark.parametrize(("typed", "becomes"), [
    ("alpine-sender sta", "alpine-sender status "),
    ("alpine-sender dead re", "alpine-sender dead retry "),
    ("alpine-sender dead --rea", "alpine-sender dead --reason="),
    ("alpine-sender --alpine-log-f", "alpine-sender --alpine-log-format="),
    ("alpine-sender --alpine-log-format=j", "alpine-sender --alpine-log-format=json "),
    ("alpine-sender sync --fu", "alpine-sender sync --full "),
    ("alpine-sender hash /etc/pass", "alpine-sender hash /etc/passwd"),
    ("alpine-sender run --argo-signals-db=/etc/pass", "alpine-sender run --argo-signals-db=/etc/passwd"),
    ("alpine-receiver he", "alpine-receiver he"),  # help, or healthcheck
    ("alpine-receiver serve --mi", "alpine-receiver serve --migrate "),
    ("alpine-receiver --database-url-", "alpine-receiver --database-url-file="),
])
def test_zsh_completes(zsh, typed, becomes):
    zsh.type(typed + "\t")
    zsh.type("|")
    zsh.wait("|")
    line = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\x07\x08]", "", zsh.said[zsh.said.rindex("$ ") + 2:])
    assert line == becomes + "|"


@each
def test_zsh_knows_every_command_option_and_word(build, program):
    """By what it hands to zsh's own functions."""
    script = """
        _arguments() { state=$wanted; print -rl -- "$@"; return 1 }
        _describe() { print -rl -- "${(@P)2}" }
        complete() { source "$1" }
        file=$1 wanted=$2; shift 2; words=("$@")
        complete $file
    """

    def handed(state, *words):
        done = subprocess.run(["zsh", "-f", "-c", script, "zsh", packaged.made(build, program, f"_{program}"), state,
                               *words], capture_output=True, text=True, timeout=30, check=False)
        assert done.stderr == "", done
        return done.stdout.splitlines()

    commands = packaged.commands(program)
    described = {line.split(":")[0] for line in handed("command") if re.match("[a-z]+:", line)}
    assert described == {command.name for command in commands}
    for command in commands:
        specs = handed("argument", command.name)
        offered = {re.split("[=[]", spec)[0] for spec in specs if spec.startswith("--")}
        assert offered == command.flags | command.options | packaged.options(build, program), command.name
        for word in command.words:
            assert any(re.search(rf"[( ]{word}[) ]", spec) for spec in specs if spec[0] == "1"), word


@each
def test_the_manual_page_has_every_command_option_and_setting(build, program):
    page = gzip.decompress(packaged.made(build, program, f"{program}.1.gz").read_bytes()).decode()
    assert not re.search("@[A-Z]+@", page), "a place was not filled"
    shown = page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "")
    for command in packaged.commands(program):
        row = re.search(rf"^\.TP\n{command.name}\b(.*)$", shown, re.MULTILINE)
        assert row, command.name
        assert set(re.findall(r"--[a-z-]+", row[1])) == command.flags | command.options, command.name
    known = from_help(build, program)
    for name, default in known.settings.items():
        row = re.search(rf"^\.TP\n{name}\b(.*?)(?=^\.(?:TP|SH))", shown, re.MULTILINE | re.DOTALL)
        assert row, name
        assert default is None or f"Default: {default}.\n" in row[1], name
        assert ("A reload (SIGHUP) applies it." in row[1]) == (name in known.reloaded), name
        assert all(line.endswith(".") for line in row[1].strip().splitlines()[1:]), f"{name}: sentences"
    assert all(option in shown for option in packaged.options(build, program))
    for secret in packaged.aws_secrets(program):
        assert f"In AWS Secrets Manager: {secret}.\n" in shown


@pytest.mark.parametrize("page", ["alpine-sender/alpine-sender.1", "alpine-sender/alpine-sender-setup.8",
                                  "alpine-receiver/alpine-receiver.1"])
def test_a_manual_page_can_be_shown(build, page):
    done = subprocess.run(["man", "--warnings", "-l", build / "packages" / f"{page}.gz"], capture_output=True,
                          text=True, timeout=60, env={"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "EXIT STATUS" in done.stdout
    name = Path(page).name.split(".")[0]
    said = subprocess.run(["lexgrog", build / "packages" / f"{page}.gz"], capture_output=True, text=True, timeout=60,
                          check=True).stdout
    assert f'"{name} - ' in said, "apropos finds it"


def test_the_set_up_script_has_the_options_of_its_manual_page(build):
    said = subprocess.run([SETUP, "--help"], capture_output=True, text=True, timeout=30, check=True).stdout
    options = re.findall(r"^  (--[a-z-]+)", said, re.MULTILINE)
    page = text(build / "packages/alpine-sender/alpine-sender-setup.8").replace("\\-", "-")
    assert re.findall(r"^\\fB(--[a-z-]+)", page, re.MULTILINE) == options
    accepted = set(re.findall(r"--[a-z-]+(?= \||\))", text(SETUP)))
    assert set(options) <= accepted


@pytest.mark.parametrize("example", ["sender/packaging/sender.env", "receiver/packaging/receiver.env"])
def test_an_example_is_one(build, tmp_path, example):
    """Each of its settings is one, and `check` takes what it says for a value."""
    program = "alpine-" + example.split("/", maxsplit=1)[0]
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", text(REPO / example), re.MULTILINE)
    known = set(from_help(build, program).settings)
    assert lines and {name for name, _ in lines} <= known
    settings = {name: value for name, value in lines if name != "ARGO_CONFIG"}
    _has_no_complaint_of(build, program, settings, tmp_path)
    assert set(SETTING.findall(text(REPO / example))) <= known


def test_the_example_of_a_configuration_file_is_one(build, tmp_path):
    settings = {"ARGO_CONFIG": REPO / "sender/packaging/config.json"}
    said = _has_no_complaint_of(build, "alpine-sender", settings, tmp_path)
    assert said.count("config.json: alpine.") == 4


def _has_no_complaint_of(build, program, settings, folder):
    done = subprocess.run([build / program.removeprefix("alpine-") / program, "check"], capture_output=True, text=True,
                          timeout=60, cwd=folder, env={"PATH": os.environ["PATH"], "ALPINE_CONNECT_TIMEOUT": "0.1",
                                                       **{name: str(value) for name, value in settings.items()}},
                          check=False)
    for name in settings:
        assert not re.search(rf"^fail +{name}\b", done.stdout, re.MULTILINE), done.stdout
    return done.stdout
