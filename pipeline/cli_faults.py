"""How a command tells what ended it: one line on stderr, or one JSON object for `--log json`."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import NoReturn

from pipeline.engines.process import leave


def fail(message: str, code: int) -> NoReturn:
    """Say it, then leave."""
    say_fault(message, code)
    leave(code)


def say_fault(message: str, code: int) -> None:
    """One line in the form that `--log` asked for; where it cannot be written the code tells."""
    if wants_json():
        import json

        event = {"event": "error", "exit_code": code, "message": message}
        message = json.dumps(event, ensure_ascii=False)
    with suppress(OSError):
        print(message, file=sys.stderr, flush=True)


def wants_json() -> bool:
    """Whether the command line asks for a log of JSON lines, be it right otherwise or not."""
    return "--log=json" in sys.argv or ("--log" in sys.argv and _after("--log") == "json")


def _after(flag: str) -> str | None:
    at = sys.argv.index(flag) + 1
    return sys.argv[at] if at < len(sys.argv) else None


def system_fault(error: OSError) -> str:
    """Disk full, read-only, quota, a broken disk: the cause and where.

    Of `prepare` alone there is more to say: other commands that meet one only read.
    """
    where = f"{error.filename}: " if error.filename else ""
    done = "; nothing was published" if sys.argv[1:2] == ["prepare"] else ""
    return f"{where}{error.strerror or error}{done}"


def usage_fault(error: Exception) -> str | None:
    """What typer finds wrong with a command line, in one line; None for other errors."""
    told = getattr(error, "format_message", None)
    if told is None:
        return None
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "bedrock-prep"
    return f"{' '.join(told().split()).rstrip('.')}; see {command} --help"
