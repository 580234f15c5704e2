"""Settings from AWS Secrets Manager, both programs against a server that checks every signature: where credentials come
from, which place wins, and that an AWS that is away, slow or unwilling costs little time and nothing else."""

import json
import signal as signals_of_unix
import subprocess
from pathlib import Path

import pytest

from support.argo import pairs
from support.fake_aws import OWNER, REGION, SESSION, FakeAws, Identity, Refusal
from support.process import command_line, environment, run_program
from support.receiver import KEY
from support.shifted_clock import ShiftedClock
from support.waiting import Stopwatch, stays

URL_SECRET = "argo-alpine/argo/alpine-api-url"
KEY_SECRET = "argo-alpine/argo/argo-api-key"
BACKEND_SECRET = "argo-alpine/alpine-backend/argo-api-key"
BOTH = [f"secret {URL_SECRET}", f"secret {KEY_SECRET}"]
FROM_KEY_SECRET = f"(secret) (AWS Secrets Manager: {KEY_SECRET})"
NOBODY = "http://127.0.0.1:1"
FAILED, ATTENTION, CONFIGURATION = 1, 3, 78


@pytest.fixture(name="aws")
def fixture_aws():
    aws = FakeAws({URL_SECRET: NOBODY, KEY_SECRET: KEY, BACKEND_SECRET: KEY}).start()
    yield aws
    aws.finish()


@pytest.fixture(name="sender")
def fixture_sender(build, tmp_path):
    """Runs alpine-sender to its end, with no settings but those given."""
    def run(*arguments, **settings):
        given = {"ALPINE_STATE_DIR": tmp_path / "state", "ALPINE_REQUEST_TIMEOUT": 1, **settings}
        return run_program(build / "sender" / "alpine-sender", arguments, given, folder=tmp_path)
    return run


def items(done):
    """What `check --json` found: (verdict, detail) by item."""
    return {item["item"]: (item["verdict"], item["detail"]) for item in json.loads(done.out)["items"]}


def timed(function, *arguments, **settings):
    watch = Stopwatch()
    done = function(*arguments, **settings)
    return done, watch.passed, watch.running


def config_json(folder, **alpine):
    path = folder / "own-config.json"
    path.write_text(json.dumps({"alpine": alpine}))
    return {"ARGO_CONFIG": path}


def with_key(aws, **settings):
    return {**aws.settings, **OWNER.settings, **settings}


# --- what it is for ---

def test_both_programs_live_on_what_aws_has(stage, aws):
    receiver = stage.receiver(EXTERNAL_SIGNAL_API_KEY=None, **with_key(aws))
    argo = stage.argo()
    made = argo.write(3)
    aws.secrets[URL_SECRET] = receiver.url
    stage.sender(receiver, argo, ALPINE_API_URL=None, ARGO_API_KEY=None, **with_key(aws)).sync()
    assert receiver.database.stored() == pairs(made)
    assert aws.asked == [f"secret {BACKEND_SECRET}", *BOTH] and aws.complaints == []


def test_check_names_the_secret_on_both_ends_and_shows_no_key(stage, sender, aws):
    said = items(sender("check", "--json", **with_key(aws)))
    assert said["ALPINE_API_URL"] == ("pass", f"{NOBODY} (AWS Secrets Manager: {URL_SECRET})")
    assert said["ARGO_API_KEY"] == ("pass", FROM_KEY_SECRET)
    said = items(stage.receiver_command("check", "--json", **with_key(aws)))
    assert said["EXTERNAL_SIGNAL_API_KEY"] == ("pass", f"(secret) (AWS Secrets Manager: {BACKEND_SECRET})")


# --- credentials ---

PROFILES = f"""# the one that is meant, and others
[default]
aws_access_key_id = AKIDOTHER
aws_secret_access_key = other

[ work ]
aws_access_key_id = {SESSION.access_key}
aws_secret_access_key = {SESSION.secret_key}
aws_session_token = {SESSION.token}
"""


def by_environment(_aws, _folder):
    return OWNER.settings, []


def by_session_token(_aws, _folder):
    return SESSION.settings, []


def by_profile(_aws, folder):
    (folder / "credentials").write_text(PROFILES)
    (folder / "config").write_text(f"[profile work]\nregion = {REGION}\n")
    return {"AWS_SHARED_CREDENTIALS_FILE": folder / "credentials", "AWS_CONFIG_FILE": folder / "config",
            "AWS_PROFILE": "work", "AWS_REGION": None}, []


def by_home(_aws, folder):
    (folder / ".aws").mkdir()
    (folder / ".aws" / "credentials").write_text(PROFILES.replace("default", "none").replace(" work ", "default"))
    return {"HOME": folder}, []


def by_container(aws, _folder):
    aws.container_token = "Basic abc+/=="
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/container/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": aws.container_token}, ["container"]


def by_container_and_token_file(aws, folder):
    aws.container_token = "Bearer ey.abc"
    (folder / "token").write_text(aws.container_token + "\n")
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/container/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": folder / "token"}, ["container"]


def by_instance(aws, _folder):
    return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{aws.url}/", "AWS_EC2_METADATA_DISABLED": None}, \
        ["token", "roles", "role"]


def by_instance_with_its_region(aws, _folder):
    return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.url, "AWS_EC2_METADATA_DISABLED": "false", "AWS_REGION": None}, \
        ["token", "roles", "role", "token", "region"]


def first_environment_then_the_rest(aws, folder):
    return {**by_instance(aws, folder)[0], **by_container(aws, folder)[0], **by_profile(aws, folder)[0],
            **OWNER.settings}, []


def first_container_then_instance(aws, folder):
    return {**by_instance(aws, folder)[0], **by_container(aws, folder)[0]}, ["container"]


@pytest.mark.parametrize("way", [by_environment, by_session_token, by_profile, by_home, by_container,
                                 by_container_and_token_file, by_instance, by_instance_with_its_region,
                                 first_environment_then_the_rest, first_container_then_instance])
def test_credentials_come_from(way, sender, aws, tmp_path):
    settings, asked = way(aws, tmp_path)
    done = sender("check", "--json", **{**aws.settings, **settings})
    assert items(done)["ARGO_API_KEY"] == ("pass", FROM_KEY_SECRET), done
    assert aws.asked == [*asked, *BOTH] and aws.complaints == []


def test_a_container_without_its_full_address_asks_the_usual_one(build, aws, tmp_path):
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=connect", "-e", "inject=connect:error=ECONNREFUSED", "-o", trace,
               *command_line(build / "sender" / "alpine-sender", ["check"])]
    settings = {**aws.settings, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1",
                "ALPINE_STATE_DIR": tmp_path, "ASAN_OPTIONS": "detect_leaks=0"}
    subprocess.run(command, env=environment(settings), cwd=tmp_path, capture_output=True, timeout=60)
    assert 'sin_port=htons(80), sin_addr=inet_addr("169.254.170.2")' in trace.read_text()


def test_a_proxy_does_not_see_what_is_local(sender, aws, tmp_path):
    sender("check", **aws.settings, **by_container(aws, tmp_path)[0], http_proxy=NOBODY)
    assert aws.asked == ["container"]


# --- which place wins ---

def test_the_environment_and_files_win_and_aws_is_not_asked(sender, aws, tmp_path):
    (tmp_path / "key").write_text("k" * 40)
    done = sender("check", "--json", "--alpine-api-url", NOBODY, ARGO_API_KEY_FILE=tmp_path / "key", **with_key(aws))
    assert items(done)["ARGO_API_KEY"][1].endswith("(ARGO_API_KEY_FILE))") and aws.asked == []
    sender("check", ALPINE_API_URL=NOBODY, ARGO_API_KEY=KEY, **with_key(aws))
    assert aws.asked == []
    sender("check", ALPINE_API_URL=NOBODY, ARGO_API_KEY="", **with_key(aws))  # set to nothing is not set
    assert aws.asked == [f"secret {KEY_SECRET}"]


def test_aws_wins_over_config_json(sender, aws, tmp_path):
    settings = config_json(tmp_path, api_url="http://127.0.0.1:2", api_key="k" * 40)
    said = items(sender("check", "--json", **settings, **with_key(aws)))
    assert said["ALPINE_API_URL"][1].startswith(NOBODY) and said["ARGO_API_KEY"] == ("pass", FROM_KEY_SECRET)


@pytest.mark.parametrize("command", ["version", "help", "status", "hash"])
def test_a_command_without_need_of_a_secret_asks_for_none(sender, aws, command):
    sender(command, **with_key(aws))
    assert aws.asked == []


def test_the_receivers_healthcheck_and_migrate_ask_for_none(stage, aws):
    stage.receiver_command("healthcheck", ALPINE_LISTEN="127.0.0.1:1", **with_key(aws))
    stage.receiver_command("migrate", "--status", DATABASE_URL=stage.database().url(), **with_key(aws))
    assert aws.asked == []


def on_ec2():
    vendor = Path("/sys/class/dmi/id/sys_vendor")
    return vendor.exists() and "Amazon" in vendor.read_text()


def test_without_aws_nothing_is_connected_to(build, tmp_path):
    """Even where no variable forbids the instance metadata, unless this is an instance."""
    for program in ("sender", "receiver"):
        trace = tmp_path / program
        command = ["strace", "-f", "-qq", "-e", "trace=connect", "-o", trace,
                   *command_line(build / program / f"alpine-{program}", ["check"])]
        settings = {"ALPINE_STATE_DIR": tmp_path, "HOME": tmp_path, "AWS_SESSION_TOKEN": "", "AWS_REGION": "",
                    "AWS_EC2_METADATA_DISABLED": "true" if on_ec2() else None, "ASAN_OPTIONS": "detect_leaks=0"}
        subprocess.run(command, env=environment(settings), cwd=tmp_path, capture_output=True, timeout=60)
        assert "AF_INET" not in trace.read_text()


@pytest.mark.parametrize("program, command", [
    ("sender", "run"), ("sender", "check"), ("receiver", "serve"), ("receiver", "check")])
def test_no_secret_is_fetched_by_a_process_that_could_leave_a_core(build, aws, tmp_path, program, command):
    trace = tmp_path / "trace"
    subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=prctl,connect", "-o", trace,
         *command_line(build / program / f"alpine-{program}", [command])],
        env=environment({**with_key(aws), "ALPINE_STATE_DIR": "/dev/null/none", "ASAN_OPTIONS": "detect_leaks=0"}),
        cwd=tmp_path, capture_output=True, timeout=60)
    before, connected, _ = trace.read_text().partition("connect(")
    assert connected and aws.asked
    assert "prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE) = 0" in before


# --- what a secret may look like ---

@pytest.mark.parametrize("text", [
    KEY, KEY + "\n", json.dumps({"ARGO_API_KEY": KEY, "other": "text"}), json.dumps({"argo-api-key": KEY, "user": "x"}),
    json.dumps({"value": KEY}), json.dumps({"api_key": KEY, "rotated": 5}), json.dumps({"ARGO_API_KEY": KEY}, indent=2)])
def test_a_secret_may_be_plain_or_json(stage, aws, text):
    receiver, argo = stage.receiver(), stage.argo()
    argo.write(1)
    aws.secrets[KEY_SECRET] = text
    stage.sender(receiver, argo, ARGO_API_KEY=None, **with_key(aws)).sync()


@pytest.mark.parametrize("text", ['{"user": "hidden-text", "password": "hidden-text"}', '{"ARGO_API_KEY": ["hidden-text"]}',
                                  '{"ARGO_API_KEY": "hidden-text', "hidden-text with spaces", b"aGlkZGVuLXRleHQ=", ""])
def test_one_that_cannot_be_used_is_exit_78_whatever_other_places_have(sender, aws, tmp_path, text):
    aws.secrets[KEY_SECRET] = text
    settings = config_json(tmp_path, api_key="k" * 40)
    done = sender("sync", **settings, **with_key(aws))
    assert done.code == CONFIGURATION and "ARGO_API_KEY" in done.err and KEY_SECRET in done.err
    assert "hidden-text" not in done.err + done.out


# --- AWS has none, refuses, or is away ---

def test_a_secret_that_is_not_there_leaves_it_to_the_next_place(sender, aws, tmp_path):
    del aws.secrets[KEY_SECRET]
    done = sender("check", "--json", **config_json(tmp_path, api_key="k" * 40), **with_key(aws))
    assert items(done)["ARGO_API_KEY"] == ("pass", f"(secret) ({tmp_path}/own-config.json: alpine.api_key)")
    done = sender("sync", **with_key(aws))
    assert done.code == CONFIGURATION
    assert "ARGO_API_KEY is not set" in done.err and f"{KEY_SECRET}: ResourceNotFoundException" in done.err


def test_a_refusal_is_a_warning_if_another_place_has_the_value(sender, aws, tmp_path):
    aws.secrets[KEY_SECRET] = Refusal("AccessDeniedException")
    settings = {**config_json(tmp_path, api_key="k" * 40), **with_key(aws)}
    done = sender("check", "--json", **settings)
    verdict, detail = items(done)["ARGO_API_KEY"]
    assert verdict == "warn" and "own-config.json" in detail and "AccessDeniedException" in detail
    assert "secretsmanager:GetSecretValue" in detail and "not to be shown" not in done.out
    done = sender("send", "/dev/null", **settings)
    assert done.code == 0 and " warn " in done.err and "AccessDeniedException" in done.err
    assert "the value is from" in done.err and "own-config.json" in done.err


def test_a_refusal_is_exit_78_if_no_place_has_the_value(sender, stage, aws):
    aws.secrets[KEY_SECRET] = aws.secrets[BACKEND_SECRET] = Refusal("AccessDeniedException")
    done = sender("sync", **with_key(aws))
    assert done.code == CONFIGURATION and "ARGO_API_KEY is not set" in done.err
    assert "AccessDeniedException" in done.err and "not to be shown" not in done.err
    done = stage.receiver_command("serve", DATABASE_URL="host=127.0.0.1", **with_key(aws))
    assert done.code == CONFIGURATION and "EXTERNAL_SIGNAL_API_KEY" in done.err and "AccessDenied" in done.err


@pytest.mark.parametrize("wrong, name", [
    (Identity(secret_key="not-the-right-one"), "InvalidSignatureException"), (Identity("AKIDNOBODY"), "UnrecognizedClientException"),
    (Identity(token="stale"), "UnrecognizedClientException"),
    (Identity(SESSION.access_key, SESSION.secret_key), "UnrecognizedClientException")])
def test_wrong_credentials_are_told_by_their_name(sender, aws, wrong, name):
    done = sender("sync", **aws.settings, **wrong.settings)
    assert done.code == CONFIGURATION and name in done.err and wrong.secret_key not in done.err
    assert "Canonical" not in done.err


def test_a_wrong_clock_is_refused_and_told(sender, aws, tmp_path):
    clock = ShiftedClock(tmp_path)
    assert sender("check", **with_key(aws), **clock.settings).code == FAILED and not aws.complaints
    clock.jump(600)
    done = sender("sync", **with_key(aws), **clock.settings)
    assert done.code == CONFIGURATION and "clock is wrong" in done.err
    assert "Signature expired" in aws.complaints[0][1]


def test_a_signature_for_another_region_is_refused(sender, aws):
    done = sender("sync", **with_key(aws, AWS_REGION="us-test-2"))
    assert done.code == CONFIGURATION and "InvalidSignatureException" in done.err


@pytest.mark.slow
def test_an_aws_that_never_answers_costs_three_seconds_in_all(sender, aws, tmp_path):
    aws.hangs.add("secret")
    done, passed, running = timed(sender, "sync", **with_key(aws))
    assert 2.9 < passed and running < 3.5 and done.code == FAILED
    assert "ALPINE_API_URL is not set" in done.err and "does not answer" in done.err
    settings = config_json(tmp_path, api_url=NOBODY, api_key="k" * 40)
    done, passed, running = timed(sender, "send", "/dev/null", **settings, **with_key(aws))
    assert 2.9 < passed and running < 3.5 and done.code == 0 and "does not answer" in done.err


@pytest.mark.slow
def test_metadata_that_never_answer_cost_a_second(sender, aws, tmp_path):
    aws.hangs.add("token")
    settings, _ = by_instance(aws, tmp_path)
    done, passed, running = timed(sender, "sync", **{**aws.settings, **settings})
    assert 0.9 < passed and running < 2 and done.code == FAILED and "api/token" in done.err
    assert aws.asked == ["token"]


def test_an_aws_that_is_not_there_costs_no_time(sender, aws):
    aws.stop()
    done, _, running = timed(sender, "sync", **with_key(aws))
    assert running < 2 and done.code == FAILED and "does not answer" in done.err


def test_a_failure_at_amazons_end_is_no_configuration_error(sender, aws):
    aws.secrets[KEY_SECRET] = Refusal("InternalServiceError", 500)
    done = sender("sync", **with_key(aws))
    assert done.code == FAILED and "InternalServiceError" in done.err


@pytest.mark.parametrize("settings, reason", [
    ({"AWS_REGION": "eu-test-1"}, "no credentials"), ({"AWS_ACCESS_KEY_ID": "AKID"}, "only one is set"),
    ({"AWS_PROFILE": "nobody"}, "nobody"), ({**OWNER.settings}, "no region"),
    ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/"}, "AWS_CONTAINER_CREDENTIALS_FULL_URI")])
def test_half_a_configuration_is_told(sender, settings, reason):
    done = sender("sync", **settings)
    assert done.code == CONFIGURATION and reason in done.err


def test_an_instance_without_a_role_is_told(sender, aws, tmp_path):
    aws.role = None
    done = sender("sync", **{**aws.settings, **by_instance(aws, tmp_path)[0]})
    assert done.code == CONFIGURATION and "no role" in done.err


# --- whom it trusts ---

def test_a_redirect_is_not_followed(sender, aws):
    other = FakeAws({URL_SECRET: NOBODY, KEY_SECRET: KEY}).start()
    try:
        for name in (URL_SECRET, KEY_SECRET):
            aws.secrets[name] = (307, {"Location": other.url + "/"}, b"{}")
        done = sender("sync", **with_key(aws))
        assert done.code == CONFIGURATION and "307" in done.err and other.asked == []
    finally:
        other.finish()


def test_an_answer_that_is_too_long_is_none(sender, aws):
    aws.secrets[URL_SECRET] = "http://127.0.0.1:1/" + "x" * 600000
    done = sender("sync", **with_key(aws))
    assert done.code == CONFIGURATION and "too long" in done.err


def test_a_certificate_is_verified(sender, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=fake",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    aws = FakeAws({URL_SECRET: NOBODY, KEY_SECRET: KEY}).use_tls(certificate, key).start()
    try:
        done = sender("sync", **with_key(aws))
        assert done.code == CONFIGURATION and "certificate" in done.err and aws.asked == []
        done = sender("check", "--json", **with_key(aws, AWS_CA_BUNDLE=certificate))
        assert items(done)["ARGO_API_KEY"] == ("pass", FROM_KEY_SECRET)
    finally:
        aws.finish()


# --- while it runs ---

@pytest.mark.parametrize("end", ["sender", "receiver"])
def test_a_reload_within_five_minutes_asks_nobody(stage, aws, end):
    receiver = stage.receiver(**(with_key(aws, EXTERNAL_SIGNAL_API_KEY=None) if end == "receiver" else {}))
    aws.secrets[URL_SECRET] = receiver.url
    service = receiver
    if end == "sender":
        service = stage.sender(receiver, stage.argo(), ALPINE_API_URL=None, ARGO_API_KEY=None, **with_key(aws))
        service.start_service()
    asked = list(aws.asked)
    assert len(asked) == (2 if end == "sender" else 1)
    aws.secrets = {}
    service.signal(signals_of_unix.SIGHUP)
    service.wait_log("Reload")
    assert "refused" not in service.log()
    stays(lambda: aws.asked == asked, 0.3, "nobody to be asked")
    assert receiver.health().status == 200


def test_no_secret_is_in_output_logs_arguments_or_environment_of_others(stage, aws):
    receiver, argo = stage.receiver(EXTERNAL_SIGNAL_API_KEY=None, **with_key(aws)), stage.argo()
    argo.write(2)
    aws.secrets[URL_SECRET] = receiver.url
    settings = {**aws.settings, **SESSION.settings, "ALPINE_LOG_LEVEL": "debug"}
    sender = stage.sender(receiver, argo, ALPINE_API_URL=None, ARGO_API_KEY=None, **settings)
    sender.start_service()
    sender.settled(2)
    seen = Path(f"/proc/{sender.pid}/cmdline").read_text() + Path(f"/proc/{receiver.pid}/cmdline").read_text()
    sender.stop()
    check = sender.command("check")
    seen += sender.log() + receiver.log() + check.out + check.err
    for secret in (KEY, SESSION.secret_key, SESSION.token, OWNER.secret_key):
        assert secret not in seen
