# ruff: noqa: E501
"""Texts with planted personal data and secrets, made by our own seeded generator.

2,000 texts have one value each: 250 of each of 8 kinds, in English, Vietnamese and German, in the
places where people write them: in a sentence, at its end, in brackets and quotes, in tables and logs.
1,000 more texts have only a look-alike. Values are made up; check digits are right if a kind has
them.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass

EACH = 250
DECOYS = 1000
LANGUAGES = ("en", "vi", "de")
DIGITS, HEX = string.digits, "0123456789abcdef"
LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Planted:
    """A text and the value in it; a decoy has a kind but no value."""

    text: str
    language: str
    kind: str
    value: str | None


class Maker(random.Random):
    """Makes random values; the methods are named by kind and take a language."""

    def some(self, letters: str, count: int) -> str:
        """Draw `count` characters from `letters`."""
        return "".join(self.choices(letters, k=count))

    def form(self, forms: tuple[str, ...]) -> str:
        """Draw one of the forms and replace each `#` by a digit."""
        return "".join(self.choice(DIGITS) if one == "#" else one for one in self.choice(forms))

    def email(self, language: str) -> str:
        """An e-mail address: plain, dotted or with a plus sign, at a host of several parts."""
        names = {"en": ("anne", "j.miller", "support", "o.brien", "tom_k", "x"),
                 "vi": ("nguyen.van.a", "lan", "hotro", "tran-thi-b", "minh99"),
                 "de": ("k.mueller", "info", "hans-peter", "bestellung", "jürgen")}[language]  # fmt: skip
        hosts = {"en": ("example.com", "mail.example.co.uk", "sub.dept.example.org", "startup.io"),
                 "vi": ("vidu.com.vn", "example.vn", "mail.vidu.edu.vn"),
                 "de": ("beispiel.de", "post.beispiel-firma.de", "example.eu")}[language]  # fmt: skip
        tag = self.choice(("", "", "", "+news", f"{self.randint(1, 9999)}"))
        return f"{self.choice(names)}{tag}@{self.choice(hosts)}"

    def phone(self, language: str) -> str:
        """A national or international phone number as people write it, in a range that is in use."""
        forms = {
            "en": ("(415) 555-2###", "212-555-4###", "+1 303 555 6###", "+1-415-555-7###",
                   "1-800-555-0###", "020 7946 0###", "+44 20 7946 0###", "07911 123###",
                   "+44 7911 123###", "(0161) 496 0###"),
            "vi": ("09########", "035#######", "0912 ### ###", "0987.###.###", "091 ### ####",
                   "+84 912 ### ###", "+8498#######", "(024) 3825 ####", "028 3829 ####",
                   "0905-###-###", "0909 ## ## ##", "(+84) 912 ### ###", "0912 ######",
                   "091.2######", "09.12.##.##.##", "(0912) ### ###", "(+84) 91 2## ## ##",
                   "0084912######", "(84-28) 3822 ####", "028-38.2##.###", "0912–###–###"),
            "de": ("030 2345####", "+49 30 2345####", "0171 234####", "0171/234####",
                   "+49 171 234####", "089-4366####", "(089) 4366 ####", "+49 (0)89 4366 ####",
                   "0221 / 4366###", "0049 30 2345####"),
        }[language]  # fmt: skip
        return self.form(forms)

    def card(self, _: str) -> str:
        """Visa, Mastercard of both ranges, American Express, Discover or JCB; in groups or not."""
        start, length = self.choice(
            (("4", 16), ("4", 16), (f"5{self.randint(1, 5)}", 16), (f"2{self.randint(223, 719)}", 16),
             ("34", 15), ("37", 15), ("6011", 16), ("3528", 16))
        )  # fmt: skip
        body = start + self.some(DIGITS, length - 1 - len(start))
        digits = next(body + check for check in DIGITS if luhn(body + check))
        apart = self.choice(("", " ", "-", " "))
        if length == 15:
            return apart.join((digits[:4], digits[4:10], digits[10:]))
        return apart.join(digits[at : at + 4] for at in range(0, 16, 4))

    def iban(self, _: str) -> str:
        """An IBAN of one of five countries, in groups of four or not."""
        country, account = self.choice(
            (("DE", "#" * 18), ("GB", "NWBK" + "#" * 14), ("FR", "#" * 23), ("NL", "ABNA" + "#" * 10),
             ("ES", None))
        )  # fmt: skip
        filled = self._spanish() if account is None else self.form((account,))
        whole = country + iban_check(country, filled) + filled
        if self.random() < 0.5:
            return whole
        return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))

    def _spanish(self) -> str:
        """A Spanish account: bank, branch, two check digits and account number."""
        bank, account = self.some(DIGITS, 8), self.some(DIGITS, 10)

        def check(digits: str) -> str:
            weights = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)
            rest = 11 - sum(w * int(one) for w, one in zip(weights, digits, strict=True)) % 11
            return {10: "1", 11: "0"}.get(rest, str(rest))

        return bank + check(f"00{bank}") + check(account) + account

    def national_id(self, language: str) -> str:
        """SSN and NINO; căn cước; Steuer-ID."""
        if language == "vi":
            province = self.choice(("001", "031", "048", "079", "092"))
            digits = province + self.choice("0123") + self.some(DIGITS, 8)
            apart, size = self.choice((("", 12), ("", 12), (" ", 3), (".", 3), (" ", 4)))
            return apart.join(digits[at : at + size] for at in range(0, 12, size))
        if language == "de":
            return self._steuer_id()
        if self.random() < 0.5:
            area = self.choice([n for n in range(1, 900) if n not in {78, 219, 457, 666}])
            return f"{area:03d}-{self.randint(1, 99):02d}-{self.randint(1, 9999):04d}"
        digits = self.some(DIGITS, 6)
        apart = self.choice(("", " "))
        pairs = (self.choice(("AB", "CE", "JG", "PX")), digits[:2], digits[2:4], digits[4:],
                 self.choice("ABCD"))  # fmt: skip
        return apart.join(pairs)

    def _steuer_id(self) -> str:
        """Ten digits, one of them twice and none more often, and the check digit by ISO 7064."""
        digits = self.sample(DIGITS, 9)
        if digits[0] == "0":
            digits[0], digits[1] = digits[1], digits[0]
        digits.insert(self.randint(2, 9), digits[0])
        product = 10
        for digit in digits:
            product = ((int(digit) + product) % 10 or 10) * 2 % 11
        whole = "".join(digits) + str((11 - product) % 10)
        if self.random() < 0.5:
            return whole
        return f"{whole[:2]} {whole[2:5]} {whole[5:8]} {whole[8:]}"

    def url_credentials(self, _: str) -> str:
        """The `user:password` part of a URL."""
        user = self.choice(("admin", "deploy", "root", "etl-user"))
        return f"{user}:{self.some(LETTERS + '!$%*', self.randint(6, 16))}"

    def secret(self, _: str) -> str:
        """A key or token in a well-known format."""
        forms: tuple[Callable[[], str], ...] = (
            lambda: "AKIA" + self.some(string.ascii_uppercase + "234567", 16),
            lambda: "ghp_" + self.some(LETTERS, 36),
            lambda: "sk_live_" + self.some(LETTERS, 24),
            lambda: "AIza" + self.some(LETTERS + "-_", 35),
            lambda: "hf_" + self.some(LETTERS, 34),
            lambda: "xoxb-" + self.form(("############-############-",)) + self.some(LETTERS, 24),
            lambda: "glpat-" + self.some(LETTERS, 20),
            lambda: ".".join(("eyJ" + self.some(LETTERS, 17), "eyJ" + self.some(LETTERS, 40),
                              self.some(LETTERS, 43))),
        )  # fmt: skip
        return self.choice(forms)()

    def ip(self, _: str) -> str:
        """An IPv4 or IPv6 address."""
        if self.random() < 0.7:
            first = self.choice((8, 34, 52, 93, 151, 203))
            return ".".join(map(str, (first, *(self.randint(1, 254) for _ in range(3)))))
        words = [f"{self.randint(0x1000, 0xFFFF):x}" for _ in range(3)]
        return "2a00:" + ":".join(words) + self.choice(("::1", "::25", ":0:0:0:7"))


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit."""
    doubled = [sum(divmod(2 * int(one), 10)) for one in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def iban_check(country: str, account: str) -> str:
    """The two check digits by ISO 13616."""
    number = int("".join(str(int(one, 36)) for one in f"{account}{country}00"))
    return f"{98 - number % 97:02d}"


KINDS = ("email", "phone", "card", "iban", "national_id", "url_credentials", "secret", "ip")
SAID = {
    "email": {"en": "mail", "vi": "thư", "de": "E-Mail"},
    "phone": {"en": "phone", "vi": "điện thoại", "de": "Telefon"},
    "card": {"en": "card", "vi": "thẻ", "de": "Karte"},
    "iban": {"en": "IBAN", "vi": "số tài khoản", "de": "IBAN"},
    "national_id": {"en": "national id", "vi": "căn cước", "de": "Steuer-ID"},
    "url_credentials": {"en": "address", "vi": "địa chỉ", "de": "Adresse"},
    "secret": {"en": "key", "vi": "khóa", "de": "Schlüssel"},
    "ip": {"en": "client", "vi": "máy", "de": "Rechner"},
}
FRAMES = {
    "en": ("Please note the {what} {value} for your records.", "My {what} is {value}.",
           "The {what} ({value}) was confirmed.", "{what}: {value}", "She wrote “{value}” as her {what}.",
           "Is your {what} {value}? Thanks!", "| 12 | {what} | {value} | open |",
           "{what}={value}; status=ok", "Use {value}, not the old {what}.", "{value}"),
    "vi": ("Vui lòng ghi lại {what} {value} giúp em.", "{what} của tôi là {value}.",
           "Đã xác nhận {what} ({value}).", "{what}: {value}", "Chị ấy ghi “{value}” ở ô {what}.",
           "{what} của anh là {value} phải không ạ?", "| 12 | {what} | {value} | mở |",
           "{what}={value}; tình trạng=tốt", "Dùng {value}, đừng dùng {what} cũ.", "{value}"),
    "de": ("Bitte notieren Sie {what} {value} für die Akten.", "Meine {what} lautet {value}.",
           "Die {what} ({value}) wurde bestätigt.", "{what}: {value}", "Sie schrieb „{value}“ als {what}.",
           "Lautet die {what} {value}? Danke!", "| 12 | {what} | {value} | offen |",
           "{what}={value}; Status=ok", "Bitte {value} statt der alten {what} nehmen.", "{value}"),
}  # fmt: skip
PHONE_FRAMES = ("SĐT{value}", "Tel.{value}", "Gọi {value}.Anh chờ nhé", "https://zalo.me/{value}",
                "ĐT/{value}", "Zalo {value}-Lan")  # fmt: skip
"""More of Vietnamese phones: words, sentences and other numbers right beside them."""
FILLER = {
    "en": ("The parcel left the warehouse on Tuesday.", "A new kettle is on its way to you.",
           "We are sorry for the delay and the trouble it has caused.",
           "Green tea keeps for a year in a closed tin.", "Nobody answered the door."),
    "vi": ("Kiện hàng đã rời kho vào thứ Ba.", "Ấm mới đang trên đường đến chỗ anh chị.",
           "Chúng tôi xin lỗi vì sự chậm trễ và phiền phức đã gây ra.",
           "Trà xanh giữ được một năm trong hộp kín.", "Không ai ra mở cửa."),
    "de": ("Das Paket hat das Lager am Dienstag verlassen.", "Ein neuer Kessel ist unterwegs zu Ihnen.",
           "Wir bitten um Entschuldigung für die Verspätung und die Mühe.",
           "Grüner Tee hält sich in einer geschlossenen Dose ein Jahr.", "Niemand hat geöffnet."),
}  # fmt: skip


def decoy(make: Maker) -> tuple[str, str]:
    """Make a kind of look-alike, and the look-alike itself."""
    card = make.some(DIGITS, 15)
    wrong = next(check for check in DIGITS if not luhn("4" + card[:14] + check))
    forms: dict[str, Callable[[], str]] = {
        "order number": lambda: f"{make.choice(('ORD-', '#', 'No. ', ''))}{make.some(DIGITS, make.choice((6, 8, 14)))}",
        "version": lambda: f"v{make.randint(1, 20)}.{make.randint(0, 40)}.{make.randint(0, 99)}",
        "date and time": lambda: f"2024-0{make.randint(1, 9)}-1{make.randint(0, 9)} 13:4{make.randint(0, 9)}:05",
        "price": lambda: f"{make.randint(1, 999)}.{make.randint(100, 999)}.000 đ",
        "ISBN": lambda: f"978-3-16-1484{make.randint(10, 99)}-0",
        "card with a wrong check digit": lambda: f"4{card[:14]}{wrong}",
        "commit": lambda: make.some(HEX, 40),
        "UUID": lambda: "-".join(make.some(HEX, n) for n in (8, 4, 4, 4, 12)),
        "IBAN with wrong digits": lambda: f"DE00{make.some(DIGITS, 18)}",
        "handle": lambda: f"@{make.choice(('sen_tea', 'kettle', 'anne'))}{make.randint(1, 99)}",
        "URL": lambda: f"https://example.com:8443/a/{make.some(DIGITS, 9)}?q={make.randint(1, 9)}",
        "file": lambda: f"IMG_2024{make.some(DIGITS, 4)}_{make.some(DIGITS, 6)}.jpg",
        "tax code": lambda: f"{make.choice(('MST: ', 'mã số thuế '))}03{make.some(DIGITS, 8)}",
        "account": lambda: f"STK 09{make.some(DIGITS, 8)} MB Bank",
        "parcel": lambda: f"mã vận đơn GHN: 037{make.some(DIGITS, 7)}",
        "amount": lambda: f"+{make.randint(10, 99)}.{make.randint(100, 999)}.000.000 đồng",
        "dates": lambda: f"0{make.randint(1, 9)}.12.2024 - 1{make.randint(0, 9)}.12.2024",
        "lottery": lambda: " ".join(f"{make.randint(1, 45):02d}" for _ in range(6)),
        "repository": lambda: f"git@github.com:{make.choice(('sen', 'tea'))}/{make.some(HEX, 6)}.git",
        "image": lambda: f"img/logo@{make.randint(2, 4)}x.png",
        "measure": lambda: f"{make.randint(100, 999)} x {make.randint(100, 999)} x {make.randint(10, 99)} mm",
        "MAC address": lambda: ":".join(make.some(HEX, 2) for _ in range(6)),
        "time": lambda: f"{make.randint(10, 23)}:{make.randint(10, 59)}:{make.randint(10, 59)}.{make.some(DIGITS, 6)}",
    }  # fmt: skip
    kind = make.choice(list(forms))
    return kind, forms[kind]()


def planted(seed: int = 6) -> list[Planted]:
    """All texts, those with values first; the same seed gives the same texts."""
    make = Maker(seed)
    texts = []
    for kind in KINDS:
        for number in range(EACH):
            language = LANGUAGES[number % len(LANGUAGES)]
            value = getattr(make, kind)(language)
            texts.append(_text(make, language, kind, value))
    for number in range(DECOYS):
        language = LANGUAGES[number % len(LANGUAGES)]
        kind, value = decoy(make)
        texts.append(_text(make, language, kind, value, decoy=True))
    return texts


def _text(make: Maker, language: str, kind: str, value: str, decoy: bool = False) -> Planted:
    what = SAID[kind][language] if kind in SAID else kind
    held = f"postgres://{value}@db.example.com/tea" if kind == "url_credentials" else value
    more = PHONE_FRAMES if (kind, language, decoy) == ("phone", "vi", False) else ()
    line = make.choice(FRAMES[language] + more).format(what=what, value=held)
    around = make.sample(FILLER[language], 4)
    text = " ".join((*around[:2], line, *around[2:]))
    if line.startswith("|") or line == held or "=" in line:
        text = "\n".join((*around[:2], line, *around[2:]))
    return Planted(text, language, kind, None if decoy else value)
