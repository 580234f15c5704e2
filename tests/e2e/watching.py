"""The `observability` profile of docker/compose.yaml: Prometheus, with its own settings, watches the running system."""

import json
import re
import urllib.parse
import urllib.request

from support.paths import REPO
from support.waiting import wait_for

FOLDER = REPO / "docker/observability"
DASHBOARD = FOLDER / "grafana/dashboards/alpine-sync.json"
TARGETS = {"alpine-receiver": "up", "alpine-sender": "up"}
# One scrape and one evaluation every 15 s, and a scrape that waits for a receiver that is gone takes up to 10 s.
LIMIT = 75


class Watching:
    """`system` is a Compose, `sides` its Sides; `port` is where Prometheus is published."""

    def __init__(self, system, sides, port):
        self.system = system
        self.sides = sides
        self.port = port

    def steps(self):
        return [self.both_are_scraped, self.every_rule_is_evaluated, self.the_dashboard_has_its_figures,
                self.an_alert_follows_a_killed_receiver]

    def start(self):
        """Grafana stays away: Debian has no package of it."""
        self.system.up("prometheus")

    def both_are_scraped(self):
        wait_for(lambda: self._targets() == TARGETS, LIMIT, lambda: f"both programs to be scraped: {self._targets()}")

    def every_rule_is_evaluated(self):
        wanted = set(re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text()))
        assert wanted
        wait_for(lambda: all(rule["health"] != "unknown" for rule in self._rules()), LIMIT, "every rule to be evaluated")
        rules = self._rules()
        assert {rule["name"] for rule in rules} == wanted
        failed = [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"]
        assert not failed, failed
        return f"{len(rules)} rules"

    def the_dashboard_has_its_figures(self):
        """Each name stands for something that was scraped, and each expression can be evaluated."""
        expressions = list(_expressions(json.loads(DASHBOARD.read_text())))
        wanted = {name for one in expressions for name in re.findall(r"\b(?:alpine|process)_\w+", one)}
        missing = wanted - set(self._ask("label/__name__/values"))
        assert wanted and not missing, f"no program tells {sorted(missing)}"
        for expression in expressions:
            self._ask("query", query=expression)
        return f"{len(expressions)} expressions"

    def an_alert_follows_a_killed_receiver(self):
        """It waits for its time to be over; docker/observability/alerts_test.yml has it fire."""
        wait_for(lambda: "AlpineTargetMissing" not in self._alerts(), LIMIT,
                 "the alert of the time before the first scrape to be over")
        self.system.kill("receiver")
        wait_for(lambda: self._alerts().get("AlpineTargetMissing") in ("pending", "firing"), LIMIT,
                 "an alert to be pending")
        self.system.start("receiver")
        self.sides.catch_up()

    # --- Prometheus' HTTP API ---

    def _ask(self, what, **parameters):
        address = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            told = json.load(answer)
        assert told["status"] == "success", told
        return told["data"]

    def _targets(self):
        """How each job's only target is; nothing while Prometheus starts."""
        try:
            return {target["labels"]["job"]: target["health"] for target in self._ask("targets")["activeTargets"]}
        except OSError:
            return {}

    def _rules(self):
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def _alerts(self):
        """Which alerts are pending or firing."""
        return {alert["labels"]["alertname"]: alert["state"] for alert in self._ask("alerts")["alerts"]}


def _expressions(part):
    """Every expression of a dashboard."""
    if isinstance(part, list):
        for inner in part:
            yield from _expressions(inner)
    elif isinstance(part, dict):
        if "expr" in part:
            yield part["expr"]
        for inner in part.values():
            yield from _expressions(inner)
