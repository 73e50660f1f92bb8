"""Questions of a document with their answers: marked, headings and bold lines, and quizzes."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from pipeline.stages.document_layout import Section, slice_between
from pipeline.stages.question_marks import ASKED, QUESTION, agrees, is_marked, without_marks
from pipeline.stages.quiz_pairs import find_choices, quiz

Answered = tuple[str, str, int, int]
"""A question, its answer, and the characters of the document that hold both."""

BOLD_QUESTION = re.compile(
    r"^[ \t]{0,8}\*\*(?P<question>[^*\n]{1,500}[?？])\*\*[ \t]{0,3}\n", re.MULTILINE
)
NUMBERED = re.compile(r"^[ \t]{0,3}(?:\*\*)?\d{1,3}[.)](?:\*\*)?[ \t]{1,3}(?=\S)", re.MULTILINE)
_LONE_LETTER = re.compile(r"\(?[A-Ha-h][.)]{0,2}")


def questions(text: str, sections: list[Section]) -> Iterator[Answered]:
    """Quizzes first, then marked questions, bold lines and headings; they may overlap."""
    marked = list(QUESTION.finditer(text))
    asks = list(ASKED.finditer(text))  # one that nothing answers ends the answer before it, too
    bold = list(BOLD_QUESTION.finditer(text))
    lines = sorted({match.start() for match in (*marked, *asks, *bold)})
    stops = sorted({*lines, *(section.start for section in sections)})
    yield from _quizzes(text, asks, bold, sections)
    for match in marked:
        end = _next(stops, match.end(), len(text))
        if agrees(match, match["ask"], match["ask_sign"]) and not _are_choices(text, match, end):
            yield from _answered(text, match["question"], match.start(), match.end(), end)
    for match in bold:
        question, told = without_marks(text, match["question"], match.end())
        end = _next(stops, told, len(text))
        if not _is_open_quiz(text, told, end):
            yield from _answered(text, question, match.start(), told, end)
    yield from _headed(text, sections, lines)


def _next(stops: list[int], place: int, last: int) -> int:
    at = bisect_left(stops, place)
    return stops[at] if at < len(stops) else last


def _answered(text: str, question: str, start: int, told: int, stop: int) -> Iterator[Answered]:
    answer, end = slice_between(text, told, stop)
    if answer and not _LONE_LETTER.fullmatch(answer):
        yield question.strip(), answer, start, end


def _are_choices(text: str, match: re.Match[str], end: int) -> bool:
    """Whether what seems an answer is the first of some choices; `A:` needs two more of them."""
    if match["tell"].lower() != "a":
        return False
    choices = find_choices(text, match.start("tell"), end)
    if choices is None or choices.start > match.start("tell"):
        return False
    return match["tell_sign"] not in ":：" or len(choices.lettered) > 2


def _is_open_quiz(text: str, told: int, end: int) -> bool:
    """Whether choices stand where an answer should, `A.` or `(A)` first."""
    begin = told + len(text[told:end]) - len(text[told:end].lstrip())
    choices = find_choices(text, begin, end)
    return choices is not None and choices.start == begin and "A" in text[begin : begin + 8]


def _headed(text: str, sections: list[Section], lines: list[int]) -> Iterator[Answered]:
    """Headings that ask, each with its own subsections but for those that ask themselves."""
    asking = [section.heading.endswith(("?", "？")) for section in sections]
    for at, section in enumerate(sections):
        question, told = without_marks(text, section.heading, section.body)
        if not asking[at] and (told == section.body or not is_marked(section.heading)):
            continue
        end = len(text)
        for later in range(at + 1, len(sections)):
            if asking[later] or sections[later].level <= section.level:
                end = sections[later].start
                break
        end = min(end, _next(lines, told, len(text)))
        if not _is_open_quiz(text, told, end):
            yield from _answered(text, question, section.start, told, end)


def _quizzes(
    text: str, asks: list[re.Match[str]], bold: list[re.Match[str]], sections: list[Section]
) -> Iterator[Answered]:
    """Questions with choices and the right one; lines with a number ask where no mark does."""
    begun = [(match.start(), match.end(), "") for match in asks or NUMBERED.finditer(text)]
    begun += [(match.start(), match.end(), match["question"]) for match in bold]
    for section in sections:
        asked = section.heading.endswith(("?", "？")) or is_marked(section.heading)
        begun.append((section.start, section.body, section.heading if asked else ""))
    begun.sort()
    for at, (start, told, asked_so_far) in enumerate(begun):
        end = begun[at + 1][0] if at + 1 < len(begun) else len(text)
        lead = without_marks(text, asked_so_far, told)[0] if asked_so_far else ""
        if found := quiz(text, lead, told, end):
            prompt, completion, last = found
            yield prompt, completion, start, last
