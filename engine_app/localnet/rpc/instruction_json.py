"""Instructions as `jsonParsed` has them: decoded for the programs that everybody uses, with addresses for any other.

What Agave's parsers give for the system, token, associated-token and memo programs; amounts are strings there, lamports
numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from solders.pubkey import Pubkey

from engine_app.localnet import base58
from engine_app.localnet.execution import ui_amount_json
from engine_app.localnet.messages import SYSTEM_PROGRAM
from engine_app.localnet.tokens import ASSOCIATED_TOKEN_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM

_MEMO_PROGRAMS = frozenset(
    map(
        Pubkey.from_string,
        ("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo"),
    )
)

Parsed = tuple[str, dict[str, Any]]
"""An instruction's type and its fields."""


class _Data:
    """An instruction's bytes, read from the front; raises ValueError past their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")

    def key(self) -> str:
        return str(Pubkey(self.take(32)))

    def optional_key(self) -> str | None:
        return self.key() if self.number(1) else None

    def text(self) -> str:
        return self.take(self.number(8)).decode()

    def take(self, length: int) -> bytes:
        if len(self._data) < length:
            raise ValueError("the instruction is too short")
        taken, self._data = self._data[:length], self._data[length:]
        return taken


def instruction_json(
    program: Pubkey, accounts: Sequence[Pubkey], data: bytes, stack_height: int | None
) -> dict[str, Any]:
    """One instruction: `parsed` where its program's parser takes it, else addresses and base58 data."""
    placed = {"programId": str(program), "stackHeight": stack_height}
    if program in _MEMO_PROGRAMS:
        return {"parsed": data.decode(errors="replace"), "program": "spl-memo", **placed}
    known = _PARSERS.get(program)
    if known is not None:
        name, parse = known
        try:
            kind, info = parse([str(account) for account in accounts], _Data(data))
        except (ValueError, LookupError):
            pass
        else:
            return {"parsed": {"info": info, "type": kind}, "program": name, **placed}
    return {"accounts": [str(account) for account in accounts], "data": base58.encode(data), **placed}


def _system(accounts: list[str], data: _Data) -> Parsed:
    match data.number(4):
        case 0:
            lamports, space, owner = data.number(8), data.number(8), data.key()
            named = {"source": accounts[0], "newAccount": accounts[1]}
            return "createAccount", {**named, "lamports": lamports, "space": space, "owner": owner}
        case 1:
            return "assign", {"account": accounts[0], "owner": data.key()}
        case 2:
            return "transfer", {"source": accounts[0], "destination": accounts[1], "lamports": data.number(8)}
        case 3:
            named = {"source": accounts[0], "newAccount": accounts[1], "base": data.key(), "seed": data.text()}
            lamports, space, owner = data.number(8), data.number(8), data.key()
            return "createAccountWithSeed", {**named, "lamports": lamports, "space": space, "owner": owner}
        case 8:
            return "allocate", {"account": accounts[0], "space": data.number(8)}
        case 11:
            named = {"source": accounts[0], "sourceBase": accounts[1], "destination": accounts[2]}
            lamports, seed, owner = data.number(8), data.text(), data.key()
            return "transferWithSeed", {**named, "lamports": lamports, "sourceSeed": seed, "sourceOwner": owner}
        case other:
            raise LookupError(other)


def _token(accounts: list[str], data: _Data) -> Parsed:
    kind = data.number(1)
    known = _TOKEN.get(kind)
    if known is None:
        raise LookupError(kind)
    name, fields, rest = known
    info: dict[str, Any] = dict(zip(fields, accounts, strict=False))
    if len(info) < len(fields):
        raise LookupError(name)
    info |= rest(data)
    if fields[-1] in _SIGNING and len(accounts) > len(fields):
        owner = fields[-1]
        multisig = f"multisig{owner[0].upper()}{owner[1:]}"
        info[multisig] = info.pop(owner)
        info["signers"] = accounts[len(fields) :]
    return name, info


def _amount(data: _Data) -> dict[str, Any]:
    return {"amount": str(data.number(8))}


def _checked(data: _Data) -> dict[str, Any]:
    return {"tokenAmount": ui_amount_json(data.number(8), data.number(1))}


def _nothing(_data: _Data) -> dict[str, Any]:
    return {}


def _owner(data: _Data) -> dict[str, Any]:
    return {"owner": data.key()}


def _mint(data: _Data) -> dict[str, Any]:
    decimals, authority, freezer = data.number(1), data.key(), data.optional_key()
    return {
        "decimals": decimals,
        "mintAuthority": authority,
        **({} if freezer is None else {"freezeAuthority": freezer}),
    }


_SIGNING = frozenset({"authority", "owner", "mintAuthority"})
_RENT = "rentSysvar"
_TOKEN: Mapping[int, tuple[str, tuple[str, ...], Callable[[_Data], dict[str, Any]]]] = {
    0: ("initializeMint", ("mint", _RENT), _mint),
    1: ("initializeAccount", ("account", "mint", "owner", _RENT), _nothing),
    3: ("transfer", ("source", "destination", "authority"), _amount),
    4: ("approve", ("source", "delegate", "owner"), _amount),
    5: ("revoke", ("source", "owner"), _nothing),
    7: ("mintTo", ("mint", "account", "mintAuthority"), _amount),
    8: ("burn", ("account", "mint", "authority"), _amount),
    9: ("closeAccount", ("account", "destination", "owner"), _nothing),
    12: ("transferChecked", ("source", "mint", "destination", "authority"), _checked),
    14: ("mintToChecked", ("mint", "account", "mintAuthority"), _checked),
    15: ("burnChecked", ("account", "mint", "authority"), _checked),
    16: ("initializeAccount2", ("account", "mint", _RENT), _owner),
    17: ("syncNative", ("account",), _nothing),
    18: ("initializeAccount3", ("account", "mint"), _owner),
    20: ("initializeMint2", ("mint",), _mint),
    21: ("getAccountDataSize", ("mint",), _nothing),
    22: ("initializeImmutableOwner", ("account",), _nothing),
}
"""Type, accounts by name and in order, the rest of the data; by the instruction's first byte."""


def _associated(accounts: list[str], data: _Data) -> Parsed:
    try:
        kind = {0: "create", 1: "createIdempotent"}[data.number(1)]
    except ValueError:
        kind = "create"  # the program's first version took no data
    fields = ("source", "account", "wallet", "mint", "systemProgram", "tokenProgram")
    if len(accounts) < len(fields):
        raise LookupError(kind)
    return kind, dict(zip(fields, accounts, strict=False))


_PARSERS: Mapping[Pubkey, tuple[str, Callable[[list[str], _Data], Parsed]]] = {
    SYSTEM_PROGRAM: ("system", _system),
    TOKEN_PROGRAM: ("spl-token", _token),
    TOKEN_2022_PROGRAM: ("spl-token", _token),
    ASSOCIATED_TOKEN_PROGRAM: ("spl-associated-token-account", _associated),
}
