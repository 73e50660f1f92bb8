"""The same questions as a batch inference job: write its input file, read its results.

A line of input is `{"recordId": …, "modelInput": {…}}`, for a job with `modelInvocationType:
Converse`; a line of the results also has `modelOutput` or `error`
(https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-results.html).
"""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pipeline.bedrock.converse import Reply, reply_of
from pipeline.errors import StorageError
from pipeline.stages.teacher_requests import KEY_BYTES
from pipeline.teach.requests import Request

KEY = re.compile(rf"[0-9a-f]{{{2 * KEY_BYTES}}}")
NOT_OURS = "not a request of this package"
UNREADABLE = "not JSON"


def write_batch(requests: Iterable[Request], known: set[bytes], path: Path) -> int:
    """Write a line for each request without an answer; returns the number of lines.

    Raises StorageError when the file cannot be written.
    """
    written = 0
    unfinished = path.with_name(path.name + ".part")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            for request in requests:
                if bytes.fromhex(request.key) not in known:
                    line = {"recordId": request.key, "modelInput": request.body}
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
                    written += 1
        unfinished.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error
    return written


def read_results(path: Path, faults: Counter[str]) -> Iterator[tuple[str, Reply]]:
    """Key and reply of each line with an answer; `faults` counts the other lines by their error.

    Raises StorageError when the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            opened: Any = gzip.open(file) if path.suffix == ".gz" else file  # noqa: SIM115
            for line in opened:
                if line.strip():
                    yield from _result(line, faults)
    except (OSError, EOFError, zlib.error) as error:
        raise StorageError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _result(line: bytes, faults: Counter[str]) -> Iterator[tuple[str, Reply]]:
    try:
        entry = json.loads(line)
        key, output, error = (entry.get(name) for name in ("recordId", "modelOutput", "error"))
    except (ValueError, AttributeError, RecursionError):
        faults[UNREADABLE] += 1
        return
    if not isinstance(key, str) or not KEY.fullmatch(key):
        faults[NOT_OURS] += 1
    elif isinstance(output, dict) and "output" in output:
        try:
            yield key, reply_of(output)
        except (AttributeError, TypeError, ValueError):
            faults["not an answer of Converse"] += 1
    else:
        code = error.get("errorCode") if isinstance(error, dict) else None
        faults[f"error {code}" if code else "not an answer of Converse"] += 1
