"""A real browser, and what can be seen in it of a page of ours."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""The system's; without one Playwright's own, which ``nox -s tests`` has installed."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # No sandbox: it cannot be had by root, or inside many containers; what is opened is our own page.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser: Browser, path: Path) -> Iterator[Page]:
    """Open a page, which must neither complain nor fetch anything until it is closed."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file:") else wrong.append(request.url))
    page.goto(path.as_uri())
    yield page
    assert not wrong
    context.close()


def grave(page: Page, within: str | None = None) -> list[tuple[str, list[str]]]:
    """Return what keeps people out: axe's serious and critical findings, with the elements."""
    found = Axe().run(page, within, {"resultTypes": ["violations"]}).response["violations"]
    return [
        (one["id"], [node["html"][:200] for node in one["nodes"]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def chart(page: Page, nth: int = 0) -> list[str]:
    """Return what the marks of a drawing say."""
    labels: list[str] = (
        page.locator("#view svg").nth(nth).locator(".mark").evaluate_all("all => all.map(one => one.ariaLabel)")
    )
    return labels


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f"#explore input[name={name}][value='{value}']").locator("..").click()


def clipboard(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text
