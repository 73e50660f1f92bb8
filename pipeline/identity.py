"""The id of a record, and the reason for a rejection, for rows that are not in a frame yet.

Nothing here needs Polars: a process that only parses (`pipeline.readers.sandbox_child`) starts in
half the time without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

ID_LENGTH = 20
"""Hex digits of an ingested record's id: 80 bits, so 10^8 records collide with a chance under
10^-8."""


def record_id(source: str, locator: str) -> str:
    """The id of an ingested record: a digest of where it is, so that an edit keeps the id.

    >>> record_id("documents/faq.md", "")
    '0831cd5b20c8644b4200'
    """
    key = f"{source}\0{locator}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(key, digest_size=ID_LENGTH // 2).hexdigest()


def record_ids(source: str, locators: Iterable[str]) -> list[str]:
    """The ids of several records of one source.

    >>> record_ids("documents/faq.md", [""]) == [record_id("documents/faq.md", "")]
    True
    """
    of_source = hashlib.blake2b(
        f"{source}\0".encode("utf-8", "surrogatepass"), digest_size=ID_LENGTH // 2
    )

    def of(locator: str) -> str:
        own = of_source.copy()
        own.update(locator.encode("utf-8", "surrogatepass"))
        return own.hexdigest()

    return [of(locator) for locator in locators]


def rejection(reason: str, value: Any = None, threshold: Any = None) -> dict[str, str | None]:
    """A value of the column `rejected`, for a row that a reader builds by hand."""
    return {
        "reason": reason,
        "value": None if value is None else str(value),
        "threshold": None if threshold is None else str(threshold),
        "merged_into": None,
    }
