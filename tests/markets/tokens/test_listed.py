"""The list of each cluster."""

from __future__ import annotations

import pytest

from engine_app.chain.clusters import CLUSTERS
from engine_app.markets.errors import UnknownToken
from engine_app.markets.tokens import TokenList

LOCALNET = TokenList(CLUSTERS["localnet"])


@pytest.mark.parametrize(
    ("cluster", "symbol", "mint", "decimals"),
    [
        ("localnet", "SOL", "So11111111111111111111111111111111111111112", 9),
        ("localnet", "USDC", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", 6),
        ("localnet", "USDT", "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", 6),
        ("localnet", "BONK", "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263", 5),
        ("mainnet-beta", "SOL", "So11111111111111111111111111111111111111112", 9),
        ("mainnet-beta", "USDC", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", 6),
        ("mainnet-beta", "USDT", "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", 6),
        ("mainnet-beta", "BONK", "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263", 5),
        ("devnet", "SOL", "So11111111111111111111111111111111111111112", 9),
        ("devnet", "USDC", "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU", 6),
    ],
)
def test_each_cluster_has_its_mints(cluster: str, symbol: str, mint: str, decimals: int) -> None:
    token = TokenList(CLUSTERS[cluster]).resolve(symbol)
    assert (token.symbol, str(token.mint), token.decimals) == (symbol, mint, decimals)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_list_begins_with_sol_and_has_no_doubles(cluster: str) -> None:
    tokens = TokenList(CLUSTERS[cluster]).all()
    assert tokens[0].symbol == "SOL"
    assert len({token.symbol.upper() for token in tokens}) == len({token.mint for token in tokens}) == len(tokens)


def test_tokens_are_found_by_symbol_in_any_case_and_by_mint() -> None:
    usdc = LOCALNET.resolve("USDC")
    assert LOCALNET.resolve("usdc") == LOCALNET.resolve("UsDc") == LOCALNET.resolve(str(usdc.mint)) == usdc
    assert LOCALNET.symbol(str(usdc.mint)) == "USDC"


@pytest.mark.parametrize("name", ["", "DOGE", " USDC", "epjfwdd5aufqssqem2qn1xzybapc8g4weggkzwytdt1v", "x" * 10_000])
def test_other_names_are_unknown(name: str) -> None:
    with pytest.raises(UnknownToken) as unknown:
        LOCALNET.resolve(name)
    assert (unknown.value.code, unknown.value.status) == ("UNKNOWN_TOKEN", 422)
    assert len(unknown.value.detail) < 200


def test_an_unlisted_mint_is_its_own_symbol() -> None:
    assert LOCALNET.symbol("11111111111111111111111111111112") == "11111111111111111111111111111112"


def test_mainnet_lists_well_known_tokens_whose_pools_are_not_all_polled() -> None:
    mainnet = TokenList(CLUSTERS["mainnet-beta"])
    assert len(mainnet.all()) > 10
    assert mainnet.resolve("msol").symbol == "mSOL"
    assert mainnet.pairs() == LOCALNET.pairs()
    assert len(mainnet.pairs()) == 6
    assert [mainnet.symbol(str(mint)) for mint in mainnet.hubs()] == ["SOL", "USDC", "USDT"]
    assert all(token.listed and not token.warnings for token in mainnet.all())


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("", ["SOL", "USDC", "USDT", "BONK"]),
        ("us", ["USDC", "USDT"]),
        ("dC", ["USDC"]),
        ("usd", ["USDC", "USDT"]),
        ("  tether ", ["USDT"]),
        ("o", ["SOL", "USDC", "BONK"]),
        ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", ["USDC"]),
        ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1", []),
        ("doge", []),
    ],
)
def test_tokens_are_searched_by_symbol_name_and_mint(text: str, symbols: list[str]) -> None:
    assert [token.symbol for token in LOCALNET.search(text)] == symbols


def test_the_symbol_that_begins_with_what_is_searched_comes_first() -> None:
    found = [token.symbol for token in TokenList(CLUSTERS["mainnet-beta"]).search("so")]
    assert found[0] == "SOL"
    assert {"JitoSOL", "mSOL", "bSOL"} <= set(found)


def test_a_mint_may_be_named_without_being_listed() -> None:
    assert LOCALNET.mint("usdc") == "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
    assert LOCALNET.mint("11111111111111111111111111111112") == "11111111111111111111111111111112"
    with pytest.raises(UnknownToken):
        LOCALNET.mint("DOGE")


def test_a_token_that_is_dropped_is_found_no_more() -> None:
    tokens = TokenList(CLUSTERS["localnet"])
    bonk = tokens.resolve("BONK")
    tokens.drop(bonk.mint)
    assert bonk not in tokens.all()
    assert tokens.find("bonk") is tokens.find(str(bonk.mint)) is None
    assert LOCALNET.resolve("BONK") == bonk
