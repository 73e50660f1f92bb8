"""Accepted means accepted: what a model takes passes, and each rule catches its own mutant.

Data sets are made from the model cards, so a new card is held to this by being there.
"""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
import test_check_media
from check_mutants import Mutant, mutants
from check_sets import (
    TARGETS,
    Target,
    conversation,
    dumped,
    full,
    joined,
    least,
    media,
    minimal,
    most,
    reasoned,
    smallest,
    turn,
)
from check_where import applies
from PIL import Image

from pipeline.bedrock.cards import with_quota
from pipeline.check import RULES, CheckResult, check_files
from pipeline.checks import chunks
from pipeline.checks.facts import FACTS, NOT_HELD, held_by

MEASURED = "test_local_media_are_measured"
ELSEWHERE = {
    "folder": "test_a_folder_is_not_a_data_set",
    "endless-line": "test_an_endless_line_is_skipped",
    "image-unreadable": "test_local_images_are_measured",
    "image-signature": "test_local_images_are_measured",
    "image-format": "test_local_images_are_measured",
    "image-too-heavy": "test_local_images_are_measured",
    "image-too-small": "test_local_images_are_measured",
    "image-too-large": "test_local_images_are_measured",
    "image-too-many-pixels": "test_local_images_are_measured",
    "image-bad-ratio": "test_local_images_are_measured",
    "image-not-decoded": "test_large_images_are_measured_and_not_decoded",
    "media-not-opened": "test_media_are_found_by_the_end_of_their_keys",
    "media-missing": "test_a_folder_with_none_of_the_media_is_told",
    **dict.fromkeys([*test_check_media.VIDEOS, *test_check_media.DOCUMENTS], MEASURED),
}
"""Rules whose mutant needs more than a file of lines, and the test that has it."""


def checked(folder: Path, target: Target, data: bytes, mutant: Mutant | None = None) -> CheckResult:
    """The verdict on a data set, written to a folder of its own."""
    made = mutant or Mutant("", data)
    paths = [folder / made.name]
    paths[0].write_bytes(made.data)
    if made.second is not None:
        paths.append(folder / "second.jsonl")
        paths[1].write_bytes(made.second)
    validation = None
    if made.validation is not None:
        validation = folder / "validation.jsonl"
        validation.write_bytes(made.validation)
    return check_files(
        paths,
        plan=made.plan or target.plan,
        format_name=target.format,
        validation=validation,
        location=made.location,
    )


def told(result: CheckResult) -> Counter[tuple[str, int | None]]:
    """Rule and line of each fault that is no note."""
    return Counter((f.rule, f.line) for f in result.faults if f.severity != "note")


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_smallest_data_set_passes(target: Target, tmp_path: Path) -> None:
    """With nothing optional in it, at the least number of records."""
    lines = [dumped(smallest(target, n)) for n in range(least(target))]
    result = checked(tmp_path, target, joined(lines, target.format))
    assert (result.ok, told(result)) == (True, Counter())
    assert result.files[0].records == least(target)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_largest_data_set_passes(target: Target, tmp_path: Path) -> None:
    """At the most records, and with everything optional that goes together."""
    lines = [dumped(full(target, n)) for n in range(least(target))]
    rich = checked(tmp_path, target, joined(lines, target.format))
    assert (rich.ok, told(rich)) == (True, Counter())
    lines = [dumped(smallest(target, n)) for n in range(most(target))]
    many = checked(tmp_path, target, joined(lines, target.format))
    assert (many.ok, told(many)) == (True, Counter())
    over = checked(tmp_path, target, joined([*lines, lines[0]], target.format))
    assert not over.ok


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_each_mutant_breaks_its_own_rule_at_its_own_line(target: Target, tmp_path: Path) -> None:
    """Exactly that rule, exactly there, once; a note says so and lets the data pass."""
    for number, mutant in enumerate(mutants(target)):
        folder = tmp_path / str(number)
        folder.mkdir()
        result = checked(folder, target, b"", mutant)
        rule = RULES[mutant.rule]
        shown = f"{mutant.rule}: {mutant.data[:300]!r}"
        assert rule.id in result.counts, shown
        places = Counter((f.rule, f.line) for f in result.faults if f.rule == rule.id)
        assert set(places) == {(rule.id, mutant.line)}, shown
        if rule.severity != "note":
            assert set(told(result)) == set(places), shown
        assert result.ok == (rule.severity != "error"), shown


def test_every_rule_has_a_mutant() -> None:
    """A rule that nothing breaks is not known to work."""
    broken = {mutant.rule for target in TARGETS for mutant in mutants(target)}
    assert broken | ELSEWHERE.keys() == RULES.keys()
    assert not broken & ELSEWHERE.keys()
    known = globals() | vars(test_check_media)
    assert all(name in known for name in ELSEWHERE.values())


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_every_rule_of_a_model_has_a_mutant_there(target: Target) -> None:
    """Each rule is broken for each model, customization and format that it is of, and no other."""
    ours = {rule.id for rule in RULES.values() if applies(rule, target)} - ELSEWHERE.keys()
    broken = {mutant.rule for mutant in mutants(target)}
    assert broken == ours


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_is_held_or_says_why_not(fact: str) -> None:
    """R01 to R23 of the collected facts, each traceable to rules, or to the reason why not."""
    assert bool(held_by(fact)) != (fact in NOT_HELD)


def test_the_facts_are_all_there() -> None:
    """None is left out, and no rule names one that is not."""
    assert list(FACTS) == [f"R{number:02d}" for number in range(1, 24)]
    named = {fact for rule in RULES.values() for fact in rule.facts}
    assert named <= FACTS.keys() | {"limits"}


@pytest.mark.parametrize("rule", RULES)
def test_rules_say_what_to_do_and_where_it_is_written(rule: str) -> None:
    """Names are kebab-case; every rule has a title, a remedy and a source."""
    known = RULES[rule]
    assert known.id == rule == rule.lower().replace("_", "-")
    assert known.title
    assert known.remedy
    assert known.source.startswith(("https://", "botocore"))


def test_the_nova_2_text_set_with_tools_and_reasoning_passes(tmp_path: Path) -> None:
    """Every block that goes without media."""
    target = next(t for t in TARGETS if str(t).startswith("nova-2-lite-fine"))
    lines = [dumped(reasoned(n)) for n in range(200)]
    assert told(checked(tmp_path, target, joined(lines, "conversation"))) == Counter()


def test_one_kind_of_media_in_a_data_set(tmp_path: Path) -> None:
    """Told at the first record of the second kind."""
    target = next(t for t in TARGETS if str(t).startswith("nova-lite-fine"))
    kinds = ["image", "image", "image", "video", *["image"] * 8]
    lines = [
        dumped(conversation(turn("user", media(k), "q"), turn("assistant", "a"))) for k in kinds
    ]
    path = tmp_path / "train.jsonl"
    path.write_bytes(joined(lines, "conversation"))
    result = check_files([path], plan=target.plan, allow=["optional-fields"])
    assert told(result) == Counter({("mixed-media", 4): 1})


def test_a_folder_is_not_a_data_set(tmp_path: Path) -> None:
    """The API wants one object, not a prefix."""
    folder = tmp_path / "train.jsonl"
    folder.mkdir()
    result = check_files([folder], format_name="pretraining")
    assert set(told(result)) == {("folder", None)}


def test_an_endless_line_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told once, the lines after it keep their numbers, and memory is not filled."""
    monkeypatch.setattr(chunks, "MAX_LINE_BYTES", 3_000_000)
    path = tmp_path / "train.jsonl"
    line = b'{"input":"' + b"x" * 9_000_000 + b'"}\n'
    path.write_bytes(b'{"input":"a"}\n' + line + b'{"input":"a"}\n{"input":1}\n')
    result = check_files([path], format_name="pretraining")
    assert told(result) == Counter({("endless-line", 2): 1, ("wrong-type", 4): 1})
    assert result.files[0].records == 4


def picture(width: int, height: int, form: str = "PNG") -> bytes:
    """A black image of that size."""
    buffer = io.BytesIO()
    Image.new("1", (width, height)).convert("L" if form == "JPEG" else "1").save(buffer, form)
    return buffer.getvalue()


IMAGES = {
    "image-unreadable": b"no image",
    "image-format": picture(600, 600, "GIF"),
    "image-too-heavy": picture(600, 600) + bytes(50_000_001),
    "image-too-small": picture(600, 511),
    "image-too-large": picture(4097, 1100),
    "image-too-many-pixels": picture(4096, 3073),
    "image-bad-ratio": picture(2500, 600),
}


@pytest.mark.parametrize("rule", [*IMAGES, "image-signature"])
def test_local_images_are_measured(rule: str, tmp_path: Path) -> None:
    """Those beside the file are opened, by name; what is not there is not judged."""
    (tmp_path / "images").mkdir()
    path = tmp_path / "train.jsonl"
    if rule == "image-signature":
        target = next(t for t in TARGETS if str(t).startswith("nova-lite-fine"))
        record = conversation(turn("user", media("image"), "q"), turn("assistant", "a"))
        (tmp_path / "images" / "one.png").write_bytes(picture(600, 600, "JPEG"))
        path.write_bytes(joined([dumped(record)] * 8, "conversation"))
        expected = Counter({(rule, line): 1 for line in range(1, 9)})
    else:
        target = next(t for t in TARGETS if str(t).startswith("nova-canvas"))
        lines = [dumped(minimal("image_caption", n)) for n in range(1, 7)]
        (tmp_path / "images" / "2.png").write_bytes(picture(600, 600))
        (tmp_path / "images" / "3.png").write_bytes(IMAGES[rule])
        path.write_bytes(joined(lines, "image_caption"))
        expected = Counter({(rule, 3): 1})
    assert told(check_files([path], plan=target.plan)) == expected


def test_training_and_validation_count_together(tmp_path: Path) -> None:
    """Llama's quota is of both; neither alone is over it."""
    target = next(t for t in TARGETS if str(t).startswith("llama-3-1-8b-fine"))
    lines = [dumped(minimal(target.format, n)) for n in range(60)]
    data = joined(lines, target.format)
    plan = with_quota(target.plan, {"records_max": 119})
    both = Mutant("", data, plan=plan, validation=data)
    assert set(told(checked(tmp_path, target, b"", both))) == {("too-many-records", None)}
    alone = Mutant("", data * 2, plan=target.plan)
    assert checked(tmp_path, target, b"", alone).ok
