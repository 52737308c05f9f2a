"""No file under version control holds a secret: a key of a service, a session's token, an API key, a mnemonic.

Hard-coded passwords in the code are looked for by ruff. Strings of high entropy are not looked for: addresses, mints
and signatures, which are public, look the same.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from mnemonic import Mnemonic

from engine_app.accounts.api_keys import PREFIX

PROJECT = Path(__file__).resolve().parents[1]
LEFT_OUT = ("Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector", "IPPublicDetector")
LEFT_ALONE = (".so", ".gz", ".png", ".woff2", ".lock", "requirements.txt", "requirements-dev.txt")
PHRASE = re.compile(r"\b[a-z]{3,8}(?:[ ,\n]+[a-z]{3,8}){11,23}\b")
PHRASE_WORDS = (12, 15, 18, 21, 24)
API_KEY = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}\b")
BIP39 = Mnemonic("english")

ALLOWED = {
    "Basic Auth Credentials": {
        ".env.example": "an example that names no host",
        "README.md": "the same",
        "engine_app/settings.py": "the same",
        "engine_app/embedded/postgres.py": "the address is put together of variables",
        "docker-compose.yml": "the address is put together of variables",
        "tests/chain/test_clusters.py": "a made-up endpoint",
        "tests/embedded/test_secrets.py": "a made-up address",
        "tests/test_cli.py": "a made-up address",
        "tests/test_settings.py": "a made-up address",
    },
    "JSON Web Token": {"tests/ui/test_guards.py": "signed by nobody, to be refused"},
    "mnemonic": {
        "tests/conftest.py": "a published test vector",
        "tests/embedded/test_secrets.py": "a published test vector",
        "tests/wallets/messages.py": "a published test vector",
        "tests/wallets/test_derivation.py": "published test vectors",
    },
}
"""What looks like a secret and is none, by kind and file, with the reason."""


def tracked() -> list[str]:
    """Every file under version control that a person writes."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and not name.endswith(LEFT_ALONE)]


def of_services(names: list[str]) -> Iterator[tuple[str, str]]:
    """Kind and file of what the detectors of detect-secrets find."""
    kinds: Any = get_mapping_from_secret_type_to_class().values()
    detectors = [kind() for kind in kinds if kind.__name__ not in LEFT_OUT]
    for name in names:
        text = (PROJECT / name).read_text(errors="replace")
        yield from ((found.secret_type, name) for found in detectors if any(found.analyze_string(text)))


def of_our_own(names: list[str]) -> Iterator[tuple[str, str]]:
    """Kind and file of API keys and of phrases that are valid BIP-39 mnemonics."""
    for name in names:
        text = (PROJECT / name).read_text(errors="replace")
        if API_KEY.search(text):
            yield "API key", name
        if any(is_mnemonic(words) for words in phrases(text)):
            yield "mnemonic", name


def phrases(text: str) -> Iterator[list[str]]:
    """Each run of words as long as a mnemonic."""
    for run in PHRASE.findall(text):
        words = re.split(r"[ ,\n]+", run)
        for length in PHRASE_WORDS:
            yield from (words[start : start + length] for start in range(len(words) - length + 1))


def is_mnemonic(words: list[str]) -> bool:
    """Whether the words are of BIP-39's English list and their checksum fits."""
    return all(word in KNOWN for word in words) and BIP39.check(" ".join(words))


KNOWN = frozenset(BIP39.wordlist)


def test_nothing_under_version_control_is_a_secret() -> None:
    names = tracked()
    assert len(names) > 300
    found = {*of_services(names), *of_our_own(names)}
    allowed = {(kind, name) for kind, files in ALLOWED.items() for name in files}
    assert sorted(found - allowed) == []
    assert sorted(allowed - found) == [], "no longer needed"


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        ("key = 'AKIA" + "IOSFODNN7EXAMPL3'", "AWS Access Key"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----", "Private Key"),
        ("redis://app:hunter2" + "@db.internal:6379/0", "Basic Auth Credentials"),
        ("oek_" + "A1b2" * 10 + "xyz", "API key"),
        ("phrase: legal winner thank year wave sausage " + "worth useful legal winner thank yellow.", "mnemonic"),
    ],
)
def test_a_planted_secret_is_found(planted: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.PROJECT", tmp_path)
    (tmp_path / "notes.md").write_text(f"# Notes\n{planted}\n")
    assert (kind, "notes.md") in {*of_services(["notes.md"]), *of_our_own(["notes.md"])}
