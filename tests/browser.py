"""A real browser for tests: Debian's Chromium, driven by Playwright; and axe-core."""

from __future__ import annotations

import importlib.resources
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
REQUIRED = "BEDROCK_PREP_BROWSER"
"""Set in CI: these tests are then not skipped for want of a browser but fail."""


def open_chromium() -> Iterator[Any]:
    """A headless browser; the test is skipped, with the reason, where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        told = f"no browser is installed: none of {', '.join(NAMES)}"
        pytest.fail(told) if os.environ.get(REQUIRED) else pytest.skip(told)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


def axe_source() -> str:
    """axe-core's script, as the package for Playwright carries it; the lock pins it by its hash."""
    found = importlib.resources.files("axe_playwright_python") / "axe.min.js"
    return found.read_text(encoding="utf-8")
