"""The answers of a teacher model: a file of JSON lines, sorted by the request's key.

`{"key": "9f…", "model": "…", "stop": "end_turn", "text": "…", "input_tokens": 812, …}`: the key
comes first and has a fixed width, so that an answer can be found by bisection, without an index.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from pipeline.stages.teacher_requests import KEY_BYTES

HEAD = b'{"key": "'
LINE = re.compile(rb'\{"key": "([0-9a-f]{%d})", "' % (2 * KEY_BYTES))


def answer_line(answer: dict[str, Any]) -> bytes:
    """An answer as a line of the file; `key` must be its first member."""
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def key_of(line: bytes) -> str | None:
    """The key of a complete line; None for anything else, such as a line cut short."""
    match = LINE.match(line)
    if not match or not line.endswith(b"}\n"):
        return None
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return None
    return match[1].decode()


def read_answers(path: Path) -> Iterator[tuple[str, bytes]]:
    """Key and line of each answer, in the order of the keys.

    Raises ValueError with the number of the first line that is not an answer or is out of order.
    """
    before = ""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            key = key_of(line)
            if key is None:
                fault = "is not an answer of a teacher; remove the line, or name another file"
                raise ValueError(f"{path}:{number}: {fault}")
            if key <= before:
                fault = "is not in the order of the keys; sort the file with `LC_ALL=C sort -u`"
                raise ValueError(f"{path}:{number}: {fault}")
            yield key, line
            before = key


def digest_answers(path: Path) -> str:
    """SHA-256 (hex) of the file. Raises ValueError as `read_answers` does."""
    digest = sha256()
    for _, line in read_answers(path):
        digest.update(line)
    return digest.hexdigest()


class Answers:
    """The answers of a file that does not change; none of it is kept in memory."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            empty = not path.stat().st_size
            self._bytes = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def get(self, key: str) -> dict[str, Any] | None:
        """The answer to a request, by its key; None if the file has none."""
        wanted, low, high = key.encode(), 0, len(self._bytes)
        while low < high:
            start = self._bytes.rfind(b"\n", low, (low + high) // 2) + 1 or low
            stop = self._bytes.find(b"\n", start) + 1
            line = self._bytes[start:stop]
            key_here = line[len(HEAD) : len(HEAD) + len(wanted)]
            if key_here == wanted:
                answer: dict[str, Any] = json.loads(line)
                return answer
            low, high = (stop, high) if key_here < wanted else (low, start)
        return None


@lru_cache(maxsize=2)
def open_answers(path: Path, digest: str) -> Answers:
    """The answers of a file. Raises OSError if its SHA-256 is not `digest` any more."""
    with path.open("rb") as file:
        current = file_digest(file, "sha256").hexdigest()
    if current != digest:
        raise OSError(None, "has changed since the run began; run again", str(path))
    return Answers(path)


FENCED = re.compile(r"\A```[a-zA-Z]*\s*\n(?P<held>.*)\n\s*```\Z", re.DOTALL)


def read_pairs(text: str) -> list[Any] | None:
    """The pairs of an answer, not validated; None if it is not the JSON that was asked for.

    A code fence around the JSON, or a list without the object, is accepted: models write both.
    """
    stripped = text.strip()
    fenced = FENCED.match(stripped)
    try:
        value = json.loads(fenced["held"] if fenced else stripped)
    except (ValueError, RecursionError):
        return None
    pairs = value.get("pairs") if isinstance(value, dict) else value
    return pairs if isinstance(pairs, list) else None


def strings(pair: Any, *names: str) -> Iterator[str | None]:
    """The texts of a JSON object under some names, stripped; None if missing, blank or no text."""
    for name in names:
        value = pair.get(name) if isinstance(pair, dict) else None
        text = value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
        yield text.strip() or None
