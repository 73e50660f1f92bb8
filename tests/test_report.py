"""The report: what it counts, and what it lets out."""

from __future__ import annotations

import copy
import json
import re
import string
import unicodedata
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema_rs
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import LawBroken
from pipeline.evaluation import CONTAMINATION, PLACE, tables_of
from pipeline.record import frame
from pipeline.references import MATCHES
from pipeline.report.html import render_page
from pipeline.report.markup import data, el, visible
from pipeline.report.style import POLICY
from pipeline.report.summary import summary, write_report
from pipeline.report.words import WORDS, Words
from pipeline.schemas_dir import load_schema
from pipeline.shards import write_frame

METRICS = pl.Schema(
    {
        **dict.fromkeys(["target", "id", "document", "source", "locator"], pl.String),
        **dict.fromkeys(["split", "language"], pl.String),
        **dict.fromkeys(["tokens", "bytes", "turns", "images"], pl.Int64),
    }
)
REJECTED = pl.Schema(
    dict.fromkeys(
        (
            *("id", "document", "source", "locator", "stage"),
            *("reason", "value", "threshold", "merged_into"),
        ),
        pl.String,
    )
)
HOSTILE = (
    "<img src=x onerror=alert(1)>\"'--></style></title><script>alert(1)</script>"
    "\u202eexe.\x1b[2J&lt;"
)
BOUND = {"min": None, "max": 900.0}


def measured(number: int, target: str, source: str = "a.md", **changes: Any) -> dict[str, Any]:
    """A rendered record's measures, with changes."""
    return {
        "target": target,
        "id": f"{number:020d}",
        "document": f"{number:020d}",
        "source": source,
        "locator": f"line={number}",
        "split": "train",
        "language": "en",
        "tokens": 100,
        "bytes": 400,
        "turns": 2,
        "images": 0,
    } | changes


def aside(
    number: int, stage: str, reason: str, source: str = "a.md", **more: Any
) -> dict[str, Any]:
    """A record that was set aside."""
    place = {"id": f"{number:020d}", "document": "d", "source": source, "locator": f"row={number}"}
    nothing = dict.fromkeys(["value", "threshold", "merged_into"])
    return place | nothing | {"stage": stage, "reason": reason} | more


def stage(name: str, came: int, reasons: dict[str, int], **more: int) -> dict[str, Any]:
    """A line of the ledger; `kept` is what is left."""
    numbers = {"merged": 0, "divided": 0, "chunks": 0} | more
    rejected = sum(reasons.values()) - numbers["merged"]
    kept = came - rejected - numbers["merged"] - numbers["divided"]
    return {
        "stage": name,
        "came": came,
        "kept": kept,
        "rejected": rejected,
        **numbers,
        "reasons": reasons,
    }


def overlap(number: int, name: str, kind: str = "run", **more: Any) -> dict[str, Any]:
    """A record that shares its text from the second character on with an item."""
    place = {"turn": 0, "start": 1, "end": 9, "source": "a.md", "locator": f"row={number}"}
    item = {"item_source": "exam", "item_locator": "line=1", "item_turn": 0}
    item |= {"item_start": 1, "item_end": 9}
    told = {"id": f"{number:020d}", "set": name, "kind": kind, "share": 0.5, "words": 13.0}
    return told | place | item | {"items": 2} | more


class Run:
    """A small run: ten records, of which two targets keep some; texts from data can be hostile."""

    def __init__(self, folder: Path, text: str = "harmless") -> None:
        self.folder, self.text = folder, text
        folder.mkdir(exist_ok=True)
        self.rejected = [
            aside(1, "read", "invalid_json", text, locator=text, value=text, threshold=text),
            *(aside(n, "dedup", "duplicate", merged_into="0" * 19 + "5") for n in (2, 3)),
            aside(4, "targets.small", "no_completion", value=text),
        ]
        self.metrics = [
            *(measured(n, "large", text) for n in (4, 5, 6)),
            measured(7, "large", language=text, tokens=900, split="validation"),
            *(measured(n, "small", text) for n in (5, 6)),
            measured(7, "small", language=text, tokens=900, split="validation"),
        ]
        ends: Any = dict.fromkeys(("end", "item_end"), 1 + len(text))
        self.overlaps = [overlap(1, text, source=text, locator=text, item_source=text, **ends)]
        self.stages = [
            stage("read", 7, {"invalid_json": 1}),
            stage("dedup", 6, {"duplicate": 2}, merged=2),
            stage("targets.large", 4, {}),
            stage("targets.small", 4, {"no_completion": 1}),
        ]
        self.manifest = self._manifest(text)
        self.gate: dict[str, Any] | None = self._gate(text)

    def _manifest(self, text: str) -> dict[str, Any]:
        records = {"train": 3, "validation": 1}
        limit = {"date": text, "source": text, "confidence": "official"}
        card = {
            "model": "nova-lite",
            "customization": "FINE_TUNING",
            "lifecycle": "active",
            "card_date": text,
            "limits": {
                "tokens_max": limit | {"value": 800},
                "records_max": limit | {"value": 3, "counts": "together"},
                "image_formats": limit | {"value": [text, "png"]},
            },
            "cost": {"usd": 1.5, "item": text, "price": 0.002, "date": text, "confidence": text},
        }
        told = {"format": "conversation", "records": records, "tokens": records, "bytes": records}
        fault = {"rule": "too_many_records", "value": 4, "threshold": 3, "message": text}
        return {
            "run": text,
            "name": text,
            "version": text,
            "recipe": {"name": text},
            "inputs": [
                {"source": text, "bytes": 9, "sha256": "0" * 64, "reader": text, "sidecar": False}
            ],
            "stages": self.stages,
            "targets": {
                "large": told | {"ready": True, "faults": []},
                "small": told | card | {"ready": False, "faults": [fault]},
            },
            "split": {"documents": 4, "in_two_splits": 0},
            "evaluation": {
                text: {
                    "items": 9,
                    "unread": {"read.bad_json": 1},
                    **dict.fromkeys(["searched", "whole", "equal", "passed", "common"], 1),
                }
            },
            "libraries": {"polars": text},
            "python": text,
        }

    def _gate(self, text: str) -> dict[str, Any]:
        check = {"target": "small", "check": "tokens_within_gate", "column": "tokens"}
        told = {"expectation": "expect_column_values_to_be_between", "bounds": BOUND}
        seen = {"passed": True, "observed": None, "records": 3, "unexpected": 0}
        row = {"id": text, "source": text, "locator": None}
        return {
            "passed": True,
            "engine": text,
            "about": text,
            "checks": [check | told | seen],
            "failing": {f"small.{text}": [row] * 20},
        }

    def summary(self) -> dict[str, Any]:
        """The run's summary; holds it against the schema."""
        metrics, rejected = self.folder / "metrics.parquet", self.folder / "rejected.parquet"
        pl.DataFrame(self.metrics, schema=METRICS).write_parquet(metrics)
        pl.DataFrame(self.rejected, schema=REJECTED).write_parquet(rejected)
        overlaps = self.folder / CONTAMINATION
        pl.DataFrame(self.overlaps, schema={**MATCHES, **PLACE}).write_parquet(overlaps)
        self._write_texts()
        told = summary(self.manifest, self.gate, metrics, rejected, self.folder)
        jsonschema_rs.validator_for(load_schema("report.schema.json")).validate(told)
        written = sorted([overlaps.name, metrics.name, rejected.name])
        assert sorted(p.name for p in self.folder.glob("*.parquet")) == written
        return told

    def _write_texts(self) -> None:
        """The record and the item that say the same, where a run's work folder has them."""
        folder = self.folder / "pass-00"
        folder.mkdir(exist_ok=True)
        tables = tables_of(self.folder, "")
        tables.folder.mkdir(parents=True, exist_ok=True)
        if not self.overlaps:
            return
        told = self.overlaps[0]
        item: dict[str, Any] = {"set": self.text, "source": self.text}
        row = {"source": "a.md", "locator": "row=1", "text": f"({self.text})"}
        rows = frame([row]).with_columns(id=pl.lit(told["id"]))
        write_frame(folder / "00000-0000.rejected.arrow", rows)
        item |= {"locator": told["item_locator"], "turn": 0, "text": f"[{self.text}]"}
        tables.write("parts", pl.DataFrame([item]))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A small run of harmless texts."""
    return Run(tmp_path / "run")


class Elements(HTMLParser):
    """What a browser would make of a page: elements, attributes, text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[tuple[str, ...]] = Counter()
        self.values: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag, *sorted(name for name, _ in attrs)] += 1
        self.values += attrs

    def handle_endtag(self, tag: str) -> None:
        self.tags["/" + tag,] += 1

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags["comment",] += 1

    def handle_decl(self, decl: str) -> None:
        self.tags["!" + decl,] += 1


def test_totals_and_ends_of_records(run: Run) -> None:
    """Records before the targets add up; one that any target keeps counts as kept."""
    told = run.summary()
    numbers = {"came": 7, "kept": 4, "rejected": 1, "merged": 2, "divided": 0, "chunks": 0}
    assert told["records"] == numbers
    by_source = {one["source"]: one for one in told["sources"]["shown"]}
    assert by_source["harmless"] == {
        "source": "harmless",
        "records": 4,
        "kept": 3,
        "rejected": 1,
        "merged": 0,
    }
    assert by_source["a.md"]["merged"] == 2
    languages = {"records": 4, "others": 0, "others_share": 0.0}
    shown = [
        {"language": "en", "records": 3, "share": 75.0},
        {"language": "harmless", "records": 1, "share": 25.0},
    ]
    assert told["languages"] == languages | {"shown": shown}


def test_reasons_have_meanings_counts_and_places(run: Run) -> None:
    """A reason tells how often, what it means, and where to look."""
    reasons = run.summary()["reasons"]
    assert reasons["total"] == 3
    first, second, third = reasons["shown"]
    assert (first["reason"], first["records"], first["merged"]) == ("duplicate", 2, 2)
    assert first["samples"][0]["merged_into"] == "0" * 19 + "5"
    assert (second["reason"], second["samples"][0]["locator"]) == ("invalid_json", "harmless")
    assert third["meaning"] == "the record does not end with a turn of the assistant"


def test_duplicates_name_the_record_that_stands(run: Run) -> None:
    """A cluster shows the place of the record that was kept."""
    told = run.summary()["duplicates"]
    [cluster] = told["largest"]
    members = cluster.pop("members")
    assert (told["groups"], told["records"]) == (1, 2)
    assert cluster == {
        "id": "0" * 19 + "5",
        "records": 2,
        "source": "harmless",
        "locator": "line=5",
    }
    assert [one["locator"] for one in members] == ["row=2", "row=3"]


def test_lengths_stand_in_fixed_bins(run: Run) -> None:
    """Every record is in one bin whose bounds hold it; percentiles are values of the data."""
    tokens = [0, 1, 7, 8, 90, 91, 100, 4000, 262143, 262144, 9_000_000]
    run.metrics += [measured(50 + n, "large", tokens=t) for n, t in enumerate(tokens)]
    told = run.summary()["targets"]["large"]["measured"]["tokens"]
    every = sorted([*tokens, 100, 100, 100, 900])
    bins = told["histogram"]
    for one in bins:
        held = [t for t in every if one["from"] <= t and (one["to"] is None or t < one["to"])]
        assert len(held) == one["records"]
    assert sum(one["records"] for one in bins) == len(every)
    assert [one["from"] for one in bins[1:]] == [one["to"] for one in bins[:-1]]
    assert (told["min"], told["p50"], told["max"]) == (0, 100, 9_000_000)
    assert {told[name] for name in told if name.startswith("p")} <= set(every)


def test_limits_stand_beside_the_data(run: Run) -> None:
    """A limit that the data breaks is said to be broken; what was not measured says nothing."""
    limits = {one["limit"]: one for one in run.summary()["targets"]["small"]["limits"]}
    assert (limits["tokens_max"]["seen"], limits["tokens_max"]["met"]) == (900, False)
    assert (limits["records_max"]["seen"], limits["records_max"]["met"]) == (4, False)
    assert (limits["image_formats"]["allowed"], limits["image_formats"]["met"]) == (
        "harmless, png",
        None,
    )


def test_a_broken_gate_makes_a_target_not_ready(run: Run) -> None:
    """A check that failed is a fault of its target, with its count; of all when it is the run's."""
    assert run.summary()["targets"]["large"]["ready"]
    assert run.gate is not None
    run.gate["checks"][0] |= {"target": "large", "passed": False, "unexpected": 2}
    told = run.summary()["targets"]["large"]
    assert not told["ready"]
    assert [fault["rule"] for fault in told["faults"]] == ["gate.tokens_within_gate"]
    assert told["faults"][0]["message"].endswith("gate allows: 2 of 3 records")
    run.gate["checks"][0] |= {"target": "all targets", "observed": 0.25}
    told = run.summary()
    assert [t["faults"][-1]["value"] for t in told["targets"].values()] == [0.25, 0.25]
    assert not told["ready"]


def test_counts_that_contradict_each_other_are_our_bug(run: Run) -> None:
    """A stage that does not balance, and rejects that are not the ledger's, end the run."""
    kept = run.rejected.pop()
    with pytest.raises(LawBroken, match="different counts"):
        run.summary()
    run.rejected.append(kept)
    run.stages[0]["kept"] += 1
    with pytest.raises(LawBroken, match="read: 7 records came in, 8 are accounted for"):
        run.summary()


def test_a_run_of_nothing(run: Run) -> None:
    """No record at all still gives a report, in both languages."""
    run.metrics, run.rejected, run.gate = [], [], None
    run.manifest["stages"] = [stage("read", 0, {})]
    told = run.summary()
    for target in told["targets"].values():
        assert target["measured"]["tokens"]["histogram"] == []
        assert target["measured"]["tokens"]["p50"] is None
    assert "Nothing was set aside." in render_page(told)
    assert "No quality gate was run." in render_page(told)


def test_same_summary_same_bytes(run: Run, tmp_path: Path) -> None:
    """Twice the same, also when the summary comes back from report.json; one language a file."""
    told = run.summary()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    write_report(told, tmp_path / "one")
    again = json.loads((tmp_path / "one" / "report.json").read_bytes())
    write_report(again, tmp_path / "two")
    for name in ("report.json", "report.html"):
        first = (tmp_path / "one" / name).read_bytes()
        assert first == (tmp_path / "two" / name).read_bytes()
        assert first.endswith(b"\n")
        assert b"\r" not in first
    assert '<html lang="en">' in (tmp_path / "one" / "report.html").read_text()
    write_report(told, tmp_path / "two", language="vi")
    page = (tmp_path / "two" / "report.html").read_text()
    assert '<html lang="vi">' in page
    assert "Vì sao có bản ghi bị để riêng" in page
    assert (tmp_path / "two" / "report.json").read_bytes() == (
        tmp_path / "one" / "report.json"
    ).read_bytes()


def test_the_page_can_load_and_run_nothing(run: Run) -> None:
    """The policy comes before anything else, there is no script, and links stay in the page."""
    page = render_page(run.summary())
    elements = Elements(page)
    policy = page.index("Content-Security-Policy")
    assert policy < page.index("<title")
    assert ("content", POLICY) in elements.values
    assert POLICY.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in POLICY
    assert not {tag[0] for tag in elements.tags} & {"script", "iframe", "object", "link", "base"}
    names = {name for name, _ in elements.values}
    assert not any(name.startswith("on") or name in {"src", "srcset", "action"} for name in names)
    assert all(value and value.startswith("#") for name, value in elements.values if name == "href")
    assert not re.search(r"url\(|@import", page)


def test_every_chart_is_said_in_words(run: Run) -> None:
    """A chart is an image with a label, and a table says the same numbers; open when printed."""
    page = render_page(run.summary())
    charts = re.findall(r"<svg[^>]*>", page)
    assert len(charts) == 11
    assert all('role="img"' in chart and re.search('aria-label="[^"]+"', chart) for chart in charts)
    assert page.count("<table>") >= len(charts)
    assert "@media print" in page
    assert "details::details-content" in page
    assert "prefers-color-scheme: dark" in page
    assert page.count("<section") == page.count("</section>") == 16


@pytest.mark.parametrize("language", ["en", "vi"])
def test_hostile_text_stays_text(tmp_path: Path, language: Any) -> None:
    """Names, places and values that hold HTML make the same elements as harmless ones do."""
    harmless = Elements(render_page(Run(tmp_path / "a").summary(), language))
    page = render_page(Run(tmp_path / "b", HOSTILE).summary(), language)
    hostile = Elements(page)
    assert hostile.tags == harmless.tags
    assert "<script" not in page.lower()
    assert "onerror=alert(1)" in hostile.text  # it is there, as text
    assert "‹U+202E›" in hostile.text
    assert "‹U+001B›" in hostile.text
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in page if c != "\n")


def test_a_lone_surrogate_is_written_as_json_writes_it(run: Run, tmp_path: Path) -> None:
    """What is no Unicode text still gives files that can be read."""
    told = run.summary()
    told["name"] = "a\udcffb"
    write_report(told, tmp_path)
    assert json.loads((tmp_path / "report.json").read_bytes())["name"] == "a\udcffb"
    assert "a‹U+DCFF›b" in (tmp_path / "report.html").read_text()


def test_the_files_stay_small(tmp_path: Path) -> None:
    """50,000 rejects of 5,000 sources with long hostile names: under 2 MB, and all are counted."""
    run = Run(tmp_path / "run", ('\u202e"&<' * 400))
    many = [
        aside(
            1000 + n,
            f"stage{n % 100}",
            f"reason{n % 100}",
            f"{run.text}{n % 5000}",
            locator=run.text,
            value=run.text,
            threshold=run.text,
        )
        for n in range(50_000)
    ]
    run.rejected += many
    read, dedup, *targets = run.stages
    read["came"] += 50_000
    read["kept"] += 50_000
    more = [stage(f"stage{n}", 50_006 - 500 * n, {f"reason{n}": 500}) for n in range(100)]
    run.manifest["stages"] = [read, *more, dedup, *targets]
    source = run.manifest["inputs"][0]
    run.manifest["inputs"] = [source | {"source": f"{run.text}{n}"} for n in range(5000)]
    run.manifest["recipe"] = {"sources": [run.text] * 1000}
    told = run.summary()
    write_report(told, tmp_path)
    assert (tmp_path / "report.html").stat().st_size < 2_000_000
    assert (tmp_path / "report.json").stat().st_size < 2_000_000
    assert told["reasons"]["total"] == 103
    assert (told["sources"]["total"], told["provenance"]["files"]) == (5002, 5000)
    assert "43 more are not shown." in (tmp_path / "report.html").read_text()


def test_both_languages_say_the_same_things() -> None:
    """Every word stands in both languages with the same places for values."""
    fields = string.Formatter()
    for english, vietnamese in WORDS.values():
        assert vietnamese.strip()
        names = [
            {n for _, n, _, _ in fields.parse(text)} - {None} for text in (english, vietnamese)
        ]
        assert names[0] == names[1]


def test_every_word_is_used() -> None:
    """A word that no page says is a word too many."""
    sources = Path(__file__).parent.parent.joinpath("pipeline", "report").glob("*.py")
    code = "".join(path.read_text() for path in sources if path.name != "words.py")
    built = {f"{part}_note" for part in ("came", "kept", "rejected", "merged", "divided")}
    built |= {f"per_{item}" for item in ("train_per_1k_tokens", "train_per_image", "train_hour")}
    splits = {"train", "validation", "test"}
    assert [
        word for word in WORDS.keys() - built - splits if not re.search(f"[\"']{word}[\"']", code)
    ] == []


@pytest.mark.parametrize(
    ("value", "english", "vietnamese"),
    [
        (1234567, "1,234,567", "1.234.567"),
        (0.25, "0.25", "0,25"),
        (None, "–", "–"),
        (2.0, "2", "2"),
    ],
)
def test_numbers_follow_the_language(value: Any, english: str, vietnamese: str) -> None:
    """Separators are those of the page's language."""
    assert (Words("en").measure(value), Words("vi").measure(value)) == (english, vietnamese)


def test_small_shares_do_not_vanish() -> None:
    """A share above zero is never shown as 0.0 %."""
    assert Words("en").per_cent(0.0, 1) == "< 0.1 %"
    assert Words("en").per_cent(0.0, 0) == "0.0 %"
    assert Words("vi").per_cent(33.3, 1) == "33,3 %"


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Lo", "Ps"]), max_size=40))
def test_no_invisible_character_reaches_a_page(text: str) -> None:
    """Whatever a name holds, only characters that show, and line breaks, come out."""
    seen = {unicodedata.category(c) for c in visible(text) if c != "\n"}
    assert not seen & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(st.sampled_from("<>&\"'= /aonscript!-\u202e\x00\n"), max_size=60))
def test_text_and_attributes_cannot_open_an_element(text: str) -> None:
    """Any text, as content and as an attribute, gives exactly the elements that were built."""
    built = Elements(el("p", text, data(text), title=text))
    assert built.tags == Counter({("p", "title"): 1, ("bdi",): 1, ("/bdi",): 1, ("/p",): 1})
    assert built.text == visible(text) * 2


def test_a_report_leaves_its_summary_as_it_was(run: Run) -> None:
    """Rendering changes nothing in the summary, nor does summing change the manifest."""
    before = copy.deepcopy(run.manifest)
    told = run.summary()
    assert run.manifest == before
    kept = copy.deepcopy(told)
    render_page(told)
    assert told == kept
