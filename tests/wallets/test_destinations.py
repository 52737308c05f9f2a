"""What an address tells by itself."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from engine_app.chain.token_accounts import TOKEN_PROGRAM, WRAPPED_SOL_MINT, ata
from engine_app.wallets.destinations import INCINERATOR, InvalidDestination, destination

OWNER, OTHER = (Keypair.from_seed(bytes([number]) * 32).pubkey() for number in (1, 2))
OWN = str(OWNER)
MINTS = {Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"), WRAPPED_SOL_MINT}


def test_a_wallets_address_is_taken() -> None:
    assert destination(str(OTHER), own=OWN, mints=MINTS) == OTHER


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not a Solana address"),
        ("alice", "not a Solana address"),
        ("0x" + "ab" * 20, "not a Solana address"),
        (OWN[:30], "not a Solana address"),
        (f" {OWN}", "not a Solana address"),
        ("\x00" * 44, "not a Solana address"),
        (OWN, "own address"),
        (str(WRAPPED_SOL_MINT), "mint"),
        ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "mint"),
        ("11111111111111111111111111111111", "program"),
        (str(TOKEN_PROGRAM), "program"),
        (str(INCINERATOR), "lost"),
        (str(ata(OTHER, WRAPPED_SOL_MINT, TOKEN_PROGRAM)), "nobody has its key"),
        (str(Pubkey.find_program_address([b"vault"], TOKEN_PROGRAM)[0]), "nobody has its key"),
    ],
)
def test_what_would_be_lost_is_refused(text: str, told: str) -> None:
    with pytest.raises(InvalidDestination, match=told):
        destination(text, own=OWN, mints=MINTS)
