"""Raydium CPMM swaps for the stand-in's tests: accounts and instruction data, encoded here on their own."""

from solders.instruction import AccountMeta
from solders.pubkey import Pubkey

from engine_app.localnet.programs.build import PROGRAMS
from tests.localnet.programs.vectors import TAKER, USER_IN, USER_OUT, Chain

PROGRAM_ID = Pubkey.from_string("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C")
PROGRAM = (PROGRAMS / "raydium_cpmm.so").read_bytes()
AUTHORITY = Pubkey.from_string("GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL")
SWAP_BASE_INPUT = bytes.fromhex("8fbe5adac41e33de")
SWAP_BASE_OUTPUT = bytes.fromhex("37d96256a34ab4ad")


def exact_in(amount: int, minimum: int = 0) -> bytes:
    """Instruction data: `amount` base units in, at least `minimum` out."""
    return SWAP_BASE_INPUT + amount.to_bytes(8, "little") + minimum.to_bytes(8, "little")


def exact_out(amount: int, maximum: int) -> bytes:
    """Instruction data: `amount` base units received, at most `maximum` in."""
    return SWAP_BASE_OUTPUT + maximum.to_bytes(8, "little") + amount.to_bytes(8, "little")


def metas(chain: Chain, pool: Pubkey, mint_in: Pubkey, mint_out: Pubkey) -> list[AccountMeta]:
    """The 13 accounts of a swap of the taker, read from the pool's state."""
    state = chain.accounts[pool][2]
    vaults = {
        Pubkey.from_bytes(state[168:200]): Pubkey.from_bytes(state[72:104]),
        Pubkey.from_bytes(state[200:232]): Pubkey.from_bytes(state[104:136]),
    }
    return [
        AccountMeta(TAKER.pubkey(), True, False),
        AccountMeta(AUTHORITY, False, False),
        AccountMeta(Pubkey.from_bytes(state[8:40]), False, False),
        AccountMeta(pool, False, True),
        AccountMeta(USER_IN, False, True),
        AccountMeta(USER_OUT, False, True),
        AccountMeta(vaults[mint_in], False, True),
        AccountMeta(vaults[mint_out], False, True),
        AccountMeta(chain.token_program(mint_in), False, False),
        AccountMeta(chain.token_program(mint_out), False, False),
        AccountMeta(mint_in, False, False),
        AccountMeta(mint_out, False, False),
        AccountMeta(Pubkey.from_bytes(state[296:328]), False, True),
    ]


def fees_owed(chain: Chain, pool: Pubkey, mint_in: Pubkey) -> dict[str, int]:
    """What a swap of `mint_in` added to the fees owed to protocol and fund, in base units of it."""
    at = 0 if bytes(mint_in) == chain.accounts[pool][2][168:200] else 8
    before, after = chain.accounts[pool][2], chain.data(pool)
    return {
        name: int.from_bytes(after[first + at : first + at + 8], "little")
        - int.from_bytes(before[first + at : first + at + 8], "little")
        for name, first in (("protocol_fee", 341), ("fund_fee", 357))
    }
