"""What a program says at /metrics, read as Prometheus reads it, and Debian's promtool."""

import re
import subprocess

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LINE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')


class Metrics:
    """One answer of /metrics."""

    def __init__(self, text):
        self.text = text
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        self.helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE))
        self.series = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            read = LINE.fullmatch(line)
            assert read, f"this is no line of the text format: {line!r}"
            key = (read["name"], frozenset(LABEL.findall(read["labels"] or "")))
            assert key not in self.series, f"a series stands there twice: {line!r}"
            self.series[key] = float(read["value"])

    def value(self, name, **labels):
        """The value of one series; None if it is not there."""
        return self.series.get((name, frozenset(labels.items())))

    def of(self, name):
        """All series of one name: values by their labels' values, in the order of the labels' names."""
        return {tuple(value for _, value in sorted(labels)): value
                for (known, labels), value in self.series.items() if known == name}


def scrape(client):
    """Ask a program (anything with get()) for its metrics."""
    answer = client.get("/metrics")
    assert answer.status == 200, answer
    assert answer.header("Content-Type") == CONTENT_TYPE, answer
    return Metrics(answer.body.decode())


def promtool(*arguments, text=None):
    """Run Debian's promtool; what it said, if it found anything wrong."""
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True, timeout=120,
                          check=False)
    return None if done.returncode == 0 else done.stdout + done.stderr
