"""A real browser for tests: Debian's Chromium, driven by Playwright; and axe-core from npm."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
AXE = "axe-core@4.10.3"


def open_chromium() -> Iterator[Any]:
    """A headless browser; the test is skipped, with the reason, where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is installed: none of {', '.join(NAMES)}")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


def axe_source() -> str:
    """axe-core's script, fetched once into the cache folder; skipped where npm gives none."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: axe-core cannot be fetched")
    cache = Path(tempfile.gettempdir()) / "bedrock-prep-tests"
    script = cache / f"{AXE}.js"
    if not script.exists():
        cache.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            line = ["npm", "pack", "--silent", AXE]
            done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"npm could not fetch {AXE}: {done.stderr.strip()[-200:]}")
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as packed:
                member = packed.extractfile("package/axe.min.js")
                assert member is not None
                unfinished = script.with_suffix(".part")
                unfinished.write_bytes(member.read())
                unfinished.replace(script)
    return script.read_text(encoding="utf-8")
