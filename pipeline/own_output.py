"""What runs of this output have written: none of it is a source, though it may lie in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import StorageError
from pipeline.hub import is_hub
from pipeline.publish import LATEST
from pipeline.source import Listed
from pipeline.storage import is_remote, source_uri


@dataclass(frozen=True)
class OwnOutput:
    """Where runs and work files are, by the names that sources there would have."""

    files: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()  # each ends with a slash
    met: set[str] = field(default_factory=set)  # what was left out

    def leave_out(self, folder: Path, spec: str, listed: Sequence[Listed]) -> Sequence[Listed]:
        """What a source lists, without what is ours; one that names a place of ours means it.

        Raises StorageError where nothing is left.
        """
        if not self.folders or is_hub(spec):
            return listed
        named = spec if is_remote(spec) else source_uri(folder / spec, folder)
        above = tuple(one for one in self.folders if not f"{named}/".startswith(one))
        ours = {
            one.uri
            for one in listed
            if one.uri.startswith(above) or (one.uri in self.files and one.uri != named)
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


def own_output(output: str, work: Path, state: str | None, folder: Path) -> OwnOutput:
    """Of a recipe in `folder`. The output may be a folder that holds the sources, too."""
    runs, latest = (
        f"{output.rstrip('/')}/{name}"
        if is_remote(output)
        else source_uri(Path(output, name), folder)
        for name in ("runs", LATEST)
    )
    places = [runs, source_uri(work, folder), *([state.rstrip("/")] if state else [])]
    return OwnOutput(frozenset({latest}), tuple(f"{place}/" for place in places))
