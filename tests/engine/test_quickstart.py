"""The quick start's programs do what they say, against the running engine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from engine_app.embedded.processes import PROJECT
from tests.conftest import RunningEngine

QUICKSTART = PROJECT / "docs" / "quickstart"
BUN = Path(sys.prefix) / "bin" / "bun"
SECONDS = 90


def run(*command: str | Path, cwd: Path) -> list[str]:
    """The lines that a program writes; it must end well."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_curl(engine: RunningEngine, tmp_path: Path) -> None:
    lines = run("sh", QUICKSTART / "trade.sh", engine.base_url, cwd=tmp_path)
    assert '"dexQuotes":' in lines[0]
    order_id, status = lines[-1].split()
    assert status == "confirmed"
    assert lines[-3].startswith("orderId,kind,status")
    assert lines[-2].startswith(f"{order_id},swap,confirmed")


def assert_told_step_by_step(lines: list[str]) -> None:
    *steps, last = lines
    told = [line.split()[:2] for line in steps]
    assert [int(seq) for seq, _ in told] == list(range(1, len(told) + 1))
    assert [told[0][1], told[-1][1]] == ["pending", "confirmed"]
    _, status, price, signature = last.split()
    assert status == "confirmed"
    assert float(price) > 0
    assert len(signature) > 80


def test_python(engine: RunningEngine, tmp_path: Path) -> None:
    assert_told_step_by_step(run(sys.executable, QUICKSTART / "trade.py", engine.base_url, cwd=tmp_path))


def test_javascript(engine: RunningEngine, tmp_path: Path) -> None:
    for name in ("package.json", "bun.lock", "trade.mjs"):
        shutil.copy2(QUICKSTART / name, tmp_path)
    run(BUN, "install", "--frozen-lockfile", cwd=tmp_path)
    assert_told_step_by_step(run(BUN, "trade.mjs", engine.base_url, cwd=tmp_path))


def test_the_lock_names_no_host() -> None:
    assert "://" not in (QUICKSTART / "bun.lock").read_text()


def test_the_documentation_shows_the_very_programs() -> None:
    text = (PROJECT / "docs" / "api.md").read_text()
    for name in ("trade.sh", "trade.py", "trade.mjs"):
        assert f"quickstart/{name}" in text
