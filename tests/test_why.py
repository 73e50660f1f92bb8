"""`why`: a record's whole way, found by id, source, output line or a text."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.errors import RecipeError, StorageError
from pipeline.made import at, in_use_path
from pipeline.progress import Lines
from pipeline.published import PublishedRun, open_run
from pipeline.recipe import load_recipe
from pipeline.record import frame
from pipeline.run import Options, prepare
from pipeline.shards import write_frame
from pipeline.why.text import set_aside, why_text
from pipeline.why.way import why

RECIPE = """\
name: way
sources: [{path: docs/}]
stages: [clean, quality: {min_words: 5}, dedup_exact, chunk: {max_tokens: 64}]
targets:
  corpus: {format: pretraining_text}
  other: {format: pretraining}
split: {validation: 0.3, group_by: document}
"""
PAGE = "Tea number {n} is picked by hand, dried in the shade, and says “{n} times nhẹ nhàng”. "


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a dozen pages: one too short, one empty, three alike."""
    folder = tmp_path_factory.mktemp("why")
    docs = folder / "docs"
    docs.mkdir()
    for number in range(9):
        (docs / f"{number}.md").write_text(PAGE.format(n=number) * (1 + number))
    for name in ("copy-a.md", "copy-b.md"):
        (docs / name).write_text(PAGE.format(n=8) * 9)
    (docs / "short.md").write_text("Sold out today.")
    (docs / "empty.md").write_text(" ")
    (folder / "recipe.yaml").write_text(RECIPE)
    recipe = load_recipe(folder / "recipe.yaml")
    options = Options(output=str(folder / "out"), workers=1)
    prepare(recipe, folder, options, Lines(io.StringIO(), as_json=False))
    return folder / "out"


@pytest.fixture
def run(output: Path) -> PublishedRun:
    return open_run(str(output))


def test_an_output_may_lie_below_a_folder_runs(
    output: Path, run: PublishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what ends in `runs/` and a digest is the folder of a run."""
    shutil.copytree(output, tmp_path / "runs/tea", ignore=shutil.ignore_patterns(".work"))
    monkeypatch.chdir(tmp_path)
    for base in ("runs/tea", str(tmp_path / "runs/tea")):
        for uri in (base, f"{base}/", f"{base}/runs/{run.run}", f"{base}/runs/{run.run}/"):
            assert (open_run(uri).place.uri, open_run(uri).run) == (base, run.run)
    monkeypatch.chdir("runs/tea")
    assert open_run(f"runs/{run.run}").run == open_run(".").run == run.run
    for missing in (f"runs/{'0' * 20}", "runs/tea"):
        with pytest.raises(StorageError, match=r"no such run|no run is published"):
            open_run(missing)


def line_of(run: PublishedRun, source: str) -> dict[str, Any]:
    """The first lineage row of a source."""
    return why(run, source).lines[0]


def test_an_output_line_leads_back_to_its_record(run: PublishedRun, output: Path) -> None:
    """Every line of every file, to the record whose text it holds."""
    for file in run.manifest["files"]:
        if not file["path"].endswith(".jsonl"):
            continue
        lines = (output / "runs" / run.run / file["path"]).read_text().splitlines()
        for number, line in enumerate(lines, start=1):
            way = why(run, f"{file['path']}:{number}")
            here = {f"{row['target']}/{row['split']}.jsonl:{row['line']}" for row in way.lines}
            assert f"{file['path']}:{number}" in here
            assert len({row["id"] for row in way.lines}) == 1
            page = Path(way.lines[0]["source"]).stem.removeprefix("copy-")
            assert page in "abcdef" or f"Tea number {page} " in json.dumps(json.loads(line))


def test_a_line_that_is_not_there_is_refused(run: PublishedRun) -> None:
    """As is anything else that the run has never seen."""
    for what in ("corpus/train.jsonl:999", "nowhere/train.jsonl:1", "0" * 20, "nothing.md"):
        with pytest.raises(RecipeError, match="no such record id, document, source or line"):
            why(run, what)


def test_what_stands_for_others_names_them(run: PublishedRun) -> None:
    """Asked for the one that is kept, and for one that was merged."""
    way = why(run, "docs/8.md")
    assert sorted(row["source"] for row in way.merged) == ["docs/copy-a.md", "docs/copy-b.md"]
    told = "\n".join(way.told())
    assert "merged into it: docs/copy-a.md" in told
    merged = why(run, "docs/copy-a.md")
    assert [row["source"] for row in merged.rejections] == ["docs/copy-a.md"]
    assert [row["source"] for row in merged.merged] == ["docs/copy-b.md"]
    assert {row["source"] for row in merged.lines} == {"docs/8.md"}


def test_chunks_lines_and_split_are_told(run: PublishedRun) -> None:
    """How many chunks, where each stands, and why it is in this split."""
    way = why(run, "docs/8.md")
    [(parent, chunks)] = way.chunks().items()
    assert len(chunks) > 1
    assert {row["id"] for row in way.lines} == set(chunks)
    assert len(way.lines) == 2 * len(chunks)
    told = "\n".join(way.told())
    assert f"{parent} was divided into chunks; chunks that were kept: {len(chunks)}" in told
    split = way.lines[0]["split"]
    cause = f"in {split} with all records of document {parent}: the digest of its document decides"
    assert f"{cause}, 0.3 asked for validation" in told
    assert json.loads(json.dumps(way.as_json()))["split"]["group_by"] == "document"


def test_a_rejection_has_its_value_its_threshold_and_the_way_before(run: PublishedRun) -> None:
    """What was measured, what was allowed, what it had passed."""
    told = "\n".join(why(run, "short.md").told())
    assert "rejected by quality: too_short, value 3, threshold 5" in told
    assert "passed before: read → clean" in told


def test_the_beginning_of_an_id_is_enough(run: PublishedRun) -> None:
    """Six digits; an id that is whole is looked up as such."""
    row = line_of(run, "docs/3.md")
    for what in (row["id"], row["id"][:8], row["document"]):
        assert row in why(run, what).lines


def test_a_place_is_understood_as_it_is_told(sold: PublishedRun) -> None:
    """`why` and `withdraw` print sources with the place of a record in them."""
    [row] = why(sold, "pairs.jsonl (line=2)").lines[:1]
    assert (row["source"], row["locator"]) == ("pairs.jsonl", "line=2")
    with pytest.raises(RecipeError):
        why(sold, "pairs.jsonl (line=200)")


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> PublishedRun:
    """A run of pairs of two customers and of a text that no target takes."""
    folder = tmp_path_factory.mktemp("sold")
    lines = [
        {"prompt": f"Leaf {n}?", "completion": f"Steep it {n} minutes.", "customer": f"c{n % 2}"}
        for n in range(8)
    ]
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "text.txt").write_text("Tea is picked by hand and dried in the shade.")
    columns = {"prompt": "prompt", "completion": "completion", "metadata": ["customer"]}
    recipe = {
        "name": "sold",
        "sources": [
            {"path": "text.txt"},
            {"path": "pairs.jsonl", "reader": "jsonl", "columns": columns},
        ],
        "stages": ["clean"],
        "targets": {"p": {"format": "prompt_completion"}, "v": {"format": "conversation"}},
        "split": {"validation": 0.2, "group_by": "$.metadata.customer"},
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    options = Options(output=str(folder / "out"), workers=1)
    settings = load_recipe(folder / "recipe.yaml")
    prepare(settings, folder, options, Lines(io.StringIO(), as_json=False))
    return open_run(str(folder / "out"))


def test_a_split_by_a_json_path_is_told(sold: PublishedRun) -> None:
    """The lineage does not hold what stands there; that it decides is all there is to say."""
    told = [line for line in why(sold, "pairs.jsonl").told() if line.startswith("  in ")]
    [line] = told
    assert (
        "with all records of the same $.metadata.customer, or of the same document if they" in line
    )
    assert line.endswith(": its digest decides, 0.2 asked for validation")


def test_a_target_is_not_passed_before_another(sold: PublishedRun) -> None:
    """They stand beside one another: both rejected the text, and it had passed neither."""
    told = list(why(sold, "text.txt").told())
    assert [line.split("  ")[-1].split(":")[0] for line in told[::2]] == [
        "rejected by targets.p",
        "rejected by targets.v",
    ]
    assert told[1::2] == ["  passed before: read → clean → split"] * 2


@pytest.mark.parametrize("text", ["Tea number 8 is", "“8 times nhẹ nhàng”", "8 times nhẹ"])
def test_a_text_is_found_in_the_lines(run: PublishedRun, text: str) -> None:
    """With quotes and letters that JSON may write otherwise."""
    way = why_text(run, text)
    assert {row["source"] for row in way.lines} == {"docs/8.md"}


def test_a_text_is_found_among_the_rejected(run: PublishedRun, output: Path) -> None:
    """As long as the work folder is there; with it gone the lines alone are searched."""
    way = why_text(run, "Sold out today")
    assert [row["reason"] for row in way.rejections] == ["too_short"]
    shutil.move(output / ".work", output / ".moved")
    try:
        with pytest.raises(
            RecipeError, match=r"no searched record of run .* contains 'Sold out today'"
        ):
            why_text(run, "Sold out today")
    finally:
        shutil.move(output / ".moved", output / ".work")


def test_a_text_that_is_none_is_refused(run: PublishedRun) -> None:
    """A blank one would be found everywhere, bytes of another encoding nowhere."""
    with pytest.raises(RecipeError, match="the text is blank"):
        why_text(run, "  ")
    with pytest.raises(RecipeError, match="is not valid UTF-8"):
        why_text(run, "ch\udce0o")


def test_a_row_that_other_votes_have_left_behind_is_not_found(tmp_path: Path) -> None:
    """It is in a file of an earlier run, and no unit tells of it."""
    folder = tmp_path / "pass-01"
    folder.mkdir()
    rows = frame([{"source": name, "id": name, "text": "the porcelain lid"} for name in "ab"])
    write_frame(folder / "00-0000.rejected.arrow", rows)
    assert set_aside(tmp_path, "porcelain") == ["a", "b"]
    place = pl.DataFrame({"rejected": [1], at("rejected"): [1]})
    write_frame(in_use_path(f"{folder}/00-0000"), place)
    assert set_aside(tmp_path, "porcelain") == ["b"]
