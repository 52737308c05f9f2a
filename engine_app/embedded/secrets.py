"""Secrets of the embedded services: made once, kept below DATA_DIR with mode 600.

The mnemonic has a file of its own, which only the supervisor and the worker command open.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from mnemonic import Mnemonic

from engine_app.embedded.errors import CannotStart
from engine_app.settings import Settings, WorkerSettings


def keep_secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in `path`; made with `make`, and written for its owner alone, where there is none yet.

    Two processes that make it at the same time get the same one.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(make() + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    return path.read_text().strip()


def jwt_secret(data_dir: Path) -> str:
    """The key that signs session tokens, kept."""
    return keep_secret(data_dir / "secrets" / "jwt_secret", new_jwt_secret)


def rotate_jwt_secret(data_dir: Path) -> None:
    """Have another secret sign from the next start on; what the last one signed holds until it ends, or until the next
    rotation."""
    jwt_secret(data_dir)
    folder = data_dir / "secrets"
    os.replace(folder / "jwt_secret", folder / "jwt_secret_before")
    jwt_secret(data_dir)


def jwt_environment(settings: Settings, data_dir: Path) -> dict[str, str]:
    """What signs session tokens and what else is accepted, as web's settings name them: the settings', else those kept
    below DATA_DIR."""
    secrets_given = settings.jwt_secrets
    if settings.jwt_secret is None:
        before = data_dir / "secrets" / "jwt_secret_before"
        kept = [before.read_text().strip()] if before.exists() else []
        secrets_given = (jwt_secret(data_dir), *kept, *secrets_given)
    return {"JWT_SECRET": secrets_given[0], "JWT_ACCEPTED_SECRETS": ",".join(secrets_given[1:])}


def new_jwt_secret() -> str:
    """A key that signs session tokens: 64 hex digits."""
    return secrets.token_hex(32)


def service_password(data_dir: Path, service: str) -> str:
    """The password of an embedded service, safe inside a URL."""
    return keep_secret(data_dir / "secrets" / f"{service}_password", lambda: secrets.token_hex(24))


def wallet_mnemonic(data_dir: Path) -> str:
    """The BIP-39 phrase of every trading address, kept."""
    return keep_secret(data_dir / "secrets" / "wallet_mnemonic", new_mnemonic)


def new_mnemonic() -> str:
    """A BIP-39 phrase of 24 words."""
    return str(Mnemonic("english").generate(256))


def refuse_embedded(settings: Settings, *names: str) -> None:
    """Where the production checks apply, refuse to start on a secret or a service that would be embedded.

    Args:
        settings: the process's settings.
        names: the settings, in lower case, that have an embedded default the process would fall to.

    Raises:
        CannotStart: naming each of them.
    """
    missing = [name.upper() for name in names if not getattr(settings, name)]
    if settings.strict and missing:
        why = "ENGINE_ENV=production" if settings.engine_env == "production" else "SOLANA_CLUSTER=mainnet-beta"
        raise CannotStart(f"{why} refuses embedded secrets: set {', '.join(missing)}")


WEB_NEEDS = ("database_url", "redis_url", "jwt_secret")
WORKER_NEEDS = ("database_url", "redis_url", "wallet_mnemonic")


def refuse_embedded_for_all(settings: WorkerSettings) -> None:
    """The same for web and workers together; raises CannotStart naming every missing secret."""
    refuse_embedded(settings, *dict.fromkeys((*WEB_NEEDS, *WORKER_NEEDS)))
