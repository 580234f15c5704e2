"""The shipped sample is what its generator makes, and looks like Argo's own files."""

import json
import sqlite3
import subprocess

import pytest

from support.argo import canonical, sha256
from support.paths import SAMPLE, shared

DATABASES = ("signals.db", "signals_unified.db")
LARGER = shared("argo", "signals.db")


def rows(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute("SELECT * FROM signals ORDER BY id")]
    connection.close()
    return found


def columns(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    found = connection.execute("SELECT name, type, \"notnull\", pk FROM pragma_table_info('signals')").fetchall()
    connection.close()
    return found


def log_lines():
    return [json.loads(line) for line in (SAMPLE / "signals.log").read_text().splitlines()]


@pytest.fixture(scope="module", name="remade")
def fixture_remade(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    subprocess.run(["/usr/bin/python3", SAMPLE / "make_sample.py", folder], check=True)
    return folder


@pytest.mark.parametrize("name", DATABASES)
def test_making_the_sample_again_gives_the_same_rows(remade, name):
    assert rows(remade / name) == rows(SAMPLE / name)


def test_making_the_sample_again_gives_the_same_log(remade):
    assert (remade / "signals.log").read_text() == (SAMPLE / "signals.log").read_text()


def test_every_hash_in_the_log_is_valid():
    assert all(line["sha256"] == sha256(canonical(line)) for line in log_lines())


def test_the_table_and_the_log_hold_the_same_trade_signals():
    logged = [(line["signal_id"], line["sha256"]) for line in log_lines() if line["action"]]
    assert logged == [(row["signal_id"], row["sha256"]) for row in rows(SAMPLE / "signals.db")]


def test_the_sample_has_what_is_hard_about_the_real_thing():
    lines = log_lines()
    assert any(line["action"] is None for line in lines), "a neutral signal"
    assert any(isinstance(line["entry_price"], int) for line in lines), "a whole price"
    assert any(isinstance(line["confidence"], int) for line in lines), "a whole confidence"
    assert any(not line["strategy"].isascii() for line in lines), "a foreign strategy"
    whole = {line["sha256"] for line in lines if line["action"]
             and any(isinstance(line[name], int) for name in ("entry_price", "confidence"))}
    table = rows(SAMPLE / "signals.db")
    assert whole == {row["sha256"] for row in table if sha256(canonical(row)) != row["sha256"]}, \
        "rows that the table made floats of, and only these, have hashes that need the whole number back"


def test_the_wide_sample_has_gaps_in_its_ids():
    ids = [row["id"] for row in rows(SAMPLE / "signals_unified.db")]
    assert len(ids) == 50 and ids == [2 * number for number in range(1, 51)]


@pytest.mark.parametrize("larger", LARGER, ids=lambda path: path.name)
@pytest.mark.parametrize("name", DATABASES)
def test_the_tables_have_the_columns_of_the_real_ones(larger, name):
    assert columns(SAMPLE / name) == columns(larger.with_name(name))
