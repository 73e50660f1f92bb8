"""`redact`: what is personal data, and what only looks like it."""

from __future__ import annotations

import time

import pytest

from pipeline.record import frame
from pipeline.stages.redact import Redact


def redacted(text: str, **settings: list[str]) -> str:
    return Redact(**settings)(frame([{"source": "a", "text": text}]))["text"].item()


@pytest.mark.parametrize(
    "phone",
    [
        "+84912345678", "+84 912 345 678", "+84 (0)912 345 678", "+44 (0)20 7946 0958",
        "+1 (415) 555-2671", "+1-415-555-2671", "+33 1 23 45 67 89", "+49 30 1234567",
        "+49 (0)89 4366 5522", "+84.24.3825.1234", "0912345678", "0912 345 678", "0912.345.678",
        "091 234 5678", "0912 34 56 78", "(024) 3825 1234", "024 3825 1234", "028-3829-1234",
        "(415) 555-2671", "415-555-2671", "415.555.2671", "1-800-555-0199", "415 555-2671",
    ],
)  # fmt: skip
def test_phone_numbers(phone: str) -> None:
    """International, Vietnamese and North American ways to write them."""
    assert redacted(f"Call {phone}.") == "Call [PHONE]."
    assert redacted(f"tel:{phone}, {phone} {phone}") == "tel:[PHONE], [PHONE] [PHONE]"
    assert redacted(phone) == "[PHONE]"


def test_numbers_back_to_back() -> None:
    """Nothing is left for a second time where one number touches the next."""
    assert redacted("0912345678+84 912 345 678") == "[PHONE][PHONE]"


@pytest.mark.parametrize(
    "other",
    [
        "2024-11-22 13:40:05", "22.11.2024 13:40", "03-12-2024 15:30", "v1.14.4.14",
        "1234567890123456", "4111 1111 1111 1111", "978-3-16-148410-0", "0912345678901",
        "ISBN 0-306-40615-2", "3.14159265358979", "id_0912345678", "#0912345678", "$0912345678",
        "/a/0912345678/b", "0912345678.pdf", "12345", "900 305 9600", "1,091,234,567",
        "x415-555-2671", "415-555-26711", "192.168.100.200", "0x0912345678", "+9223372036854775807",
    ],
)  # fmt: skip
def test_other_numbers_stay(other: str) -> None:
    """Dates, versions, card and book numbers, paths, columns of a table."""
    assert redacted(f"see {other} here") == f"see {other} here"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail n.v-a+b@x-y.co.vn!", "mail [EMAIL]!"),
        ("<mailto:a@b.co>", "<mailto:[EMAIL]>"),
        ("'foo@example.com'", "'[EMAIL]'"),
        ("o'brien@example.ie", "[EMAIL]"),
        ("müller@straße.de.", "[EMAIL]."),
        ("連絡先a@b.coまで", "連絡先[EMAIL]まで"),
        ("0912345678@zalo.vn", "[EMAIL]"),
        ("@user a@b @ c@ user@host", "@user a@b @ c@ user@host"),
    ],
)
def test_mail_addresses(text: str, expected: str) -> None:
    """The whole address, and nothing beside it."""
    assert redacted(text) == expected


def test_kinds() -> None:
    """Only the kinds asked for; addresses of machines only then."""
    text = "a@b.co 0912345678 8.8.4.4 256.1.1.1"
    assert redacted(text) == "[EMAIL] [PHONE] 8.8.4.4 256.1.1.1"
    assert redacted(text, kinds=["ipv4"]) == "a@b.co 0912345678 [IP] 256.1.1.1"


def test_every_text_is_redacted() -> None:
    """System prompt and turns too; rows without a hit stay."""
    turns = [{"role": "user", "text": "a@b.co"}, {"role": "assistant", "text": "ok"}]
    rows = [{"source": "a", "system": "c@d.co", "messages": turns}, {"source": "b", "text": "none"}]
    after = Redact()(frame(rows))
    assert after["system"].to_list() == ["[EMAIL]", None]
    assert after["messages"][0].to_list()[0] == {"role": "user", "text": "[EMAIL]"}
    assert after["text"].to_list() == [None, "none"]


@pytest.mark.parametrize(
    "hostile", ["1 " * 200_000, "a." * 200_000 + "@", "+1(" * 200_000, "0" * 400_000]
)
def test_time_is_linear(hostile: str) -> None:
    """Text made to make a backtracking matcher stall does not."""
    start = time.process_time()
    redacted(hostile)
    assert time.process_time() - start < 5
