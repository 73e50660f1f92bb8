"""`teacher`: pairs that a model wrote about documents, each checked against its quote."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, PrivateAttr, computed_field

from pipeline.record import rejection
from pipeline.stage import Settings
from pipeline.stages.grounding import Passage, plain
from pipeline.stages.teacher_answers import Answers, open_answers, read_pairs, strings
from pipeline.stages.teacher_requests import passages, request_body, request_key
from pipeline.stages.texts import KEPT, has_images

BLOCKED = {"guardrail_intervened", "content_filtered"}
CUT_OFF = {"max_tokens", "model_context_window_exceeded"}

Row = dict[str, Any]


class Asking(Settings):
    """What a teacher model is asked, and about which passages."""

    judges_chunks: ClassVar[bool] = True

    model: str = Field("nova-pro", description="a model card, a model id or an inference profile")
    pairs: int = Field(3, ge=1, le=50, description="most pairs from one passage")
    instruction: str | None = Field(
        None, description="added at the end of the model's instructions"
    )
    max_characters: int = Field(
        6000, ge=200, le=100_000, description="most characters of a passage"
    )
    min_characters: int = Field(100, ge=1, description="fewest characters of a passage")
    min_quote: int = Field(12, ge=1, description="fewest characters of a quote")
    max_tokens: int = Field(2000, ge=64, le=65_536, description="most tokens of an answer")
    temperature: float | None = Field(
        0.0, ge=0, le=1, description="how freely the model chooses words; null: not sent"
    )

    def body(self, passage: str) -> dict[str, Any]:
        """The body of the Converse call about a passage."""
        return request_body(
            passage, self.pairs, self.min_quote, self.instruction, self.max_tokens, self.temperature
        )

    def key(self, passage: str) -> str:
        """The key that identifies the request about a passage, and its answer."""
        return request_key(self.model, self.body(passage))

    def divided(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records, each document replaced by the rows that `_of_passage` makes from it."""
        numbered = records.with_row_index("row")
        document = pl.col("messages").is_null() & pl.col("text").is_not_null() & ~has_images()
        asked = numbered.filter(document & KEPT & (pl.col("text").str.strip_chars() != ""))
        made = [row for record in asked.iter_rows(named=True) for row in self._rows(record)]
        others = numbered.join(asked, on="row", how="anti")
        new = pl.from_dicts(made, schema=numbered.schema) if made else numbered.clear()
        together = pl.concat([others, new]).sort("row", maintain_order=True)
        return together.select(records.columns)

    def _rows(self, record: Row) -> list[Row]:
        """The rows that replace a document, numbered in the order of its passages.

        A document that is a single passage and gives no pair is rejected under its own id.
        """
        made: list[Row] = []
        for start, end in passages(record["text"], self.max_characters):
            text = record["text"][start:end]
            if len(text) < self.min_characters:
                rows = [_without("passage_too_short", text, len(text), self.min_characters)]
            else:
                rows = self._of_passage(text)
            for row in rows:
                first, last = row.pop("span", (0, end - start))
                place = f"chars={start + first}-{start + last}"
                where = ";".join(filter(None, (record["locator"], place)))
                number = f"{record['id']}.{len(made) + 1:04d}"
                made.append(record | {"tokens": None, "id": number, "locator": where} | row)
        if len(made) == 1 and made[0]["text"] is not None and made[0]["rejected"] is not None:
            return [record | {"rejected": made[0]["rejected"]}]
        return made

    def _of_passage(self, text: str) -> list[Row]:
        """The rows for one passage: here the passage itself, to be asked about."""
        return [{"text": text}]


class Passages(Asking):
    """Cuts documents into the passages that `bedrock-prep teach` asks about."""

    name: ClassVar[str] = "teacher"

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records, each document replaced by its passages."""
        return self.divided(records)


class Teacher(Asking):
    """Makes prompts and completions from documents, using the answers of a Bedrock model.

    `bedrock-prep teach RECIPE` asks the model about each document as it is at this point of the
    stages (after `redact`, if that comes first) and stores the answers in the file `answers`,
    beside the recipe. A run calls no model: it reads that file, and the same answers give the
    same bytes. A document is cut into passages; each pair must quote the part of its passage that
    it is based on. A pair is rejected if the passage does not contain its quote, exactly except
    for white space and Unicode normalisation. A pair's locator says where its quote is
    (`chars=120-410`). Conversations and images are unchanged.
    """

    name: ClassVar[str] = "teacher"
    reasons: ClassVar[dict[str, str]] = {
        "teacher_not_asked": "The file of answers has none about this passage; run "
        "`bedrock-prep teach RECIPE`. The value is the request's key.",
        "teacher_blocked": "A filter or guardrail of Bedrock blocked the answer; the value is "
        "the stop reason.",
        "teacher_cut_off": "The answer was cut at its limit; raise `max_tokens` or ask for fewer "
        "`pairs`, and ask again.",
        "teacher_malformed": "The answer is not the JSON that was asked for; try another model or "
        "a simpler `instruction`.",
        "teacher_no_pairs": "The model found nothing to ask in this passage.",
        "passage_too_short": "The passage has fewer characters than `min_characters`, so it was "
        "not asked about.",
        "pair_incomplete": "A pair lacks its prompt, completion or quote; the value says which.",
        "quote_too_short": "The quote has fewer characters than `min_quote`; a quote this short "
        "could be found anywhere.",
        "quote_not_in_source": "The quote is not in the passage, so the pair is not grounded; the "
        "value is how many characters of its beginning are, the threshold how many it has.",
    }

    answers: str = Field("answers.jsonl", description="file of answers, beside the recipe")

    _file: Path | None = PrivateAttr(None)
    _digest: str | None = PrivateAttr(None)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def answers_sha256(self) -> str | None:
        """The digest of the answers, so that a run with other answers has another name."""
        return self._digest

    def placed(self, file: Path, digest: str) -> Self:
        """A copy of the stage that reads its answers from `file`, which has this digest."""
        stage = self.model_copy()
        stage._file, stage._digest = file, digest
        return stage

    def asking(self) -> Passages:
        """The stage that only cuts documents into passages, with the same settings."""
        return Passages(**{name: getattr(self, name) for name in Asking.model_fields})

    def __call__(self, records: pl.DataFrame) -> pl.DataFrame:
        """The records, each document replaced by its pairs; pairs failing a check are rejected."""
        return self.divided(records)

    def _answers(self) -> Answers | None:
        if self._file is None or self._digest is None:
            return None
        return open_answers(self._file, self._digest)

    def _of_passage(self, text: str) -> list[Row]:
        """The pairs of a passage's answer, or the passage with the reason why it has none."""
        key, answers = self.key(text), self._answers()
        answer = answers.get(key) if answers else None
        if answer is None:
            return [_without("teacher_not_asked", text, key)]
        stop = str(answer.get("stop"))
        if stop in BLOCKED | CUT_OFF:
            reason = "teacher_blocked" if stop in BLOCKED else "teacher_cut_off"
            return [_without(reason, text, stop, self.max_tokens if stop == "max_tokens" else None)]
        pairs = read_pairs(str(answer.get("text")))
        if pairs is None:
            return [_without("teacher_malformed", text)]
        passage = Passage(text)
        rows = [self._pair(pair, passage) for pair in pairs]
        return rows or [_without("teacher_no_pairs", text)]

    def _pair(self, pair: Any, passage: Passage) -> Row:
        prompt, completion, quote = strings(pair, "prompt", "completion", "quote")
        turns = [("user", prompt or ""), ("assistant", completion or "")]
        row: Row = {
            "text": None,
            "messages": [{"role": role, "text": text} for role, text in turns],
        }
        if not (prompt and completion and quote):
            named = {"prompt": prompt, "completion": completion, "quote": quote}
            missing = ", ".join(name for name, value in named.items() if not value)
            return row | {"rejected": rejection("pair_incomplete", missing)}
        length = len(plain(quote))
        if length < self.min_quote:
            return row | {"rejected": rejection("quote_too_short", length, self.min_quote)}
        span = passage.find(quote)
        if span is None:
            rejected = rejection("quote_not_in_source", passage.common(quote), length)
            return row | {"rejected": rejected}
        return row | {"span": span}


def _without(reason: str, text: str, value: Any = None, threshold: Any = None) -> Row:
    """The row of a passage without any pair, rejected with the reason."""
    return {"text": text, "rejected": rejection(reason, value, threshold)}
