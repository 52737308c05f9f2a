import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mnemonic import Mnemonic

from engine_app.embedded import secrets
from engine_app.embedded.errors import CannotStart
from engine_app.settings import Settings, WorkerSettings, load


@pytest.fixture(autouse=True)
def _no_env_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV_FILE", "")


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    made = [secrets.jwt_secret(tmp_path), secrets.wallet_mnemonic(tmp_path), secrets.service_password(tmp_path, "pg")]
    again = [secrets.jwt_secret(tmp_path), secrets.wallet_mnemonic(tmp_path), secrets.service_password(tmp_path, "pg")]
    assert made == again
    assert len(set(made)) == 3
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    files = sorted((tmp_path / "secrets").iterdir())
    assert [file.name for file in files] == ["jwt_secret", "pg_password", "wallet_mnemonic"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_secrets_are_good_enough_for_their_use(tmp_path: Path) -> None:
    assert len(secrets.jwt_secret(tmp_path).encode()) >= 32
    phrase = secrets.wallet_mnemonic(tmp_path)
    assert len(phrase.split()) == 24
    assert Mnemonic("english").check(phrase)


def test_processes_that_start_together_get_the_same_secret(tmp_path: Path) -> None:
    numbers = iter(range(100))
    with ThreadPoolExecutor(8) as pool:
        made = {*pool.map(lambda _: secrets.keep_secret(tmp_path / "s", lambda: str(next(numbers))), range(8))}
    assert made == {(tmp_path / "s").read_text().strip()}
    assert [file.name for file in tmp_path.iterdir()] == ["s"]


def test_production_refuses_every_embedded_secret_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_ENV", "production")
    with pytest.raises(
        CannotStart, match=r"production refuses .*: set DATABASE_URL, REDIS_URL, JWT_SECRET, WALLET_MNEMONIC$"
    ):
        secrets.refuse_embedded_for_all(load(WorkerSettings))
    monkeypatch.setenv("DATABASE_URL", "postgresql://engine:pw@db/engine")
    monkeypatch.setenv("REDIS_URL", "redis://:pw@queue:6379/0")
    with pytest.raises(CannotStart, match=r": set JWT_SECRET$"):
        secrets.refuse_embedded(load(Settings), *secrets.WEB_NEEDS)
    with pytest.raises(CannotStart, match=r": set WALLET_MNEMONIC$"):
        secrets.refuse_embedded(load(WorkerSettings), *secrets.WORKER_NEEDS)
    monkeypatch.setenv("JWT_SECRET", "x" * 32)
    monkeypatch.setenv("WALLET_MNEMONIC", "legal winner thank year wave sausage worth useful legal winner thank yellow")
    secrets.refuse_embedded_for_all(load(WorkerSettings))


def test_mainnet_passes_the_same_checks_unless_it_is_a_private_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLANA_CLUSTER", "mainnet-beta")
    monkeypatch.setenv("SOLANA_RPC_URL", "https://rpc.example")
    monkeypatch.setenv("ALLOW_MAINNET", "true")
    with pytest.raises(CannotStart, match="SOLANA_CLUSTER=mainnet-beta refuses embedded secrets"):
        secrets.refuse_embedded_for_all(load(WorkerSettings))
    monkeypatch.setenv("ALLOW_MAINNET_DEV", "true")
    secrets.refuse_embedded_for_all(load(WorkerSettings))


def test_development_refuses_nothing() -> None:
    secrets.refuse_embedded_for_all(load(WorkerSettings))


def test_a_rotated_jwt_secret_still_opens_what_it_signed(tmp_path: Path) -> None:
    first = secrets.jwt_environment(Settings(), tmp_path)
    assert first["JWT_ACCEPTED_SECRETS"] == ""
    secrets.rotate_jwt_secret(tmp_path)
    second = secrets.jwt_environment(Settings(), tmp_path)
    assert second["JWT_SECRET"] != first["JWT_SECRET"]
    assert second["JWT_ACCEPTED_SECRETS"] == first["JWT_SECRET"]
    assert stat.S_IMODE((tmp_path / "secrets" / "jwt_secret_before").stat().st_mode) == 0o600


def test_given_jwt_secrets_are_handed_on_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "n" * 32)
    monkeypatch.setenv("JWT_ACCEPTED_SECRETS", f"{'o' * 32}, {'p' * 32}")
    assert Settings().jwt_secrets == ("n" * 32, "o" * 32, "p" * 32)
    environment = secrets.jwt_environment(Settings(), tmp_path)
    assert environment == {"JWT_SECRET": "n" * 32, "JWT_ACCEPTED_SECRETS": f"{'o' * 32},{'p' * 32}"}
    assert list(tmp_path.iterdir()) == []
