"""cppcheck and clang-tidy find nothing, and clang builds it all without a warning."""

import hashlib
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sources import PRODUCT, c_files, files, name, product_files, text, tool
from support.paths import BUILD, REPO

CPPCHECK_QUIET = (
    "missingIncludeSystem",  # it is not given the system's headers
    "unmatchedSuppression",
)


@pytest.mark.slow
def test_cppcheck():
    folder = BUILD / "cppcheck"
    folder.mkdir(parents=True, exist_ok=True)
    content, said = tool(
        "cppcheck", "--enable=warning,performance,portability", "--error-exitcode=1", "--inline-suppr", "--quiet",
        "--std=c11", "-D_GNU_SOURCE", '-DALPINE_VERSION="0"', f"-j{os.cpu_count()}", f"--cppcheck-build-dir={folder}",
        *(f"--suppress={what}" for what in CPPCHECK_QUIET),
        *(f"-I{REPO / folder}" for folder in PRODUCT), *(REPO / folder for folder in PRODUCT), REPO / "tests")
    assert content, said


def compile_commands():
    """What the release build was compiled with: (file, command) for each file of ours."""
    path = BUILD / "release" / "compile_commands.json"
    assert path.exists(), f"{name(path)} is not there: ./run build"
    found = {}
    for entry in json.loads(text(path)):
        file = os.path.realpath(entry["file"])
        if file.startswith(str(REPO) + "/") and not file.startswith(str(BUILD) + "/"):
            found[file] = entry["command"]
    return found


def tidy(file, command, common_key):
    """clang-tidy's findings in one file, from the cache if neither it nor anything that it may include has changed."""
    key = hashlib.sha256((common_key + command + text(file)).encode()).hexdigest()
    cached = BUILD / "clang-tidy" / key
    if cached.exists():
        return cached.read_text()
    content, said = tool("clang-tidy", "--quiet", "-p", BUILD / "release", file)
    said = "" if content else re.sub(r"(?m)^(\d+ warnings?.*|Suppressed .*|Use -header-filter.*)\n?", "", said)
    cached.write_text(said)
    return said


@pytest.mark.slow
def test_clang_tidy():
    (BUILD / "clang-tidy").mkdir(parents=True, exist_ok=True)
    commands = compile_commands()
    missing = [name(path) for path in product_files() if path.suffix == ".c" and str(path) not in commands]
    assert not missing, f"not in the release build, so not looked at: {', '.join(missing)}"
    headers = [path for path in c_files() if path.suffix == ".h"]
    configurations = [path for path in files() if path.name == ".clang-tidy"]
    common_key = "".join(text(path) for path in [*configurations, *headers])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        said = list(pool.map(lambda item: tidy(*item, common_key), sorted(commands.items())))
    assert not any(said), "\n".join(filter(None, said))


@pytest.mark.slow
def test_clang_builds_without_warnings():
    folder = BUILD / "clang"
    configure = ("cmake", "-S", REPO, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                 "-DCMAKE_C_COMPILER=clang")
    content, said = (True, "") if (folder / "build.ninja").exists() else tool(*configure)
    assert content, said
    content, said = tool("cmake", "--build", folder)
    assert content and "warning:" not in said, said
