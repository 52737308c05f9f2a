"""Base58 with Bitcoin's alphabet, for the few byte strings solders does not print itself."""

_ALPHABET = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}


def encode(data: bytes) -> str:
    """The base58 text of `data`; leading zero bytes become leading ones."""
    digits = bytearray()
    number = int.from_bytes(data, "big")
    while number:
        number, digit = divmod(number, 58)
        digits.append(_ALPHABET[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return "1" * zeros + digits[::-1].decode()


def decode(text: str) -> bytes:
    """The bytes of a base58 text.

    Raises:
        ValueError: a character is outside the alphabet.
    """
    number = 0
    for character in text.encode():
        if character not in _VALUES:
            raise ValueError(f"not base58: {text!r}")
        number = number * 58 + _VALUES[character]
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
