"""The Dockerfiles and compose files, read without an engine; ./run e2e runs them."""

import json
import re
import subprocess

import pytest
import yaml
from sources import text
from support.paths import REPO

DOCKER = REPO / "docker"
OURS = ("receiver", "sender")
COMPOSE = ("compose.yaml", "compose.production.yaml")
OURS_IN = {"compose.yaml": ("migrate", "receiver", "sender"),
           "compose.production.yaml": ("migrate", "receiver-a", "receiver-b")}
LATEST = re.compile(r"^[^:]+(:latest)?$")


def instructions(name):
    """(INSTRUCTION, rest) of each, without comments and with continued lines joined."""
    joined = re.sub(r"\\\n", " ", "\n".join(line for line in text(DOCKER / name).splitlines() if not line.startswith("#")))
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def last_stage(name):
    """The instructions that make the image, not what it is built by."""
    every = instructions(name)
    start = max(at for at, (word, _) in enumerate(every) if word == "FROM")
    return every[start:]


@pytest.mark.parametrize("program", OURS)
def test_the_image_begins_with_nothing_and_runs_nothing_but_the_program(program):
    stage = last_stage(f"{program}.Dockerfile")
    assert stage[0] == ("FROM", "scratch")
    assert not [rest for word, rest in stage if word in ("RUN", "ADD")]
    given = dict(stage)
    assert json.loads(given["ENTRYPOINT"]) == [f"/usr/bin/alpine-{program}"]
    assert isinstance(json.loads(given["CMD"]), list), "a shell would be process 1, and SIGTERM would end with it"


@pytest.mark.parametrize("program", OURS)
def test_the_user_is_a_number_and_not_root(program):
    user = dict(last_stage(f"{program}.Dockerfile"))["USER"]
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", user)


@pytest.mark.parametrize("program", OURS)
def test_the_health_check_is_the_programs_own(program):
    check = dict(last_stage(f"{program}.Dockerfile"))["HEALTHCHECK"]
    assert check.endswith(f'CMD ["/usr/bin/alpine-{program}", "healthcheck"]')


@pytest.mark.parametrize("program", OURS)
def test_no_secret_is_in_an_image(program):
    for word, rest in instructions(f"{program}.Dockerfile"):
        assert word not in ("ARG", "ENV") or not re.search(r"KEY|PASSWORD|SECRET|DATABASE_URL", rest), rest


def test_both_images_are_built_by_the_same_packages():
    """A machine that builds both installs them once."""
    first, second = [[one for one in instructions(f"{program}.Dockerfile") if one[0] == "RUN"][0] for program in OURS]
    assert first == second


def test_only_sources_are_sent_to_the_builder():
    rules = [line for line in text(REPO / ".dockerignore").splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*" and all(rule.startswith("!") for rule in rules[1:])
    for rule in rules[1:]:
        assert (REPO / rule[1:]).exists(), f"{rule} names nothing"


# --- compose ---

def config(name, *options):
    """The file as Compose understands it, with every variable at its default."""
    done = subprocess.run(["docker-compose", "-f", DOCKER / name, *options, "config"], capture_output=True, text=True,
                          timeout=60, env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


@pytest.mark.parametrize("name", COMPOSE)
def test_compose_takes_the_file(name):
    services = config(name)["services"]
    assert set(OURS_IN[name]) <= set(services) | {"migrate"}


def test_whichever_service_comes_first_builds_its_image():
    """docker-compose 1.29 goes from one to the next, and would ask a registry for what a later one builds."""
    for service, given in config("compose.yaml")["services"].items():
        assert "build" in given or not given["image"].startswith("alpine-"), service


@pytest.mark.parametrize("name", COMPOSE)
def test_containers_get_nothing_that_they_do_not_need(name):
    for service, given in config(name, "--profile", "observability", "--profile", "migrate")["services"].items():
        assert not given.get("privileged")
        if service != "database":  # PostgreSQL's entrypoint begins as root, and writes where it likes
            assert given["read_only"] and given["cap_drop"] == ["ALL"], service
            assert given["security_opt"] == ["no-new-privileges:true"], service
        for port in given.get("ports", []):
            assert str(port).startswith("127.0.0.1:"), f"{service} is open to the network: {port}"


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPOSE)
def test_secrets_are_files(name):
    for service, given in config(name, "--profile", "observability", "--profile", "migrate")["services"].items():
        for setting, value in given.get("environment", {}).items():
            if re.search(r"KEY|PASSWORD|DATABASE_URL", setting):
                assert setting.endswith("_FILE") and str(value).startswith("/run/secrets/"), f"{service}: {setting}"
        for secret in given.get("secrets", []):
            assert secret["source"] in config(name, "--profile", "observability")["secrets"]


def test_each_waits_for_what_it_needs():
    services = config("compose.yaml")["services"]
    waits = {(service, other): how["condition"] for service, given in services.items()
             for other, how in given.get("depends_on", {}).items()}
    assert waits == {
        ("migrate", "database"): "service_healthy",
        ("roles", "migrate"): "service_completed_successfully",
        ("receiver", "roles"): "service_completed_successfully",
        ("sender", "argo"): "service_healthy",
        ("sender", "receiver"): "service_healthy",
    }


def test_only_the_owner_may_migrate_and_the_receiver_is_not_the_owner():
    services = config("compose.yaml")["services"]
    assert services["migrate"]["environment"]["DATABASE_URL_FILE"] == "/run/secrets/owner-url"
    assert services["receiver"]["environment"]["DATABASE_URL_FILE"] == "/run/secrets/receiver-url"
    assert "owner-url" not in [secret["source"] for secret in services["receiver"]["secrets"]]


def test_the_sender_cannot_write_to_argos_files_nor_argo_reach_the_network():
    services = config("compose.yaml")["services"]
    assert "argo:/argo:ro" in services["sender"]["volumes"]
    assert services["argo"]["network_mode"] == "none"


@pytest.mark.parametrize("name", COMPOSE)
def test_images_of_others_have_a_version(name):
    for service, given in config(name, "--profile", "observability")["services"].items():
        assert given["image"].startswith("alpine-") or not LATEST.match(given["image"]), f"{service}: {given['image']}"


def _made_in(folder):
    subprocess.run([DOCKER / "secrets.sh", folder], check=True, timeout=30)
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_secrets_are_made_once_and_kept(tmp_path):
    folder = tmp_path / "secrets"
    first, made = [_made_in(folder) for _ in range(2)]
    assert first == made
    assert folder.stat().st_mode & 0o777 == 0o700
    assert re.fullmatch(r"[0-9a-f]{64}\n", made["api-key"])
    assert made["receiver-password"].strip() in made["receiver-url"]
    named = config("compose.yaml", "--profile", "observability")["secrets"]
    assert {file.rsplit("/", 1)[1] for file in (secret["file"] for secret in named.values())} == set(made)
