"""`dedup_image`: the same pixels, whatever the file."""

from __future__ import annotations

import json

import polars as pl

from pipeline.record import frame
from pipeline.stages.dedup_image import DedupImage


def picture(name: str, pixels: str, text: str | None = None, **more: object) -> dict[str, object]:
    extra = json.dumps({"images": [{"width": 1, "pixels_sha256": pixels}]})
    return {"id": name, "source": name, "text": text, "images": [name], "extra": extra, **more}


def duplicates(rows: list[dict[str, object]], **settings: str) -> dict[str, str]:
    stage = DedupImage(**settings)
    votes = stage.decide(stage.sketch(frame(rows)))
    return dict(votes.select("id", pl.col("rejected").struct.field("merged_into")).iter_rows())


def test_same_pixels() -> None:
    """Captions do not count, unless asked to."""
    rows = [
        picture("b.jpg", "1", "tea"),
        picture("a.png", "1", "cup"),
        picture("c.png", "2", "tea"),
        picture("d.png", "1", " tea "),
    ]
    assert duplicates(rows) == {"b.jpg": "a.png", "d.png": "a.png"}
    assert duplicates(rows, on="pixels_and_caption") == {"d.png": "b.jpg"}


def test_captions_of_one_file_stay() -> None:
    """A set with five captions a picture teaches by all five; a copy of the file adds none."""
    said = ["tea", "a cup", " tea ", "green tea"]
    rows = [picture(f"a{n}", "1", text, source="a.png") for n, text in enumerate(said)]
    copies = [picture(f"b{n}", "1", text, source="b.png") for n, text in enumerate(said[:2])]
    merged = {"a2": "a0", "b0": "a0", "b1": "a0"}
    assert duplicates(rows + copies) == merged
    assert duplicates(copies[::-1] + rows[::-1]) == merged
    whole = duplicates(rows + copies, on="pixels_and_caption")
    assert whole == {"a2": "a0", "b0": "a0", "b1": "a1"}


def test_questions_about_one_picture_stay() -> None:
    """Labelled records are the same only with the same turns."""
    ask = [[{"role": "user", "text": q}, {"role": "assistant", "text": "a"}] for q in "pqp"]
    rows = [picture(name, "1", messages=turns) for name, turns in zip("abc", ask, strict=True)]
    assert duplicates([*rows, picture("d", "1")]) == {"c": "a"}


def test_what_cannot_be_compared_stays() -> None:
    """No digest, several images, no image, or an `extra` that is not JSON."""
    twins = [picture(name, "1") | {"images": ["x", "y"]} for name in "ab"]
    blank = [
        picture(name, "1") | {"extra": extra}
        for name, extra in zip("cdefg", [None, "{}", "{", "{}", "{"], strict=True)
    ]
    plain = [picture(name, "1") | {"images": images} for name, images in (("h", None), ("i", []))]
    assert duplicates([*twins, *blank, *plain]) == {}
