"""Builds the stand-in programs: `python -m engine_app.localnet.programs.build [--check]`.

Each `*.c` of this folder becomes the `.so` beside it (clang from the package ziglang, then `linker`). The output
depends on the sources and the pinned clang alone. With `--check` nothing is written: it is built in a temporary
folder and compared byte for byte.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine_app.localnet.programs.linker import LinkError, link

PROGRAMS = Path(__file__).parent
COMPILER = (sys.executable, "-m", "ziglang", "cc")
FLAGS = (
    "-target",
    "bpfel-freestanding",
    "-mcpu=v2",
    "-std=c17",
    "-O2",
    "-mllvm",
    "-bpf-stack-size=4096",
    "-ffreestanding",
    "-fno-strict-aliasing",
    "-Wall",
    "-Wextra",
    "-Wno-unused-function",
    "-Werror",
)


class CompileError(Exception):
    """The compiler refused a source; the message is the compiler's own."""


def sources(folder: Path = PROGRAMS) -> list[Path]:
    """The C sources in `folder`, one a program."""
    return sorted(folder.glob("*.c"))


def compile_source(source: Path, flags: Sequence[str] = FLAGS) -> bytes:
    """The relocatable object made from `source`. Raises CompileError."""
    with tempfile.TemporaryDirectory() as scratch:
        compiled = Path(scratch) / "program.o"
        run = subprocess.run(  # noqa: S603 - our own compiler on our own source
            [*COMPILER, *flags, "-c", source.name, "-o", str(compiled)],
            cwd=source.parent,
            env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": scratch, "ZIG_LOCAL_CACHE_DIR": scratch},
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            raise CompileError(run.stderr)
        return compiled.read_bytes()


def build(source: Path) -> bytes:
    """The sBPF v3 program made from `source`. Raises CompileError and LinkError."""
    return link(compile_source(source))


def differing(folder: Path = PROGRAMS) -> list[Path]:
    """The programs in `folder` that are missing or differ from what their sources build to."""
    return [
        source.with_suffix(".so")
        for source in sources(folder)
        if not source.with_suffix(".so").is_file() or source.with_suffix(".so").read_bytes() != build(source)
    ]


def main(arguments: list[str] | None = None, folder: Path = PROGRAMS) -> int:
    """The command's exit code: 0, or 1 where `--check` found a difference or a source does not build."""
    parser = argparse.ArgumentParser(description="Build the localnet's stand-in programs.")
    parser.add_argument("--check", action="store_true", help="build aside and compare with the committed programs")
    check = parser.parse_args(arguments).check
    try:
        if check:
            stale = differing(folder)
            for target in stale:
                print(f"{target.name} is not what its source builds to")
            return 1 if stale else 0
        for source in sources(folder):
            program = build(source)
            source.with_suffix(".so").write_bytes(program)
            print(f"{source.with_suffix('.so').name}: {len(program)} bytes")
    except (CompileError, LinkError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
