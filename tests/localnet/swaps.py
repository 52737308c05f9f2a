"""Swaps on the seeded pools: addresses derived and instructions encoded here on their own."""

from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

CPMM = Pubkey.from_string("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C")
DAMM_V2 = Pubkey.from_string("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG")
INSTRUCTIONS_SYSVAR = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")
TOKEN_PROGRAM = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
MINTS = {
    "SOL": Pubkey.from_string("So11111111111111111111111111111111111111112"),
    "USDC": Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
    "USDT": Pubkey.from_string("Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"),
    "BONK": Pubkey.from_string("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"),
}
DECIMALS = {"SOL": 9, "USDC": 6, "USDT": 6, "BONK": 5}
_ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")


@dataclass(frozen=True)
class Swap:
    """What a wallet gives and wants; amounts in base units."""

    wallet: Pubkey
    token_in: str
    token_out: str
    amount_in: int
    min_out: int = 0

    @property
    def amounts(self) -> bytes:
        """The instruction's arguments."""
        return self.amount_in.to_bytes(8, "little") + self.min_out.to_bytes(8, "little")


def token_account(wallet: Pubkey, symbol: str) -> Pubkey:
    """The wallet's associated token account."""
    return _derive(_ASSOCIATED, bytes(wallet), bytes(TOKEN_PROGRAM), bytes(MINTS[symbol]))


def cpmm_pool(config_index: int, token_a: str, token_b: str) -> Pubkey:
    """The pool of a config and two tokens."""
    mints = sorted(bytes(MINTS[token]) for token in (token_a, token_b))
    return _derive(CPMM, b"pool", bytes(cpmm_config(config_index)), *mints)


def cpmm_config(index: int) -> Pubkey:
    """A fee config."""
    return _derive(CPMM, b"amm_config", index.to_bytes(2, "big"))


def damm_v2_pool(token_a: str, token_b: str) -> Pubkey:
    """The customizable pool of two tokens."""
    mints = sorted((bytes(MINTS[token]) for token in (token_a, token_b)), reverse=True)
    return _derive(DAMM_V2, b"cpool", *mints)


def on_cpmm(swap: Swap, config_index: int = 0) -> Instruction:
    """`swap_base_input` on Raydium CPMM."""
    pool = cpmm_pool(config_index, swap.token_in, swap.token_out)
    mint_in, mint_out = MINTS[swap.token_in], MINTS[swap.token_out]
    metas = [
        _signer(swap.wallet),
        _reads(_derive(CPMM, b"vault_and_lp_mint_auth_seed")),
        _reads(cpmm_config(config_index)),
        _writes(pool),
        _writes(token_account(swap.wallet, swap.token_in)),
        _writes(token_account(swap.wallet, swap.token_out)),
        _writes(_derive(CPMM, b"pool_vault", bytes(pool), bytes(mint_in))),
        _writes(_derive(CPMM, b"pool_vault", bytes(pool), bytes(mint_out))),
        _reads(TOKEN_PROGRAM),
        _reads(TOKEN_PROGRAM),
        _reads(mint_in),
        _reads(mint_out),
        _writes(_derive(CPMM, b"observation", bytes(pool))),
    ]
    return Instruction(CPMM, bytes.fromhex("8fbe5adac41e33de") + swap.amounts, metas)


def on_damm_v2(swap: Swap, token_a: str, token_b: str) -> Instruction:
    """`swap` on Meteora DAMM v2; the pool's tokens are A and B in its creator's order."""
    pool = damm_v2_pool(token_a, token_b)
    metas = [
        _reads(_derive(DAMM_V2, b"pool_authority")),
        _writes(pool),
        _writes(token_account(swap.wallet, swap.token_in)),
        _writes(token_account(swap.wallet, swap.token_out)),
        _writes(_derive(DAMM_V2, b"token_vault", bytes(MINTS[token_a]), bytes(pool))),
        _writes(_derive(DAMM_V2, b"token_vault", bytes(MINTS[token_b]), bytes(pool))),
        _reads(MINTS[token_a]),
        _reads(MINTS[token_b]),
        _signer(swap.wallet),
        _reads(TOKEN_PROGRAM),
        _reads(TOKEN_PROGRAM),
        _reads(DAMM_V2),
        _reads(_derive(DAMM_V2, b"__event_authority")),
        _reads(DAMM_V2),
        _reads(INSTRUCTIONS_SYSVAR),
    ]
    return Instruction(DAMM_V2, bytes.fromhex("f8c69e91e17587c8") + swap.amounts, metas)


def _derive(program: Pubkey, *seeds: bytes) -> Pubkey:
    return Pubkey.find_program_address(list(seeds), program)[0]


def _signer(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=True, is_writable=True)


def _writes(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=True)


def _reads(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=False)
