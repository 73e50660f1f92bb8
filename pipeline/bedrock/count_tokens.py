"""Exact token counts: by Bedrock's free CountTokens, or by the user's own tokenizer file."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pipeline.bedrock.card import Card
from pipeline.bedrock.client import asking, aws_client
from pipeline.errors import RecipeError

Counter = Callable[[Sequence[str]], Sequence[int]]
"""A function that returns the number of tokens of each text."""

VERSIONED = re.compile(r"^[a-z0-9-]+\..+:[0-9]+$")
CONTEXT = re.compile(r"(:[0-9]+k)+$")

AT_ONCE = 4
"""Calls in flight; the service throttles by account, and the client retries."""


def runtime_model_id(card: Card) -> str:
    """The id that bedrock-runtime uses for a model: without the context length for customization.

    If the id for customization has no version, it is the card's alias that has one.

    >>> from pipeline.bedrock.cards import find_card
    >>> runtime_model_id(find_card("nova-lite"))
    'amazon.nova-lite-v1:0'
    >>> runtime_model_id(find_card("qwen3-32b"))
    'qwen.qwen3-32b-v1:0'
    """
    ids = [without_context(name) for name in (card.model_id, *card.aliases)]
    return next((name for name in ids if VERSIONED.search(name)), ids[0])


def without_context(model_id: str) -> str:
    """A model id without the context length that only customization jobs name.

    >>> without_context("amazon.nova-lite-v1:0:300k")
    'amazon.nova-lite-v1:0'
    """
    return CONTEXT.sub("", model_id)


def bedrock_counter(
    card: Card, region: str | None = None, endpoint_url: str | None = None
) -> Counter:
    """A counter that calls CountTokens for each text (docs.aws.amazon.com, count-tokens.html).

    It raises StorageError when Bedrock cannot be reached or does not count for the model.
    """
    client = aws_client("bedrock-runtime", region or card.regions[0], endpoint_url)
    model_id = runtime_model_id(card)

    def count_one(text: str) -> int:
        message: dict[str, Any] = {"role": "user", "content": [{"text": text or " "}]}
        with asking(f"CountTokens of {model_id}", "the caller needs bedrock:CountTokens"):
            counted = client.count_tokens(
                modelId=model_id, input={"converse": {"messages": [message]}}
            )
            return int(counted["inputTokens"])

    def count(texts: Sequence[str]) -> list[int]:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(count_one, texts))

    return count


def remembered(count: Counter) -> Counter:
    """A counter that counts equal texts once; it keeps about 24 bytes of each."""
    known: dict[bytes, int] = {}

    def count_new(texts: Sequence[str]) -> list[int]:
        keys = [blake2b(text.encode("utf-8", "replace"), digest_size=16).digest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            known.update(zip(new, count(list(new.values())), strict=True))
        return [known[key] for key in keys]

    return count_new


def file_counter(path: Path) -> Counter:
    """A counter that uses a Hugging Face `tokenizer.json`; needs the package `tokenizers`.

    Raises RecipeError if the package or the file is missing, or if the file is not a tokenizer.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError:
        remedy = "pip install 'bedrock-prep[tokenizer]'"
        raise RecipeError(f"--tokenizer: the package tokenizers is missing; {remedy}") from None
    if not path.is_file():
        raise RecipeError(f"--tokenizer {path}: no such file")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001 - the package raises Exception itself
        raise RecipeError(f"--tokenizer {path}: is not a tokenizer: {error}") from None

    def count(texts: Sequence[str]) -> list[int]:
        return [len(encoded.ids) for encoded in tokenizer.encode_batch(list(texts))]

    return count
