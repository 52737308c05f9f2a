"""Derivation against published vectors."""

from __future__ import annotations

import pytest
from solders.keypair import Keypair

from engine_app.settings import SettingsError
from engine_app.wallets.derivation import MAX_INDEX, fingerprint, keypair_at, seed_of

PHRASE = "neither lonely flavor argue grass remind eye tag avocado spot unusual intact"
"""The phrase of Solana's own examples; a wallet such as Phantom shows these addresses for it."""
ADDRESSES = (
    "5vftMkHL72JaJG6ExQfGAsT2uGVHpRR7oTNUPMs68Y2N",
    "GcXbfQ5yY3uxCyBNDPBbR5FjumHf89E7YHXuULfGDBBv",
    "7QPgyQwNLqnoSwHEuK8wKy2Y3Ani6EHoZRihTuWkwxbc",
    "5aE8UprEEWtpVskhxo3f8ETco2kVKiZT9SS3D5Lcg8s2",
    "5n6afo6LZmzH1J4R38ZCaNSwaztLjd48nWwToLQkCHxp",
)

SLIP_0010_SEED = bytes.fromhex(
    "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a2"
    "9f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542"
)
SLIP_0010 = {
    "m": "171cb88b1b3c1db25add599712e36245d75bc65a1a5c9e18d76f9f2b1eab4012",
    "m/0'": "1559eb2bbec5790b0c65d8693e4d0875b1747f4970ae8b650486ed7470845635",
    "m/0'/2147483647'": "ea4f5bfe8694d8bb74b7b59404632fd5968b774ed545e810de9c32a4fb4192f4",
    "m/0'/2147483647'/1'": "3757c7577170179c7868353ada796c839135b3d30554bbb74a4b1e4a5a58505c",
    "m/0'/2147483647'/1'/2147483646'": "5837736c89570de861ebc173b1086da4f505d4adb387c6a1b1342d5e4ac9ec72",
    "m/0'/2147483647'/1'/2147483646'/2'": "551d333177df541ad876a60ea71f00447931c0a9da16f227c11ea080d7391b8d",
}
"""Test vector 2 for ed25519 of SLIP-0010: path → private key."""


@pytest.mark.parametrize(("path", "private_key"), SLIP_0010.items())
def test_slip_0010(path: str, private_key: str) -> None:
    assert Keypair.from_seed_and_derivation_path(SLIP_0010_SEED, path).secret().hex() == private_key


def test_addresses_are_those_a_wallet_shows() -> None:
    seed = seed_of(PHRASE)
    assert tuple(str(keypair_at(seed, index).pubkey()) for index in range(5)) == ADDRESSES


def test_bip_39_seed() -> None:
    phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    assert seed_of(phrase).hex() == (
        "878386efb78845b3355bd15ea4d39ef97d179cb712b77d5c12b6be415fffeffe"
        "5f377ba02bf3f8544ab800b955e51fbff09828f682052a20faa6addbbddfb096"
    )


def test_the_whole_range_of_indexes_derives() -> None:
    seed = seed_of(PHRASE)
    assert keypair_at(seed, MAX_INDEX).pubkey() != keypair_at(seed, 0).pubkey()
    for index in (-1, MAX_INDEX + 1):
        with pytest.raises(ValueError, match="outside"):
            keypair_at(seed, index)


@pytest.mark.parametrize("phrase", ["", "hello", PHRASE + " intact", PHRASE.replace("intact", "abandon")])
def test_what_is_no_phrase_is_refused(phrase: str) -> None:
    with pytest.raises(SettingsError, match="WALLET_MNEMONIC") as refused:
        seed_of(phrase)
    assert "neither" not in str(refused.value)


def test_fingerprints_tell_phrases_apart() -> None:
    other = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    assert fingerprint(PHRASE) == fingerprint(f"  {PHRASE.upper()}\n")
    assert fingerprint(PHRASE) != fingerprint(other)
    assert seed_of(PHRASE).hex()[:16] not in fingerprint(PHRASE)
