"""Media in S3 that a recipe's records name, and the folders that they are in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from os.path import commonprefix
from pathlib import Path

from pipeline.errors import PrepError
from pipeline.hub import is_hub
from pipeline.recipe import Recipe
from pipeline.s3.errors import split_uri
from pipeline.storage import Aws, is_remote, list_sources

MEDIA = re.compile(rb'"(?:uri|image-ref)"\s*:\s*"(s3://[^"\\]+)"')
TABLES = {".jsonl", ".ndjson", ".json"}

MOST_FOLDERS = 10
"""If the media of a bucket are in more folders, the one that contains all of them is named."""


def named_media(recipe: Recipe, folder: Path) -> Iterator[str]:
    """S3 objects that records of local files name as images, videos or documents."""
    for source in recipe.sources:
        if is_remote(source.path) or is_hub(source.path):
            continue
        try:
            found = list_sources(source.path, folder, Aws())
        except PrepError:  # `doctor` and `prepare` report it
            continue
        for one in found:
            if one.local is not None and Path(one.local).suffix in TABLES:
                with Path(one.local).open("rb") as file:
                    for line in file:
                        yield from (uri.decode("utf-8", "replace") for uri in MEDIA.findall(line))


def media_folders(uris: Iterable[str]) -> list[tuple[str, str]]:
    """Bucket and prefix of the folders that contain all these objects, sorted.

    >>> media_folders(["s3://tea/pictures/a.png", "s3://tea/pictures/b.png"])
    [('tea', 'pictures/')]
    """
    folders: dict[str, set[str]] = {}
    for uri in uris:
        bucket, key = split_uri(uri)
        folders.setdefault(bucket, set()).add(key[: key.rfind("/") + 1])
    found = []
    for bucket, keys in folders.items():
        shared = commonprefix(sorted(keys))  # noqa: RUF071 - it is cut at a slash below
        few = keys if len(keys) <= MOST_FOLDERS else {shared[: shared.rfind("/") + 1]}
        found += [(bucket, key) for key in few]
    return sorted(found)
