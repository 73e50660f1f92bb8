"""`redact`: replaces personal data and secrets in the text with marks."""

from __future__ import annotations

import os
import unicodedata
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import polars as pl
from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    computed_field,
    model_validator,
)

from pipeline.stage import Broken, Observed, Settings, reject
from pipeline.stages.marks import NAME_KINDS, STAND_IN_BYTES, Kind, NameKind, mark
from pipeline.stages.name_models import REMEDY, NameModel, find_model
from pipeline.stages.names import Labels, chosen_labels, name_detectors
from pipeline.stages.national_ids import IDS
from pipeline.stages.personal_numbers import ACCOUNTS, known_region, numbers, same_phone
from pipeline.stages.personal_words import WORDS
from pipeline.stages.spans import Detector, Found, replaced
from pipeline.stages.texts import rewrite

Action = Literal["replace", "pseudonym", "reject"]

DEFAULT_KINDS: tuple[Kind, ...] = (
    "email", "phone", "iban", "card", "national_id", "url_credentials", "secret",
)  # fmt: skip

KEY_BYTES = 16


class Redact(Settings):
    """Replaces personal data and secrets with marks: `[EMAIL]`, `[PHONE]`, `[CARD]` …

    | kind | what is found |
    |---|---|
    | email | addresses |
    | phone | international (+84 …), Vietnamese, North American; national ones of `phone_regions` |
    | iban, card | by country or brand, length and check digits |
    | national_id | of 17 countries, including Vietnam's CCCD; weak forms only beside their name |
    | url_credentials | `user:password` in a URL |
    | secret | keys, tokens and private keys of well-known formats |
    | ipv4, ipv6 | network addresses; 1.14.4.14 may be a section number, so only if asked for |
    | person, place, organization | names that the model in `ner_model` finds; only if asked for |

    `action: pseudonym` writes `[EMAIL_5f2c91d07a44]` instead, the same for the same value,
    however it is written, in all the data. Pseudonyms depend on a key of 16 bytes or more, read
    from the environment variable `key_env` or the file `key_file` and never written anywhere.
    `action: reject` rejects the record; `actions: {secret: reject}` does so for one kind only.
    `ner_model` is your own spaCy pipeline that finds entities: a folder, relative to the recipe's,
    or the name of an installed package; it needs the extra `ner` (docs/redaction.md). This removes
    values with a recognisable form, and names that a model knows; it does not make a text
    anonymous. Works on text, system prompt, every turn, and tools' arguments and results.
    """

    name: ClassVar[str] = "redact"
    reasons: ClassVar[dict[str, str]] = {
        "personal_data": "The record contains personal data or a secret of a kind to be rejected; "
        "the value is the kind. Remove it at the source, or let `redact` replace it.",
    }

    kinds: list[Kind] = Field(list(DEFAULT_KINDS), min_length=1, description="what to redact")
    action: Action = Field("replace", description="what to do with a value")
    actions: dict[Kind, Action] = Field({}, description="other actions for some of the kinds")
    phone_regions: list[Annotated[str, AfterValidator(known_region)]] = Field(
        [], description="other countries whose national phone numbers to find, `[DE, FR]`"
    )
    key_env: str = Field(
        "BEDROCK_PREP_PSEUDONYM_KEY", description="environment variable that has the key"
    )
    key_file: str | None = Field(
        None, description="file that has the key instead; relative to the recipe's folder"
    )
    ner_model: str | None = Field(
        None, description="spaCy pipeline that finds names: a folder or an installed package"
    )
    ner_labels: dict[str, NameKind] | None = Field(
        None,
        description="kind of name for each of its labels, `{PER: person}`; default: usual ones",
    )

    _key: bytes | None = PrivateAttr(None)
    _model: NameModel | None = PrivateAttr(None)
    _labels: Labels = PrivateAttr(())

    @model_validator(mode="after")
    def _with_key(self, info: ValidationInfo) -> Self:
        """Reads the key; a `key_file` is relative to the validation context's `folder`, if any."""
        if "pseudonym" in map(self.action_of, self.kinds):
            self._key = self._read_key((info.context or {}).get("folder", Path()))
        return self

    def _read_key(self, beside: Path) -> bytes:
        if self.key_file is not None:
            try:
                key = (beside / self.key_file).read_bytes().strip()
            except OSError as error:
                raise ValueError(f"key_file cannot be read: {error.strerror}") from None
        else:
            key = os.environb.get(self.key_env.encode(), b"")
        if len(key) < KEY_BYTES:
            place = "key_file" if self.key_file is not None else f"the variable {self.key_env}"
            raise ValueError(f"pseudonyms need a key of {KEY_BYTES} bytes or more in {place}")
        return key

    @model_validator(mode="after")
    def _with_model(self, info: ValidationInfo) -> Self:
        """Finds and loads the model, relative to the validation context's `folder`, if any."""
        names: list[NameKind] = [kind for kind in NAME_KINDS if kind in self.kinds]
        if self.ner_model is None:
            if names or self.ner_labels is not None:
                asked = f"the kind {names[0]} needs" if names else "ner_labels need"
                what = f"the folder or package of a spaCy pipeline ({REMEDY})"
                raise ValueError(f"{asked} ner_model, {what}")
            return self
        if not names:
            raise ValueError(f"ner_model finds {', '.join(NAME_KINDS)}; kinds has none of them")
        self._model = find_model(self.ner_model, (info.context or {}).get("folder", Path()))
        self._labels = chosen_labels(self._model, names, self.ner_labels)
        return self

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ner_digest(self) -> str | None:
        """A digest of the model's files, so that a run with another model has another name."""
        return None if self._model is None else self._model.digest

    @property
    def model_bytes(self) -> int:
        """Bytes of the model's files, which each process holds in memory."""
        return 0 if self._model is None else self._model.size

    @computed_field  # type: ignore[prop-decorator]
    @property
    def key_id(self) -> str | None:
        """A digest that depends on the key, so that a run with another key has another name."""
        return None if self._key is None else self._keyed("key_id", "")

    def action_of(self, kind: Kind) -> Action:
        """What is done with a kind."""
        return self.actions.get(kind, self.action)

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records with marks instead of values, or rejected, depending on the action."""
        return self.observe(records).records

    def observe(self, records: pl.DataFrame) -> Observed:
        """As `__call__`, plus the number of values by record and kind, never the values."""
        found: Found = []
        rejected = [kind for kind in self.kinds if self.action_of(kind) == "reject"]
        for kind in rejected:
            if kind not in NAME_KINDS:
                records = self._without(records, kind)
        records = self._without_names(records, [kind for kind in rejected if kind in NAME_KINDS])
        detectors = [d for d in self._detectors() if self.action_of(d.kind) != "reject"]  # type: ignore[arg-type]
        change = partial(replaced, detectors=detectors, place=self._place, found=found)
        rewritten = rewrite(records, change)
        values = pl.DataFrame(found, {"id": pl.String, "kind": pl.String}, orient="row")
        tallies = values.group_by("id", "kind").agg(number=pl.len().cast(pl.Int64))
        return Observed(rewritten, tallies=tallies.sort("id", "kind"))

    def _detectors(self) -> list[Detector]:
        """The detectors of the chosen kinds; where two find overlapping values, the first wins."""
        forms = (*WORDS, ACCOUNTS, IDS, *numbers(tuple(self.phone_regions)))
        names = () if self._model is None else name_detectors(self._model, self._labels)
        return [detector for detector in (*forms, *names) if detector.kind in self.kinds]

    def _without(self, records: pl.DataFrame, kind: Kind) -> pl.DataFrame:
        """The records; those that contain a value of the kind are rejected."""
        of_kind = [detector for detector in self._detectors() if detector.kind == kind]
        change = partial(replaced, detectors=of_kind, place=_plain_mark, found=[])
        marked = rewrite(records, change)
        holds: Any = pl.lit(False)
        for column in ("text", "system", "messages", "extra"):
            holds = holds | pl.Series(marked[column].ne_missing(records[column]))
        rule = Broken(holds, value=pl.lit(kind), threshold=0)
        return reject(records, personal_data=rule)

    def _without_names(self, records: pl.DataFrame, kinds: list[Kind]) -> pl.DataFrame:
        """The records; those that contain a name of the kinds are rejected.

        Values with a form are detected first, as when marks are written: an address is not a name.
        """
        if not kinds:
            return records
        found: Found = []
        change = partial(replaced, detectors=self._detectors(), place=_plain_mark, found=found)
        rewrite(records, change)
        for kind in kinds:
            holds = pl.col("id").is_in({id for id, of_kind in found if of_kind == kind})
            rule = Broken(holds, value=pl.lit(kind), threshold=0)
            records = reject(records, personal_data=rule)
        return records

    def _place(self, kind: str, value: str) -> str:
        if self.action_of(kind) != "pseudonym":  # type: ignore[arg-type]
            return mark(kind)
        return mark(kind, self._keyed(kind, self._same(kind, value)))

    def _same(self, kind: str, value: str) -> str:
        """One form for all the ways to write the same value."""
        if kind == "phone":
            return same_phone(value, tuple(self.phone_regions))
        if kind == "email":
            return value.casefold()
        if kind in {"iban", "card", "national_id"}:
            return "".join(filter(str.isalnum, value)).upper()
        if kind in NAME_KINDS:
            return unicodedata.normalize("NFC", " ".join(value.casefold().split()))
        return value

    def _keyed(self, kind: str, value: str) -> str:
        key = blake2b(self._key or b"").digest()  # as a user's key may have any length
        return blake2b(f"{kind}\0{value}".encode(), key=key, digest_size=STAND_IN_BYTES).hexdigest()


def _plain_mark(kind: str, _: str) -> str:
    return mark(kind)
