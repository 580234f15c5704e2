"""The layers, as a table: what each file may include. See docs/architecture.md for why."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from sources import name, product_files, text
from support.paths import REPO

# A file of the layer on the left may include headers of the layers on the right. Adapters and engine meet at the
# seams only; commands and main.c join them.
MAY_INCLUDE = {
    "base": {"base"},
    "format": {"base", "format"},
    "aws": {"base", "aws"},
    "seams": {"base", "format", "seams"},
    "engine": {"base", "format", "seams", "engine"},
    "adapters": {"base", "format", "seams", "adapters"},
    "commands": {"base", "format", "seams", "engine", "adapters", "commands"},
    "main": {"base", "format", "aws", "seams", "engine", "adapters", "commands"},
}
SHARED_LAYERS = {"base", "format", "aws"}

# Third-party headers (and inotify, which is a world of its own): who may include them. One file each, where it can be.
THIRD_PARTY = {
    "jansson.h": {"common/base/json_doc.c"},
    "zstd.h": {"common/base/compress.c"},
    "zstd_errors.h": {"common/base/compress.c"},
    "openssl/": {"common/base/digest.c", "sender/adapters/ca_pem.c"},
    "microhttpd.h": {"receiver/adapters/http_mhd.c", "receiver/adapters/http_headers.c",
                     "receiver/adapters/http_answer.h", "receiver/adapters/http_worker.h",
                     "sender/adapters/mhd_library.h"},
    "libpq-fe.h": {"receiver/adapters/pg_conn.h", "receiver/adapters/pg_connect.h", "receiver/adapters/pg_url.c"},
    "curl/": {"common/aws/http.c", "sender/adapters/transport_curl.c", "sender/adapters/curl_answer.h",
              "sender/adapters/curl_trust.h", "sender/adapters/endpoint.c", "sender/adapters/tls_probe.c"},
    "sqlite3.h": {"sender/adapters/sqlite_file.h", "sender/adapters/sqlite_row.h", "sender/adapters/state_db.h",
                  "sender/adapters/state_schema.h"},
    "sys/inotify.h": {"sender/adapters/source_watch.c"},
}

# Everything else in <> has to be C's, POSIX's or the kernel's.
SYSTEM = set("""
    assert ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic stdbool
    stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype
    arpa/inet dirent dlfcn endian fcntl getopt glob grp libgen netdb net/if netinet/in netinet/tcp poll pthread pwd regex
    sched semaphore strings sysexits syslog termios unistd
""".split())
SYSTEM_FOLDERS = ("sys/", "linux/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """Where a file stands: `common`, `sender` or `receiver`, and its layer there."""
    program: str
    layer: str


def place(path):
    """The place of a file, or None if it stands in no layer."""
    parts = path.relative_to(REPO).parts
    if parts[0] in ("sender", "receiver") and parts[1:] == ("main.c",):
        return Place(parts[0], "main")
    layer = parts[1] if len(parts) == 3 else None
    if layer not in MAY_INCLUDE or (parts[0] == "common") != (layer in SHARED_LAYERS):
        return None
    return Place(parts[0], layer)


def includes(path):
    """What a file includes: pairs of the bracket and the name."""
    return INCLUDE.findall(text(path))


def resolve(path, included):
    """The file that `#include "included"` means, or None. Includes start from common/ or the program's own folder."""
    top = path.relative_to(REPO).parts[0]
    for folder in (REPO / "common", REPO / top):
        if (folder / included).is_file():
            return folder / included
    return None


def misplaced():
    """Files in no layer."""
    return [f"{name(path)} is in no layer: put it into one of {', '.join(sorted(MAY_INCLUDE))}"
            for path in product_files() if place(path) is None]


def forbidden_includes():
    """Includes that point up, across, or at nothing."""
    wrong = []
    for path in product_files():
        for bracket, included in includes(path):
            target = resolve(path, included) if bracket == '"' else None
            if bracket == '"' and target is None:
                wrong.append(f"{name(path)} includes \"{included}\", which is neither in common/ nor in its own program")
            elif target and not _allowed(place(path), place(target)):
                wrong.append(f"{name(path)} must not include {name(target)}: {place(path).layer} may include "
                             f"{', '.join(sorted(MAY_INCLUDE[place(path).layer]))} of common and of its own program")
    return wrong


def _allowed(here, there):
    return bool(here and there and there.layer in MAY_INCLUDE[here.layer] and there.program in ("common", here.program))


def foreign_headers():
    """Third-party headers in files that are not on the list."""
    wrong = []
    for path in product_files():
        for _, included in (entry for entry in includes(path) if entry[0] == "<"):
            owner = next((key for key in THIRD_PARTY if included == key or key[-1] == "/" and included.startswith(key)),
                         None)
            if owner and name(path) not in THIRD_PARTY[owner]:
                wrong.append(f"{name(path)} includes <{included}>; only {', '.join(sorted(THIRD_PARTY[owner]))} may")
            elif not owner and included.removesuffix(".h") not in SYSTEM and not included.startswith(SYSTEM_FOLDERS):
                wrong.append(f"{name(path)} includes <{included}>, which is in no list of tests/checks/layers.py")
    return wrong


def stale_permissions():
    """Permissions that nobody uses."""
    used = {(included, name(path)) for path in product_files() for bracket, included in includes(path) if bracket == "<"}
    return [f"THIRD_PARTY lets {file} include {header}, but it does not"
            for header, allowed in THIRD_PARTY.items() for file in sorted(allowed)
            if not any(by == file and included.startswith(header) for included, by in used)]


def rings():
    """Modules (a .c with its .h) that include each other, however indirectly. Each ring is a list of modules."""
    uses = defaultdict(set)
    for path in product_files():
        for bracket, included in includes(path):
            target = resolve(path, included) if bracket == '"' else None
            if target and target.with_suffix("") != path.with_suffix(""):
                uses[path.with_suffix("")].add(target.with_suffix(""))
    reach = {module: _reachable(module, uses) for module in list(uses)}
    groups = {frozenset(other for other in reach[module] if module in reach.get(other, ())) for module in reach
              if module in reach[module]}
    return [sorted(name(module) for module in group) for group in groups]


def _reachable(start: Path, uses):
    found, waiting = set(), [start]
    while waiting:
        for target in uses.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found
