"""The Debian packages: in order, the same wherever they are built, and installed, upgraded, removed and purged without
a trace. They are tried on an overlay over this system, which stays as it is."""

import os
import re
import shutil
import subprocess

import pytest

from support.paths import REPO
from support.process import SYSTEM_PATH
from support.scratch_system import ScratchSystem

pytestmark = [pytest.mark.one_build, pytest.mark.slow]

PROGRAMS = ("alpine-sender", "alpine-receiver")
EPOCH = "1767225600"  # any moment
KEY = "a-key-0123456789abcdef"
PLACES = ("/etc", "/usr", "/lib", "/var/lib/alpine-sync")

each = pytest.mark.parametrize("program", PROGRAMS)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="packages are installed by root")

SYSTEMCTL = "#!/bin/sh\necho \"$*\" >> /tmp/systemctl\n"


def pack(build, folder):
    """Make the packages of a build; their paths."""
    done = subprocess.run(["cpack", "--config", build / "CPackConfig.cmake", "-B", folder], capture_output=True,
                          text=True, timeout=200, env={"PATH": SYSTEM_PATH, "SOURCE_DATE_EPOCH": EPOCH}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.name.split("_")[0]: path for path in folder.glob("*.deb")}


@pytest.fixture(name="packages", scope="module")
def fixture_packages(build, tmp_path_factory):
    return pack(build, tmp_path_factory.mktemp("packages"))


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def newer(package, folder):
    """The same package as version 1.0.1."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", package, tree], check=True, timeout=60)
    control = tree / "DEBIAN" / "control"
    text = control.read_text()
    assert "\nVersion: 1.0.0\n" in text
    control.write_text(text.replace("\nVersion: 1.0.0\n", "\nVersion: 1.0.1\n"))
    path = folder / "newer.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, path], check=True, timeout=60, capture_output=True)
    return path


# --- what they are ---


def test_lintian_has_nothing_to_say(packages):
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *packages.values()], text=True,
                          capture_output=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@each
def test_a_package_needs_the_libraries_of_its_program_and_no_others(packages, program):
    wanted = {"alpine-sender": {"libc6", "libcurl4", "libjansson4", "libsqlite3-0", "libssl3", "libzstd1"},
              "alpine-receiver": {"libc6", "libcurl4", "libjansson4", "libmicrohttpd12", "libpq5", "libssl3",
                                  "libzstd1"}}
    depends = output_of("dpkg-deb", "-f", packages[program], "Depends")
    assert {part.split()[0] for part in depends.split(",")} >= wanted[program]
    other = wanted["alpine-receiver" if program == "alpine-sender" else "alpine-sender"] - wanted[program]
    assert not any(library in depends for library in other)


def test_they_are_the_same_wherever_they_are_built(packages, tmp_path):
    """The sources in another place, built there, give the same bytes."""
    source = tmp_path / "somewhere" / "else"
    shutil.copytree(REPO, source, ignore=shutil.ignore_patterns("build", ".git", "__pycache__", "corpus"))
    build = tmp_path / "built"
    (source / "tests/fuzz/corpus").mkdir()
    for command in (["-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"],
                    ["--build", build, "-j", "2", "--target", *PROGRAMS, *(f"{name}-documents" for name in PROGRAMS)]):
        done = subprocess.run(["cmake", *command], capture_output=True, text=True, timeout=400, check=False,
                              env={"PATH": SYSTEM_PATH, "CC": "gcc"})
        assert done.returncode == 0, done.stdout + done.stderr
    others = pack(build, tmp_path / "packages")
    assert set(others) == set(packages) == set(PROGRAMS)
    for program in PROGRAMS:
        assert others[program].read_bytes() == packages[program].read_bytes(), program


@each
def test_they_do_not_say_where_they_were_built(packages, build, tmp_path, program):
    subprocess.run(["dpkg-deb", "-R", packages[program], tmp_path / "tree"], check=True, timeout=60)
    holding = [path for path in (tmp_path / "tree").rglob("*") if path.is_file()
               and any(str(place).encode() in path.read_bytes() for place in (REPO, build))]
    assert not holding


# --- what they do to a system ---


@pytest.fixture(name="system")
def fixture_system(tmp_path):
    """A scratch system with a systemctl that only writes down what it is asked."""
    system = ScratchSystem(tmp_path / "system")
    for place in ("/var/lib/alpine-sync", "/etc/alpine-sync"):  # of somebody else's
        shutil.rmtree(system.path(place), ignore_errors=True)
    system.write("/run/systemd/system/.there", "")
    system.path("/usr/bin/systemctl").unlink(missing_ok=True)
    system.write("/usr/bin/systemctl", SYSTEMCTL, 0o755)
    system.path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)  # a container's, which says that nothing is started
    yield system
    system.finish()


@pytest.fixture(name="dpkg")
def fixture_dpkg(system, packages):
    """Calls dpkg, which must be content, and tells what it asked of systemctl."""
    def run(*arguments):
        if arguments[0] == "-i":
            arguments = [f"/tmp/{packages[one].name}" if one in packages else one for one in arguments]
        for path in packages.values():
            shutil.copy(path, system.path("/tmp"))
        system.write("/tmp/systemctl", "")
        done = system.run("dpkg", *arguments)
        assert done.code == 0, done
        assert "warning" not in done.err, done
        asked = system.path("/tmp/systemctl").read_text().splitlines()
        return [call for call in asked if "daemon-reload" not in call]
    return run


@root_only
def test_installed_they_work_and_start_nothing(system, dpkg):
    before = system.named("alpine", *PLACES)
    assert dpkg("-i", *PROGRAMS) == []
    for program in PROGRAMS:
        assert re.fullmatch(rf"{program} [\d.]+\n", system.run(program, "version").out)
        assert system.run("man", "-w", program).out == f"/usr/share/man/man1/{program}.1.gz\n"
        unit = f"/usr/lib/systemd/system/{program}.service"
        verified = system.run("systemd-analyze", "verify", unit)
        assert (verified.code, verified.err) == (0, ""), "with its manual page"
        completion = f"/usr/share/bash-completion/completions/{program}"
        done = system.run("bash", "-c", f"source {completion}; complete -p {program}")
        assert done.out == f"complete -F _{program.replace('-', '_')} {program}\n"
        done = system.run("zsh", "-f", "-c", f"autoload -Uz compinit; compinit -u -D; print $_comps[{program}]")
        assert done.out == f"_{program}\n", done
        assert system.run("dpkg", "-V", program).out == "", "its files are what its sums say"
    assert system.run("man", "-w", "alpine-sender-setup").code == 0
    assert "usage: alpine-sender-setup" in system.run("alpine-sender-setup", "--help").out
    assert system.path("/etc/alpine-sync").stat().st_mode & 0o777 == 0o700
    assert not system.named("alpine", "/etc/systemd")
    dpkg("--purge", *PROGRAMS)
    assert system.named("alpine", *PLACES) == before


@root_only
def test_set_up_by_the_installed_script(system, dpkg, stage):
    receiver = stage.receiver(EXTERNAL_SIGNAL_API_KEY=KEY)
    argo = stage.argo()
    argo.write(5)
    argo.finish()
    system.path("/srv/argo").mkdir(parents=True)
    shutil.copy(argo.database, system.path("/srv/argo"))
    dpkg("-i", "alpine-sender")
    done = system.run("alpine-sender-setup", "--url", receiver.url, "--database", f"/srv/argo/{argo.database.name}",
                      "--key-file", "-", text=KEY)
    assert done.code == 0, done
    assert system.path("/etc/alpine-sync/api-key").read_text() == KEY + "\n"
    assert "restart alpine-sender.service" in system.path("/tmp/systemctl").read_text()
    assert f"ALPINE_API_URL={receiver.url}" in system.path("/etc/alpine-sync/sender.env").read_text()
    readme = system.path("/usr/share/doc/alpine-sender/README.Debian").read_text()
    beside = re.search(r"^ +(\(set -a;.*)$", readme, re.MULTILINE)[1].replace("-u argo", "-u root")
    done = system.run("sh", "-c", beside)
    assert done.code == 0 and re.search("^pending +5$", done.out, re.MULTILINE), done
    page = system.run("man", "alpine-sender").out
    assert beside.replace("-u root", "-u argo") in page.replace("\u2010", "-")


@root_only
def test_an_upgrade_restarts_what_runs_and_keeps_its_configuration(system, dpkg, packages, tmp_path):
    dpkg("-i", *PROGRAMS)
    kept = _configure(system)
    for program in PROGRAMS:
        (tmp_path / program).mkdir()
        path = f"/tmp/{program}-newer.deb"
        shutil.copy(newer(packages[program], tmp_path / program), system.path(path))
        assert [call for call in dpkg("-i", path) if "is-" not in call] == [f"try-restart {program}.service"]
        assert system.run("dpkg-query", "-W", "-f", "${Version}", program).out == "1.0.1"
    assert _contents(system, kept) == kept


@root_only
def test_removing_stops_and_keeps_what_signals_hang_on_and_purging_does_not(system, dpkg):
    before = system.named("alpine", *PLACES)
    dpkg("-i", *PROGRAMS)
    kept = _configure(system)
    for program in PROGRAMS:
        assert any(f"stop {program}.service" in call for call in dpkg("-r", program))
        assert system.run("sh", "-c", f"command -v {program}").code == 127
    assert _contents(system, kept) == kept
    dpkg("--purge", "alpine-sender")
    left = {file for file in kept if system.path(file).exists()}
    assert left == {"/etc/alpine-sync/api-key", "/etc/alpine-sync/receiver.env", "/etc/alpine-sync/database-url"}
    dpkg("--purge", "alpine-receiver")
    assert not system.path("/etc/alpine-sync").exists()
    assert system.named("alpine", *PLACES) == before


@root_only
@each
def test_purging_leaves_the_key_to_an_other_end_that_came_without_a_package(system, dpkg, program):
    dpkg("-i", program)
    kept = _configure(system)
    dpkg("--purge", program)
    left = {file for file in kept if system.path(file).exists()}
    assert "/etc/alpine-sync/api-key" in left
    others = "receiver.env" if program == "alpine-sender" else "sender.env"
    assert f"/etc/alpine-sync/{others}" in left


def _configure(system):
    """Write what an operator would; the contents by name."""
    files = {"/etc/alpine-sync/sender.env": "ALPINE_API_URL=http://127.0.0.1:1\n",
             "/etc/alpine-sync/receiver.env": "ALPINE_LISTEN=127.0.0.1:1\n",
             "/etc/alpine-sync/api-key": KEY + "\n",
             "/etc/alpine-sync/database-url": "postgresql://localhost/alpine\n",
             "/etc/systemd/system/alpine-sender.service.d/10-setup.conf": "[Service]\nUser=root\n",
             "/var/lib/alpine-sync/state.db": "positions and dead letters"}
    for name, text in files.items():
        system.write(name, text, 0o600)
    return files


def _contents(system, names):
    return {name: system.path(name).read_text() for name in names}
