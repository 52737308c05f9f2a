from __future__ import annotations

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS, explorer_url, websocket_url

MAINNET = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
DEVNET = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"


@pytest.mark.parametrize("name", list(CLUSTERS))
def test_the_cpmm_authority_is_derived_from_the_program(name: str) -> None:
    cluster = CLUSTERS[name]
    derived, _ = Pubkey.find_program_address([b"vault_and_lp_mint_auth_seed"], cluster.raydium_cpmm)
    assert cluster.raydium_cpmm_authority == derived


def test_each_public_cluster_accepts_only_its_own_genesis() -> None:
    assert CLUSTERS["mainnet-beta"].accepts(MAINNET)
    assert not CLUSTERS["mainnet-beta"].accepts(DEVNET)
    assert CLUSTERS["devnet"].accepts(DEVNET)
    assert not CLUSTERS["devnet"].accepts(MAINNET)


def test_localnet_accepts_any_chain_but_the_public_ones() -> None:
    localnet = CLUSTERS["localnet"]
    assert localnet.accepts(str(Pubkey.new_unique()))
    assert not localnet.accepts(MAINNET)
    assert not localnet.accepts(DEVNET)


def test_localnet_runs_mainnets_programs() -> None:
    assert CLUSTERS["localnet"].raydium_cpmm == CLUSTERS["mainnet-beta"].raydium_cpmm
    assert CLUSTERS["devnet"].raydium_cpmm != CLUSTERS["mainnet-beta"].raydium_cpmm


@pytest.mark.parametrize(
    ("cluster", "url"),
    [
        ("mainnet-beta", "https://explorer.solana.com/tx/abc"),
        ("devnet", "https://explorer.solana.com/tx/abc?cluster=devnet"),
        (
            "localnet",
            "https://explorer.solana.com/tx/abc?cluster=custom&customUrl=http%3A%2F%2F127.0.0.1%3A8899",
        ),
    ],
)
def test_explorer_links_name_the_cluster(cluster: str, url: str) -> None:
    assert explorer_url(cluster, "abc", "http://127.0.0.1:8899") == url


@pytest.mark.parametrize(
    ("rpc_url", "expected"),
    [
        ("http://127.0.0.1:8899", "ws://127.0.0.1:8900"),
        ("https://api.devnet.solana.com", "wss://api.devnet.solana.com"),
        ("https://node.example/?api-key=k", "wss://node.example/?api-key=k"),
        ("http://[::1]:8899", "ws://[::1]:8900"),
        ("https://user:word@node.example/path", "wss://user:word@node.example/path"),
    ],
)
def test_the_websocket_is_derived_from_the_rpc_url(rpc_url: str, expected: str) -> None:
    assert websocket_url(rpc_url) == expected
