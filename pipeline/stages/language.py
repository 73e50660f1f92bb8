"""`language`: which language a record is in, by its script where that tells, else by langdetect."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import polars as pl
from pydantic import AfterValidator, Field

from pipeline.stage import Broken, Observed, Settings, reject
from pipeline.stages.texts import KEPT

UNDETERMINED = "und"
MIN_LETTERS = 20
"""Under this langdetect guesses: 'OK' is Portuguese with a probability of 0.99999."""

FEW_LETTERS = 8
"""From so many on, letters that one language alone writes tell it: 안녕하세요, 반갑습니다."""

SURE = 0.75
"""langdetect's answers under it are mostly wrong where a text is short: "Write a poem about autumn
leaves." is Romanian with a probability of 0.71."""

NOT_PROSE = (
    r"(?s)```.*?(?:```|\z)|`[^`\n]*`"  # code
    r"|(?:https?://|www\.)\S+|\S+@\S+|<[^<>]{1,200}>"  # addresses, markup
)
LETTERS = r"(?:\p{{L}}\P{{L}}*){{{}}}"
FOREIGN_LETTER = r"[\p{L}&&[^\x00-\u036F\u1E00-\u1EFF\u2C60-\u2C7F\uFB00-\uFB06]]"
"""A letter that is not Latin: only with one can the script tell."""

VIETNAMESE = r"[ơưƠƯ\u1EA0-\u1EF9]"
"""What no other language writes, near enough."""

VIETNAMESE_WORD = rf"(?:^|[^\p{{L}}\p{{M}}])\p{{Ll}}*[\p{{Ll}}&&{VIETNAMESE}]"
"""The beginning of a word with such a letter that is no name: those stand in any language."""

VIETNAMESE_WORDS = 10
"""A text in which one in so many words is such a one is Vietnamese; in plain prose four are."""

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
    itself, from 8 letters on, and so do Vietnamese words with letters of their own: one in ten is
    enough, as English names of things stand between them. langdetect, with its seed fixed, decides
    the rest, from 20 letters on. With fewer the language is `und`, undetermined, and where
    langdetect is not sure (under 0.75) of a language outside `allow`; such records are kept unless
    `undetermined: reject`. Each record's confidence, from 0 to 1, is among the run's measures: of
    langdetect's answers its own probability, 1 where the script tells.
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
        return self.observe(records).records

    def observe(self, records: pl.DataFrame) -> Observed:
        """As `__call__`, with each record's `confidence` and the number of records by language."""
        samples = records.select(sample=_prose(self.sample_chars), kept=KEPT)
        answers = told(samples["sample"]).with_columns(samples["kept"], records["id"])
        if self.allow:
            answers = answers.with_columns(language=self._allowed_or_sure())
        languages = answers.select(pl.when("kept").then("language")).to_series()
        found = records.with_columns(language=pl.coalesce(languages, "language"))
        if self.allow:
            found = reject(found, language_not_allowed=self._not_allowed())
        measures = answers.filter(pl.col("confidence").is_not_null() & pl.col("kept"))
        counted = records.select("id", kind=languages, number=pl.lit(1, pl.Int64))
        return Observed(
            found,
            measures=measures.select("id", pl.col("confidence").round(6)),  # as any Python adds
            tallies=counted.drop_nulls("kind").sort("id"),
        )

    def _allowed_or_sure(self) -> pl.Expr:
        """The language, undetermined where it is a guess that `allow` would reject."""
        is_guess = ~pl.col("language").is_in(self.allow or []) & (pl.col("confidence") < SURE)
        return pl.when(is_guess).then(pl.lit(UNDETERMINED)).otherwise("language")

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


def told(samples: pl.Series) -> pl.DataFrame:
    """`language` and `confidence` of each sample; equal samples are looked at once.

    What a script tells is sure; of what cannot be told the confidence is null.
    """
    known = _by_script(samples.unique(maintain_order=True))
    unsure = pl.col("language").is_null() & pl.col("sample").is_not_null()
    open_ones = known.filter(unsure)["sample"]
    from pipeline.kernels import langid  # with numpy, which few workers need

    detected = langid.detect(open_ones).with_columns(open_ones)
    codes = samples.to_frame("sample").join(known, on="sample", how="left", maintain_order="left")
    codes = codes.join(detected, on="sample", how="left", maintain_order="left", nulls_equal=True)
    code = pl.col("code").str.split("-").list.first()  # zh-cn, zh-tw
    sure = pl.when(pl.col("language") != UNDETERMINED).then(pl.lit(1.0))
    return codes.select(
        language=pl.coalesce("language", code, pl.lit(UNDETERMINED)),
        confidence=pl.coalesce("confidence", sure),
    )


def _by_script(samples: pl.Series) -> pl.DataFrame:
    """`sample` and its `language` if the script tells, `und` if it is short, else null."""
    sample = pl.col("sample")
    few = sample.str.contains(LETTERS.format(FEW_LETTERS))
    enough = sample.str.contains(LETTERS.format(MIN_LETTERS))
    parted = samples.to_frame("sample").with_columns(
        telling=few & sample.str.contains(f"{FOREIGN_LETTER}|{VIETNAMESE}"),
        language=pl.when(~enough).then(pl.lit(UNDETERMINED)),
    )
    told = pl.coalesce(_script_language(), "language")
    telling = parted.filter("telling").with_columns(language=told)
    return pl.concat([parted.filter(~pl.col("telling")), telling]).drop("telling")


def _script_language() -> pl.Expr:
    sample = pl.col("sample")
    letters = sample.str.count_matches(r"\p{L}")
    kana = sample.str.count_matches(KANA)
    kana_or_han = kana + sample.str.count_matches(HAN)
    japanese = kana * 20 >= kana_or_han  # a kana in 20: Chinese texts quote a name at most
    told: Any = pl.when(
        kana_or_han * 3 > letters
    ).then(  # such a letter says as much as two Latin ones
        pl.when(japanese).then(pl.lit("ja")).otherwise(pl.lit("zh"))
    )
    for code, script in SCRIPT_OF.items():
        share = sample.str.count_matches(f"[{script}&&\\p{{L}}]")
        told = told.when(share * 2 > letters).then(pl.lit(code))
    words = sample.str.count_matches(r"\p{L}[\p{L}\p{M}]*")
    vietnamese = sample.str.count_matches(VIETNAMESE_WORD)
    told = told.when((vietnamese > 0) & (vietnamese * VIETNAMESE_WORDS >= words)).then(pl.lit("vi"))
    expression: pl.Expr = told.otherwise(None)
    return expression
