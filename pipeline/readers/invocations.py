"""Turn calls of Bedrock models, from invocation logs or batch inference, into messages.

A log line holds `input.inputBodyJson` and `output.outputBodyJson`, a batch result `modelInput` and
`modelOutput`: the bodies of Converse or of InvokeModel, the latter in each provider's format. These
bodies are recognised: Converse, Amazon Nova and Titan, Anthropic, Meta, Mistral, and chat
completions, and their streams if these are text.
https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html

Reasons: `read.failed_call` (value: the error), `read.log_body_elsewhere` (value: where),
`read.unknown_body` (value: its keys).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.readers.rows import UnreadableError

REASONS = {
    "read.failed_call": "the call of the model failed; there is no answer to learn from",
    "read.log_body_elsewhere": "the log stores the body in a separate S3 object, which is not read",
    "read.unknown_body": "the request or the answer has a shape that this reader does not know",
}


def is_call(row: Mapping[str, Any]) -> bool:
    """Whether a row is a line of an invocation log or a result of batch inference."""
    return row.get("schemaType") == "ModelInvocationLog" or "modelInput" in row


def exchange_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A call as a row with `messages`, and with `system` and `toolConfig` or `tools` if given.

    Raises `UnreadableError`.
    """
    error = row.get("errorCode") or row.get("error")
    if error:
        message = error.get("errorMessage") if isinstance(error, dict) else error
        raise UnreadableError("read.failed_call", message)
    if "modelInput" in row:
        return exchange(row["modelInput"], row.get("modelOutput"))
    return exchange(_body(row, "input"), _body(row, "output"))


def _body(row: Mapping[str, Any], side: str) -> Any:
    held = row.get(side)
    held = held if isinstance(held, dict) else {}
    elsewhere = held.get(f"{side}BodyS3Path")
    if elsewhere:
        raise UnreadableError("read.log_body_elsewhere", elsewhere)
    return held.get(f"{side}BodyJson")


def exchange(request: Any, response: Any) -> dict[str, Any]:
    """A request's and a response's body as a row with `messages`; raises `UnreadableError`."""
    if not isinstance(request, dict):
        raise UnreadableError("read.unknown_body", type(request).__name__)
    if isinstance(request.get("messages"), list):
        asked = {"messages": request["messages"], "system": request.get("system")}
        asked |= _tools(request)
    else:
        prompt = next((request[key] for key in ("prompt", "inputText") if key in request), None)
        if not isinstance(prompt, str):
            raise UnreadableError("read.unknown_body", ", ".join(request))
        asked = {"messages": [{"role": "user", "content": prompt}]}
    return asked | {"messages": [*asked["messages"], answer(response)]}


def _tools(request: Mapping[str, Any]) -> dict[str, Any]:
    if "toolConfig" in request:
        return {"toolConfig": request["toolConfig"]}
    tools = request.get("tools")
    named = isinstance(tools, list) and all(
        isinstance(tool, dict) and "input_schema" in tool for tool in tools
    )
    if not named:
        return {"tools": tools} if tools else {}
    specs = [
        {"name": tool.get("name"), "inputSchema": {"json": tool["input_schema"]}}
        | ({"description": tool["description"]} if "description" in tool else {})
        for tool in tools or ()
    ]
    return {"toolConfig": {"tools": [{"toolSpec": spec} for spec in specs]}}


def answer(response: Any) -> dict[str, Any]:
    """The assistant's message in the body of a response; raises `UnreadableError`."""
    if isinstance(response, list):
        return {"role": "assistant", "content": _streamed(response)}
    body = response if isinstance(response, dict) else {}
    message = _at(body, "output", "message") or _at(body, "choices", 0, "message")
    if isinstance(message, dict):
        return {"role": "assistant", **message}
    if isinstance(body.get("content"), list):
        return {"role": "assistant", "content": body["content"]}
    texts = (
        body.get("generation"),
        body.get("completion"),
        _at(body, "results", 0, "outputText"),
        _at(body, "outputs", 0, "text"),
    )
    text = next((value for value in texts if isinstance(value, str)), None)
    if text is None:
        raise UnreadableError("read.unknown_body", ", ".join(body) or type(response).__name__)
    return {"role": "assistant", "content": text}


def _at(value: Any, *path: str | int) -> Any:
    """The value at a path of keys and indexes in a JSON value; None if there is no such path."""
    for step in path:
        if isinstance(step, int):
            fits = isinstance(value, list) and len(value) > step
        else:
            fits = isinstance(value, dict) and step in value
        if not fits:
            return None
        value = value[step]
    return value


def _streamed(events: list[Any]) -> str:
    """The joined text of a stream's events; raises `UnreadableError` if it calls a tool."""
    pieces = []
    for event in events:
        delta = _delta(event)
        if _calls_tool(event, delta):
            raise UnreadableError("read.unknown_body", "a stream with toolUse")
        texts = (
            _at(delta, "text"),
            _at(delta, "content"),
            *(_at(event, key) for key in ("generation", "outputText", "completion")),
            _at(event, "outputs", 0, "text"),
        )
        pieces.append(next((value for value in texts if value and isinstance(value, str)), ""))
    if not any(pieces):
        raise UnreadableError("read.unknown_body", "a stream without text")
    return "".join(pieces)


def _delta(event: Any) -> Any:
    """What an event adds: of Converse, of Anthropic, or of a chat completion's first choice."""
    choice = _at(event, "choices", 0)
    first = _at(choice, "delta") if not _at(choice, "index") else None
    return _at(event, "contentBlockDelta", "delta") or _at(event, "delta") or first


def _calls_tool(event: Any, delta: Any) -> bool:
    kinds = (_at(event, "content_block", "type"), _at(delta, "type"))
    typed = any(str(kind).endswith(("tool_use", "input_json_delta")) for kind in kinds)
    started = _at(event, "contentBlockStart", "start", "toolUse") or _at(delta, "toolUse")
    return typed or bool(started or _at(delta, "tool_calls"))
