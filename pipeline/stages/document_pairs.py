"""Prompts and completions that a document already contains, found by its form; no model is used.

questions: `Q:` over `A:` (`Question`, `Hỏi`, `Đáp` …), a heading or a bold line that ends in `?`;
    the completion is what stands under it, with a heading's subsections. A question with lettered
    choices and `Answer: B` under them: the completion is the right choice.
abstract: the section called Abstract, Summary or Tóm tắt; the prompt asks to sum the title up.
glossary: `**term**: meaning`, or `term` over `: meaning`; the prompt asks what the term is.
    Call-outs such as `**Note:** …` are none.
tables: a row of a Markdown table; the prompt asks for its first cell, the completion tells the
    other cells with their headers.
headings: any other section; the prompt asks about its heading.

Of places that overlap the first kind's stand. Completions are exact slices of the text, but for
tables, whose cells are joined with their headers, and choices (`B. Paris`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.stages.document_layout import Section, inside, layout, slice_between
from pipeline.stages.question_marks import TERMS_LEFT_OUT
from pipeline.stages.question_pairs import questions

Kind = Literal["questions", "abstract", "glossary", "tables", "headings"]
KINDS: tuple[Kind, ...] = ("questions", "abstract", "glossary", "tables", "headings")

PROMPTS: dict[str, dict[str, str]] = {
    "en": {
        "abstract": "Summarise “{title}”.",
        "glossary": "What is “{term}”?",
        "tables": "What is known of {header} “{term}”?",
        "headings": "What does “{title}” say about “{heading}”?",
        "heading": "Tell me about “{heading}”.",
    },
    "vi": {
        "abstract": "Tóm tắt “{title}”.",
        "glossary": "“{term}” là gì?",
        "tables": "Có thông tin gì về {header} “{term}”?",
        "headings": "“{title}” viết gì về “{heading}”?",
        "heading": "Hãy cho biết về “{heading}”.",
    },
}
"""Templates of the prompts by the record's language; English for all other languages."""


@dataclass(frozen=True)
class Pair:
    """A prompt, its completion, and the characters of the document that both come from."""

    kind: Kind
    prompt: str
    completion: str
    start: int
    end: int


# No pattern may go over a run of blanks or a long line twice: texts are anybody's.
TERM = re.compile(
    r"^[ \t]{0,8}(?:[-*][ \t]{1,3})?\*\*(?P<term>[^*\n:]{1,80})(?::\*\*|\*\*[ \t]?[:–—-])"
    r"[ \t]{1,3}(?P<meaning>[^\n]+)"
    r"|^(?P<above>[^\s:|#>*-][^\n:|]{0,79})\n:[ \t]{1,3}(?P<below>[^\n]+)",
    re.MULTILINE,
)
TABLE = re.compile(
    r"^[ \t]*\|(?P<header>[^\n]+)\|[ \t]*\n[ \t]*\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*\n"
    r"(?P<rows>(?:[ \t]*\|[^\n]*\|[ \t]*(?:\n|\Z))+)",
    re.MULTILINE,
)
ABSTRACTS = {"abstract", "summary", "tóm tắt", "overview", "tổng quan"}


def pairs(text: str, kinds: tuple[Kind, ...], language: str | None, least: int) -> list[Pair]:
    """The pairs of a document, in its order.

    Completions of fewer than `least` characters are left out, but for answers to the document's
    own questions.
    """
    asked = PROMPTS.get(language or "", PROMPTS["en"])
    sections, fences = layout(text)
    found: list[Pair] = []
    taken = bytearray(len(text))
    for kind in KINDS:
        for pair in _FINDERS[kind](text, sections, asked) if kind in kinds else ():
            free = taken.find(1, pair.start, pair.end) < 0 and not inside(fences, pair.start)
            long = kind == "questions" or len(pair.completion) >= least
            if free and long and pair.prompt.strip():
                taken[pair.start : pair.end] = b"\1" * (pair.end - pair.start)
                found.append(pair)
    return sorted(found, key=lambda pair: pair.start)


def left_over(text: str, found: list[Pair]) -> int:
    """How many characters of a document none of its pairs holds, white space not counted."""
    at, rest = 0, 0
    for pair in found:
        rest += sum(map(len, text[at : pair.start].split()))
        at = pair.end
    return rest + sum(map(len, text[at:].split()))


def _title(sections: list[Section]) -> str | None:
    return sections[0].heading if sections and sections[0].level == 1 else None


def _questions(text: str, sections: list[Section], _: dict[str, str]) -> Iterator[Pair]:
    return (Pair("questions", *answered) for answered in questions(text, sections))


def _abstract(text: str, sections: list[Section], prompts: dict[str, str]) -> Iterator[Pair]:
    title = _title(sections)
    for section in sections:
        if title and section.heading.lower().rstrip(":") in ABSTRACTS:
            body, end = slice_between(text, section.body, section.end)
            prompt = prompts["abstract"].format(title=title)
            yield Pair("abstract", prompt, body, section.start, end)
            return


def _glossary(text: str, _: list[Section], prompts: dict[str, str]) -> Iterator[Pair]:
    for match in TERM.finditer(text):
        term = (match["term"] or match["above"]).strip()
        meaning = (match["meaning"] or match["below"]).strip()
        if not (term.endswith(("?", "？")) or TERMS_LEFT_OUT.fullmatch(term)):
            prompt = prompts["glossary"].format(term=term)
            yield Pair("glossary", prompt, meaning, match.start(), match.end())


def _tables(text: str, _: list[Section], prompts: dict[str, str]) -> Iterator[Pair]:
    for table in TABLE.finditer(text):
        header = _cells(table["header"])
        at = table.start("rows")
        for line in table["rows"].splitlines(keepends=True):
            row = _cells(line.strip()[1:-1])
            cells = "; ".join(f"{h}: {c}" for h, c in zip(header[1:], row[1:], strict=False) if c)
            if cells and row[0]:
                prompt = prompts["tables"].format(header=header[0], term=row[0])
                yield Pair("tables", prompt, cells, at, at + len(line.rstrip()))
            at += len(line)


def _cells(row: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)]


def _headings(text: str, sections: list[Section], prompts: dict[str, str]) -> Iterator[Pair]:
    title = _title(sections)
    for section in sections:
        body, end = slice_between(text, section.body, section.end)
        named = title is not None and section.heading != title
        form = prompts["headings" if named else "heading"]
        prompt = form.format(title=title, heading=section.heading)
        yield Pair("headings", prompt, body, section.start, end)


_FINDERS = {
    "questions": _questions,
    "abstract": _abstract,
    "glossary": _glossary,
    "tables": _tables,
    "headings": _headings,
}
