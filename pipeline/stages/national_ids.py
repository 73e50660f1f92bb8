"""Identity numbers of persons, found by their form and then their check digits (python-stdnum).

Some forms are so weak that any counter could produce them, and a check digit lets one number in
ten through. These count only beside a word that says what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from pipeline.stages.spans import AFTER, Detector, Span

WORD_BESIDE = 60
"""Characters before or after a number within which the word must occur."""


@dataclass(frozen=True)
class Identity:
    """One form of a country's identity number."""

    country: str
    pattern: str
    module: str | None  # of stdnum, with `is_valid`; None if the pattern is the only check
    word: str | None = None  # a regex, case-insensitive, that must match beside the number


PROVINCE = r"0(?:0[1-8]|1[0-79]|2[0-7]|3[0-8]|4[024-9]|5[1-8]|6[0-8]|7[0-9]|8[0-9]|9[1-6])"
IDENTITIES = (
    Identity("VN", PROVINCE + r"[0-3][0-9]{2}[0-9]{6}", None),  # căn cước: province, sex, year
    Identity("VN", PROVINCE + r"[ .-][0-3][0-9]{2}(?:[ .-][0-9]{3}){2}"
             rf"|{PROVINCE}[0-3](?:[ .-][0-9]{{4}}){{2}}", None, r"cccd|căn cước|định danh|cmnd"),
    Identity("VN", r"[0-9]{9}|[0-9]{3} [0-9]{3} [0-9]{3}", None, r"cmnd|cmt|chứng minh"),
    Identity("US", r"[0-9]{3}-[0-9]{2}-[0-9]{4}", "us.ssn"),
    Identity("US", r"[0-9]{9}|[0-9]{3} [0-9]{2} [0-9]{4}", "us.ssn", r"ssn|social security"),
    Identity("GB", r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?"
             r"[0-9]{2} ?[0-9]{2} ?[A-D]", None),
    Identity("GB", r"[0-9]{3} ?[0-9]{3} ?[0-9]{4}", "gb.nhs", r"nhs"),
    Identity("FR", r"[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
             "fr.nir"),
    Identity("DE", r"[0-9]{2} [0-9]{3} [0-9]{3} [0-9]{3}", "de.idnr"),
    Identity("DE", r"[0-9]{11}", "de.idnr", r"steuer|id-?nr|identifikationsnummer"),
    Identity("ES", r"[0-9]{8}-?[A-Z]", "es.dni"),
    Identity("ES", r"[XYZ]-?[0-9]{7}-?[A-Z]", "es.nie"),
    Identity("IT", r"[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
             "it.codicefiscale"),
    Identity("PL", r"[0-9]{11}", "pl.pesel"),
    Identity("NL", r"[0-9]{9}", "nl.bsn", r"bsn|burgerservice"),
    Identity("BE", r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", "be.nn"),
    Identity("SE", r"(?:[0-9]{2})?[0-9]{6}[-+][0-9]{4}", "se.personnummer"),
    Identity("FI", r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]", "fi.hetu"),
    Identity("PT", r"[0-9]{9}", "pt.nif", r"\bnif\b|contribuinte"),
    Identity("BR", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", "br.cpf"),
    Identity("BR", r"[0-9]{11}", "br.cpf", r"cpf"),
    Identity("CA", r"[0-9]{3}-[0-9]{3}-[0-9]{3}", "ca.sin"),
    Identity("IN", r"[2-9][0-9]{3} [0-9]{4} [0-9]{4}", "in_.aadhaar", r"a{1,2}dha{1,2}r|uidai"),
    Identity("IN", r"[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]", "in_.pan"),
    Identity("CN", r"[1-9][0-9]{16}[0-9X]", "cn.ric"),
    Identity("KR", r"[0-9]{6}-[0-9]{7}", "kr.rrn"),
)  # fmt: skip
"""stdnum checks the numbers that it knows; the others are recognised by their form alone."""

BEFORE = r"(?:(?<![\w.#/$€£¥+-])|(?<=(?i:cccd|cmnd)))"
_NUMBERS = re.compile(
    f"{BEFORE}(?:" + "|".join(f"(?:{known.pattern})" for known in IDENTITIES) + f"){AFTER}"
)
_FORMS = tuple((known, re.compile(known.pattern)) for known in IDENTITIES)
_WORDS = {known.word: re.compile(known.word, re.IGNORECASE) for known in IDENTITIES if known.word}

_WINDOWS = re.compile(r"[A-Z0-9][A-Z0-9 .+-]{7,}[A-Z0-9]")

GATE = (
    r"[0-9]{9}|[0-9]{8}-?[A-Z]|[XYZ]-?[0-9]{7}|[A-Z]{6}[0-9LMNP-V]{2}[A-Z]|[A-Z]{5}[0-9]{4}[A-Z]"
    r"|[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]|[0-9]{6}[-+A-FU-Y][0-9]{3}"
    r"|[0-9]{2,4}[ .-][0-9]{2,4}[ .-][0-9]{2,4}|[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3}"
)


def national_ids(text: str) -> Iterator[Span]:
    """The spans of identity numbers that are valid by the rules of some country."""
    for window in _WINDOWS.finditer(text):
        for match in _NUMBERS.finditer(text, window.start(), window.end() + len("-0")):
            if any(_is(identity, form, text, match) for identity, form in _FORMS):
                yield match.span()


def _is(identity: Identity, form: re.Pattern[str], text: str, match: re.Match[str]) -> bool:
    value = match.group()
    if not form.fullmatch(value):
        return False
    if identity.word:
        word = _WORDS[identity.word]
        before = text[max(0, match.start() - WORD_BESIDE) : match.start()]
        if not (word.search(before) or word.search(text, match.end(), match.end() + WORD_BESIDE)):
            return False
    if identity.module is None:
        return True
    return bool(import_module(f"stdnum.{identity.module}").is_valid(value))


IDS = Detector("national_id", GATE, national_ids)
