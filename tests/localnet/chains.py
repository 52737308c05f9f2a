"""A chain whose slots the test ticks itself, asked through the same methods that HTTP reaches."""

import base64
from pathlib import Path
from typing import Any

import orjson
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from engine_app.localnet.blocks import Block
from engine_app.localnet.chain import Chain
from engine_app.localnet.programs_dir import load_programs
from engine_app.localnet.rpc.http import answer_body
from engine_app.localnet.rpc.node import Node
from engine_app.localnet.rpc.subscriptions import Hub
from engine_app.localnet.seed.genesis import seed_accounts
from engine_app.localnet.store import Store
from engine_app.localnet.view import View

SOL_LAMPORTS = 10**9
PROCESSED = {"commitment": "processed"}
CONFIRMED = {"commitment": "confirmed"}
FINALIZED = {"commitment": "finalized"}
READABLE = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0}


class RpcFailure(Exception):
    """A JSON-RPC error as the caller got it."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: dict[str, Any] = error.get("data", {})


class ManualChain:
    """A chain that stands still until `tick`."""

    def __init__(self, data_dir: Path | None = None) -> None:
        self.chain = Chain(Store(data_dir), programs=load_programs(None), seed=seed_accounts, slot_ms=400)
        self.node = Node(View(self.chain))
        self.hub = Hub(self.node)
        self.chain.on_block(self.hub.on_block)

    async def tick(self, slots: int = 1) -> Block:
        """Let slots pass; the newest block."""
        for _ in range(slots):
            await self.chain.tick()
        return self.chain.head

    def call(self, method: str, *params: Any, node: Node | None = None) -> Any:
        """The method's result; raises RpcFailure with the error it answers with."""
        body = orjson.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)})
        answered = orjson.loads(answer_body(node or self.node, body))
        assert answered["jsonrpc"] == "2.0"
        assert answered["id"] == 7
        if "error" in answered:
            raise RpcFailure(answered["error"])
        return answered["result"]

    def send(self, transaction: VersionedTransaction, **config: Any) -> str:
        """Send a transaction; its signature."""
        return str(self.call("sendTransaction", encode(transaction), {"encoding": "base64", **config}))

    def latest_blockhash(self) -> Hash:
        """The newest blockhash."""
        return self.chain.head.blockhash

    async def fund(self, keypair: Keypair, lamports: int = 10 * SOL_LAMPORTS) -> None:
        """Airdrop lamports and let them land."""
        self.call("requestAirdrop", str(keypair.pubkey()), lamports)
        await self.tick()

    async def funded(self, lamports: int = 10 * SOL_LAMPORTS) -> Keypair:
        """A new wallet with lamports."""
        keypair = Keypair()
        await self.fund(keypair, lamports)
        return keypair

    def pay(
        self,
        payer: Keypair,
        to: Pubkey,
        lamports: int = 2_000_000,
        *,
        price: int = 0,
        blockhash: Hash | None = None,
    ) -> VersionedTransaction:
        """A signed transfer; `price` in micro-lamports per compute unit."""
        instructions = [transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=to, lamports=lamports))]
        if price:
            instructions = [set_compute_unit_limit(10_000), set_compute_unit_price(price), *instructions]
        return signed([payer], instructions, blockhash or self.latest_blockhash())

    def status(self, signature: str, *, history: bool = False) -> dict[str, Any] | None:
        """What `getSignatureStatuses` says of one signature."""
        statuses = self.call("getSignatureStatuses", [signature], {"searchTransactionHistory": history})
        found: dict[str, Any] | None = statuses["value"][0]
        return found


def encode(transaction: VersionedTransaction) -> str:
    """The transaction's bytes in base64."""
    return base64.b64encode(bytes(transaction)).decode()


def signed(keys: list[Keypair], instructions: list[Instruction], blockhash: Hash) -> VersionedTransaction:
    """A signed version 0 transaction that the first key pays for."""
    message = MessageV0.try_compile(keys[0].pubkey(), instructions, [], blockhash)
    return VersionedTransaction(message, keys)
