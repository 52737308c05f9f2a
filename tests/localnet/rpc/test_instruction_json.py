"""Instructions in jsonParsed."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from solders.pubkey import Pubkey

from engine_app.localnet.messages import SYSTEM_PROGRAM
from engine_app.localnet.rpc.instruction_json import instruction_json
from engine_app.localnet.tokens import ASSOCIATED_TOKEN_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM

KEYS = [Pubkey.new_unique() for _ in range(7)]
A, B, C, D, E, F, _ = map(str, KEYS)
SEED = struct.pack("<Q", 3) + b"abc"


@pytest.mark.parametrize(
    ("program", "data", "name", "kind", "info"),
    [
        (
            SYSTEM_PROGRAM,
            struct.pack("<IQ", 2, 5),
            "system",
            "transfer",
            {"source": A, "destination": B, "lamports": 5},
        ),
        (
            SYSTEM_PROGRAM,
            struct.pack("<IQQ", 0, 5, 165) + bytes(KEYS[2]),
            "system",
            "createAccount",
            {"source": A, "newAccount": B, "lamports": 5, "space": 165, "owner": C},
        ),
        (
            SYSTEM_PROGRAM,
            struct.pack("<I", 3) + bytes(KEYS[3]) + SEED + struct.pack("<QQ", 5, 165) + bytes(KEYS[4]),
            "system",
            "createAccountWithSeed",
            {"source": A, "newAccount": B, "base": D, "seed": "abc", "lamports": 5, "space": 165, "owner": E},
        ),
        (TOKEN_PROGRAM, b"\x11", "spl-token", "syncNative", {"account": A}),
        (
            TOKEN_PROGRAM,
            b"\x12" + bytes(KEYS[2]),
            "spl-token",
            "initializeAccount3",
            {"account": A, "mint": B, "owner": C},
        ),
        (
            ASSOCIATED_TOKEN_PROGRAM,
            b"\x01",
            "spl-associated-token-account",
            "createIdempotent",
            {"source": A, "account": B, "wallet": C, "mint": D, "systemProgram": E, "tokenProgram": F},
        ),
    ],
)
def test_a_known_instruction_is_parsed(
    program: Pubkey, data: bytes, name: str, kind: str, info: dict[str, Any]
) -> None:
    accounts = KEYS[:6] if name != "spl-token" else KEYS[: 1 if kind == "syncNative" else 2]
    assert instruction_json(program, accounts, data, 1) == {
        "parsed": {"info": info, "type": kind},
        "program": name,
        "programId": str(program),
        "stackHeight": 1,
    }


def test_a_token_transfer_names_its_amount_as_text_and_a_multisig_its_signers() -> None:
    transfer = instruction_json(TOKEN_PROGRAM, KEYS[:3], struct.pack("<BQ", 3, 7), 2)
    assert transfer["parsed"]["info"] == {"source": A, "destination": B, "authority": C, "amount": "7"}
    checked = instruction_json(TOKEN_2022_PROGRAM, KEYS[:6], struct.pack("<BQB", 12, 1_500_000, 6), 2)
    assert checked["parsed"]["info"] == {
        "source": A,
        "mint": B,
        "destination": C,
        "multisigAuthority": D,
        "signers": [E, F],
        "tokenAmount": {"amount": "1500000", "decimals": 6, "uiAmount": 1.5, "uiAmountString": "1.5"},
    }


@pytest.mark.parametrize("data", [b"", b"\xff", struct.pack("<I", 2), struct.pack("<I", 99)])
def test_what_no_parser_takes_stays_as_it_is(data: bytes) -> None:
    told = instruction_json(SYSTEM_PROGRAM, KEYS[:1], data, None)
    assert told["accounts"] == [A]
    assert "parsed" not in told


def test_a_memo_is_its_text() -> None:
    memo = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
    assert instruction_json(memo, [], b"hello", 1)["parsed"] == "hello"
