"""The pages run under their Content-Security-Policy, and what it forbids does not run.

Every test of a page fails on a violation (see `new_page`); these see to it that all of a visit is among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import RunningEngine
from tests.e2e.conftest import POLICY
from tests.e2e.person import LOGIN, TRADE, Person

WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


def test_a_whole_visit_keeps_within_the_policy(person: Person) -> None:
    person.page.goto("/login/")
    person.see("username").fill(person.name)
    person.see("password").fill("not an account yet")
    person.see("submit").click()
    expect(person.see("refusal")).to_be_visible()
    expect(person.see("username")).to_have_value(person.name)
    person.create_account()
    person.get_funds()
    expect(person.page.get_by_text("Test funds have arrived")).to_be_visible()
    person.swap("0.5")
    expect(person.newest_order("confirmed")).to_be_visible(timeout=45_000)
    expect(person.page.get_by_text("Swap confirmed")).to_be_visible()
    person.see("account").click()
    person.see("mode-dark").click()
    expect(person.page.locator("html")).to_have_class("dark")
    person.page.goto("/nothing/here/")
    expect(person.page.get_by_text("nothing at this address")).to_be_visible()
    person.page.goto("/login/")
    expect(person.page).to_have_url(TRADE)
    expect(person.see("connection")).to_have_text("Live")
    person.see("account").click()
    person.see("log-out").click()
    expect(person.page).to_have_url(LOGIN)


def test_who_chose_a_common_password_is_warned(person: Person) -> None:
    person.password = "password123"
    person.page.goto("/create-account/")
    person.fill_in()
    expect(person.page.get_by_text("tried first")).to_be_visible()


def test_the_documents_page_runs_within_the_policy(new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/api/docs")
    route = page.locator("#operations-health-health_api_health_get")
    expect(route).to_be_visible()
    route.click()
    route.get_by_role("button", name="Try it out").click()
    route.get_by_role("button", name="Execute").click()
    expect(route.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")


def test_what_a_page_does_not_bring_along_does_not_run(browser: Browser, engine: RunningEngine) -> None:
    context = browser.new_context(base_url=engine.base_url)
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
    page.add_init_script(WATCH)
    page.goto("/login/")
    page.evaluate(
        """() => {
        const script = document.createElement("script");
        script.textContent = "window.injected = true";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<img src='/favicon.svg' onload='window.injected = true'>");
        const late = document.createElement("script");
        late.textContent = "window.evaluated = eval('1 + 1')";
        document.body.append(late);
    }"""
    )
    page.wait_for_function("window.violations.length >= 3")
    assert all(POLICY in text for text in refused)
    assert len(refused) >= 3
    assert page.evaluate("[window.injected, window.evaluated]") == [None, None]
    context.close()


def test_a_browser_that_runs_no_scripts_sends_no_secret_in_an_address(
    new_page: Callable[..., Page], person: Person
) -> None:
    person.create_account()
    session = person.page.context.storage_state()
    page = new_page(storage_state=session, java_script_enabled=False)
    for path, secrets in (("/wallet/", 2), ("/account/", 2)):
        page.goto(path)
        forms = page.locator("form").filter(has=page.locator("input[type=password]"))
        expect(forms).to_have_count(secrets)
        for form in forms.all():
            expect(form).to_have_attribute("method", "post")
            if form.get_attribute("action") is None:
                expect(form.locator("button[type=submit]")).to_be_disabled()
    stranger = new_page(java_script_enabled=False)
    for path in ("/login/", "/create-account/"):
        stranger.goto(path)
        expect(stranger.locator("form")).to_have_attribute("method", "post")
        expect(stranger.locator("form")).to_have_attribute("action", re.compile("^/session/"))


@pytest.mark.parametrize("path", ["/login/", "/create-account/", "/nothing/here/", "/api/docs"])
def test_a_page_allows_only_scripts_it_names(engine: RunningEngine, path: str) -> None:
    answer = httpx.get(engine.base_url + path)
    directives = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    sources = directives["script-src"].split()
    assert sources[0] == "'self'"
    assert all(re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", source) for source in sources[1:])
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert "script-src-elem" not in directives


@pytest.mark.parametrize("path", ["/login/", "/api/health", "/api/unknown", "/css/base.css", "/api/openapi.json"])
def test_every_answer_is_under_strict_headers(engine: RunningEngine, path: str) -> None:
    answer = httpx.get(engine.base_url + path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "content-security-policy" in answer.headers
    assert "strict-transport-security" not in answer.headers
    if path.startswith("/api/"):
        assert answer.headers["cache-control"] == "no-store"
