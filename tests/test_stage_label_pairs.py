"""`label`: pairs made out of documents by their form alone."""

from __future__ import annotations

import time

import polars as pl
import pytest

from pipeline.record import frame
from pipeline.settle import settle
from pipeline.stages.document_pairs import KINDS, Kind, pairs
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
    [
        "Q: a" + " " * 40,
        "# ",
        "```\n# a\n",
        "**a** ",
        "| |",
        "Q",
        " ",
        "Q: a\n",
        "**a?**\n",
        "A. a\n",
        "1. a\n",
        "Q: a\nA. b\nB. c\n",
        "# a?\n## b\n",
        "A. a B. b ",
        "Answer: a\n",
    ],
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


def asked(text: str, *kinds: Kind) -> list[tuple[str, str]]:
    found = pairs(text, kinds or ("questions",), "vi", 20)
    return [(pair.prompt, pair.completion) for pair in found]


@pytest.mark.parametrize(
    "text",
    [
        "Câu 1: Which city?\nA. Rome\nB. Paris\nC. Berlin\nĐáp án: B\n",
        "Q1: Which city?\nA) Rome\nB) Paris\nC) Berlin\nAnswer: B",
        "Q: Which city?\nA: Rome\nB: Paris\nC: Berlin\nAnswer: b) Paris",
        "Câu 1. Which city?\nA. Rome   B. Paris\tC. Berlin\nĐáp án đúng là B.\nGiải thích: …",
        "7. Which\ncity?\nA. Rome\nB. Paris\nC. Berlin\nCorrect answer: Paris".replace("\nc", " c"),
        "## Câu 1\nWhich city?\n\n- A. Rome\n- B. Paris\n- C. Berlin\n\n**Đáp án: B**\n",
        "### 3. Which city?\n\n(A) Rome\n(B) Paris\n(C) Berlin\n\n**Answer:** (B)\n",
        "**Câu 4: Which city?**\n\n**A.** Rome\n**B.** Paris\n**C.** Berlin\n\nTrả lời: B",
    ],
)
def test_a_quiz_gives_its_right_choice(text: str) -> None:
    """The prompt is the question over its choices, as in tables of such questions."""
    assert asked(text) == [("Which city?\n\nA. Rome\nB. Paris\nC. Berlin", "B. Paris")]


def test_two_right_choices_and_two_quizzes() -> None:
    """All that the answer names, and each question with its own."""
    text = (
        "1. Which are even?\nA. one\nB. two\nC. four\nAnswer: B, C\n"
        "2. Which sea?\na) Red\nb) Black\nAnswer: a\n"
    )
    assert asked(text) == [
        ("Which are even?\n\nA. one\nB. two\nC. four", "B. two\nC. four"),
        ("Which sea?\n\nA. Red\nB. Black", "A. Red"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Q1: Which city?\nA) Rome\nB) Paris\n",
        "Q1) Which city?\nA) Rome\nB) Paris\n",
        "Q1: Which city?\nA. Rome\nB. Paris\nAnswer: see page 5",
        "Q1: Which city?\nA. Rome\nB. Paris\nAnswer: D",
        "Câu 1: Which city?\nĐáp án: B\n",
        "Q: Which city?\nA: Rome\nB: Paris\nC: Berlin\n",
        "### Which city?\n\nA. Rome\nB. Paris\n",
        "Q: What is it?\nA. Kettle.\n",
        "H: Có bán không?\nA: Có bán.\n",
    ],
)
def test_choices_without_a_right_one_are_no_answer(text: str) -> None:
    """The first choice answers nothing; a lone letter answers with its question's own sign."""
    assert asked(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Q. What is it?\nA. A kettle.\n", ("What is it?", "A kettle.")),
        ("Câu 3: Nêu khái niệm.\nTrả lời: Là đó.\n", ("Nêu khái niệm.", "Là đó.")),
        ("H: Có bán không?\nĐ: Có bán.\n", ("Có bán không?", "Có bán.")),
        ("问：茶是什么？\n答：一种饮料。\n", ("茶是什么？", "一种饮料。")),
        ("### Q: What is it?\n\nA: It is a kettle.", ("What is it?", "It is a kettle.")),
        ("**Hỏi: Có bảo hành không?**\n\nCó ạ.", ("Có bảo hành không?", "Có ạ.")),
        ("## 1. Có bảo hành không?\n\nTrả lời: Có.", ("Có bảo hành không?", "Có.")),
        ("## 3.5 inch là gì?\n\nMột cỡ đĩa.", ("3.5 inch là gì?", "Một cỡ đĩa.")),
        ("## H. pylori là gì?\n\nVi khuẩn.", ("H. pylori là gì?", "Vi khuẩn.")),
        ("## Cần gì?\n\na) Đơn\nb) Ảnh\n", ("Cần gì?", "a) Đơn\nb) Ảnh")),
    ],
)
def test_marks_are_no_part_of_question_and_answer(text: str, expected: tuple[str, str]) -> None:
    """On a line, in a heading, in bold; a short answer is one; what looks like a mark stays."""
    assert asked(text) == [expected]


def test_an_answer_holds_its_subsections() -> None:
    """Up to the next heading of its level, or to one below that asks itself."""
    text = (
        "# FAQ\n\n## How long?\nA year.\n\n### Details\nIn a tin.\n\n### Why?\nAir.\n\n"
        "#### More\nOxygen.\n\n## Other\nText.\n"
    )
    assert asked(text) == [
        ("How long?", "A year.\n\n### Details\nIn a tin."),
        ("Why?", "Air.\n\n#### More\nOxygen."),
    ]


def test_call_outs_and_marks_are_no_terms() -> None:
    """A glossary explains words."""
    lines = [f"- **{word}:** tắt nguồn trước khi vệ sinh máy." for word in ("Lưu ý", "Note", "Hỏi")]
    assert asked("\n".join(lines), "glossary") == []
    assert asked("- **Van**: tắt nguồn trước khi vệ sinh máy.", "glossary") != []


def test_what_no_pair_holds_is_counted() -> None:
    """Without white space, of documents that hold a pair; others stay whole."""
    text = "An introduction.\n\nQ: Is it?\nA: Yes.\n\n## Other things\nMore text."
    records = frame([{"source": "a", "text": text}, {"source": "b", "text": "Nothing."}])
    seen = Label(pairs=("questions",)).observe(records)
    assert isinstance(seen.tallies, pl.DataFrame)
    left = len("Anintroduction.") + len("##OtherthingsMoretext.")
    assert seen.tallies.rows() == [(records["id"][0], "characters_in_no_pair", left)]
