"""Running lines of a PDF: what stands apart at a page's edge goes, a body's own lines stay."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import documents_made as made
import pytest
from test_readers import put, read

from pipeline.readers.pdf import PdfReader
from pipeline.readers.pdf_columns import Line
from pipeline.readers.pdf_running import without_running_lines

Page = dict[float, str]
WORDS = ["tea", "leaf", "pot", "water", "cup", "rain", "hill", "farm", "steam", "green", "black"]
BODY = [700.0 - 14 * line for line in range(8)]


def body(number: int, bases: list[float] = BODY) -> Page:
    """Lines of a page that no other page has."""
    lot = random.Random(number)
    return {base: " ".join(lot.sample(WORDS, 6)) for base in bases}


def kept(make: Callable[[int], Page], pages: int) -> list[list[str]]:
    """The lines that are left of pages, each made of its number."""
    made_pages = {n: _lines(make(n)) for n in range(1, pages + 1)}
    left = without_running_lines(made_pages)
    assert list(left) == list(made_pages)
    return [[text for text, *_ in page] for page in left.values()]


def _lines(page: Page) -> list[Line]:
    return [(text, 72.0, 72.0 + 5 * len(text), base) for base, text in page.items()]


@pytest.mark.parametrize(
    "running",
    [
        lambda n: {740.0: "The book of tea"},
        lambda n: {740.0 + n % 2 * 3: "The Book of Tea" if n % 2 else "THE BOOK OF TEA"},
        lambda n: {740.0: f"{n + 12}"},
        lambda n: {740.0: f"Page {n} of 9"},
        lambda n: {740.0: f"Chapter 2: Leaves {n + 40}" if n % 2 else f"{n + 40} The book of tea"},
        lambda n: {740.0: ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"][n - 1]},
        lambda n: {740.0: "The book of tea", 726.0: f"Page {n}"},
        lambda n: {40.0: f"- {n} -"},
        lambda n: {54.0: "All rights reserved", 40.0: f"{n}"},
        lambda n: {560.0: f"{n}"},
    ],
)
@pytest.mark.parametrize("pages", [6, 9])
def test_running_lines_go(running: Callable[[int], Page], pages: int) -> None:
    """Headers, footers, page numbers, wherever among a page's lines they are drawn."""
    expected = [list(body(n).values()) for n in range(1, pages + 1)]
    assert kept(lambda n: {**running(n), **body(n)}, pages) == expected
    assert kept(lambda n: {**body(n), **running(n)}, pages) == expected


def test_a_preface_has_numbers_of_its_own() -> None:
    """Also on two pages: they stand where the other pages' stand."""
    numbers = ["i", "ii", *"123456"]
    assert kept(lambda n: {**body(n), 40.0: numbers[n - 1]}, 8) == [
        list(body(n).values()) for n in range(1, 9)
    ]


def test_a_full_page_has_its_footer_close_by() -> None:
    """What runs on other pages is known there too."""
    close = [700.0 - 14 * line for line in range(47)]
    assert close[-1] - 14 == 42.0

    def page(n: int) -> Page:
        return {**body(n, close if n == 5 else BODY), 42.0: f"{n}"}

    assert kept(page, 8)[4] == list(body(5, close).values())


@pytest.mark.parametrize(
    "own",
    [
        lambda n: {714.0: f"Statement for account 4711, month {n}"},
        lambda n: {714.0: f"{n}"},
        lambda n: {728.0: "Statement", 714.0: f"Balance: {n * 37 % 11} USD"},
        lambda n: {588.0: "and then wait."},
        lambda n: {740.0: f"Opening balance: {n * n * 37 % 101} USD"},
        lambda n: {560.0: f"Invoice {10_000 + n * 17}"},
    ],
)
@pytest.mark.parametrize("pages", [3, 8, 40])
def test_a_body_keeps_its_lines(own: Callable[[int], Page], pages: int) -> None:
    """Those that stand where lines stand, and those whose numbers are not the pages'."""

    def page(n: int) -> Page:
        return dict(sorted({**own(n), **body(n)}.items(), reverse=True))

    assert kept(page, pages) == [list(page(n).values()) for n in range(1, pages + 1)]


def test_pages_of_few_lines_apart() -> None:
    """Where all lines are far from each other, none is a header."""
    asked = kept(lambda n: {700.0: f"Question {n}", 672.0: WORDS[n], 644.0: WORDS[-n]}, 5)
    assert asked == [[f"Question {n}", WORDS[n], WORDS[-n]] for n in range(1, 6)]


def test_pages_of_running_lines_only_keep_them() -> None:
    """And lines without a place are no running lines."""
    assert (
        kept(lambda n: {740.0: "Tea", 726.0: "Leaves", 40.0: "Water"}, 5)
        == [["Tea", "Leaves", "Water"]] * 5
    )
    page: list[Line] = [(word, 0.0, 0.0, 0.0) for word in WORDS]
    assert without_running_lines(dict.fromkeys(range(5), page)) == dict.fromkeys(range(5), page)


def test_in_a_file(tmp_path: Path) -> None:
    """Statements of one page each are read whole; the same under a header lose that."""
    lines = ["Account 4711, month {n}", "Opening balance: {n}37 USD", "Closing: {n}41 USD"]
    drawn = [") Tj 0 -14 Td (".join(lines).format(n=n) for n in range(1, 9)]
    text = read(PdfReader(), put(tmp_path, "a.pdf", made.pdf(*drawn)))[0]["text"]
    assert "month 8 Opening balance: 837 USD Closing: 841 USD" in " ".join(text.split())
    drawn = [f"Bank of tea {n}) Tj 0 -30 Td ({one}" for n, one in enumerate(drawn, 1)]
    below = read(PdfReader(), put(tmp_path, "b.pdf", made.pdf(*drawn)))[0]["text"]
    assert below == text
    shown = read(PdfReader(running_lines=True), put(tmp_path, "b.pdf", made.pdf(*drawn)))
    assert "Bank of tea 8" in shown[0]["text"]


def test_many_numbers_take_no_time() -> None:
    """A line of them, long ones, and many pages."""
    row = " ".join(str(n) for n in range(50_000))
    started = time.process_time()
    kept(lambda n: {740.0: row, **body(n)}, 5)
    kept(lambda n: {740.0: "9" * 50_000, **body(n)}, 5)
    kept(lambda n: {740.0: f"{n}", **body(1)}, 3_000)
    assert time.process_time() - started < 3
