"""The programs' tables of metrics, read from their sources, against what names them: documents, alerts, dashboards."""

import re
from dataclasses import dataclass

from sources import files, text
from support.paths import REPO

TEXT = r'"((?:[^"\\]|\\.)*)"'
ROW = re.compile(rf'\.name =\s*{TEXT},\s*\.help =\s*((?:{TEXT}\s*)+),\s*\.kind = METRIC_(\w+)(.*?)(?=\.name =|\n}};)',
                 re.DOTALL)
LABEL = re.compile(r'\{"(\w+)", *\w+\}')
NAME = re.compile(r"\b(?:alpine|process)_[a-z_]+\b")
SUFFIXES = ("_bucket", "_sum", "_count")


@dataclass(frozen=True)
class Metric:
    """One row of a table."""
    name: str
    help: str
    kind: str
    labels: tuple

    def documented(self):
        """Its row in docs/operations.md."""
        labels = ", ".join(f"`{label}`" for label in self.labels)
        return f"| `{self.name}` | {self.kind} | {labels} | {self.help} |"


def metrics_of(*folders):
    """The metrics of all tables in these folders, in their order."""
    found = []
    for path in files(*folders):
        if path.suffix == ".c":
            for name, help_text, _, kind, rest in ROW.findall(text(path)):
                labels = tuple(LABEL.findall(rest))
                found.append(Metric(name, "".join(re.findall(TEXT, help_text)), kind.lower(), labels))
    return found


def all_metrics():
    return metrics_of("common", "sender", "receiver")


def badly_named(metrics):
    """Rows that break Prometheus' conventions."""
    wrong = []
    for metric in metrics:
        if (metric.kind == "counter") != metric.name.endswith("_total"):
            wrong.append(f"{metric.name}: a counter, and only a counter, ends in _total")
        if metric.name.endswith(("_ms", "_milliseconds", "_minutes", "_kb", "_percent")):
            wrong.append(f"{metric.name}: seconds, bytes and ratios are the units")
        if not metric.help.endswith("."):
            wrong.append(f"{metric.name}: its help is no sentence")
    names = [metric.name for metric in metrics]
    return wrong + [f"{name} stands in two tables" for name in set(names) if names.count(name) > 1]


def undocumented(metrics):
    """Rows of docs/operations.md that are missing, and ones that stand for nothing."""
    document = text(REPO / "docs" / "operations.md").splitlines()
    rows = {metric.documented() for metric in metrics}
    wrong = [f"docs/operations.md lacks the row\n{row}" for row in sorted(rows) if row not in document]
    return wrong + [f"docs/operations.md has a row that no table has\n{line}" for line in document
                    if re.match(r"\| `(?:alpine|process)_", line) and line not in rows]


def unknown(named, metrics):
    """Names in an expression that no program tells."""
    known = {metric.name for metric in metrics}
    known |= {metric.name + suffix for metric in metrics if metric.kind == "histogram" for suffix in SUFFIXES}
    return sorted(set(NAME.findall(named)) - known)
