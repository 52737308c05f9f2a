"""The measured answers of the real programs in tests/vectors, decoded.

A file holds states (accounts, clock) and cases (a swap against one state, with what the program paid or its error).
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.markets.venues.clock import ChainClock
from engine_app.markets.venues.meteora_damm_v2 import MeteoraDammV2
from engine_app.markets.venues.raydium_cpmm import RaydiumCpmm
from engine_app.markets.venues.venue import Venue

_DIRECTORY = Path(__file__).parents[2] / "vectors"


@dataclass(frozen=True)
class Case:
    pool: Pubkey
    mint_in: Pubkey
    mint_out: Pubkey
    amount_in: int
    out: int | None
    """Base units that the program paid, or None where it refused."""
    error: int | None
    """The program's custom error."""
    fees: Mapping[str, int]
    """Fees measured from the change of the pool's state."""


@dataclass(frozen=True)
class State:
    label: str
    clock: ChainClock
    accounts: Mapping[Pubkey, Account]
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class VectorFile:
    venue: Venue
    states: tuple[State, ...]


_VENUES: Mapping[str, type[RaydiumCpmm] | type[MeteoraDammV2]] = {
    "raydium_cpmm": RaydiumCpmm,
    "meteora_damm_v2": MeteoraDammV2,
}


@cache
def load(name: str) -> VectorFile:
    """One file of tests/vectors by its venue's name."""
    with gzip.open(_DIRECTORY / f"{name}.json.gz") as stream:
        content = json.load(stream)
    cases: dict[int, list[Case]] = {state["id"]: [] for state in content["states"]}
    for raw in content["cases"]:
        cases[raw["state"]].append(
            Case(
                pool=Pubkey.from_string(raw["pool"]),
                mint_in=Pubkey.from_string(raw["in_mint"]),
                mint_out=Pubkey.from_string(raw["out_mint"]),
                amount_in=int(raw["amount_in"]),
                out=int(raw["out"]) if "out" in raw else None,
                error=raw.get("error"),
                fees=raw.get("fee", {}),
            )
        )
    states = tuple(
        State(
            label=raw["label"],
            clock=ChainClock(raw["slot"], raw["unix_timestamp"], raw["epoch"]),
            accounts={Pubkey.from_string(key): _account(value) for key, value in raw["accounts"].items()},
            cases=tuple(cases[raw["id"]]),
        )
        for raw in content["states"]
    )
    return VectorFile(_VENUES[name](Pubkey.from_string(content["program"])), states)


def state(name: str, label: str) -> State:
    """One state of a file by its label."""
    return next(found for found in load(name).states if found.label == label)


def _account(raw: Mapping[str, str]) -> Account:
    return Account(Pubkey.from_string(raw["owner"]), int(raw["lamports"]), base64.b64decode(raw["data"]))
