"""docs/openapi.yaml: read strictly, held against what OpenAPI 3.1 demands, and asked how an answer has to look."""

import copy
import re

import jsonschema
import yaml

from .paths import REPO

FILE = REPO / "docs" / "openapi.yaml"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# What may stand in an object of the specification, and what has to.
ALLOWED = {
    "document": ("openapi info servers tags security paths components externalDocs jsonSchemaDialect webhooks",
                 "openapi info paths"),
    "info": ("title version summary description termsOfService contact license", "title version"),
    "path": ("summary description parameters servers " + " ".join(METHODS), ""),
    "operation": ("operationId tags summary description security parameters requestBody responses deprecated callbacks "
                  "servers externalDocs", "operationId summary responses"),
    "parameter": ("name in required description schema deprecated example examples style explode", "name in schema"),
    "body": ("required description content", "content"),
    "response": ("description headers content links", "description"),
    "header": ("description required schema deprecated example examples style explode", "schema"),
    "media": ("schema example examples encoding", "schema"),
    "example": ("summary description value externalValue", "value"),
    "components": ("schemas responses parameters examples requestBodies headers securitySchemes links callbacks "
                   "pathItems", ""),
}


class _Strict(yaml.SafeLoader):
    """Refuses what JSON has not, and what two readers could read differently."""


def _mapping(loader, node):
    names = [loader.construct_object(key) for key, _ in node.value]
    wrong = [name for name in names if not isinstance(name, str) or name == "<<" or names.count(name) > 1]
    assert not wrong, f"line {node.start_mark.line + 1}: no text, no JSON, or there twice: {wrong}"
    return {name: loader.construct_object(value, deep=True) for name, (_, value) in zip(names, node.value)}


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


class OpenApi:
    """The document. Operations are named (path, method), responses (path, method, status)."""

    def __init__(self, file=FILE):
        self.document = yaml.load(file.read_text(encoding="utf-8"), _Strict)
        closed = copy.deepcopy(self.document)
        for name, schema in closed["components"]["schemas"].items():
            if name != "Signal" and "properties" in schema:
                schema.setdefault("additionalProperties", False)  # an answer has what is documented and no more
        self._resolver = jsonschema.RefResolver("", closed)

    def resolve(self, thing):
        """What a $ref means; anything else is itself."""
        while isinstance(thing, dict) and "$ref" in thing and thing["$ref"].startswith("#/components/"):
            _, _, kind, name = thing["$ref"].split("/")
            thing = self.document["components"][kind][name]
        return thing

    # --- what is documented ---

    @property
    def paths(self):
        return list(self.document["paths"])

    def operations(self):
        return [(path, method) for path, item in self.document["paths"].items() for method in METHODS if method in item]

    def operation(self, path, method):
        return self.document["paths"][path][method]

    def responses(self):
        return [(path, method, int(status)) for path, method in self.operations()
                for status in self.operation(path, method)["responses"]]

    def response(self, path, method, status):
        return self.resolve(self.operation(path, method)["responses"][str(status)])

    def request_examples(self, path, method):
        """Pairs of media type and value."""
        content = self.operation(path, method).get("requestBody", {}).get("content", {})
        return [(name, value) for name, media in content.items() for value in self._examples(media)]

    def _examples(self, media):
        return ([media["example"]] if "example" in media else []) + [
            self.resolve(example)["value"] for example in media.get("examples", {}).values()]

    # --- what an answer has to look like ---

    def differences(self, path, method, answer):
        """Everything in which an answer is not as documented."""
        if (path, method, answer.status) not in self.responses():
            return [f"status {answer.status} is not documented"]
        response = self.response(path, method, answer.status)
        wrong = self._headers_differ(response, answer)
        if method == "head":
            return wrong + (["an answer to HEAD has a body"] if answer.body else [])
        given = answer.header("Content-Type") or ""
        name = given.split(";")[0].strip()
        if name not in response["content"]:
            return wrong + [f"Content-Type {given!r} is not documented"]
        value = answer.json if name == "application/json" else answer.body.decode()
        return wrong + self.invalid(response["content"][name]["schema"], value)

    def _headers_differ(self, response, answer):
        plain = {"content-type", "content-length", "date", "connection"}
        documented = {name.lower(): self.resolve(header) for name, header in response.get("headers", {}).items()}
        given = {name.lower() for name in answer.headers} - plain
        wrong = [f"header {name} is not documented" for name in given - set(documented)]
        for name, header in documented.items():
            value = answer.header(name)
            if value is None:
                wrong += [f"header {name} is missing"] if header.get("required") else []
                continue
            whole = self.resolve(header["schema"]).get("type") == "integer"
            wrong += [f"header {name}: {why}" for why in self.invalid(header["schema"], int(value) if whole else value)]
        return wrong

    def invalid(self, schema, value):
        """Why a value does not fit a schema; nothing if it does."""
        validator = jsonschema.Draft202012Validator(schema, resolver=self._resolver)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    # --- is it OpenAPI? ---

    def problems(self):
        """What OpenAPI 3.1 does not allow, what is missing, and what is there and never used."""
        found = _keys(self.document, "document", "") + _keys(self.document["info"], "info", "info")
        if not re.fullmatch(r"3\.1\.\d+", self.document["openapi"]):
            found.append(f"openapi: {self.document['openapi']}")
        broken = self._broken_references()
        if broken:
            return found + broken
        found += self._unused() + self._components()
        ids = [self.operation(*name)["operationId"] for name in self.operations()]
        found += [f"operationId {one} stands there twice" for one in set(ids) if ids.count(one) > 1]
        tags = {tag["name"] for tag in self.document["tags"]}
        for path, item in self.document["paths"].items():
            found += _keys(item, "path", path) + ([] if path.startswith("/") else [f"{path}: no slash"])
        for path, method in self.operations():
            found += self._operation(path, method, tags)
        return found

    def _operation(self, path, method, tags):
        operation, where = self.operation(path, method), f"{method} {path}"
        found = _keys(operation, "operation", where)
        found += [f"{where}: tag {tag} is not declared" for tag in operation.get("tags", []) if tag not in tags]
        parameters = [self.resolve(one) for one in
                      operation.get("parameters", []) + self.document["paths"][path].get("parameters", [])]
        in_path = {one["name"] for one in parameters if one["in"] == "path"}
        if in_path != set(re.findall(r"\{(\w+)\}", path)):
            found.append(f"{where}: the path's parameters are {in_path}")
        for one in parameters:
            found += _keys(one, "parameter", f"{where} {one.get('name')}")
        for need in operation.get("security", []):
            found += [f"{where}: no security scheme {name}" for name in need
                      if name not in self.document["components"]["securitySchemes"]]
        if "requestBody" in operation:
            found += _keys(operation["requestBody"], "body", where)
            found += self._content(operation["requestBody"]["content"], f"{where} body")
        for status, response in operation["responses"].items():
            if not re.fullmatch(r"[1-5]\d\d", status):
                found.append(f"{where}: status {status}")
            found += self._response(self.resolve(response), f"{where} {status}")
        return found

    def _response(self, response, where):
        found = _keys(response, "response", where) + self._content(response.get("content", {}), where)
        for name, header in response.get("headers", {}).items():
            header = self.resolve(header)
            found += _keys(header, "header", f"{where} {name}") + _no_schema(header.get("schema"), f"{where} {name}")
        return found

    def _content(self, content, where):
        found = []
        for name, media in content.items():
            found += _keys(media, "media", f"{where} {name}") + _no_schema(media.get("schema"), f"{where} {name}")
            for example in media.get("examples", {}).values():
                found += _keys(self.resolve(example), "example", f"{where} {name}")
            found += [f"{where}: the example {value}: {why}" for value in self._examples(media)
                      for why in self.invalid(media["schema"], value)]
        return found

    def _components(self):
        components = self.document["components"]
        return _keys(components, "components", "components") + [
            one for name, schema in components["schemas"].items() for one in _no_schema(schema, name)]

    def _references(self):
        waiting, found = [self.document], set()
        while waiting:
            thing = waiting.pop()
            if isinstance(thing, dict):
                if isinstance(thing.get("$ref"), str):
                    found.add(thing["$ref"])
                waiting += thing.values()
            elif isinstance(thing, list):
                waiting += thing
        return found

    def _broken_references(self):
        return [f"{one} leads nowhere" for one in self._references() if not self._leads_somewhere(one)]

    def _leads_somewhere(self, reference):
        thing = self.document
        for part in reference.removeprefix("#/").split("/"):
            thing = thing.get(part) if isinstance(thing, dict) else None
        return reference.startswith("#/") and thing is not None

    def _unused(self):
        used = self._references()
        return [f"components/{kind}/{name} is used nowhere" for kind, things in self.document["components"].items()
                if kind != "securitySchemes" for name in things if f"#/components/{kind}/{name}" not in used]


def _keys(thing, kind, where):
    allowed, needed = (set(names.split()) for names in ALLOWED[kind])
    return [f"{where}: a {kind} has no {name}" for name in set(thing) - allowed if not name.startswith("x-")] + [
        f"{where}: a {kind} needs {name}" for name in needed - set(thing)]


def _no_schema(schema, where):
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        return [f"{where}: {error.message}"]
    return []
