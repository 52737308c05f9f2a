"""The chain as a process: ports, a clean stop, kill -9, and other programs in the stand-ins' place."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from engine_app.localnet.blocks import Commitment
from engine_app.localnet.programs_dir import RAYDIUM_CPMM, load_programs
from engine_app.localnet.server import Localnet, LocalnetOptions, serve
from engine_app.localnet.view import View
from tests.ports import ports_in_a_row
from tests.waiting import until

PATIENCE = 30.0
_SERVE = """
import asyncio, sys
from pathlib import Path
from engine_app.localnet.server import LocalnetOptions, serve
asyncio.run(serve(LocalnetOptions(port=int(sys.argv[1]), data_dir=Path(sys.argv[2]), slot_ms=20)))
"""


class Process:
    """A local chain in a process of its own."""

    def __init__(self, port: int, data_dir: Path) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen([sys.executable, "-c", _SERVE, str(port), str(data_dir)])
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.call("getHealth")
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.end(signal.SIGKILL)
                    raise
                time.sleep(0.02)
            else:
                return

    def call(self, method: str, *params: Any) -> Any:
        """The result of a JSON-RPC call."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310 - http, to ourselves
        with urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
            return json.load(response)["result"]

    def status(self, signature: str) -> Any:
        """What is known of a signature, with history."""
        return self.call("getSignatureStatuses", [signature], {"searchTransactionHistory": True})["value"][0]

    def end(self, how: signal.Signals) -> int:
        """Signal it, and wait until it has ended."""
        self._process.send_signal(how)
        return self._process.wait(PATIENCE)


@contextmanager
def started(port: int, data_dir: Path) -> Iterator[Process]:
    """A process that is killed should the test fail."""
    process = Process(port, data_dir)
    try:
        yield process
    finally:
        process.end(signal.SIGKILL)


@pytest.fixture
def port() -> int:
    """A port for requests; the one after it is for the websocket."""
    return ports_in_a_row(2)


def test_what_was_told_as_confirmed_outlives_kill_9(tmp_path: Path, port: int) -> None:
    told: list[str] = []
    wallets: list[str] = []
    genesis = None
    slot = height = 0
    for _ in range(4):
        with started(port, tmp_path) as chain:
            genesis = genesis or chain.call("getGenesisHash")
            assert chain.call("getGenesisHash") == genesis
            assert chain.call("getSlot", {"commitment": "confirmed"}) >= slot
            assert chain.call("getBlockHeight", {"commitment": "confirmed"}) >= height
            for signature, wallet in zip(told, wallets, strict=True):
                assert chain.status(signature)["err"] is None
                assert chain.call("getBalance", wallet, {"commitment": "confirmed"})["value"] == 10**9
            for _ in range(5):
                wallet = str(Keypair().pubkey())
                signature = chain.call("requestAirdrop", wallet, 10**9)
                while (chain.status(signature) or {}).get("confirmationStatus") != "confirmed":
                    time.sleep(0.002)
                told.append(signature)
                wallets.append(wallet)
            slot = chain.call("getSlot", {"commitment": "confirmed"})
            height = chain.call("getBlockHeight", {"commitment": "confirmed"})
    assert len(told) == 20


def landed(localnet: Localnet, wallet: Pubkey) -> Callable[[], Awaitable[bool]]:
    """Asks whether the wallet exists."""

    async def ask() -> bool:
        return localnet.chain.bank.newest(wallet) is not None

    return ask


def later(localnet: Localnet, slot: int) -> Callable[[], Awaitable[bool]]:
    """Asks whether the chain is past this slot."""

    async def ask() -> bool:
        return localnet.chain.head.slot > slot

    return ask


async def test_a_clean_stop_keeps_the_chain_and_a_second_start_goes_on(tmp_path: Path) -> None:
    options = LocalnetOptions(port=0, slot_ms=20, data_dir=tmp_path)
    wallet = Keypair().pubkey()
    async with Localnet(options) as first:
        genesis = first.chain.genesis_hash
        transaction = first.chain.faucet.lamports(wallet, 10**9, first.chain.head.blockhash)
        first.chain.send(transaction, bytes(transaction))
        await until(landed(first, wallet), seconds=PATIENCE)
    async with Localnet(options) as second:
        assert second.chain.genesis_hash == genesis
        assert second.chain.head.slot >= first.chain.head.slot
        assert second.chain.bank.newest(wallet) is not None
        await until(later(second, second.chain.head.slot), seconds=PATIENCE)


async def test_what_is_stored_is_confirmed_from_the_first_answer_after_a_start(tmp_path: Path) -> None:
    options = LocalnetOptions(port=0, slot_ms=60_000, data_dir=tmp_path)
    async with Localnet(options) as first:
        for _ in range(3):
            await first.chain.tick()
    async with Localnet(options) as second:
        assert View(second.chain).slot(Commitment.CONFIRMED) == first.chain.head.slot


async def test_serve_runs_until_cancelled_and_says_when_it_listens() -> None:
    listening = asyncio.Event()
    serving = asyncio.create_task(serve(LocalnetOptions(port=0, slot_ms=20), started=listening.set))
    await asyncio.wait_for(listening.wait(), PATIENCE)
    assert not serving.done()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(serving, PATIENCE)


async def test_websockets_are_on_the_next_port_and_a_taken_port_is_an_error(port: int) -> None:
    async with Localnet(LocalnetOptions(port=port)) as localnet:
        assert (localnet.endpoint.port, localnet.endpoint.ws_port) == (port, port + 1)
        with pytest.raises(OSError, match="address already in use"):
            await serve(LocalnetOptions(port=port))


async def test_slots_keep_time() -> None:
    async with Localnet(LocalnetOptions(port=0, slot_ms=50)) as localnet:
        begun, first = time.monotonic(), localnet.chain.head.slot
        await asyncio.sleep(2)
        slots = localnet.chain.head.slot - first
        assert 0.2 <= slots * 0.05 / (time.monotonic() - begun) <= 1.05


def test_other_programs_run_in_the_stand_ins_place(tmp_path: Path) -> None:
    stand_in = load_programs(None)[RAYDIUM_CPMM]
    other = Pubkey.new_unique()
    (tmp_path / "raydium_cpmm.so").write_bytes(b"compiled")
    (tmp_path / f"{other}.so").write_bytes(stand_in)
    programs = load_programs(tmp_path)
    assert programs[RAYDIUM_CPMM] == b"compiled"
    assert programs[other] == stand_in
    (tmp_path / "whatever.so").write_bytes(b"")
    with pytest.raises(ValueError, match="name it after a program's address"):
        load_programs(tmp_path)


def test_only_the_owner_can_read_the_chains_keys(tmp_path: Path, port: int) -> None:
    with started(port, tmp_path):
        assert {os.stat(file).st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
