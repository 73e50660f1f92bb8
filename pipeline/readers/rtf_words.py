"""Control words of Rich Text: the text they stand for, and which groups hold no text."""

from __future__ import annotations

TEXT = {
    b"par": "\n",
    b"sect": "\n\n",
    b"page": "\n\n",
    b"column": "\n\n",
    b"line": "\n",
    b"lbr": "\n",
    b"tab": "\t",
    b"cell": " | ",
    b"row": "\n",
    b"nestcell": " | ",
    b"nestrow": "\n",
}
"""Control words that separate text, and what they become."""

CHARACTERS = {
    b"emdash": "—",
    b"endash": "–",
    b"bullet": "•",
    b"lquote": "‘",
    b"rquote": "’",
    b"ldblquote": "“",
    b"rdblquote": "”",
    b"emspace": " ",
    b"enspace": " ",
    b"qmspace": " ",
    b"zwj": "\u200d",
    b"zwnj": "\u200c",
    b"~": "\xa0",
    b"_": "‑",
    b"-": "",
}
"""Control words and symbols that are one character. After a Unicode character, one may be what
older programs show instead."""

SILENT = frozenset(
    b"fonttbl colortbl stylesheet info pict objdata header headerl headerr headerf footer "
    b"footerl footerr footerf ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn xe tc rxe txe themedata "
    b"colorschememapping datastore latentstyles listtable listoverridetable rsidtbl generator "
    b"pgptbl nonshppict bkmkstart bkmkend template author operator upr falt panose shprslt".split()
)
SHAPES = (b"shpinst", b"do", b"object")
BOXES = (b"shptxt", b"dptxbxtext", b"result")
"""Groups that hold text although the shape or object around them does not."""

FIELDS = (b"fldinst", b"fldrslt")
CODE_PAGES = {b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}
MEANT = SILENT.union(
    TEXT, CHARACTERS, SHAPES, BOXES, FIELDS, CODE_PAGES,
    b"u bin uc ansicpg deff f fcharset v deleted plain footnote".split(),
)  # fmt: skip
"""The control words that this reader interprets. Most others only concern the appearance."""
