"""@solana/web3.js, @solana/kit and the Solana Explorer on the local chain."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine_app.embedded.processes import LocalChain
from tests.conftest import PAGE_CACHE

CLIENTS = Path(__file__).parent / "js"
READABLE = {"maxSupportedTransactionVersion": 0}


@pytest.fixture(scope="module")
def clients() -> Path:
    """A directory in which the pinned clients are installed, once per set of versions, beside the script."""
    pinned = [CLIENTS / name for name in ("package.json", "bun.lock")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in pinned)).hexdigest()[:16]
    directory = PAGE_CACHE / f"clients-{digest}"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for file in (*pinned, CLIENTS / "web3.ts"):
            shutil.copy2(file, directory / file.name)
        if not (directory / "installed").exists():
            bun("install", "--frozen-lockfile", cwd=directory, env={})
            (directory / "installed").touch()
    return directory


def bun(*arguments: str, cwd: Path, env: dict[str, str]) -> str:
    """What a command of the environment's own bun prints."""
    program = Path(sys.prefix) / "bin" / "bun"
    done = subprocess.run(
        [program, *arguments],
        cwd=cwd,
        env=dict(os.environ) | env,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def traded(clients: Path, localnet: LocalChain) -> dict[str, Any]:
    """What web3.js did: two transfers, each confirmed, read back and subscribed to (see web3.ts)."""
    printed = bun("web3.ts", cwd=clients, env={"RPC_URL": localnet.rpc_url, "WS_URL": localnet.ws_url})
    return dict(json.loads(printed))


def test_web3_js_transfers_confirms_subscribes_and_reads(traded: dict[str, Any]) -> None:
    assert traded["first"] != traded["second"]


def explorer_calls(traded: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """What the pages of the Solana Explorer ask: cluster, supply, epoch, block, transaction, address, token."""
    slot, payer, usdc = traded["slot"], traded["payer"], "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
    parsed = {"commitment": "confirmed", "encoding": "jsonParsed"}
    token = {"programId": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"}
    token_2022 = {"programId": "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"}
    return [
        ("getFirstAvailableBlock", []),
        ("getEpochSchedule", []),
        ("getEpochInfo", []),
        ("getGenesisHash", []),
        ("getRecentPerformanceSamples", [360]),
        ("getTransactionCount", [{"commitment": "confirmed"}]),
        ("getVoteAccounts", [{"commitment": "confirmed"}]),
        ("getSupply", [{"commitment": "finalized", "excludeNonCirculatingAccountsList": True}]),
        ("getLargestAccounts", []),
        (
            "getBlock",
            [
                slot,
                {
                    **READABLE,
                    "commitment": "confirmed",
                    "encoding": "base64",
                    "rewards": True,
                    "transactionDetails": "full",
                },
            ],
        ),
        ("getBlocks", [slot, slot + 100]),
        ("getBlockTime", [slot]),
        ("getSlotLeaders", [slot, 1]),
        ("getSignatureStatuses", [[traded["first"]], {"searchTransactionHistory": True}]),
        ("getTransaction", [traded["first"], {**READABLE, **parsed}]),
        ("getTransaction", [traded["second"], {**READABLE, "commitment": "confirmed", "encoding": "base64"}]),
        ("getSignaturesForAddress", [payer, {"limit": 25}]),
        ("getMultipleAccounts", [[payer, usdc], parsed]),
        ("getAccountInfo", [usdc, parsed]),
        ("getTokenAccountsByOwner", [payer, token, {"commitment": "processed", "encoding": "jsonParsed"}]),
        ("getTokenAccountsByOwner", [payer, token_2022, {"commitment": "processed", "encoding": "jsonParsed"}]),
        ("getTokenLargestAccounts", [usdc]),
        ("getTokenSupply", [usdc]),
        ("getInflationReward", [[payer], {"epoch": 0}]),
        ("getLatestBlockhash", [{"commitment": "confirmed"}]),
        ("getProgramAccounts", ["Config1111111111111111111111111111111111111", {"encoding": "jsonParsed"}]),
    ]


def test_every_call_of_the_explorer_is_answered_to_its_page(traded: dict[str, Any], localnet: LocalChain) -> None:
    """As its browser sends them: asked beforehand whether another origin may, then one POST a call."""
    page = {"Origin": "https://explorer.solana.com"}
    with httpx.Client() as browser:
        asked = {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,solana-client",
            "Access-Control-Request-Private-Network": "true",
        }
        allowed = browser.request("OPTIONS", localnet.rpc_url, headers=page | asked)
        assert allowed.headers["Access-Control-Allow-Origin"] == "*"
        assert allowed.headers["Access-Control-Allow-Headers"] == "*"
        assert allowed.headers["Access-Control-Allow-Private-Network"] == "true"
        for method, params in explorer_calls(traded):
            body = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
            answer = browser.post(localnet.rpc_url, json=body, headers=page)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "result" in answer.json(), (method, answer.json())
