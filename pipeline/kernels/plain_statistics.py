"""`statistics.h` in plain Python: its reference in the tests, and the fallback without it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

BLANK, LETTER, UNSPACED, SYMBOL, OTHER, TERMINAL, STOPLESS, ASCII_LETTER = (
    1 << bit for bit in range(8)
)
STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
SHORT_LINE, LONG_WORD, C4_WORDS = 30, 1000, 3
PART_REPETITION, PART_C4, PART_LINES = 1, 2, 8

POLICY = (
    *("terms of use", "privacy policy", "cookie policy"),
    *("uses cookies", "use of cookies", "use cookies"),
)
CITATIONS = re.compile(r"(?:\[[0-9]*\]|\[edit\]|\[citation needed\])+\Z")
FOLDED = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
CLOSING = "\"')]"
WIDE = 0x3000  # stops from here on have no space after them


def statistics_of(text: str, classes: bytes, parts: int) -> tuple[int, ...]:
    """The numbers of one text in the order of `statistics.STATISTICS`."""
    reading = _Reading(text, classes)
    repetition = reading.repetition() if parts & PART_REPETITION else [0] * 12
    words, lines = list(reading.words()), list(reading.lines())
    if not parts:
        words[2:4], words[5:], lines[3:] = [0, 0], [0], [0] * len(lines[3:])
    if not parts & PART_LINES:
        lines[8], lines[10:] = 0, [0, 0]
    numbers = [*reading.characters(), *words, *lines, *repetition]
    return (*numbers, *(reading.c4() if parts & PART_C4 else [0] * 4))


class _Reading:
    def __init__(self, text: str, classes: bytes) -> None:
        self.text, self.table = text, classes
        self.classes = [self._class(character) for character in text]
        self.tokens = self._tokens()

    def _class(self, character: str) -> int:
        code = ord(character)
        if code < len(self.table):
            return self.table[code]
        return LETTER | UNSPACED if code < 0xE0000 else SYMBOL | OTHER

    def _tokens(self) -> list[str]:
        """Runs of characters that are not white space."""
        blanks = "".join(
            " " if kind & BLANK else character
            for character, kind in zip(self.text, self.classes, strict=True)
        )
        return [token for token in blanks.split(" ") if token]

    def _strip(self, text: str) -> str:
        kinds = [self._class(character) & BLANK for character in text]
        begin = next((place for place, blank in enumerate(kinds) if not blank), len(text))
        end = next((place for place in range(len(text), 0, -1) if not kinds[place - 1]), begin)
        return text[begin:end]

    def characters(self) -> Iterable[int]:
        """The number of characters of each class, of all, and of those above the table."""
        for bit in range(8):
            yield sum(kind >> bit & 1 for kind in self.classes)
        yield len(self.text)
        yield sum(ord(character) >= len(self.table) for character in self.text)

    def words(self) -> Iterable[int]:
        """Counts of runs, words, words with a letter, stop words, hashes and ellipses."""
        spaced = "".join(" " if kind & (BLANK | UNSPACED) else "x" for kind in self.classes)
        yield len(spaced.split())
        yield len(self.tokens)
        yield sum(any(self._class(c) & LETTER for c in token) for token in self.tokens)
        yield len(STOP_WORDS.intersection(self.tokens))
        yield self.text.count("#")
        yield self.text.count("...") + self.text.count("…")

    def lines(self) -> Iterable[int]:
        """The statistics from `newlines` to `repeated_line_chars`."""
        lines = self.text.split("\n")
        not_empty = [line for line in lines if line]
        bare = [self._strip(line) for line in not_empty]
        full = [line for line in not_empty if self._strip(line)]
        yield len(lines) - 1
        yield len(lines) - (not lines[-1])
        yield max(map(len, lines))
        yield sum(line.startswith(("•", "-")) for line in bare)
        yield sum(line.endswith(("...", "…")) for line in bare)
        yield len(full)
        yield sum(bool(self._class(line[-1]) & TERMINAL) for line in full)
        yield sum(len(line) <= SHORT_LINE for line in full)
        yield _repeats(full)[1]
        yield len(not_empty)
        yield from _repeats(not_empty)

    def repetition(self) -> Iterable[int]:
        """The statistics of paragraphs and of runs of 2 to 10 words."""
        paragraphs = re.split(r"\n{2,}", self._strip(self.text))
        yield len(paragraphs)
        yield from _repeats(paragraphs)
        for width in (2, 3, 4):
            runs = [" ".join(run) for run in self._runs(width)]
            run, count = Counter(runs).most_common(1)[0] if runs else ("", 0)
            yield len(run) * count
        for width in range(5, 11):
            yield self._repeated_runs(width)

    def _runs(self, width: int) -> list[tuple[str, ...]]:
        return [tuple(self.tokens[at : at + width]) for at in range(len(self.tokens) - width + 1)]

    def _repeated_runs(self, width: int) -> int:
        runs, seen, at, chars = self._runs(width), set(), 0, 0
        while at < len(runs):
            if runs[at] in seen:
                chars += sum(map(len, runs[at]))
                at += width
            else:
                seen.add(runs[at])
                at += 1
        return chars

    def c4(self) -> Iterable[int]:
        """(lines that C4 keeps, their sentences, lines with lorem ipsum, lines with a brace)."""
        kept = sentences = lorem = curly = 0
        for line in map(self._strip, self.text.split("\n")):
            cited = CITATIONS.sub("", line)
            if self._c4_words(line) < C4_WORDS or not cited or cited.endswith("..."):
                continue
            if cited[-1] not in "\"'" and not self._class(cited[-1]) & TERMINAL:
                continue
            folded = line.translate(FOLDED)
            lorem += "lorem ipsum" in folded
            if "javascript" in folded:
                continue
            curly += "{" in line
            if not any(phrase in folded for phrase in POLICY):
                kept += 1
                sentences += self._sentences(cited)
        return kept, sentences, lorem, curly

    def _c4_words(self, line: str) -> int:
        """Words, or half the characters of scripts without spaces; 0 if a word is too long."""
        words, chars, unspaced = 0, 0, 0
        for character in line:
            kind = self._class(character)
            words += not kind & BLANK and not chars
            chars = 0 if kind & BLANK else chars + 1
            unspaced += bool(kind & UNSPACED)
            if chars > LONG_WORD and not unspaced:
                return 0
        return max(words, unspaced // 2)

    def _sentences(self, line: str) -> int:
        count, stopped, blank = 1, False, False
        for character in line:
            kind = self._class(character)
            if kind & TERMINAL:
                stopped, blank = True, ord(character) >= WIDE
            elif kind & BLANK:
                blank = blank or stopped
            elif not (stopped and not blank and character in CLOSING):
                count += stopped and blank and not "a" <= character <= "z"
                stopped = blank = False
        return count


def _repeats(parts: Iterable[str]) -> tuple[int, int]:
    """(number of parts that occurred before, characters of these parts)."""
    seen: set[str] = set()
    repeated = [part for part in parts if part in seen or seen.add(part)]  # type: ignore[func-returns-value]
    return len(repeated), sum(map(len, repeated))
