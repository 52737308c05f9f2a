"""The programs' wide arithmetic, built for the host, against Python's integers."""

import ctypes
import math
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine_app.localnet.programs.build import COMPILER, PROGRAMS

LIMIT = 1 << 256
EDGES = (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
limb = st.one_of(st.sampled_from(EDGES), st.integers(0, (1 << 64) - 1))


def from_limbs(limbs: list[int]) -> int:
    return sum(value << 64 * place for place, value in enumerate(limbs))


wide = st.one_of(
    st.lists(limb, min_size=1, max_size=4).map(from_limbs),
    st.integers(0, 255).flatmap(lambda bits: st.integers(0, (1 << bits + 1) - 1)),
)
many = settings(max_examples=400)


class U256(ctypes.Structure):
    _fields_ = (("w", ctypes.c_uint64 * 4),)

    @classmethod
    def of(cls, value: int) -> "U256":
        return cls.from_buffer_copy(value.to_bytes(32, "little"))

    @property
    def value(self) -> int:
        return int.from_bytes(bytes(self), "little")


WIDE = ctypes.POINTER(U256)
WORD = ctypes.c_uint64
SIGNATURES = {
    "add": (ctypes.c_bool, (WIDE, WIDE, WIDE)),
    "subtract": (ctypes.c_bool, (WIDE, WIDE, WIDE)),
    "compare": (ctypes.c_int, (WIDE, WIDE)),
    "multiply": (ctypes.c_bool, (WIDE, WIDE, WIDE)),
    "divide": (ctypes.c_bool, (WIDE, WIDE, WIDE, ctypes.c_bool)),
    "divide_remainder": (None, (WIDE, WIDE, WIDE, WIDE)),
    "multiply_divide_64": (ctypes.c_bool, (ctypes.POINTER(WORD), WORD, WORD, WORD, ctypes.c_bool)),
    "shift_left": (None, (WIDE, WIDE, ctypes.c_uint32)),
    "shift_right": (None, (WIDE, WIDE, ctypes.c_uint32)),
    "square_root": (None, (WIDE, WIDE)),
}


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("wide")
    library = folder / "wide.so"
    subprocess.run(
        [
            *(*COMPILER, "-shared", "-fPIC", "-O2", "-nostdlib", "-ffreestanding", "-Wno-unused-function"),
            *("-I", str(PROGRAMS), str(Path(__file__).parent / "wide_exports.c"), "-o", str(library)),
        ],
        env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(folder), "ZIG_LOCAL_CACHE_DIR": str(folder)},
        check=True,
        capture_output=True,
    )
    loaded = ctypes.CDLL(str(library))
    for name, (result, arguments) in SIGNATURES.items():
        function = getattr(loaded, f"exported_{name}")
        function.restype, function.argtypes = result, arguments
    return loaded


@many
@given(x=wide, y=wide)
def test_adds_and_subtracts(native: ctypes.CDLL, x: int, y: int) -> None:
    result = U256()
    assert native.exported_add(result, U256.of(x), U256.of(y)) == (x + y < LIMIT)
    assert result.value == (x + y) % LIMIT
    assert native.exported_subtract(result, U256.of(x), U256.of(y)) == (x >= y)
    assert result.value == (x - y) % LIMIT


@many
@given(x=wide, y=wide)
def test_compares(native: ctypes.CDLL, x: int, y: int) -> None:
    assert native.exported_compare(U256.of(x), U256.of(y)) == (x > y) - (x < y)


@many
@given(x=wide, y=wide)
def test_multiplies(native: ctypes.CDLL, x: int, y: int) -> None:
    result = U256()
    fits = native.exported_multiply(result, U256.of(x), U256.of(y))
    assert fits == (x * y < LIMIT)
    assert result.value == x * y % LIMIT


def digits(*values: int) -> int:
    """An integer from 32-bit digits, the least significant first."""
    return sum(value << 32 * place for place, value in enumerate(values))


# Divisions whose first guess of a digit is too large by one even after its correction (Knuth's step D6).
@example(x=digits(3, 0, 0x80000000), y=digits(1, 0, 0x20000000))
@example(x=digits(0, 0, 0x8000, 0x7FFF), y=digits(1, 0, 0x8000))
@example(x=digits(0, 0xFFFE, 0, 0x8000), y=digits(0xFFFF, 0, 0x8000))
@example(x=digits(0, 0, 0x80000000, 0x7FFFFFFF), y=digits(1, 0, 0x80000000))
@example(x=digits(0, 0, 0, 0, 0, 0, 0x80000000, 0x7FFFFFFF), y=digits(1, 0, 0, 0x80000000))
@many
@given(x=wide, y=wide.filter(bool))
def test_divides(native: ctypes.CDLL, x: int, y: int) -> None:
    quotient, remainder = U256(), U256()
    native.exported_divide_remainder(quotient, remainder, U256.of(x), U256.of(y))
    assert (quotient.value, remainder.value) == divmod(x, y)
    assert native.exported_divide(quotient, U256.of(x), U256.of(y), True)
    assert quotient.value == -(-x // y)


@many
@given(quotient=wide, divisor=wide.filter(bool), offset=st.integers(-1, 1))
def test_divides_next_to_exact_multiples(native: ctypes.CDLL, quotient: int, divisor: int, offset: int) -> None:
    x = min(max(quotient * divisor % LIMIT + offset, 0), LIMIT - 1)
    result, remainder = U256(), U256()
    native.exported_divide_remainder(result, remainder, U256.of(x), U256.of(divisor))
    assert (result.value, remainder.value) == divmod(x, divisor)


def test_refuses_to_divide_by_zero(native: ctypes.CDLL) -> None:
    result = U256()
    assert not native.exported_divide(result, U256.of(5), U256.of(0), False)


@many
@given(x=limb, y=limb, denominator=limb, up=st.booleans())
def test_multiplies_and_divides_amounts(native: ctypes.CDLL, x: int, y: int, denominator: int, up: bool) -> None:
    result = WORD()
    done = native.exported_multiply_divide_64(result, x, y, denominator, up)
    expected = None if denominator == 0 else (-(-x * y // denominator) if up else x * y // denominator)
    if expected is None or expected >= 1 << 64:
        assert not done
    else:
        assert done
        assert result.value == expected


@many
@given(x=wide, bits=st.integers(0, 255))
def test_shifts(native: ctypes.CDLL, x: int, bits: int) -> None:
    result = U256()
    native.exported_shift_left(result, U256.of(x), bits)
    assert result.value == (x << bits) % LIMIT
    native.exported_shift_right(result, U256.of(x), bits)
    assert result.value == x >> bits


@many
@given(x=wide)
def test_takes_square_roots(native: ctypes.CDLL, x: int) -> None:
    result = U256()
    native.exported_square_root(result, U256.of(x))
    assert result.value == math.isqrt(x)
