"""Images with captions: every way to caption them, every way to be broken."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image, PngImagePlugin
from test_readers import put, read

from pipeline.readers import assign
from pipeline.readers.conventions import Columns
from pipeline.readers.image_units import UNIT_IMAGES
from pipeline.readers.images import ImagesReader
from pipeline.readers.parquet import ParquetReader
from pipeline.source import SourceFile, Unit


def encoded(image: Image.Image, format: str = "PNG", **more: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **more)
    return buffer.getvalue()


def picture(mode: str = "RGB", size: tuple[int, int] = (6, 4)) -> Image.Image:
    """Every pixel another colour, so that a turned or mirrored picture differs."""
    image = Image.new("RGB", size)
    image.putdata([(n * 9 % 256, n * 5 % 256, n) for n in range(size[0] * size[1])])
    return image.convert(mode)


def measured(row: dict[str, Any]) -> dict[str, Any]:
    """What `extra` says of a record's one image."""
    images: list[dict[str, Any]] = json.loads(row["extra"])["images"]
    assert len(images) == 1
    return images[0]


def results(rows: list[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    return [(row["source"], row["locator"], row["text"] or row["reason"]) for row in rows]


PNG = encoded(picture())


def test_an_image_is_measured(tmp_path: Path) -> None:
    """The record names the image and says all that later stages need to know of it."""
    file = put(tmp_path, "p/1.png", PNG)
    row = read(ImagesReader(), file, put(tmp_path, "p/1.txt", " a cup of tea\n"))[0]
    assert (row["source"], row["locator"], row["text"]) == ("p/1.png", "", "a cup of tea")
    assert row["images"] == ["p/1.png"] and row["rejected"] is None
    pixels = b"6x4" + picture("RGBA").tobytes()
    assert measured(row) == {
        "width": 6,
        "height": 4,
        "format": "png",
        "bytes": len(PNG),
        "mode": "RGB",
        "sha256": file.sha256,
        "pixels_sha256": hashlib.sha256(pixels).hexdigest(),
        "has_alpha": False,
        "has_gps": False,
        "orientation": 1,
    }


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(tmp_path: Path, orientation: int) -> None:
    """A picture stored turned or mirrored has the pixels of the upright one."""
    transposes = Image.Transpose
    stored = {
        2: transposes.FLIP_LEFT_RIGHT,
        3: transposes.ROTATE_180,
        4: transposes.FLIP_TOP_BOTTOM,
        5: transposes.TRANSPOSE,
        6: transposes.ROTATE_90,
        7: transposes.TRANSVERSE,
        8: transposes.ROTATE_270,
    }
    image = picture().transpose(stored[orientation]) if orientation in stored else picture()
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[1] = "N"
    row = read(ImagesReader(), put(tmp_path, "1.png", encoded(image, exif=exif)))[0]
    upright = read(ImagesReader(), put(tmp_path, "2.png", PNG))[0]
    found = measured(row)
    assert found["pixels_sha256"] == measured(upright)["pixels_sha256"]
    assert (found["width"], found["height"], found["orientation"]) == (6, 4, orientation)
    assert found["has_gps"]


@pytest.mark.parametrize(
    ("image", "format", "has_alpha"),
    [
        (picture("RGBA"), "PNG", True),
        (picture("LA"), "PNG", True),
        (picture("P"), "PNG", False),
        (picture("1"), "PNG", False),
        (Image.new("I;16", (3, 3), 700), "PNG", False),
        (picture("CMYK"), "JPEG", False),
        (picture("L"), "JPEG", False),
        (picture(), "GIF", False),
        (picture(), "WEBP", False),
        (picture(), "BMP", False),
    ],
)
def test_modes_and_formats(
    tmp_path: Path, image: Image.Image, format: str, has_alpha: bool
) -> None:
    """Each mode of each format is measured as it is stored."""
    found = measured(read(ImagesReader(), put(tmp_path, "1.img", encoded(image, format)))[0])
    assert (found["format"], found["has_alpha"]) == (format.lower(), has_alpha)


def test_deep_greys_are_not_taken_for_white(tmp_path: Path) -> None:
    """Two 16-bit pictures that RGBA would clip to one are two."""
    files = [
        put(tmp_path, f"{grey}.png", encoded(Image.new("I;16", (3, 3), grey)))
        for grey in (700, 800)
    ]
    first, second = (measured(row) for row in read(ImagesReader(), *files))
    assert first["pixels_sha256"] != second["pixels_sha256"]


def huge_png(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "read.empty_file"),
        (PNG[: len(PNG) // 2], "read.corrupt_image"),
        (encoded(picture(size=(64, 64)), "JPEG")[:-40], "read.corrupt_image"),
        (PNG[:45] + b"\xff" + PNG[46:], "read.corrupt_image"),
        (b"<html>", "read.not_an_image"),
        (b"PK\x03\x04", "read.not_an_image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "read.not_an_image"),
        (encoded(picture(), "TIFF"), "read.unsupported_image"),
        (encoded(picture(), "AVIF"), "read.unsupported_image"),
        (huge_png(6_400, 6_400), "read.image_too_many_pixels"),
        (huge_png(12_000, 12_000), "read.image_too_many_pixels"),
        (huge_png(6_000, 6_000), "read.corrupt_image"),
    ],
)
def test_broken_images(tmp_path: Path, data: bytes, reason: str) -> None:
    """The fault of the image comes before the lack of a caption, and names it."""
    assert read(ImagesReader(), put(tmp_path, "1.png", data))[0]["reason"] == reason


def test_limits_can_be_set(tmp_path: Path) -> None:
    """Bytes and pixels, each said with the limit."""
    file = put(tmp_path, "1.png", PNG)
    rejected = read(ImagesReader(max_pixels=23), file)[0]["rejected"]
    assert (rejected["reason"], rejected["threshold"]) == ("read.image_too_many_pixels", "23")
    rejected = read(ImagesReader(max_bytes=10), file)[0]["rejected"]
    assert rejected["reason"] == "read.too_large" and rejected["value"] == str(len(PNG))


def test_a_picture_that_memory_does_not_hold_is_not_called_corrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is wrong with the file."""

    def full(image: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", full)
    row = read(ImagesReader(), put(tmp_path, "1.png", PNG))[0]
    assert row["reason"] == "read.out_of_memory"


def test_a_broken_exif_block_is_no_broken_picture(tmp_path: Path) -> None:
    """The picture is kept, upright as it is."""
    data = encoded(picture(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    assert measured(read(ImagesReader(), put(tmp_path, "1.jpg", data))[0])["orientation"] == 1


@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.csv"])
def test_metadata(tmp_path: Path, name: str) -> None:
    """Its rows give captions below its folder; rows that fit no image are its own rejects."""
    names = ["1.png", "1.png", "sub/2.png", "gone.png", "../1.png", "http://h/1.png"]
    texts = ["one", "uno", "two", "three", "four", "five"]
    if name.endswith("csv"):
        lines = [f"{file},{text}" for file, text in zip(names, texts, strict=True)]
        data = "\n".join(["file_name,text", *lines, "ragged"])
    else:
        pairs = zip(names, texts, strict=True)
        lines = [json.dumps({"file_name": file, "caption": text}) for file, text in pairs]
        data = "\n".join([*lines, '{"caption": "six"}'])
    rows = read(
        ImagesReader(),
        put(tmp_path, "p/1.png", PNG),
        put(tmp_path, "p/sub/2.png", PNG),
        put(tmp_path, "p/sub/3.png", PNG),
        put(tmp_path, f"p/{name}", data),
    )
    unit = "row" if name.endswith("csv") else "line"
    last = "read.ragged_row" if name.endswith("csv") else "read.missing_column"
    assert results(rows) == [
        ("p/1.png", "caption=1", "one"),
        ("p/1.png", "caption=2", "uno"),
        ("p/sub/2.png", "", "two"),
        ("p/sub/3.png", "", "read.no_caption"),
        (f"p/{name}", f"{unit}=4", "read.missing_image"),
        (f"p/{name}", f"{unit}=5", "read.bad_file_name"),
        (f"p/{name}", f"{unit}=6", "read.bad_file_name"),
        (f"p/{name}", f"{unit}=7", last),
    ]
    assert rows[4]["rejected"]["value"] == "gone.png"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"caption": ["a", "b"]}, ["a", "b"]),
        ({"caption": "a", "text": "b"}, ["a"]),
        ({"text": "b", "caption": None}, ["b"]),
        ({"caption": ""}, ["read.no_caption"]),
        ({"caption": []}, ["read.no_caption"]),
        ({"alt": "a"}, ["read.no_caption"]),
        ({"caption": 5}, ["read.not_text"]),
        ({"caption": ["a", " "]}, ["a", "read.no_caption"]),
    ],
)
def test_caption_columns(tmp_path: Path, row: dict[str, Any], expected: list[str]) -> None:
    """A string or a list of them, in `caption` or `text`; nothing else is a caption."""
    metadata = put(tmp_path, "metadata.jsonl", json.dumps({"file_name": "1.png"} | row))
    rows = read(ImagesReader(), put(tmp_path, "1.png", PNG), metadata)
    assert [row["text"] or row["reason"] for row in rows] == expected
    assert all(json.loads(row["extra"]) and row["images"] == ["1.png"] for row in rows)


def test_the_recipe_names_the_column(tmp_path: Path) -> None:
    """Then no other counts."""
    data = json.dumps({"file_name": "1.png", "alt": "a", "caption": "b"})
    files = [put(tmp_path, "1.png", PNG), put(tmp_path, "metadata.jsonl", data)]
    assert read(ImagesReader(caption_column="alt"), *files)[0]["text"] == "a"


def test_caption_files(tmp_path: Path) -> None:
    """Texts of the image's name, with all its dots; metadata comes before them."""
    rows = read(
        ImagesReader(),
        put(tmp_path, "a.v2.png", PNG),
        put(tmp_path, "a.v2.txt", b"\xef\xbb\xbfone\n"),
        put(tmp_path, "a.v2.caption", "uno"),
        put(tmp_path, "b.png", PNG),
        put(tmp_path, "b.txt", "  \n"),
        put(tmp_path, "c.png", PNG),
        put(tmp_path, "c.txt", b"\xff\x81\x8d\x90"),
        put(tmp_path, "d.png", PNG),
        put(tmp_path, "d.txt", "from the file"),
        put(tmp_path, "metadata.csv", "file_name,text\nd.png,from metadata\n"),
    )
    assert results(rows) == [
        ("a.v2.png", "caption=1", "one"),
        ("a.v2.png", "caption=2", "uno"),
        ("b.png", "", "read.no_caption"),
        ("c.png", "", "read.bad_encoding"),
        ("d.png", "", "from metadata"),
    ]


def test_broken_images_keep_their_count_of_captions(tmp_path: Path) -> None:
    """Each caption of a broken image is a rejected record, so that all of them are told."""
    data = '{"file_name": "1.png", "text": "a"}\n{"file_name": "1.png", "text": "b"}\n'
    files = [put(tmp_path, "1.png", PNG[:50]), put(tmp_path, "metadata.jsonl", data)]
    found = [(source, at) for source, at, _ in results(read(ImagesReader(), *files))]
    assert found == [("1.png", "caption=1"), ("1.png", "caption=2")]


PHO = "b\u00e1t ph\u1edf"


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("named", ["NFC", "NFD"])
def test_names_that_look_the_same_are_the_same(tmp_path: Path, stored: Any, named: Any) -> None:
    """macOS stores letters and accents apart, an editor writes them together."""
    here, there = unicodedata.normalize(stored, PHO), unicodedata.normalize(named, PHO)
    metadata = json.dumps({"file_name": f"{there}.png", "text": "one"})
    rows = read(
        ImagesReader(),
        put(tmp_path, f"{here}.png", PNG),
        put(tmp_path, f"{here} 2.png", PNG),
        put(tmp_path, f"{there} 2.txt", "two"),
        put(tmp_path, "metadata.jsonl", metadata),
    )
    assert [row["text"] for row in rows] == ["two", "one"]


def test_a_name_that_two_files_look_like_is_the_one_that_is_spelled_so(tmp_path: Path) -> None:
    """And none of them where it is spelled like neither."""
    letters = "\u1ec7", "\u1eb9\u0302", "e\u0323\u0302"
    metadata = [
        json.dumps({"file_name": f"{e}.png", "text": f"{n}"}) for n, e in enumerate(letters)
    ]
    rows = read(
        ImagesReader(),
        put(tmp_path, f"{letters[0]}.png", PNG),
        put(tmp_path, f"{letters[1]}.png", PNG),
        put(tmp_path, "metadata.jsonl", "\n".join(metadata)),
    )
    told = {source: said for source, _, said in results(rows)}
    assert told == {
        f"{letters[0]}.png": "0",
        f"{letters[1]}.png": "1",
        "metadata.jsonl": "read.missing_image",
    }


@pytest.mark.parametrize("count", [UNIT_IMAGES + 40])
def test_names_that_look_the_same_are_found_across_units(tmp_path: Path, count: int) -> None:
    """Each row is one unit's: no image is called missing that another unit has."""
    names = [f"\u1ea3nh {n:04}" for n in range(count)]
    files = [put(tmp_path, f"{unicodedata.normalize('NFD', name)}.png", PNG) for name in names]
    files.append(put(tmp_path, "a.png", PNG))
    files.append(put(tmp_path, "z.png", PNG))
    lines = [json.dumps({"file_name": f"{name}.png", "text": name}) for name in names]
    rows = read(
        ImagesReader(max_bytes=1), *files, put(tmp_path, "metadata.jsonl", "\n".join(lines))
    )
    assert {row["reason"] for row in rows} == {"read.too_large"}
    assert len(rows) == count + 2


def test_a_path_of_windows_is_a_path(tmp_path: Path) -> None:
    """But none that leads out."""
    names = ["img\\1.png", "..\\1.png", "C:\\1.png", "\\\\host\\1.png"]
    metadata = put(
        tmp_path, "metadata.csv", "file_name,text\n" + "".join(f"{n},t\n" for n in names)
    )
    rows = read(ImagesReader(), put(tmp_path, "img/1.png", PNG), metadata)
    assert [row["reason"] for row in rows] == [None, *["read.bad_file_name"] * 3]


@pytest.mark.parametrize("beside", ["1.TXT", "1.Caption", "1.PNG.txt", "1.PNG.TXT", "1.txt"])
def test_names_of_caption_files(tmp_path: Path, beside: str) -> None:
    """Capitals, and the whole name of the image."""
    files = [put(tmp_path, "p/1.PNG", PNG), put(tmp_path, f"p/{beside}", "a cup")]
    [(reader, own)] = assign(files, None)
    assert [row["text"] for row in read(reader, *own)] == ["a cup"]


@pytest.mark.parametrize("name", ["metadata", "captions"])
@pytest.mark.parametrize("column", ["file_name", "image"])
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_tables_of_captions(tmp_path: Path, name: str, column: str, kind: str) -> None:
    """They go with the images, each of the three kinds."""
    rows = [{column: f"{n}.png", "caption": f"cup {n}"} for n in (1, 2, 3)]
    table, buffer = pl.DataFrame(rows), io.BytesIO()
    if kind == "jsonl":
        table.write_ndjson(buffer)
    elif kind == "csv":
        table.write_csv(buffer)
    else:
        table.write_parquet(buffer)
    files = [put(tmp_path, f"{n}.png", PNG) for n in (1, 2)]
    files.append(put(tmp_path, f"{name}.{kind}", buffer.getvalue()))
    [(reader, own)] = assign(files, None)
    said = [row["text"] or row["reason"] for row in read(reader, *own)]
    assert said == ["cup 1", "cup 2", "read.missing_image"]


def test_a_column_of_captions_that_is_not_there_is_named_with_those_that_are(
    tmp_path: Path,
) -> None:
    """A slip of the recipe is found at once."""
    data = json.dumps({"file_name": "1.png", "text": "a", "lang": "en"})
    files = [put(tmp_path, "1.png", PNG), put(tmp_path, "metadata.jsonl", data)]
    rejected = read(ImagesReader(caption_column="captoin"), *files)[0]["rejected"]
    assert rejected["reason"] == "read.missing_column"
    assert rejected["value"] == "captoin; there is text, lang"


def test_images_inside_a_table_are_told(tmp_path: Path) -> None:
    """Hugging Face's own shape; with `columns` its texts are taken alone."""
    table, buffer = (
        pl.DataFrame({"image": [{"bytes": PNG, "path": "1.png"}], "text": ["a"]}),
        io.BytesIO(),
    )
    table.write_parquet(buffer)
    file = put(tmp_path, "train.parquet", buffer.getvalue())
    rejected = read(ParquetReader(), file)[0]["rejected"]
    assert (rejected["reason"], rejected["value"]) == ("read.image_in_table", "image")
    assert read(ParquetReader(columns=Columns(text="text")), file)[0]["text"] == "a"


def test_sidecars_without_images(tmp_path: Path) -> None:
    """Where the recipe gives the image reader other files, each still has its row."""
    rows = read(
        ImagesReader(),
        put(tmp_path, "a/metadata.jsonl", '{"file_name": "1.png", "text": "a"}'),
        put(tmp_path, "b/metadata.csv", ""),
        put(tmp_path, "notes.txt", "not a caption"),
    )
    assert [(row["source"], row["reason"]) for row in rows] == [
        ("a/metadata.jsonl", "read.missing_image"),
        ("b/metadata.csv", "read.empty_file"),
        ("notes.txt", "read.not_an_image"),
    ]


def many(tmp_path: Path, count: int) -> list[SourceFile]:
    files = [put(tmp_path, f"p/{n:04}.png", PNG) for n in range(count)]
    named = [f"{n:04}.png" for n in range(count)]
    missing = ["-first.png", f"{UNIT_IMAGES - 1:04}.png.gone", "0300.gone", "zzz.png"]
    lines = [json.dumps({"file_name": name, "text": name}) for name in named + missing]
    return [*files, put(tmp_path, "p/metadata.jsonl", "\n".join([*lines, "broken"]))]


@pytest.mark.parametrize("count", [1, UNIT_IMAGES, UNIT_IMAGES + 1, 3 * UNIT_IMAGES + 7])
def test_units_share_out_images_and_metadata(tmp_path: Path, count: int) -> None:
    """Units are bounded; each image, and each row about a missing one, is in exactly one."""
    files = many(tmp_path, count)
    reader = ImagesReader(max_bytes=1)  # the images need not be decoded here
    units = reader.units(files)
    assert all(len(unit.files) <= UNIT_IMAGES for unit in units)
    assert count / UNIT_IMAGES <= len(units) <= 1 + count / 20
    assert all(len(unit.sidecars) <= 3 for unit in units)
    rows = read(reader, *files)
    assert [row["source"] for row in rows if row["reason"] == "read.too_large"] == [
        f"p/{n:04}.png" for n in range(count)
    ]
    others = sorted(row["locator"] for row in rows if row["source"] == "p/metadata.jsonl")
    assert others == sorted(f"line={count + n}" for n in range(1, 6))


def test_an_image_more_changes_its_own_unit_alone(tmp_path: Path) -> None:
    """And its neighbour, which looks where its own images begin or end."""
    files = [put(tmp_path, f"p/{n:04}.png", PNG) for n in range(0, 6000, 2)]
    before = ImagesReader().units(files)
    after = ImagesReader().units([*files, put(tmp_path, "p/0801.png", PNG)])
    assert len(before) > 10
    assert sum(unit not in before for unit in after) <= 3


def shuffled(files: list[SourceFile]) -> list[SourceFile]:
    return files[1::2] + files[::2]


@pytest.mark.parametrize("order", [shuffled, lambda files: list(reversed(files))])
def test_units_do_not_depend_on_the_order_of_files(
    tmp_path: Path, order: Callable[[list[SourceFile]], list[SourceFile]]
) -> None:
    """However the files come, the units are the same."""
    files = many(tmp_path, UNIT_IMAGES + 20)

    def uris(units: list[Unit]) -> list[list[str]]:
        return [[file.uri for file in (*unit.files, *unit.sidecars)] for unit in units]

    assert uris(ImagesReader().units(order(files))) == uris(ImagesReader().units(files))
