"""The OpenAPI document: every route is described, with examples that its own schemas allow, and with its errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from engine_app.api.app import create_api
from engine_app.api.examples import NoExample, example_of
from engine_app.errors import explain

DOCUMENT: dict[str, Any] = create_api().openapi()
PROBES = ("/api/health", "/api/ready")
PUBLIC = (*PROBES, "/api/auth", "/api/quote", "/api/tokens")
OPERATIONS = [
    pytest.param(path, operation, id=f"{method.upper()} {path}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]

every_operation = pytest.mark.parametrize(("path", "operation"), OPERATIONS)


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Judges by a schema of the document, whose references lead into it."""
    resource = Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:document", resource)
    within = {"$id": "urn:document", "components": DOCUMENT["components"], **schema}
    return Draft202012Validator(within, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)


def examples(holder: dict[str, Any]) -> list[Any]:
    """Every example of a parameter or a media type."""
    several = [one["value"] for one in holder.get("examples", {}).values()]
    return several + ([holder["example"]] if "example" in holder else [])


def contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        yield from response.get("content", {}).values()


def test_it_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["info"]["description"]
    Draft202012Validator.check_schema({"$defs": DOCUMENT["components"]["schemas"]})
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


@every_operation
def test_a_route_says_what_it_does(path: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert len(operation["description"]) > 10, path
    assert operation["tags"]
    for parameter in operation.get("parameters", ()):
        assert parameter.get("description") or parameter["schema"].get("description") or parameter["name"] in (
            "orderId", "limit", "kind",
        ), parameter["name"]  # fmt: skip


@every_operation
def test_every_part_has_examples_that_its_schema_allows(path: str, operation: dict[str, Any]) -> None:
    holders = [*operation.get("parameters", ()), *contents(operation)]
    for holder in holders:
        found = examples(holder)
        assert found, (path, holder)
        for example in found:
            errors = list(validator(holder["schema"]).iter_errors(example))
            assert not errors, (path, errors[0].message, list(errors[0].absolute_path))
    for status, response in operation["responses"].items():
        assert response["description"]
        assert response.get("content") or status == "204", (path, status)


@every_operation
def test_a_route_tells_its_errors(path: str, operation: dict[str, Any]) -> None:
    told = operation["responses"]
    if path not in PROBES:
        assert {"429", "500", "503"} <= set(told)
    if path not in PUBLIC:
        assert {"401", "403"} <= set(told)
        assert operation["security"]
    if "{" in path:
        assert "404" in told
    if "requestBody" in operation:
        assert {"413", "422"} <= set(told)
    for status, response in told.items():
        if int(status) < 400 or path in PROBES:
            continue
        (content,) = response["content"].values()
        assert list(response["content"]) == ["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        for code, example in content["examples"].items():
            assert example["value"]["code"] == code == explain(code).code
            assert example["value"]["status"] == int(status)
        if status in ("429", "503"):
            assert "Retry-After" in response["headers"]


def test_a_field_without_an_example_is_named() -> None:
    schema = {"type": "object", "properties": {"weather": {"type": "string"}}}
    with pytest.raises(NoExample, match="weather"):
        example_of(schema, {})
    assert example_of({"properties": {"weather": {"enum": ["rain", "sun"]}}}, {}) == {"weather": "rain"}
