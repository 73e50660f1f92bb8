"""Contact sheets: small pictures of a run's images, as data: URIs."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.report.measures import cut
from pipeline.report.texts import excerpt, find_images, find_texts

KEPT_MOST = 24
ASIDE_MOST = 12
SIDE = 112
QUALITY = 60
PIXELS_MOST = 50_000_000
"""Larger pictures, which would need more than 150 MB to decode, are left off a contact sheet."""


def measure_images(metrics: Path, rejected: Path, work: Path, show: str) -> dict[str, Any]:
    """How many kept records have images, and thumbnails of some that were kept or set aside.

    Ids are digests, so the first ones by id are a random sample that is the same in every run.
    """
    kept = pl.scan_parquet(metrics).filter(pl.col("images") > 0)
    ids = kept.select("id", "source", "locator").unique("id")
    total = int(ids.select(pl.len()).collect().item())
    paths = _paths(work)
    if show == "none" or not paths:
        return {"records": total, "shown": []}
    rows = ids.bottom_k(KEPT_MOST, by="id").sort("id").collect().to_dicts()
    aside = _aside(rejected, total > 0)
    both = [row | {"reason": None} for row in rows] + aside
    uris = find_images(work, (row["id"] for row in both))
    texts = find_texts(work, (row["id"] for row in both), show)
    return {"records": total, "shown": list(_pictures(both, uris, texts, paths))}


def _aside(rejected: Path, any_image: bool) -> list[dict[str, Any]]:
    """Records that a stage or a target set aside; what no reader could open has no picture."""
    if not any_image:
        return []
    rows = pl.scan_parquet(rejected).filter(pl.col("stage") != "read")
    first = rows.select("id", "source", "locator", "reason").unique("id", keep="first")
    return first.bottom_k(ASIDE_MOST, by="id").sort("id").collect().to_dicts()


def _paths(work: Path) -> dict[str, str]:
    """The local path of each input's bytes, by the input's URI."""
    listed = work / "paths.json"
    paths = json.loads(listed.read_bytes()) if listed.exists() else {}
    return {uri: path for uri, (path, _) in paths.items()}


def _pictures(
    rows: list[dict[str, Any]], uris: dict[str, str], texts: dict[str, str], paths: dict[str, str]
) -> Iterator[dict[str, Any]]:
    for row in rows:
        path = paths.get(uris.get(row["id"], ""))
        picture = _small(Path(path)) if path else None
        if picture is not None:
            yield {
                "id": row["id"],
                "source": cut(row["source"]),
                "locator": cut(row["locator"]),
                "reason": row["reason"],
                "caption": excerpt(texts.get(row["id"]), 120),
                **picture,
            }


def _small(path: Path) -> dict[str, Any] | None:
    """Size and thumbnail of an image that a reader has accepted; None if that fails."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > PIXELS_MOST:
                return None
            size = {"width": opened.width, "height": opened.height}
            opened.draft("RGB", (SIDE * 2, SIDE * 2))
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
            upright.thumbnail((SIDE, SIDE))
            flat = Image.new("RGB", upright.size, "white")
            flat.paste(upright, mask=upright.getchannel("A"))
    except Exception:  # noqa: BLE001 - a picture only illustrates: the report is fine without
        return None
    data = io.BytesIO()
    flat.save(data, "JPEG", quality=QUALITY)
    uri = "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()
    return {**size, "thumbnail": uri}
