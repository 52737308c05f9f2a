"""Any token by its name, on a chain with a mint that nobody lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.accounts import Account
from engine_app.chain.call_counts import count_calls
from engine_app.chain.rpc import Rpc
from engine_app.localnet.server import Localnet
from engine_app.markets.errors import SearchNeedsLogin, TokenNotAllowed, UnknownToken
from engine_app.markets.tokens import TokenList, TokenLookup, TokenWarning
from tests.markets.conftest import LOCALNET, RefusingNode, put
from tests.markets.venues.vectors import state

TOKEN_2022 = next(
    (key, account)
    for key, account in state("raydium_cpmm", "cpmm-tfee-token2022/traded0").accounts.items()
    if str(account.owner).startswith("Tokenz") and len(account.data) > 200 and account.data[165] == 1
)
"""A measured mint with a transfer fee."""
MINT = str(TOKEN_2022[0])


@pytest.fixture
async def lookup(chain: Localnet, rpc: Rpc) -> AsyncIterator[TokenLookup]:
    """Finds tokens on a chain that has the mint."""
    await put(chain, dict([TOKEN_2022]))
    made = TokenLookup(TokenList(LOCALNET), rpc, allow_unlisted=True)
    yield made
    await made.close()


async def test_a_listed_token_costs_no_call(lookup: TokenLookup) -> None:
    with count_calls() as calls:
        usdc = await lookup.find("usdc", discover=False)
        assert await lookup.find(str(usdc.mint)) == usdc
        assert [token.symbol for token in await lookup.search("us", discover=False)] == ["USDC", "USDT"]
    assert not calls


async def test_any_other_mint_is_read_once(lookup: TokenLookup) -> None:
    with count_calls() as calls:
        token, *others = await asyncio.gather(*(lookup.find(MINT) for _ in range(5)))
        others += await lookup.search(MINT, discover=False)
    assert dict(calls) == {"getMultipleAccounts": 1}
    assert all(other == token for other in others)
    assert (token.symbol, token.decimals) == (MINT, TOKEN_2022[1].data[44])
    assert token.program == TOKEN_2022[1].owner
    assert not token.listed
    assert token.warnings[0] == TokenWarning.UNLISTED
    assert TokenWarning.TRANSFER_FEE in token.warnings


async def test_what_is_no_mint_is_unknown_and_remembered(lookup: TokenLookup) -> None:
    nowhere = str(Pubkey.new_unique())
    with pytest.raises(UnknownToken):
        await lookup.find(nowhere)
    with count_calls() as calls:
        with pytest.raises(UnknownToken):
            await lookup.find(nowhere)
        assert await lookup.search(nowhere) == []
        with pytest.raises(UnknownToken):
            await lookup.find("DOGE")
    assert not calls
    with pytest.raises(UnknownToken):
        await lookup.find(str(LOCALNET.raydium_cpmm))


async def test_a_stranger_may_not_have_mints_read_but_may_see_what_is_known(lookup: TokenLookup) -> None:
    with pytest.raises(SearchNeedsLogin):
        await lookup.find(MINT, discover=False)
    await lookup.find(MINT)
    assert (await lookup.find(MINT, discover=False)).symbol == MINT


async def test_tokens_that_are_not_listed_may_be_off(rpc: Rpc) -> None:
    shut = TokenLookup(TokenList(LOCALNET), rpc, allow_unlisted=False)
    with count_calls() as calls:
        with pytest.raises(TokenNotAllowed) as refused:
            await shut.find(MINT)
        assert await shut.search(MINT) == []
        assert (await shut.find("SOL")).listed
    assert not calls
    assert (refused.value.code, refused.value.status) == ("TOKEN_NOT_ALLOWED", 422)


async def test_a_listed_token_whose_mint_is_another_is_dropped(chain: Localnet, rpc: Rpc) -> None:
    tokens = TokenList(LOCALNET)
    usdt, bonk = tokens.resolve("USDT"), tokens.resolve("BONK")
    account = chain.chain.bank.newest(bonk.mint)
    assert account is not None
    nine_decimals = account.data[:44] + b"\x09" + account.data[45:]
    await put(
        chain,
        {
            bonk.mint: Account(account.owner, account.lamports, nine_decimals),
            usdt.mint: Account(Pubkey.default(), 1, b"no mint"),
        },
    )
    await TokenLookup(tokens, rpc, allow_unlisted=True).check_list()
    assert [token.symbol for token in tokens.all()] == ["SOL", "USDC"]


async def test_the_list_is_checked_once_a_node_answers(
    refusing_node: RefusingNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine_app.markets.tokens.lookup.CHECK_PAUSE_SECONDS", 0.05)
    rpc = Rpc([refusing_node.url], LOCALNET)
    await rpc.start()
    tokens = TokenList(LOCALNET)
    refusing_node.refused = {"getMultipleAccounts"}
    checking = asyncio.create_task(TokenLookup(tokens, rpc, allow_unlisted=True).check_list())
    await asyncio.sleep(0.2)
    assert not checking.done()
    refusing_node.refused = set()
    await asyncio.wait_for(checking, 20)
    assert tokens.all() == TokenList(LOCALNET).all()
    await rpc.close()


async def test_a_token_whose_whole_supply_is_less_than_one_is_not_traded(chain: Localnet, lookup: TokenLookup) -> None:
    address = Pubkey.new_unique()
    data = TOKEN_2022[1].data
    await put(chain, {address: replace(TOKEN_2022[1], data=data[:44] + b"\x1e" + data[45:])})
    with pytest.raises(UnknownToken):
        await lookup.find(str(address))
