"""The texts of a record, wherever they are: `text`, `system`, each turn of `messages`, `extra`."""

from __future__ import annotations

import polars as pl

from pipeline.kernels import surface
from pipeline.record import MESSAGE
from pipeline.stages.extra_texts import Change, rewrite_extra

KEPT = pl.col("rejected").is_null()

NFC_SUSPECT = (
    r"[\p{M}\u0374\u037E\u0387\u0958-\u09DF\u0A33-\u0A5E\u0B5C\u0B5D\u1161-\u1175\u11A8-\u11C2"
    r"\u0F43-\u0F69\u1F71-\u1FFD\u2000\u2001\u2126\u212A\u212B\u2329\u232A\u2ADC\uF900-\uFAFF\uFB1D-\uFB4E"
    r"\u{1D15E}-\u{1D1C0}\u{2F800}-\u{2FA1D}]"
)
"""Every character that NFC changes or joins to the previous one (Unicode's quick check is not
"yes"). Few lines contain one, and searching is ten times as fast as normalising (45 MB/s)."""


def rewrite(records: pl.DataFrame, change: Change) -> pl.DataFrame:
    """The records with every text changed, including those in `extra`; rejected rows are kept."""
    kept = records["rejected"].is_null()
    text, system, extra = (
        records.select(pl.when(kept).then(pl.col(name)))[name]
        for name in ("text", "system", "extra")
    )
    ids = records["id"]
    changed = [change(column, ids) if column.count() else column for column in (text, system)]
    changed.append(rewrite_extra(extra, ids, change))
    records = records.with_columns(
        pl.when(kept).then(new).otherwise(pl.col(new.name)).alias(new.name) for new in changed
    )
    return _rewrite_turns(records, change)


def _rewrite_turns(records: pl.DataFrame, change: Change) -> pl.DataFrame:
    turns = turns_of(records.filter(KEPT))
    if turns.is_empty():
        return records
    return with_turns(records, turns.with_columns(change(turns["text"], turns["id"])))


def turns_of(records: pl.DataFrame) -> pl.DataFrame:
    """A row for each turn, in order: `id` of the record, `role`, `text`."""
    with_any = records.filter(pl.col("messages").list.len() > 0).select("id", "messages")
    return with_any.explode("messages").select("id", pl.col("messages").struct.unnest())


def with_turns(records: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """The records with `messages` from `turns`; records without a turn there keep theirs."""
    rebuilt = turns.group_by("id", maintain_order=True).agg(
        rebuilt=pl.struct("role", "text").cast(MESSAGE)
    )
    joined = records.join(rebuilt, on="id", how="left", maintain_order="left")
    return joined.with_columns(messages=pl.coalesce("rebuilt", "messages")).drop("rebuilt")


def nfc(column: pl.Expr) -> pl.Expr:
    """The text in Unicode normalisation form C; only texts that may change are normalised."""
    return column.map_batches(in_nfc, return_dtype=pl.String, is_elementwise=True)


def in_nfc(texts: pl.Series) -> pl.Series:
    """Each text in Unicode normalisation form C.

    Nothing combines across a newline, so a text is in that form if its suspect lines are. These
    make up a hundredth of the texts that have any.
    """
    suspects = _suspects(texts)
    if suspects.is_empty():
        return texts
    lines = texts.gather(suspects).to_frame("line").with_columns(row=suspects)
    lines = lines.with_columns(pl.col("line").str.split("\n")).explode("line")
    lines = lines[_suspects(lines["line"])]
    changed = lines["row"].filter(lines["line"].str.normalize("NFC") != lines["line"]).unique()
    if changed.is_empty():
        return texts
    # `scatter` writes into the series it is called on.
    return texts.clone().scatter(changed, texts.gather(changed).str.normalize("NFC"))


def _suspects(texts: pl.Series) -> pl.Series:
    """The row numbers of the texts that may contain a character that NFC changes."""
    return (surface.marks(texts, (NFC_SUSPECT,), ()) & 1 != 0).arg_true()


def has_images() -> pl.Expr:
    """Whether a record has at least one image."""
    return (pl.col("images").list.len() > 0).fill_null(False)


def image_files() -> pl.Expr:
    """The number of a record's images and their URIs, one per line."""
    files = pl.col("images").fill_null([])
    return pl.format("{}\n{}", files.list.len(), files.list.join("\n", ignore_nulls=True))


def one_line(column: pl.Expr) -> pl.Expr:
    """The text in NFC with every run of white space as one space, so that layout does not count."""
    return nfc(column).map_batches(surface.one_line, return_dtype=pl.String, is_elementwise=True)


def turn_lines() -> pl.Expr:
    """The turns, each as its normalised role, a newline, and its normalised text.

    Normalised texts contain no newline, so turns stay distinct when joined by newlines.
    """
    role, text = (pl.element().struct.field(name).fill_null("") for name in ("role", "text"))
    return pl.col("messages").list.eval(one_line(role) + "\n" + one_line(text))


def all_but_last(turns: pl.Expr) -> pl.Expr:
    """The prompt: all turns except the last as one text; null if there are no turns."""
    before = turns.list.head(turns.list.len() - 1).list.join("\n")
    return pl.when(turns.list.len() > 0).then(before)
