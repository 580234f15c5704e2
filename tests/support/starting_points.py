"""The databases that the migrations start from."""

from pathlib import Path

import pytest

from .paths import shared

EXISTING = Path(__file__).with_name("existing_table.sql")

# Schema files to load first; None is the empty database.
STARTING_POINTS = [pytest.param(None, id="empty"), pytest.param(EXISTING, id="existing")] + [
    pytest.param(path, id="production") for path in shared("alpine", "existing_schema.sql")]
EXISTING_TABLES = STARTING_POINTS[1:]
