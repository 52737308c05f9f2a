"""Measured answers of real programs, as files: states of pools, and what swaps against them paid.

The format is `quote-vectors-1`, gzipped JSON: `states` hold accounts and a clock, `cases` one swap each against one
state, with what the program paid or its error. Amounts are strings of base units.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.markets.venues.clock import ChainClock

FORMAT = "quote-vectors-1"


class NotVectors(Exception):
    """The file is not one of measured answers."""


@dataclass(frozen=True, slots=True)
class Case:
    """One measured swap.

    Attributes:
        pool, mint_in, mint_out: where and what.
        amount: base units; of `mint_in` that were given, of `mint_out` that were asked for where `exact_out`.
        exact_out: whether the swap named the amount out.
        result: base units that the program paid (took, where `exact_out`), or None where it refused.
        error: the program's custom error, or the runtime's name for what went wrong; None where it paid.
        error_log: the log line that names it, empty where there is none.
        arrays: the arrays of ticks or bins that the swap passed, None where the venue has none.
        fees: fees by name, as far as the change of the pool's state shows them.
    """

    pool: Pubkey
    mint_in: Pubkey
    mint_out: Pubkey
    amount: int
    exact_out: bool
    result: int | None
    error: int | str | None
    error_log: str
    arrays: frozenset[Pubkey] | None
    fees: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """The accounts of one or more pools at one moment of the chain's clock, and the swaps measured there."""

    label: str
    clock: ChainClock
    accounts: Mapping[Pubkey, Account]
    cases: tuple[Case, ...]

    def accounts_of(self, case: Case) -> Mapping[Pubkey, Account]:
        """What a quote of this case may know: of the arrays only those that its swap passed."""
        if case.arrays is None:
            return self.accounts
        kinds = {(account.owner, len(account.data)) for key, account in self.accounts.items() if key in case.arrays}
        return {
            key: account
            for key, account in self.accounts.items()
            if key in case.arrays or (account.owner, len(account.data)) not in kinds
        }


@dataclass(frozen=True, slots=True)
class VectorFile:
    """One file: the program that was measured, the name of its build there, and what it answered."""

    build: str
    program: Pubkey
    states: tuple[State, ...]


def read_vectors(path: Path) -> VectorFile:
    """The file's content. Raises NotVectors, and OSError where it cannot be read at all."""
    try:
        content = json.loads(gzip.decompress(path.read_bytes()))
        if content["format"] != FORMAT:
            raise NotVectors(f"{path} has the format {content['format']}, not {FORMAT}")
        cases: dict[int, list[Case]] = {state["id"]: [] for state in content["states"]}
        for raw in content["cases"]:
            cases[raw["state"]].append(_case(raw))
        states = tuple(_state(raw, cases[raw["id"]]) for raw in content["states"])
        return VectorFile(content["venue"], Pubkey.from_string(content["program"]), states)
    except (gzip.BadGzipFile, EOFError, ValueError, KeyError, TypeError) as error:
        raise NotVectors(f"{path} holds no measured answers: {error!r}") from error


def _state(raw: dict[str, Any], cases: list[Case]) -> State:
    return State(
        label=raw["label"],
        clock=ChainClock(raw["slot"], raw["unix_timestamp"], raw["epoch"]),
        accounts={Pubkey.from_string(key): _account(value) for key, value in raw["accounts"].items()},
        cases=tuple(cases),
    )


def _case(raw: dict[str, Any]) -> Case:
    arrays = raw.get("tick_arrays", raw.get("bin_arrays"))
    return Case(
        pool=Pubkey.from_string(raw["pool"]),
        mint_in=Pubkey.from_string(raw["in_mint"]),
        mint_out=Pubkey.from_string(raw["out_mint"]),
        amount=int(raw["amount_in"]),
        exact_out=bool(raw.get("exact_out", False)),
        result=int(raw["out"]) if "out" in raw else None,
        error=raw.get("error"),
        error_log=raw.get("error_log") or "",
        arrays=None if arrays is None else frozenset(Pubkey.from_string(key) for key in arrays),
        fees=raw.get("fee", {}),
    )


def _account(raw: Mapping[str, str]) -> Account:
    return Account(Pubkey.from_string(raw["owner"]), int(raw["lamports"]), base64.b64decode(raw["data"]))
