"""The floor: what an order takes of a bare script on the same chain, with no database, no queue and no web.

It reads one pool, the clock and a blockhash, quotes, signs, sends, waits for the confirmation over a websocket, and
reads what the transaction moved: raw JSON-RPC over aiohttp, four calls and a subscription an order.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.token_accounts import TOKEN_ACCOUNT_SIZE, wrapped_sol_address
from engine_app.chain.token_instructions import close_wrapped_sol, open_wrapped_sol
from engine_app.chain.transactions import compose, signed_bytes
from engine_app.markets.routing import floor_out
from engine_app.markets.venues.clock import CLOCK_SYSVAR, decode_clock
from engine_app.markets.venues.registry import venues_for
from engine_app.markets.venues.venue import SwapAccounts
from tests.localnet.swaps import MINTS, damm_v2_pool, token_account

SLIPPAGE = Decimal("0.01")
COMPUTE_UNITS = 200_000
CONFIRMED = {"commitment": "confirmed"}
FUNDS = {"SOL": 1_000 * 10**9, "USDC": 150_000 * 10**6}
"""Base units that the script's wallet gets from the chain's faucet."""
VENUE = next(venue for venue in venues_for(CLUSTERS["localnet"]) if venue.name == "meteora_damm_v2")
POOL = damm_v2_pool("SOL", "USDC")


class BareScript:
    """One wallet that swaps by itself."""

    def __init__(self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse, rpc_url: str) -> None:
        self._http = http
        self._socket = socket
        self._rpc_url = rpc_url
        self._numbers = itertools.count(1)
        self._subscribing: dict[int, asyncio.Future[Any]] = {}
        self._confirming: dict[int, asyncio.Future[Any]] = {}
        self._key = Keypair()
        self._needed: list[Pubkey] = []
        self._rent = 0
        self._slot_began = asyncio.Event()

    async def prepare(self) -> None:
        """Get funds, and learn what does not change: the rent, and the accounts that a quote needs."""
        await self._socket.send_str(_request(0, "slotSubscribe", []))
        for symbol, amount in FUNDS.items():
            mint = {} if symbol == "SOL" else {"mint": str(MINTS[symbol])}
            signature = await self._call("requestAirdrop", [str(self._key.pubkey()), amount, mint])
            await (await self._subscribe(signature))
        self._rent = await self._call("getMinimumBalanceForRentExemption", [TOKEN_ACCOUNT_SIZE])
        known = await self._accounts([POOL])
        while missing := [key for key in VENUE.needed_accounts(POOL, known) if key not in known]:
            known |= await self._accounts(missing)
        self._needed = [CLOCK_SYSVAR, *known]

    async def at_phase(self, fraction: float, slot_ms: int) -> None:
        """Wait for the next slot, and then for a part of it."""
        self._slot_began.clear()
        await self._slot_began.wait()
        await asyncio.sleep(fraction * slot_ms / 1000)

    async def swap(self, token_in: str, token_out: str, amount_in: int) -> float:
        """Swap, until it is known what was received; milliseconds."""
        began = time.perf_counter()
        owner, mint_in, mint_out = self._key.pubkey(), MINTS[token_in], MINTS[token_out]
        accounts, latest = await asyncio.gather(
            self._accounts(self._needed), self._call("getLatestBlockhash", [CONFIRMED])
        )
        pool = VENUE.decode(POOL, accounts)
        quote = pool.quote_exact_in(mint_in, amount_in, decode_clock(accounts[CLOCK_SYSVAR]))
        attempt_id, wrapped = uuid4(), amount_in if mint_in == MINTS["SOL"] else 0
        own = {MINTS["SOL"]: wrapped_sol_address(owner, attempt_id), MINTS["USDC"]: token_account(owner, "USDC")}
        user = SwapAccounts(owner=owner, source=own[mint_in], destination=own[mint_out])
        least = floor_out(quote.amount_out, SLIPPAGE)
        message = compose(
            owner,
            [
                *open_wrapped_sol(owner, attempt_id, wrapped, self._rent),
                pool.swap_instruction(user, mint_in, amount_in, least),
                close_wrapped_sol(owner, attempt_id),
            ],
            blockhash=Hash.from_string(latest["value"]["blockhash"]),
            compute_unit_limit=COMPUTE_UNITS,
            compute_unit_price=0,
        )
        signature = self._key.sign_message(to_bytes_versioned(message))
        confirmed = await self._subscribe(str(signature))
        wire = b64encode(signed_bytes(message, [signature])).decode()
        await self._call("sendTransaction", [wire, {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}])
        if (await confirmed)["err"] is not None:
            raise RuntimeError("the bare script's swap failed")
        readable = CONFIRMED | {"encoding": "json", "maxSupportedTransactionVersion": 0}
        landed = await self._call("getTransaction", [str(signature), readable])
        _received(landed["meta"], str(owner), mint_out)
        return (time.perf_counter() - began) * 1000

    async def listen(self) -> None:
        """Hand on what the websocket tells, until cancelled."""
        async for message in self._socket:
            told = orjson.loads(message.data)
            match told.get("method"):
                case "slotNotification":
                    self._slot_began.set()
                case "signatureNotification":
                    self._confirming.pop(told["params"]["subscription"]).set_result(told["params"]["result"]["value"])
                case _ if (asked := self._subscribing.pop(told["id"], None)) is not None:
                    self._confirming[told["result"]] = asked

    async def _subscribe(self, signature: str) -> asyncio.Future[Any]:
        """Ask to be told of a signature; what is told. The answer to the asking is not waited for."""
        number = next(self._numbers)
        told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._subscribing[number] = told
        await self._socket.send_str(_request(number, "signatureSubscribe", [signature, CONFIRMED]))
        return told

    async def _accounts(self, keys: list[Pubkey]) -> dict[Pubkey, Account]:
        wanted = CONFIRMED | {"encoding": "base64"}
        answer = await self._call("getMultipleAccounts", [[str(key) for key in keys], wanted])
        return {
            key: Account(Pubkey.from_string(value["owner"]), value["lamports"], b64decode(value["data"][0]))
            for key, value in zip(keys, answer["value"], strict=True)
        }

    async def _call(self, method: str, params: list[Any]) -> Any:
        request = _request(next(self._numbers), method, params)
        async with self._http.post(self._rpc_url, data=request, headers={"Content-Type": "application/json"}) as answer:
            told = orjson.loads(await answer.read())
        if "error" in told:
            raise RuntimeError(f"{method}: {told['error']}")
        return told["result"]


@asynccontextmanager
async def bare_script(rpc_url: str, ws_url: str) -> AsyncIterator[BareScript]:
    """The script, ready to swap."""
    async with aiohttp.ClientSession() as http, http.ws_connect(ws_url) as socket:
        made = BareScript(http, socket, rpc_url)
        listening = asyncio.create_task(made.listen())
        try:
            await made.prepare()
            await made.swap("SOL", "USDC", 10**7)
            yield made
        finally:
            listening.cancel()


def _request(number: int, method: str, params: list[Any]) -> str:
    return orjson.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).decode()


def _received(meta: dict[str, Any], owner: str, mint: Pubkey) -> int:
    """Base units that reached the owner: of a token from its account, of SOL from the wallet, less the fee."""
    if mint == MINTS["SOL"]:
        return int(meta["postBalances"][0] - meta["preBalances"][0] + meta["fee"])
    before, after = (
        next(int(held["uiTokenAmount"]["amount"]) for held in meta[side] if _is(held, owner, mint))
        for side in ("preTokenBalances", "postTokenBalances")
    )
    return after - before


def _is(held: dict[str, Any], owner: str, mint: Pubkey) -> bool:
    return bool(held["owner"] == owner and held["mint"] == str(mint))
