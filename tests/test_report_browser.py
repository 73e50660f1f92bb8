"""The report in a real browser: nothing is loaded, nothing runs, everything can be read."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import axe_source, open_chromium
from conftest import RECIPES, ROOT, Command, latest
from test_report import HOSTILE, Run
from test_report_samples import CONSTANTS, NUMBER, numbers_in, written

from pipeline.report.summary import write_report
from pipeline.report.words import Words

DOMPURIFY = ROOT.parent / "shared" / "hostile" / "html-dompurify-xss"

HIDDEN = re.compile(r"‹U\+[0-9A-F]+›")
"""How the page writes a character that would not be seen."""

TEXTS = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) found.push(walk.currentNode.data);
  return found;
}"""
CHARTS = """() => [...document.querySelectorAll('svg.chart')].map(svg => ({
  label: svg.getAttribute('aria-label'),
  size: Math.min(svg.getBoundingClientRect().width, svg.getBoundingClientRect().height),
  bars: [...svg.querySelectorAll('rect')].filter(r => r.getBBox().width > 0).length,
  table: !!(svg.closest('section, .glance') || document).querySelector('table, dl'),
}))"""
ELEMENTS = """() => {
  const counted = {};
  for (const one of document.querySelectorAll('*')) {
    const names = [one.tagName, ...[...one.attributes].map(a => a.name).sort()].join(' ');
    counted[names] = (counted[names] || 0) + 1;
  }
  return counted;
}"""
FOLDED = """() => [...document.querySelectorAll('details > div')].map(
  one => one.checkVisibility() ? one.getBoundingClientRect().height : 0)"""
WIDTH = "() => document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests of this file."""
    yield from open_chromium()


@pytest.fixture(scope="module")
def reports(
    chromium: Any, tmp_path_factory: pytest.TempPathFactory, sample_outputs: dict[str, Path]
) -> dict[str, Path]:
    """A folder for each sample with the report of its run in both languages."""
    made = {}
    for name, output in sample_outputs.items():
        folder = tmp_path_factory.mktemp("report") / name
        vietnamese = folder / "vi"
        vietnamese.mkdir(parents=True)
        for file in ("report.html", "report.json"):
            shutil.copy(latest(output) / file, folder)
        summary = json.loads((folder / "report.json").read_bytes())
        write_report(summary, vietnamese, "vi")
        (vietnamese / "report.html").rename(folder / "report.vi.html")
        made[name] = folder
    return made


class Opened:
    """A page that tells everything which a report must not do."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.told: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.told.append(message.text))
        self.page.on("pageerror", lambda error: self.told.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.told.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.uri = path.as_uri()
        self.page.goto(self.uri)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def foreign(self) -> list[str]:
        """What was asked for, but the page itself and the pictures in it."""
        return [url for url in self.asked if url != self.uri and not url.startswith("data:image/")]


@pytest.mark.parametrize("file", ["report.html", "report.vi.html"])
@pytest.mark.parametrize("name", RECIPES)
def test_a_report_opens_in_silence(
    reports: dict[str, Path], chromium: Any, name: str, file: str
) -> None:
    """No console message, no request, no script; it fits a phone, and charts have their tables."""
    path = reports[name] / file
    assert path.stat().st_size < 2_000_000
    with Opened(chromium, path, viewport={"width": 390, "height": 844}) as opened:
        assert opened.page.evaluate(WIDTH) <= 390
        opened.page.set_viewport_size({"width": 1100, "height": 900})
        charts = opened.page.evaluate(CHARTS)
        assert len(charts) >= 3
        for chart in charts:
            assert chart["label"]
            assert chart["size"] > 15, chart
            assert chart["bars"], chart
            assert chart["table"], chart
        pictures = "() => [...document.images].every(i => i.complete && i.naturalWidth > 0)"
        opened.page.wait_for_function(pictures)
        assert opened.told == []
        assert opened.foreign() == []


@pytest.mark.parametrize("name", RECIPES)
def test_every_number_is_that_of_report_json(
    reports: dict[str, Path], chromium: Any, name: str
) -> None:
    """As a reader sees it: each number is one of the JSON's, or stands in one of its texts."""
    summary = json.loads((reports[name] / "report.json").read_bytes())
    text = json.dumps(summary, ensure_ascii=False)
    known = written(numbers_in(summary), Words("en")) | CONSTANTS
    with Opened(chromium, reports[name] / "report.html") as opened:
        texts = [HIDDEN.sub("", text) for text in opened.page.evaluate(TEXTS)]
    seen = [number.rstrip(".,") for text in texts for number in NUMBER.findall(text)]
    assert len(seen) > 100
    assert [number for number in seen if number not in known and number not in text] == []


@pytest.mark.parametrize(
    ("name", "scheme"), [("documents", "light"), ("pairs", "dark"), ("images", "light")]
)
def test_axe_finds_nothing_serious(
    reports: dict[str, Path], chromium: Any, name: str, scheme: str
) -> None:
    """With every fold open: contrast, names, order of headings, tables, landmarks."""
    source = axe_source()
    file = "report.html" if scheme == "light" else "report.vi.html"
    with Opened(chromium, reports[name] / file, color_scheme=scheme) as opened:
        opened.page.evaluate(
            "() => document.querySelectorAll('details').forEach(d => d.open = true)"
        )
        opened.page.evaluate(source)
        found = opened.page.evaluate("() => axe.run()")
    broken = [
        (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found["violations"]
        if one["impact"] in {"serious", "critical", "moderate"}
    ]
    assert broken == []
    assert len(found["passes"]) > 20


def test_a_keyboard_opens_a_fold(reports: dict[str, Path], chromium: Any) -> None:
    """The first stop leads past the first screen; Enter opens what is folded."""
    with Opened(chromium, reports["documents"] / "report.html") as opened:
        page = opened.page
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.getAttribute('href')") == "#flow"
        page.locator("#reasons summary").first.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("() => document.activeElement.parentElement.open")
        assert page.locator("#reasons details[open] table").first.is_visible()


def test_paper_shows_what_the_screen_folds(reports: dict[str, Path], chromium: Any) -> None:
    """Printed as PDF, with every fold open, though on the screen all are closed."""
    with Opened(chromium, reports["documents"] / "report.html") as opened:
        assert not any(opened.page.evaluate(FOLDED))
        opened.page.emulate_media(media="print")
        heights = opened.page.evaluate(FOLDED)
        assert len(heights) > 8
        assert all(height > 10 for height in heights)
        printed = opened.page.pdf(format="A4")
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) >= 4


PAYLOADS = [
    HOSTILE,
    "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=2">',
    "'><svg/onload=window.pwned=3>",
    "</title><script>window.pwned=4</script>",
    "</style><script>window.pwned=5</script>",
    "<iframe srcdoc='<script>parent.pwned=6</script>'></iframe>",
    "<a href='javascript:window.pwned=7' autofocus onfocus=window.pwned=7>x</a>",
    "<details open ontoggle=window.pwned=8>",
    "--><img src=x onerror=window.pwned=9><!--",
    "]]><img src=x onerror=window.pwned=10>",
    "&lt;img src=x onerror=window.pwned=11&gt;",
    "{{constructor.constructor('window.pwned=12')()}}",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=window.pwned=13>",
    "<template><script>window.pwned=14</script></template>",
    "\u2028<script>window.pwned=15</script>\u202e\x00",
]


def dompurify() -> list[str]:
    """The payloads that a sanitizer is tested with, where they are there."""
    found = sorted(DOMPURIFY.glob("*.mjs"))
    text = found[0].read_text(encoding="utf-8") if found else ""
    strings = re.findall(r'"payload":\s*("(?:[^"\\]|\\.)*")', text)
    return [json.loads(one, strict=False) for one in strings]


def hostile_page(folder: Path, text: str) -> Path:
    """A report in which every name, place, value, text and caption is `text`."""
    run = Run(folder, text)
    summary = run.summary()
    sample = {"id": text, "source": text, "locator": text, "pieces": [["-", text], ["+", text]]}
    change = {"stage": text, "kind": text, "changes": 1, "samples": [sample]}
    summary["changes"] = {"total": 1, "hidden": 0, "shown": [change]}
    picture = {"id": text, "source": text, "locator": text, "reason": text, "caption": text}
    pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
    both = [picture | {"width": 1, "height": 1, "thumbnail": pixel}]
    summary["images"] = {"records": 1, "shown": both}
    for one in summary["reasons"]["shown"]:
        for place in one["samples"]:
            place["excerpt"] = text
    for cluster in summary["duplicates"]["largest"]:
        for member in cluster["members"]:
            member["pieces"] = [["=", text], ["-", text], ["+", text], ["…", ""]]
    # In fixed pieces too: where a passage is long the report cuts it, a piece more.
    for held_out in summary["contamination"]["shown"]:
        for match in held_out["samples"]:
            match["pieces"] = match["item_pieces"] = [["=", text], ["!", text], ["…", ""]]
    bins = [{"from": 0, "to": 1, "records": 1}]
    nearest = [{"id": text, "source": text, "locator": text, "value": 1, "excerpt": text}]
    bound = {"side": "min", "setting": text, "value": 0.5, "nearest": nearest}
    spread = dict.fromkeys(("min", "max", "p1", "p25", "p50", "p75", "p99"), 1)
    score = {"stage": text, "measure": text, "records": 1, "bounds": [bound], "histogram": bins}
    summary["scores"] = [score | spread]
    write_report(summary, folder)
    return folder / "report.html"


def test_hostile_texts_change_no_element_and_run_nothing(tmp_path: Path, chromium: Any) -> None:
    """Even without the page's policy: each payload gives the elements of a harmless text."""
    with Opened(chromium, hostile_page(tmp_path / "harmless", "harmless")) as opened:
        harmless = opened.page.evaluate(ELEMENTS)
    assert harmless["DEL"] >= 2
    assert harmless["MARK"] >= 2
    assert harmless["IMG alt src title"] == 1
    for number, payload in enumerate([*PAYLOADS, "\n".join(PAYLOADS), "\n".join(dompurify())]):
        page = hostile_page(tmp_path / str(number), payload or "harmless")
        with Opened(chromium, page, bypass_csp=True) as opened:
            assert opened.page.evaluate(ELEMENTS) == harmless, payload
            assert opened.page.evaluate("() => window.pwned") is None, payload
            assert opened.told == []
            assert opened.foreign() == []


def test_a_hostile_run_gives_a_harmless_report(
    tmp_path: Path, chromium: Any, bedrock_prep: Command
) -> None:
    """Through the whole pipeline: as text, file name, column name and in a parser's message."""
    attack = "<img src=x onerror=window.pwned=1>"
    docs = tmp_path / "docs"
    docs.mkdir()
    body = f"{attack} the tea steeps for three minutes in hot water. " * 6
    (docs / f"a{attack}.md").write_text(body)
    (docs / "b.md").write_text(body + "And one more word.")
    (docs / "c.md").write_text("A page about something else altogether, said in some words. " * 4)
    (docs / f"t{attack}.csv").write_text(f'"{attack}","{attack}"\n"{attack}","x"\n')
    (docs / "bad.jsonl").write_text(f'{{"{attack}": {attack}\n')
    (docs / f"{attack}.txt").write_bytes(b"\x00\x01" + attack.encode())
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "name: hostile\nsources: [{path: docs/}]\n"
        "stages: [clean, quality, dedup_exact, dedup_near: {threshold: 0.5}]\n"
        "targets: {corpus: {format: pretraining_text}}\n"
    )
    done = bedrock_prep("prepare", recipe, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    page = latest(tmp_path / "out") / "report.html"
    assert "onerror=window" in page.read_text(encoding="utf-8")
    with Opened(chromium, page, bypass_csp=True) as opened:
        assert opened.page.evaluate("() => document.querySelectorAll('img, script').length") == 0
        assert opened.page.evaluate("() => window.pwned") is None
        assert opened.told == []
        assert opened.foreign() == []
