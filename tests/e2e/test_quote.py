"""The order form: what a quote tells, how tokens are chosen, and what cannot be ordered by mistake."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import psycopg
from playwright.sync_api import Locator, Page, expect
from solders.keypair import Keypair
from solders.transaction import VersionedTransaction

from engine_app.chain.clusters import CLUSTERS
from engine_app.chain.rpc import Rpc
from engine_app.chain.transactions import compose
from engine_app.ui.quote_view import IMPACT_LEEWAY
from tests.conftest import RunningEngine
from tests.e2e.person import Person
from tests.e2e.test_access import findings
from tests.e2e.test_look import OVERFLOW, PHONE
from tests.e2e.test_trade import ORDER_MS
from tests.e2e.test_wallet import SOL, arrive
from tests.mints import mint_size, new_mint, transfer_fee
from tests.stopping import stopped
from tests.waiting import until

QUOTED_WITHIN_SECONDS = 3.0
"""After the last key; on an idle machine it takes less than 0.3 s, of which half waits whether another key comes."""

STOPWATCH = """() => {
  const button = document.querySelector("[data-testid=swap-button]");
  document.querySelector("#amount").addEventListener("input", () => {
    window.typedAt = performance.now();
    window.quotedAt = NaN;
  });
  new MutationObserver(() => {
    if (!button.disabled && Number.isNaN(window.quotedAt)) window.quotedAt = performance.now();
  }).observe(button, { attributes: true, characterData: true, childList: true, subtree: true });
}"""
"""Notes in the page when the last key was typed and when its amount could be swapped."""

SMALLEST_FIELD = """Math.min(
  ...[...document.querySelectorAll("input, select")].map((field) => parseFloat(getComputedStyle(field).fontSize)),
)"""
"""Pixels; phones zoom into a field below 16."""

PAIRS = """() => {
  const read = (id) => document.querySelector(`[data-testid=${id}]`).textContent;
  window.pairs = [];
  new MutationObserver(() => window.pairs.push([read("token-out"), read("amount-out")]))
    .observe(document.querySelector(".swap"), { characterData: true, childList: true, subtree: true });
}"""
"""Notes in the page which amount to receive stood beside which token."""


def test_a_quote_tells_all_that_is_to_be_known(person: Person) -> None:
    person.create_account()
    expect(person.see("amount")).to_be_focused()
    person.get_funds()
    person.page.evaluate(STOPWATCH)
    took = []
    for amount in ("1.1", "1.2", "1.3", "1.4", "1.5"):
        person.see("amount").fill("")
        expect(person.see("swap-button")).to_be_disabled()
        person.see("amount").press_sequentially(amount, delay=20)
        person.page.wait_for_function("() => window.quotedAt >= window.typedAt")
        took.append(person.page.evaluate("window.quotedAt - window.typedAt"))
    assert statistics.median(took) < QUOTED_WITHIN_SECONDS * 1_000, took
    expect(person.see("amount")).to_have_value("1.5")
    best, other = (person.page.locator(f"[data-testid^=venue-][data-best={is_best}]") for is_best in ("true", "false"))
    expect(best).to_contain_text("Best")
    expect(best).to_contain_text(re.compile(r"\+\d+\.\d bps"))
    expect(best).to_contain_text(re.compile(r"\+[\d.]+ USDC"))
    expect(other).to_contain_text(re.compile(r"−\d+\.\d bps"))
    expect(person.see("quote-floor")).to_have_text(re.compile(r"^2\d\d\.\d+ USDC$"))
    expect(person.see("quote-impact")).to_have_text(re.compile(r"^0\.\d+%$"))
    expect(person.see("quote-age")).to_contain_text(re.compile(r"as of slot [\d,]+(, \d+ slots? behind)?$"))
    leg = person.see("route-leg").first
    expect(leg.locator(".mono")).to_have_attribute("title", re.compile("^[1-9A-HJ-NP-Za-km-z]{32,44}$"))
    expect(leg).to_contain_text(re.compile("Meteora DAMM v2|Raydium CPMM"))
    expect(leg).to_contain_text("%")
    expect(leg).to_contain_text(re.compile(r"fee [\d.]+ (USDC|SOL)"))
    person.see("costs").locator("summary").click()
    expect(person.see("cost-network")).to_have_text("0.000005 SOL")
    expect(person.see("cost-priority")).to_contain_text("≤")
    expect(person.see("cost-lent")).to_have_text("0.00203928 SOL")
    expect(person.see("size-words")).to_contain_text(
        re.compile(r"From about [\d.]+ SOL on, (Raydium|Meteora) pays most|pays most at every size shown")
    )
    expect(person.see("size-card").locator(".recharts-line-curve")).to_have_count(2)
    expect(person.see("size-card")).to_contain_text("This order")
    person.page.evaluate("scrollTo(0, 0)")
    person.page.emulate_media(reduced_motion="reduce")
    assert findings(person.page) == []
    before = person.see("refresh-ring").get_attribute("data-ring")
    person.see("refresh").click()
    expect(person.see("refresh-ring")).not_to_have_attribute("data-ring", str(before))
    rate = Decimal(_number(person.see("turn-rate"), r"1 SOL = ([\d.]+) USDC"))
    person.see("turn-rate").click()
    back = Decimal(_number(person.see("turn-rate"), r"1 USDC = ([\d.]+) SOL"))
    assert abs(rate * back - 1) < Decimal("0.001")
    person.see("slippage").fill("5")
    expect(person.see("slippage-warning")).to_contain_text("trade ahead")
    person.see("slippage").fill("0.05")
    expect(person.see("slippage-warning")).to_contain_text("may fail")
    person.see("slippage").fill("60")
    expect(person.see("swap-notice")).to_contain_text("Slippage")
    expect(person.see("slippage-warning")).to_have_count(0)
    person.see("slippage-0.5").click()
    expect(person.see("swap-notice")).to_have_count(0)
    expect(person.see("slippage-warning")).to_have_count(0)


def _number(place: Locator, words: str) -> str:
    """The number that stands in a place, once it does."""
    expect(place).to_have_text(re.compile(words))
    found = re.search(words, place.inner_text())
    assert found is not None
    return found[1]


def test_a_split_and_two_hops_are_shown_leg_by_leg_and_traded(person: Person, engine: RunningEngine) -> None:
    person.create_account()
    person.get_funds()
    arrive(engine, person.address(), 200 * SOL)
    expect(person.see("balance-SOL")).to_have_text("210")
    legs = person.see("route-leg")
    person.quote("100")  # So much is split whatever others have left the pools' prices at.
    expect(person.see("route")).to_contain_text("split over 2 pools")
    expect(legs).to_have_count(2)
    for name in ("Meteora DAMM v2", "Raydium CPMM"):
        expect(legs.filter(has_text=name)).to_contain_text(re.compile(r"\d+(\.\d)?%"))
    expect(person.see("better-than-one")).to_contain_text(re.compile(r"^\+[\d.]+ bps · \+[\d.]+ USDC"))
    person.choose("out", "BONK")
    person.choose("in", "USDT")
    person.quote("100")
    expect(person.see("route")).to_contain_text("2 hops over")
    expect(legs.filter(has_text="Hop 1")).not_to_have_count(0)
    expect(legs.filter(has_text="Hop 2")).to_contain_text("BONK")
    expect(person.see("left-over")).to_contain_text("at most")
    expect(person.see("size-none")).to_be_visible()
    person.see("swap-button").click()
    expect(person.newest_order("confirmed")).to_contain_text("100 USDT", timeout=ORDER_MS)


def test_the_chart_writes_prices_and_sizes_as_the_form_does(person: Person) -> None:
    person.create_account()
    chart = person.see("size-card")
    person.choose("out", "BONK")
    person.see("amount").fill("1000")
    expect(chart).to_contain_text(re.compile(r"[1-9],\d{3},\d{3}"))
    person.see("flip").click()
    person.see("amount").fill("20000000")
    expect(chart).to_contain_text("0.00000013")
    expect(chart).to_contain_text("10,000,000")
    ticks = chart.locator(".recharts-cartesian-axis-tick-value").all_text_contents()
    assert [tick for tick in ticks if not re.fullmatch(r"\d{1,3}(,\d{3})*(\.\d+)?", tick)] == []


def test_an_order_is_placed_with_the_keyboard_alone(person: Person) -> None:
    person.create_account()
    person.get_funds()
    keys = person.page.keyboard
    person.see("token-out").focus()
    keys.press("Enter")
    expect(person.see("token-search")).to_be_focused()
    keys.type("tether", delay=10)
    keys.press("Enter")
    person.has_chosen("out", "USDT")
    expect(person.see("token-out")).to_be_focused()
    keys.press("Enter")
    expect(person.see("option-BONK").get_by_label("On this engine's list")).to_be_visible()
    keys.press("ArrowUp")
    keys.press("ArrowUp")
    expect(person.see("option-USDT")).to_have_attribute("aria-selected", "true")
    keys.press("ArrowUp")
    keys.press("Enter")
    person.has_chosen("out", "USDC")
    expect(person.see("token-out")).to_be_focused()
    keys.press("Enter")
    expect(person.see("token-search")).to_be_focused()
    keys.press("Escape")
    expect(person.see("token-picker")).not_to_be_visible()
    person.see("amount").focus()
    keys.type("0.25")
    keys.press("Enter")
    expect(person.see("swap-button")).to_be_enabled()
    keys.press("Enter")
    keys.press("Enter")
    expect(person.newest_order("confirmed")).to_contain_text("0.25 SOL", timeout=ORDER_MS)
    expect(person.see("order")).to_have_count(1)
    expect(person.see("amount")).to_be_focused()
    keys.type("0.125")
    expect(person.page.locator("#amount[data-typing]")).to_have_count(0)
    expect(person.see("swap-button")).to_be_enabled()
    person.see("swap-button").press("Space")
    expect(person.see("progress")).to_be_focused()
    expect(person.newest_order("confirmed")).to_contain_text("0.125 SOL", timeout=ORDER_MS)
    expect(person.see("progress")).to_be_focused()


def test_a_token_of_no_list_is_found_by_its_mint_and_warned_of(
    new_page: Callable[..., Page], engine: RunningEngine
) -> None:
    person = Person(new_page(**PHONE), f"ada-{uuid4().hex[:10]}")
    person.create_account()
    mint = made_mint(engine)
    person.see("token-out").click()
    person.see("token-search").fill("no such token")
    expect(person.see("picker-empty")).to_be_visible()
    person.see("token-search").fill(mint)
    option = person.see(f"option-{mint}")
    expect(option).to_contain_text("Unlisted")
    expect(option).to_contain_text("A part of every transfer is withheld")
    assert person.page.evaluate(OVERFLOW) == 0
    option.click()
    person.has_chosen("out", f"{mint[:4]}…{mint[-4:]}")
    expect(person.see("token-warnings")).to_contain_text("Somebody can make more of it")
    person.see("amount").fill("1")
    expect(person.see("swap-notice")).to_be_visible()
    expect(person.see("swap-button")).to_be_disabled()
    assert person.page.evaluate(OVERFLOW) == 0
    assert person.page.evaluate(SMALLEST_FIELD) >= 16


def test_a_high_price_impact_has_to_be_typed(person: Person, engine: RunningEngine) -> None:
    person.create_account()
    arrive(engine, person.address(), 8_010 * SOL)
    expect(person.see("balance-SOL")).to_have_text("8,010")
    person.choose("out", "BONK")
    person.quote("8000")
    impact = Decimal(_number(person.see("quote-impact"), r"^([\d.]+)%$"))
    person.quote(str(round(8_000 * Decimal("2.5") / impact)))
    expect(person.see("quote-impact").locator("[data-tone=warn]")).to_be_visible()
    shown = swap_despite(person, "8000", by_enter=False)
    with psycopg.connect(engine.database_url) as connection:
        found = connection.execute(
            "SELECT o.max_price_impact FROM orders o JOIN users u ON u.id = o.user_id WHERE u.username = %s",
            [person.name],
        ).fetchall()
    (allowed,) = found[0]
    assert Decimal("0.05") < shown < Decimal("0.3")
    assert abs(allowed - shown - IMPACT_LEEWAY) < Decimal("0.0002")
    expect(person.see("balance-BONK")).to_be_visible()
    # The way back leaves the pools about where they were.
    person.see("flip").click()
    person.see("use-max").click()
    swap_despite(person, None, by_enter=True)


def swap_despite(person: Person, amount: str | None, *, by_enter: bool) -> Decimal:
    """Place an order whose price impact has to be confirmed, and see it confirmed on the chain; the impact shown."""
    if amount is not None:
        person.see("amount").fill(amount)
    button, word, despite = person.see("swap-button"), person.see("confirmation"), person.see("place-despite")
    expect(button).to_contain_text("look closer")
    expect(person.see("quote-impact").locator("[data-tone=bad]")).to_be_visible()
    shown = Decimal(_number(person.see("quote-impact"), r"^([\d.]+)%$")) / 100
    button.click()
    expect(word).to_be_focused()
    if amount is not None:
        expect(person.see("impact-dialog")).to_contain_text(f"{int(amount):,} SOL")
    expect(despite).to_be_disabled()
    word.fill("yes")
    expect(despite).to_be_disabled()
    word.fill("swap")
    expect(despite).to_be_enabled()
    if by_enter:
        word.press("Enter")
    else:
        despite.click()
    expect(word).not_to_be_visible()
    expect(person.newest_order("confirmed")).to_be_visible(timeout=ORDER_MS)
    return shown


def test_an_old_price_cannot_be_ordered_and_is_asked_for_again(person: Person, engine: RunningEngine) -> None:
    person.create_account()
    person.get_funds()
    person.quote("1")
    expect(person.see("cost-network")).to_have_count(1)
    with stopped(engine.supervisor, f"localnet-{engine.chain.port}"):
        expect(person.page.locator("[data-testid=swap-button]:enabled")).to_have_count(0, timeout=30_000)
        expect(person.see("retry-price")).to_have_text("No price: try again", timeout=30_000)
        expect(person.see("swap-notice")).to_contain_text("No Solana node gives an answer")
        expect(person.see("order")).to_have_count(0)
    expect(person.see("swap-button")).to_be_enabled(timeout=30_000)
    expect(person.see("swap-notice")).to_have_count(0)


def test_no_amount_stands_beside_a_token_that_it_is_not_of(person: Person) -> None:
    person.create_account()
    person.see("amount").fill("1.5")
    expect(person.see("quote-rate")).to_contain_text("1 SOL =")
    of_usdc = person.see("amount-out").inner_text()
    person.page.evaluate(PAIRS)
    person.see("flip").click()
    expect(person.see("amount-out")).to_have_text(re.compile(r"^0\.0"))
    person.choose("in", "USDT")
    expect(person.see("quote-rate")).to_contain_text("1 USDT =")
    pairs = person.page.evaluate("window.pairs")
    assert ["SOL", of_usdc] not in pairs
    assert any(token == "SOL" for token, _ in pairs)


def made_mint(engine: RunningEngine) -> str:
    """A new mint that keeps a fee of transfers, on no list."""

    async def make() -> str:
        rpc, payer, mint = Rpc([engine.chain.rpc_url], CLUSTERS["localnet"]), Keypair(), Keypair()
        await rpc.start()
        await rpc.airdrop(payer.pubkey(), SOL)

        async def funded() -> bool:
            return await rpc.balance(payer.pubkey()) > 0

        await until(funded)
        extensions = [transfer_fee(100, 10**9)]
        rent = await rpc.rent_exemption(mint_size(extensions))
        message = compose(
            payer.pubkey(),
            new_mint(payer.pubkey(), mint.pubkey(), extensions, decimals=6, lamports=rent),
            blockhash=(await rpc.latest_blockhash()).hash,
            compute_unit_limit=200_000,
            compute_unit_price=0,
        )
        await rpc.send(bytes(VersionedTransaction(message, [payer, mint])))

        async def there() -> bool:
            return mint.pubkey() in (await rpc.accounts([mint.pubkey()])).accounts

        await until(there)
        await rpc.close()
        return str(mint.pubkey())

    return engine.supervisor.call(make())
