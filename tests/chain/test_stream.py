"""Accounts looked at over the websocket, on a real node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import orjson
from solders.pubkey import Pubkey
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from engine_app.chain.rpc import Rpc
from engine_app.chain.stream import Stream
from engine_app.embedded.processes import LocalChain
from tests.chain.conftest import SOL, until
from tests.chain.relay import Relay


class Looks:
    """Keeps the slots that it was called with."""

    def __init__(self) -> None:
        self.slots: list[int | None] = []

    @property
    def count(self) -> int:
        return len(self.slots)

    def __call__(self, slot: int | None) -> None:
        self.slots.append(slot)

    async def more_than(self, before: int, what: str) -> None:
        async def called() -> bool:
            return self.count > before

        await until(called, what)


@asynccontextmanager
async def streaming(url: str) -> AsyncIterator[Stream]:
    stream = Stream([url])
    await stream.start()
    try:
        yield stream
    finally:
        await stream.close()


async def test_an_account_is_told_of_when_watched_and_whenever_it_changes(rpc: Rpc, localnet: LocalChain) -> None:
    address, looks, others = Pubkey.new_unique(), Looks(), Looks()
    async with streaming(localnet.ws_url) as stream:
        watch = await stream.watch_account(address, looks)
        other = await stream.watch_account(Pubkey.new_unique(), others)
        await looks.more_than(0, "the acknowledgement")
        await others.more_than(0, "the other's acknowledgement")
        assert watch.active
        assert other.active
        assert looks.slots == [None]
        for _ in range(2):
            before, since = looks.count, await rpc.slot()
            await rpc.airdrop(address, SOL)
            await looks.more_than(before, "the change")
            assert (looks.slots[-1] or 0) > since
        assert await rpc.balance(address) == 2 * SOL
        assert others.count == 1


async def test_after_a_gap_it_is_watched_again_and_looked_at_at_once(rpc: Rpc, localnet: LocalChain) -> None:
    address, looks = Pubkey.new_unique(), Looks()
    node = urlsplit(localnet.ws_url)
    assert node.hostname is not None
    assert node.port is not None
    async with Relay(node.hostname, node.port) as relay, streaming(f"ws://127.0.0.1:{relay.port}") as stream:
        watch = await stream.watch_account(address, looks)
        await looks.more_than(0, "the acknowledgement")
        before = looks.count
        relay.cut()
        await looks.more_than(before, "the second acknowledgement")
        assert watch.active
        before = looks.count
        await rpc.airdrop(address, SOL)
        await looks.more_than(before, "the change after the gap")


async def test_what_is_dropped_is_told_of_no_more_and_ended_at_the_node(rpc: Rpc, localnet: LocalChain) -> None:
    address, kept_address, looks, kept = Pubkey.new_unique(), Pubkey.new_unique(), Looks(), Looks()
    async with recording(localnet.ws_url) as (url, sent), streaming(url) as stream:
        watch = await stream.watch_account(address, looks)
        await stream.watch_account(kept_address, kept)
        await looks.more_than(0, "the acknowledgement")
        stream.drop(watch)
        hasty = await stream.watch_account(address, looks)
        stream.drop(hasty)

        async def both_ended() -> bool:
            return sent.count("accountUnsubscribe") == 2

        await until(both_ended, "the ends of both subscriptions")
        before = looks.count
        await rpc.airdrop(address, SOL)
        await rpc.airdrop(kept_address, SOL)
        await kept.more_than(1, "the change of the other account")
        assert looks.count == before


@asynccontextmanager
async def recording(upstream: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A websocket in front of a node's; gives its URL and the methods that were asked for through it."""
    sent: list[str] = []

    async def relay(client: ServerConnection) -> None:
        async with connect(upstream) as node:

            async def ask() -> None:
                async for frame in client:
                    sent.append(orjson.loads(frame)["method"])
                    await node.send(frame)
                await node.close()

            asking = asyncio.create_task(ask())
            async for frame in node:
                await client.send(frame)
            await asking

    async with serve(relay, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}", sent
