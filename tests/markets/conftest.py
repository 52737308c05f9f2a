"""The markets room on a local chain of each test's own, in its own process, so that a test can put pools there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiohttp import web
from solders.account import Account as ChainAccount
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.localnet.server import Localnet, LocalnetOptions

LOCALNET = CLUSTERS["localnet"]


@pytest.fixture
async def chain() -> AsyncIterator[Localnet]:
    """A fresh local chain with slots of 50 ms, kept in memory."""
    async with Localnet(LocalnetOptions(port=0, ws_port=0, slot_ms=50)) as chain:
        yield chain


@pytest.fixture
async def rpc(chain: Localnet) -> AsyncIterator[Rpc]:
    """The way to `chain`."""
    opened = Rpc([chain.url], LOCALNET)
    await opened.start()
    yield opened
    await opened.close()


async def put(chain: Localnet, accounts: dict[Pubkey, Account]) -> None:
    """Put accounts on the chain as they are, and wait until reads at `confirmed` see them."""
    bank, slot = chain.chain.bank, chain.chain.head.slot
    for address, account in accounts.items():
        before, after = bank.newest(address), ChainAccount(account.lamports, account.data, account.owner)
        bank.load(address, after)
        bank.history.record(address, slot, before, after)
    await next_slots(chain, 2)


async def next_slots(chain: Localnet, count: int) -> None:
    """Wait until so many slots have passed."""
    last, passed = chain.chain.head.slot + count, asyncio.Event()
    forget = chain.chain.on_block(lambda block: passed.set() if block.slot >= last else None)
    await asyncio.wait_for(passed.wait(), 20)
    forget()


@dataclass
class RefusingNode:
    """A node in front of the local chain that refuses some methods, and may be several behind one address.

    Attributes:
        url: its endpoint.
        refused: methods that it refuses as nodes without an index do.
        down: whether it answers every call with 503.
        elsewhere: endpoints that answer the next reads of accounts that name an address, one each.
        reads: addresses of each read of accounts so far.
    """

    url: str
    refused: set[str] = field(default_factory=set)
    down: bool = False
    elsewhere: dict[str, list[str]] = field(default_factory=dict)
    reads: list[list[str]] = field(default_factory=list)


@pytest.fixture
async def refusing_node(chain: Localnet) -> AsyncIterator[RefusingNode]:
    """A node in front of `chain` that refuses nothing yet."""
    node = RefusingNode(url="")

    async def answer(request: web.Request) -> web.Response:
        call: dict[str, Any] = await request.json()
        if node.down:
            return web.Response(status=503)
        if call["method"] in node.refused:
            error = {"code": -32010, "message": "excluded from account secondary indexes"}
            return web.json_response({"jsonrpc": "2.0", "id": call["id"], "error": error})
        url = chain.url
        if call["method"] == "getMultipleAccounts":
            node.reads.append(call["params"][0])
            named = [node.elsewhere[key] for key in call["params"][0] if node.elsewhere.get(key)]
            url = named[0].pop(0) if named else url
        answered = await client.post(url, json=call)
        return web.Response(body=answered.content, content_type="application/json")

    application = web.Application()
    application.router.add_post("/", answer)
    runner = web.AppRunner(application)
    async with httpx.AsyncClient() as client:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        [(host, port)] = runner.addresses
        node.url = f"http://{host}:{port}"
        yield node
        await runner.cleanup()
