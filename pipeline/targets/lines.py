"""Expressions that targets build their lines from: JSON strings, turns, contents of a record.

A line is UTF-8 JSON without spaces between tokens. Control characters are escaped, and so are
U+0085, U+2028 and U+2029, which some readers take for the end of a line.
"""

from __future__ import annotations

from typing import Any

import orjson
import polars as pl

from pipeline.kernels import surface
from pipeline.stage import Broken

_BREAKING = [*map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029"]
_WORD = r"[^\s\x1c-\x1f\u{feff}]"
"""A character that is not blank to Unicode, to Python's strip() and to ECMAScript's \\S."""

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
    """JSON text with DEL, the C1 controls, U+2028 and U+2029 in its strings as escapes."""
    return json.map_batches(_escaped, return_dtype=pl.String, is_elementwise=True)


def _escaped(json: pl.Series) -> pl.Series:
    """As `one_line`. Few lines have such a character, and a search takes a third of the time."""
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
    """The parts as one text; null parts are left out."""
    exprs = [pl.lit(part) if isinstance(part, str) else part for part in parts]
    return pl.concat_str(exprs, ignore_nulls=True)


def with_lines(records: pl.DataFrame, line: pl.Expr) -> pl.DataFrame:
    """The records plus `line`, which is null for rejected records."""
    return records.with_columns(line=pl.when(REJECTED.is_null()).then(one_line(line)))


def filled(text: pl.Expr) -> pl.Expr:
    """The text, or null if it is blank."""
    return pl.when(~is_blank(text)).then(text)


def is_blank(text: pl.Expr) -> pl.Expr:
    """Whether a text is null, or blank by any of the rules of `_WORD`."""
    return ~text.str.contains(_WORD).fill_null(False)


def role_letters() -> pl.Expr:
    """The roles of the turns as letters, such as `uaua`; any other role is `x`."""
    role = pl.element().struct.field("role")
    letter = pl.when(role == "user").then(pl.lit("u")).when(role == "assistant").then(pl.lit("a"))
    letters = pl.col("messages").list.eval(letter.otherwise(pl.lit("x")))
    return letters.list.join("").fill_null("")


def has_empty_turn() -> pl.Expr:
    """Whether a turn has no text, or only a blank one."""
    text = pl.element().struct.field("text")
    return pl.col("messages").list.eval(is_blank(text)).list.any().fill_null(False)


def turn_text(index: int) -> pl.Expr:
    """The text of one turn, counted from 0, or from the end if negative."""
    return pl.col("messages").list.get(index, null_on_oob=True).struct.field("text")


def has_extra(key: str) -> pl.Expr:
    """Whether `extra` has `key` at its top level, with a value other than null."""
    return EXTRA.str.json_path_match(f"$.{key}").is_not_null()


def answered_faults() -> dict[str, pl.Expr | Broken]:
    """The rules for turns that must end in an answer."""
    letters = role_letters()
    return {
        "no_completion": ~letters.str.ends_with("a"),
        "turns_out_of_order": Broken(~letters.str.contains("^(ua)+$"), value=letters),
        "empty_turn": has_empty_turn(),
    }


def one_exchange_faults() -> dict[str, pl.Expr | Broken]:
    """The rule for formats of one prompt and at most one answer."""
    turns = role_letters().str.len_bytes()
    return {"more_than_one_turn": Broken(turns > EXCHANGE, value=turns, threshold=EXCHANGE)}


def prompt_faults() -> dict[str, pl.Expr | Broken]:
    """The rules for turns where the answer to the last prompt may be missing."""
    letters = role_letters()
    return {
        "no_prompt": letters == "",
        "turns_out_of_order": Broken(~letters.str.contains("^(ua)*ua?$"), value=letters),
        "empty_turn": has_empty_turn(),
    }


def text_only_faults() -> dict[str, pl.Expr | Broken]:
    """The rules for formats that can express nothing but turns of text."""
    return {
        "images_not_allowed": Broken(IMAGES > 0, value=IMAGES, threshold=0),
        "media_not_allowed": _names_media(),
        "tools_not_allowed": has_extra("converse_messages"),
    }


def _names_media() -> pl.Expr:
    """Whether turns in the Converse shape have an image, video or document block.

    A tool's argument of that name does not count.
    """
    kinds = "['image','video','document']"
    first = EXTRA.str.json_path_match(f"$.converse_messages[*].content[*]{kinds}")
    return first.is_not_null()


def text_only_losses() -> dict[str, pl.Expr]:
    """What formats of text turns leave out of a line without a trace."""
    return {
        "tools_left_out": _declares_tools() & ~has_extra("converse_messages"),
        "reasoning_left_out": has_extra("reasoning"),
        "reference_left_out": has_extra("reference_answer"),
    }


def one_text_losses() -> dict[str, pl.Expr]:
    """What formats of one text leave out of a record that has more."""
    return {
        "system_left_out": filled(SYSTEM).is_not_null(),
        "turns_left_out": pl.col("messages").list.len().fill_null(0) > 0,
        **text_only_losses(),
        "tools_left_out": _declares_tools(),
    }


def _declares_tools() -> pl.Expr:
    return has_extra("tools") | has_extra("toolConfig")


def extra_value(extra: str | None) -> Value | None:
    """`extra` parsed as an object: empty if there is none, None if it is not an object.

    Row by row, because its values are merged into lines unchanged, whatever their type.
    """
    if not extra:
        return {}
    try:
        value = orjson.loads(extra)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
