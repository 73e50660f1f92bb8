"""Prompts for a batch inference job: `{"recordId": …, "modelInput": {a Converse body}}`.

The job must be created with `modelInvocationType: Converse`
(https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html). AWS does not
promise the order of the output, so every line has the record's id.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import orjson
import polars as pl
from pydantic import Field

from pipeline.stage import Settings, reject
from pipeline.targets.contract import Place
from pipeline.targets.converse import messages_json, system_json
from pipeline.targets.lines import (
    SYSTEM,
    joined,
    prompt_faults,
    quoted,
    text_only_faults,
    text_only_losses,
    with_lines,
)
from pipeline.targets.prompts import as_prompts


class BatchInference(Settings):
    """One request per record, without its last answer. `max_tokens` limits the model's answer."""

    format: ClassVar[str] = "batch_inference"
    schema: ClassVar[str] = "batch_inference.schema.json"  # type: ignore[assignment]
    final_newline: ClassVar[bool] = True

    system: str | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None

    def render(self, records: pl.DataFrame, place: Place) -> pl.DataFrame:  # noqa: ARG002
        """The records plus `line`."""
        prompts = as_prompts(reject(records, **text_only_faults(), **prompt_faults()))
        body = joined(system_json(self.system), messages_json(), self._inference_config())
        line = joined('{"recordId":', quoted(pl.col("id")), ',"modelInput":{', body, "}}")
        return with_lines(prompts, line).with_columns(records["messages"])

    def losses(self) -> dict[str, pl.Expr]:
        """Records whose line differs from the record or leaves something out, by kind of loss."""
        return {
            "system_filled_in": SYSTEM.is_null() & pl.lit(self.system is not None),
            "answer_left_out": pl.col("messages").list.len() > 1,
            **text_only_losses(),
        }

    def _inference_config(self) -> str:
        given = {"maxTokens": self.max_tokens, "temperature": self.temperature}
        config = {name: value for name, value in given.items() if value is not None}
        return f',"inferenceConfig":{orjson.dumps(config).decode()}' if config else ""
