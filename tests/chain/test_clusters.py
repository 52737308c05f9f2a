from __future__ import annotations

import dataclasses

import pytest
from solders.pubkey import Pubkey

from engine_app.chain.clusters import CLUSTERS, explorer_url, websocket_url

MAINNET = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
DEVNET = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"


PROGRAMS = {
    "mainnet-beta": {
        "raydium_amm_v4": "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8",
        "raydium_cpmm": "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C",
        "raydium_cpmm_authority": "GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL",
        "raydium_clmm": "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK",
        "meteora_damm_v1": "Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB",
        "meteora_vault": "24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi",
        "meteora_damm_v2": "cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG",
        "meteora_dlmm": "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo",
    },
    "devnet": {
        "raydium_amm_v4": "DRaya7Kj3aMWQSy19kSjvmuwq9docCHofyP9kanQGaav",
        "raydium_cpmm": "DRaycpLY18LhpbydsBWbVJtxpNv9oXPgjRSfpF2bWpYb",
        "raydium_cpmm_authority": "CXniRufdq5xL8t8jZAPxsPZDpuudwuJSPWnbcD5Y5Nxq",
        "raydium_clmm": "DRayAUgENGQBKVaX8owNhgzkEDyoHTGVEGHVJT1E9pfH",
        "meteora_damm_v1": "Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB",
        "meteora_vault": "24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi",
        "meteora_damm_v2": "cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG",
        "meteora_dlmm": "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo",
    },
}


@pytest.mark.parametrize(
    ("cluster", "role", "address"),
    [(cluster, role, address) for cluster, roles in PROGRAMS.items() for role, address in roles.items()],
)
def test_each_public_cluster_has_its_programs(cluster: str, role: str, address: str) -> None:
    assert str(getattr(CLUSTERS[cluster], role)) == address


def test_the_table_of_programs_leaves_none_out() -> None:
    fields = {field.name for field in dataclasses.fields(CLUSTERS["devnet"])} - {"name", "genesis_hash"}
    assert all(set(roles) == fields for roles in PROGRAMS.values())


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
