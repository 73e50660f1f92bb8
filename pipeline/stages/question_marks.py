"""What marks a question and its answer in a document: `Q:` and `A:`, `Câu 1:` and `Trả lời:` …"""

from __future__ import annotations

import re

# No pattern may go over a run of blanks or a long line twice: texts are anybody's.
ASKS = r"q|h|question|hỏi|câu hỏi|câu(?=[ \t]\d)|问题|问"
TELLS = r"a|đ|answer|đáp án|đáp|trả lời|答案|回答|答"
LINE = r"^[ \t]{0,8}(?:[-*][ \t]{1,3})?"


def _mark(words: str, name: str) -> str:
    return (
        rf"(?:\*\*)?(?P<{name}>{words})[ \t]?\d{{0,3}}[ \t]?(?P<{name}_sign>[:：.)])"
        r"(?:\*\*)?[ \t]{0,3}"
    )


_ASK, _TELL = _mark(ASKS, "ask"), _mark(TELLS, "tell")
_BLANK_LINES = r"(?:[ \t]{0,8}\n){0,3}"
QUESTION = re.compile(
    rf"{LINE}{_ASK}(?P<question>[^\n]{{1,500}}?)(?:\*\*)?[ \t]{{0,3}}\n{_BLANK_LINES}{LINE}{_TELL}",
    re.IGNORECASE | re.MULTILINE,
)
ASKED = re.compile(rf"{LINE}(?!h\b){_ASK}", re.IGNORECASE | re.MULTILINE)
"""A mark that asks, whatever follows; `H:` asks only where `Đ:` answers."""

_OPENS = re.compile(_ASK, re.IGNORECASE)
_ANSWERS = re.compile(rf"{_BLANK_LINES}{LINE}{_TELL}", re.IGNORECASE | re.MULTILINE)
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,3}[.)][ \t]+")
_ONLY_NUMBERED = re.compile(r"(?:question|câu hỏi|câu|问题|q)[ \t]?\d{1,3}", re.IGNORECASE)

TERMS_LEFT_OUT = re.compile(
    rf"(?:{ASKS}|{TELLS}|câu)[ \t]?\d{{0,3}}"
    r"|notes?|n\.?b\.?|warning|tip|hint|examples?|important|caution|attention|remark"
    r"|lưu ý|chú ý|ghi chú|ví dụ|cảnh báo|quan trọng|mẹo|thận trọng",
    re.IGNORECASE,
)
"""Marks and call-outs (`**Note:** …`), which look like the terms of a glossary."""


def agrees(match: re.Match[str], ask: str, ask_sign: str) -> bool:
    """Whether the mark of an answer belongs to that of its question.

    `Đ:` answers `H:` alone. A lone letter has a colon; `A.` and `A)` may be the first of some
    choices, and answer only what is marked with the same sign.
    """
    tell, sign = match["tell"].lower(), match["tell_sign"]
    if (tell == "đ") != (ask.lower() == "h"):
        return False
    return len(tell) > 1 or sign in ":：" or sign == ask_sign or tell == "答"


def is_marked(question: str) -> bool:
    """Whether a heading begins with a mark that asks."""
    return bool(_OPENS.match(question) or _ONLY_NUMBERED.fullmatch(question))


def without_marks(text: str, question: str, told: int) -> tuple[str, int]:
    """A question that is a heading or bold, and where its answer begins, without their marks.

    `told` is where the line after the question begins.
    """
    opened, answer = _OPENS.match(question), _ANSWERS.match(text, told)
    ask, sign = (opened["ask"], opened["ask_sign"]) if opened else ("", "")
    told_mark = answer if answer and agrees(answer, ask, sign) else None
    if opened and (told_mark or len(ask) > 1 or (sign in ":：" and ask.lower() != "h")):
        question = question[opened.end() :]
    elif _ONLY_NUMBERED.fullmatch(question):
        question = ""
    elif number := _NUMBER.match(question):
        question = question[number.end() :]
    return question.strip("*_ \t"), told_mark.end() if told_mark else told
