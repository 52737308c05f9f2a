"""The seeded pools of a pair, and a token that no pool swaps."""

from __future__ import annotations

from solders.pubkey import Pubkey

from engine_app.localnet.seed import genesis, meteora_damm_v2, raydium_cpmm
from engine_app.localnet.seed.tokens import BONK, SOL, USDC, Token

SOL_USDC_MOVES = {
    "raydium": (5_000 * 10**9, 750_000 * 10**6),
    "meteora": (500 * 10**9, 75_000 * 10**6),
}
"""Of each SOL/USDC pool: lamports that take a tenth off its price, and base units of USDC that bring it back."""

_SOL_BONK = next(pool for pool in genesis.DAMM_V2_POOLS if (pool.base, pool.quote) == (SOL, BONK))
_TIMES = 100
SOL_BONK_DRAIN = (
    _TIMES * int(_SOL_BONK.base_reserve * _SOL_BONK.price) * 10**BONK.decimals // 10**SOL.decimals,
    _SOL_BONK.base_reserve * _TIMES // (_TIMES + 1),
)
"""Base units of BONK, a hundred times what Meteora's SOL/BONK pool holds, that leave a hundredth of its SOL; lamports
that bring that back."""


def pools(one: Token, other: Token) -> dict[str, str]:
    """A pair's pools by DEX."""
    cpmm = next(pool for pool in genesis.CPMM_POOLS if {pool.base, pool.quote} == {one, other})
    low, high = sorted((one.mint, other.mint), key=bytes)
    return {
        "raydium": str(raydium_cpmm.pool_address(cpmm.config_index, low, high)),
        "meteora": str(meteora_damm_v2.pool_address(one.mint, other.mint)),
    }


def shares() -> str:
    """The mint of the shares in a pool of SOL and USDC; no pool swaps them for anything."""
    return str(raydium_cpmm.find(b"pool_lp_mint", bytes(Pubkey.from_string(pools(SOL, USDC)["raydium"])))[0])
