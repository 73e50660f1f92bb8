"""Options that several commands share, and how all of them print."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, Literal

import typer

from pipeline.errors import StorageError

RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="An output folder or s3:// prefix, or one run in it: …/runs/DIGEST."
    ),
]
ChangeOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=V", help="Change a setting of the recipe.")
]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Processes.  [default: one a core]")]
MemoryOption = Annotated[
    str | None, typer.Option(help="Limit for all processes together: 4GB, 800MB.")
]
LogOption = Annotated[
    Literal["json", "text"] | None,
    typer.Option(help="Progress on stderr, a line of text or JSON for each step."),
]
EndpointOption = Annotated[
    str | None, typer.Option(help="A server to use instead of AWS's; http:// for localhost only.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def echo(result: object, *, nl: bool = True, done: str = "") -> None:
    """Print a result. A reader that has closed the pipe is no fault of the command.

    Raises StorageError when the result cannot be written; `done` tells what was done all the same.
    """
    try:
        typer.echo(result, nl=nl)
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - what is buffered goes there too
        if error.errno != errno.EPIPE:
            message = f"standard output: {error.strerror}"
            raise StorageError(f"{message}; {done}" if done else message) from None
