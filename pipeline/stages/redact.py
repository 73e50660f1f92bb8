"""`redact`: personal data and secrets out of the text, a mark in their place."""

from __future__ import annotations

import os
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, PrivateAttr, computed_field, model_validator

from pipeline.stage import Broken, Observed, Settings, reject
from pipeline.stages.national_ids import IDS
from pipeline.stages.personal_numbers import ACCOUNTS, numbers, same_phone
from pipeline.stages.personal_words import WORDS
from pipeline.stages.spans import Detector, Found, replaced
from pipeline.stages.texts import rewrite

Kind = Literal[
    "email", "phone", "iban", "card", "national_id", "url_credentials", "secret", "ipv4", "ipv6"
]
Action = Literal["replace", "pseudonym", "reject"]

DEFAULT_KINDS: tuple[Kind, ...] = (
    "email", "phone", "iban", "card", "national_id", "url_credentials", "secret",
)  # fmt: skip
MARKS = {"url_credentials": "CREDENTIALS", "ipv4": "IP", "ipv6": "IP"}
"""What stands in the brackets, where it is not the kind itself."""

KEY_BYTES = 16
STAND_IN_BYTES = 6
"""48 bits: among a million values two share a stand-in with a chance of 0.002."""


class Redact(Settings):
    """Puts a mark in the place of personal data and secrets: `[EMAIL]`, `[PHONE]`, `[CARD]` …

    | kind | what is found |
    |---|---|
    | email | addresses |
    | phone | international (+84 …), Vietnamese, North American; national ones of `phone_regions` |
    | iban, card | by country or brand, length and check digits |
    | national_id | of 17 countries, Vietnam's CCCD among them; weak forms only after their name |
    | url_credentials | `user:password` in a URL |
    | secret | keys, tokens and private keys of well-known formats |
    | ipv4, ipv6 | network addresses; 1.14.4.14 may be a section, so only if asked |

    `action: pseudonym` puts `[EMAIL_5f2c91d07a44]` in the place, the same for the same value,
    however it is written, in all the data; it is keyed, and the key, 16 bytes or more, is read
    from the environment variable `key_env` or the file `key_file`, and never written.
    `action: reject` sets the record aside; `actions: {secret: reject}` says it for one kind. Names
    and postal addresses are not found: this takes the obvious out, it does not make a text
    anonymous. Works on text, system prompt, every turn, and tools' arguments and results.
    """

    name: ClassVar[str] = "redact"
    reasons: ClassVar[dict[str, str]] = {
        "personal_data": "The record holds personal data or a secret of a kind to be rejected; "
        "the value is the kind. Take it out at the source, or let `redact` replace it.",
    }

    kinds: list[Kind] = Field(list(DEFAULT_KINDS), min_length=1, description="what to redact")
    action: Action = Field("replace", description="what to do with a value")
    actions: dict[Kind, Action] = Field({}, description="the same for single kinds")
    phone_regions: list[str] = Field(
        [], description="other countries whose national phone numbers to find, `[DE, FR]`"
    )
    key_env: str = Field(
        "BEDROCK_PREP_PSEUDONYM_KEY", description="environment variable of the key"
    )
    key_file: str | None = Field(None, description="file of the key, instead")

    _key: bytes | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _with_key(self) -> Self:
        if "pseudonym" in map(self.action_of, self.kinds):
            self._key = self._read_key()
        return self

    def _read_key(self) -> bytes:
        if self.key_file is not None:
            try:
                key = Path(self.key_file).read_bytes().strip()
            except OSError as error:
                raise ValueError(f"key_file cannot be read: {error.strerror}") from None
        else:
            key = os.environb.get(self.key_env.encode(), b"")
        if len(key) < KEY_BYTES:
            place = "key_file" if self.key_file is not None else f"the variable {self.key_env}"
            raise ValueError(f"pseudonyms need a key of {KEY_BYTES} bytes or more in {place}")
        return key

    @computed_field  # type: ignore[prop-decorator]
    @property
    def key_id(self) -> str | None:
        """A digest under the key, so that a run with another key is another run."""
        return None if self._key is None else self._keyed("key_id", "")

    def action_of(self, kind: Kind) -> Action:
        """What is done with a kind."""
        return self.actions.get(kind, self.action)

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records with marks in the place of values, or rejected for what they hold."""
        return self.observe(records).records

    def observe(self, records: pl.DataFrame) -> Observed:
        """As `__call__`, with the number of values by record and kind, never the values."""
        found: Found = []
        for kind in self.kinds:
            if self.action_of(kind) == "reject":
                records = self._without(records, kind)
        detectors = [d for d in self._detectors() if self.action_of(d.kind) != "reject"]  # type: ignore[arg-type]
        change = partial(replaced, detectors=detectors, place=self._place, found=found)
        rewritten = rewrite(records, change)
        values = pl.DataFrame(found, {"id": pl.String, "kind": pl.String}, orient="row")
        tallies = values.group_by("id", "kind").agg(number=pl.len().cast(pl.Int64))
        return Observed(rewritten, tallies=tallies.sort("id", "kind"))

    def _detectors(self) -> list[Detector]:
        """Those of the kinds, in the order in which one goes before another."""
        every = (*WORDS, ACCOUNTS, IDS, *numbers(tuple(self.phone_regions)))
        return [detector for detector in every if detector.kind in self.kinds]

    def _without(self, records: pl.DataFrame, kind: Kind) -> pl.DataFrame:
        """The records, those that hold a value of the kind rejected."""
        own = [detector for detector in self._detectors() if detector.kind == kind]
        change = partial(replaced, detectors=own, place=_mark, found=[])
        marked = rewrite(records, change)
        holds: Any = pl.lit(False)
        for column in ("text", "system", "messages", "extra"):
            holds = holds | pl.Series(marked[column].ne_missing(records[column]))
        rule = Broken(holds, value=pl.lit(kind), threshold=0)
        return reject(records, personal_data=rule)

    def _place(self, kind: str, value: str) -> str:
        if self.action_of(kind) != "pseudonym":  # type: ignore[arg-type]
            return _mark(kind, value)
        return f"[{MARKS.get(kind, kind.upper())}_{self._keyed(kind, self._same(kind, value))}]"

    def _same(self, kind: str, value: str) -> str:
        """What all ways to write a value have in common."""
        if kind == "phone":
            return same_phone(value, tuple(self.phone_regions))
        if kind == "email":
            return value.casefold()
        if kind in {"iban", "card", "national_id"}:
            return "".join(filter(str.isalnum, value)).upper()
        return value

    def _keyed(self, kind: str, value: str) -> str:
        key = blake2b(self._key or b"").digest()  # a key of any length
        return blake2b(f"{kind}\0{value}".encode(), key=key, digest_size=STAND_IN_BYTES).hexdigest()


def _mark(kind: str, _: str) -> str:
    return f"[{MARKS.get(kind, kind.upper())}]"
