"""MurmurHash3 x86 32-bit: the id of a syscall in sBPF is the hash of its name (solana-sbpf)."""

MASK = 0xFFFFFFFF


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """The hash of `data` as an unsigned 32-bit integer."""
    h = seed
    body = len(data) & ~3
    for at in range(0, body, 4):
        h = _rotate(h ^ _scramble(int.from_bytes(data[at : at + 4], "little")), 13) * 5 + 0xE6546B64 & MASK
    if len(data) > body:
        h ^= _scramble(int.from_bytes(data[body:], "little"))
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & MASK
    h = (h ^ h >> 13) * 0xC2B2AE35 & MASK
    return h ^ h >> 16


def _scramble(k: int) -> int:
    return _rotate(k * 0xCC9E2D51 & MASK, 15) * 0x1B873593 & MASK


def _rotate(x: int, bits: int) -> int:
    return (x << bits | x >> 32 - bits) & MASK
