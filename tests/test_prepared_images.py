"""Images as they are published: what passes as it is, what is cut out, what is written again."""

from __future__ import annotations

import io
import random
import struct
import warnings
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from pipeline.targets.prepared import CHANGES, prepare_image

NOVA = ("png", "jpeg", "gif", "webp")
ORIENTATION, GPS = 0x0112, 0x8825


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def pixels(data: bytes) -> bytes:
    return opened(data).convert("RGB").tobytes()


def noise(size: int, mode: str = "RGB") -> Image.Image:
    """A picture that does not compress."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (size, size), random.Random(1).randbytes(size * size * channels))


def photo() -> Image.Image:
    return Image.linear_gradient("L").resize((64, 48)).convert("RGB")


def with_position(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(GPS)[1] = "N"
    return exif


def rotated_with(tag: int, kind: int, count: int, value: bytes) -> bytes:
    """A JPEG of orientation 6 with one more EXIF entry."""
    entries = sorted([(0x0112, 3, 1, struct.pack("<HH", 6, 0)), (tag, kind, count, value)])
    body = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    directory = struct.pack("<H", len(entries)) + body + bytes(4)
    block = b"Exif\0\0II*\0" + struct.pack("<I", 8) + directory
    data = encoded(Image.new("RGB", (40, 20), (200, 1, 1)), "JPEG")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


@pytest.mark.parametrize(
    "entry",
    [
        (0x0128, 2, 2, b"2\0\0\0"),  # ResolutionUnit as a text
        (0x0100, 2, 4, b"400\0"),  # ImageWidth as a text
        (0x0213, 4, 1, struct.pack("<I", 70_000)),  # YCbCrPositioning
        (0x0106, 4, 1, struct.pack("<I", 90_000)),  # PhotometricInterpretation
        (0x8825, 4, 1, struct.pack("<I", 70_000)),  # a GPS block that is not there
    ],
)
def test_a_malformed_exif_value_turns_the_picture_all_the_same(
    entry: tuple[int, int, int, bytes],
) -> None:
    """EXIF is read and never written again, and Pillow's warnings are not shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data, kind, facts = prepare_image(rotated_with(*entry))
    assert (kind, opened(data).size) == ("jpeg", (20, 40))
    assert facts["changed"] == ["image_turned", "image_written_again"]


def test_the_limit_of_pixels_is_the_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe may allow more than Pillow does; other users of Pillow keep their limit."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert prepare_image(encoded(Image.new("L", (64, 64)), "PNG"))[1] == "png"
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("kind", ["png", "gif", "webp", "jpeg"])
def test_a_still_image_in_a_format_that_the_model_takes_stays_as_it_is(kind: str) -> None:
    """Byte for byte, where it has no metadata."""
    data = encoded(photo(), kind.upper())
    assert prepare_image(data, NOVA)[:2] == (data, kind)


@pytest.mark.parametrize("kind", ["png", "gif", "webp", "jpeg"])
def test_metadata_is_cut_out_of_every_format(kind: str) -> None:
    """EXIF, comments, what stands behind the end; no pixel changes."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", "a secret")
    options: dict[str, dict[str, Any]] = {
        "png": {"pnginfo": texts, "exif": with_position()},
        "gif": {"comment": b"a secret"},
        "webp": {"exif": with_position(), "xmp": b"<x>a secret</x>"},
        "jpeg": {"exif": with_position(), "comment": b"a secret", "xmp": b"<x>a secret</x>"},
    }
    stored = encoded(photo(), kind.upper(), **options[kind])
    data, made, facts = prepare_image(stored + b"\0\0\0\x18ftypmp42 a secret video", NOVA)
    assert made == kind
    assert b"secret" not in data
    assert not opened(data).getexif()
    assert pixels(data) == pixels(stored)
    assert facts["changed"] == ["image_metadata_cut"]


@pytest.mark.parametrize("progressive", [False, True])
def test_the_cut_finds_the_end_of_the_picture_itself(progressive: bool) -> None:
    """Fill bytes before a marker, a thumbnail's own end in APP1, scans behind each other."""
    plain = encoded(photo(), "JPEG", progressive=progressive, restart_marker_blocks=2)
    thumbnail = (
        b"\xff\xe1"
        + struct.pack(">H", 2 + 20 + 900)
        + b"Exif\0\0II*\0\x08"
        + bytes(9)
        + encoded(Image.new("RGB", (8, 8)), "JPEG").ljust(900, b"\0")
    )
    stored = plain[:2] + b"\xff\xff" + thumbnail + plain[2:] + b"video"
    data, kind, facts = prepare_image(stored)
    assert (data, kind) == (plain, "jpeg")
    assert facts["changed"] == ["image_metadata_cut"]


def test_of_several_pictures_in_a_jpeg_the_first_passes_without_a_new_loss() -> None:
    """A camera's multi-picture file: the second may show more than the first."""
    plain = encoded(photo(), "JPEG")
    stored = encoded(photo(), "MPO", save_all=True, append_images=[noise(64)])
    data, kind, facts = prepare_image(stored)
    assert (pixels(data), kind) == (pixels(plain), "jpeg")
    assert opened(data).format == "JPEG"
    assert facts["changed"] == ["image_first_frame", "image_metadata_cut"]


def test_only_the_first_picture_of_an_animation_is_published() -> None:
    """A still GIF stays one, a moving one is written again."""
    stored = encoded(photo(), "GIF", save_all=True, append_images=[noise(64)])
    data, kind, facts = prepare_image(stored, NOVA)
    assert (kind, pixels(data)) == ("png", pixels(stored))
    assert facts["changed"] == ["image_first_frame", "image_written_again"]


def test_what_had_losses_before_becomes_a_jpeg() -> None:
    """A photo as PNG is ten times as large and no better."""
    assert prepare_image(encoded(photo(), "WEBP"))[1] == "jpeg"
    assert prepare_image(encoded(photo(), "WEBP", lossless=True))[1] == "png"


def test_what_is_too_heavy_as_png_becomes_a_jpeg() -> None:
    """The limit holds for what is published, not for the source."""
    stored = encoded(noise(200, "P"), "PNG")
    assert prepare_image(stored)[:2] == (stored, "png")
    data, kind, facts = prepare_image(encoded(noise(200, "RGB"), "BMP"), max_bytes=90_000)
    assert (kind, facts["changed"]) == ("jpeg", ["image_written_again"])
    assert len(data) <= 90_000
    assert prepare_image(encoded(noise(200), "BMP"))[1] == "png"


def profile(red: tuple[float, float, float], gamma: float = 2.2) -> bytes:
    """An ICC profile of Display P3 but for the red primary."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + fixed(*values)

    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, int(gamma * 256), 0)
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 4) + b"one\0" + bytes(78),
        b"wtpt": xyz(0.9642, 1, 0.8249),
        b"rXYZ": xyz(*red),
        b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": xyz(0.1571, 0.06657, 0.78407),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, tag in tags.items():
        padded = tag + bytes(-len(tag) % 4)
        table += name + struct.pack(">II", start + len(body), len(padded))
        body += padded
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    light = fixed(0.9642, 1, 0.8249)
    return head + bytes(12) + b"acsp" + bytes(28) + light + bytes(48) + table + body


P3 = profile((0.51512, 0.2412, -0.00105))


@pytest.mark.parametrize(
    ("kind", "orientation", "tolerance"), [("JPEG", 1, 4), ("JPEG", 6, 4), ("PNG", 1, 0)]
)
def test_colours_of_another_space_become_srgb(kind: str, orientation: int, tolerance: int) -> None:
    """Trainers read the numbers as sRGB, whatever the profile says."""
    image = Image.new("RGB", (40, 20), (240, 60, 40))
    source = ImageCms.ImageCmsProfile(io.BytesIO(P3))
    expected = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    assert expected is not None
    exif = with_position(orientation)
    stored = encoded(
        image, kind, icc_profile=P3, exif=exif, **{"quality": 95} if kind == "JPEG" else {}
    )
    data, made, facts = prepare_image(stored)
    seen, right = opened(data).getpixel((5, 5)), expected.getpixel((5, 5))
    assert max(abs(a - b) for a, b in zip(seen, right, strict=True)) <= tolerance  # type: ignore[arg-type]
    assert made == kind.lower()
    assert "image_colours_converted" in facts["changed"]
    assert "icc_profile" not in opened(data).info
    assert prepare_image(stored)[0] == data


def test_a_profile_of_srgb_or_a_broken_one_changes_nothing() -> None:
    """Nor one that does not fit the pixels."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for image, held in ((photo(), srgb), (photo(), b"no profile"), (photo().convert("L"), P3)):
        data = encoded(image, "JPEG", icc_profile=held)
        assert prepare_image(data)[0] == data


def test_deep_greys_with_a_transparent_level_are_scaled_before_they_are_flattened() -> None:
    """They were all white."""
    image = Image.new("I;16", (3, 1))
    for x, level in enumerate((257 * 64, 257 * 200, 5)):
        image.putpixel((x, 0), level)
    data, kind, facts = prepare_image(encoded(image, "PNG", transparency=5))
    assert kind == "png"
    assert [opened(data).convert("L").getpixel((x, 0)) for x in range(3)] == [64, 200, 255]
    assert facts["changed"] == ["image_flattened", "image_written_again"]


def test_a_gray_picture_with_opacity_stays_gray() -> None:
    """As does one with levels between."""
    image = Image.new("LA", (2, 1), (100, 255))
    image.putpixel((1, 0), (100, 0))
    data, _, facts = prepare_image(encoded(image, "PNG"))
    assert [opened(data).convert("L").getpixel((x, 0)) for x in (0, 1)] == [100, 255]
    assert set(facts["changed"]) <= CHANGES.keys()
