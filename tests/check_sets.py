"""Data sets that a model takes, made from its card: the smallest, and the fullest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pipeline.bedrock.card import Plan
from pipeline.bedrock.cards import load_cards
from pipeline.checks.standard import SCHEMAS

OWNER = "111122223333"
BUCKET = "data-bucket"
SCHEMA_VERSION = "bedrock-conversation-2024"
Record = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """One of a model's formats for one customization."""

    plan: Plan
    format: str

    def __str__(self) -> str:
        return f"{self.plan.card}-{self.plan.customization}-{self.format}".lower()

    @property
    def nova(self) -> bool:
        """Whether the card is of the Nova family."""
        return self.plan.card.startswith("nova")

    @property
    def limits(self) -> Any:
        """The plan's limits."""
        return self.plan.limits


_OF_CARDS = [
    Target(plan, name)
    for card in load_cards().values()
    for plan in card.customizations.values()
    for name in plan.formats
]


def _without_card(name: str) -> Target:
    """A format that no customization takes, as if a plan without a limit of tokens took it."""
    plan = load_cards()["titan-text-express"].customizations["CONTINUED_PRE_TRAINING"]
    limits = plan.limits.model_copy(update={"tokens_max": None, "chars_per_token": None})
    own = {"card": "no-card", "formats": (name,), "limits": limits}
    return Target(plan.model_copy(update=own), name)


TARGETS = [*_OF_CARDS, *map(_without_card, SCHEMAS.keys() - {one.format for one in _OF_CARDS})]
TARGETS.sort(key=str)


def dumped(record: Any) -> bytes:
    """A record as a compact line."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def joined(lines: list[bytes], format_name: str) -> bytes:
    """Lines as the file that the format wants."""
    return b"\n".join(lines) + (b"" if format_name == "image_caption" else b"\n")


def location(name: str, bucket: str = BUCKET) -> Record:
    """Where a media file stands."""
    return {"s3Location": {"uri": f"s3://{bucket}/media/{name}", "bucketOwner": OWNER}}


def media(kind: str, name: str = "", form: str = "", bucket: str = BUCKET) -> Record:
    """An image, video or document block."""
    form = form or {"image": "png", "video": "mp4", "document": "pdf"}[kind]
    return {kind: {"format": form, "source": location(name or f"one.{form}", bucket)}}


def turn(role: str, *blocks: Record | str) -> Record:
    """A Converse message."""
    content = [{"text": block} if isinstance(block, str) else block for block in blocks]
    return {"role": role, "content": content}


def conversation(*messages: Record, **more: Any) -> Record:
    """A Converse record."""
    return {"schemaVersion": SCHEMA_VERSION, **more, "messages": list(messages)}


def tool_config(*names: str) -> Record:
    """Declared tools."""
    schema = {"json": {"type": "object", "properties": {"x": {"type": "string"}}}}
    specs = [{"name": n, "description": "does it", "inputSchema": schema} for n in names]
    return {"tools": [{"toolSpec": spec} for spec in specs]}


def openai_tool(name: str = "look") -> Record:
    """A tool of the OpenAI format."""
    parameters = {"type": "object", "properties": {}}
    function = {"name": name, "description": "looks", "parameters": parameters}
    return {"type": "function", "function": function}


def call(number: str = "1", name: str = "look") -> Record:
    """A tool call."""
    return {"toolUse": {"toolUseId": number, "name": name, "input": {"x": "y"}}}


def result(number: str = "1") -> Record:
    """A tool's result."""
    return {"toolResult": {"toolUseId": number, "content": [{"text": "seen"}]}}


def thought(text: str = "hm") -> Record:
    """A reasoning block."""
    return {"reasoningContent": {"reasoningText": {"text": text}}}


def minimal(format_name: str, number: int) -> Record:
    """The smallest record of a format; the number makes it one of its kind."""
    prompt, answer = f"question {number}", f"answer {number}"
    match format_name:
        case "prompt_completion":
            return {"prompt": prompt, "completion": answer}
        case "conversation":
            return conversation(turn("user", prompt), turn("assistant", answer))
        case "claude3_messages":
            messages = [("user", prompt), ("assistant", answer)]
            return {"messages": [{"role": r, "content": c} for r, c in messages]}
        case "image_caption":
            return {"image-ref": f"s3://{BUCKET}/i/{number}.png", "caption": f"cat {number}"}
        case "pretraining":
            return {"input": prompt}
        case "pretraining_text":
            return {"text": prompt}
        case "reinforcement":
            return {"messages": [{"role": "user", "content": prompt}]}
        case "distillation":
            return conversation(turn("user", prompt))
        case "batch_inference":
            return {"recordId": f"r{number}", "modelInput": {"inputText": prompt}}
    raise KeyError(format_name)


def smallest(target: Target, number: int) -> Record:
    """The smallest record that a target takes: reinforcement for Nova wants tools, too."""
    tools = target.format == "reinforcement" and target.nova
    return minimal(target.format, number) | ({"tools": [openai_tool()]} if tools else {})


def full(target: Target, number: int) -> Record:
    """A record with everything optional that goes together, and a long text."""
    record = minimal(target.format, number)
    long_text = 'Số 1 "trích" \\ — 漢字 🙂\n\t' * 8 + str(number)
    match target.format:
        case "prompt_completion":
            return {"prompt": long_text, "completion": long_text}
        case "conversation":
            return _full_conversation(target, long_text)
        case "claude3_messages":
            return {"system": long_text, "messages": record["messages"] * 3}
        case "image_caption":
            return record | {"caption": "c" * int(target.limits.caption_chars_max.value)}
        case "batch_inference":
            return record | {"modelInput": {"messages": [turn("user", long_text)]}}
        case "reinforcement":
            messages = [{"role": "system", "content": long_text}, *record["messages"]]
            answer = {"reference_answer": {"a": [1, None, True]}, "tools": [openai_tool()]}
            return {"id": str(number), "messages": messages, **answer, "task": number}
        case "distillation":
            return conversation(
                turn("user", long_text), turn("assistant", "yes"), system=[{"text": "s"}]
            )
    return dict.fromkeys(record, long_text)


def _full_conversation(target: Target, text: str) -> Record:
    content = set(target.plan.content)
    system = {"system": [{"text": text}]}
    first: list[Any] = [text]
    middle: list[Any] = []
    more: dict[str, Any] = {}
    if "image" in content:
        most = target.limits.images_max
        first = [*[media("image")] * int(most.value if most else 1), text]
    elif "tools" in content:
        middle = [turn("assistant", call()), turn("user", result())]
        more = {"toolConfig": tool_config("look", "hear")}
    turns = [turn("user", *first), *middle, turn("assistant", text)]
    return conversation(*turns, turn("user", "and?"), turn("assistant", "so"), **system, **more)


def reasoned(number: int) -> Record:
    """What Nova 2 Lite takes beside media: tools and reasoning."""
    return conversation(
        turn("user", f"q {number}"),
        turn("assistant", thought(), call()),
        turn("user", result()),
        turn("assistant", thought(), "done"),
        system=[{"text": "s"}],
        toolConfig=tool_config("look"),
    )


def least(target: Target) -> int:
    """Records of the smallest data set, at least four, so that there is a third line."""
    limit = target.limits.records_min
    return max(4, int(limit.value) if limit else 0)


def most(target: Target) -> int:
    """Records of the largest data set."""
    limits = (target.limits.records_max, target.limits.train_records_max)
    return min(int(limit.value) for limit in limits if limit)
