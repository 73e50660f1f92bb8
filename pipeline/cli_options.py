"""What several commands take, and how all of them print."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

from pipeline.errors import StorageError

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="An output folder or s3:// prefix, or …/runs/DIGEST.")
]
EndpointOption = Annotated[
    str | None, typer.Option(help="Another server than AWS's; http:// on the loopback only.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def echo(result: object, *, nl: bool = True, done: str = "") -> None:
    """Print a result. Whoever has stopped reading has read enough: that is no fault of a command.

    Raises StorageError when it cannot be written; `done` says what stands all the same.
    """
    try:
        typer.echo(result, nl=nl)
    except OSError as error:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - what is buffered goes there too
        if error.errno != errno.EPIPE:
            told = f"standard output: {error.strerror}"
            raise StorageError(f"{told}; {done}" if done else told) from None
