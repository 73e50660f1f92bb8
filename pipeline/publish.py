"""Make a finished run visible: its folder with the manifest last, then LATEST."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pipeline.errors import StorageError
from pipeline.storage import Place

LATEST = "LATEST"
MANIFEST = "manifest.json"

BLOCK = 1 << 20  # bytes that are read at once

MANY = 100
SCALARS = {str, int, bool, type(None)}
"""What both encoders write alike; of a float they may write other digits."""


@dataclass(frozen=True)
class Latest:
    """What LATEST says, and which version of it said so."""

    run: str
    manifest_sha256: str
    version: str


def whole_name(name: str, told: Mapping[str, Any]) -> str:
    """The target that a manifest's entry is about, which may be a part of it.

    >>> whole_name("p-2", {"parts": 3}), whole_name("p-2", {"parts": 1})
    ('p', 'p-2')
    """
    return name.rpartition("-")[0] if told.get("parts", 1) > 1 else name


def as_json(value: Any) -> bytes:
    """JSON the same for the same value: sorted keys, UTF-8, LF at the end."""
    long = [name for name in value if _are_flat(value[name])] if isinstance(value, dict) else []
    if not long:
        return (_indented(value) + "\n").encode()
    members = [
        f" {_indented(name)}: {_member(value[name], name in long)}" for name in sorted(value)
    ]
    return ("{\n" + ",\n".join(members) + "\n}\n").encode()


def _indented(value: Any) -> str:
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False)


def _are_flat(value: Any) -> bool:
    """Whether this is a long list of objects without lists and objects in them: inputs, files."""
    return (
        isinstance(value, list)
        and len(value) >= MANY
        and all(
            type(one) is dict and one and SCALARS.issuperset(map(type, one.values()))
            for one in value
        )
    )


def _member(value: Any, flat: bool) -> str:
    """A value as it stands in an object, its lines a blank further in.

    No text of JSON holds a line end as such, so that those there are stand between values.
    A long list is written by orjson (0.1 s of 100,000 inputs, 0.4 by json), which indents by two.
    """
    if flat:
        with suppress(orjson.JSONEncodeError):  # a number of more than 64 bits
            told = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
            return told.replace("\n    ", "\n   ").removesuffix("]") + " ]"
    return _indented(value).replace("\n", "\n ")


def read_latest(place: Place) -> Latest | None:
    """The run that readers are pointed to, or None. Raises StorageError when it is damaged."""
    found = place.read(LATEST)
    if found is None:
        return None
    data, version = found
    try:
        told = json.loads(data)
        return Latest(told["run"], told["manifest_sha256"], version)
    except (ValueError, KeyError, TypeError) as error:
        told = f"{place.uri}/{LATEST}: is damaged: {error}"
        raise StorageError(f"{told}; remove it, and the next run writes it anew") from error


def read_manifest(place: Place, run: str) -> tuple[dict[str, Any], str] | None:
    """A run's manifest and its SHA-256, or None when the run does not exist."""
    found = place.read(f"runs/{run}/{MANIFEST}")
    if found is None:
        return None
    data = found[0]
    uri = f"{place.uri.rstrip('/')}/runs/{run}"
    try:
        told = json.loads(data)
    except ValueError as error:
        raise StorageError(f"{uri}/{MANIFEST}: is damaged: {error}; {mend(uri)}") from error
    if not isinstance(told, dict):
        raise StorageError(f"{uri}/{MANIFEST}: is damaged: is no object; {mend(uri)}")
    return told, hashlib.sha256(data).hexdigest()


def digest_at(place: Place, name: str) -> str | None:
    """SHA-256 of a file of any size, read from its place; None where there is none."""
    file = place.open(name)
    if file is None:
        return None
    digest = hashlib.sha256()
    with file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def read_run(place: Place, run: str) -> tuple[dict[str, Any], str] | None:
    """The manifest of a run that is to be looked into: with all that every run tells.

    Raises StorageError where some of that is missing.
    """
    found = read_manifest(place, run)
    if found is not None:
        require(found[0], TOLD, f"{place.uri.rstrip('/')}/runs/{run}", MANIFEST)
    return found


TOLD: Mapping[str, type] = {
    **dict.fromkeys(("name", "run", "version"), str),
    **dict.fromkeys(("recipe", "targets", "gate"), dict),
    **dict.fromkeys(("inputs", "stages", "files"), list),
}
"""What the manifest of every run holds, and of which kind."""


def require(told: Any, kinds: Mapping[str, type], uri: str, name: str) -> None:
    """Raise StorageError when a JSON file of the run at `uri` lacks what is read of it."""
    lacking = [
        key
        for key, kind in kinds.items()
        if not (isinstance(told, dict) and isinstance(told.get(key), kind))
    ]
    if lacking:
        raise StorageError(f"{uri}/{name}: is damaged: {lacking[0]} is missing; {mend(uri)}")


def mend(uri: str) -> str:
    """What to do about a damaged file of the run at `uri`."""
    return f"put back a copy of it, or remove {uri} and run again"


def publish(place: Place, staged: Path, run: str, latest: Latest | None) -> None:
    """Publish a staged run folder, then point LATEST to it if it still says what it said.

    A run that is there already (its folder is named by its content) is only pointed to.
    Raises ConflictError when another run has published since `latest` was read.
    """
    there = read_manifest(place, run)
    if there is not None:
        point_to(place, run, there[1], latest)
        return
    place.add_folder(staged, f"runs/{run}")
    written = place.read(f"runs/{run}/{MANIFEST}")
    if written is None:
        raise StorageError(f"{place.uri}/runs/{run}: its manifest is gone after it was written")
    point_to(place, run, hashlib.sha256(written[0]).hexdigest(), latest)


def point_to(place: Place, run: str, manifest_sha256: str, latest: Latest | None) -> None:
    """Swap LATEST, unless it points there already."""
    if latest and (latest.run, latest.manifest_sha256) == (run, manifest_sha256):
        return
    data = json.dumps({"run": run, "manifest_sha256": manifest_sha256}, sort_keys=True)
    place.swap(LATEST, data.encode() + b"\n", latest.version if latest else None)
