"""Send one question to a model with the Converse API, retrying while Bedrock throttles."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.bedrock.card import Card
from pipeline.bedrock.cards import find_card
from pipeline.bedrock.client import asking, aws_failures, failure_code
from pipeline.bedrock.count_tokens import runtime_model_id, without_context
from pipeline.bedrock.own_card import is_card_file
from pipeline.bedrock.spending import Pace
from pipeline.errors import RecipeError, StorageError

TRIES = 8
LONGEST_WAIT = 60.0  # seconds

THROTTLED = {
    "ThrottlingException", "TooManyRequestsException", "ServiceUnavailableException",
    "InternalServerException", "ModelNotReadyException",
}  # fmt: skip
"""Failures that cost nothing and pass by themselves."""

LOST = {
    "ModelTimeoutException", "ModelErrorException", "ReadTimeoutError", "ConnectionClosedError",
    "ResponseStreamingError",
}  # fmt: skip
"""Failures after which an answer may have been made and billed, but was not received."""

UNREACHED = {"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError"}

MODEL_ID = re.compile(r"^[a-z0-9-]+(\.[a-z0-9-]+)+[a-zA-Z0-9.:_-]*$|^arn:aws[a-z-]*:bedrock:")


@dataclass(frozen=True)
class Reply:
    """A model's answer, with its stop reason and the tokens used."""

    stop: str
    text: str
    tokens_in: int
    tokens_out: int


def known_model(name: str) -> tuple[Card | None, str]:
    """The card of a model, if there is one, and the id that bedrock-runtime uses for it.

    An id or ARN that is not the card's own is kept as written, but without a context length.

    Raises RecipeError for a name that has no card and does not look like a model id or ARN.
    """
    try:
        card = find_card(name)
    except RecipeError:
        if MODEL_ID.match(name):
            return None, name
        raise
    own = is_card_file(name) or without_context(name) == without_context(card.model_id)
    if MODEL_ID.match(name) and not own:
        return card, without_context(name)
    return card, runtime_model_id(card)


def reply_of(response: Mapping[str, Any]) -> Reply:
    """A Converse response, from a call or a batch job, as a Reply; only its text blocks are kept.

    Raises ValueError for anything that is not a Converse response, such as a proxy's page.
    """
    message = response.get("output", {}).get("message")
    if message is None or not response.get("stopReason"):
        raise ValueError("is not a response of Converse")
    blocks = message.get("content") or []
    text = "".join(block["text"] for block in blocks if isinstance(block.get("text"), str))
    usage = response.get("usage", {})
    into, out = (int(usage.get(name) or 0) for name in ("inputTokens", "outputTokens"))
    return Reply(str(response.get("stopReason")), text, into, out)


def converse(
    client: Any,
    model_id: str,
    body: Mapping[str, Any],
    pace: Pace,
    tokens: int,
    lost: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> Reply:
    """Ask a model, up to `TRIES` times; `tokens` is the upper bound of the call, for the pace.

    `lost` is called for each answer that may have been lost, and returns whether to ask again.
    Raises RecipeError for a request that Bedrock calls invalid, StorageError for other failures.
    """
    for tried in range(1, TRIES + 1):
        pace.wait(tokens)
        try:
            with asking(f"Converse with {model_id}"):
                response = client.converse(modelId=model_id, **body)
        except Exception as error:
            cause = error.__cause__
            code = failure_code(cause) if isinstance(cause, aws_failures()) else ""
            affordable = code not in LOST or lost()
            if code not in THROTTLED | LOST | UNREACHED or tried == TRIES or not affordable:
                raise
        else:
            return _reply_from(model_id, response)
        # A random delay, so that calls refused together are not repeated together.
        sleep(min(LONGEST_WAIT, 2.0 ** (tried - 1)) * random.uniform(0.5, 1))  # noqa: S311
    raise AssertionError


def _reply_from(model_id: str, response: Mapping[str, Any]) -> Reply:
    try:
        return reply_of(response)
    except (AttributeError, TypeError, ValueError):
        fault = "the answer is not from Bedrock; check the endpoint and proxies"
        raise StorageError(f"Converse with {model_id}: {fault}") from None
