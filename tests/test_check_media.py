"""Videos and documents that a data set names: opened, measured, held against the card."""

from __future__ import annotations

import contextlib
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

from pipeline.bedrock.cards import find_card, with_quota
from pipeline.check import check_files
from pipeline.checks.video_file import Video, read_video

NOVA = find_card("nova-2-lite").plan("sft")


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
