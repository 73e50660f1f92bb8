"""Prompts for reinforcement fine-tuning, as OpenAI chat messages with a reference answer.

{"id": …, "messages": […], "reference_answer": …, "tools": […], and what the grader needs}
"""

from __future__ import annotations

import string
from typing import Annotated, Any, ClassVar, Literal

import orjson
import polars as pl
from pydantic import AfterValidator

from pipeline.stage import Settings, reject
from pipeline.targets.claude3_messages import messages_json
from pipeline.targets.contract import Place
from pipeline.targets.lines import (
    SYSTEM,
    Value,
    extra_value,
    filled,
    has_extra,
    joined,
    prompt_faults,
    quoted,
    role_letters,
    text_only_faults,
    turn_text,
    with_lines,
)
from pipeline.targets.prompts import as_prompts
from pipeline.targets.tools import functions

_BLANKS = string.whitespace + "\x1c\x1d\x1e\x1f\x85\xa0\ufeff"
_OWN_KEYS = {"id", "messages", "reference_answer", "tools"}
_EXTRA = pl.Struct({"answer": pl.String, "tail": pl.String, "broken": pl.String})


def _declared(tools: Any) -> list[Value]:
    """The tools with only the keys of the format; raises ValueError for an invalid tool."""
    return [{"type": "function", "function": function} for function in functions(tools)]


class Reinforcement(Settings):
    """A prompt, and the reference answer for a grader.

    The reference answer is `extra.reference_answer` (text or object), or else the last turn's
    answer, which is removed from the messages in either case. Text, numbers and booleans of
    `extra.metadata` become keys of their own, which Bedrock passes to the grader; the format's
    own keys have precedence. A data set should have an answer in all of its records or in none.
    `tools` (OpenAI functions) are used for records that declare none: one of AWS's validators
    refuses records for Nova without tools.
    """

    format: ClassVar[str] = "reinforcement"
    schema: ClassVar[str] = "reinforcement.schema.json"  # type: ignore[assignment]
    final_newline: ClassVar[bool] = True

    system: str | None = None
    reference_answer: Literal["required", "optional"] = "required"
    tools: Annotated[list[dict[str, Any]], AfterValidator(_declared)] | None = None

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:  # noqa: ARG002
        """The records plus `line`."""
        read = [_from_extra(extra, self.tools or []) for extra in records["extra"]]
        extras = pl.Series("_extra", read, dtype=_EXTRA)
        spoken = pl.when(role_letters().str.ends_with("a")).then(quoted(turn_text(-1)))
        prepared = records.with_columns(extras).with_columns(
            _answer=pl.coalesce(pl.col("_extra").struct.field("answer"), spoken)
        )
        broken = pl.col("_extra").struct.field("broken")
        unanswered = pl.col("_answer").is_null() & pl.lit(self.reference_answer == "required")
        marked = reject(
            prepared,
            **text_only_faults(),
            **prompt_faults(),
            broken_extra=broken == "broken_extra",
            broken_tools=broken == "broken_tools",
            no_reference_answer=unanswered,
        )
        lines = with_lines(as_prompts(marked), self._line())
        return lines.drop("_extra", "_answer").with_columns(records["messages"])

    def losses(self) -> dict[str, pl.Expr]:
        """Records whose line differs from the record or leaves something out, by kind of loss."""
        return {
            "system_filled_in": SYSTEM.is_null() & pl.lit(self.system is not None),
            "answer_became_reference": pl.col("messages").list.len() > 1,
            "tools_filled_in": ~has_extra("tools") & pl.lit(self.tools is not None),
            "tools_left_out": has_extra("toolConfig") & ~has_extra("tools"),
            "reasoning_left_out": has_extra("reasoning"),
        }

    def _line(self) -> pl.Expr:
        default = filled(pl.lit(self.system, dtype=pl.String))
        system = quoted(pl.coalesce(filled(SYSTEM), default))
        first = '{"role":"system","content":' + system + "},"
        return joined(
            '{"id":',
            quoted(pl.col("id")),
            ',"messages":[',
            first,
            messages_json().str.strip_prefix("["),
            ',"reference_answer":' + pl.col("_answer"),
            pl.col("_extra").struct.field("tail"),
            "}",
        )


def _from_extra(extra: str | None, usual: list[Value]) -> dict[str, str | None]:
    """What `extra` adds to a line: `answer`, the reference answer as JSON, and `tail`.

    `tail` has the other members with their commas. `usual` are the tools if `extra` declares none.
    If it cannot be used, `broken` is the reason instead.
    """
    value = extra_value(extra)
    if value is None:
        return {"broken": "broken_extra"}
    answer, tools, metadata = (value.get(k) for k in ("reference_answer", "tools", "metadata"))
    try:
        declared = _declared(tools) if tools else usual
    except ValueError:
        return {"broken": "broken_tools"}
    members: dict[str, Any] = {"tools": declared} if declared else {}
    given = metadata if isinstance(metadata, dict) else {}
    members |= {k: v for k, v in given.items() if k not in _OWN_KEYS and _is_scalar(v)}
    tail = "," + orjson.dumps(members)[1:-1].decode() if members else None
    return {"answer": orjson.dumps(answer).decode() if _says(answer) else None, "tail": tail}


def _says(answer: Any) -> bool:
    if isinstance(answer, str):
        return bool(answer.strip(_BLANKS))
    return isinstance(answer, dict) and bool(answer)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)
