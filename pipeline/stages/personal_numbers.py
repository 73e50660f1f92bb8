"""Finds phone, card, bank account and network numbers by their shape and then their checks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from pipeline.stages.spans import NUMBER, Detector, Span, alone, matches, number_windows

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
VIETNAMESE = (
    r"0[35789][0-9]{8}",  # 0912345678
    r"0[35789][0-9]{2}(?:[ .-][0-9]{3}){2}",  # 0912 345 678
    r"0[35789][0-9][ .-][0-9]{3}[ .-][0-9]{4}",  # 091 234 5678
    r"0[35789][0-9]{2}(?:[ .-][0-9]{2}){3}",  # 0912 34 56 78
    r"(?:\(02[0-9]{1,2}\)|02[0-9]{1,2})[ .-]?[0-9]{3,4}[ .-]?[0-9]{4}",  # (024) 3825 1234
)
NORTH_AMERICAN = (  # not three numbers separated by spaces: those are columns of a table
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

PHONE = rf"(?P<any>{'|'.join(INTERNATIONAL)})|(?P<VN>{'|'.join(VIETNAMESE)})"
PHONE += rf"|(?P<US>{'|'.join(NORTH_AMERICAN)})"


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
    """A finder of international, Vietnamese and North American phone numbers.

    With `regions` it also finds national numbers of these countries.
    """
    patterns = alone(f"{PHONE}|(?P<national>{NATIONAL})" if regions else PHONE)

    def holds(match: re.Match[str]) -> bool:
        return phone_of(match.group(), match.lastgroup or "any", regions) is not None

    return lambda text: matches(text, patterns, number_windows(text), holds)


def phone_of(number: str, group: str, regions: tuple[str, ...]) -> str | None:
    """The number in the form +84912345678, read in the first region where it is valid.

    `group` names the part of `PHONE` that matched: `any`, `national` or a region.
    """
    tried: tuple[str | None, ...] = {"any": (None,), "national": regions}.get(group, (group,))
    return next(filter(None, (e164(number, region) for region in tried)), None)


_PHONE = re.compile(PHONE)


def same_phone(number: str, regions: tuple[str, ...]) -> str:
    """One form for all the ways to write the same phone number."""
    match = _PHONE.fullmatch(number)
    group = match.lastgroup if match and match.lastgroup else "national"
    return phone_of(number, group, regions) or re.sub(r"[^0-9+]", "", number)


CARD = (
    r"[2-6][0-9]{12,18}"
    r"|[2-6][0-9]{3}(?P<by4>[ -])[0-9]{4}(?P=by4)[0-9]{4}(?P=by4)[0-9]{4}(?:(?P=by4)[0-9]{3})?"
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
        return BRANDS.fullmatch(digits) is not None and luhn(digits)

    return matches(text, _CARDS, number_windows(text), holds)


IBAN = r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?"
_IBANS = re.compile(rf"(?<![A-Za-z0-9]){IBAN}(?![A-Za-z0-9])")


def ibans(text: str) -> Iterator[Span]:
    """Bank accounts by ISO 13616: the country's length and form, and the check modulo 97.

    A country's own check digits are not checked: a typing error there makes the number no less
    personal.
    """
    from stdnum import iban

    for match in _IBANS.finditer(text):
        words = match.group().split(" ")
        while words:  # the match may include a word in capitals that follows the number
            value = " ".join(words)
            if iban.is_valid(value, check_country=False):
                yield match.start(), match.start() + len(value)
                break
            words.pop()


OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"(?:{OCTET}\.){{3}}{OCTET}"
_IPV4 = alone(IPV4)
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
        Detector("card", r"[2-6](?:[ -]?[0-9]){12}", cards),
        Detector("phone", NUMBER, phones(regions)),
        Detector("ipv4", IPV4, ipv4),
        Detector("ipv6", r"(?:[0-9A-Fa-f]{1,4}:){2}[0-9A-Fa-f:]*[0-9A-Fa-f]", ipv6),
    )


ACCOUNTS = Detector("iban", r"[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4} ?[A-Z0-9]{3}", ibans)
