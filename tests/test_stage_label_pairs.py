"""`label`: pairs made out of documents by their form alone."""

from __future__ import annotations

import time

import polars as pl
import pytest

from pipeline.record import frame
from pipeline.settle import settle
from pipeline.stages.document_pairs import KINDS, pairs
from pipeline.stages.label import Label

TEXT = """# Lotus tea

## Abstract
Green tea takes the scent of lotus flowers in one night.

## How long does it keep?
A year in a closed tin, away from light.

Q: Does light harm it?
A: Yes, within a few weeks.

## Questions
Q: Is it sweet?
A: No sugar is added to the leaves.

**Can it be iced?**
It can, and the scent stays with it.

## Words
- **Steep**: to leave the leaves in hot water.

Gaiwan
: a bowl with a lid, for brewing.

## Prices
| Tin | Grams | Price |
|---|---:|---|
| small | 50 | 4 dollars |
| large | 200 | 12 dollars |

## Storing
Keep the tin dry.

```
# no heading, only a remark in a script
Q: is this code?
A: yes, it is a comment in code.
```
"""

EXPECTED = [
    ("Summarise “Lotus tea”.", "Green tea takes the scent of lotus flowers in one night."),
    ("How long does it keep?", "A year in a closed tin, away from light."),
    ("Does light harm it?", "Yes, within a few weeks."),
    ("Is it sweet?", "No sugar is added to the leaves."),
    ("Can it be iced?", "It can, and the scent stays with it."),
    ("What is “Steep”?", "to leave the leaves in hot water."),
    ("What is “Gaiwan”?", "a bowl with a lid, for brewing."),
    ("What is known of Tin “small”?", "Grams: 50; Price: 4 dollars"),
    ("What is known of Tin “large”?", "Grams: 200; Price: 12 dollars"),
    (
        "What does “Lotus tea” say about “Storing”?",
        TEXT[TEXT.index("Keep the tin") :].rstrip(),
    ),
]


def test_a_question_that_nothing_answers_ends_the_answer_before_it() -> None:
    """It is no part of that answer; of two questions over one answer the nearer one is asked."""
    text = (
        "Q: What is oolong?\nA: A tea between green and black.\n\n"
        "Q: And pu-erh?\nQ: Is it old?\nA: Some of it is, for decades.\n"
    )
    assert [(one.prompt, one.completion) for one in pairs(text, KINDS, "en", 5)] == [
        ("What is oolong?", "A tea between green and black."),
        ("Is it old?", "Some of it is, for decades."),
    ]


def test_every_kind_is_found_in_the_order_of_the_text() -> None:
    """Each form gives its pair, once; code in a fence gives none."""
    found = pairs(TEXT, KINDS, "en", 20)
    assert [(pair.prompt, pair.completion) for pair in found] == EXPECTED


def test_a_pair_stands_where_it_says() -> None:
    """The span holds the completion word for word; a table's row holds its cells."""
    for pair in pairs(TEXT, KINDS, "en", 20):
        held = TEXT[pair.start : pair.end]
        if pair.kind == "tables":
            assert all(cell.split(": ")[1] in held for cell in pair.completion.split("; "))
        else:
            assert held.endswith(pair.completion)


def test_only_the_kinds_named_and_long_enough() -> None:
    """A kind that is not asked for makes nothing, and short completions are left out."""
    assert {pair.kind for pair in pairs(TEXT, ("glossary",), "en", 20)} == {"glossary"}
    assert pairs(TEXT, ("glossary",), "en", 33) == pairs(TEXT, ("glossary",), "en", 20)[:1]


def test_vietnamese_is_asked_in_vietnamese() -> None:
    """Marks are found and prompts asked in the record's language."""
    text = (
        "# Trà sen\n\nHỏi: Trà có ngọt không?\nĐáp: Không thêm đường vào lá trà.\n\n## Cách pha\n"
    )
    found = pairs(text + "Nước nóng tám mươi độ là vừa.", KINDS, "vi", 20)
    assert [pair.prompt for pair in found] == [
        "Trà có ngọt không?",
        "“Trà sen” viết gì về “Cách pha”?",
    ]


def test_records_become_their_pairs() -> None:
    """Pairs replace their document, with its source and where they stand; nothing is lost."""
    records = frame(
        [
            {"source": "a.md", "text": TEXT, "language": "en"},
            {"source": "b.txt", "text": "Nothing to ask here."},
            {"source": "c", "messages": [{"role": "user", "text": "q"}]},
        ]
    )
    settled = settle("label", records, Label(pairs=KINDS)(records))
    assert (settled.count.divided, settled.count.chunks) == (1, len(EXPECTED))
    assert settled.rejected["source"].to_list() == ["c"]
    made = settled.kept.filter(pl.col("source") == "a.md")
    told = [tuple(turn["text"] for turn in turns) for turns in made["messages"]]
    assert told == EXPECTED
    assert made["text"].null_count() == made.height
    assert made["locator"].str.contains(r"^chars=\d+-\d+$").all()
    assert made["document"].unique().to_list() == [records["document"][0]]
    assert settled.kept.filter(pl.col("source") == "b.txt")["text"].item() == "Nothing to ask here."


def test_documents_stay_unless_asked() -> None:
    """Without `pairs` nothing is made."""
    records = frame([{"source": "a.md", "text": TEXT}])
    assert Label()(records).equals(records)


@pytest.mark.parametrize(
    "piece",
    ["Q: a" + " " * 40, "# ", "```\n# a\n", "**a** ", "| |", "Q", " ", "Q: a\n", "**a?**\n"],
)
def test_no_text_takes_long(piece: str) -> None:
    """Half a megabyte of what the patterns begin with is gone through in a moment."""
    for text in (piece * (500_000 // len(piece)), "Q:" + piece * 50_000 + "x\n"):
        begun = time.process_time()
        pairs(text, KINDS, "en", 20)
        assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    ("line", "named"), [("C#", "C#"), ("Teas ##", "Teas"), ("F# and C# #", "F# and C#")]
)
def test_a_heading_keeps_the_marks_of_its_name(line: str, named: str) -> None:
    """Only those that stand by themselves at the end close it."""
    found = pairs(f"# {line}\n\nA language with sharp edges.\n", ("headings",), "en", 5)
    assert [pair.prompt for pair in found] == [f"Tell me about “{named}”."]
