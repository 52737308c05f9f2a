"""What the linker makes of good objects, and what it refuses."""

from pathlib import Path

import pytest
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from solders.transaction_metadata import TransactionMetadata

from engine_app.localnet.programs.build import FLAGS, compile_source
from engine_app.localnet.programs.linker import LinkError, link

SAYS_HELLO = """
typedef unsigned long u64;
void sol_log_(const char *text, u64 length);
static const char *const greetings[2] = {"good bye", "hello there"};
__attribute__((noinline)) static u64 last_byte(const unsigned char *at) { return at[0] & 1; }
u64 entrypoint(const unsigned char *input) {
    const char *text = greetings[last_byte(input + 16)];
    sol_log_(text, text[0] == 'h' ? 11 : 8);
    return 0;
}
"""


def compiled(tmp_path: Path, source: str, flags: tuple[str, ...] = FLAGS) -> bytes:
    (tmp_path / "program.c").write_text(source)
    return compile_source(tmp_path / "program.c", flags)


@pytest.mark.parametrize(("byte", "text"), [(b"\x00", "good bye"), (b"\x01", "hello there")])
def test_a_linked_program_runs(tmp_path: Path, byte: bytes, text: str) -> None:
    """Constants, pointers between constants, internal calls and syscalls all point where they should."""
    svm, payer, program = LiteSVM().with_blockhash_check(False), Keypair(), Pubkey.new_unique()
    svm.add_program(program, link(compiled(tmp_path, SAYS_HELLO)))
    svm.airdrop(payer.pubkey(), 10**9)
    message = Message.new_with_blockhash([Instruction(program, byte, [])], payer.pubkey(), Hash.default())
    result = svm.send_transaction(Transaction([payer], message, Hash.default()))
    assert isinstance(result, TransactionMetadata)
    assert f"Program log: {text}" in result.logs()


REFUSED = {
    "writable data": ("unsigned long total = 5; unsigned long entrypoint(void) { return total++; }", r"\.data"),
    "zeroed data": ("unsigned long total; unsigned long entrypoint(void) { return total++; }", r"\.bss"),
    "a misspelt syscall": (
        "void sol_logg_(const char *, unsigned long); unsigned long entrypoint(void) { sol_logg_(0, 0); return 0; }",
        "unknown syscall sol_logg_",
    ),
    "undefined data": (
        "extern const unsigned long price; unsigned long entrypoint(void) { return price; }",
        "undefined symbol price",
    ),
    "no entry point": ("unsigned long start(void) { return 0; }", "no function named entrypoint"),
    "an indirect call": (
        "unsigned long entrypoint(unsigned long (*const *f)(void)) { return f[0](); }",
        "indirect call",
    ),
    "an atomic": (
        "unsigned long entrypoint(unsigned long *n) { __sync_fetch_and_add(n, 1); return 0; }",
        "atomic",
    ),
    "a second code section": (
        '__attribute__((section("other"))) long one(void) { return 1; } long entrypoint(void) { return 1; }',
        "2 code sections",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(tmp_path: Path, name: str) -> None:
    source, reason = REFUSED[name]
    with pytest.raises(LinkError, match=reason):
        link(compiled(tmp_path, source))


def test_refuses_32_bit_arithmetic(tmp_path: Path) -> None:
    source = "unsigned long entrypoint(const unsigned *n) { return n[0] * 3 / n[1]; }"
    flags = tuple("-mcpu=v3" if flag == "-mcpu=v2" else flag for flag in FLAGS)
    with pytest.raises(LinkError, match="32-bit instruction"):
        link(compiled(tmp_path, source, flags))


def test_refuses_32_bit_jumps(tmp_path: Path) -> None:
    source = "unsigned long entrypoint(const unsigned *n) { return n[0] < n[1] ? 5 : (unsigned long)n; }"
    flags = tuple("-mcpu=v3" if flag == "-mcpu=v2" else flag for flag in FLAGS)
    with pytest.raises(LinkError, match="32-bit instruction"):
        link(compiled(tmp_path, source, flags))


def test_refuses_a_frame_that_would_reach_into_the_callers(tmp_path: Path) -> None:
    source = """
    void sol_log_(const char *, unsigned long);
    unsigned long entrypoint(const unsigned char *n) {
        char text[6000];
        for (unsigned long i = 0; i < 6000; i++) ((volatile char *)text)[i] = n[i];
        ((volatile char *)text)[0] = 'a';
        sol_log_(text, 6000);
        return 0;
    }"""
    flags = tuple(flag.replace("-bpf-stack-size=4096", "-bpf-stack-size=8192") for flag in FLAGS)
    with pytest.raises(LinkError, match="frame above 4096 bytes"):
        link(compiled(tmp_path, source, flags))


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + bytes(80), Path("/bin/sh").read_bytes()])
def test_refuses_what_is_not_a_bpf_object(data: bytes) -> None:
    with pytest.raises(LinkError, match="not a"):
        link(data)
