"""Images on their way out: upright, bare of metadata, in a format that every model takes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.record import frame
from pipeline.targets.bare_images import without_metadata
from pipeline.targets.images import image_name
from pipeline.targets.prepared import prepare_image

ORIENTATION, GPS = 0x0112, 0x8825


def photo() -> Image.Image:
    """40 x 20, red left, blue right."""
    image = Image.new("RGB", (40, 20), "red")
    image.paste("blue", (20, 0, 40, 20))
    return image


def saved(path: Path, image: Image.Image, orientation: int | None = None, **options: Any) -> Path:
    """The image as a file, its format by its name."""
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
        exif[GPS] = {1: "N"}
        options["exif"] = exif
    image.save(path, **options)
    return path


def pixels(data: bytes) -> Image.Image:
    """The bytes, decoded."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_a_bare_jpeg_passes_byte_for_byte(tmp_path: Path) -> None:
    """No second generation of losses."""
    path = saved(tmp_path / "a.jpg", photo())
    data, kind, facts = prepare_image(path.read_bytes())
    assert (data, kind) == (path.read_bytes(), "jpeg")
    assert facts == {"width": 40, "height": 20, "source_format": "jpeg", "changed": []}


def test_metadata_is_cut_without_touching_a_pixel(tmp_path: Path) -> None:
    """EXIF with a position, and a comment, are gone."""
    path = saved(tmp_path / "a.jpg", photo(), orientation=1, comment=b"a secret")
    data, kind, facts = prepare_image(path.read_bytes())
    assert kind == "jpeg"
    assert b"secret" not in data
    assert b"Exif" not in data
    assert not Image.open(io.BytesIO(data)).getexif()
    assert pixels(data).tobytes() == pixels(path.read_bytes()).tobytes()
    assert facts["changed"] == ["image_metadata_cut"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_stand_upright(tmp_path: Path, orientation: int) -> None:
    """All eight orientations; the corner that EXIF calls top left is at the top left."""
    stored = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    image = photo()
    turned = image.transpose(stored[orientation]) if orientation in stored else image
    path = saved(tmp_path / "a.jpg", turned, orientation=orientation)
    data, kind, facts = prepare_image(path.read_bytes())
    seen = pixels(data)
    assert kind == "jpeg"
    assert seen.size == (facts["width"], facts["height"])
    assert seen.size == ((20, 40) if orientation in (5, 7, 8) else (40, 20))
    if orientation in (1, 3, 6):
        red, _, blue = seen.getpixel((2, 10))  # type: ignore[misc]
        assert red > 200 > blue


def test_transparency_becomes_white(tmp_path: Path) -> None:
    """Trainers drop the alpha channel and would show what was hidden under it."""
    path = saved(tmp_path / "a.webp", Image.new("RGBA", (4, 4), (255, 0, 0, 0)), lossless=True)
    data, kind, facts = prepare_image(path.read_bytes())
    assert (kind, pixels(data).getpixel((0, 0))) == ("png", (255, 255, 255))
    assert "image_flattened" in facts["changed"]


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    """Pillow's own conversion turns nearly everything white."""
    image = Image.new("I;16", (2, 1))
    image.putpixel((0, 0), 257 * 64)
    image.putpixel((1, 0), 65535)
    data, kind, _ = prepare_image(saved(tmp_path / "a.png", image).read_bytes())
    assert kind == "png"
    assert [pixels(data).getpixel((x, 0))[0] for x in (0, 1)] == [64, 255]  # type: ignore[index]


@pytest.mark.parametrize("name", ["a.gif", "a.bmp", "a.tiff", "a.png"])
def test_every_format_without_losses_becomes_png(tmp_path: Path, name: str) -> None:
    """The same bytes each time."""
    path = saved(tmp_path / name, photo())
    data, kind, _ = prepare_image(path.read_bytes())
    assert (kind, data[:4]) == ("png", b"\x89PNG")
    assert prepare_image(path.read_bytes())[0] == data


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, 700), noise=st.binary(max_size=30))
def test_any_bytes_are_an_image_or_a_value_error(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes
) -> None:
    """Never another exception, never a half picture passed on in silence."""
    path = saved(tmp_path_factory.mktemp("i") / "a.jpg", photo(), orientation=1)
    path.write_bytes(path.read_bytes()[:cut] + noise)
    try:
        data, kind, _ = prepare_image(path.read_bytes())
    except ValueError:
        return
    assert kind == "jpeg"
    pixels(data)


@given(st.binary(max_size=60))
def test_cutting_metadata_ends_on_any_bytes(noise: bytes) -> None:
    """Lengths that lie do not loop or raise."""
    heads = {"jpeg": b"\xff\xd8", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF89a" + bytes(7)}
    for kind, head in heads.items():
        without_metadata(head + noise, kind)
    without_metadata(b"RIFF\xff\0\0\0WEBP" + noise, "webp")


def test_names_tell_what_the_bytes_will_be() -> None:
    """The ending is that of the prepared format; others have no name."""
    formats = ["jpeg", "JPG", "png", "webp", "gif", "bmp", None]
    records = frame(
        {
            "source": "s",
            "id": f"r{n}",
            "document": "d",
            "extra": None if kind is None else f'{{"images":[{{"format":"{kind}"}}]}}',
        }
        for n, kind in enumerate(formats)
    )
    names = records.select(image_name())["id"].to_list()
    assert names == ["r0.jpg", "r1.jpg", "r2.png", "r3.webp", "r4.gif", None, None]
