"""Images cut into units of bounded size, so that each row of metadata belongs to one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import xxhash

from pipeline.readers.captions import CAPTION_EXTENSIONS, folders_of, is_metadata, stem
from pipeline.source import SourceFile, Unit

UNIT_IMAGES = 256
USUAL_IMAGES = 128


def is_sidecar_name(uri: str) -> bool:
    """Whether a file with this name can only be metadata or a caption, never an image."""
    return is_metadata(uri) or uri.endswith(CAPTION_EXTENSIONS)


def sidecars(files: Sequence[SourceFile], images: Sequence[SourceFile]) -> list[SourceFile]:
    """The files that have captions of the images: metadata in a folder above an image, and caption
    files beside an image and with its name."""
    stems = {stem(image.uri) for image in images}
    folders = {folder for image in images for folder in folders_of(image.uri)}
    return [
        file
        for file in files
        if (is_metadata(file.uri) and _folder(file.uri) in folders)
        or (file.uri.endswith(CAPTION_EXTENSIONS) and stem(file.uri) in stems)
    ]


def image_units(files: Sequence[SourceFile]) -> list[Unit]:
    """Group files into units of up to 256 images of a folder, or of all folders below the topmost
    metadata file.

    A unit's sidecars are its metadata, its caption files, and the images just before and just after
    it in the order of URIs. Those two images mark which rows of metadata belong to the unit: the
    rows about files between them, whether the files exist or not. A sidecar without images is a
    unit of its own.
    """
    images = sorted((f for f in files if not is_sidecar_name(f.uri)), key=lambda file: file.uri)
    beside = sidecars(files, images)
    metadata = [file for file in beside if is_metadata(file.uri)]
    governed = {_folder(file.uri) for file in metadata}
    groups: dict[str, tuple[list[SourceFile], list[SourceFile]]] = defaultdict(lambda: ([], []))
    for image in images:
        groups[_root(image.uri, governed)][0].append(image)
    for file in metadata:
        groups[_root(file.uri, governed)][1].append(file)
    by_stem: dict[str, list[SourceFile]] = defaultdict(list)
    for file in beside:
        by_stem[stem(file.uri)].append(file)
    units = [unit for group in groups.values() for unit in _slices(*group, by_stem)]
    taken = {file.uri for file in (*images, *beside)}
    return units + [Unit((file,)) for file in files if file.uri not in taken]


def _root(uri: str, governed: set[str]) -> str:
    above = [folder for folder in folders_of(uri) if folder in governed]
    return above[-1] if above else _folder(uri)


def _slices(
    images: Sequence[SourceFile],
    metadata: Sequence[SourceFile],
    by_stem: dict[str, list[SourceFile]],
) -> Iterator[Unit]:
    for start, end in _cuts(images):
        chosen = images[start:end]
        texts = [text for image in chosen for text in by_stem.get(stem(image.uri), ())]
        texts = [text for text in texts if not is_metadata(text.uri)]
        neighbours = (*images[max(0, start - 1) : start], *images[end : end + 1])
        yield Unit(tuple(chosen), (*metadata, *dict.fromkeys(texts), *neighbours))


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


def _folder(uri: str) -> str:
    return uri.rpartition("/")[0]


@dataclass(frozen=True)
class Part:
    """A unit with its files sorted by what they are, as its reader needs them."""

    images: tuple[SourceFile, ...]
    metadata: tuple[SourceFile, ...]
    by_stem: dict[str, list[SourceFile]]
    before: str | None  # URI of the last image of the unit before
    after: str | None  # URI of the first image of the unit after

    @classmethod
    def of(cls, unit: Unit) -> Part:
        """Sort the unit's files and sidecars by what they are."""
        images = tuple(file for file in unit.files if not is_metadata(file.uri))
        texts: dict[str, list[SourceFile]] = defaultdict(list)
        others = []
        for file in unit.sidecars:
            if file.uri.endswith(CAPTION_EXTENSIONS):
                texts[stem(file.uri)].append(file)
            elif not is_metadata(file.uri):
                others.append(file.uri)
        return cls(
            images=images,
            metadata=tuple(f for f in (*unit.files, *unit.sidecars) if is_metadata(f.uri)),
            by_stem=texts,
            before=next((uri for uri in others if uri < images[0].uri), None),
            after=next((uri for uri in others if uri > images[-1].uri), None),
        )

    def owns(self, uri: str) -> bool:
        """Whether this unit gives the rows about this file, which may not exist."""
        late_enough = self.before is None or uri >= self.images[0].uri
        return late_enough and (self.after is None or uri < self.after)
