"""docs/openapi.yaml by itself: it is OpenAPI 3.1, and has what the receiver's tables have."""

import re

import pytest

from sources import text
from support.openapi import FILE, OpenApi
from support.paths import REPO

API = REPO / "receiver" / "engine" / "api.c"
ANSWER = REPO / "receiver" / "engine" / "answer.c"
FIELDS = REPO / "common" / "format" / "signal_fields.h"


@pytest.fixture(scope="module", name="api")
def fixture_api():
    return OpenApi()


def test_it_is_openapi(api):
    problems = api.problems()
    assert not problems, "\n".join(problems)


def routes():
    """The receiver's own: (path, method) of each."""
    prefix = re.search(r'#define PREFIX +"([^"]+)"', text(API))[1]
    rows = re.findall(r'^    \{(PREFIX )?"([^"]+)", "([A-Z]+)",', text(API), re.MULTILINE)
    return {((prefix if prefixed else "") + path, method.lower()) for prefixed, path, method in rows}


def test_it_has_the_receivers_routes_and_no_others(api):
    taken = routes()
    assert len(taken) >= 6
    taken |= {(path, "head") for path, method in taken if method == "get"}
    documented = {(path, method) for path, method in api.operations() if path != "/{other}"}
    assert documented == taken


def test_it_has_the_receivers_error_codes_and_no_others(api):
    rows = re.findall(r'^    \[ERROR_\w+\] = \{(\d+), "(\w+)"\}', text(ANSWER), re.MULTILINE)
    assert rows and {code for _, code in rows} == set(api.document["components"]["schemas"]["ErrorCode"]["enum"])
    assert {int(status) for status, _ in rows} <= {status for _, _, status in api.responses()}


def test_a_signal_has_the_fields_of_the_table_and_no_others(api):
    rows = re.findall(r'^    FIELD\(\w+, "(\w+)", (?:NULL|"(\w+)"), \w+, (true|false)', text(FIELDS), re.MULTILINE)
    schema = api.document["components"]["schemas"]["Signal"]
    assert {name for row in rows for name in row[:2] if name} == set(schema["properties"])
    assert {name for name, _, needed in rows if needed == "true"} - {"sha256"} == set(schema["required"])


def test_the_documentation_for_people_names_the_same_paths_and_codes(api):
    page = text(REPO / "docs" / "api.md")
    missing = [path for path in api.paths if path != "/{other}" and path not in page]
    missing += [code for code in api.document["components"]["schemas"]["ErrorCode"]["enum"] if f"`{code}`" not in page]
    assert not missing and FILE.name in page, missing


BREAKS = {
    "a reference that leads nowhere": lambda document: document["paths"]["/livez"]["get"]["responses"].update(
        {"500": {"$ref": "#/components/responses/Nowhere"}}),
    "an unknown key": lambda document: document["paths"]["/livez"]["get"].update(response={}),
    "no description": lambda document: document["components"]["responses"]["NotFound"].pop("description"),
    "an id twice": lambda document: document["paths"]["/livez"]["get"].update(operationId="ready"),
    "a parameter that the path has not": lambda document: document["paths"]["/{other}"].pop("parameters"),
    "no schema": lambda document: document["components"]["schemas"]["State"].update(type="objekt"),
    "an example that does not fit": lambda document: document["components"]["responses"]["NotFound"]["content"][
        "application/json"]["example"].update(code="nothing"),
    "something unused": lambda document: document["components"]["schemas"].update(Unused={}),
    "a tag that nobody declared": lambda document: document["paths"]["/livez"]["get"].update(tags=["more"]),
    "another version": lambda document: document.update(openapi="3.0.3"),
}


@pytest.mark.parametrize("change", BREAKS.values(), ids=BREAKS)
def test_a_mistake_is_seen(change):
    api = OpenApi()
    change(api.document)
    assert api.problems()
