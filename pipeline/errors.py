"""The errors that can end a run, each with the exit code that scripts rely on.

    PrepError                    root: one line with the cause and the remedy
    ├── RecipeError              2   the recipe or the command line is wrong
    ├── DataError                3   the data does not meet the target or the quality gate
    ├── StorageError             4   a source or the destination failed; worth trying again
    │   └── SourceChanged        4   a source was replaced while it was read
    ├── ConflictError            5   another run is using the destination, or has published
    └── LawBroken                1   a stage lost, invented or duplicated a record: our bug

A bad record is never an exception: it is rejected, with a reason.

    try:
        prepare(recipe, output)
    except PrepError as error:
        print(error)
        sys.exit(error.exit_code)
"""

from __future__ import annotations

import os
import re


class PrepError(Exception):
    """Base class of everything this package raises on purpose; `str()` can be shown to users."""

    exit_code: int = 1


class RecipeError(PrepError):
    """The recipe or the command line is wrong; `faults` has all faults, a line each."""

    exit_code = 2

    def __init__(self, *faults: str) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(faults))


class DataError(PrepError):
    """The data does not meet the target's limits or the recipe's gate."""

    exit_code = 3


class StorageError(PrepError):
    """A source or the destination cannot be read or written."""

    exit_code = 4


class SourceChanged(StorageError):
    """A source was replaced between listing and reading."""


class ConflictError(PrepError):
    """Another run is using the destination, or has published to it since this one started."""

    exit_code = 5


class LawBroken(PrepError):
    """A stage broke the law that no record vanishes; always our bug, never the data's fault."""

    exit_code = 1


def system_error(error: BaseException) -> OSError | None:
    """The operating system's error behind `error`, or None.

    A library may raise one as OSError or mention it only in its message. Polars raises
    ComputeError, not OSError, when a Parquet file meets a full disk: "parquet: File out of
    specification: underlying IO error: No space left on device (os error 28)". Its OSErrors have
    the number at the end of the message too; the returned error has the system's own words.
    """
    if isinstance(error, PrepError):
        return None
    match = re.search(r"\(os error (\d+)\)", str(error))
    if match is None:
        return error if isinstance(error, OSError) else None
    number = int(match[1])
    return OSError(number, os.strerror(number))
