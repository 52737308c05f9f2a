"""What others send shows on the wallet page within two slots of its confirmation, on a chain with mainnet's slots.

The page itself notes the moment it shows something; a watch beside it notes when each slot was confirmed. Nothing is
sent again, nothing measured again: a machine that other work keeps busy may be late with some, not with most.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, expect

from engine_app.embedded import processes
from engine_app.embedded.addresses import wait_for_addresses
from engine_app.embedded.background import BackgroundSupervisor
from engine_app.embedded.endpoints import Endpoints
from engine_app.embedded.ports import free_port
from engine_app.embedded.processes import LocalChain
from tests.conftest import ENGINE_SETTINGS, JWT_SECRET, MNEMONIC, plain_environment
from tests.e2e.conftest import PATIENCE_MS
from tests.e2e.person import Person

SOL = 10**9
SLOT_MS = 400
MOST_SLOTS = 2
DEPOSITS = 7
STOCK = 4
WEB, WORKER = "slow-web", "slow-worker"

WATCH = """
() => {
  const told = new Set();
  const tell = (what) => { if (!told.has(what)) { told.add(what); window.shown(what, Date.now()); } };
  const look = () => {
    for (const [, sol] of document.body.textContent.matchAll(/([0-9.]+) SOL received/g)) tell(`toast ${sol}`);
    const balance = document.querySelector("[data-testid=balance-SOL]");
    if (balance) tell(`balance ${balance.textContent}`);
    for (const row of document.querySelectorAll("[data-testid=activity-row]")) {
      for (const [, sol] of row.textContent.matchAll(/Received ([0-9.]+) SOL/g)) tell(`row ${sol}`);
    }
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}
"""


class Chain:
    """What somebody else asks the chain's node."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(timeout=30.0)

    def ask(self, method: str, *params: Any) -> Any:
        """The result of one call."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self._client.post(self._url, json=body).json()["result"]

    def landed(self, signature: str) -> int:
        """The slot that a transaction landed in."""
        return int(self.ask("getSignatureStatuses", [signature])["value"][0]["slot"])

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class SlotWatch:
    """Notes, until the end of the block, which slot was the newest confirmed one at which time."""

    def __init__(self, url: str) -> None:
        self._chain = Chain(url)
        self._seen: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._chain.close()

    def confirmed_at(self, at_ms: float) -> int:
        """The slot at a time of the wall clock, milliseconds; rather one too many than one too few."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not self._seen or self._seen[-1][0] < at_ms:
            assert time.monotonic() < deadline, "nobody watches"
            time.sleep(0.01)
        return next(slot for seen_ms, slot in self._seen if seen_ms >= at_ms)

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            asked_ms = time.time() * 1000
            self._seen.append((asked_ms, int(self._chain.ask("getSlot", {"commitment": "confirmed"}))))


@pytest.fixture
def slow_chain(new_localnet: Callable[[int], LocalChain], supervisor: BackgroundSupervisor) -> Iterator[LocalChain]:
    """A chain with the slots of mainnet."""
    chain = new_localnet(SLOT_MS)
    yield chain
    supervisor.stop(f"localnet-{chain.port}")


@pytest.fixture
def origin(  # noqa: PLR0917 - what it runs on
    supervisor: BackgroundSupervisor,
    new_database: Callable[[], str],
    new_redis: Callable[[], str],
    slow_chain: LocalChain,
    page: Callable[[int], Path],
    tmp_path: Path,
) -> Iterator[str]:
    """A worker and a web process on that chain; the page's origin."""
    port = free_port()
    endpoints = Endpoints(new_database(), new_redis(), slow_chain.rpc_url, slow_chain.ws_url)
    own = {"DATA_DIR": str(tmp_path), "ADDRESS_STOCK": str(STOCK), "JWT_SECRET": JWT_SECRET}
    base = plain_environment() | ENGINE_SETTINGS | endpoints.environment() | own
    supervisor.start(processes.worker(base, MNEMONIC, WORKER))
    supervisor.call(wait_for_addresses(endpoints.database_url, STOCK))
    base |= {"HOST": "127.0.0.1", "PORT": str(port)}
    supervisor.start(processes.web(base, page(port), "127.0.0.1", port, WEB))
    yield f"http://localhost:{port}"
    supervisor.stop(WEB, WORKER)


def test_what_others_send_shows_within_two_slots(browser: Browser, origin: str, slow_chain: LocalChain) -> None:
    context = browser.new_context(base_url=origin, locale="en-GB")
    person, chain = Person(context.new_page(), f"ada-{uuid4().hex[:10]}"), Chain(slow_chain.rpc_url)
    person.page.set_default_timeout(PATIENCE_MS)
    person.create_account()
    person.page.goto("/wallet/")
    expect(person.see("activity-empty")).to_be_visible()
    address = person.see("full-address").inner_text()
    shown: dict[str, float] = {}

    def note(what: str, at_ms: float) -> None:
        shown[what] = at_ms

    person.page.expose_function("shown", note)
    person.page.evaluate(WATCH)
    late: dict[str, list[int]] = {"balance": [], "toast": [], "row": []}
    total = 0
    with SlotWatch(slow_chain.rpc_url) as slots:
        for number in range(1, DEPOSITS + 1):
            sent = SOL + number * SOL // 100
            total += sent
            wanted = {
                "balance": f"balance {total / SOL:.9g}",
                "toast": f"toast {sent / SOL:.9g}",
                "row": f"row {sent / SOL:.9g}",
            }
            signature = chain.ask("requestAirdrop", address, sent, {"commitment": "confirmed"})
            deadline = time.monotonic() + PATIENCE_MS / 1000
            while not shown.keys() >= set(wanted.values()):
                assert time.monotonic() < deadline, (wanted, shown)
                person.page.wait_for_timeout(10)
            for what, text in wanted.items():
                late[what].append(slots.confirmed_at(shown[text]) - chain.landed(signature))
    chain.close()
    context.close()
    print("slots from confirmation to the page:", late)
    assert all(statistics.median(each) <= MOST_SLOTS for each in late.values()), late
