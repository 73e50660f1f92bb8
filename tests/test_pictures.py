"""The pictures of a target's records: prepared for its model, judged as they are published."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image
from test_prepared_images import encoded, noise, photo, rotated_with
from test_readers import put

from pipeline import pictures
from pipeline.bedrock.cards import find_card, with_quota
from pipeline.errors import SourceChanged
from pipeline.pictures import Pictured, Pictures
from pipeline.readers.images import ImagesReader
from pipeline.record import REJECTED
from pipeline.render import render_lines
from pipeline.rendering import Rendering
from pipeline.targets import LOSSES
from pipeline.targets.contract import Place
from pipeline.targets.conversation import Conversation
from pipeline.targets.image_caption import ImageCaption

TITAN = "titan-multimodal-embeddings"
LARGE = photo().resize((200, 200))


def read(folder: Path, files: dict[str, bytes]) -> pl.DataFrame:
    """A record for each picture, its caption the name of its file."""
    sources = [put(folder, name, data) for name, data in files.items()]
    paths = {one.uri: (str(one.path), one.sha256) for one in sources}
    (folder / "paths.json").write_text(json.dumps(paths))
    pictures._input_paths.cache_clear()
    reader = ImagesReader()
    records = pl.concat(part for unit in reader.units(sources) for part in reader.read(unit))
    return records.with_columns(
        text="source", tokens=pl.lit(9, pl.Int64), rejected=pl.lit(None, REJECTED)
    )


def rendered(folder: Path, records: pl.DataFrame, model: str = TITAN, **quota: Any) -> Pictured:
    """The records as lines for a model, their pictures in the folder."""
    plan = with_quota(next(iter(find_card(model).customizations.values())), quota)
    place = Place("s3://bkt-x/images/", "111122223333")
    target: Any = ImageCaption() if "image_caption" in plan.formats else Conversation()
    rendering = Rendering("t", target, plan, place, False)
    work = Pictures(rendering, folder, folder / "paths.json")
    return work.rendered(records, functools.partial(render_lines, rendering))


def marks(done: Pictured) -> dict[str, tuple[str, str | None] | None]:
    rows = done.rendered.select("source", "rejected").iter_rows()
    return {name: mark and (mark["reason"], mark["value"]) for name, mark in rows}


def test_the_limit_of_bytes_holds_for_what_is_published(tmp_path: Path) -> None:
    """A picture that is too heavy when it is prepared is one record, named by its source."""
    loud = encoded(noise(400), "BMP")
    records = read(tmp_path, {"a.png": encoded(LARGE, "PNG"), "loud.bmp": loud})
    done = rendered(tmp_path, records, image_bytes_max=100_000)
    reason, value = marks(done)["loud.bmp"] or ("", None)
    assert (reason, marks(done)["a.png"]) == ("image_too_heavy", None)
    assert 100_000 < int(value or 0) < len(loud)
    assert [path.name for path in done.files] == [path.name for path in tmp_path.glob("t.image.*")]
    assert len(done.files) == 1
    assert done.rendered["extra"].to_list() == records["extra"].to_list()
    fits = rendered(tmp_path, records, image_bytes_max=len(loud) // 2)
    assert [path.suffix for path in fits.files] == [".png", ".jpg"]


@pytest.mark.parametrize(
    ("model", "endings"),
    [
        (TITAN, {"webp": "jpg", "gif": "png", "bmp": "png", "png": "png"}),
        ("nova-lite", {"webp": "webp", "gif": "gif", "bmp": "png", "png": "png"}),
        ("nova-2-lite", {"webp": "jpg", "gif": "gif", "bmp": "png", "png": "png"}),
    ],
)
def test_a_picture_becomes_what_the_model_takes(
    tmp_path: Path, model: str, endings: dict[str, str]
) -> None:
    """The line names the format of the file that lies there."""
    records = read(tmp_path, {f"a.{kind}": encoded(LARGE, kind.upper()) for kind in endings})
    done = rendered(tmp_path, records, model)
    assert set(marks(done).values()) == {None}
    for source, path, line in zip(
        done.rendered["source"], done.files, done.rendered["line"], strict=True
    ):
        ending = endings[source.partition(".")[2]]
        assert path.suffix == f".{ending}"
        assert f"{path.name.removeprefix('t.image.')}" in line
        with Image.open(path) as image:
            assert str(image.format).lower() == ending.replace("jpg", "jpeg")


def test_a_picture_that_cannot_be_prepared_is_one_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its source and the cause; the others are published."""
    data = encoded(LARGE, "PNG")
    records = read(tmp_path, {"a.png": data, "b.png": encoded(LARGE.rotate(90), "PNG")})
    real = pictures.prepare_image

    def broken(given: bytes, *more: Any) -> Any:
        if given == data:
            raise ValueError("no readable image: a reason")
        return real(given, *more)

    monkeypatch.setattr(pictures, "prepare_image", broken)
    done = rendered(tmp_path, records)
    cause = "a.png: no readable image: a reason"
    assert marks(done) == {"a.png": ("image_not_prepared", cause), "b.png": None}


def test_a_source_that_was_changed_ends_the_run(tmp_path: Path) -> None:
    """It is no fault of the picture."""
    records = read(tmp_path, {"a.png": encoded(LARGE, "PNG")})
    (tmp_path / "a.png").write_bytes(encoded(LARGE, "BMP"))
    with pytest.raises(SourceChanged):
        rendered(tmp_path, records)


def test_nothing_is_prepared_for_a_line_that_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoding costs the most."""
    monkeypatch.setattr(pictures, "prepare_image", None)
    done = rendered(tmp_path, read(tmp_path, {"a.png": encoded(photo(), "PNG")}))
    assert marks(done) == {"a.png": ("image_too_small", "48")}


def test_what_was_done_to_pictures_is_counted(tmp_path: Path) -> None:
    """Under the record's id, with words for people."""
    turned = rotated_with(0x0128, 2, 2, b"2\0\0\0")
    done = rendered(tmp_path, read(tmp_path, {"a.jpg": turned}), image_side_min=1)
    record = done.rendered["id"][0]
    assert done.changes.rows() == [(record, "image_turned", 1), (record, "image_written_again", 1)]
    assert set(done.changes["kind"]) <= LOSSES.keys()


def test_captions_of_one_picture_decode_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stand behind each other."""
    records = read(tmp_path, {"a.png": encoded(LARGE, "PNG")})
    five = pl.concat([records.with_columns(id=pl.lit(f"r{n}")) for n in range(5)])
    calls = []
    real = pictures.prepare_image

    def counted(*given: Any) -> Any:
        calls.append(given)
        return real(*given)

    monkeypatch.setattr(pictures, "prepare_image", counted)
    assert len(rendered(tmp_path, five).files) == 5
    assert len(calls) == 1


def test_text_records_are_rendered_once(tmp_path: Path) -> None:
    """And no folder of pictures is needed."""
    records = read(tmp_path, {"a.png": encoded(LARGE, "PNG")}).with_columns(
        images=pl.lit(None, pl.List(pl.String))
    )
    assert rendered(tmp_path, records).files == []
