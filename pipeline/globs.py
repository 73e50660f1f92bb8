"""What a source's pattern matches, in a folder and in S3 alike.

`*` and `?` match within one name, `[…]` matches one character, `**` any number of folders. Hidden
files and folders are not matched, except those that the pattern names itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

GLOB = re.compile(r"[*?\[]")


def whole(spec: str) -> str:
    """Write a pattern's folders as names of their own: `docs/**` becomes `docs/**/*`, `docs/**.md`
    becomes `docs/**/*.md`; elsewhere in a name `**` means `*`."""
    names = [name if name == "**" else _whole_name(name) for name in spec.split("/")]
    return "/".join([*names, "*"] if names[-1] == "**" else names)


def _whole_name(name: str) -> str:
    return ("**/" if name.startswith("**") else "") + re.sub(r"\*+", "*", name)


def fixed_folder(spec: str) -> str:
    """The folders before the first name with a wildcard, ending with a slash; "" if none."""
    before = GLOB.split(spec, maxsplit=1)[0]
    return before[: before.rfind("/") + 1]


def is_meant(path: str, spec: str) -> bool:
    """Whether a path matches a pattern that `whole` returned."""
    folder = fixed_folder(spec)
    if not path.startswith(folder):
        return False
    names = path[len(folder) :].split("/")
    return not any_hidden(names) and _matches(names, spec[len(folder) :].split("/"))


def any_hidden(names: Sequence[str]) -> bool:
    """Whether one of the names below a source's folder is that of a hidden file or folder."""
    return any(name.startswith(".") for name in names)


def _matches(names: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return not names
    first, rest = patterns[0], patterns[1:]
    if first == "**":
        return any(_matches(names[start:], rest) for start in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], first) and _matches(names[1:], rest)
