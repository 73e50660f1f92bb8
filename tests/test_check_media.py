"""Videos and documents that a data set names: opened, measured, held against the card."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
from collections import Counter
from pathlib import Path

import pytest
from check_sets import conversation, dumped, media, minimal, turn
from conftest import Command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from media_files import PDF, box, mkv, mp4
from PIL import Image
from test_prepared_images import rotated_with

from pipeline.bedrock.card import Plan
from pipeline.bedrock.cards import find_card, with_quota
from pipeline.check import CheckResult, check_files
from pipeline.checks.video_file import Video, read_video

NOVA = find_card("nova-2-lite").plan("sft")
TITAN = find_card("titan-multimodal-embeddings").plan()


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (mp4(12.5), Video("mp4", 12.5)),
        (mp4(12.5, version=1), Video("mp4", 12.5)),
        (mp4(80_000, version=1, scale=90_000), Video("mp4", 80_000)),
        (mp4(0), Video("mp4", None)),
        (mp4(3, brand=b"qt  "), Video("mov", 3)),
        (mp4(3)[20:], Video("mov", 3)),
        (mkv(90.25), Video("mkv", 90.25)),
        (mkv(7, b"webm"), Video("webm", 7)),
        (mkv(7, live=True), Video("mkv", 7)),
        (mkv(None, live=True), Video("mkv", None)),
    ],
)
def test_a_video_says_what_it_is(data: bytes, expected: Video, tmp_path: Path) -> None:
    """By its own headers, whichever end they stand at; old QuickTime has no brand."""
    assert read_video(written(tmp_path, "v", data)) == expected


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF1234AVI ", mp4(3)[:-20], mp4(3)[:100], mkv(3)[:12], PDF, box(b"ftyp", b"isom")],
)
def test_what_is_no_video_is_told(data: bytes, tmp_path: Path) -> None:
    """Another file, or one that was cut short."""
    with pytest.raises(ValueError, match=r"\w"):
        read_video(written(tmp_path, "v", data))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.sampled_from([mp4(3), mp4(3, version=1), mkv(3), mkv(3, live=True)]),
    at=st.integers(0, 600),
    noise=st.binary(max_size=12),
)
def test_no_bytes_bring_it_down(data: bytes, at: int, noise: bytes, tmp_path: Path) -> None:
    """A video, or a ValueError."""
    path = written(tmp_path, "v", data[:at] + noise + data[at + len(noise) :])
    with contextlib.suppress(ValueError):
        assert read_video(path).format in {"mp4", "mov", "mkv", "webm"}


VIDEOS = {
    "video-unreadable": b"no video",
    "video-signature": mp4(5, brand=b"qt  "),
    "video-too-heavy": mp4(5) + box(b"free", bytes(50_000_000)),
    "video-too-long": mp4(90.5),
    "video-length-unknown": mp4(0),
}
DOCUMENTS = {
    "document-signature": b"PK\x03\x04 a Word file",
    "document-too-heavy": PDF + bytes(10_000_000),
}


def data_set(folder: Path, kind: str, form: str) -> Path:
    """Five records, each with a file of its own; the third one's is `3.…`."""
    records = [
        conversation(turn("user", media(kind, f"{n}.{form}"), "q"), turn("assistant", "a"))
        for n in range(1, 6)
    ]
    return written(folder, "train.jsonl", b"".join(dumped(r) + b"\n" for r in records))


@pytest.mark.parametrize("rule", [*VIDEOS, *DOCUMENTS])
@pytest.mark.parametrize("beside", [True, False])
def test_local_media_are_measured(rule: str, beside: bool, tmp_path: Path) -> None:
    """Each rule by a file that breaks it alone, at the line that names it."""
    kind, form, good = ("video", "mp4", mp4(90)) if rule in VIDEOS else ("document", "pdf", PDF)
    folder = tmp_path / (f"{kind}s" if beside else "elsewhere")
    folder.mkdir()
    for n in (1, 2, 4):
        written(folder, f"{n}.{form}", good)
    written(folder, f"3.{form}", (VIDEOS | DOCUMENTS)[rule])
    path = data_set(tmp_path, kind, form)
    plan = with_quota(NOVA, {"records_min": 5})
    result = check_files([path], plan=plan, media=None if beside else folder)
    told = Counter((f.rule, f.line) for f in result.faults if f.severity != "note")
    assert told == {(rule, 3): 1}
    assert result.ok == (rule == "video-length-unknown")


def captioned(
    folder: Path, *keys: str, plan: Plan = TITAN, media: Path | None = None
) -> CheckResult:
    """The check of images with captions, by their keys in S3."""
    lines = [dumped({"image-ref": f"s3://b-x/{key}", "caption": "a cat"}) for key in keys]
    path = written(folder, "train.jsonl", b"\n".join(lines))
    return check_files([path], plan=with_quota(plan, {"records_min": 1}), media=media)


def rules(result: CheckResult) -> dict[str, int | None]:
    """Each rule that is broken, with the line where it was first."""
    told = {f.rule: f.line for f in reversed(result.faults)}
    return {rule: line for rule, line in told.items() if rule != "own-quota"}


def picture(width: int, height: int, form: str = "PNG") -> bytes:
    """Noise, which no format packs."""
    buffer = io.BytesIO()
    Image.effect_noise((width, height), 64).save(buffer, form)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_an_image_that_is_cut_off_is_refused(form: str, share: float, tmp_path: Path) -> None:
    """As `prepare` refuses it; the whole one passes."""
    folder, whole = tmp_path / "images", picture(600, 600, form)
    folder.mkdir()
    name = f"1.{form.lower()}"
    written(folder, name, whole)
    assert rules(captioned(tmp_path, f"m/{name}")) == {}
    written(folder, name, whole[: int(len(whole) * share)])
    result = captioned(tmp_path, f"m/{name}", f"m/{name}")
    assert (rules(result), result.counts["image-unreadable"]) == ({"image-unreadable": 1}, 2)


def test_large_images_are_measured_and_not_decoded(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """By their headers: too large for one model, and told of where no limit is known."""
    (tmp_path / "images").mkdir()
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    written(tmp_path / "images", "1.png", buffer.getvalue())
    told = rules(captioned(tmp_path, "1.png"))
    assert told == {"image-too-large": 1, "image-too-many-pixels": 1}
    record = conversation(turn("user", media("image", "1.png"), "q"), turn("assistant", "a"))
    path = written(tmp_path, "train.jsonl", dumped(record) + b"\n")
    plan = with_quota(NOVA, {"records_min": 1})
    assert "image-not-decoded" in rules(check_files([path], plan=plan))
    assert not recwarn.list


def test_media_are_found_by_the_end_of_their_keys(tmp_path: Path) -> None:
    """In sub-folders, never another file of the same name; what is not here is noted."""
    good, tiny = picture(600, 600), picture(60, 60)
    images = tmp_path / "images"
    (images / "cats").mkdir(parents=True)
    (images / "m" / "cats").mkdir(parents=True)
    written(images, "1.png", tiny)
    written(images / "cats", "1.png", good)
    assert rules(captioned(tmp_path, "x/cats/1.png")) == {}
    assert rules(captioned(tmp_path, "images/cats/1.png")) == {}
    assert rules(captioned(tmp_path, "x/dogs/1.png")) == {"image-too-small": 1}
    written(images / "m" / "cats", "1.png", tiny)
    assert rules(captioned(tmp_path, "m/cats/1.png")) == {"image-too-small": 1}
    result = captioned(tmp_path, "x/cats/1.png", "images/dogs/1.png", "../images/1.png")
    assert (result.ok, rules(result)) == (True, {"media-not-opened": 2})
    told = next(fault for fault in result.faults if fault.rule == "media-not-opened")
    assert "opened 1 of 3; the first that is not here: s3://b-x/images/dogs/1.png" in told.message


def test_a_folder_with_none_of_the_media_is_told(tmp_path: Path) -> None:
    """It is the wrong folder; nothing is said where no folder of media was given or is there."""
    (tmp_path / "wrong").mkdir()
    result = captioned(tmp_path, "m/1.png", "m/2.png", media=tmp_path / "wrong")
    assert (result.ok, rules(result)) == (False, {"media-missing": 1})
    assert rules(captioned(tmp_path, "m/1.png")) == {}


def test_names_of_images_that_are_not_here(tmp_path: Path) -> None:
    """By what they end in; parentheses are the API's to allow, and not Nova's."""
    result = captioned(tmp_path, "a.png", "b.JPG", "no-end", "a.v2", "c.webp")
    assert (result.ok, rules(result)) == (True, {"image-name": 5})
    assert captioned(tmp_path, "my-pets/cat(0).png").counts.keys() <= {"own-quota"}
    canvas = find_card("nova-canvas").plan()
    (fault,) = [f for f in captioned(tmp_path, "cat(0).png", plan=canvas).faults if f.line]
    assert (fault.rule, "/nova/" in fault.source) == ("media-uri", True)
    (fault,) = [f for f in captioned(tmp_path, "cat 0.png").faults if f.line]
    assert (fault.rule, fault.source) == ("media-uri", "botocore, service model bedrock/2023-04-20")


def test_other_formats_do_not_look_for_media(tmp_path: Path) -> None:
    """A folder of documents beside a file of prompts is none of its business."""
    (tmp_path / "documents").mkdir()
    path = written(tmp_path, "train.jsonl", dumped(minimal("prompt_completion", 1)) + b"\n")
    assert check_files([path], format_name="prompt_completion").counts == {}


def test_the_command_takes_a_folder_of_media(bedrock_prep: Command, tmp_path: Path) -> None:
    """And refuses one that is not there."""
    data_set(tmp_path, "document", "pdf")
    (tmp_path / "pdfs").mkdir()
    written(tmp_path / "pdfs", "3.pdf", b"none")
    line = ["check", str(tmp_path / "train.jsonl"), "--model", "nova-2-lite", "--media"]
    done = bedrock_prep(*line, str(tmp_path / "pdfs"))
    assert done.returncode == 3
    assert "train.jsonl:3: error: document-signature" in done.stdout
    assert bedrock_prep(*line, str(tmp_path / "nowhere")).returncode == 2


def test_a_large_image_with_broken_exif_is_measured_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its header is read, so that Pillow's limit and its warnings are no faults of it."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    record = conversation(
        turn("user", media("image", "3.jpeg", "jpeg"), "q"), turn("assistant", "a")
    )
    path = written(tmp_path, "train.jsonl", dumped(record) + b"\n")
    (tmp_path / "images").mkdir()
    with_exif = rotated_with(0x011A, 5, 1, struct.pack("<I", 70_000))  # points behind the end
    written(tmp_path / "images", "3.jpeg", with_exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = check_files([path], plan=with_quota(NOVA, {"records_min": 1, "image_side_min": 1}))
    assert [fault.rule for fault in result.faults if fault.severity == "error"] == []
