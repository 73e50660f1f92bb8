"""The style sheet that all pages share (light, dark, phone, print) and their content policy."""

import base64
import hashlib

from pipeline.report.markup import Markup, el

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fcfbf8; --card: #ffffff; --ink: #1c1e21; --muted: #5c6066; --rule: #dedad1;
  --kept: #2c6e68; --rejected: #b23f2a; --merged: #b7831f; --divided: #7d84a0;
  --came: #b9bdc4; --gone: #f6d9d2; --new: #d3ebdc; --shared: #f7e6b4;
  --good: #1f6b45; --bad: #a8321f; --warn: #8a5a00; --good-wash: #edf5f0; --bad-wash: #fbefec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --card: #1c1f23; --ink: #e9e6df; --muted: #a3a7ad; --rule: #353a41;
    --kept: #5cb0a6; --rejected: #e3806b; --merged: #dcae50; --divided: #969dbb;
    --came: #5b626b; --gone: #5a2a20; --new: #1f4a33; --shared: #54461a;
    --good: #7cc79c; --bad: #ee917f; --warn: #e0b050; --good-wash: #1a2721; --bad-wash: #2c1d1a;
  }
}
* { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font-variant-numeric: tabular-nums lining-nums; overflow-wrap: anywhere; }
header, main, footer { max-width: 66rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2.5rem); }
header { padding-top: clamp(1.1rem, 3vw, 1.9rem); }
h1, h2, h3 { line-height: 1.2; text-wrap: balance; font-weight: 650; letter-spacing: -0.01em; }
h1 { font-size: clamp(1.7rem, 1.2rem + 2.4vw, 2.5rem); margin: 0.1rem 0 0.35rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 0.4rem; padding-top: 1.1rem;
  border-top: 1px solid var(--rule); }
h3 { font-size: 1.02rem; margin: 1.6rem 0 0.5rem; }
p { margin: 0 0 0.8rem; max-width: 42rem; text-wrap: pretty; }
a { color: inherit; text-decoration-color: var(--rule); text-underline-offset: 0.2em; }
code, pre, td.mono { font: 0.9em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono",
  monospace; }
.eyebrow { margin: 0; color: var(--muted); font-size: 0.9rem; }
.lead, .muted, .note { color: var(--muted); }
.note { font-size: 0.875rem; }
.verdict { font-size: 1.15rem; margin: 0 0 1.1rem; max-width: none; }
.good { color: var(--good); } .bad { color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr));
  gap: 1rem; margin: 0 0 1.5rem; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 0.6rem;
  padding: 1rem 1.15rem 1.1rem; border-top: 4px solid var(--good); }
.warn { color: var(--warn); }
.card.closed { border-top-color: var(--warn); }
.card.broken { border-top-color: var(--bad); }
.card h2 { border: 0; margin: 0; padding: 0; font-size: 1.15rem; display: flex;
  justify-content: space-between; gap: 1rem; align-items: baseline; }
.card h2 .word { white-space: nowrap; font-size: 0.95rem; }
.card p { margin: 0.1rem 0 0.7rem; }
.card ul { margin: 0.7rem 0 0; padding: 0.6rem 0.8rem 0.6rem 1.7rem; border-radius: 0.35rem;
  background: var(--bad-wash); font-size: 0.925rem; }
.card li + li { margin-top: 0.3rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.1rem; margin: 0; }
dt { color: var(--muted); } dd { margin: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr));
  border-block: 1px solid var(--rule); margin: 0 0 1rem; gap: 0; }
.figures > div { padding: 0.6rem 1rem 0.65rem 0; display: flex; flex-direction: column; }
.figures dt { font-size: 0.875rem; }
.figures dd { font-size: 1.65rem; line-height: 1.2; font-weight: 600; }
.figures small { display: block; color: var(--muted); font-size: 0.8rem; line-height: 1.35;
  font-weight: 400; }
.figures dt::before, .key::before { content: ""; display: inline-block; width: 0.65em;
  height: 0.65em; margin-right: 0.45em; border-radius: 0.12em; background: var(--key, none); }
.key-kept { --key: var(--kept); } .key-rejected { --key: var(--rejected); }
.key-merged { --key: var(--merged); } .key-divided { --key: var(--divided); }
.key-came { --key: var(--came); }
.key-chunks { --key: var(--divided); }
.figures .key-came::before { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; margin: 0.4rem 0 0; }
ul.legend { list-style: none; padding: 0; font-size: 0.875rem; }
nav { font-size: 0.9rem; margin: 1.4rem 0 0; color: var(--muted); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; margin: 0;
  padding: 0; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: 0.5rem 0.8rem; z-index: 1; }
.glance { display: grid; grid-template-columns: minmax(0, 33rem) minmax(0, 1fr); gap: 0 3rem;
  align-items: start; }
.glance svg.chart { max-width: 33rem; }
.glance .facts { grid-template-columns: 1fr; gap: 0; }
.glance .facts dt { font-size: 0.875rem; }
.glance .facts dd { margin: 0 0 0.6rem; }
.line { display: block; }
h2.plain { border: 0; padding: 0; margin: 0.4rem 0 0.4rem; font-size: 1.05rem; }
.head { margin: 0.4rem 0 0.2rem; font-size: 0.825rem; font-weight: 600; color: var(--muted); }
.narrow { max-width: 26rem; }
.sides { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 1.5rem;
  margin: 0 0 1.2rem; }
.diff { white-space: pre-wrap; background: var(--card); border: 1px solid var(--rule);
  border-radius: 0.35rem; padding: 0.55rem 0.7rem; font-size: 0.875rem; max-width: none; }
del { background: var(--gone); text-decoration-thickness: 1px; color: inherit; }
mark { background: var(--shared); color: inherit; text-decoration: underline;
  text-decoration-thickness: 1px; text-underline-offset: 0.2em; }
ins { background: var(--new); text-decoration-thickness: 1px; color: inherit; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 1rem;
  list-style: none; padding: 0; margin: 0.5rem 0 1rem; }
.sheet img { display: block; max-width: 100%; height: 7rem; object-fit: contain;
  object-position: left; }
.sheet p { margin: 0.3rem 0 0; line-height: 1.35; }
.pair { display: grid; grid-template-columns: minmax(0, 27rem) minmax(0, 1fr); gap: 1rem 2.25rem;
  align-items: start; margin-top: 1rem; }
svg.chart { width: 100%; max-width: 30rem; height: auto; display: block; overflow: visible; }
svg text { font-size: 12.5px; fill: var(--ink); unicode-bidi: isolate; }
svg .strong { font-weight: 650; }
svg .came { fill: var(--came); }
svg .muted { fill: var(--muted); }
svg .kept { fill: var(--kept); } svg .rejected { fill: var(--rejected); }
svg .merged { fill: var(--merged); } svg .divided { fill: var(--divided); }
svg .axis { stroke: var(--rule); }
svg .cap { stroke: var(--rejected); stroke-width: 1.5; stroke-dasharray: 4 3; }
svg .cap-label { fill: var(--rejected); font-weight: 600; }
.scroll { overflow-x: auto; margin: 0 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; line-height: 1.4; }
th, td { text-align: left; vertical-align: baseline; padding: 0.34rem 0.9rem 0.34rem 0;
  border-bottom: 1px solid var(--rule); }
th { font-weight: 600; color: var(--muted); font-size: 0.825rem; white-space: nowrap; }
tbody th { font-weight: 500; color: inherit; font-size: inherit; white-space: normal; }
td.num, th.num { text-align: right; white-space: nowrap; overflow-wrap: normal; }
th:last-child, td:last-child { padding-right: 0; }
td { min-width: 4.5rem; }
td.num { min-width: 0; }
td.place { min-width: 11rem; }
td.text { min-width: 16rem; font-size: 0.85rem; }
td.name, td.mono { white-space: nowrap; }
td.word { white-space: nowrap; }
details { border-bottom: 1px solid var(--rule); }
summary { cursor: pointer; padding: 0.5rem 0; display: grid; gap: 0 1rem; align-items: baseline;
  grid-template-columns: 1rem minmax(9rem, 15rem) minmax(0, 1fr) max-content; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary::before { content: "▸"; color: var(--muted); }
details[open] > summary::before { content: "▾"; }
summary .meaning .note { display: block; }
summary .count { text-align: right; font-weight: 600; }
details > div { padding: 0.2rem 0 0.8rem 2rem; }
summary.plain { grid-template-columns: 1rem 1fr; }
:focus-visible { outline: 2px solid var(--kept); outline-offset: 2px; border-radius: 2px; }
pre { white-space: pre-wrap; margin: 0; }
footer { margin-top: 3.5rem; padding-bottom: 2.5rem; color: var(--muted); font-size: 0.875rem; }
@media (max-width: 46rem) {
  .pair, .glance { grid-template-columns: minmax(0, 1fr); }
  .sides { grid-template-columns: minmax(0, 1fr); }
  .figures { grid-template-columns: 1fr 1fr; }
  summary { grid-template-columns: 1rem minmax(0, 1fr) max-content; }
  summary .meaning { grid-column: 2 / -1; grid-row: 2; }
  details > div { padding-left: 0; }
  h2 { margin-top: 2.25rem; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --muted: #444;
    --rule: #bbb; --kept: #2c6e68; --rejected: #b23f2a; --merged: #b7831f; --divided: #7d84a0;
    --good: #1f6b45; --bad: #a8321f; --warn: #8a5a00; --bad-wash: #fff; }
  html { font-size: 10pt; }
  header, main, footer { max-width: none; padding: 0; }
  nav, .skip { display: none; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  summary::before { content: ""; }
  .card, tr, .pair, svg, summary { break-inside: avoid; }
  h2, h3, summary, .lead, .note { break-after: avoid; }
  .scroll { overflow: visible; }
  svg * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .key::before, .figures dt::before { print-color-adjust: exact;
    -webkit-print-color-adjust: exact; }
}
"""

STYLE_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_DIGEST}'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
"""Nothing is loaded and nothing runs; only the page's own style sheet applies."""


def page_head(title: str) -> Markup:
    """A page's head: its title, its style, and the policy that forbids scripts and requests."""
    return el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", title),
        el("style", Markup(STYLE)),
    )
