"""One build of the page for every address: the port goes in when it is served."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine_app.embedded import frontend

PROJECT = Path(__file__).resolve().parents[2]
SHAPING = ("engine_app/ui", "assets", "reflex.lock", "rxconfig.py", "requirements.txt", "engine_app/engine_app.py")


def scripts(page: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (page / "build/client/assets").glob("*.js")}


def test_a_page_carries_its_port_and_no_other(page: Callable[[int], Path]) -> None:
    first, second = scripts(page(18_001)), scripts(page(18_002))
    assert first.keys() == second.keys()
    different = [name for name in first if first[name] != second[name]]
    assert len(different) == 1
    name = different[0]
    assert b"ws://localhost:18001/_event" in first[name]
    assert first[name].replace(b"18001", b"18002") == second[name]
    placeholder = str(frontend.placeholder_port(PROJECT)).encode()
    assert not any(placeholder in script for script in first.values())


def test_the_compressed_files_say_the_same(page: Callable[[int], Path]) -> None:
    client = page(18_001) / "build/client"
    compressed = list(client.rglob("*.gz"))
    assert compressed
    for file in compressed:
        assert gzip.decompress(file.read_bytes()) == file.with_suffix("").read_bytes()


@pytest.mark.parametrize(
    ("public_url", "port"),
    [
        (None, 8000),
        ("http://trade.example:9000", 9000),
        ("http://trade.example", 80),
        ("https://trade.example", 443),
        ("https://[::1]:8443", 8443),
    ],
)
def test_the_port_in_the_page_is_the_one_that_users_reach(public_url: str | None, port: int) -> None:
    assert frontend.port_in_page(8000, public_url) == port


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of all that shapes the page."""
    for name in SHAPING:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, target)
        else:
            shutil.copy2(PROJECT / name, target)
    return tmp_path


@pytest.mark.parametrize(
    "changed",
    ["engine_app/ui/theme.py", "engine_app/engine_app.py", "rxconfig.py", "reflex.lock/bun.lock", "assets/favicon.svg"],
)
def test_a_change_of_the_page_is_another_version(project: Path, changed: str) -> None:
    before = frontend.page_version(project)
    file = project / changed
    file.write_text(file.read_text() + "\n")
    assert frontend.page_version(project) != before


def test_what_python_and_reflex_leave_behind_is_no_change(project: Path) -> None:
    before = frontend.page_version(project)
    for name in ("engine_app/ui/__pycache__/theme.pyc", "assets/external/link.js"):
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"left behind")
    assert frontend.page_version(project) == before


@pytest.fixture
def broken(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose rxconfig.py the test writes, and whose page is built."""
    for name in ("bunfig.toml", ".npmrc"):
        shutil.copy2(PROJECT / name, project / name)
    monkeypatch.setattr(frontend, "PROJECT", project)
    return project / "rxconfig.py"


def test_a_build_sees_no_setting(tmp_path: Path, broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken.write_text("import os\nPLACEHOLDER_PORT = 1\nraise SystemExit(f'sees {sorted(os.environ.values())}')\n")
    for name in ("wallet_mnemonic", "JWT_SECRET", "Redis_Url", "SOLANA_RPC_URL"):
        monkeypatch.setenv(name, f"hunter2 of {name}")
    with pytest.raises(frontend.FrontendBuildFailed, match="sees") as failed:
        frontend.prepare(tmp_path / "cache", 8000, None, lambda _: None)
    assert "hunter2" not in str(failed.value)


def test_a_page_that_does_not_build_says_why(tmp_path: Path, broken: Path) -> None:
    broken.write_text("PLACEHOLDER_PORT = 1\nraise SystemExit('no configuration today')\n")
    told: list[str] = []
    with pytest.raises(frontend.FrontendBuildFailed, match="no configuration today"):
        frontend.prepare(tmp_path / "cache", 8000, None, told.append)
    assert len(told) == 1
