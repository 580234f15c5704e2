"""What watches the programs names what they tell: documents, alerts, Grafana's dashboards, Prometheus' settings."""

import json
import re

import pytest
import yaml

import metric_tables
from sources import name as path_name, text
from support.metrics import promtool
from support.paths import REPO

FOLDER = REPO / "docker" / "observability"
DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
PROVISIONING = FOLDER / "grafana" / "provisioning"
SEVERITIES = {"critical", "warning"}
GRAFANAS_OWN = {"bargauge", "gauge", "heatmap", "histogram", "row", "stat", "state-timeline", "table", "text", "timeseries"}


@pytest.fixture(scope="module", name="metrics")
def fixture_metrics():
    found = metric_tables.all_metrics()
    assert len(found) > 20, "the tables of metrics were not found"
    return found


@pytest.fixture(scope="module", name="rules")
def fixture_rules():
    return [rule for group in yaml.safe_load(text(FOLDER / "alerts.yml"))["groups"] for rule in group["rules"]]


# --- the tables ---

def test_metrics_are_named_as_prometheus_wants_them(metrics):
    wrong = metric_tables.badly_named(metrics)
    assert not wrong, "\n".join(wrong)


def test_every_metric_is_documented_and_no_other(metrics):
    wrong = metric_tables.undocumented(metrics)
    assert not wrong, "\n".join(wrong)


# --- Prometheus ---

def test_promtool_takes_the_configuration_and_the_rules():
    complaint = promtool("check", "config", FOLDER / "prometheus.yml")
    assert complaint is None, complaint
    complaint = promtool("check", "rules", "--lint=all", "--lint-fatal", FOLDER / "alerts.yml")
    assert complaint is None, complaint


def test_both_programs_are_scraped():
    jobs = yaml.safe_load(text(FOLDER / "prometheus.yml"))["scrape_configs"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in jobs}
    assert targets == {"alpine-receiver": ["receiver:8001"], "alpine-sender": ["sender:8002"]}


# --- alerts ---

def test_each_alert_fires_and_is_silent_when_it_should():
    complaint = promtool("test", "rules", FOLDER / "alerts_test.yml")
    assert complaint is None, complaint


def test_no_alert_is_left_out_of_the_tests(rules):
    firing, silent = set(), set()
    for test in yaml.safe_load(text(FOLDER / "alerts_test.yml"))["tests"]:
        for case in test["alert_rule_test"]:
            (firing if case["exp_alerts"] else silent).add(case["alertname"])
    assert firing == silent == {rule["alert"] for rule in rules}


def test_alerts_name_what_the_programs_tell(rules, metrics):
    wrong = [f"{rule['alert']}: {name}" for rule in rules for name in metric_tables.unknown(rule["expr"], metrics)]
    assert not wrong, "\n".join(wrong)


def test_each_alert_says_how_bad_it_is_and_what_to_do(rules):
    operations = text(REPO / "docs" / "operations.md")
    anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
               for heading in re.findall(r"^#+ (.*)$", operations, re.MULTILINE)}
    wrong = []
    for rule in rules:
        said = rule["annotations"]
        document, _, anchor = said["runbook"].partition("#")
        if rule["labels"]["severity"] not in SEVERITIES or not said["summary"] or not said["description"].endswith("."):
            wrong.append(f"{rule['alert']} has no severity, summary or description")
        if document != "docs/operations.md" or anchor not in anchors:
            wrong.append(f"{rule['alert']}: there is no {said['runbook']}")
        if f"`{rule['alert']}`" not in operations:
            wrong.append(f"{rule['alert']}: docs/operations.md does not name it")
    assert not wrong, "\n".join(wrong)


# --- Grafana ---

def expressions(part):
    """Every expression of a dashboard."""
    if isinstance(part, list):
        return [found for inner in part for found in expressions(inner)]
    if not isinstance(part, dict):
        return []
    own = [part["expr"]] if "expr" in part else []
    return own + [found for inner in part.values() for found in expressions(inner)]


@pytest.mark.parametrize("path", DASHBOARDS, ids=path_name)
def test_a_dashboard_shows_what_the_programs_tell(path, metrics, tmp_path):
    dashboard = json.loads(text(path))
    found = expressions(dashboard)
    assert len(found) > 20, "its expressions were not found"
    wrong = metric_tables.unknown(" ".join(found), metrics)
    assert not wrong, wrong
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(found)]
    as_rules = tmp_path / "rules.yml"
    as_rules.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    complaint = promtool("check", "rules", as_rules)
    assert complaint is None, complaint


@pytest.mark.parametrize("path", DASHBOARDS, ids=path_name)
def test_a_dashboards_panels_say_what_they_are_and_do_not_overlap(path):
    panels = json.loads(text(path))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        assert panel["title"] and (panel["type"] == "row" or panel["description"]), panel
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells


def test_the_dashboards_metrics_come_from_the_provisioned_source():
    source, = yaml.safe_load(text(PROVISIONING / "datasources" / "prometheus.yml"))["datasources"]
    assert DASHBOARDS
    for path in DASHBOARDS:
        assert set(re.findall(r'"uid": "(.*?)"', text(path))) == {source["uid"], json.loads(text(path))["uid"]}
    provider, = yaml.safe_load(text(PROVISIONING / "dashboards" / "alpine-sync.yml"))["providers"]
    assert provider["type"] == "file" and provider["options"]["path"].startswith("/")


def test_grafana_finds_what_compose_gives_it():
    """Grafana itself runs in no test: what its settings name has to be there."""
    services = yaml.safe_load(text(REPO / "docker" / "compose.yaml"))["services"]
    mounts = dict(volume.split(":")[1::-1] for volume in services["grafana"]["volumes"])
    provider, = yaml.safe_load(text(PROVISIONING / "dashboards" / "alpine-sync.yml"))["providers"]
    assert REPO / "docker" / mounts[provider["options"]["path"]] == FOLDER / "grafana" / "dashboards"
    assert REPO / "docker" / mounts["/etc/grafana/provisioning"] == PROVISIONING
    source, = yaml.safe_load(text(PROVISIONING / "datasources" / "prometheus.yml"))["datasources"]
    port = services["prometheus"]["ports"][0].rsplit(":", 1)[1]
    assert source["type"] == "prometheus" and source["url"] == f"http://prometheus:{port}"
    assert set(services["grafana"]["networks"]) & set(services["prometheus"]["networks"])


@pytest.mark.parametrize("path", DASHBOARDS, ids=path_name)
def test_a_dashboard_has_the_form_that_grafana_reads(path):
    dashboard = json.loads(text(path))
    assert isinstance(dashboard["schemaVersion"], int) and len(dashboard["uid"]) <= 40 and dashboard["title"]
    for panel in dashboard["panels"]:
        assert panel["type"] in GRAFANAS_OWN, f"{panel['title']}: {panel['type']} takes a plugin"
        names = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(names)) == len(names) and (names or panel["type"] in ("row", "text")), panel["title"]
        defaults = panel.get("fieldConfig", {}).get("defaults", {})
        levels = [step["value"] for step in defaults.get("thresholds", {}).get("steps", [])]
        assert not levels or (levels[0] is None and levels[1:] == sorted(levels[1:])), panel["title"]
