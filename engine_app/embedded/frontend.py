"""The page's static files: built once per version of the page, served as a copy with the right port in it.

Reflex bakes the address of its event websocket into the build. The host in it gives way to the page's own
host in the browser, the port does not; so an export carries a placeholder port, and `web` serves a copy that
has the real one in its place.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from engine_app.embedded.errors import StartFailed
from engine_app.embedded.processes import PROJECT, without_settings

PREBUILT = PROJECT / ".page"
"""Where a container image has the export of its version already (`build_into`)."""

_SHAPING = ("engine_app/ui", "engine_app/engine_app.py", "assets", "reflex.lock", "rxconfig.py", "requirements.txt")
"""What the export depends on, relative to the project: their contents name its version."""

_STAGED = ("engine_app", "assets", "reflex.lock", "rxconfig.py", "bunfig.toml", ".npmrc")
"""What a build reads. It runs in a copy, because Reflex rewrites files beside the app it builds."""

_SERVED = ("build/client", "backend", "routes.json", "reflex.json")
"""What a web process reads of a build."""


class FrontendBuildFailed(StartFailed):
    """The page could not be built; the message ends with the last lines of the build's output."""


def prepare(data_dir: Path, port: int, public_url: str | None, progress: Callable[[str], None] = print) -> Path:
    """Make sure that the page is built and that a copy for this address exists.

    Args:
        data_dir: where the build is cached (`frontend/` below it).
        port: the port that `web` listens on.
        public_url: the origin users reach, where that differs; its port (or its scheme's) goes into the page.
        progress: told one line when a build is needed.

    Returns:
        The directory to serve, as REFLEX_WEB_WORKDIR of the web process.

    Raises:
        FrontendBuildFailed: the export failed.
    """
    root = data_dir.resolve() / "frontend"
    root.mkdir(parents=True, exist_ok=True)
    version = page_version(PROJECT)
    served_port = port_in_page(port, public_url)
    with _locked(root / "lock"):
        export = _export(root, version)
        if not export.exists():
            progress("Building the page, once per version: about ten seconds …")
            _build(root, export)
        served = root / f"{version}-{served_port}"
        if not served.exists():
            _copy_with_port(export, served, served_port)
    return served


def is_built(data_dir: Path) -> bool:
    """Whether this version of the page is built already."""
    return _export(data_dir / "frontend", page_version(PROJECT)).exists()


def build_into(directory: Path) -> Path:
    """Build the page once, for images that are to start without a build; the export's directory below `directory`.

    Raises:
        FrontendBuildFailed: the export failed.
    """
    version = page_version(PROJECT)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        _build(Path(work), Path(work) / version)
        shutil.copytree(Path(work) / version, directory / version, dirs_exist_ok=True)
    return directory / version


def _export(root: Path, version: str) -> Path:
    prebuilt = PREBUILT / version
    return prebuilt if prebuilt.exists() else root / version


def page_version(project: Path) -> str:
    """The first 16 hex digits of a hash over everything that shapes the export."""
    digest = hashlib.sha256(f"python {sys.version_info.major}.{sys.version_info.minor}\n".encode())
    for name in _SHAPING:
        path = project / name
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        for file in files:
            relative = file.relative_to(project)
            if "__pycache__" in relative.parts or relative.parts[:2] == ("assets", "external"):
                continue
            digest.update(f"{relative.as_posix()}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def placeholder_port(project: Path) -> int:
    """The port that the project's rxconfig.py bakes into an export."""
    found = re.search(r"^PLACEHOLDER_PORT = (\d+)$", (project / "rxconfig.py").read_text(), re.MULTILINE)
    if found is None:
        raise FrontendBuildFailed("rxconfig.py names no PLACEHOLDER_PORT")
    return int(found[1])


def port_in_page(port: int, public_url: str | None) -> int:
    """The port that users reach: the public URL's, written or its scheme's own; else the one listened on."""
    if public_url is None:
        return port
    parts = urlsplit(public_url)
    return parts.port or (443 if parts.scheme == "https" else 80)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of the cache: one process builds, the others wait for it."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(root: Path, export: Path) -> None:
    stage, work = root / "stage", root / "work"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()
    for name in _STAGED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, stage / name, ignore=shutil.ignore_patterns("__pycache__", "external"))
        else:
            shutil.copy2(source, stage / name)
    environment = without_settings(os.environ) | {
        "REFLEX_WEB_WORKDIR": str(work),
        "REFLEX_DIR": str(root / "reflex"),
        "PYTHONPATH": str(stage),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"],
        cwd=stage,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0 or not (work / "build/client/index.html").exists():
        tail = "\n".join(done.stdout.splitlines()[-30:])
        raise FrontendBuildFailed(f"the page could not be built:\n{tail}")
    for old in root.iterdir():
        if re.fullmatch(r"[0-9a-f]{16}(-\d+)?", old.name):
            shutil.rmtree(old)
    fresh = root / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    for name in _SERVED:
        target = fresh / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (work / name).is_dir():
            shutil.copytree(work / name, target)
        else:
            shutil.copy2(work / name, target)
    fresh.rename(export)
    shutil.rmtree(stage)


def _copy_with_port(export: Path, served: Path, port: int) -> None:
    placeholder = f"localhost:{placeholder_port(PROJECT)}".encode()
    address = f"localhost:{port}".encode()
    fresh = served.with_name("serving")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(export, fresh)
    replaced = 0
    for file in sorted((fresh / "build/client").rglob("*.js")):
        content = file.read_bytes()
        if placeholder not in content:
            continue
        content = content.replace(placeholder, address)
        file.write_bytes(content)
        compressed = file.with_name(file.name + ".gz")
        if compressed.exists():
            compressed.write_bytes(gzip.compress(content, mtime=0))
        replaced += 1
    if replaced == 0:
        raise FrontendBuildFailed("the export names no address to put the port into")
    fresh.rename(served)
