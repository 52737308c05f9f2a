"""Every setting of the engine, read once from the environment and checked at start.

A setting that is not given falls to its embedded default: the supervisor (`up`) starts the service on this
machine and passes its address down to the processes it starts.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from decimal import Decimal
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_ADDRESS = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}", re.ASCII)
MAINNET_ADDRESS_WAIT_HOURS = 24

ClusterName = Literal["localnet", "devnet", "mainnet-beta"]


class SettingsError(Exception):
    """A setting has a value the engine cannot start with; the message is one clear line."""


def _with_scheme(url: str | None, *schemes: str) -> str | None:
    """The URL as it is; ValueError, which does not repeat it, where it has another scheme or names nothing."""
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in schemes or not (parts.netloc or parts.path):
        raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    return url


def _reachable(url: str | None, *schemes: str) -> str | None:
    """The same for a server that is named by host and port."""
    try:
        readable = url is None or urlsplit(url).port != 0
    except ValueError:
        readable = False
    if not readable:
        raise ValueError("its port must be a number from 1 to 65535")
    return _with_scheme(url, *schemes)


def _token_amounts(value: object) -> object:
    """`SOL=10,USDC=1500` as (symbol or mint, whole tokens)."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    return tuple((name.strip(), amount.strip()) for name, _, amount in pairs)


TokenAmount = tuple[str, Annotated[Decimal, Field(gt=0)]]
"""A token's symbol or mint, and an amount of it in whole tokens."""
TokenAmounts = Annotated[tuple[TokenAmount, ...], NoDecode, BeforeValidator(_token_amounts)]


class Settings(BaseSettings):
    """Settings of every process. Field descriptions are the table in README and `.env.example`."""

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True)

    engine_env: Literal["development", "production"] = Field(
        "development", description="`production` refuses embedded secrets and logs JSON"
    )
    database_url: str | None = Field(
        None, description="PostgreSQL, `postgresql://user:password@host:port/name`; embedded when not set"
    )
    prepared_statements: bool = Field(
        True,
        description="Plan statements once a connection; off by itself behind a pooler that does not keep them",
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis or Valkey, `redis://:password@host:port/0`; embedded when not set"
    )
    solana_cluster: ClusterName = Field("localnet", description="`localnet`, `devnet` or `mainnet-beta`")
    solana_rpc_url: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="RPC endpoints, comma separated; embedded localnet when not set"
    )
    solana_ws_url: str | None = Field(
        None, description="Websocket endpoint; when not set, derived from the first RPC endpoint"
    )
    jwt_secret: SecretStr | None = Field(
        None, description="Signs session tokens, 32 bytes or more; made once in DATA_DIR when not set"
    )
    jwt_accepted_secrets: SecretStr | None = Field(
        None, description="Further secrets whose tokens hold, comma separated: the next and the last one of a rotation"
    )
    public_url: str | None = Field(
        None, description="The origin users reach, e.g. `https://trade.example`; else the request's own"
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Proxies whose X-Forwarded-For is believed: addresses and networks, e.g. `10.0.0.0/8`"
    )
    host: str = Field("127.0.0.1", description="Address the web server listens on")
    port: int = Field(8000, ge=0, le=65535, description="Port the web server listens on")
    web_processes: int = Field(
        1, ge=1, le=32, description="Processes behind PORT; with more than one, pages keep their state in Redis"
    )
    workers: int = Field(2, ge=1, le=64, description="Worker processes started by `up`")
    worker_concurrency: int = Field(8, ge=1, le=256, description="Orders a worker process advances at once")
    data_dir: Path = Field(Path(".data"), description="Embedded services, secrets and logs live here")
    allow_mainnet: bool = Field(False, description="`mainnet-beta` starts only when this is true")
    allow_mainnet_dev: bool = Field(False, description="Waives the production checks for a private copy of mainnet")
    slot_ms: int = Field(400, ge=10, le=10_000, description="Slot time of the embedded localnet, milliseconds")
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port of `/metrics`, of all processes of this machine; none when not set",
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Address of `/metrics`; it asks for no password: never a public one"
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        description="OpenTelemetry collector (OTLP over HTTP), e.g. `http://127.0.0.1:4318`; no traces when not set",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level logged")

    address_stock: int = Field(
        200, ge=1, le=10_000, description="Fresh wallet addresses kept ready; refilled below half"
    )
    session_hours: int = Field(24, ge=1, le=720, description="Life of a session token, hours")
    bcrypt_cost: int = Field(12, ge=12, le=16, description="Work factor of password hashes")
    login_failures_per_name: int = Field(10, ge=1, description="Failed logins per name in 15 minutes")
    login_failures_per_ip: int = Field(100, ge=1, description="Failed logins per IP address in 15 minutes")
    accounts_per_ip_hour: int = Field(300, ge=1, description="Accounts created per IP address in an hour")
    requests_per_account: int = Field(3_000, ge=1, description="Requests per account in 10 seconds")
    orders_per_account: int = Field(1_000, ge=1, description="Orders placed or cancelled per account in 10 seconds")
    requests_per_ip: int = Field(10_000, ge=1, description="Requests per IP address in 10 seconds")
    quotes_per_ip: int = Field(
        30, ge=1, description="Quotes and searches of tokens without a session per IP address in 10 seconds"
    )
    max_open_orders: int = Field(500, ge=1, description="Orders that one account may have open")
    max_open_orders_altogether: int = Field(20_000, ge=1, description="Orders that all accounts may have open")
    max_order_size: TokenAmounts = Field(
        (), description="Most that one order may pay, token by token, e.g. `SOL=1000,USDC=150000`; others: no limit"
    )
    max_daily_volume: TokenAmounts = Field(
        (), description="Most that an account's orders may pay in a day (UTC), token by token"
    )
    max_daily_volume_altogether: TokenAmounts = Field(
        (), description="Most that all orders may pay in a day (UTC), token by token"
    )
    sockets_per_account: int = Field(100, ge=1, description="Socket.IO connections per account and web process")
    socket_subscriptions: int = Field(1_000, ge=1, description="Orders that one socket may follow by name")
    socket_messages_per_second: int = Field(50, ge=1, description="Messages that one socket may send in a second")
    airdrops_per_hour: int = Field(10, ge=1, description="Test-fund requests per account in an hour")
    airdrop_sol: Decimal = Field(Decimal(10), gt=0, description="SOL handed out by one test-fund request")
    default_slippage: Decimal = Field(
        Decimal("0.01"), ge=Decimal("0.0001"), lt=Decimal("0.5"), description="Slippage where none is given"
    )
    default_max_price_impact: Decimal = Field(
        Decimal("0.05"), gt=0, le=Decimal("0.5"), description="Price impact above which an order fails"
    )
    order_seconds: int = Field(300, ge=5, le=3600, description="Seconds an order stays valid where not given")
    withdraw_address_wait_hours: int | None = Field(
        None,
        ge=0,
        le=720,
        description="Hours that a new withdrawal address waits in the address book; 0: any address may be used; "
        "when not set, 24 on mainnet, else 0",
    )
    priority_fee_level: Literal["low", "medium", "high", "very_high"] = Field(
        "medium", description="Priority fee bid: 25th, 50th, 75th or 90th percentile of what landed on the same pools"
    )
    compute_unit_price: int = Field(1_000, ge=0, description="Least priority fee, micro-lamports per compute unit")
    max_priority_fee: int = Field(
        1_000_000, ge=0, description="Most that one transaction may pay as priority fee, lamports"
    )
    pool_refresh_seconds: int = Field(30, ge=1, description="Seconds within which a new pool of a known pair is found")
    pools: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Addresses of pools to look at where no node answers getProgramAccounts, comma separated"
    )
    lookup_tables: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Addresses of lookup tables for routes that no transaction holds without, comma separated"
    )
    allow_unlisted_tokens: bool = Field(
        False, description="Whether tokens that are not listed are traded on mainnet; elsewhere they are"
    )
    max_slot_spread: int = Field(
        2, ge=0, le=100, description="Slots that a pool may have been read behind the others and still be compared"
    )

    @field_validator("solana_rpc_url", "pools", "lookup_tables", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator(
        "database_url",
        "redis_url",
        "solana_ws_url",
        "jwt_secret",
        "jwt_accepted_secrets",
        "public_url",
        "metrics_port",
        "otel_exporter_otlp_endpoint",
        "withdraw_address_wait_hours",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: str | None) -> str | None:
        return _with_scheme(value, "postgresql", "postgres", "postgresql+psycopg")

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        _reachable(value.get_secret_value() if value else None, "redis", "rediss", "unix")
        return value

    @field_validator("solana_rpc_url")
    @classmethod
    def _is_http(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for endpoint in value:
            _reachable(endpoint, "http", "https")
        return value

    @field_validator("pools", "lookup_tables")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f"{address[:50]} is no address")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ip_network(network)
            except ValueError:
                raise ValueError("must be addresses or networks, such as 10.0.0.0/8, comma separated") from None
        return value

    @field_validator("solana_ws_url")
    @classmethod
    def _is_websocket(cls, value: str | None) -> str | None:
        return _reachable(value, "ws", "wss")

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _is_collector(cls, value: str | None) -> str | None:
        return _reachable(value, "http", "https")

    @field_validator("public_url")
    @classmethod
    def _bare_origin(cls, value: str | None) -> str | None:
        origin = _reachable(value.rstrip("/") if value else None, "http", "https")
        if origin and urlsplit(origin).path:
            raise ValueError("must be an origin alone, without a path")
        return origin

    @model_validator(mode="after")
    def _mainnet_is_deliberate(self) -> Settings:
        if self.solana_cluster == "mainnet-beta" and not self.allow_mainnet:
            raise ValueError("SOLANA_CLUSTER=mainnet-beta needs ALLOW_MAINNET=true")
        if self.solana_cluster != "localnet" and not self.solana_rpc_url:
            raise ValueError(f"SOLANA_CLUSTER={self.solana_cluster} needs SOLANA_RPC_URL")
        if self.jwt_secret and len(self.jwt_secret.get_secret_value().encode()) < 32:
            raise ValueError("JWT_SECRET is shorter than 32 bytes")
        if any(len(secret.encode()) < 32 for secret in self.jwt_secrets):
            raise ValueError("one of JWT_ACCEPTED_SECRETS is shorter than 32 bytes")
        return self

    @property
    def jwt_secrets(self) -> tuple[str, ...]:
        """What signs session tokens, then what else is accepted."""
        accepted = self.jwt_accepted_secrets.get_secret_value().split(",") if self.jwt_accepted_secrets else []
        first = [self.jwt_secret.get_secret_value()] if self.jwt_secret else []
        return tuple(secret.strip() for secret in (*first, *accepted))

    @property
    def strict(self) -> bool:
        """Whether the production checks apply: embedded secrets refused, cookies Secure."""
        private_mainnet = self.solana_cluster == "mainnet-beta" and not self.allow_mainnet_dev
        return self.engine_env == "production" or private_mainnet

    @property
    def withdraw_address_wait(self) -> timedelta:
        """How long a new withdrawal address waits; nothing where withdrawals go to any address."""
        hours = self.withdraw_address_wait_hours
        if hours is None:
            hours = MAINNET_ADDRESS_WAIT_HOURS if self.solana_cluster == "mainnet-beta" else 0
        return timedelta(hours=hours)


class WorkerSettings(Settings):
    """Settings of a worker process, the only one that ever reads the mnemonic."""

    wallet_mnemonic: SecretStr | None = Field(
        None,
        description="BIP-39 phrase of all trading addresses; workers only; made once in DATA_DIR when not set",
    )

    @field_validator("wallet_mnemonic", mode="before")
    @classmethod
    def _empty_mnemonic_is_unset(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value


SettingsKind = TypeVar("SettingsKind", bound=Settings)


def env_file() -> str | None:
    """The file that settings are read from below the environment: `.env`, or what ENV_FILE names; empty: none."""
    return os.environ.get("ENV_FILE", ".env") or None


def load(kind: type[SettingsKind]) -> SettingsKind:
    """Read and check the settings of one kind of process.

    Raises:
        SettingsError: one line that names each bad variable and says what is wrong with it.
    """
    try:
        return kind(_env_file=env_file())
    except ValidationError as error:
        problems = []
        for item in error.errors():
            name = "_".join(str(part) for part in item["loc"]).upper()
            message = item["msg"].removeprefix("Value error, ")
            problems.append(f"{name}: {message}" if name else message)
        raise SettingsError("; ".join(problems)) from None


@cache
def settings() -> Settings:
    """The settings of this process, without the mnemonic, read once."""
    return load(Settings)
