"""Control words of Rich Text: what they stand for, and which groups hold no text."""

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
"""What parts the text."""

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
"""What is one character: behind one of Unicode it may be what older programs show in its place."""

SILENT = frozenset(
    b"fonttbl colortbl stylesheet info pict objdata header headerl headerr headerf footer "
    b"footerl footerr footerf ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn xe tc rxe txe themedata "
    b"colorschememapping datastore latentstyles listtable listoverridetable rsidtbl generator "
    b"pgptbl nonshppict bkmkstart bkmkend template author operator upr falt panose shprslt".split()
)
SHAPES = (b"shpinst", b"do", b"object")
BOXES = (b"shptxt", b"dptxbxtext", b"result")
"""What holds text though the shape or object around it does not."""

FIELDS = (b"fldinst", b"fldrslt")
CODE_PAGES = {b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850"}
MEANT = SILENT.union(
    TEXT, CHARACTERS, SHAPES, BOXES, FIELDS, CODE_PAGES,
    b"u bin uc ansicpg deff f fcharset v deleted plain footnote".split(),
)  # fmt: skip
"""All others are about looks, and are most."""
