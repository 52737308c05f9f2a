"""A local chain that runs the compiled programs of REAL_PROGRAMS_DIR."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.localnet.server import Localnet, LocalnetOptions
from engine_app.markets.venues.registry import venues_for

LOCALNET = CLUSTERS["localnet"]


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to start without the programs: a run that swaps on none of them would show nothing."""
    missing = [str(key) for key in _programs() if not (_directory() / f"{key}.so").is_file()]
    if missing:
        raise pytest.UsageError(f"{_directory()} lacks the programs " + ", ".join(f"{key}.so" for key in missing))


def _directory() -> Path:
    named = os.environ.get("REAL_PROGRAMS_DIR")
    if not named:
        raise pytest.UsageError("REAL_PROGRAMS_DIR must name a directory of compiled programs, <address>.so each")
    return Path(named)


def _programs() -> list[Pubkey]:
    return [LOCALNET.meteora_vault, *(venue.program_id for venue in venues_for(LOCALNET))]


def runs(program: Pubkey, name: bytes) -> bool:
    """Whether the compiled program holds a name that only some builds have."""
    return name in (_directory() / f"{program}.so").read_bytes()


@pytest.fixture
async def chain() -> AsyncIterator[Localnet]:
    """A fresh chain with slots of 50 ms."""
    options = LocalnetOptions(port=0, ws_port=0, slot_ms=50, programs_dir=_directory())
    async with Localnet(options) as chain:
        yield chain


@pytest.fixture
async def rpc(chain: Localnet) -> AsyncIterator[Rpc]:
    """The way to `chain`."""
    opened = Rpc([chain.url], LOCALNET)
    await opened.start()
    yield opened
    await opened.close()
