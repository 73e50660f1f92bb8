"""Lines of a PDF's page: where they stand, and how they become paragraphs."""

from __future__ import annotations

import random
import time
from array import array
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import documents_made as made
import pypdfium2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pypdfium2 import raw
from test_readers import put, read

from pipeline.readers import pdf_columns, pdf_layout, pdf_places
from pipeline.readers.pdf import PdfReader, _page
from pipeline.readers.pdf_columns import Line
from pipeline.readers.pdf_layout import as_text

WORDS = ["tea", "is", "grown", "in", "Thai", "Nguyen.", "Water", "boils:", "a", "leaf"]


def drawn(seed: int, lines: int) -> bytes:
    """A PDF of lines of different lengths, here and there on a page."""
    lot = random.Random(seed)
    moved = (f"{lot.randint(-30, 30)} -{lot.randint(9, 30)} Td" for _ in range(lines))
    texts = (" ".join(lot.choices(WORDS, k=lot.randint(1, 9))) for _ in range(lines))
    shown = (f"{text}) Tj {move} (" for text, move in zip(texts, moved, strict=True))
    return made.pdf("".join(shown) + "the last")


@pytest.mark.skipif(pdf_places._compiled is None, reason="the extension is not compiled")
@pytest.mark.parametrize("shifted", [False, True])
def test_places_by_the_kernel_are_the_plain_ones(shifted: bool) -> None:
    """Also of characters that are not there, which have no place."""
    for seed in range(20):
        page = pypdfium2.PdfDocument(drawn(seed, 30))[0].get_textpage()
        count = raw.FPDFText_CountChars(page.raw)
        ends = sorted(random.Random(seed).sample(range(count), 20))
        firsts, lasts = array("i", [*ends[::2], count, -1]), array("i", [*ends[1::2], count + 9, 0])
        told = pdf_places.line_places(page.raw, firsts, lasts, count + shifted)
        plain = pdf_places.plain_places(page.raw, firsts, lasts, shifted=shifted)
        assert list(told) == list(plain)
        assert len(told) == 3 * len(firsts)
        assert len(set(plain)) > 10  # they stand at different places


def test_a_pdf_is_read_without_the_extension_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same lines and paragraphs."""
    file = put(tmp_path, "a.pdf", drawn(7, 40))
    whole = read(PdfReader(), file)
    monkeypatch.setattr(pdf_places, "_compiled", None)
    assert read(PdfReader(), file) == whole
    assert whole[0]["text"].count("\n") > 10


@pytest.mark.skipif(pdf_places._compiled is None, reason="the extension is not compiled")
def test_the_kernel_wants_as_many_first_as_last_characters() -> None:
    assert pdf_places._compiled is not None
    with pytest.raises(ValueError, match="a first and a last character"):
        pdf_places._compiled((0, 0, 0), 0, bytes(8), bytes(4))


def line_by_line(pages: list[list[Line]]) -> str:
    """As `as_text`, each line by the rules of `_between`."""
    told: list[tuple[Line, bool, float, bool]] = []  # line, full, usual gap, first of its page
    some = [page for page in pages if len(page) > 2]
    for page in pages:
        whole = pdf_columns.right_edges(page if len(page) > 2 else chain(*some))
        columns = pdf_columns.edges_of_lines(page) if len(page) > 2 else None
        gap = pdf_layout._GAP * pdf_layout._usual_distance(page)
        for number, line in enumerate(page):
            text, left, right, _ = line
            edges = columns[number] if columns else whole
            width = edges.get(left // pdf_columns.NEAR, left) - left
            full = right - left >= pdf_columns.FILLED * width > 0
            full = full and not pdf_layout._LEADER.search(text)
            told.append((line, full, gap, not number))
    between = (
        pdf_layout._between(line, after, full, gap, turned)
        for (line, full, _, _), (after, _, gap, turned) in pairwise(told)
    )
    texts = [line[0] for line, *_ in told]
    joined = texts[:1] + [s + text for s, text in zip(between, texts[1:], strict=True)]
    return "".join(joined).strip()


LINE = st.tuples(
    st.sampled_from(["tea", "Tea is.", "1. Tea . . . . 5", "茶", "是茶。", "(a)", "tea:"]),
    st.sampled_from([72.0, 74.0, 77.0, 78.0, 90.0, 108.0, 300.0, 40.0]),
    st.sampled_from([100.0, 280.0, 300.0, 500.0]),
    st.sampled_from([12.0, 0.0, 17.4, 17.5, 24.0, -400.0]),
)


def placed(steps: list[tuple[str, float, float, float]]) -> list[Line]:
    base, lines = 700.0, []
    for text, left, right, down in steps:
        base -= down
        lines.append((text, left, right, base))
    return lines


WRAPPED = (
    "Green tea is brewed at|eighty degrees for two|minutes and it should|"
    "not be boiled, since|that makes it as bitter|tea"
)


def column(left: float, right: float, top: float, *, text: str = WRAPPED) -> list[Line]:
    """Lines one below the other that reach the right edge, all but the last."""
    pieces = text.split("|")
    ends = [right - n % 3 * 4 for n in range(len(pieces) - 1)] + [left + 20]
    return [
        (piece, left, end, top - 12 * n)
        for n, (piece, end) in enumerate(zip(pieces, ends, strict=True))
    ]


ABSTRACT = column(72, 540, 700, text="This is about tea, in a line as wide as the page|and one.")
LEFT, RIGHT = column(72, 290, 660), column(320, 540, 660)
TABLE = [("Tea, price and a note that goes over the page", 72.0, 540.0, 560.0)]
SAID = WRAPPED.replace("|", " ")
ABOVE = "This is about tea, in a line as wide as the page and one."
ITEMS = "Green teas of all|Black|Oolong tea|White|Yellow ones"
CELLS = "10.5|11.5|12.5|13.5|14"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ([*LEFT, *RIGHT], f"{SAID}\n\n{SAID}"),
        ([*ABSTRACT, *LEFT, *RIGHT], f"{ABOVE}\n\n{SAID}\n\n{SAID}"),
        ([*LEFT, *RIGHT, *TABLE], f"{SAID}\n\n{SAID}\n\n{TABLE[0][0]}"),
        ([*LEFT[:5], *RIGHT, *TABLE], f"{SAID[:-4]} {SAID}\n\n{TABLE[0][0]}"),
        ([*LEFT, *column(320, 420, 660), *column(440, 540, 660), *TABLE], None),
        ([*ABSTRACT, *LEFT[:3]], ABOVE + "\n\n" + "\n".join(WRAPPED.split("|")[:3])),
        ([*ABSTRACT, *LEFT], ABOVE + "\n\n" + WRAPPED.replace("|", "\n")),
        ([*column(72, 290, 660, text=CELLS), *RIGHT, *TABLE], CELLS.replace("|", "\n")),
        (
            [(text, 72.0, 72 + 9.0 * len(text), 660 - 12.0 * n)
             for n, text in enumerate(ITEMS.split("|"))] + [*RIGHT, *TABLE],
            ITEMS.replace("|", "\n"),
        ),
    ],
)  # fmt: skip
def test_columns_have_edges_of_their_own(page: list[Line], expected: str | None) -> None:
    """Whatever stands above or below them as wide as the page; lists and cells keep their lines."""
    text = as_text([page])
    if expected is None:
        assert text == "\n\n".join([SAID] * 3 + [TABLE[0][0]])
    else:
        assert text[: len(expected)] == expected


def test_many_jumps_take_no_time() -> None:
    """Twice as many lines take twice as long, not four times."""
    page: list[Line] = [
        ("Green tea is brewed at", n % 7 * 80.0, n % 7 * 80.0 + 70, 700.0 - n % 7 * 50 * (n % 2))
        for n in range(60_000)
    ]
    started = time.process_time()
    assert as_text([page, page[::-1], [*LEFT * 10_000, *RIGHT * 10_000]])
    assert time.process_time() - started < 5


@given(st.lists(st.lists(LINE, max_size=12).map(placed), max_size=3))
@example([placed([("是茶。", 72.0, 500.0, 12.0), ("茶", 72.0, 500.0, 12.0)] * 3)])
@example([[*ABSTRACT, *LEFT, *RIGHT, *TABLE]])
@example([placed([("tea", 72.0, 500.0, 12.0), ("tea", 77.0, 500.0, 12.0)] * 3)])
def test_lines_are_joined_as_each_by_itself(pages: list[list[Line]]) -> None:
    """The short way that most lines take says what the rules say."""
    assert as_text(pages) == line_by_line(pages)


def test_paragraphs_lists_and_wide_scripts() -> None:
    """What the rules are for."""

    def page(*lines: Any) -> list[Line]:
        return placed([(*line, 12.0) if len(line) == 3 else line for line in lines])

    prose = page(
        ("Tea is grown in", 72.0, 300.0),
        ("many countries.", 72.0, 200.0),
        ("   It likes", 84.0, 296.0),
        ("rain.", 72.0, 100.0),
        ("A heading", 72.0, 120.0, 40.0),
    )
    assert as_text([prose]) == ("Tea is grown in many countries.\n\n   It likes rain.\n\nA heading")
    wide = page(("茶是", 72.0, 300.0), ("好的", 72.0, 300.0), ("。", 72.0, 80.0))
    assert as_text([wide]) == "茶是好的。"
    code = page(("x = 1", 72.0, 100.0), ("y = 2", 72.0, 102.0), ("print(x + y)", 72.0, 300.0))
    assert as_text([code]) == "x = 1\ny = 2\nprint(x + y)"


def drawn_below(left: int, *cells: str, lead: int = 14) -> str:
    """What draws cells below each other, each by itself."""
    down = f" 0 -{lead} Td "
    return (
        f") Tj ET BT /F1 12 Tf {left} 600 Td " + down.join(f"({cell}) Tj" for cell in cells) + " ("
    )


@pytest.mark.parametrize("lead", [13, 24])
@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["Qty", "10", "3", "7"], ["Qty", "10", "3", "7"]),
        (["Qty", "3", "7", "12", "5", "9"], ["Qty", "3", "7", "12", "5", "9"]),
        (["Quantity in stock", "3", "7"], ["Quantity in stock", "3", "7"]),
        (["Grade", "A", "B", "A"], ["Grade", "A", "B", "A"]),
        (["x2 + CO2"], ["x2 + CO2"]),
        (["H) Tj 4 Ts (2) Tj 0 Ts (O and CO) Tj -4 Ts (2"], ["H2O and CO2"]),
    ],
)
def test_cells_of_one_character_are_lines_of_their_own(
    cells: list[str], expected: list[str], lead: int
) -> None:
    """PDFium runs them together: a column was one number. Raised and lowered signs are no lines."""
    data = made.pdf("Tea" + drawn_below(300, *cells, lead=lead))
    lines = _page(pypdfium2.PdfDocument(data), 1)
    assert isinstance(lines, list)
    assert [line[0] for line in lines if line[1] >= 299] == expected
    steps = [a[3] - b[3] for a, b in pairwise(lines[1:])]
    assert steps == [lead] * (len(expected) - 1)


@pytest.mark.parametrize("turn", ["0 -1 1 0 72 600", "0 1 -1 0 172 300"])
def test_a_turned_line_is_one(turn: str) -> None:
    """Its characters stand below each other, and are no cells."""
    data = made.pdf(f"Tea) Tj {turn} Tm (TABLE OF 2024) Tj (")
    lines = _page(pypdfium2.PdfDocument(data), 1)
    assert isinstance(lines, list)
    assert lines[-1][0].endswith("TABLE OF 2024")
