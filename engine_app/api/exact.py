"""JSON in and out without a float: numbers reach the code as Decimals of their own text, and leave the same way."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from engine_app import exact_json

LONGEST_NUMBER = 100


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a body that no route takes, so that it is judged after the caller is known, as any other body.

    It has no fields: a schema whose fields may all be left out would else find nothing wrong with it.
    """

    reason: str

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse whatever field a schema asks for; what has a name of Python's own is just not there."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise ValueError(self.reason)


class ExactRequest(Request):
    """A request whose JSON keeps every digit of its numbers."""

    async def json(self) -> Any:
        """The body: integers as int, all other numbers as Decimal; `Unreadable` where it is neither object nor null."""
        try:
            document = json.loads(
                (await self.body()).decode(),
                parse_float=_decimal,
                parse_int=_integer,
                parse_constant=_refuse_constant,
                object_pairs_hook=_object,
            )
        except (ValueError, RecursionError) as error:
            return Unreadable(f"the body is not JSON: {error}")
        return document if document is None or isinstance(document, dict) else Unreadable("the body is no JSON object")


class ExactRoute(APIRoute):
    """A route that hands its body over as `ExactRequest` reads it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that FastAPI calls."""
        handler = super().get_route_handler()

        async def exactly(request: Request) -> Response:
            return await handler(ExactRequest(request.scope, request.receive))

        return exactly


class ExactResponse(JSONResponse):
    """A response of pydantic models and plain values; Decimals become JSON numbers with their exact text."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return exact_json.dumps(content)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(_short(text))
    except InvalidOperation:
        raise ValueError(f"the number {text} is out of range") from None


def _integer(text: str) -> int:
    return int(_short(text))


def _short(text: str) -> str:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number has more than {LONGEST_NUMBER} characters")
    return text


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a field twice")
    return found
