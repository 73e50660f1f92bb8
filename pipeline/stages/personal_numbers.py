"""Finds phone, card, bank account and network numbers by their shape and then their checks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from pipeline.stages.number_words import is_amount, word_before
from pipeline.stages.spans import BEFORE, NUMBER, Detector, Span, alone, matches, number_windows
from pipeline.stages.vietnamese_phones import DATE, VIETNAMESE, is_written_so, national_number

COUNTRY = r"\+[1-9][0-9]{0,2}"
APART = r"(?:[ .-]?\(0\)[ .-]?|[ .-]|[ .-]?\()"  # between a country's code and the number
INTERNATIONAL = (
    r"\+[1-9][0-9]{8,14}",  # +84912345678
    COUNTRY + APART + r"[0-9]{2,4}\)?[ .-]?[0-9]{3,4}[ .-]?[0-9]{3,4}(?:[ .-]?[0-9]{2,4})?",
    COUNTRY + APART + r"[0-9]{2,5}\)?[ ./-]?[0-9]{6,8}",  # +49 30 1234567
    COUNTRY + r"[ .-]?[0-9]{1,2}(?:[ .-][0-9]{2}){4}",  # +33 1 23 45 67 89
    r"\(" + COUNTRY + r"\)[ .-]?[0-9]{2,4}(?:[ .-]?[0-9]{3,4}){2}",  # (+84) 912 345 678
    r"00[1-9][0-9]{0,2}[ .-][0-9]{2,4}[ .-]?[0-9]{3,4}[ .-]?[0-9]{3,4}",  # 0049 30 12345678
)
NORTH_AMERICAN = (  # not three numbers with blanks between them: those are columns of a table
    r"(?:1[ .-])?\([2-9][0-9]{2}\)[ .-]?[2-9][0-9]{2}[ .-][0-9]{4}",  # (415) 555-2671
    r"(?:1[.-])?[2-9][0-9]{2}[.-][2-9][0-9]{2}[.-][0-9]{4}",  # 415-555-2671
    r"(?:1[ .-])?[2-9][0-9]{2} [2-9][0-9]{2}-[0-9]{4}",  # 415 555-2671
)
NATIONAL = (
    r"(?:\(0[0-9]{1,4}\)|0[0-9]{1,4})(?: ?[./-] ?| )"  # 0221 / 4366253
    r"[0-9]{2,8}(?:[ ./-][0-9]{2,4}){0,3}"
    r"|\(0[0-9]{1,4}\)[0-9]{4,8}"
    r"|0[0-9]{8,11}"  # longer ones are order numbers
)
"""National numbers with the trunk zero, as in most of Europe and Asia; phonenumbers checks them."""

PHONE = rf"(?P<VN>{'|'.join(VIETNAMESE)})|(?P<any>{'|'.join(INTERNATIONAL)})"
PHONE += rf"|(?P<US>{'|'.join(NORTH_AMERICAN)})"

LEADS = ("sđt", "sdt", "đt", "tel", "zalo", "hotline", "phone", "mobile", "thoại")
LINKS = (r"zalo\.me/", r"wa\.me/")
PHONE_BEFORE = rf"(?=[+(0-9])(?<![0-9])(?:{BEFORE}|(?<=[^\W\d_]\.)" + "".join(
    rf"|(?<=(?i:{lead}))" for lead in (*LINKS, *(f"{w}{m}" for w in LEADS for m in ("", "[./_-]")))
)
PHONE_BEFORE += ")"
"""As any number, after a sentence's end (`nhé.0912345678`), its word (`SĐT0912345678`), a link."""


def e164(number: str, region: str | None) -> str | None:
    """A phone number in the form +84912345678; None for anything that cannot be one.

    A number with a country code (`region` None) only needs a possible length; a national one must
    be valid in its region.
    """
    import phonenumbers

    if region is None and number.startswith("00"):  # the international prefix of most countries
        number = f"+{number[2:]}"
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    accepts = phonenumbers.is_valid_number if region else phonenumbers.is_possible_number
    if not accepts(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def known_region(region: str) -> str:
    """The country code itself. Raises ValueError if phonenumbers does not know the country."""
    import phonenumbers

    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{region} is not a known country; write an ISO 3166 code such as DE")
    return region


def phones(regions: tuple[str, ...]) -> Callable[[str], Iterator[Span]]:
    """Finds international, Vietnamese, North American numbers, and national ones of `regions`."""
    pattern = f"{PHONE}|(?P<national>{NATIONAL})" if regions else PHONE
    forms = alone(pattern, PHONE_BEFORE)

    def holds(match: re.Match[str]) -> bool:
        group = match.lastgroup or "any"
        return _is_meant(match, group) and phone_of(match.group(), group, regions) is not None

    return lambda text: matches(text, forms, number_windows(text), holds)


def _is_meant(match: re.Match[str], group: str) -> bool:
    """Whether the words beside a number, and how it is written, let it be a phone."""
    if match.group().startswith("+"):
        return not is_amount(match)
    if word_before(match.string, match.start()) == "other":
        return False
    if group == "national":
        return not DATE.match(match.group())
    return group != "VN" or is_written_so(match)


def phone_of(number: str, group: str, regions: tuple[str, ...]) -> str | None:
    """The number as +84912345678 by the first region where it is one."""
    if group == "VN":
        known = national_number(number)
        found = e164(f"0{known}", group) if known else None
        return found or (e164(number, None) if number.startswith(("+", "00", "(+")) else None)
    tried: tuple[str | None, ...] = {"any": (None,), "national": regions}.get(group, (group,))
    return next(filter(None, (e164(number, region) for region in tried)), None)


_PHONE = re.compile(PHONE)


def same_phone(number: str, regions: tuple[str, ...]) -> str:
    """One form for all the ways to write the same phone number."""
    match = _PHONE.fullmatch(number)
    group = match.lastgroup if match and match.lastgroup else "national"
    return phone_of(number, group, regions) or re.sub(r"[^0-9+]", "", number)


DOMESTIC = r"9704[0-9]{12}(?:[0-9]{3})?"  # NAPAS, of Vietnam's banks
CARD = (
    rf"[2-6][0-9]{{12,18}}|{DOMESTIC}"
    r"|(?:[2-6][0-9]{3}|9704)(?P<by4>[ -])[0-9]{4}(?P=by4)[0-9]{4}(?P=by4)[0-9]{4}"
    r"(?:(?P=by4)[0-9]{3})?"
    r"|3[0-9]{3}(?P<by6>[ -])[0-9]{6}(?P=by6)[0-9]{4,5}"
)
_CARDS = alone(CARD)
BRANDS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}"  # American Express, Diners Club
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # Discover, JCB
    r"|62[0-9]{14,17}"  # UnionPay
)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def cards(text: str) -> Iterator[Span]:
    """Payment cards: by brand, length, printed grouping and check digit."""

    def holds(match: re.Match[str]) -> bool:
        digits = re.sub(r"[ -]", "", match.group())
        if re.fullmatch(DOMESTIC, digits):  # banks give their numbers check digits, but not all do
            return luhn(digits) or _is_said(_CARD_WORDS, match)
        return BRANDS.fullmatch(digits) is not None and luhn(digits)

    return matches(text, _CARDS, number_windows(text), holds)


_CARD_WORDS = re.compile(r"(?<![^\W\d_])(?:thẻ|napas|atm|card)(?![^\W\d_])", re.IGNORECASE)
WORD_BESIDE = 60
"""Characters before a number, or after it, in which a word may say what it is."""


def _is_said(words: re.Pattern[str], match: re.Match[str]) -> bool:
    """Whether one of the words stands beside a number."""
    start, end = match.span()
    before = match.string[max(0, start - WORD_BESIDE) : start]
    return bool(words.search(before) or words.search(match.string, end, end + WORD_BESIDE))


IBAN = r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?"
_IBANS = re.compile(rf"(?<![A-Za-z0-9]){IBAN}(?![A-Za-z0-9])")
IBAN_WORD = r"(?i:iban)[^A-Za-z0-9]{1,8}"
_ANY_CASE = re.compile(rf"(?<![A-Za-z]){IBAN_WORD}(?P<iban>(?i:{IBAN}))(?![A-Za-z0-9])")


def ibans(text: str) -> Iterator[Span]:
    """Bank accounts by ISO 13616: the country's length and form, and the check modulo 97.

    A country's own check digits are let be: a slip in them makes the number no less personal.
    Small letters count after the word `IBAN`.
    """
    from stdnum import iban

    starts = [(match.start(), match.group()) for match in _IBANS.finditer(text)]
    starts += [(match.start("iban"), match["iban"]) for match in _ANY_CASE.finditer(text)]
    for start, found in starts:
        words = found.split(" ")
        while words:  # a word may follow
            value = " ".join(words)
            if iban.is_valid(value, check_country=False):
                yield start, start + len(value)
                break
            words.pop()


OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"(?:{OCTET}\.){{3}}{OCTET}"
_IPV4 = alone(rf"{IPV4}(?!\.\w)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:]|\.\w)")


def ipv4(text: str) -> Iterator[Span]:
    """Dotted quads, including private addresses and section numbers."""
    return matches(text, _IPV4, ((0, len(text)),), lambda _: True)


def ipv6(text: str) -> Iterator[Span]:
    """Global addresses that contain a digit; not those of local networks."""
    for match in _IPV6.finditer(text):
        try:
            address = ipaddress.IPv6Address(match.group())
        except ValueError:
            continue
        if address.is_global and any(map(str.isdigit, match.group())):
            yield match.span()


def numbers(regions: tuple[str, ...]) -> tuple[Detector, ...]:
    """Detectors of cards, phones and network addresses, in this order."""
    return (
        Detector("card", r"(?:[2-6]|970)(?:[ -]?[0-9]){12}", cards),
        Detector("phone", NUMBER, phones(regions)),
        Detector("ipv4", IPV4, ipv4),
        Detector("ipv6", r"(?:[0-9A-Fa-f]{1,4}:){2}[0-9A-Fa-f:]*[0-9A-Fa-f]", ipv6),
    )


ACCOUNTS = Detector(
    "iban",
    r"[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4} ?[A-Z0-9]{3}"
    rf"|{IBAN_WORD}[A-Za-z]{{2}}[0-9]{{2}}",
    ibans,
)
