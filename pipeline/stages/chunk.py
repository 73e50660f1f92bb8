"""`chunk`: cuts documents into pieces of a limited number of tokens, where a reader would."""

from __future__ import annotations

from typing import ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from pipeline.kernels import chunking as kernel
from pipeline.stage import Settings
from pipeline.stages.packing import Cut, Pieces
from pipeline.stages.texts import KEPT, has_images
from pipeline.tokens import BOUND, UNIT, table_of, weigh, whole_tokens

STOP, WIDE_STOP, CLOSING = ".!?…", "。！？", "\"'”’»)\\]」』）"
BLANKS = r"[^\S\n]"
LINE_END = rf"\n(?:{BLANKS}*\n)*"
ATTACHED = r"[\p{M}\x{200C}\x{200D}]*"  # a blank may carry an accent
SENTENCE_END = (
    rf"(?:[{STOP}]+[{CLOSING}]*{BLANKS}+"
    rf"|[{STOP}]*[{WIDE_STOP}][{STOP}{WIDE_STOP}]*[{CLOSING}]*{BLANKS}*){ATTACHED}"
)

# The matches of each pattern cover any text without gaps: each begins where the last one ended.
BLOCK = rf"[^\n]*(?:\n{BLANKS}*[^\s#][^\n]*)*(?:{LINE_END}|\z)"  # to an empty line or a heading
LINE = rf"[^\n]*(?:{LINE_END}|\z)"
SENTENCE = (
    rf"(?:[^\n{STOP}{WIDE_STOP}]|[{STOP}]+[^\s{STOP}{WIDE_STOP}])*?"
    rf"(?:[{STOP}{WIDE_STOP}]*[{CLOSING}]*{BLANKS}*{LINE_END}|{SENTENCE_END}|[{STOP}]*\z)"
)
WORD = rf"(?:\S+\s*|\s+){ATTACHED}"
CHARACTER = (
    r"(?s)\r\n|\p{Regional_Indicator}{2}"
    r"|.(?:[\p{M}\p{Emoji_Modifier}\x{200C}]|\x{200D}\p{Extended_Pictographic}?)*"
)
CODE_POINT = r"(?s)."

HEADING = r"^#{1,6}[ \t]"
FENCE = rf"(?m)^{BLANKS}*(?:```|~~~)"  # of code, in which no line is a heading

CLASSES = (r"\s", ATTACHED.removesuffix("*"), f"[{STOP}]", f"[{WIDE_STOP}]", f"[{CLOSING}]")
"""The character classes that the kernel tells apart."""


class Chunk(Settings):
    """Cuts documents into chunks of at most `max_tokens`, by the upper bound of their tokens.

    A chunk ends before a Markdown heading, or else at an empty line, a line end, a sentence end,
    a space, or anywhere: at the first of these that leaves it at least half full. Fenced code has
    no headings, and is cut at line ends only if it must be. Chunks are exact slices of the text:
    without `overlap` they join back to it; with `overlap` each begins with the last whole sentences
    or lines of the previous chunk, up to that many tokens. The locator gives the characters
    (`chars=0-812`, end not included). Labelled records and images are unchanged.
    """

    name: ClassVar[str] = "chunk"
    reasons: ClassVar[dict[str, str]] = {}

    max_tokens: int = Field(512, ge=16, description="most tokens in a chunk")
    overlap: int = Field(0, ge=0, description="most tokens to repeat from the previous chunk")

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.overlap * 2 > self.max_tokens:
            raise ValueError("overlap must be at most half of max_tokens")
        return self

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records, each document replaced by its chunks in the order of the text."""
        limit = self.max_tokens * UNIT
        weighed = records.with_row_index("row").with_columns(weight=_weight_near(limit))
        fits = pl.col("weight") <= limit
        chunks = pl.concat([_whole(weighed.filter(fits)), self._cut(weighed.filter(~fits))])
        others = weighed.filter(pl.col("weight").is_null())
        everything = pl.concat([others, _records(weighed, chunks)])
        return everything.sort("row", maintain_order=True).select(records.columns)

    def _cut(self, long: pl.DataFrame) -> pl.DataFrame:
        """The chunks of documents that are over the limit, in the schema `CHUNK`.

        Documents that the kernel cannot cut are cut by `_cut_plainly`.
        """
        limit, overlap = self.max_tokens * UNIT, self.overlap * UNIT
        grain = min(limit, overlap or limit) // 2
        cut = kernel.cut(long["text"], CLASSES, table_of(BOUND), limit, overlap, grain)
        if cut is None:
            return self._cut_plainly(long, grain)
        done = cut["start"] != kernel.NOT_CUT
        others = long[cut.filter(~done)["row"].to_list()]
        return pl.concat([_sliced(long, cut.filter(done)), self._cut_plainly(others, grain)])

    def _cut_plainly(self, long: pl.DataFrame, grain: int) -> pl.DataFrame:
        """The same chunks as `_cut` gives, without the kernel."""
        limit = self.max_tokens * UNIT
        pieces = _pieces(long.select("row", "text"), limit, grain)
        weights, chars = _running(pieces["weight"]), _running(pieces["chars"])
        packing = Pieces(weights, bytes(pieces["cut"].to_list()), limit, self.overlap * UNIT)
        first = 0
        chunks: list[tuple[int, int, int, int, str]] = []
        counts = pieces.group_by("row", maintain_order=True).len()["len"]
        for row, text, count in zip(long["row"], long["text"], counts, strict=True):
            for begin, end in packing.chunks(first, first + count):
                span = chars[begin] - chars[first], chars[end] - chars[first]
                weight = weights[end] - weights[begin]
                chunks.append((row, *span, weight, text[slice(*span)]))
            first += count
        return pl.DataFrame(chunks, schema=CHUNK, orient="row")


CHUNK = pl.Schema(
    {"row": pl.UInt32, "start": pl.Int64, "end": pl.Int64, "weight": pl.Int64, "chunk": pl.String}
)


def _sliced(long: pl.DataFrame, cut: pl.DataFrame) -> pl.DataFrame:
    """The kernel's chunks with their texts, in the schema `CHUNK`."""
    whole = long[cut["row"].to_list()]
    text = whole["text"].cast(pl.Binary)
    length = cut["end_byte"] - cut["start_byte"]
    chunks = cut.with_columns(row=whole["row"], text=text).with_columns(
        chunk=pl.col("text").bin.slice("start_byte", length).cast(pl.String)
    )
    return chunks.select(CHUNK.names())


def _weight_near(limit: int) -> pl.Expr:
    """The weight of each document, or some weight over `limit` if its length alone exceeds it.

    Null for rows that are not cut: labelled records, images, rejected rows.
    """
    document = pl.col("messages").is_null() & ~has_images() & KEPT
    text = pl.when(document).then("text")
    least = text.str.len_chars().cast(pl.Int64) * BOUND.plain
    return (
        pl.when(least > limit)
        .then(least)
        .otherwise(weigh(pl.when(document & (least <= limit)).then("text"), BOUND))
    )


def _whole(fitting: pl.DataFrame) -> pl.DataFrame:
    """One chunk for each document that is within the limit, in the schema `CHUNK`."""
    return fitting.select(
        "row",
        pl.lit(0, dtype=pl.Int64).alias("start"),
        pl.col("text").str.len_chars().cast(pl.Int64).alias("end"),
        "weight",
        pl.col("text").alias("chunk"),
    )


def _records(documents: pl.DataFrame, chunks: pl.DataFrame) -> pl.DataFrame:
    """A record for each chunk: a copy of its document's, with its own id, locator, text, tokens."""
    number = (pl.int_range(1, pl.len() + 1).over("row")).cast(pl.String).str.zfill(4)
    numbered = chunks.sort("row", maintain_order=True).with_columns(number=number)
    joined = numbered.join(
        documents, on="row", how="left", maintain_order="left", suffix="_document"
    )
    place = pl.format("chars={}-{}", "start", "end")
    inside = pl.when(pl.col("locator").fill_null("") == "").then(place)
    return joined.with_columns(
        id=pl.format("{}.{}", "id", "number"),
        locator=inside.otherwise(pl.format("{};{}", "locator", place)),
        text=pl.col("chunk"),
        tokens=whole_tokens(pl.col("weight")),
    ).select(documents.columns)


def _running(numbers: pl.Series) -> list[int]:
    return [0, *numbers.cum_sum().to_list()]


def _pieces(documents: pl.DataFrame, limit: int, grain: int) -> pl.DataFrame:
    """The pieces that chunks are put together from, in order: `row`, `chars`, `weight`, `cut`.

    `cut` is the `Cut` before the piece. Pieces are blocks between empty lines. A block heavier
    than `grain`, which is at most half a chunk, is divided into lines, and such a line into
    sentences: as long as no piece is over half a chunk, a better cut is within reach. Sentences
    heavier than a chunk are divided into words, and such words into characters.
    """
    blocks = _parts(documents, BLOCK).with_columns(cut=_before_a_block())
    placed = blocks.with_row_index("place")
    heavy = pl.col("weight") > grain
    parts = placed.filter(heavy)
    for pattern, cut, most in (
        (LINE, Cut.LINE, grain),
        (SENTENCE, Cut.SENTENCE, grain),
        (WORD, Cut.BLANK, limit),
        (CHARACTER, Cut.ANYWHERE, limit),
        (CODE_POINT, Cut.INSIDE, limit),
    ):
        parts = _finer(parts, most, pattern, cut)
    pieces = pl.concat([_measured(placed.filter(~heavy)), _measured(parts)])
    return pieces.sort("place", maintain_order=True)


def _finer(pieces: pl.DataFrame, most: int, pattern: str, cut: Cut) -> pl.DataFrame:
    """The pieces; each that weighs more than `most` is replaced by its parts."""
    heavy = pl.col("weight") > most
    if not pieces.select(heavy.any()).item():
        return pieces
    inner = pl.col("piece") == pl.col("piece").shift(1)
    numbered = pieces.with_row_index("piece")
    parts = _parts(numbered.filter(heavy), pattern).with_columns(
        cut=pl.when(inner).then(_cut(cut)).otherwise("cut")
    )
    together = pl.concat([numbered.filter(~heavy), parts])
    return together.sort("piece", maintain_order=True).drop("piece")


def _measured(pieces: pl.DataFrame) -> pl.DataFrame:
    chars = pl.col("text").str.len_chars().cast(pl.Int64)
    return pieces.select("place", "row", "weight", "cut", chars=chars)


def _parts(pieces: pl.DataFrame, pattern: str) -> pl.DataFrame:
    parts = pieces.with_columns(pl.col("text").str.extract_all(pattern)).explode("text")
    return parts.filter(pl.col("text") != "").with_columns(weight=weigh(pl.col("text"), BOUND))


def _before_a_block() -> pl.Expr:
    """The cut before each block, from how it begins and how the previous one ends.

    Within fenced code no cut is better than one between lines.
    """
    before = pl.col("text").shift(1)
    line = before.str.ends_with("\n")
    fences = pl.col("text").str.count_matches(FENCE)
    is_code = (fences.cum_sum() - fences).over("row") % 2 == 1
    return (
        pl.when(is_code)
        .then(_cut(Cut.LINE))
        .when(line & pl.col("text").str.contains(HEADING))
        .then(_cut(Cut.HEADING))
        .when(before.str.contains(rf"\n{BLANKS}*\n"))
        .then(_cut(Cut.EMPTY_LINE))
        .otherwise(_cut(Cut.LINE))
    )


def _cut(cut: Cut) -> pl.Expr:
    return pl.lit(int(cut), dtype=pl.UInt8)
