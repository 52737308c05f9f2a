"""Base58 against solders' own, and at its edges."""

import secrets

import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from engine_app.localnet import base58


@pytest.mark.parametrize("zeros", [0, 1, 5, 32])
def test_it_writes_and_reads_what_solders_does(zeros: int) -> None:
    key = bytes(zeros) + secrets.token_bytes(32 - zeros)
    assert base58.encode(key) == str(Pubkey(key))
    assert base58.decode(str(Pubkey(key))) == key
    signature = bytes(zeros) + secrets.token_bytes(64 - zeros)
    assert base58.decode(str(Signature.from_bytes(signature))) == signature


def test_nothing_is_nothing() -> None:
    assert base58.encode(b"") == ""
    assert base58.decode("") == b""
    assert base58.encode(b"\0") == "1"


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "é", "a b"])
def test_other_characters_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not base58"):
        base58.decode(text)
