"""How the files look, and that they speak of the product alone."""

import ast
import re
from collections import Counter

import pytest
from sources import c_files, files, name, product_files, text, tool
from support.paths import REPO

LONGEST_C_FILE = 450
# What a file of the product never says, each with a reason. Spelt so that this file passes too.
UNWANTED = {
    "an absolute path of somebody's machine": re.compile(r"(?<![\w.$}])/(?:home|root|Users|work)/[\w.]"),
    "a note to oneself; open an issue": re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b"),
}
BINARY = {".db", ".db-wal", ".db-shm", ".png"}


def test_formatted():
    content, said = tool("clang-format", "--dry-run", "-Werror", *c_files())
    assert content, f"not formatted; `./run format` does it:\n{said}"


@pytest.mark.parametrize("limit", [LONGEST_C_FILE])
def test_no_long_c_file(limit):
    long = [f"{name(path)} has {length} lines, more than {limit}: split it by job"
            for path in product_files() + c_files("tests") for length in [text(path).count("\n")] if length > limit]
    assert not long, "\n".join(long)


def test_first_line_says_the_job():
    silent = [f"{name(path)} does not begin with a comment that says its job"
              for path in c_files() if not text(path).startswith("/* ")]
    assert not silent, "\n".join(silent)


def test_shell_scripts():
    scripts = [path for path in files() if path.suffix == ".sh" or _is_shell(path)]
    assert scripts, "no shell script was found, not even ./run"
    content, said = tool("shellcheck", *scripts)
    assert content, said


def _is_shell(path):
    with open(path, "rb") as file:
        return bool(re.match(rb"#!.*\b(?:ba|da)?sh\b", file.readline(200)))


def _defined_twice(path):
    names = Counter(part.name for part in ast.parse(text(path)).body if isinstance(part, (ast.FunctionDef, ast.ClassDef)))
    return [one for one, count in names.items() if count > 1]


def test_nothing_is_defined_twice_in_a_python_file():
    """The second definition hides the first: a test that never runs."""
    hidden = [f"{name(path)}: {one}" for path in files("tests") if path.suffix == ".py" for one in _defined_twice(path)]
    assert not hidden, "\n".join(hidden)


def test_files_speak_of_the_product_alone():
    wrong = []
    for path in files():
        if path.suffix in BINARY or "corpus" in path.parts:
            continue
        for number, line in enumerate(text(path).splitlines(), 1):
            wrong += [f"{name(path)}:{number}: {why}: {line.strip()}" for why, what in UNWANTED.items()
                      if what.search(line)]
    assert not wrong, "\n".join(wrong)


def test_text_files_are_clean():
    wrong = []
    for path in files():
        if path.suffix in BINARY | {".log", ".sql"} or "corpus" in path.parts:
            continue
        lines = text(path).split("\n")
        wrong += [f"{name(path)}:{number}: white space at the end" for number, line in enumerate(lines, 1)
                  if line != line.rstrip()]
        if lines[-1]:
            wrong.append(f"{name(path)} does not end with a line's end")
    assert not wrong, "\n".join(wrong)


def test_top_level():
    """Nothing lies at the top that is not meant to."""
    wanted = {"CMakeLists.txt", "README.md", "run", "common", "sender", "receiver", "migrations", "docker", "tests",
              "docs"}
    there = {path.name for path in REPO.iterdir() if not path.name.startswith(".")} - {"build"}
    assert there <= wanted, f"not meant to be at the top: {', '.join(sorted(there - wanted))}"
