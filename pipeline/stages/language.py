"""`language`: which language a record is in, by its script where that tells, else by langdetect."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import polars as pl
from pydantic import AfterValidator, Field

from pipeline.stage import Broken, Settings, reject
from pipeline.stages.texts import KEPT

UNDETERMINED = "und"
MIN_LETTERS = 20
"""Under this langdetect guesses: 'OK' is Portuguese with a probability of 0.99999."""

NOT_PROSE = (
    r"(?s)```.*?(?:```|\z)|`[^`\n]*`"  # code
    r"|(?:https?://|www\.)\S+|\S+@\S+|<[^<>]{1,200}>"  # addresses, markup
)
KANA, HAN = r"[\u3041-\u30FF\u31F0-\u31FF]", r"\p{Han}"
SCRIPT_OF = {
    "ko": r"\p{Hangul}", "th": r"\p{Thai}", "el": r"\p{Greek}", "he": r"\p{Hebrew}",
    "bn": r"\p{Bengali}", "pa": r"\p{Gurmukhi}", "gu": r"\p{Gujarati}", "ta": r"\p{Tamil}",
    "te": r"\p{Telugu}", "kn": r"\p{Kannada}", "ml": r"\p{Malayalam}", "si": r"\p{Sinhala}",
    "km": r"\p{Khmer}", "lo": r"\p{Lao}", "my": r"\p{Myanmar}", "ka": r"\p{Georgian}",
    "hy": r"\p{Armenian}",
}  # fmt: skip
"""Scripts that one language writes, near enough."""


def short_code(code: str) -> str:
    """A language's ISO 639 code without region or script: `zh` for `zh-CN`.

    Raises ValueError for what cannot be such a code, a language's name for one.
    """
    short = code.replace("_", "-").split("-")[0].lower()
    if not (short.isascii() and short.isalpha() and 2 <= len(short) <= 3):
        raise ValueError(f"{code!r} is no language code; write `en`, not `English`")
    return short


class Language(Settings):
    """Finds out the language of every record, and keeps only those you allow, if you say which.

    Looks at the first 300 characters of prose: code, addresses and markup are left out, of
    labelled records the turns are joined. A script that only one language uses decides by
    itself; langdetect, with a fixed seed, decides the rest. Under 20 letters the language is
    `und`, undetermined; such records are kept unless `undetermined: reject`.
    """

    name: ClassVar[str] = "language"
    reasons: ClassVar[dict[str, str]] = {
        "language_not_allowed": "The record is in a language outside `allow`; add it there if "
        "you want it.",
    }

    allow: list[Annotated[str, AfterValidator(short_code)]] | None = Field(
        None, min_length=1, description="codes of the languages to keep, `[en, vi]`; left out: all"
    )
    detector: Literal["langdetect"] = Field("langdetect", description="who decides")
    undetermined: Literal["keep", "reject"] = Field(
        "keep", description="what to do with records whose language cannot be told"
    )
    sample_chars: int = Field(300, ge=50, le=10_000, description="characters to look at")

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records with `language` set, and those in a language not allowed rejected."""
        samples = records.select(sample=_prose(self.sample_chars), kept=KEPT)
        languages = samples.select(pl.when("kept").then(_languages(samples["sample"]))).to_series()
        found = records.with_columns(language=pl.coalesce(languages, "language"))
        return reject(found, language_not_allowed=self._not_allowed()) if self.allow else found

    def _not_allowed(self) -> Broken:
        allow = sorted(set(self.allow or ()))
        code = pl.col("language")
        elsewhere = ~code.is_in([*allow, UNDETERMINED])
        untold = (code == UNDETERMINED) & (self.undetermined == "reject")
        return Broken(elsewhere | untold, value=code, threshold=", ".join(allow))


def _prose(sample_chars: int) -> pl.Expr:
    """The first characters of a record's prose, on one line; null without any text."""
    head = 8 * sample_chars
    turns = pl.col("messages").list.eval(pl.element().struct.field("text").str.head(head))
    whole = pl.coalesce(turns.list.join("\n", ignore_nulls=True), "text").str.head(head)
    prose = whole.str.replace_all(NOT_PROSE, " ").str.replace_all(r"\s+", " ")
    return prose.str.strip_chars().str.head(sample_chars)


def _languages(samples: pl.Series) -> pl.Series:
    """The code of each sample; equal samples are looked at once."""
    known = samples.unique().to_frame("sample").with_columns(language=_by_script())
    open_ones = known.filter(pl.col("language").is_null() & pl.col("sample").is_not_null())
    if not open_ones.is_empty():
        texts = open_ones["sample"].to_list()
        told = open_ones.select("sample", told=pl.Series(_detector()(texts), dtype=pl.String))
        known = known.join(told, on="sample", how="left").with_columns(
            language=pl.coalesce("language", "told")
        )
    codes = samples.to_frame("sample").join(known, on="sample", how="left", maintain_order="left")
    return codes["language"].fill_null(UNDETERMINED)


def _by_script() -> pl.Expr:
    """The language of a sample whose script tells, `und` for a short one, null for the others."""
    sample = pl.col("sample")
    letters = sample.str.count_matches(r"\p{L}")
    kana = sample.str.count_matches(KANA)
    kana_or_han = kana + sample.str.count_matches(HAN)
    japanese = kana * 20 >= kana_or_han  # a kana in 20: Chinese texts quote a name at most
    told = (
        pl.when(letters < MIN_LETTERS)
        .then(pl.lit(UNDETERMINED))
        .when(kana_or_han * 3 > letters)  # one of these letters says as much as two Latin ones
        .then(pl.when(japanese).then(pl.lit("ja")).otherwise(pl.lit("zh")))
    )
    for code, script in SCRIPT_OF.items():
        share = sample.str.count_matches(f"[{script}&&\\p{{L}}]")
        told = told.when(share * 2 > letters).then(pl.lit(code))
    return told.otherwise(None)


@cache
def _detector() -> Callable[[list[str]], list[str | None]]:
    """The Rust twin of langdetect where it is installed and answers alike, else langdetect."""
    try:
        from langdetect_rs import detect_batch
    except ImportError:
        return _langdetect
    alike = _codes(detect_batch(list(PROBES))) == _langdetect(list(PROBES))
    return (lambda samples: _codes(detect_batch(samples))) if alike else _langdetect


def _langdetect(samples: list[str]) -> list[str | None]:
    """langdetect's answer for each sample; None where it finds nothing to go by."""
    from langdetect.lang_detect_exception import LangDetectException

    codes: list[str | None] = []
    for sample in samples:
        detector = _factory().create()
        detector.append(sample)
        try:
            codes.append(detector.detect())
        except LangDetectException:
            codes.append(None)
    return _codes(codes)


@cache
def _factory() -> Any:
    """langdetect with seed 0, its profiles in a fixed order: `listdir` has none, and sums of
    probabilities depend on it."""
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    factory = DetectorFactory()
    profiles = sorted(path for path in Path(PROFILES_DIRECTORY).iterdir() if path.is_file())
    factory.load_json_profile([path.read_text(encoding="utf-8") for path in profiles])
    factory.set_seed(0)
    return factory


def _codes(codes: Iterable[str | None]) -> list[str | None]:
    return [short_code(code) if code and code != "unknown" else None for code in codes]


PROBES = (
    "The tea is picked in the early morning, while the leaves are still wet.",
    "Trà được hái vào sáng sớm, khi lá còn ướt sương đêm.",
    "Le thé est cueilli tôt le matin, quand les feuilles sont encore humides.",
    "Der Tee wird am frühen Morgen gepflückt, wenn die Blätter noch nass sind.",
    "Чай собирают рано утром, пока листья ещё влажные от росы.",
    "يُقطف الشاي في الصباح الباكر بينما الأوراق لا تزال رطبة.",
    "चाय सुबह जल्दी तोड़ी जाती है, जब पत्तियाँ अभी भी गीली होती हैं।",
    "Teh dipetik pada pagi hari, ketika daunnya masih basah.",
)
