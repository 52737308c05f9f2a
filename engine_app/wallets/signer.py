"""The signer. It lives in worker processes only, and signs nothing that the policy does not allow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from engine_app.wallets.derivation import keypair_at, seed_of
from engine_app.wallets.errors import SignatureRefused
from engine_app.wallets.policy import Allowance, require_allowed

KEPT_KEYS = 512
"""Keys that are kept of those used lately: deriving one takes longer than to sign."""


class Signer:
    """Signs for every trading address of one mnemonic. Raises SettingsError where the mnemonic is none."""

    def __init__(self, mnemonic: str) -> None:
        seed = seed_of(mnemonic)

        @lru_cache(maxsize=KEPT_KEYS)
        def key(index: int) -> tuple[Keypair, Pubkey]:
            keypair = keypair_at(seed, index)
            return keypair, keypair.pubkey()

        self._key = key

    def sign(
        self,
        message: MessageV0,
        allowed: Allowance,
        lookup_tables: Sequence[AddressLookupTableAccount] = (),
    ) -> VersionedTransaction:
        """Sign a message that does what is allowed and nothing else.

        Args:
            message: the transaction's message.
            allowed: what it may do; its owner and derivation index are those stored for the account.
            lookup_tables: every table the message refers to, as it is on chain.

        Raises:
            SignatureRefused: it does anything else, or the owner's address is not the derived one.
        """
        require_allowed(message, allowed, lookup_tables)
        keypair, address = self._key(allowed.derivation_index)
        if address != allowed.owner:
            raise SignatureRefused("the stored address is not the one that the mnemonic gives")
        return VersionedTransaction.populate(message, [keypair.sign_message(to_bytes_versioned(message))])
