"""Parameters of a JSON-RPC request, checked as a node checks them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.localnet.blocks import Commitment
from engine_app.localnet.rpc.errors import invalid_params


@dataclass(frozen=True, slots=True)
class DataSlice:
    """The part of an account's data a caller wants, in bytes."""

    offset: int
    length: int


class Config:
    """A method's configuration object; what is not given has its default."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw

    def commitment(self, default: Commitment = Commitment.FINALIZED, name: str = "commitment") -> Commitment:
        """The commitment to read at."""
        value = self._raw.get(name)
        return default if value is None else commitment_of(value)

    @property
    def min_context_slot(self) -> int:
        """The slot the node must have reached; 0 when not asked for."""
        return self.integer("minContextSlot") or 0

    @property
    def data_slice(self) -> DataSlice | None:
        """The part of the data to send."""
        value = self._raw.get("dataSlice")
        if value is None:
            return None
        if not isinstance(value, dict):
            raise invalid_params("Invalid params: invalid type for dataSlice.")
        config = Config(value)
        return DataSlice(config.required_integer("offset"), config.required_integer("length"))

    def text(self, name: str) -> str | None:
        """A string field, None when left out."""
        value = self._raw.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid_params(f"Invalid params: invalid type for {name}, expected a string.")
        return value

    def integer(self, name: str) -> int | None:
        """A non-negative integer field, None when left out."""
        value = self._raw.get(name)
        return None if value is None else _unsigned(value)

    def required_integer(self, name: str) -> int:
        """A non-negative integer field that must be there."""
        if name not in self._raw:
            raise invalid_params(f"Invalid params: missing field `{name}`.")
        return _unsigned(self._raw[name])

    def flag(self, name: str) -> bool:
        """A boolean field, false when left out."""
        value = self._raw.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise invalid_params(f"Invalid params: invalid type for {name}, expected a boolean.")
        return value

    def items(self, name: str) -> list[Any]:
        """A list field, empty when left out."""
        value = self._raw.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise invalid_params(f"Invalid params: invalid type for {name}, expected a sequence.")
        return value

    def nested(self, name: str) -> "Config | None":
        """An object field, None when left out."""
        value = self._raw.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise invalid_params(f"Invalid params: invalid type for {name}, expected a map.")
        return Config(value)

    def signature(self, name: str) -> Signature | None:
        """A signature field, None when left out."""
        value = self.text(name)
        return None if value is None else parse_signature(value)


class Params:
    """The positional parameters of one request.

    Raises:
        RpcError: -32602, from whichever reader finds its parameter missing or wrong.
    """

    def __init__(self, raw: object) -> None:
        if raw is None:
            raw = []
        if not isinstance(raw, list):
            raise invalid_params("`params` should be an array")
        self._raw = raw

    def __len__(self) -> int:
        return len(self._raw)

    def value(self, index: int) -> Any:
        """A parameter that must be there."""
        if len(self._raw) <= index:
            raise invalid_params(f"`params` should have at least {index + 1} argument(s)")
        return self._raw[index]

    def text(self, index: int) -> str:
        """A string."""
        value = self.value(index)
        if not isinstance(value, str):
            raise invalid_params(f"Invalid params: invalid type: {value!r}, expected a string.")
        return value

    def integer(self, index: int) -> int:
        """A non-negative integer."""
        return _unsigned(self.value(index))

    def optional_integer(self, index: int) -> int | None:
        """A non-negative integer that may be left out."""
        if len(self._raw) <= index or self._raw[index] is None:
            return None
        return _unsigned(self._raw[index])

    def pubkey(self, index: int) -> Pubkey:
        """An address."""
        return parse_pubkey(self.text(index))

    def signature(self, index: int) -> Signature:
        """A transaction signature."""
        return parse_signature(self.text(index))

    def texts(self, index: int, most: int) -> list[str]:
        """A list of at most `most` strings."""
        value = self.value(index)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise invalid_params("Invalid params: expected a sequence of strings.")
        if len(value) > most:
            raise invalid_params(f"Too many inputs provided; max {most}")
        return value

    def config(self, index: int) -> Config:
        """The configuration object, empty when left out."""
        if len(self._raw) <= index or self._raw[index] is None:
            return _EMPTY
        value = self._raw[index]
        if not isinstance(value, dict):
            raise invalid_params(f"Invalid params: invalid type: {value!r}, expected a configuration object.")
        return Config(value)


_EMPTY = Config({})


def commitment_of(value: object) -> Commitment:
    """A commitment by its name."""
    try:
        return Commitment(str(value))
    except ValueError:
        raise invalid_params(
            f"Invalid params: unknown variant `{value}`, expected one of `processed`, `confirmed`, `finalized`."
        ) from None


def parse_pubkey(text: str) -> Pubkey:
    """An address from its base58 text."""
    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise invalid_params("Invalid param: Invalid") from None


def parse_signature(text: str) -> Signature:
    """A signature from its base58 text."""
    try:
        return Signature.from_string(text)
    except ValueError:
        raise invalid_params("Invalid param: Invalid") from None


def _unsigned(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**64:
        raise invalid_params(f"Invalid params: invalid value: {value!r}, expected u64.")
    return value
