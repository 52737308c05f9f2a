"""The tokens of a local chain, at their mainnet addresses."""

from dataclasses import dataclass
from decimal import Decimal

from solders.account import Account
from solders.pubkey import Pubkey

from engine_app.localnet.seed.layout import Layout, rent_exempt
from engine_app.localnet.tokens import MINT_LENGTH, TOKEN_ACCOUNT_LENGTH, TOKEN_PROGRAM

_INITIALIZED = b"\x01"
_SOME = b"\x01\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its mint."""

    symbol: str
    mint: Pubkey
    decimals: int

    def units(self, whole: Decimal) -> int:
        """Base units of an amount in whole tokens, rounded down."""
        return int(whole.scaleb(self.decimals))


SOL = Token("SOL", Pubkey.from_string("So11111111111111111111111111111111111111112"), 9)
USDC = Token("USDC", Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"), 6)
USDT = Token("USDT", Pubkey.from_string("Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"), 6)
BONK = Token("BONK", Pubkey.from_string("DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"), 5)
TOKENS = (SOL, USDC, USDT, BONK)


def mint_account(decimals: int, supply: int, authority: Pubkey | None) -> Account:
    """An SPL Token mint; `supply` in base units, no freeze authority."""
    layout = Layout(MINT_LENGTH).number(36, supply, 8).number(44, decimals, 1).put(45, _INITIALIZED)
    if authority is not None:
        layout.put(0, _SOME).key(4, authority)
    return layout.account(TOKEN_PROGRAM)


def token_account(mint: Pubkey, owner: Pubkey, amount: int) -> Account:
    """An SPL Token account holding `amount` base units; one of wrapped SOL holds them as lamports too."""
    layout = Layout(TOKEN_ACCOUNT_LENGTH).key(0, mint).key(32, owner).number(64, amount, 8).put(108, _INITIALIZED)
    if mint == SOL.mint:
        layout.put(109, _SOME).number(113, rent_exempt(TOKEN_ACCOUNT_LENGTH), 8)
        return layout.account(TOKEN_PROGRAM, amount)
    return layout.account(TOKEN_PROGRAM)
