"""Images cut into units of bounded size, so that each row of metadata belongs to one of them."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import xxhash

from pipeline.readers.captions import composed, folders_of, is_caption_name, is_metadata, stem
from pipeline.source import SourceFile, Unit

UNIT_IMAGES = 256
USUAL_IMAGES = 128


def is_sidecar_name(uri: str) -> bool:
    """Whether a file so named can only be metadata or a caption, never an image."""
    return is_metadata(uri) or is_caption_name(uri)


def _image_names(uri: str) -> tuple[str, str]:
    """What a caption file of an image may be called, without its own extension."""
    return composed(stem(uri)), composed(uri)


def _in_order(uri: str) -> tuple[str, str]:
    """Names that look the same stand beside each other."""
    return composed(uri), uri


def sidecars(files: Sequence[SourceFile], images: Sequence[SourceFile]) -> list[SourceFile]:
    """Of the files, those with captions of the images: metadata in a folder above one, and
    caption files beside one with its name."""
    names = {name for image in images for name in _image_names(image.uri)}
    folders = {folder for image in images for folder in folders_of(image.uri)}
    return [
        file
        for file in files
        if (is_metadata(file.uri) and _folder(file.uri) in folders)
        or (is_caption_name(file.uri) and composed(stem(file.uri)) in names)
    ]


def image_units(files: Sequence[SourceFile]) -> list[Unit]:
    """Group files into units of up to 256 images of a folder, or of all folders below the topmost
    metadata file.

    A unit's sidecars are its metadata, its caption files, and the images just before and just after
    it in the order of URIs. Those two images mark which rows of metadata belong to the unit: the
    rows about files between them, whether the files exist or not. A sidecar without images is a
    unit of its own.
    """
    images = sorted(
        (file for file in files if not is_sidecar_name(file.uri)),
        key=lambda file: _in_order(file.uri),
    )
    beside = sidecars(files, images)
    metadata = [file for file in beside if is_metadata(file.uri)]
    governed = {_folder(file.uri) for file in metadata}
    groups: dict[str, tuple[list[SourceFile], list[SourceFile]]] = defaultdict(lambda: ([], []))
    for image in images:
        groups[_root(image.uri, governed)][0].append(image)
    for file in metadata:
        groups[_root(file.uri, governed)][1].append(file)
    texts = _by_name(file for file in beside if not is_metadata(file.uri))
    units = [unit for group in groups.values() for unit in _slices(*group, texts)]
    taken = {file.uri for file in (*images, *beside)}
    return units + [Unit((file,)) for file in files if file.uri not in taken]


def _root(uri: str, governed: set[str]) -> str:
    above = [folder for folder in folders_of(uri) if folder in governed]
    return above[-1] if above else _folder(uri)


def _slices(
    images: Sequence[SourceFile],
    metadata: Sequence[SourceFile],
    texts: dict[str, list[SourceFile]],
) -> Iterator[Unit]:
    for start, end in _cuts(images):
        own = images[start:end]
        names = [name for image in own for name in _image_names(image.uri)]
        beside = [text for name in names for text in texts.get(name, ())]
        next_ones = (*images[max(0, start - 1) : start], *images[end : end + 1])
        yield Unit(tuple(own), (*metadata, *dict.fromkeys(beside), *next_ones))


def _cuts(images: Sequence[SourceFile]) -> Iterator[tuple[int, int]]:
    """Yield where units start and end.

    A digest of an image's name decides whether a unit ends after it. So an added or removed image
    changes only its own unit, and later runs can reuse the work of all units after it.
    """
    start = 0
    for end, image in enumerate(images, start=1):
        chosen = xxhash.xxh3_64_intdigest(image.uri.encode()) % USUAL_IMAGES == 0
        if chosen or end == len(images) or end - start == UNIT_IMAGES:
            yield start, end
            start = end


def _by_name(texts: Iterable[SourceFile]) -> dict[str, list[SourceFile]]:
    """Caption files by their names without their own extensions."""
    found: dict[str, list[SourceFile]] = defaultdict(list)
    for file in texts:
        found[composed(stem(file.uri))].append(file)
    return found


def _folder(uri: str) -> str:
    return uri.rpartition("/")[0]


@dataclass(frozen=True)
class Part:
    """A unit with its files sorted by what they are, as its reader needs them."""

    images: tuple[SourceFile, ...]
    metadata: tuple[SourceFile, ...]
    texts: dict[str, list[SourceFile]]  # caption files by their names without their extensions
    before: str | None  # URI of the last image of the unit before
    after: str | None  # URI of the first image of the unit after

    @classmethod
    def of(cls, unit: Unit) -> Part:
        """Sort the unit's files and sidecars by what they are."""
        images = tuple(file for file in unit.files if not is_metadata(file.uri))
        texts = [file for file in unit.sidecars if is_caption_name(file.uri)]
        others = [file.uri for file in unit.sidecars if not is_sidecar_name(file.uri)]
        return cls(
            images=images,
            metadata=tuple(f for f in (*unit.files, *unit.sidecars) if is_metadata(f.uri)),
            texts=_by_name(texts),
            before=next((u for u in others if _in_order(u) < _in_order(images[0].uri)), None),
            after=next((u for u in others if _in_order(u) > _in_order(images[-1].uri)), None),
        )

    def captions_beside(self, image: SourceFile) -> Iterator[SourceFile]:
        """The image's caption files."""
        for name in _image_names(image.uri):
            yield from self.texts.get(name, ())

    @functools.cached_property
    def _names(self) -> dict[str, list[str]]:
        """The URIs of the images, and of the next ones before and after, by how they look."""
        found: dict[str, list[str]] = defaultdict(list)
        for uri in (*(image.uri for image in self.images), self.before, self.after):
            if uri is not None:
                found[composed(uri)].append(uri)
        return found

    def _meant(self, uri: str) -> str | None:
        """The URI of the file that is so named, of the unit or beside it."""
        alike = self._names.get(composed(uri), [])
        return uri if uri in alike else alike[0] if len(alike) == 1 else None

    def image_at(self, uri: str) -> str | None:
        """The URI of the unit's image that is so named, or of the only one whose name looks so."""
        meant = self._meant(uri)
        return None if meant in (self.before, self.after) else meant

    def owns(self, uri: str) -> bool:
        """Whether this unit says of rows about a file that is not there that it is missing."""
        if not self.images:
            return True
        if self._meant(uri) is not None:
            return False
        name = composed(uri)
        late_enough = self.before is None or name >= composed(self.images[0].uri)
        return late_enough and (self.after is None or name < composed(self.after))
