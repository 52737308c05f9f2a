"""From the mnemonic to trading addresses: BIP-39, then SLIP-0010 ed25519 at m/44'/501'/n'/0', as Phantom does."""

from __future__ import annotations

import hashlib

from mnemonic import Mnemonic
from solders.keypair import Keypair

from engine_app.settings import SettingsError

MAX_INDEX = 2**31 - 1


def seed_of(mnemonic: str) -> bytes:
    """The 64-byte BIP-39 seed of an English phrase, without a passphrase.

    Raises:
        SettingsError: the phrase is none (a wrong word, a wrong number of words, a wrong checksum).
    """
    phrase = " ".join(mnemonic.split()).lower()
    if not Mnemonic("english").check(phrase):
        raise SettingsError("WALLET_MNEMONIC: not a BIP-39 phrase of English words with its right checksum")
    return Mnemonic.to_seed(phrase)


def keypair_at(seed: bytes, index: int) -> Keypair:
    """The key pair of m/44'/501'/index'/0'. Raises ValueError for an index outside 0..2^31-1."""
    if not 0 <= index <= MAX_INDEX:
        raise ValueError(f"derivation index {index} is outside 0..{MAX_INDEX}")
    return Keypair.from_seed_and_derivation_path(seed, f"m/44'/501'/{index}'/0'")


def fingerprint(mnemonic: str) -> str:
    """A digest that tells mnemonics apart and tells nothing about them; raises as `seed_of`."""
    return hashlib.blake2b(seed_of(mnemonic), digest_size=16, person=b"wallet mnemonic").hexdigest()
