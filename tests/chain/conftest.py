"""The chain room on the session's local chain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from engine_app.chain.answers import Blockhash
from engine_app.chain.blockhash import Blockhashes
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.landing import Landing, LiveAttempt, Observation, Seen
from engine_app.chain.rpc import Rpc
from engine_app.chain.stream import Stream
from engine_app.chain.transactions import compose, signed_bytes
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.processes import LocalChain
from tests.chain.troubled_node import TroubledNode

SOL = 1_000_000_000
PATIENCE_SECONDS = 60.0


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for a condition; fails by name after a time that no healthy machine needs."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await condition():  # noqa: ASYNC110 - what a chain does has no event here
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"waited in vain: {what}")


def transfer_attempt(wallet: Keypair, blockhash: Blockhash, lamports: int, *, to: Pubkey | None = None) -> LiveAttempt:
    """A signed transfer as a live attempt."""
    instruction = transfer(
        TransferParams(from_pubkey=wallet.pubkey(), to_pubkey=to or Pubkey.new_unique(), lamports=lamports)
    )
    return signed_attempt(wallet, blockhash, instruction)


def signed_attempt(wallet: Keypair, blockhash: Blockhash, *instructions: Instruction) -> LiveAttempt:
    """Signed instructions as a live attempt."""
    message = compose(
        wallet.pubkey(),
        instructions,
        blockhash=blockhash.hash,
        compute_unit_limit=200_000,
        compute_unit_price=1_000,
    )
    signature = wallet.sign_message(to_bytes_versioned(message))
    return LiveAttempt(
        attempt_id=uuid4(),
        order_id=uuid4(),
        signature=signature,
        transaction=signed_bytes(message, [signature]),
        last_valid_block_height=blockhash.last_valid_block_height,
        blockhash_slot=blockhash.slot,
    )


class Watching:
    """Collects what a landing tells."""

    def __init__(self, landing: Landing) -> None:
        self.seen: list[Seen] = []
        self._task = asyncio.create_task(self._collect(landing))

    async def _collect(self, landing: Landing) -> None:
        async for batch in landing.observations():
            self.seen += batch

    def of(self, attempt: LiveAttempt) -> list[Seen]:
        """What was told of one attempt."""
        return [seen for seen in self.seen if seen.attempt_id == attempt.attempt_id]

    async def wait(self, attempt: LiveAttempt, commitment: str) -> Observation:
        """The first observation of an attempt at this commitment."""

        def found() -> list[Observation]:
            return [
                seen for seen in self.of(attempt) if isinstance(seen, Observation) and seen.commitment == commitment
            ]

        async def told() -> bool:
            return bool(found())

        await until(told, f"{commitment} of {attempt.signature}, got {self.of(attempt)}")
        return found()[0]

    def stop(self) -> None:
        """Stop collecting."""
        self._task.cancel()


@dataclass
class Chain:
    """Everything of the room, started, on one local chain."""

    rpc: Rpc
    stream: Stream
    blockhashes: Blockhashes
    landing: Landing
    watching: Watching

    async def funded_wallet(self, lamports: int = 10 * SOL) -> Keypair:
        """A fresh wallet with SOL, confirmed."""
        wallet = Keypair()
        await self.rpc.airdrop(wallet.pubkey(), lamports)

        async def arrived() -> bool:
            return await self.rpc.balance(wallet.pubkey()) == lamports

        await until(arrived, "the airdrop")
        return wallet


@pytest.fixture
async def rpc(localnet: LocalChain) -> AsyncIterator[Rpc]:
    """All calls go to the session's local chain."""
    opened = Rpc([localnet.rpc_url], CLUSTERS["localnet"])
    await opened.start()
    yield opened
    await opened.close()


@asynccontextmanager
async def opened(endpoints: Sequence[str], ws_url: str) -> AsyncIterator[Chain]:
    """The whole room on these endpoints, its socket, first blockhash and pace known."""
    rpc = Rpc(endpoints, CLUSTERS["localnet"])
    stream = Stream([ws_url], on_lost=rpc.distrust)
    blockhashes = Blockhashes(rpc, stream, refresh_seconds=0.3)
    landing = Landing(rpc, stream, blockhashes)
    await rpc.start()
    await stream.start()
    await blockhashes.start()
    await landing.start()
    watching = Watching(landing)

    async def warm() -> bool:
        return blockhashes.block_height is not None

    await until(warm, "the first block height")
    try:
        yield Chain(rpc, stream, blockhashes, landing, watching)
    finally:
        watching.stop()
        await landing.close()
        await blockhashes.close()
        await stream.close()
        await rpc.close()


@pytest.fixture
async def chain(localnet: LocalChain) -> AsyncIterator[Chain]:
    """The whole room on the session's local chain."""
    async with opened([localnet.rpc_url], localnet.ws_url) as room:
        yield room


@pytest.fixture
async def node(localnet: LocalChain) -> AsyncIterator[TroubledNode]:
    """A node in front of the session's local chain that can be made to fail."""
    async with TroubledNode(localnet.rpc_url) as proxy:
        yield proxy


@pytest.fixture(scope="package")
def fast_chain(new_localnet: Callable[[int], LocalChain], supervisor: BackgroundSupervisor) -> Iterator[LocalChain]:
    """A chain with 20 ms slots, on which a blockhash is dead after three seconds."""
    chain = new_localnet(20)
    yield chain
    supervisor.stop(f"localnet-{chain.port}")
