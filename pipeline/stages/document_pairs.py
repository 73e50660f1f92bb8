"""Prompts and completions that a document already contains, found by its form; no model is used.

questions: `Q:` above `A:` (`Question`, `Hỏi`, `Đáp` …), a heading or a bold line that ends in `?`;
    the completion is the text below it.
abstract: the section called Abstract, Summary or Tóm tắt; the prompt asks for a summary of the
    title.
glossary: `**term**: meaning`, or `term` above `: meaning`; the prompt asks what the term is.
tables: a row of a Markdown table; the prompt asks about its first cell, the completion gives the
    other cells with their headers.
headings: any other section; the prompt asks about its heading.

Where pairs overlap, the kind listed first wins. Completions are exact slices of the text, except
in tables, where cells are joined with their headers.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True)
class Section:
    """A heading and the text below it, up to the next heading (places in characters)."""

    level: int
    heading: str
    start: int
    body: int
    end: int


# No pattern may scan a run of blanks or a long line twice: a hostile text must not take forever.
HEADING = re.compile(r"#{1,6}[ \t]")
FENCE = re.compile(r"[ \t]{0,3}(```|~~~)")
ASKS = r"(?:q|question|hỏi|câu hỏi)"
TELLS = r"(?:a|answer|đáp|trả lời)"
MARK = (
    r"^[ \t]{{0,8}}(?:[-*][ \t]{{1,3}})?(?:\*\*)?{}[ \t]?\d{{0,3}}[ \t]?[:.)](?:\*\*)?[ \t]{{0,3}}"
)
QUESTION = re.compile(
    MARK.format(ASKS)
    + r"(?P<question>[^\n]{1,500}?)(?:\*\*)?[ \t]{0,3}\n(?:[ \t]{0,8}\n){0,3}"
    + MARK.format(TELLS),
    re.IGNORECASE | re.MULTILINE,
)
ASKED = re.compile(MARK.format(ASKS), re.IGNORECASE | re.MULTILINE)
BOLD_QUESTION = re.compile(
    r"^[ \t]{0,8}\*\*(?P<question>[^*\n]{1,500}\?)\*\*[ \t]{0,3}\n", re.MULTILINE
)
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
    """The pairs of a document, in its order; completions under `least` characters are left out."""
    prompts = PROMPTS.get(language or "", PROMPTS["en"])
    sections, fences = _layout(text)
    found: list[Pair] = []
    taken = bytearray(len(text))
    for kind in KINDS:
        for pair in _FINDERS[kind](text, sections, prompts) if kind in kinds else ():
            free = taken.find(1, pair.start, pair.end) < 0 and not _inside(fences, pair.start)
            if free and len(pair.completion) >= least and pair.prompt.strip():
                taken[pair.start : pair.end] = b"\1" * (pair.end - pair.start)
                found.append(pair)
    return sorted(found, key=lambda pair: pair.start)


def _layout(text: str) -> tuple[list[Section], list[tuple[int, int]]]:
    """The sections of a Markdown text, and the spans of its code fences, which have no headings."""
    heads: list[tuple[int, str, int, int]] = []
    fences: list[tuple[int, int]] = []
    fence, opened, at = "", 0, 0
    for line in text.splitlines(keepends=True):
        mark = FENCE.match(line)
        if mark and fence in ("", mark[1]):
            if fence:
                fences.append((opened, at + len(line)))
            fence, opened = ("" if fence else mark[1]), at
        elif not fence and HEADING.match(line):
            marks, _, heading = line.partition(" " if " " in line[:7] else "\t")
            if named := _named(heading):
                heads.append((len(marks), named, at, at + len(line)))
        at += len(line)
    if fence:
        fences.append((opened, at))
    ends = [*(head[2] for head in heads[1:]), len(text)]
    return [Section(*head, end) for head, end in zip(heads, ends, strict=False)], fences


def _named(heading: str) -> str:
    """A heading without its closing `#` marks; the one of `C#` belongs to the name."""
    name = heading.strip()
    words = name.rstrip("#")
    return (words if not words or words[-1] in " \t" else name).strip("*_ \t")


def _inside(fences: list[tuple[int, int]], place: int) -> bool:
    before = bisect_right(fences, (place, place + 1)) - 1
    return before >= 0 and place < fences[before][1]


def _title(sections: list[Section]) -> str | None:
    return sections[0].heading if sections and sections[0].level == 1 else None


def _slice(text: str, start: int, end: int) -> tuple[str, int]:
    """The text between two places, without white space around it, and where it ends."""
    inner = text[start:end].rstrip()
    return inner.lstrip(), start + len(inner)


def _questions(text: str, sections: list[Section], _: dict[str, str]) -> Iterator[Pair]:
    marked = list(QUESTION.finditer(text))
    bold = list(BOLD_QUESTION.finditer(text))
    asks = ASKED.finditer(text)  # a question without an answer also ends the answer before it
    stops = sorted({m.start() for m in (*asks, *bold)} | {s.start for s in sections})
    headed = [section for section in sections if section.heading.endswith(("?", "？"))]
    questions = [
        *((match["question"].strip(), *match.span()) for match in (*marked, *bold)),
        *((section.heading, section.start, section.body) for section in headed),
    ]
    for question, start, body in questions:
        later = bisect_left(stops, body)
        answer, end = _slice(text, body, stops[later] if later < len(stops) else len(text))
        yield Pair("questions", question, answer, start, end)


def _abstract(text: str, sections: list[Section], prompts: dict[str, str]) -> Iterator[Pair]:
    title = _title(sections)
    for section in sections:
        if title and section.heading.lower().rstrip(":") in ABSTRACTS:
            body, end = _slice(text, section.body, section.end)
            prompt = prompts["abstract"].format(title=title)
            yield Pair("abstract", prompt, body, section.start, end)
            return


def _glossary(text: str, _: list[Section], prompts: dict[str, str]) -> Iterator[Pair]:
    for match in TERM.finditer(text):
        term = (match["term"] or match["above"]).strip()
        meaning = (match["meaning"] or match["below"]).strip()
        if not term.endswith("?"):
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
        body, end = _slice(text, section.body, section.end)
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
