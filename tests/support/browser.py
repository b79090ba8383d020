"""A real browser, and helpers that read this project's pages in it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""The system's browser; ``None`` means Playwright's own, which ``nox -s tests`` installs."""

TIMEOUT_MS = 120_000
"""Limit of a wait, which only a broken page reaches, however busy the machine."""

expect.set_options(timeout=TIMEOUT_MS)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser."""
    with sync_playwright() as playwright:
        # No sandbox: neither root nor many containers can have one, and the browser opens only pages of this project.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=TIMEOUT_MS)
        yield browser
        browser.close()


@contextlib.contextmanager
def open_page(browser: Browser, page: Path | str, **settings: Any) -> Iterator[Page]:
    """Open a file or an address; until it is closed, the page must log no problem and fetch nothing.

    Args:
        browser: the browser to use.
        page: the file or the address.
        settings: settings of the browser's context, for example its ``viewport``.
    """
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **settings)
    context.set_default_timeout(TIMEOUT_MS)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda line: problems.append(line.text) if line.type in {"error", "warning"} else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("request", lambda sent: None if sent.url.startswith("file:") else problems.append(sent.url))
    opened.goto(page.as_uri() if isinstance(page, Path) else page)
    yield opened
    context.close()
    assert not problems


def serious_findings(page: Page, within: str | None = None) -> list[tuple[str, list[str]]]:
    """Return axe's serious and critical findings about accessibility, with the elements."""
    found = Axe().run(page, within, {"resultTypes": ["violations"]}).response["violations"]
    return [
        (one["id"], [node["html"][:200] for node in one["nodes"]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def mark_labels(page: Page, nth: int = 0) -> list[str]:
    """Return the labels of the marks of a drawing."""
    labels: list[str] = (
        page.locator("#view svg").nth(nth).locator(".mark").evaluate_all("all => all.map(one => one.ariaLabel)")
    )
    return labels


def choose(page: Page, name: str, value: str) -> None:
    """Click one of the choices of a page."""
    page.locator(f"#explore input[name={name}][value='{value}']").locator("..").click()


def clipboard(page: Page) -> str:
    """Return the text in the clipboard."""
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text
