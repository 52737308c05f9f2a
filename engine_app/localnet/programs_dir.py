"""Which compiled programs a chain runs."""

from pathlib import Path

from solders.pubkey import Pubkey

RAYDIUM_CPMM = Pubkey.from_string("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C")
METEORA_DAMM_V2 = Pubkey.from_string("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG")

_ADDRESSES = {"raydium_cpmm": RAYDIUM_CPMM, "meteora_damm_v2": METEORA_DAMM_V2}
_STAND_INS = Path(__file__).parent / "programs"


def load_programs(programs_dir: Path | None) -> dict[Pubkey, bytes]:
    """Compiled programs by address: our stand-ins, and over them whatever `programs_dir` holds.

    Args:
        programs_dir: .so files named after a stand-in (`raydium_cpmm.so`) or after the address they run at.

    Raises:
        ValueError: a file's name is neither.
    """
    programs = {address: (_STAND_INS / f"{name}.so").read_bytes() for name, address in _ADDRESSES.items()}
    if programs_dir is not None:
        for file in sorted(programs_dir.glob("*.so")):
            programs[_address(file)] = file.read_bytes()
    return programs


def _address(file: Path) -> Pubkey:
    known = _ADDRESSES.get(file.stem)
    if known is not None:
        return known
    try:
        return Pubkey.from_string(file.stem)
    except ValueError:
        names = ", ".join(_ADDRESSES)
        raise ValueError(f"{file}: name it after a program's address, or one of {names}") from None
