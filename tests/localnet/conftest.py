"""Chains for the local chain's own tests: one ticked by hand, and one behind real ports."""

from collections.abc import AsyncIterator

import pytest

from engine_app.localnet.server import Localnet, LocalnetOptions
from tests.localnet.chains import ManualChain


@pytest.fixture
async def manual() -> AsyncIterator[ManualChain]:
    """A fresh chain in memory that the test ticks."""
    chain = ManualChain()
    yield chain
    await chain.chain.close()


@pytest.fixture
async def running() -> AsyncIterator[Localnet]:
    """A fresh chain in memory on free ports, with 20 ms slots."""
    async with Localnet(LocalnetOptions(port=0, slot_ms=20)) as localnet:
        yield localnet
