"""What differs between Solana clusters: identity, program ids, and where a transaction can be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, urlsplit, urlunsplit

from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True)
class Cluster:
    """One Solana cluster.

    Attributes:
        name: `localnet`, `devnet` or `mainnet-beta`.
        genesis_hash: its known genesis hash, base58; None where every chain has its own (localnet).
        raydium_amm_v4, raydium_cpmm, raydium_clmm: Raydium's programs.
        raydium_cpmm_authority: the address that holds the vaults of every CPMM pool.
        meteora_damm_v1, meteora_vault, meteora_damm_v2, meteora_dlmm: Meteora's programs.
    """

    name: str
    genesis_hash: str | None
    raydium_amm_v4: Pubkey
    raydium_cpmm: Pubkey
    raydium_cpmm_authority: Pubkey
    raydium_clmm: Pubkey
    meteora_damm_v1: Pubkey
    meteora_vault: Pubkey
    meteora_damm_v2: Pubkey
    meteora_dlmm: Pubkey

    def accepts(self, genesis_hash: str) -> bool:
        """Whether a chain with this genesis hash (base58) may be this cluster: its own hash where it is known,
        on localnet any that is not a public cluster's."""
        if self.genesis_hash is None:
            return genesis_hash not in _PUBLIC_GENESIS
        return genesis_hash == self.genesis_hash


_MAINNET_GENESIS = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
_DEVNET_GENESIS = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"
_TESTNET_GENESIS = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY"
_PUBLIC_GENESIS = frozenset({_MAINNET_GENESIS, _DEVNET_GENESIS, _TESTNET_GENESIS})

_METEORA_DAMM_V1 = Pubkey.from_string("Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB")
_METEORA_VAULT = Pubkey.from_string("24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi")
_METEORA_DAMM_V2 = Pubkey.from_string("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG")
_METEORA_DLMM = Pubkey.from_string("LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo")


def _with_mainnet_programs(name: str, genesis_hash: str | None) -> Cluster:
    return Cluster(
        name=name,
        genesis_hash=genesis_hash,
        raydium_amm_v4=Pubkey.from_string("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"),
        raydium_cpmm=Pubkey.from_string("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"),
        raydium_cpmm_authority=Pubkey.from_string("GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL"),
        raydium_clmm=Pubkey.from_string("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"),
        meteora_damm_v1=_METEORA_DAMM_V1,
        meteora_vault=_METEORA_VAULT,
        meteora_damm_v2=_METEORA_DAMM_V2,
        meteora_dlmm=_METEORA_DLMM,
    )


_DEVNET = Cluster(
    name="devnet",
    genesis_hash=_DEVNET_GENESIS,
    raydium_amm_v4=Pubkey.from_string("DRaya7Kj3aMWQSy19kSjvmuwq9docCHofyP9kanQGaav"),
    raydium_cpmm=Pubkey.from_string("DRaycpLY18LhpbydsBWbVJtxpNv9oXPgjRSfpF2bWpYb"),
    raydium_cpmm_authority=Pubkey.from_string("CXniRufdq5xL8t8jZAPxsPZDpuudwuJSPWnbcD5Y5Nxq"),
    raydium_clmm=Pubkey.from_string("DRayAUgENGQBKVaX8owNhgzkEDyoHTGVEGHVJT1E9pfH"),
    meteora_damm_v1=_METEORA_DAMM_V1,
    meteora_vault=_METEORA_VAULT,
    meteora_damm_v2=_METEORA_DAMM_V2,
    meteora_dlmm=_METEORA_DLMM,
)

CLUSTERS: Mapping[str, Cluster] = MappingProxyType(
    {
        "localnet": _with_mainnet_programs("localnet", None),
        "devnet": _DEVNET,
        "mainnet-beta": _with_mainnet_programs("mainnet-beta", _MAINNET_GENESIS),
    }
)
"""Every cluster by the name SOLANA_CLUSTER takes. Localnet runs its programs at mainnet's addresses."""


def explorer_url(cluster_name: str, signature: str, rpc_url: str) -> str:
    """Where a person can look at a transaction in the Solana Explorer.

    Args:
        cluster_name: a name of `CLUSTERS`.
        signature: the transaction's first signature, base58.
        rpc_url: the node the explorer asks for a localnet transaction, as the person's browser reaches it.
    """
    base = f"https://explorer.solana.com/tx/{signature}"
    if cluster_name == "mainnet-beta":
        return base
    if cluster_name == "localnet":
        return f"{base}?cluster=custom&customUrl={quote(rpc_url, safe='')}"
    return f"{base}?cluster={cluster_name}"


def websocket_url(rpc_url: str) -> str:
    """The websocket that belongs to an RPC endpoint: the next port where the URL names one (the convention of
    Solana's own node), else the same address."""
    parts = urlsplit(rpc_url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    if parts.port is not None:
        host = f"{host}:{parts.port + 1}"
    if parts.username is not None:
        credentials = parts.username if parts.password is None else f"{parts.username}:{parts.password}"
        host = f"{credentials}@{host}"
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, host, parts.path, parts.query, ""))
