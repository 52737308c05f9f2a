"""What every request and response has in common: names are camelCase, unknown fields are refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_alias=True, validate_by_name=False, frozen=True)


class RequestShape(_Shape):
    """A request: unknown fields are refused, and no error repeats what was sent."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ResponseShape(_Shape):
    """A response."""

    model_config = ConfigDict(validate_by_name=True)
