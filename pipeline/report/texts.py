"""The few texts that a report shows: found in the work folder, masked, cut short, compared.

Work files are memory-mapped: only the ids and the requested rows of a shard are touched, so a
report of a million records needs no more memory than one of a thousand.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.kernels.arrow_made import Capsules
from pipeline.made import rows_in_use
from pipeline.record import frame
from pipeline.references import SYSTEM_TURN
from pipeline.stages.marks import FORM_KINDS
from pipeline.stages.redact import Redact

EXCERPT = 240
COMPARED = 3000
"""How many characters of a text are masked and compared; an excerpt is cut from them."""

AHEAD = 4000
"""Characters that masking reads beyond what is shown, because a value cut in two would not be
recognised. A private key, the longest known value, has about 3,300."""

AROUND = 8
"""Words of context on either side of a difference."""

PASSAGE = 800
"""How many characters of a passage are shown."""

BESIDE = 80
"""Characters of context on either side of a passage."""

PIECES_MOST = 40
WINDOW = 300
"""How many words and blanks are compared, from the first difference on."""

WORD = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|\w+|\s+|.", re.DOTALL)
COLUMNS = ("text", "system", "messages", "images")

Piece = list[str]
"""`[kind, text]`; the kind is `=` in both, `-` only before, `+` only after, `…` left out, `!` a
marked passage."""


def find_texts(work: Path, ids: Iterable[str], samples: str) -> dict[str, str]:
    """The texts of records by id, at most `COMPARED` characters each; missing records are absent.

    `samples` is `masked`, `plain` or `none`. A record that stages changed is shown in its last
    form. Turns are listed one per line with their roles.
    """
    wanted = set(ids)
    if samples == "none" or not wanted:
        return {}
    found: dict[str, str] = {}
    for path in _work_files(work):
        if len(found) == len(wanted):
            break
        for row_id, row in _rows(path, wanted - found.keys()):
            found[row_id] = _full_text(row)
    return dict(zip(found, shown(list(found.values()), samples), strict=True))


def find_turns(work: Path, turns: Mapping[str, int]) -> dict[str, str]:
    """One text of each rejected record by id, in NFC: its turn by number, as in `MATCHES`."""
    found: dict[str, str] = {}
    for path in sorted(work.glob("pass-*/*.rejected.arrow")):
        for row_id, row in _rows(path, turns.keys() - found.keys()):
            number = turns[row_id]
            own = {0: row["text"], SYSTEM_TURN: row["system"]}
            text = own[number] if number in own else row["messages"][number - 1]["text"]
            found[row_id] = unicodedata.normalize("NFC", text or "")
    return found


def find_images(work: Path, ids: Iterable[str]) -> dict[str, str]:
    """The URI of the first image of records, by id."""
    wanted, found = set(ids), dict[str, str]()
    for path in _work_files(work):
        if len(found) == len(wanted):
            break
        for row_id, row in _rows(path, wanted - found.keys()):
            if row["images"]:
                found[row_id] = row["images"][0]
    return found


def _work_files(work: Path) -> list[Path]:
    """All shards, those of the last pass first: they hold each record's final form."""
    kinds = ("rendered/*.rejected.arrow", "pass-*/*.rejected.arrow", "pass-*/*.kept.arrow")
    return sorted((path for kind in kinds for path in work.glob(kind)), reverse=True)


def _rows(path: Path, wanted: Set[str]) -> Iterable[tuple[str, dict[str, Any]]]:
    """`id` and `COLUMNS` of a shard's wanted rows."""
    wanted_ids = pl.Series(sorted(wanted), dtype=pl.String).implode()
    start = 0
    with pa.memory_map(str(path)) as source:
        shard = pa.ipc.open_file(source)
        for number in range(shard.num_record_batches):
            batch = shard.get_batch(number)
            ids = pl.Series(Capsules(batch.column("id").__arrow_c_array__()))
            positions = ids.is_in(wanted_ids).arg_true()
            if positions.len() and (in_use := rows_in_use(path)) is not None:
                positions = positions.filter((positions + start).is_in(in_use.implode()))
            start += batch.num_rows
            for index in positions:
                row = {name: batch.column(name)[index].as_py() for name in COLUMNS}
                yield ids[index], row


def _full_text(row: dict[str, Any]) -> str:
    """A record's turns with their system prompt, or its text if it has no turns."""
    turns = [f"{turn['role']}: {turn['text'] or ''}" for turn in row["messages"] or []]
    if turns and row["system"]:
        turns.insert(0, f"system: {row['system']}")
    return "\n".join(turns) if turns else row["text"] or ""


def shown(texts: list[str], samples: str) -> list[str]:
    """Texts as the report may show them: cut, and masked unless `samples` is `plain`.

    Everything that `redact` recognises by its pattern is masked, whatever kinds the recipe names.
    """
    cut = [text[:COMPARED] for text in texts]
    if samples == "plain" or not cut:
        return cut
    # If the cut splits a value, the masked text differs from there on from that of a later cut.
    later = _masked([text[: COMPARED + AHEAD] for text in texts])
    both = zip(_masked(cut), later, strict=True)
    return [one[: _in_common(one, other)] for one, other in both]


def _masked(texts: list[str]) -> list[str]:
    rows = frame({"source": "", "locator": str(n), "text": text} for n, text in enumerate(texts))
    hidden: list[str] = Redact(kinds=list(FORM_KINDS))(rows)["text"].to_list()
    return hidden


def passages(places: Sequence[tuple[str, int, int]], samples: str) -> list[list[Piece]]:
    """Cut passages (text, start, end in characters) into pieces: the passage and its context.

    Texts are masked before they are cut; a value at a border may end up on either side.
    """
    windows: list[str] = []
    for text, start, end in places:
        first, stop = max(start - AHEAD, 0), min(end, start + PASSAGE)
        windows += [text[first : stop + AHEAD], text[first:start], text[first:stop]]
    if samples != "plain" and windows:
        windows = _masked(windows)
    shown_pieces = []
    for number, (text, start, end) in enumerate(places):
        window, *cuts = windows[3 * number : 3 * number + 3]
        left, right = (_in_common(cut, window) for cut in cuts)
        before, passage, after = window[:left], window[left:right], window[right:]
        whole = end - start <= PASSAGE
        pieces = [
            ["…", ""] if start > AHEAD or len(before) > BESIDE else ["=", ""],
            ["=", before[-BESIDE:]],
            ["!", passage],
            ["=", after[:BESIDE] if whole else ""],
            ["…", ""] if not whole or end + AHEAD < len(text) or len(after) > BESIDE else ["=", ""],
        ]
        visible_pieces = [piece for piece in pieces if piece[0] == "…" or piece[1]]
        shown_pieces.append(visible_pieces if passage else [])
    return shown_pieces


def excerpt(text: str | None, most: int = EXCERPT) -> str | None:
    """The beginning of a text, with each run of white space as one blank; None for None."""
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def compare(before: str, after: str) -> list[Piece]:
    """The differences of two texts word by word, each with a little shared context around it.

    Only the `WINDOW` words from the first difference on are compared, because the time grows with
    the square of their number.
    """
    words, others = WORD.findall(before), WORD.findall(after)
    same = _in_common(words, others)
    head, words, others = words[:same], words[same:], others[same:]
    whole = len(words) <= WINDOW and len(others) <= WINDOW
    words, others = words[:WINDOW], others[:WINDOW]
    pieces = _shared(head, first=True, last=not words and not others)
    blocks = difflib.SequenceMatcher(None, words, others, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(blocks, start=1):
        if kind == "equal":
            pieces += _shared(words[a:b], first=False, last=whole and number == len(blocks))
            continue
        pieces += [["-", "".join(words[a:b])]] if b > a else []
        pieces += [["+", "".join(others[c:d])]] if d > c else []
    shown = [[kind, _cut_piece(text)] for kind, text in pieces[:PIECES_MOST]]
    return shown if whole and len(pieces) <= PIECES_MOST else [*shown, ["…", ""]]


def _in_common(words: Sequence[str], others: Sequence[str]) -> int:
    """How many leading words, or characters, the two texts have in common."""
    pairs = enumerate(zip(words, others, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(words), len(others)))


def _shared(words: list[str], first: bool, last: bool) -> list[Piece]:
    """A shared part without its middle; the first and last part keep only one side."""
    before, after = (0 if first else AROUND), (0 if last else AROUND)
    if first and last:
        before = 4 * AROUND
    if len(words) <= before + after + 2:
        return [["=", "".join(words)]] if words else []
    head = [["=", "".join(words[:before])]] if before else []
    tail = [["=", "".join(words[-after:])]] if after else []
    return [*head, ["…", ""], *tail]


def _cut_piece(text: str) -> str:
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"
