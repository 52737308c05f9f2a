from datetime import timedelta
from pathlib import Path

import pytest

from engine_app import settings_table
from engine_app.settings import Settings, SettingsError, WorkerSettings, load

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV_FILE", "")
    for name in WorkerSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "eighty", "PORT: Input should be a valid integer"),
        ("PORT", "70000", "PORT: Input should be less than or equal to 65535"),
        ("SOLANA_CLUSTER", "testnet", "SOLANA_CLUSTER: Input should be 'localnet', 'devnet' or 'mainnet-beta'"),
        ("DATABASE_URL", "mysql://root:hunter2@db/x", "DATABASE_URL: must begin with postgresql://"),
        ("REDIS_URL", "hunter2", "REDIS_URL: must begin with redis://"),
        ("SOLANA_RPC_URL", "http://one,ftp://two", "SOLANA_RPC_URL: must begin with http://"),
        ("SOLANA_WS_URL", "http://one", "SOLANA_WS_URL: must begin with ws://"),
        ("PUBLIC_URL", "https://trade.example/app", "PUBLIC_URL: must be an origin alone"),
        ("PUBLIC_URL", "http://x:notaport", "PUBLIC_URL: its port must be a number"),
        ("PUBLIC_URL", "http://x:70000", "PUBLIC_URL: its port must be a number"),
        ("REDIS_URL", "redis://:hunter2/@db:6379/0", "REDIS_URL: its port must be a number"),
        ("SOLANA_RPC_URL", "http://one,http://two:x", "SOLANA_RPC_URL: its port must be a number"),
        ("SOLANA_WS_URL", "ws://one:x", "SOLANA_WS_URL: its port must be a number"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy.example", "TRUSTED_PROXIES: must be addresses or networks"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "TRUSTED_PROXIES: must be addresses or networks"),
        ("LOOKUP_TABLES", "table", "LOOKUP_TABLES: table is no address"),
        ("JWT_SECRET", "hunter2", "JWT_SECRET is shorter than 32 bytes"),
        ("SOLANA_CLUSTER", "mainnet-beta", "SOLANA_CLUSTER=mainnet-beta needs ALLOW_MAINNET=true"),
        ("SOLANA_CLUSTER", "devnet", "SOLANA_CLUSTER=devnet needs SOLANA_RPC_URL"),
        ("BCRYPT_COST", "4", "BCRYPT_COST: Input should be greater than or equal to 12"),
        ("DEFAULT_SLIPPAGE", "1", "DEFAULT_SLIPPAGE: Input should be less than 0.5"),
    ],
)
def test_a_bad_value_is_one_line_that_names_it_and_repeats_no_secret(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load(WorkerSettings)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("WORKERS", "0")
    with pytest.raises(SettingsError, match=r"PORT: .*; WORKERS: "):
        load(Settings)


def test_empty_values_fall_to_the_embedded_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "SOLANA_RPC_URL", "SOLANA_WS_URL", "JWT_SECRET", "WALLET_MNEMONIC"):
        monkeypatch.setenv(name, "")
    settings = load(WorkerSettings)
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.solana_rpc_url == ()
    assert settings.wallet_mnemonic is None


def test_several_endpoints_come_apart_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLANA_RPC_URL", "http://one:8899, https://two/key,")
    assert load(Settings).solana_rpc_url == ("http://one:8899", "https://two/key")


def test_by_default_ten_orders_or_more_advance_at_once() -> None:
    settings = load(Settings)
    assert settings.workers * settings.worker_concurrency >= 10


def test_only_worker_settings_have_the_mnemonic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALLET_MNEMONIC", "legal winner thank")
    assert "legal" not in load(Settings).model_dump_json()
    assert not hasattr(load(Settings), "wallet_mnemonic")
    phrase = load(WorkerSettings).wallet_mnemonic
    assert phrase is not None
    assert phrase.get_secret_value() == "legal winner thank"


def test_a_file_gives_what_the_environment_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "engine.env"
    file.write_text("PORT=9000\nWORKERS=3\n")
    monkeypatch.setenv("ENV_FILE", str(file))
    monkeypatch.setenv("PORT", "9100")
    settings = load(Settings)
    assert (settings.port, settings.workers) == (9100, 3)


def test_the_example_file_is_made_from_the_settings() -> None:
    assert (PROJECT / ".env.example").read_text() == settings_table.env_example()


def test_the_example_file_uncommented_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "engine.env"
    lines = settings_table.env_example().splitlines()
    file.write_text("\n".join(line.removeprefix("#") for line in lines if not line.startswith("# ")))
    defaults = load(WorkerSettings)
    monkeypatch.setenv("ENV_FILE", str(file))
    assert load(WorkerSettings) == defaults


def test_the_readme_table_is_made_from_the_settings() -> None:
    readme = (PROJECT / "README.md").read_text()
    table = readme.partition(settings_table.TABLE_BEGINS)[2].partition(settings_table.TABLE_ENDS)[0]
    assert table == settings_table.markdown()


def test_every_setting_says_what_it_does() -> None:
    rows = list(settings_table.rows())
    assert len(rows) == len(WorkerSettings.model_fields) + 1
    assert all(row.description for row in rows)


@pytest.mark.parametrize(
    ("cluster", "hours", "waits"),
    [("localnet", "", 0), ("localnet", "3", 3), ("mainnet-beta", "", 24), ("mainnet-beta", "0", 0)],
)
def test_new_withdrawal_addresses_wait_on_mainnet_unless_told(
    monkeypatch: pytest.MonkeyPatch, cluster: str, hours: str, waits: int
) -> None:
    monkeypatch.setenv("SOLANA_CLUSTER", cluster)
    monkeypatch.setenv("ALLOW_MAINNET", "true")
    monkeypatch.setenv("SOLANA_RPC_URL", "https://rpc.example")
    monkeypatch.setenv("WITHDRAW_ADDRESS_WAIT_HOURS", hours)
    assert load(Settings).withdraw_address_wait == timedelta(hours=waits)
