"""Expressions that every target builds its lines from: JSON strings, turns, what a record holds.

A line is UTF-8 JSON without blanks between tokens. Control characters are escaped, and so are
U+0085, U+2028 and U+2029, which some readers of lines take for the end of one.
"""

from __future__ import annotations

from typing import Any

import orjson
import polars as pl

from pipeline.kernels import surface
from pipeline.stage import Broken

_BREAKING = [*map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"]
_WORD = r"[^\s\x1c-\x1f\u{feff}]"
"""What makes a text more than blank, to Unicode, to Python's strip() and to ECMAScript's \\S."""

_ESCAPED = [f"\\u{ord(character):04x}" for character in _BREAKING]

REJECTED = pl.col("rejected")
EXTRA = pl.col("extra")
IMAGES = pl.col("images").list.len().fill_null(0)
TEXT = pl.col("text").str.strip_chars()
SYSTEM = pl.col("system")
EXCHANGE = 2
"""Turns of one exchange: the user's and the assistant's."""

Value = dict[str, Any]


def one_line(json: pl.Expr) -> pl.Expr:
    """JSON text with DEL, the C1 controls, U+2028 and U+2029 as escapes; they stand in strings."""
    return json.map_batches(_escaped, return_dtype=pl.String, is_elementwise=True)


def _escaped(json: pl.Series) -> pl.Series:
    """Few lines hold such a character; to look for it costs a third of replacing it."""
    hits = (surface.marks(json, (f"[{''.join(_BREAKING)}]",), ()) & 1 != 0).arg_true()
    if hits.is_empty():
        return json
    replaced = json.gather(hits).str.replace_many(_BREAKING, _ESCAPED)
    return json.clone().scatter(hits, replaced)


def as_json(**fields: pl.Expr) -> pl.Expr:
    """A JSON object of `fields`, in that order; a null stays `null`."""
    return pl.struct([value.alias(name) for name, value in fields.items()]).struct.json_encode()


def quoted(text: pl.Expr) -> pl.Expr:
    """A JSON string; null stays null."""
    encoded = as_json(s=text).str.strip_prefix('{"s":').str.strip_suffix("}")
    return pl.when(text.is_not_null()).then(encoded)


def joined(*parts: pl.Expr | str) -> pl.Expr:
    """The parts as one text; a part that is null adds nothing."""
    exprs = [pl.lit(part) if isinstance(part, str) else part for part in parts]
    return pl.concat_str(exprs, ignore_nulls=True)


def with_lines(records: pl.DataFrame, line: pl.Expr) -> pl.DataFrame:
    """The records plus `line`, null where a record is rejected."""
    return records.with_columns(line=pl.when(REJECTED.is_null()).then(one_line(line)))


def filled(text: pl.Expr) -> pl.Expr:
    """The text, or null where it is blank."""
    return pl.when(~is_blank(text)).then(text)


def is_blank(text: pl.Expr) -> pl.Expr:
    """Whether there is no text, or nothing but blanks by anyone's reading."""
    return ~text.str.contains(_WORD).fill_null(False)


def role_letters() -> pl.Expr:
    """The turns' roles as letters: `uaua`; anything but user and assistant is `x`."""
    role = pl.element().struct.field("role")
    letter = pl.when(role == "user").then(pl.lit("u")).when(role == "assistant").then(pl.lit("a"))
    letters = pl.col("messages").list.eval(letter.otherwise(pl.lit("x")))
    return letters.list.join("").fill_null("")


def has_empty_turn() -> pl.Expr:
    """Whether a turn has no text, or only blanks."""
    text = pl.element().struct.field("text")
    return pl.col("messages").list.eval(is_blank(text)).list.any().fill_null(False)


def turn_text(index: int) -> pl.Expr:
    """The text of one turn, counted from 0, or from the end when negative."""
    return pl.col("messages").list.get(index, null_on_oob=True).struct.field("text")


def has_extra(key: str) -> pl.Expr:
    """Whether `extra` holds `key` at its top level, and not as null."""
    return EXTRA.str.json_path_match(f"$.{key}").is_not_null()


def answered_faults() -> dict[str, pl.Expr | Broken]:
    """The rules of turns that must end in an answer."""
    letters = role_letters()
    return {
        "no_completion": ~letters.str.ends_with("a"),
        "turns_out_of_order": Broken(~letters.str.contains("^(ua)+$"), value=letters),
        "empty_turn": has_empty_turn(),
    }


def one_exchange_faults() -> dict[str, pl.Expr | Broken]:
    """A format of one prompt and at most one answer."""
    turns = role_letters().str.len_bytes()
    return {"more_than_one_turn": Broken(turns > EXCHANGE, value=turns, threshold=EXCHANGE)}


def prompt_faults() -> dict[str, pl.Expr | Broken]:
    """The rules of turns where the answer to the last prompt may be missing."""
    letters = role_letters()
    return {
        "no_prompt": letters == "",
        "turns_out_of_order": Broken(~letters.str.contains("^(ua)*ua?$"), value=letters),
        "empty_turn": has_empty_turn(),
    }


def text_only_faults() -> dict[str, pl.Expr | Broken]:
    """What a format of text turns cannot say."""
    return {
        "images_not_allowed": Broken(IMAGES > 0, value=IMAGES, threshold=0),
        "media_not_allowed": _names_media(),
        "tools_not_allowed": has_extra("converse_messages"),
    }


def _names_media() -> pl.Expr:
    """Whether turns given in the Converse shape hold a medium; a tool's argument is none."""
    kinds = "['image','video','document']"
    found = EXTRA.str.json_path_match(f"$.converse_messages[*].content[*]{kinds}")
    return found.is_not_null()


def text_only_losses() -> dict[str, pl.Expr]:
    """What a format of text turns drops without a trace in its line."""
    return {
        "tools_left_out": _declares_tools() & ~has_extra("converse_messages"),
        "reasoning_left_out": has_extra("reasoning"),
        "reference_left_out": has_extra("reference_answer"),
    }


def one_text_losses() -> dict[str, pl.Expr]:
    """What a format of one text drops of a record that has more."""
    return {
        "system_left_out": filled(SYSTEM).is_not_null(),
        "turns_left_out": pl.col("messages").list.len().fill_null(0) > 0,
        **text_only_losses(),
        "tools_left_out": _declares_tools(),
    }


def _declares_tools() -> pl.Expr:
    return has_extra("tools") | has_extra("toolConfig")


def extra_value(extra: str | None) -> Value | None:
    """`extra` read as an object: empty when there is none, None when it is not one.

    Row by row, because its values are merged into lines as they are, whatever their type.
    """
    if not extra:
        return {}
    try:
        value = orjson.loads(extra)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
