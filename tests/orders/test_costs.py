"""What a swap costs beside what is swapped."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.chain.token_accounts import WRAPPED_SOL_MINT
from engine_app.embedded.processes import LocalChain
from engine_app.orders.costs import CostsOfSwaps, SwapCosts
from engine_app.settings import Settings

USDC, USDT = Pubkey.new_unique(), Pubkey.new_unique()
RENT = 2_039_280
"""Of a token account, as the local chain has it."""


@pytest.fixture
async def costs(localnet: LocalChain) -> AsyncIterator[CostsOfSwaps]:
    rpc = Rpc([localnet.rpc_url], CLUSTERS["localnet"])
    await rpc.start()
    made = CostsOfSwaps(rpc, Settings(compute_unit_price=10_000, max_priority_fee=1_000_000))
    await made.start()
    yield made
    await made.close()
    await rpc.close()


async def test_rents_are_due_for_what_has_to_be_opened(costs: CostsOfSwaps) -> None:
    pools = [Pubkey.new_unique()]
    opening = await costs.of((WRAPPED_SOL_MINT, USDC), pools, ())
    assert opening == SwapCosts(network_fee=5_000, most_priority_fee=14_000, account_rent=RENT, lent_rent=RENT)
    owning = await costs.of((WRAPPED_SOL_MINT, USDC), pools, {str(USDC)})
    assert (owning.account_rent, owning.lent_rent) == (0, RENT)
    selling = await costs.of((USDC, WRAPPED_SOL_MINT), pools, {str(USDC)})
    assert (selling.account_rent, selling.lent_rent) == (0, RENT)
    without_sol = await costs.of((USDC, USDT), pools, {str(USDC)})
    assert (without_sol.account_rent, without_sol.lent_rent) == (RENT, 0)
    over_sol = await costs.of((USDC, WRAPPED_SOL_MINT, USDT), pools, {str(USDC)})
    assert (over_sol.account_rent, over_sol.lent_rent) == (RENT, RENT)
    two_accounts = await costs.of((WRAPPED_SOL_MINT, USDC, USDT), pools, ())
    assert (two_accounts.account_rent, two_accounts.lent_rent) == (2 * RENT, RENT)


async def test_the_priority_fee_is_never_said_to_be_more_than_is_paid_at_most(localnet: LocalChain) -> None:
    rpc = Rpc([localnet.rpc_url], CLUSTERS["localnet"])
    await rpc.start()
    dear = CostsOfSwaps(rpc, Settings(compute_unit_price=10**9, max_priority_fee=7_000))
    assert (await dear.of((USDC, USDT), [Pubkey.new_unique()], ())).most_priority_fee == 7_000
    await rpc.close()
