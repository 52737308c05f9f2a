"""The command that holds quotes against measured answers."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine_app.markets.check import main
from tests.markets.venues.vectors import DIRECTORY, FILES

SMALLEST = DIRECTORY / "raydium_amm_v4_v2.json.gz"


def _bent(path: Path, **changes: Any) -> Path:
    """A copy of the smallest file with the first paid case changed."""
    content = json.loads(gzip.decompress(SMALLEST.read_bytes()))
    case = next(case for case in content["cases"] if "out" in case)
    case.update(changes)
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    return path


def test_every_file_is_told_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(DIRECTORY / f"{name}.json.gz") for name in FILES if name.startswith("raydium_amm")]
    assert main(paths) == 0
    assert capsys.readouterr().out.splitlines() == [
        "raydium_amm_v4.json.gz: 172 cases, 133 exact, 39 refused rightly, 0 wrong",
        "raydium_amm_v4_v2.json.gz: 150 cases, 111 exact, 39 refused rightly, 0 wrong",
    ]


def test_one_unit_beside_the_program_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(_bent(tmp_path / "bent.json.gz", out="1"))]) == 1
    summary, detail = capsys.readouterr().out.splitlines()
    assert summary == "bent.json.gz: 150 cases, 110 exact, 39 refused rightly, 1 wrong"
    assert detail.endswith("where the program gives 1")


def test_a_refusal_for_another_reason_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(gzip.decompress(SMALLEST.read_bytes()))
    next(case for case in content["cases"] if case.get("error") == 22)["error"] = 29
    path = tmp_path / "bent.json.gz"
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    assert main([str(path)]) == 1
    assert "refuses because of closed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b"{}"), gzip.compress(b'{"format": "other"}'), gzip.compress(b"[1]")],
    ids=["nothing", "no gzip", "no format", "another format", "a list"],
)
def test_what_holds_no_answers_is_said(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file.json.gz"
    path.write_bytes(content)
    assert main([str(path)]) == 2
    assert str(path) in capsys.readouterr().err
    assert main([str(tmp_path / "missing.json.gz")]) == 2
    assert main([]) == 2


def test_answers_of_an_unknown_program_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(gzip.decompress(SMALLEST.read_bytes()))
    content["program"] = "11111111111111111111111111111111"
    path = tmp_path / "foreign.json.gz"
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    assert main([str(path)]) == 2
    assert "no venue has the program" in capsys.readouterr().err


def test_it_runs_as_a_command() -> None:
    command = [sys.executable, "-m", "engine_app.markets.check", str(SMALLEST)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "raydium_amm_v4_v2.json.gz: 150 cases, 111 exact, 39 refused rightly, 0 wrong\n"
