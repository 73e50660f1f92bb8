"""Rich Text: its notes, its symbols, and what stands for what."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_readers_odd import told

FONTS = (
    rb"{\fonttbl{\f0\fcharset0 Times;}{\f3\froman\fcharset2{\*\panose 05050102}Symbol{\*\falt x};}"
    rb"{\f4\fcharset2 Wingdings;}{\f5\fcharset2 Webdings;}{\f6\fcharset0 Symbol;}}"
)


def text_of(body: bytes, folder: Path) -> str:
    [(_, text)] = told(folder, "a.rtf", rb"{\rtf1\ansi " + FONTS + body + b"}")
    return text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"\f3 a\'f0b \f4 A\'fc", "αβ ✔"),
        (rb"Tea{\super\chftn {\footnote\pard\plain {\chftn } Hot\par b.}}, cold.\par x",
         "Tea[^1], cold.\nx\n\n[^1]: Hot b."),
        (rb"Tea{\super\chftn}{\*\footnote\chftn\~\pard {A.\par}} and {\footnote\ftnalt B} end",
         "Tea[^1] and [^2] end\n\n[^1]: A.\n\n[^2]: B"),
        (rb"{\*\ftnsep\chftnsep}{\aftnsep no}{\b Tea{\footnote {\i a}\u7879?{\*\x no}}\'e9}",
         "Tea[^1]é\n\n[^1]: aệ"),
        (rb"Tea{\v{\footnote\plain no}}{\*\x{\footnote no}}{\header{\footnote no}}", "Tea"),
        (rb"a{\footnote b{\footnote c}d}e", "a[^1]e\n\n[^1]: b[^2]d\n\n[^2]: c"),
        (rb"a{\footnote\v hidden}b", "a[^1]b\n\n[^1]:"),
    ],
)  # fmt: skip
def test_notes_are_told_at_the_end(body: bytes, text: str, tmp_path: Path) -> None:
    """As Word writes them, and as others do; what is not shown has no notes."""
    assert text_of(body, tmp_path) == text


FIELD = rb"{\field{\*\fldinst {SYMBOL %b}}{\fldrslt{\f3 q}}}"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"angle " + FIELD % rb'97 \\f "Symbol" \\s 12' + b" = 30", "angle α = 30"),
        (FIELD % rb"0xF0FC \\f Wingdings" + FIELD % b"169" + FIELD % rb"8212 \\u", "✔©—"),
        (FIELD % rb"97 \\f Symbol" + rb"{\field{\*\fldinst PAGE}{\fldrslt 7}}{\fldrslt 8}", "α78"),
        (FIELD % b"55296" + FIELD % b"9999999" + FIELD % b"x", "θθθ"),
        (rb"{\header{\field{\*\fldinst SYMBOL 97}}}a" + FIELD % b"97 " * 9, "a" * 10),
        (rb"{\f3 ab\'b7\u-3999\'61\u945?}\u-3999?", "αβ•αα\uf061"),
        (rb"{\f4\'fc\'93\u-3844?\u-3844\'fc\'c4}{\f5 a}{\f6 a}", "✔❽✔✔aa"),
    ],
)
def test_symbols_are_what_they_look_like(body: bytes, text: str, tmp_path: Path) -> None:
    """Those of the fonts whose letters are none, and of the fields that name one."""
    assert text_of(body, tmp_path) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"A\u8212\emdash B\u8220\ldblquote C\u8209\_D\u160\~E\emdash F", "A—B“C‑D\xa0E—F"),
        (rb"\uc0 A\u8212\emdash B\uc1\u8212\par C\u8212\'97\emdash D", "A——B—\nC——D"),
        (rb"one\column two\lbr0 three a\zwnj b\zwj c", "one\n\ntwo\nthree a\u200cb\u200dc"),
        (rb"a {\object\objemb{\*\objclass X}{\*\objdata 00}{\result {\pict 00}b}} c", "a b c"),
        (rb"\mac caf\'8e", "café"),
        (rb"\pc caf\'82 \'e1", "café ß"),
        (rb"\mac\ansicpg1252 caf\'e9", "café"),
    ],
)
def test_words_that_stand_for_characters(body: bytes, text: str, tmp_path: Path) -> None:
    """What follows a character of Unicode is what older programs show; a column is a new page."""
    assert text_of(body, tmp_path) == text
