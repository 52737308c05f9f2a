"""Pictures of every page: dark and light, on a desk and on a phone, of a new account and of one with 200 orders.

`python -m bench.screenshots` starts an engine, trades, and takes them into `.artifacts/screenshots`; those that README
and docs/page.md show go to `docs/images` as well. The orders are real ones of the local chain, in every state that an
order can have: what is not known yet at the end is so because the chain swallows the transactions of that account.
"""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright
from solders.keypair import Keypair

from bench.engine_run import PROJECT, engine
from engine_app.embedded.ports import free_port

OUT = PROJECT / ".artifacts" / "screenshots"
IN_DOCS = PROJECT / "docs" / "images"
CHOSEN = {
    "trade-full-light-desk": "trade.png",
    "order-full-light-desk": "order.png",
    "orders-full-dark-desk": "orders.png",
    "wallet-full-dark-phone": "wallet-phone.png",
}
"""Pictures in README and docs/page.md, by the name that they have there."""

ORDERS = 200
SLOT_MS = "200"
PASSWORD = "correct horse battery"  # noqa: S105 - of accounts that live for minutes
SCHEMES = ("light", "dark")
SIZES: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 860}},
    "phone": {"viewport": {"width": 375, "height": 812}, "device_scale_factor": 2, "is_mobile": True},
}
PATIENCE_SECONDS = 180.0
SETTLE_MS = 1_200


@dataclass(frozen=True)
class Account:
    """Somebody who trades over REST."""

    name: str
    client: httpx.Client

    def place(self, token_in: str, token_out: str, amount: str, **more: Any) -> str:
        """Place an order; its id."""
        wanted = {"tokenIn": token_in, "tokenOut": token_out, "amount": amount, **more}
        return str(self._post("/api/orders/execute", wanted)["orderId"])

    def withdraw(self, token: str, amount: str, address: str) -> str:
        """Withdraw; the order's id."""
        wanted = {"token": token, "amount": amount, "address": address, "password": PASSWORD}
        return str(self._post("/api/wallet/withdraw", wanted)["orderId"])

    def cancel(self, order: str) -> None:
        """Ask that nothing more be signed for an order."""
        self._post(f"/api/orders/{order}/cancel", {})

    def get_funds(self) -> None:
        """Get test funds and wait for them."""
        self._post("/api/wallet/airdrop", {})

    def address(self) -> str:
        """The trading address."""
        return str(self.client.get("/api/wallet").json()["address"])

    def orders(self, **query: str) -> list[dict[str, Any]]:
        """Orders, newest first."""
        return list(self.client.get("/api/orders/history", params={"limit": "100", **query}).json()["orders"])

    def wait(self) -> None:
        """Wait until no order is under way."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(self.orders(status=status) for status in ("pending", "routing", "building", "submitted")):
            if time.monotonic() > deadline:
                raise RuntimeError("the orders do not end")
            time.sleep(0.5)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.post(path, json=body)
        answer.raise_for_status()
        return dict(answer.json()) if answer.content else {}


@contextmanager
def account(origin: str, name: str) -> Iterator[Account]:
    """A new account."""
    with httpx.Client(base_url=origin, timeout=60.0) as client:
        answer = client.post("/api/auth", json={"username": name, "password": PASSWORD, "mode": "create"})
        answer.raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield Account(name, client)


@contextmanager
def chain() -> Iterator[tuple[dict[str, str], httpx.Client]]:
    """A local chain with a door for making it misbehave; the settings that lead an engine to it, and the door."""
    with tempfile.TemporaryDirectory(prefix="chain-") as data:
        port, ws_port, admin_port = free_port(), free_port(), free_port()
        options = {"--port": port, "--ws-port": ws_port, "--admin-port": admin_port, "--slot-ms": SLOT_MS}
        arguments = [str(part) for option in ({**options, "--data-dir": data}).items() for part in option]
        process = subprocess.Popen([sys.executable, "-m", "engine_app", "localnet", *arguments], cwd=PROJECT)
        urls = {"SOLANA_RPC_URL": f"http://127.0.0.1:{port}", "SOLANA_WS_URL": f"ws://127.0.0.1:{ws_port}"}
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{admin_port}", timeout=30.0) as admin:
                yield urls, admin
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def trade(trader: Account, admin: httpx.Client) -> None:
    """Place the orders; from then on the chain swallows the account's transactions."""
    trader.get_funds()
    away = str(Keypair().pubkey())
    swaps = (
        ("SOL", "USDC", "1.5"),
        ("USDC", "SOL", "42.5"),
        ("SOL", "BONK", "0.25"),
        ("USDC", "USDT", "100"),
        ("SOL", "USDT", "0.8"),
        ("BONK", "USDC", "150000"),
    )
    for number, (token_in, token_out, amount) in zip(range(ORDERS - 4), itertools.cycle(swaps), strict=False):
        if number % 17 == 5:
            trader.place("SOL", "USDC", "99000")
        elif number % 23 == 9:
            trader.place("SOL", "USDC", "2", minAmountOut="900")
        elif number % 19 == 11:
            trader.withdraw("USDC", "12.5", away)
        else:
            trader.place(token_in, token_out, amount)
        if number % 40 == 0:
            trader.wait()
    trader.wait()
    admin.post("/faults", json={"kind": "dropped_send", "signer": trader.address()}).raise_for_status()
    for order in [trader.place("SOL", "USDC", "3") for _ in range(4)]:
        trader.cancel(order)
    trader.wait()


def log_in(browser: Browser, origin: str, name: str, **options: Any) -> Page:
    """A page of somebody who is logged in."""
    page = browser.new_context(base_url=origin, locale="en-GB", reduced_motion="reduce", **options).new_page()
    page.goto("/login/")
    page.get_by_test_id("username").fill(name)
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("submit").click()
    page.get_by_test_id("account").wait_for()
    return page


def take(page: Page, address: str, name: str) -> None:
    """One picture, once nothing on the page is a placeholder any more: of the whole page on a desk, of what is in sight
    on a phone and for README."""
    page.goto(address)
    page.locator(".skeleton").first.wait_for(state="detached")
    if page.get_by_test_id("amount").count() and name.startswith("trade-full"):
        page.get_by_test_id("amount").fill("12.5")
        page.get_by_test_id("swap-button").and_(page.locator(":enabled")).wait_for()
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=OUT / f"{name}.png", full_page="desk" in name and name not in CHOSEN)


def take_all(browser: Browser, origin: str, trader: Account, newcomer: Account) -> None:
    """Every page in every look; in each, three more orders are on their way and their outcome is not known."""
    orders = {
        "order": trader.orders(status="confirmed", kind="swap")[0]["orderId"],
        "order-failed": trader.orders(status="failed")[-1]["orderId"],
    }
    pages = {"trade": "/", "orders": "/orders", "wallet": "/wallet", "account": "/account", "status": "/status"}
    for (size, options), scheme in itertools.product(SIZES.items(), SCHEMES):
        look = f"{scheme}-{size}"
        orders["order-unknown"] = [trader.place("SOL", token, "2.5") for token in ("USDT", "BONK", "USDC")][-1]
        for kind, who in (("full", trader), ("empty", newcomer)):
            page = log_in(browser, origin, who.name, color_scheme=scheme, **options)
            if kind == "full":
                for what, order in orders.items():
                    take(page, f"/orders/{order}", f"{what}-{kind}-{look}")
            for place, address in pages.items():
                take(page, address, f"{place}-{kind}-{look}")
            page.context.close()
        page = browser.new_context(base_url=origin, color_scheme=scheme, **options).new_page()
        take(page, "/login/", f"login-{look}")
        page.context.close()


def main() -> None:
    """Trade, then take the pictures."""
    OUT.mkdir(parents=True, exist_ok=True)
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with (
        chain() as (urls, admin),
        engine(**urls, SLOT_MS=SLOT_MS) as running,
        account(running.origin, "trading-desk") as trader,
        account(running.origin, "newcomer") as newcomer,
    ):
        trade(trader, admin)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            take_all(browser, running.origin, trader, newcomer)
            browser.close()
    for name, target in CHOSEN.items():
        shutil.copyfile(OUT / f"{name}.png", IN_DOCS / target)
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
