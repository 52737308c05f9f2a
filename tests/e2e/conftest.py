"""A browser on the production build over a real engine: one browser for all tests, a context for each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.conftest import RunningEngine
from tests.e2e.person import Person

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
"""Its names on PATH; `make test` makes sure of one."""

PATIENCE_MS = 20_000
POLICY = "Content Security Policy"
"""What Chromium calls it where it tells the console of a refusal."""
CAUSED = "Caused by "
TELL_CAUSES = f"""
addEventListener("error", ({{ error }}) => {{ if (error?.cause) console.error("{CAUSED}" + error.cause.stack); }});
"""
"""React's own errors name what was thrown as their cause alone."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The Chromium on PATH, without a window. It ends with these tests: its event loop would be in others' way."""
    expect.set_options(timeout=PATIENCE_MS)
    path = next(filter(None, map(shutil.which, CHROMIUM)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember of each test whether it failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def new_page(browser: Browser, engine: RunningEngine, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Opens pages, each in a context of its own; the test fails on any error that a page's scripts raise, and on
    anything that its Content-Security-Policy refuses."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def hear(told: ConsoleMessage) -> None:
        if POLICY in told.text or CAUSED in told.text:
            errors.append(told.text)

    def open_page(**options: object) -> Page:
        context = browser.new_context(base_url=engine.base_url, locale="en-GB", **options)  # type: ignore[arg-type]
        context.add_init_script(TELL_CAUSES)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", hear)
        return page

    yield open_page
    for context in contexts:
        if request.node.stash.get(FAILED, False):
            for page in context.pages:
                print(f"{page.url} shows:\n{page.locator('body').inner_text()}")
        context.close()
    assert errors == []


@pytest.fixture
def person(new_page: Callable[..., Page]) -> Person:
    """Somebody at the log-in page who has no account yet."""
    return Person(new_page(), f"ada-{uuid4().hex[:10]}")
