"""Links one relocatable BPF object (clang, `-target bpfel`, `-mcpu=v2`) to an sBPF v3 program.

The output is what solana-sbpf 0.21 loads as version 3: a 64-byte ELF header with `e_flags` 3 and exactly two
program headers, read-only data at address 0 and code at 0x1_0000_0000; no sections, no relocations.
"""

import struct
from dataclasses import dataclass

from engine_app.localnet.programs.murmur3 import murmur3_32

EM_BPF = 247
ET_REL = 1
ET_DYN = 3
SBPF_V3 = 3
SHT_SYMTAB, SHT_NOBITS, SHT_REL = 2, 8, 9
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
STT_SECTION = 3
R_LDDW, R_ABS64, R_CALL = 1, 2, 10
PF_X, PF_R = 1, 4
CODE_ADDRESS = 0x1_0000_0000
NULL_GUARD = 16
"""Bytes before the read-only data, so that no constant has the address of a null pointer."""

INSTRUCTION = 8
OP_LDDW, OP_CALLX = 0x18, 0x8D
CALL_INTERNAL = 1
CLASS_LD, CLASS_LDX, CLASS_ST, CLASS_STX, CLASS_ALU32, CLASS_JMP32 = 0, 1, 2, 3, 4, 6
MODE_MEM = 0x60
FRAME_POINTER, FRAME_BYTES = 10, 4096

SYSCALLS = frozenset(
    {
        "abort",
        "sol_create_program_address",
        "sol_get_clock_sysvar",
        "sol_get_return_data",
        "sol_invoke_signed_c",
        "sol_log_",
        "sol_log_64_",
        "sol_log_compute_units_",
        "sol_log_data",
        "sol_log_pubkey",
        "sol_memcmp_",
        "sol_memcpy_",
        "sol_memmove_",
        "sol_memset_",
        "sol_panic_",
        "sol_set_return_data",
        "sol_try_find_program_address",
    }
)
"""Syscalls of the Solana runtime that a program may name; a misspelt one would load and fail only when run."""


class LinkError(Exception):
    """The object holds something that an sBPF v3 program cannot, or that the linker does not do."""


@dataclass(frozen=True)
class Section:
    name: str
    kind: int
    flags: int
    data: bytes
    link: int
    info: int
    align: int


@dataclass(frozen=True)
class Symbol:
    name: str
    kind: int
    section: int
    value: int


def link(obj: bytes, entrypoint: str = "entrypoint") -> bytes:
    """The loadable program made from the relocatable object `obj`.

    Raises LinkError for anything but one code section and read-only data: writable data, 32-bit arithmetic or
    jumps (which sBPF sign-extends unlike BPF), indirect calls, atomics, a frame above 4096 bytes, unknown
    syscalls, relocations of another type, no `entrypoint`.
    """
    sections = _sections(obj)
    symbols = _symbols(sections)
    code_index, read_only = _chosen(sections)
    address = {code_index: CODE_ADDRESS}
    rodata = bytearray(NULL_GUARD)
    for index in read_only:
        rodata += bytes(-len(rodata) % max(sections[index].align, 1))
        address[index] = len(rodata)
        rodata += sections[index].data
    rodata += bytes(-len(rodata) % INSTRUCTION)
    code = bytearray(sections[code_index].data)
    for section in sections:
        if section.kind != SHT_REL or section.info not in address:
            continue
        for at, info in struct.iter_unpack("<QQ", section.data):
            symbol, kind = symbols[info >> 32], info & 0xFFFFFFFF
            if section.info != code_index:
                _relocate_data(rodata, address[section.info] + at, kind, symbol, address)
            elif kind == R_CALL and symbol.section in (0, code_index):
                _relocate_call(code, at, symbol)
            elif kind == R_LDDW:
                _relocate_load(code, at, symbol, address)
            else:
                raise LinkError(f"relocation type {kind} to {symbol.name or 'a section'} in code")
    _check_code(code)
    starts = [s.value for s in symbols if s.name == entrypoint and s.section == code_index]
    if not starts:
        raise LinkError(f"no function named {entrypoint}")
    return _elf(bytes(rodata), bytes(code), CODE_ADDRESS + starts[0])


def _sections(obj: bytes) -> list[Section]:
    if len(obj) < 64 or obj[:6] != b"\x7fELF\x02\x01":
        raise LinkError("not a little-endian ELF64 file")
    kind, machine = struct.unpack_from("<HH", obj, 16)
    if (kind, machine) != (ET_REL, EM_BPF):
        raise LinkError(f"not a relocatable BPF object: type {kind}, machine {machine}")
    (table,) = struct.unpack_from("<Q", obj, 40)
    size, count, names = struct.unpack_from("<HHH", obj, 58)
    raw = [struct.unpack_from("<IIQQQQIIQQ", obj, table + i * size) for i in range(count)]
    name_table = raw[names][4]
    return [
        Section(
            name=_string(obj, name_table + name),
            kind=kind,
            flags=flags,
            data=bytes(length) if kind == SHT_NOBITS else obj[offset : offset + length],
            link=link_to,
            info=info,
            align=align,
        )
        for name, kind, flags, _, offset, length, link_to, info, align, _ in raw
    ]


def _symbols(sections: list[Section]) -> list[Symbol]:
    tables = [s for s in sections if s.kind == SHT_SYMTAB]
    if len(tables) != 1:
        raise LinkError(f"{len(tables)} symbol tables")
    names = sections[tables[0].link].data
    return [
        Symbol(name=_string(names, name), kind=info & 15, section=section, value=value)
        for name, info, _, section, value, _ in struct.iter_unpack("<IBBHQQ", tables[0].data)
    ]


def _string(data: bytes, at: int) -> str:
    return data[at : data.index(b"\0", at)].decode("ascii")


def _chosen(sections: list[Section]) -> tuple[int, list[int]]:
    code: list[int] = []
    read_only: list[int] = []
    for index, section in enumerate(sections):
        if not section.data or not section.flags & SHF_ALLOC or section.name == ".eh_frame":
            continue
        if section.flags & SHF_EXECINSTR:
            code.append(index)
        elif section.name.startswith((".rodata", ".data.rel.ro")):
            read_only.append(index)
        else:
            raise LinkError(f"section {section.name}: a program has no writable data")
    if len(code) != 1:
        raise LinkError(f"{len(code)} code sections, not one")
    return code[0], read_only


def _relocate_load(code: bytearray, at: int, symbol: Symbol, address: dict[int, int]) -> None:
    (addend,) = struct.unpack_from("<i", code, at + 4)
    target = _address(symbol, address) + addend
    struct.pack_into("<I", code, at + 4, target & 0xFFFFFFFF)
    struct.pack_into("<I", code, at + 12, target >> 32)


def _relocate_call(code: bytearray, at: int, symbol: Symbol) -> None:
    if symbol.section == 0:
        if symbol.name not in SYSCALLS:
            raise LinkError(f"unknown syscall {symbol.name}")
        code[at + 1] &= 0x0F
        struct.pack_into("<I", code, at + 4, murmur3_32(symbol.name.encode()))
        return
    target = symbol.value
    if symbol.kind == STT_SECTION:
        (addend,) = struct.unpack_from("<i", code, at + 4)
        target += (addend + 1) * INSTRUCTION
    code[at + 1] = code[at + 1] & 0x0F | CALL_INTERNAL << 4
    struct.pack_into("<i", code, at + 4, (target - at) // INSTRUCTION - 1)


def _relocate_data(rodata: bytearray, at: int, kind: int, symbol: Symbol, address: dict[int, int]) -> None:
    if kind != R_ABS64:
        raise LinkError(f"relocation type {kind} to {symbol.name or 'a section'} in read-only data")
    (addend,) = struct.unpack_from("<Q", rodata, at)
    struct.pack_into("<Q", rodata, at, _address(symbol, address) + addend)


def _address(symbol: Symbol, address: dict[int, int]) -> int:
    if symbol.section not in address:
        raise LinkError(f"undefined symbol {symbol.name}")
    return address[symbol.section] + symbol.value


def _check_code(code: bytearray) -> None:
    at = 0
    while at < len(code):
        op, registers, offset = struct.unpack_from("<BBh", code, at)
        kind = op & 7
        if kind in (CLASS_ALU32, CLASS_JMP32):
            raise LinkError(f"32-bit instruction {op:#04x} at {at:#x}: sBPF sign-extends it")
        if op == OP_CALLX:
            raise LinkError(f"indirect call at {at:#x}")
        if kind == CLASS_LD and op != OP_LDDW:
            raise LinkError(f"packet access {op:#04x} at {at:#x}")
        if kind in (CLASS_LDX, CLASS_ST, CLASS_STX):
            if op & 0xE0 != MODE_MEM:
                raise LinkError(f"atomic or sign-extending memory access {op:#04x} at {at:#x}")
            base = registers >> 4 if kind == CLASS_LDX else registers & 15
            if base == FRAME_POINTER and offset < -FRAME_BYTES:
                raise LinkError(f"frame above {FRAME_BYTES} bytes at {at:#x}")
        at += 2 * INSTRUCTION if op == OP_LDDW else INSTRUCTION


def _elf(rodata: bytes, code: bytes, entry: int) -> bytes:
    at = 64 + 2 * 56
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", ET_DYN, EM_BPF, 1, entry, 64, 0, SBPF_V3, 64, 56, 2, 0, 0, 0)
    segments = struct.pack("<IIQQQQQQ", 1, PF_R, at, 0, 0, len(rodata), len(rodata), 0)
    segments += struct.pack("<IIQQQQQQ", 1, PF_X, at + len(rodata), CODE_ADDRESS, CODE_ADDRESS, len(code), len(code), 0)
    return header + segments + rodata + code
