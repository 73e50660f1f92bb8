"""Questions of a document with lettered choices, and the right one named after them.

    Câu 1: Thủ đô của Việt Nam là thành phố nào?
    A. Huế
    B. Hà Nội
    Đáp án: B

The prompt is the question over its choices, the completion the right choice's letter and text, as
tables of such questions are read. Choices stand on lines of their own or side by side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CHOICE = re.compile(
    r"(?:^[ \t]{0,8}(?:[-*+][ \t]{1,3})?(?:\*\*)?\(?(?P<first>[A-Ha-h])[.):]"
    r"|(?<=[ \t])(?:\*\*)?\(?(?P<beside>[A-Ha-h])[.)])(?:\*\*)?[ \t]{1,3}",
    re.MULTILINE,
)
RIGHT = re.compile(
    r"^[ \t]{0,8}(?:[->*][ \t]{1,3})?[*_]{0,2}"
    r"(?:(?:correct |right )?answer|ans|đáp án(?: đúng)?|trả lời|đáp|(?:正确)?答案)"
    r"[*_]{0,2}(?:[ \t]?(?:[:：]|là|is)|(?=[ \t]))[*_ \t]{0,4}(?P<right>[^\n]{1,500})",
    re.IGNORECASE | re.MULTILINE,
)
_LETTERS = re.compile(
    r"\(?([A-Ha-h])\)?(?:(?:[ \t]?[,&][ \t]?|[ \t](?:và|and)[ \t])\(?([A-Ha-h])\)?)?"
)
_BLOCK = 4000
"""Characters from a question's mark to the end of its choices, at most."""
_QUESTION = 1000


@dataclass(frozen=True)
class Choices:
    """Each choice's letter and text, and where the first begins and the last ends."""

    lettered: tuple[tuple[str, str], ...]
    start: int
    end: int


def find_choices(text: str, start: int, end: int) -> Choices | None:
    """The first choices from A on, two or more; None where there are none."""
    marks: list[tuple[str, int, int]] = []
    for match in CHOICE.finditer(text, start, min(end, start + _BLOCK)):
        letter = match["first"] or match["beside"]
        follows = ord(letter) == ord(marks[-1][0]) + 1 if marks else match["first"] in {"A", "a"}
        if follows:
            marks.append((letter, match.start(), match.end()))
    if len(marks) < 2:
        return None
    stops = [*(mark[1] for mark in marks[1:]), _line_end(text, marks[-1][2], end)]
    texts = [
        text[mark[2] : stop].strip().rstrip("*;").strip()
        for mark, stop in zip(marks, stops, strict=True)
    ]
    lettered = tuple((mark[0].upper(), one) for mark, one in zip(marks, texts, strict=True))
    return Choices(lettered, marks[0][1], stops[-1]) if all(texts) else None


def _line_end(text: str, start: int, end: int) -> int:
    line = text.find("\n", start, end)
    return end if line < 0 else line


def quiz(text: str, lead: str, told: int, end: int) -> tuple[str, str, int] | None:
    """The prompt, the completion and where the answer's line ends; None without a right choice.

    `lead` is what a heading asks already; the question goes on at `told`.
    """
    choices = find_choices(text, told, end)
    right = choices and RIGHT.search(text, choices.end, end)
    if not choices or not right:
        return None
    asked = "\n".join(filter(None, (lead, text[told : choices.start].strip().strip("*").strip())))
    chosen = _chosen(choices, right["right"].strip(" \t*_"))
    if not chosen or not asked or len(asked) > _QUESTION:
        return None
    lines = [f"{letter}. {one}" for letter, one in choices.lettered]
    answer = "\n".join(f"{letter}. {one}" for letter, one in chosen)
    return f"{asked}\n\n" + "\n".join(lines), answer, right.end()


def _chosen(choices: Choices, said: str) -> list[tuple[str, str]]:
    """The choices that an answer names by letter, or by the whole text of one."""
    by_letter = dict(choices.lettered)
    match = _LETTERS.match(said)
    if match:
        letters = [letter.upper() for letter in match.groups() if letter]
        rest = said[match.end() :]
        alone = not rest or rest[0] in ".):;,–—-(" or rest.lstrip() == by_letter.get(letters[0])
        if alone and all(letter in by_letter for letter in letters):
            return [(letter, by_letter[letter]) for letter in letters]
    same = said.rstrip(".").casefold()
    return [one for one in choices.lettered if one[1].rstrip(".").casefold() == same]
