"""The OpenAPI document, completed: our problems in the place of FastAPI's, and examples of everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine_app.api.examples import example_of
from engine_app.api.problems import MEDIA_TYPE, Problem, documented

JSON = "application/json"
UNCOUNTED = ("/api/health", "/api/ready")
"""Routes for probes: never limited, and without anything that could fail but what they tell of."""

Document = dict[str, Any]


def complete(document: Document) -> Document:
    """Finish the document that FastAPI made of the routes, in place."""
    schemas = document["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, operation in operations(document):
        _tell_errors_of_every_route(path, operation)
        for parameter in operation.get("parameters", ()):
            _describe(parameter)
            _give_example(parameter, schemas, parameter["name"])
        for content in _contents(operation):
            _give_example(content, schemas, "")
    return document


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    """Every operation with its path."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def _tell_errors_of_every_route(path: str, operation: Document) -> None:
    responses = operation["responses"]
    if JSON in responses.get("422", {}).get("content", {}):
        del responses["422"]
    if path in UNCOUNTED:
        return
    common = [429, 500, 503]
    if "requestBody" in operation:
        common += [413, 422]
    if operation.get("parameters"):
        common.append(422)
    for status, told in documented(*common).items():
        responses.setdefault(str(status), told)


def _contents(operation: Document) -> Iterator[Document]:
    """What an operation takes and gives, by media type; problems have their examples already."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        yield from (content for kind, content in response.get("content", {}).items() if kind != MEDIA_TYPE)


def _give_example(holder: Document, schemas: dict[str, Any], name: str) -> None:
    if "example" not in holder and "examples" not in holder:
        holder["example"] = example_of(holder["schema"], schemas, place=name)


def _describe(parameter: Document) -> None:
    """Say of a parameter that may be left out what its type says."""
    for choice in parameter["schema"].get("anyOf", ()):
        if "description" in choice:
            parameter.setdefault("description", choice["description"])
