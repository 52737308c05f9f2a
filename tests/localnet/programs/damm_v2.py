"""Meteora DAMM v2 swaps for the stand-in's tests: accounts and instruction data, encoded here on their own."""

from solders.instruction import AccountMeta
from solders.pubkey import Pubkey

from engine_app.localnet.programs.build import PROGRAMS
from tests.localnet.programs.vectors import TAKER, USER_IN, USER_OUT, Chain

PROGRAM_ID = Pubkey.from_string("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG")
PROGRAM = (PROGRAMS / "meteora_damm_v2.so").read_bytes()
AUTHORITY = Pubkey.from_string("HLnpSz9h2S4hiLQ43rnSD9XkcUThA7B8hQMKmDaiTLcC")
EVENT_AUTHORITY = Pubkey.from_string("3rmHSu74h1ZcmAisVcWerTCiRDQbUrBKmcwptYGjHfet")
INSTRUCTIONS_SYSVAR = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")
RATE_LIMITER = 2
SWAP = bytes.fromhex("f8c69e91e17587c8")
SWAP_2 = bytes.fromhex("414b3f4ceb5b5b88")
EXACT_IN, PARTIAL_FILL, EXACT_OUT = range(3)


def swap(amount: int, minimum: int = 0) -> bytes:
    """Instruction data: `amount` base units in, at least `minimum` out."""
    return SWAP + amount.to_bytes(8, "little") + minimum.to_bytes(8, "little")


def swap2(amount: int, limit: int, mode: int) -> bytes:
    """Instruction data of swap2: amount_0, amount_1 and the mode."""
    return SWAP_2 + amount.to_bytes(8, "little") + limit.to_bytes(8, "little") + bytes([mode])


def metas(chain: Chain, pool: Pubkey, referral: Pubkey | None = None) -> list[AccountMeta]:
    """The accounts of a swap of the taker, read from the pool's state: 14, with a rate limiter 15."""
    state = chain.accounts[pool][2]
    mint_a, mint_b, vault_a, vault_b = (Pubkey.from_bytes(state[at : at + 32]) for at in (168, 200, 232, 264))
    limiter = [AccountMeta(INSTRUCTIONS_SYSVAR, False, False)] if state[16] == RATE_LIMITER else []
    return [
        AccountMeta(AUTHORITY, False, False),
        AccountMeta(pool, False, True),
        AccountMeta(USER_IN, False, True),
        AccountMeta(USER_OUT, False, True),
        AccountMeta(vault_a, False, True),
        AccountMeta(vault_b, False, True),
        AccountMeta(mint_a, False, False),
        AccountMeta(mint_b, False, False),
        AccountMeta(TAKER.pubkey(), True, False),
        AccountMeta(chain.token_program(mint_a), False, False),
        AccountMeta(chain.token_program(mint_b), False, False),
        AccountMeta(referral or PROGRAM_ID, False, referral is not None),
        AccountMeta(EVENT_AUTHORITY, False, False),
        AccountMeta(PROGRAM_ID, False, False),
        *limiter,
    ]


def fees_earned(chain: Chain, pool: Pubkey) -> dict[str, int]:
    """What a swap added to the pool's fee counters, in base units of a and b."""
    before, after = chain.accounts[pool][2], chain.data(pool)
    counters = {"lp_fee_a": (568, 16), "lp_fee_b": (584, 16), "protocol_fee_a": (392, 8), "protocol_fee_b": (400, 8)}
    return {
        name: int.from_bytes(after[at : at + size], "little") - int.from_bytes(before[at : at + size], "little")
        for name, (at, size) in counters.items()
    }
