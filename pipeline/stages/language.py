"""`language`: detects each record's language by its script if that is enough, or by langdetect."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import polars as pl
from pydantic import AfterValidator, Field

from pipeline.stage import Broken, Observed, Settings, reject
from pipeline.stages.texts import KEPT

UNDETERMINED = "und"
MIN_LETTERS = 20
"""With fewer, langdetect only guesses: 'OK' is Portuguese with a probability of 0.99999."""

FEW_LETTERS = 8
"""Enough letters of a script that only one language uses, such as 안녕하세요, 반갑습니다."""

SURE = 0.75
"""A lower probability is mostly a wrong answer about a short text: langdetect takes "Write a poem
about autumn leaves." for Romanian with 0.71."""

NOT_PROSE = (
    r"(?s)```.*?(?:```|\z)|`[^`\n]*`"  # code
    r"|(?:https?://|www\.)\S+|\S+@\S+|<[^<>]{1,200}>"  # addresses, markup
)
LETTERS = r"(?:\p{{L}}\P{{L}}*){{{}}}"
FOREIGN_LETTER = r"[\p{L}&&[^\x00-\u036F\u1E00-\u1EFF\u2C60-\u2C7F\uFB00-\uFB06]]"
"""A letter that is not Latin: without one, the script says nothing about the language."""

VIETNAMESE = r"[ơưƠƯ\u1EA0-\u1EF9]"
"""Letters that no other language writes, near enough."""

VIETNAMESE_WORD = rf"(?:^|[^\p{{L}}\p{{M}}])\p{{Ll}}*[\p{{Ll}}&&{VIETNAMESE}]"
"""The beginning of a lower-case word with such a letter. Names, which appear in texts of any
language, begin with a capital."""

VIETNAMESE_WORDS = 10
"""A text is Vietnamese if one in so many of its words is such a word; in plain prose four are."""

KANA, HAN = r"[\u3041-\u30FF\u31F0-\u31FF]", r"\p{Han}"
SCRIPT_OF = {
    "ko": r"\p{Hangul}", "th": r"\p{Thai}", "el": r"\p{Greek}", "he": r"\p{Hebrew}",
    "bn": r"\p{Bengali}", "pa": r"\p{Gurmukhi}", "gu": r"\p{Gujarati}", "ta": r"\p{Tamil}",
    "te": r"\p{Telugu}", "kn": r"\p{Kannada}", "ml": r"\p{Malayalam}", "si": r"\p{Sinhala}",
    "km": r"\p{Khmer}", "lo": r"\p{Lao}", "my": r"\p{Myanmar}", "ka": r"\p{Georgian}",
    "hy": r"\p{Armenian}",
}  # fmt: skip
"""Scripts that, nearly always, are used by one language."""


def short_code(code: str) -> str:
    """A language's ISO 639 code without region or script: `zh` for `zh-CN`.

    Raises ValueError for anything that cannot be such a code, such as a language's name.
    """
    short = code.replace("_", "-").split("-")[0].lower()
    if not (short.isascii() and short.isalpha() and 2 <= len(short) <= 3):
        raise ValueError(f"{code!r} is not a language code; write `en`, not `English`")
    return short


class Language(Settings):
    """Detects the language of every record, and keeps only the languages in `allow`, if given.

    Looks at the first 300 characters of prose: code, addresses and markup are left out, and the
    turns of labelled records are joined. A script that only one language uses decides by itself,
    from 8 letters on; so do Vietnamese words with letters that no other language has, if they are
    at least a tenth of the words, since English technical terms often stand between them.
    langdetect, with its seed fixed, decides the rest, from 20 letters on. With fewer letters the
    language is `und`, undetermined, and also if langdetect's answer is not in `allow` and its
    probability under 0.75. Such records are kept unless `undetermined: reject`. Each record's
    confidence, from 0 to 1, is stored with the run's measures: langdetect's own probability, or 1
    if the script decided.
    """

    name: ClassVar[str] = "language"
    reasons: ClassVar[dict[str, str]] = {
        "language_not_allowed": "The record is in a language that `allow` does not list; add it "
        "there if you want it.",
    }

    allow: list[Annotated[str, AfterValidator(short_code)]] | None = Field(
        None, min_length=1, description="codes of the languages to keep, `[en, vi]`; default: all"
    )
    detector: Literal["langdetect"] = Field("langdetect", description="the library that decides")
    undetermined: Literal["keep", "reject"] = Field(
        "keep", description="what to do with records whose language cannot be determined"
    )
    sample_chars: int = Field(300, ge=50, le=10_000, description="characters to look at")

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records with `language` set; those in a language not allowed are rejected."""
        return self.observe(records).records

    def observe(self, records: pl.DataFrame) -> Observed:
        """As `__call__`, plus each record's `confidence` and a tally of its language."""
        samples = records.select(sample=_prose(self.sample_chars), kept=KEPT)
        answers = detected(samples["sample"]).with_columns(samples["kept"], records["id"])
        if self.allow:
            answers = answers.with_columns(language=self._allowed_or_sure())
        languages = answers.select(pl.when("kept").then("language")).to_series()
        marked = records.with_columns(language=pl.coalesce(languages, "language"))
        if self.allow:
            marked = reject(marked, language_not_allowed=self._not_allowed())
        measures = answers.filter(pl.col("confidence").is_not_null() & pl.col("kept"))
        counted = records.select("id", kind=languages, number=pl.lit(1, pl.Int64))
        return Observed(
            marked,
            # Python versions sum floats differently; these digits are the same in all.
            measures=measures.select("id", pl.col("confidence").round(6)),
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
        undetermined = (code == UNDETERMINED) & (self.undetermined == "reject")
        return Broken(elsewhere | undetermined, value=code, threshold=", ".join(allow))


def _prose(sample_chars: int) -> pl.Expr:
    """The first characters of a record's prose, on one line; null if it has no text."""
    head = 8 * sample_chars
    turns = pl.col("messages").list.eval(pl.element().struct.field("text").str.head(head))
    whole = pl.coalesce(turns.list.join("\n", ignore_nulls=True), "text").str.head(head)
    prose = whole.str.replace_all(NOT_PROSE, " ").str.replace_all(r"\s+", " ")
    return prose.str.strip_chars().str.head(sample_chars)


def detected(samples: pl.Series) -> pl.DataFrame:
    """`language` and `confidence` of each sample; equal samples are looked at once.

    The confidence is 1 if the script decides, and null if the language is undetermined.
    """
    by_script = _by_script(samples.unique(maintain_order=True))
    unsure = pl.col("language").is_null() & pl.col("sample").is_not_null()
    undecided = by_script.filter(unsure)["sample"]
    from pipeline.kernels import langid  # with numpy, which few workers need

    answers = langid.detect(undecided).with_columns(undecided)
    codes = samples.to_frame("sample")
    codes = codes.join(by_script, on="sample", how="left", maintain_order="left")
    codes = codes.join(answers, on="sample", how="left", maintain_order="left", nulls_equal=True)
    code = pl.col("code").str.split("-").list.first()  # zh-cn, zh-tw
    sure = pl.when(pl.col("language") != UNDETERMINED).then(pl.lit(1.0))
    return codes.select(
        language=pl.coalesce("language", code, pl.lit(UNDETERMINED)),
        confidence=pl.coalesce("confidence", sure),
    )


def _by_script(samples: pl.Series) -> pl.DataFrame:
    """`sample` and its `language`: by its script, `und` if it is too short, or else null."""
    sample = pl.col("sample")
    few = sample.str.contains(LETTERS.format(FEW_LETTERS))
    enough = sample.str.contains(LETTERS.format(MIN_LETTERS))
    parted = samples.to_frame("sample").with_columns(
        telling=few & sample.str.contains(f"{FOREIGN_LETTER}|{VIETNAMESE}"),
        language=pl.when(~enough).then(pl.lit(UNDETERMINED)),
    )
    by_script = pl.coalesce(_script_language(), "language")
    telling = parted.filter("telling").with_columns(language=by_script)
    return pl.concat([parted.filter(~pl.col("telling")), telling]).drop("telling")


def _script_language() -> pl.Expr:
    sample = pl.col("sample")
    letters = sample.str.count_matches(r"\p{L}")
    kana = sample.str.count_matches(KANA)
    kana_or_han = kana + sample.str.count_matches(HAN)
    japanese = kana * 20 >= kana_or_han  # one kana in 20: a Chinese text may only quote a name
    by_share: Any = pl.when(
        kana_or_han * 3 > letters
    ).then(  # one of these letters counts as much as two Latin ones
        pl.when(japanese).then(pl.lit("ja")).otherwise(pl.lit("zh"))
    )
    for code, script in SCRIPT_OF.items():
        share = sample.str.count_matches(f"[{script}&&\\p{{L}}]")
        by_share = by_share.when(share * 2 > letters).then(pl.lit(code))
    words = sample.str.count_matches(r"\p{L}[\p{L}\p{M}]*")
    own = sample.str.count_matches(VIETNAMESE_WORD)
    by_share = by_share.when((own > 0) & (own * VIETNAMESE_WORDS >= words)).then(pl.lit("vi"))
    expression: pl.Expr = by_share.otherwise(None)
    return expression
