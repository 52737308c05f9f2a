"""Where a local chain's copies of another cluster lie, and making them before its first start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from solders.pubkey import Pubkey

from engine_app.cli.cloning import ACCOUNTS, PROGRAMS, CloneFailed, clone
from engine_app.cli.program import tell


@dataclass(frozen=True, slots=True)
class Copies:
    """Directories of files; None where nothing was copied."""

    accounts: Path | None
    programs: Path | None


def cloned_chain(data_dir: Path, url: str | None, pools: Sequence[str]) -> Copies:
    """The copies that a chain in `data_dir` runs on; with a URL they are made first.

    Raises:
        CloneFailed: a chain is there already, an address is no pool, or the cluster does not answer.
    """
    directory = data_dir / "clone"
    if url is not None:
        if (data_dir / "chain.sqlite3").exists():
            raise CloneFailed(f"there is a chain in {data_dir} already; --clone takes an empty --data-dir")
        accounts, programs = clone(url, [_address(text) for text in pools], directory)
        tell(f"Copied {accounts} accounts and {programs} programs.")
    elif pools:
        raise CloneFailed("--pool needs --clone, the RPC URL of the cluster to copy it from")
    if not directory.exists():
        return Copies(None, None)
    return Copies(directory / ACCOUNTS, directory / PROGRAMS)


def _address(text: str) -> Pubkey:
    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise CloneFailed(f"{text} is no address") from None
