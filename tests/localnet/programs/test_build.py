"""The committed programs are what their sources build to, byte for byte, anywhere."""

import shutil
from pathlib import Path

import pytest

from engine_app.localnet.programs.build import PROGRAMS, build, differing, main, sources
from engine_app.localnet.programs.murmur3 import murmur3_32


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    for file in (*PROGRAMS.glob("*.c"), *PROGRAMS.glob("*.h"), *PROGRAMS.glob("*.so")):
        shutil.copy(file, folder)
    return folder


def test_the_committed_programs_are_built_from_their_sources() -> None:
    assert [source.stem for source in sources()] == ["meteora_damm_v2", "raydium_cpmm"]
    assert differing() == []


def test_another_folder_builds_the_same_bytes(copy: Path) -> None:
    for source in sources(copy):
        assert build(source) == (PROGRAMS / f"{source.stem}.so").read_bytes()


def test_check_finds_one_changed_byte(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"], copy) == 0
    program = copy / "raydium_cpmm.so"
    built = program.read_bytes()
    program.write_bytes(built[:-1] + bytes([built[-1] ^ 1]))
    assert main(["--check"], copy) == 1
    assert capsys.readouterr().out == "raydium_cpmm.so is not what its source builds to\n"
    assert program.read_bytes() != built


def test_check_finds_a_missing_program(copy: Path) -> None:
    (copy / "meteora_damm_v2.so").unlink()
    assert main(["--check"], copy) == 1


def test_build_writes_the_programs(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source in sources(copy):
        source.with_suffix(".so").unlink()
    assert main([], copy) == 0
    assert "raydium_cpmm.so: " in capsys.readouterr().out
    assert differing(copy) == []


def test_a_source_that_does_not_compile_is_reported(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "broken.c").write_text("not c")
    assert main([], copy) == 1
    assert "broken.c:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", 0), (b"abort", 0xB6FC1A11), (b"sol_log_", 0x207559BD), (b"sol_panic_", 0x686093BB)],
)
def test_the_syscall_hash(data: bytes, expected: int) -> None:
    assert murmur3_32(data) == expected
