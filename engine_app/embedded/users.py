"""The user that Postgres runs as. It refuses to run as root, so root drops to an existing user without rights."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import sys
from pathlib import Path

from engine_app.embedded.errors import CannotStart

CACHE = Path("/var/cache/order-engine")


def service_user(data: Path) -> tuple[int, int] | None:
    """The `(uid, gid)` to run as: None for an ordinary user; for root the data's owner, or `nobody`.

    Args:
        data: the service's data directory, which may not exist yet.

    Raises:
        CannotStart: the data belongs to another ordinary user, or root has no `nobody` to drop to.
    """
    owner = data.stat() if data.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise CannotStart(f"{data} belongs to another user; set DATA_DIR to a folder of your own")
        return None
    if owner is not None and owner.st_uid != 0:
        return owner.st_uid, owner.st_gid
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise CannotStart("Postgres does not run as root, and there is no user `nobody` to run it as") from None
    return nobody.pw_uid, nobody.pw_gid


def reachable(path: Path) -> bool:
    """Whether everybody may enter each folder on the way to `path`."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def reachable_install(install: Path, version: str) -> Path:
    """The install itself where everybody can reach it, else a copy of it that everybody can; made once.

    Raises:
        CannotStart: the copy cannot be made.
    """
    if reachable(install):
        return install
    key = hashlib.sha256(str(install).encode()).hexdigest()[:8]
    copy = CACHE / f"{install.name}-{version}-{key}"
    if copy.exists():
        return copy
    draft = copy.with_name(f"{copy.name}.{os.getpid()}")
    try:
        CACHE.mkdir(parents=True, exist_ok=True, mode=0o755)
        shutil.copytree(install, draft, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        draft.rename(copy)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise CannotStart(f"Postgres could not be copied to where `nobody` can run it: {error}") from None
    return copy


def path_for(user: tuple[int, int] | None, directory: Path) -> str:
    """How a program that runs as `user`, with `directory` as its working directory, can name that directory.

    Another user may not be able to enter the folders above it; the working directory needs none of them.
    """
    return "/proc/self/cwd" if user is not None and sys.platform == "linux" else str(directory)
