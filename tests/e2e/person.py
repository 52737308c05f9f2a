"""What a person does on the page, and sees there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

PASSWORD = "correct horse battery"
TRADE = re.compile(r"^https?://[^/]+/$")
LOGIN = re.compile(r"/login/?(\?|$)")
CREATE = re.compile(r"/create-account/?(\?|$)")


@dataclass
class Person:
    """Somebody with a browser."""

    page: Page
    name: str
    password: str = PASSWORD

    def see(self, test_id: str) -> Locator:
        """The element that carries this test id."""
        return self.page.get_by_test_id(test_id)

    def open(self, path: str) -> None:
        """Load a page of who is logged in and wait until it is live: what is pressed before that may be lost."""
        self.page.goto(path)
        expect(self.see("connection")).to_have_text("Live")

    def create_account(self) -> None:
        """From nothing to the trade page."""
        self.page.goto("/create-account/")
        self.fill_in()
        expect(self.page).to_have_url(TRADE)
        expect(self.see("connection")).to_have_text("Live")

    def log_in(self) -> None:
        """Send the log-in form; what comes of it is for the test to look at."""
        self.page.goto("/login/")
        self.fill_in()

    def fill_in(self) -> None:
        """Name, password, and the form's button."""
        self.see("username").fill(self.name)
        self.see("password").fill(self.password)
        self.see("submit").click()

    def type_anew(self, field: str, text: str) -> None:
        """Fill in a field that a refusal empties: it does so a moment after it is read."""
        expect(self.see(field)).to_have_value("")
        self.see(field).fill(text)

    def get_funds(self) -> None:
        """Press *Get test funds* and see them."""
        self.see("get-funds").click()
        expect(self.see("balance-USDC")).to_be_visible(timeout=30_000)

    def quote(self, amount: str) -> None:
        """Type an amount and wait until it can be swapped."""
        self.see("amount").fill(amount)
        expect(self.page.locator("#amount[data-typing]")).to_have_count(0)
        expect(self.see("swap-button")).to_be_enabled()

    def swap(self, amount: str) -> None:
        """Type an amount and press the button once the price is there."""
        self.quote(amount)
        self.see("swap-button").click()

    def choose(self, side: str, token: str) -> None:
        """Choose the token to pay (`in`) or to receive (`out`) from the dialog's list."""
        self.see(f"token-{side}").click()
        self.see(f"option-{token}").click()
        self.has_chosen(side, token)

    def has_chosen(self, side: str, label: str) -> None:
        """See a side's token, and the dialog gone: behind it nothing can be typed."""
        expect(self.see(f"token-{side}")).to_have_text(label)
        expect(self.see("token-picker")).not_to_be_visible()

    def address(self) -> str:
        """The trading address, as the trade page has it."""
        expect(self.see("address")).to_be_visible()
        return str(self.see("address").get_attribute("title"))

    def orders(self, status: str) -> Locator:
        """The rows of the history with this status."""
        return self.page.locator(f'[data-testid=order][data-status="{status}"]')

    def newest_order(self, status: str) -> Locator:
        """The card of the newest order, once it has this status."""
        return self.page.locator(f'[data-testid=progress][data-status="{status}"]')
