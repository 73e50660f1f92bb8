"""`chunk`: where the cuts fall, and what a chunk is called."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.kernels import chunking
from pipeline.record import frame
from pipeline.stages.chunk import Chunk

SENTENCES = [
    f"Leaf number {word} is picked at dawn and dried. " for word in ("one", "two", "six", "ten")
]
LINE = "the leaves are dried in the shade of the house\n"


def chunks(text: str | None, **settings: int) -> list[str]:
    after = Chunk(**settings)(frame([{"source": "a", "text": text}]))
    return after["text"].to_list()


def test_what_fits_is_one_chunk() -> None:
    """With the id, locator and tokens of a chunk, and all else of its document."""
    parent = {"id": "p", "source": "a.pdf", "locator": "page=4", "text": "Tea é.", "language": "en"}
    empty = {"id": "q", "source": "b.md", "text": ""}
    one, other = Chunk()(frame([parent, empty])).to_dicts()
    assert (one["id"], one["document"], one["locator"]) == ("p.0001", "p", "page=4;chars=0-6")
    assert (one["text"], one["language"], one["source"]) == ("Tea é.", "en", "a.pdf")
    assert 1 <= one["tokens"] <= 6
    assert (other["id"], other["locator"], other["tokens"]) == ("q.0001", "chars=0-0", 0)


def test_chunks_stand_in_the_place_of_their_document() -> None:
    """Numbered from 1 in the order of the text; the document stays that of the ancestor."""
    rows: list[dict[str, Any]] = [
        {"id": "a", "source": "a", "text": "short"},
        {"id": "b.0007", "document": "b", "source": "b", "text": LINE * 6},
        {"id": "c", "source": "c", "text": None},
        {"id": "d", "source": "d", "text": "short"},
    ]
    after = Chunk(max_tokens=40)(frame(rows))
    assert after["id"].to_list()[:3] == ["a.0001", "b.0007.0001", "b.0007.0002"]
    assert after["id"].to_list()[-2:] == ["c", "d.0001"]
    assert set(after["document"]) == {"a", "b", "c", "d"}


def test_labels_and_pictures_stay() -> None:
    """They are examples, not text to cut."""
    rows = [
        {"id": "a", "source": "a", "text": LINE * 99, "messages": []},
        {"id": "b", "source": "b", "text": LINE * 99, "images": ["x.png"]},
    ]
    records = frame(rows)
    assert Chunk()(records).equals(records)


def test_headings_begin_chunks() -> None:
    """From half a chunk on, a heading ends it, even if more would fit."""
    text = LINE * 3 + "# Drying\n" + LINE * 2 + "## Rolling\n" + LINE
    assert chunks(text, max_tokens=75) == [
        LINE * 3,
        "# Drying\n" + LINE * 2 + "## Rolling\n" + LINE,
    ]


def test_comments_in_fenced_code_are_no_headings() -> None:
    """The fence goes whole into the chunk behind the empty line before it; `~~~` is one, too."""
    code = "\n".join(f"# step {n}\nmake step-{n}\n" for n in range(4))
    for fence in ("```", "~~~"):
        text = (
            "Read all of it before you begin, " * 12 + f"\n\n{fence}sh\n{code}{fence}\n\nThen rest."
        )
        first, second = chunks(text, max_tokens=128)
        assert first.endswith("begin, \n\n")
        assert second.startswith(f"{fence}sh\n# step 0")
    behind = (
        f"```\n{code}```\n\n" + "Words to fill it. " * 12 + "\n# Next\n" + "More of them. " * 12
    )
    assert chunks(behind, max_tokens=160)[1].startswith("# Next")


def test_empty_lines_go_before_lines() -> None:
    """A paragraph that is over half a chunk is not torn to fill it."""
    assert chunks(LINE * 3 + "\n" + LINE * 3, max_tokens=75) == [LINE * 3 + "\n", LINE * 3]


def test_lines_go_before_sentences() -> None:
    """A line is not torn either while there is another in the second half."""
    text = LINE * 2 + "".join(SENTENCES[:3]) + "\n"
    assert chunks(text, max_tokens=50)[0] == LINE * 2


@pytest.mark.parametrize(
    "ends",
    [
        "A leaf is picked at dawn. ",
        "Is a leaf picked at dawn?\u00a0",
        'She says "Leaves at dawn!" ',
        "日出时采茶叶并晒干。",
        "夜明けに葉を摘みます！」",
    ],
)  # fmt: skip
def test_sentences_stay_whole(ends: str) -> None:
    """Latin and East Asian ends of sentences, with what closes them."""
    parts = chunks(ends * 30, max_tokens=60)
    assert len(parts) > 2
    assert all(part.endswith(ends) for part in parts)


@pytest.mark.parametrize("numbers", ["version 1.14.4 of 3.11 ", "e.g.this www.x.org/a.b "])
def test_points_inside_words_end_nothing(numbers: str) -> None:
    """Only a point with a blank after it ends a sentence; else words are the pieces."""
    assert all(part.endswith(" ") for part in chunks(numbers * 40, max_tokens=60))


def test_words_then_characters() -> None:
    """Without sentences, words stay whole; without words, letters keep their accents."""
    assert all(part.endswith("leaf ") for part in chunks("leaf " * 200, max_tokens=30))
    accented = chunks("e\u0323\u0302" * 100, max_tokens=30)
    assert all(part.startswith("e") and part.endswith("\u0302") for part in accented)
    afterwards = chunks("leaf \u0301dries. \u0301" * 99, max_tokens=30)
    assert not any(part.startswith("\u0301") for part in afterwards)
    family = chunks("👩\u200d👩\u200d👧" * 30, max_tokens=40)
    assert all(part.startswith("👩") and part.endswith("👧") for part in family)
    assert not any(part.endswith("\r") for part in chunks("\r\n" * 99, max_tokens=17))


def test_overlap_repeats_whole_sentences() -> None:
    """As many as fit into `overlap` tokens; a chunk then starts before the last one ended."""
    parts = chunks("".join(SENTENCES * 4), max_tokens=60, overlap=20)
    assert len(parts) > 3
    for one, following in pairwise(parts):
        repeated = next(s for s in SENTENCES if following.startswith(s))
        assert one.endswith(repeated)


def test_overlap_gives_way_to_what_comes_next() -> None:
    """Where the next sentence takes nearly a whole chunk, less or nothing is repeated."""
    short, long = "One leaf dries out in the sun. ", "leaf " * 40 + "dries. "
    parts = chunks((short * 2 + long) * 3, max_tokens=60, overlap=30)
    assert parts == [short * 2, long] * 3


def test_overlap_leaves_room() -> None:
    """More than half a chunk of repeats would hardly get on."""
    with pytest.raises(ValidationError, match="overlap"):
        Chunk(max_tokens=100, overlap=51)


@pytest.mark.parametrize("unit", ["word ", "x", "日", "\n", "a.\n", "# h\n", "\u0301", ". "])
def test_long_texts_take_linear_time(unit: str) -> None:
    """A megabyte of anything is cut in a moment: no step looks at the whole again and again."""
    start = time.process_time()
    parts = chunks(unit * (1_000_000 // len(unit)), max_tokens=64, overlap=16)
    assert time.process_time() - start < 10
    assert len(parts) > 1_000


PIECES = (
    *("tea", "Tea ", " ", "  ", "\t", "\n", "\n\n", "\n \n", "\u2028", "\u00a0", "\r\n", "\x0c"),
    *(
        ". ",
        ".",
        "...",
        "?! ",
        "…",
        "。",
        "！",
        "」",
        '"',
        ") ",
        "]",
        ".) ",
        ".\n",
        "3.14",
        "\u0301",
    ),
    *(
        "```\n",
        "\n ~~~sh\n",
        "``",
        "# Heading\n",
        "#no",
        "####### x",
        "- item\n",
        "中文",
        "ไทย",
        "é",
        "👩\u200d🌾",
        "𐐷",
        "𠮷",
    ),
    *("word " * 8, "x" * 40, "a line of words that is long\n", "\u200d", " \u0301"),
)


@pytest.mark.skipif(not chunking.COMPILED, reason="the extension is not built")
@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(
        st.lists(st.sampled_from(PIECES), max_size=60).map("".join), min_size=1, max_size=3
    ),
    shape=st.sampled_from([(16, 0), (16, 8), (32, 5), (64, 16)]),
)
def test_the_kernel_cuts_as_the_expressions_do(texts: list[str], shape: tuple[int, int]) -> None:
    """The same chunks, places and weights, also where some texts are left to the plain way."""
    stage = Chunk(max_tokens=shape[0], overlap=shape[1])
    records = frame([{"source": str(n), "text": text} for n, text in enumerate(texts)])
    cut = stage(records)
    compiled, chunking.COMPILED = chunking.COMPILED, False
    try:
        plain = stage(records)
    finally:
        chunking.COMPILED = compiled
    assert cut.equals(plain)
