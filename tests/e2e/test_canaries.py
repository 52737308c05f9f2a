"""No secret leaves its place: not in logs, tasks, Redis, Postgres, traces, metrics, errors or answers.

A whole engine with logs as talkative as they get is used as people and programs use it, and is troubled until it fails
in every way it can. Then everything that it wrote or said is searched for what it was told in confidence.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
import socketio.exceptions
from mnemonic import Mnemonic
from playwright.sync_api import Browser, expect
from psycopg import sql
from redis import Redis
from solders.keypair import Keypair

from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.ports import free_port
from engine_app.embedded.postgres import Postgres
from engine_app.embedded.processes import LocalChain
from tests.canaries import Traces, monitored, of_mnemonic
from tests.conftest import ENGINE_SETTINGS, plain_environment
from tests.deployed import WEB, WORKER, Deployed, deploy
from tests.e2e.conftest import PATIENCE_MS
from tests.e2e.person import Person
from tests.listening import listener
from tests.trading import Bot
from tests.waiting import wait_until

PHRASE = Mnemonic("english").generate()
JWT_SECRET = f"canary secret {uuid4()}"
PASSWORD = f"canary-password-{uuid4()}"
MISTYPED = f"canary-mistyped-{uuid4()}"
TOLD_ONCE = ("token", "first token", "API key", "device token")
"""Secrets that an answer tells to the program that they are for, and to nobody else."""


@pytest.fixture
def troubled(
    postgres_server: Postgres,
    new_redis: Callable[[], str],
    localnet: LocalChain,
    page: Callable[[int], Path],
    tmp_path: Path,
) -> Iterator[tuple[Deployed, str, str]]:
    """An engine with secrets of its own, its Redis, and where it tells its metrics."""
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE canaries")
    supervisor = BackgroundSupervisor(tmp_path / "logs")
    metrics_port, redis_url = free_port(), new_redis()
    secrets = {"JWT_SECRET": JWT_SECRET, "WALLET_MNEMONIC": PHRASE}
    talkative = {"LOG_LEVEL": "DEBUG", "METRICS_PORT": str(metrics_port)}
    settings = plain_environment() | ENGINE_SETTINGS | secrets | talkative
    url = postgres_server.url("canaries")
    try:
        (tmp_path / "engine").mkdir()
        with deploy(url, redis_url, localnet, page, supervisor, tmp_path / "engine", settings) as running:
            yield running, redis_url, f"http://127.0.0.1:{metrics_port}/metrics"
    finally:
        supervisor.close()


@pytest.mark.timeout(240)
def test_no_secret_is_found_anywhere(
    troubled: tuple[Deployed, str, str], browser: Browser, tmp_path: Path, postgres_server: Postgres
) -> None:
    running, redis_url, metrics_url = troubled
    traces, name = Traces(), f"canary-{uuid4().hex[:10]}"
    with monitored(redis_url, traces), httpx.Client(base_url=running.base_url, timeout=30.0) as client:
        client.event_hooks["response"].append(traces.answered)
        secrets = _as_a_program(client, name)
        secrets |= _as_a_person(browser, running, traces)
        with ThreadPoolExecutor(1) as elsewhere:  # the browser's own loop runs here
            elsewhere.submit(asyncio.run, _over_a_socket(running.base_url, secrets["token"], traces)).result()
        _mistakes(client, name, secrets["token"])
        _failures(client, running, name)
    with httpx.Client(base_url=running.base_url, event_hooks={"response": [traces.answered]}) as client:
        _without_redis(client, name, redis_url)
    traces.add("metrics", httpx.get(metrics_url).text)
    traces.add("spans", repr(running.collector.spans))
    traces.files(tmp_path / "logs")
    traces.files(tmp_path / "engine")
    traces.postgres(running.database_url)
    pids = [running.supervisor.pid(service) for service in (WEB, WORKER)]
    traces.command_lines([pid for pid in pids if pid is not None])
    with Redis.from_url(redis_url) as redis:
        traces.redis(redis)
    hashes, indexes = _kept(running.database_url)
    needles = secrets | {"password": PASSWORD, "mistyped": MISTYPED, "JWT secret": JWT_SECRET}
    needles |= of_mnemonic(PHRASE, indexes)
    _everything_was_looked_at(traces, name)
    for what, needle in needles.items():
        assert traces.holding(needle) <= ({"HTTP"} if what in TOLD_ONCE else set()), what
    assert {what: traces.texts["HTTP"].count(needles[what]) for what in TOLD_ONCE} == dict.fromkeys(TOLD_ONCE, 1)
    assert {where for value in hashes for where in traces.holding(value)} == {"table users"}


def _as_a_program(client: httpx.Client, name: str) -> dict[str, str]:
    """Sign up, log in, log in wrongly, swap, fail, withdraw; the secrets that only this client was told."""
    body = {"username": name, "password": PASSWORD}
    made = client.post("/api/auth", json=body | {"mode": "create"})
    opened = client.post("/api/auth", json=body | {"mode": "login"})
    assert (made.status_code, opened.status_code) == (201, 200)
    assert client.post("/api/auth", json=body | {"password": MISTYPED, "mode": "login"}).status_code == 401
    secrets = {"token": opened.json()["token"], "first token": made.json()["token"]}
    client.headers["Authorization"] = f"Bearer {secrets['token']}"
    key = client.post("/api/account/keys", json={"name": "bot", "scopes": ["read", "trade"], "password": PASSWORD})
    assert key.status_code == 201, key.text
    secrets["API key"] = key.json()["key"]
    secrets["device token"] = opened.headers["Device-Token"]
    program = Bot(str(client.base_url), client, name)
    program.funds()
    assert program.wait(program.place("SOL", "USDC", "0.2"))["status"] == "confirmed"
    assert program.wait(program.place("SOL", "USDC", "100000000"))["status"] == "failed"
    to = str(Keypair().pubkey())
    assert client.post("/api/wallet/addresses", json={"address": to, "password": PASSWORD}).status_code == 201
    wish = {"token": "USDC", "amount": "1", "address": to}
    assert client.post("/api/wallet/withdraw", json=wish | {"password": MISTYPED}).status_code == 403
    keyed = {"Idempotency-Key": uuid4().hex}
    sent = client.post("/api/wallet/withdraw", json=wish | {"password": PASSWORD}, headers=keyed)
    assert program.wait(sent.json()["orderId"])["status"] == "confirmed"
    return secrets


def _as_a_person(browser: Browser, running: Deployed, traces: Traces) -> dict[str, str]:
    """Sign up on the page, with a wrong password first, and make a key; the session's cookies and the key."""
    context = browser.new_context(base_url=running.base_url, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    try:
        person = Person(context.new_page(), f"ada-{uuid4().hex[:10]}", MISTYPED)
        person.log_in()
        expect(person.page.get_by_role("alert").first).to_be_visible()
        person.password = PASSWORD
        person.create_account()
        person.get_funds()
        person.swap("0.1")
        expect(person.orders("confirmed")).to_have_count(1, timeout=PATIENCE_MS)
        person.open("/wallet/")
        person.see("withdraw-to").fill(str(Keypair().pubkey()))
        person.see("withdraw-amount").fill("0.1")
        person.see("withdraw-password").fill(MISTYPED)
        person.see("withdraw").click()
        expect(person.see("withdraw-refusal")).to_be_visible()
        person.type_anew("withdraw-password", PASSWORD)
        person.see("withdraw").click()
        expect(person.see("withdraw-password")).to_have_value("")
        expect(person.see("activity-row").filter(has_text="Sent 0.1 SOL")).to_be_visible()
        person.open("/account/")
        person.see("new-key").click()
        person.see("key-name").fill("bot")
        person.see("key-password").fill(MISTYPED)
        person.see("create-key").click()
        expect(person.see("key-problem")).to_be_visible()
        person.see("key-password").fill(PASSWORD)
        person.see("create-key").click()
        expect(person.see("key-secret")).to_have_value(re.compile("^oek_"))
        key = person.see("key-secret").input_value()
        person.page.keyboard.press("Escape")
        expect(person.see("key")).to_have_count(1)
        traces.add("page", person.page.content())
        return {f"cookie {cookie['name']}": cookie["value"] for cookie in context.cookies()} | {"key of the page": key}
    finally:
        context.close()


async def _over_a_socket(base_url: str, token: str, traces: Traces) -> None:
    """Subscribe, ask for nonsense, and try to come in with what is no token."""
    async with listener(base_url, {"token": token}) as live:
        for wish in ({}, {"orderId": str(uuid4())}, {"orderId": token}, {"token": token, "password": PASSWORD}):
            traces.add("Socket.IO", repr(await live.subscribe(wish)))
    for wrong in (token + "x", PASSWORD, None):
        with pytest.raises(socketio.exceptions.ConnectionError) as refused:
            async with listener(base_url, {"token": wrong}):
                pass
        traces.add("Socket.IO", repr(refused.value))


def _mistakes(client: httpx.Client, name: str, token: str) -> None:
    """Requests that are wrong in every way in which they could still hold a secret."""
    as_json = {"Content-Type": "application/json"}
    for content in (
        f'{{"username": "{name}", "password": "{PASSWORD}"',
        f'{{"username": "{name}", "password": ["{PASSWORD}"]}}',
        f'{{"username": ["{name}"], "password": "{PASSWORD}"}}',
        f'{{"username": "{name}", "passwort": "{PASSWORD}"}}',
        f'{{"username": "{name}", "password": "{PASSWORD}", "password": "{MISTYPED}"}}',
        f'["{PASSWORD}"]',
        f'"{PASSWORD}',
    ):
        for path in ("/api/auth", "/api/wallet/withdraw", "/api/wallet/addresses", "/api/account/keys"):
            assert client.post(path, content=content, headers=as_json).status_code == 422
    with httpx.Client(base_url=client.base_url, event_hooks=client.event_hooks) as other:  # it is hung up on
        assert other.post("/api/auth", content=PASSWORD.encode() * 3_000, headers=as_json).status_code == 413
    assert client.post("/api/auth", content=b"\xff" + PASSWORD.encode(), headers=as_json).status_code == 422
    assert client.get("/api/orders/history", params={"token": token, "password": PASSWORD}).status_code == 422
    basic = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
    for header in (f"Basic {basic}", f"Bearer {PASSWORD}", f"Bearer {token}x", PASSWORD):
        assert client.get("/api/wallet", headers={"Authorization": header}).status_code == 401
    form = {"username": name, "password": MISTYPED}
    assert client.post("/session/login", data=form, headers={"Origin": "https://evil.example"}).status_code == 403


def _failures(client: httpx.Client, running: Deployed, name: str) -> None:
    """Everything that asks for a password or signs, while what it needs is not there; each ends in a traceback."""
    credentials = {"username": name, "password": PASSWORD, "mode": "login"}
    wish = {"token": "SOL", "amount": "0.1", "address": str(Keypair().pubkey()), "password": PASSWORD}
    with _without(running.database_url, "users"):
        assert client.post("/api/auth", json=credentials).status_code == 500
        assert client.post("/api/wallet/withdraw", json=wish).status_code == 500
    with _without(running.database_url, "idempotency_keys"):
        keyed = {"Idempotency-Key": uuid4().hex}
        assert client.post("/api/wallet/withdraw", json=wish, headers=keyed).status_code == 500
    with _without(running.database_url, "attempts"):
        order = client.post("/api/wallet/withdraw", json=wish).json()["orderId"]
        log = running.supervisor.log(WORKER)
        wait_until(lambda: "UndefinedTable" in log.read_text(), seconds=30)
    assert Bot(str(client.base_url), client, name).wait(order)["status"] in ("confirmed", "failed")


def _without_redis(client: httpx.Client, name: str, redis_url: str) -> None:
    """A log-in while nobody can be counted."""
    with Redis.from_url(redis_url) as redis:
        redis.config_set("maxclients", 1)
        redis.client_kill_filter(_type="normal", skipme=True)
        try:
            refused = client.post("/api/auth", json={"username": name, "password": PASSWORD, "mode": "login"})
        finally:
            redis.config_set("maxclients", 10_000)
    assert refused.status_code == 503


@contextmanager
def _without(database_url: str, table: str) -> Iterator[None]:
    """A database that lacks a table for a while."""
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
    here, away = sql.Identifier(table), sql.Identifier(f"{table}_away")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(rename.format(here, away))
        try:
            yield
        finally:
            connection.execute(rename.format(away, here))


def _kept(database_url: str) -> tuple[list[str], dict[str, int]]:
    """The passwords' hashes, and the derivation index of each wallet in use by its address."""
    with psycopg.connect(database_url) as connection:
        hashes = [str(row[0]) for row in connection.execute("SELECT password_hash FROM users")]
        query = "SELECT address, derivation_index FROM wallets WHERE user_id IS NOT NULL"
        return hashes, {str(address): int(index) for address, index in connection.execute(query)}


def _everything_was_looked_at(traces: Traces, name: str) -> None:
    """The search finds what is no secret in each place where it must be."""
    assert traces.holding(name) >= {"HTTP", "table users"}
    assert traces.holding("withdrawal_requested") == {"table security_log"}
    assert traces.holding("order.execute") >= {"Redis' commands"}
    assert traces.holding("password_refused") >= {"table security_log"}
    wallet = next(text for where, text in traces.texts.items() if where == "table wallets")
    assert wallet
    for where in (f"file {WEB}.log", f"file {WORKER}.log"):
        assert len(traces.texts[where].splitlines()) > 100, where
        assert "Traceback" in traces.texts[where], where
    assert "engine_orders" in traces.texts["metrics"]
    assert traces.texts["spans"] != "{}\n"
    assert traces.texts["Redis"]
