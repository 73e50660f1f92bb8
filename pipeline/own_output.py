"""What runs of this output have written: none of it is a source, though it may lie in one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import StorageError
from pipeline.hub import is_hub
from pipeline.publish import LATEST
from pipeline.source import Listed
from pipeline.storage import is_remote


@dataclass(frozen=True)
class OwnOutput:
    """Where runs and work files are: real paths, which no link leads through, and s3:// URIs."""

    files: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()  # each ends with a slash
    met: set[str] = field(default_factory=set)  # URIs of what was left out

    def leave_out(self, folder: Path, spec: str, listed: Sequence[Listed]) -> Sequence[Listed]:
        """What a source lists, without what is ours; one that names a place of ours means it.

        Raises StorageError where nothing is left.
        """
        if not self.folders or is_hub(spec):
            return listed
        named = _real(spec, folder)
        above = tuple(one for one in self.folders if not f"{named}/".startswith(one))
        ours = {
            one.uri
            for one, place in zip(listed, _places(listed), strict=True)
            if place.startswith(above) or (place in self.files and place != named)
        }
        if len(ours) == len(listed):
            raise StorageError(f"source {spec}: holds only what runs of this output have written")
        self.met.update(ours)
        return [one for one in listed if one.uri not in ours] if ours else listed

    def tell(self, say: Callable[[str], None]) -> None:
        """Say once how much was left out."""
        if self.met:
            say(f"not read, since runs of this output have written them: {len(self.met):,} files")


NOTHING_OWN = OwnOutput()


def own_output(output: str, work: Path, state: str | None) -> OwnOutput:
    """What runs to this output write. It may be a folder that holds the sources, too."""
    base = _real(output, Path())
    places = [f"{base}/runs", _real(str(work), Path()), *([state.rstrip("/")] if state else [])]
    return OwnOutput(frozenset({f"{base}/{LATEST}"}), tuple(f"{place}/" for place in places))


def _real(place: str, folder: Path) -> str:
    """A URI, or the path behind all links, without a slash at its end."""
    return (place if is_remote(place) else os.path.realpath(folder / place)).rstrip("/")


def _places(listed: Sequence[Listed]) -> Iterator[str]:
    """Where each is: its URI, or its name in the folder that it really stands in.

    A link to a single file means what it leads to.
    """
    real: dict[str, str] = {}
    for one in listed:
        if one.local is None:
            yield one.uri
            continue
        folder, slash, name = str(one.local).rpartition("/")
        folder += slash
        yield f"{real.get(folder) or _real_folder(folder, real)}/{name}"


def _real_folder(folder: str, real: dict[str, str]) -> str:
    """The path behind all links, of each folder looked up once: `real` holds what is known."""
    if folder in real:
        return real[folder]
    above, slash, name = folder.rstrip("/").rpartition("/")
    if not above or name in {".", ".."} or os.path.islink(above + slash + name):  # noqa: PTH114
        real[folder] = os.path.realpath(folder).rstrip("/")
    else:
        real[folder] = f"{_real_folder(above + slash, real)}/{name}"
    return real[folder]
