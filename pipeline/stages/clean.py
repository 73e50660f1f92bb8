"""`clean`: makes text uniform, whichever program wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar, Literal

import polars as pl
from pydantic import Field

from pipeline.kernels import surface
from pipeline.stage import Broken, Observed, Settings, reject
from pipeline.stages.before_after import changed_texts, sampled, tallied
from pipeline.stages.mojibake import line_without_mojibake
from pipeline.stages.texts import NFC_SUSPECT, has_images, in_nfc, nfc, rewrite
from pipeline.stages.tone_marks import GATES, VOWELS, Style, in_style

LINE_BREAK = r"\r\n?|[\x0B\x0C\u0085\u2028\u2029]"
NO_BREAK_SPACE = r"[\u00A0\u2007\u202F]"
INVISIBLE = (
    r"[\x00-\x08\x0E-\x1F\x7F-\u0084\u0086-\u009F"  # controls
    r"\u00AD\u061C\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB"
    r"\u{E0000}-\u{E007F}]"  # tag characters, in which text can be hidden
)
TERMINAL = r"\x1B(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1B]{0,999}(?:\x07|\x1B\\))"
"""A terminal's control sequence (colour, position, link). It is removed whole, not just its ESC.
https://ecma-international.org/publications-and-standards/standards/ecma-48/"""

UNWANTED = f"{LINE_BREAK}|{NO_BREAK_SPACE}|{INVISIBLE}"

JOINER = r"[\u200C\u200D]"
NO_JOINER_BESIDE = r"[\x00-\x7F\s\u200C\u200D]"

LATIN_1 = (r"[\u00C2-\u00F4]", r"[\u0080-\u00BF€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
CYRILLIC = (r"[РСВв]", r"[ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—™љ›њќћџ\u00A0-\u00BFЎўЈҐЁЄЇІіґёєјЅѕї]")
MAC_ROMAN = (r"[√‚∆≈]", r"[Ä-ÿ†°¢£§•¶ß®©™´¨≠∞±≤≥¥µ∂∑∏π∫Ωº]")
"""The first two characters that one character in UTF-8 becomes when read in another charset:
the first one, and the one after it."""

PAIRS = (LATIN_1, CYRILLIC, MAC_ROMAN)
C1_CONTROL = r"[\u0080-\u009F]"
MOJIBAKE = "|".join((C1_CONTROL, *map("".join, PAIRS)))
"""Where calling ftfy (2 MB/s) is worthwhile: 2 to 4 texts in 100 match, in few of their lines."""

WORTH = re.compile(MOJIBAKE)

HAS_UNWANTED, HAS_NFC_SUSPECT, HAS_JOINER, HAS_C1 = (1 << bit for bit in range(4))
HAS_MOJIBAKE = HAS_C1 | sum(surface.PAIR << kind for kind in range(len(PAIRS)))
HAS_TONES = surface.PAIR << len(PAIRS)
HAS_BLANKS = surface.BLANK_AT_END | surface.EMPTY_LINES

TAKEN_OUT = {
    "invisible": (HAS_UNWANTED, INVISIBLE),
    "line_breaks": (HAS_UNWANTED, LINE_BREAK),
    "no_break_spaces": (HAS_UNWANTED, NO_BREAK_SPACE),
    "blanks": (HAS_BLANKS, r"[ \t]\n|\n\n\n"),
}
"""Kinds of change that a pattern finds, with the mark of texts in which it may occur."""

KINDS = ("mojibake", "unicode_form", *TAKEN_OUT, "tone_marks")
"""All kinds of change."""


class Clean(Settings):
    """Makes text uniform: Unicode NFC, one kind of line break, nothing invisible.

    Removes control characters and terminal sequences, zero-width and bidirectional marks,
    byte-order marks, soft hyphens and Unicode tags. Joiners (U+200C, U+200D) stay between two
    non-ASCII characters, because Persian, Indic scripts and emoji need them. Every line or page
    break becomes a newline, a no-break space a space. Spaces at line ends are removed, three or
    more newlines become two, and both ends of a text are stripped, except for the indentation of
    its first line (a tab, or at least two spaces). Text decoded with the wrong character set is
    repaired (`mojibake`). Vietnamese syllables are written `hòa, khỏe, thủy` or `hoà, khoẻ, thuỷ`
    (`tone_marks`), except in addresses and paths. Works on the text, the system prompt and every
    turn. Cleaning a text again does not change it.
    """

    name: ClassVar[str] = "clean"
    reasons: ClassVar[dict[str, str]] = {
        "empty_text": "Nothing is left of the text after cleaning; check the source, or accept it.",
    }

    mojibake: bool = Field(True, description="repair text that was decoded with the wrong charset")
    tone_marks: Style | Literal["keep"] = Field(
        "hòa", description="where to write Vietnamese tone marks in open oa, oe, uy"
    )

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records with clean texts; documents that end up empty are rejected."""
        return self.observe(records).records

    def observe(self, records: pl.DataFrame) -> Observed:
        """As `__call__`, plus the records by kind of change and a few samples, before and after.

        Stripping a text's ends does not count as a change: nobody wants it reported.
        """
        cleaned = rewrite(records, lambda texts, _: self._cleaned(texts))
        document = pl.col("messages").is_null() & ~has_images()
        empty = document & (pl.col("text").fill_null("") == "")
        changed = self._kinds(changed_texts(records, cleaned))
        kinds = {kind: pl.col(kind) for kind in KINDS}
        return Observed(
            reject(cleaned, empty_text=Broken(empty)),
            tallies=tallied(changed, kinds),
            samples=sampled(changed, kinds),
        )

    def _kinds(self, changed: pl.DataFrame) -> pl.DataFrame:
        """The changed texts, with a flag for each kind of change.

        Characters of mojibake are bytes of a letter, so a text with repaired mojibake is not
        counted among those with invisible characters, spaces or other kinds.
        """
        before, after = changed["before"], changed["after"]
        watched = _Watched(before, self.tone_marks)
        suspects = watched.holding(HAS_MOJIBAKE, MOJIBAKE) & self.mojibake
        repaired = self._tidied(before.filter(suspects)) != after.filter(suspects)
        has_mojibake = suspects.clone().scatter(suspects.arg_true(), repaired)
        flags = {kind: ~has_mojibake & watched.holding(*what) for kind, what in TAKEN_OUT.items()}
        composed = in_nfc(before)
        flags["unicode_form"] = ~has_mojibake & (composed != before)
        if composed is not before:
            watched = _Watched(composed, self.tone_marks)
        flags["tone_marks"] = self._have_other_style(watched)
        return changed.with_columns(mojibake=has_mojibake, **flags)

    def _have_other_style(self, watched: _Watched) -> pl.Series:
        """Which texts, given in NFC, contain a syllable that is written in the other style."""
        if self.tone_marks == "keep":
            return pl.repeat(False, watched.texts.len(), dtype=pl.Boolean, eager=True)
        suspects = watched.holding(HAS_TONES, GATES[self.tone_marks])
        texts = watched.texts.filter(suspects).to_frame("text")
        other = texts.select(in_style(pl.col("text"), self.tone_marks) != pl.col("text"))
        return suspects.clone().scatter(suspects.arg_true(), other.to_series())

    def _tidied(self, texts: pl.Series) -> pl.Series:
        return _tidy(_Watched(texts, self.tone_marks), self.tone_marks)

    def _cleaned(self, texts: pl.Series) -> pl.Series:
        """Each text tidied and its mojibake repaired, repeatedly until nothing changes.

        Mojibake is repaired first because that needs the control characters that tidying removes;
        but tidying can uncover more mojibake. The repetition ends, because repairing a tidy text
        makes it shorter.
        """
        if not self.mojibake:
            return self._tidied(texts)
        watched = _Watched(texts, self.tone_marks)
        watched.change(HAS_MOJIBAKE, MOJIBAKE, _without_mojibake)
        tidy = _tidy(watched, self.tone_marks)
        moved = (tidy != texts).fill_null(False).arg_true()
        if moved.is_empty():
            return tidy
        return tidy.scatter(moved, self._cleaned(tidy.gather(moved)))


class _Watched:
    """Texts with marks, from a quick scan, of what each may contain.

    A pattern is searched for only in texts that have its mark.
    """

    def __init__(self, texts: pl.Series, tone_marks: Style | Literal["keep"]) -> None:
        pairs = PAIRS if tone_marks == "keep" else (*PAIRS, VOWELS[tone_marks])
        self.texts = texts
        self.marks = surface.marks(texts, (UNWANTED, NFC_SUSPECT, JOINER, C1_CONTROL), pairs)

    def holding(self, mark: int, pattern: str) -> pl.Series:
        """Which texts have the mark and match the pattern (a Boolean series)."""
        hits = self._hits(mark, pattern)
        return pl.repeat(False, self.texts.len(), dtype=pl.Boolean, eager=True).scatter(hits, True)

    def change(self, mark: int, pattern: str, how: Callable[[pl.Expr], pl.Expr]) -> None:
        """Change the texts in which the pattern occurs, and give these every mark."""
        hits = self._hits(mark, pattern)
        if hits.is_empty():
            return
        matching = self.texts.gather(hits).to_frame("text")
        changed = matching.select(how(pl.col("text"))).to_series()
        # `scatter` writes into the series it is called on.
        self.texts = self.texts.clone().scatter(hits, changed)
        self.marks = self.marks.clone().scatter(hits, surface.ANYTHING)

    def _hits(self, mark: int, pattern: str) -> pl.Series:
        suspects = (self.marks & mark != 0).arg_true()
        if suspects.is_empty():  # the usual case
            return suspects
        return suspects.filter(self.texts.gather(suspects).str.contains(pattern).fill_null(False))


def _tidy(watched: _Watched, tone_marks: Style | Literal["keep"]) -> pl.Series:
    """Each text without unwanted characters, in NFC, with white space and tone marks uniform."""
    watched.change(HAS_UNWANTED, UNWANTED, _without_unwanted)
    watched.change(HAS_NFC_SUSPECT, NFC_SUSPECT, nfc)
    watched.change(HAS_JOINER, JOINER, _without_stray_joiners)
    watched.change(
        surface.BLANK_AT_END, r"[ \t]\n", lambda text: text.str.replace_all(r"[ \t]+\n", "\n")
    )
    watched.change(
        surface.EMPTY_LINES, r"\n\n\n", lambda text: text.str.replace_all(r"\n{3,}", "\n\n")
    )
    if tone_marks != "keep":
        watched.change(HAS_TONES, GATES[tone_marks], lambda text: in_style(text, tone_marks))
    return _without_ends(watched.texts)


def _without_ends(texts: pl.Series) -> pl.Series:
    """Without white space at the end, and without what is no indentation at the start: a
    completion of code may begin within a block."""
    ended = texts.str.strip_chars_end()
    begins = ended.str.contains(r"^\s").fill_null(False).arg_true()
    if begins.is_empty():
        return ended
    without_lines = ended.gather(begins).str.replace(r"^\s*[^\S \t]", "")
    return ended.scatter(begins, without_lines.str.replace(r"^ (\S)", "$1"))


def _without_unwanted(text: pl.Expr) -> pl.Expr:
    lines = text.str.replace_all(LINE_BREAK, "\n").str.replace_all(NO_BREAK_SPACE, " ")
    return lines.str.replace_all(f"{TERMINAL}|{INVISIBLE}", "")


def _without_stray_joiners(text: pl.Expr) -> pl.Expr:
    """The text with joiners only between two non-ASCII characters, and one joiner at a time.

    The result is in NFC, because characters that a joiner separated may now combine.
    """
    single = text.str.replace_all(f"({JOINER}){JOINER}+", "$1")
    preceded = single.str.replace_all(f"(^|{NO_JOINER_BESIDE}){JOINER}", "$1")
    followed = preceded.str.replace_all(f"{JOINER}($|{NO_JOINER_BESIDE})", "$1")
    return nfc(followed)


def _without_mojibake(text: pl.Expr) -> pl.Expr:
    return text.map_elements(
        lambda whole: "\n".join(map(_line, whole.split("\n"))),
        return_dtype=pl.String,
    )


def _line(line: str) -> str:
    return line if line.isascii() or not WORTH.search(line) else line_without_mojibake(line)
