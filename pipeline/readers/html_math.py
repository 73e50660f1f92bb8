"""Formulas of a page, each told once: the TeX that it was made of, or its MathML on one line.

A program that made MathML of TeX says the TeX within (pandoc, KaTeX, Wikipedia, LaTeXML); it was
told beside the formula itself. Where a formula is also drawn, beside what is there for screen
readers, the drawing is left out. MathML without TeX is `a/b`, `a^b`, `a_b`, `sqrt(x)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resiliparse.parse.html import ElementNode, HTMLTree

_MARK, _OPENS = "math", ("<math", "<m:math", "<mml:math")
_FORMULAS = "math:not(math math), m\\:math, mml\\:math"
_ANNOTATIONS = "annotation, m\\:annotation, mml\\:annotation"
_MAX_LEVELS = 40  # what is nested deeper is its text alone

_TEX = ("application/x-tex", "application/x-latex", "tex", "latex")
_STYLED = re.compile(r"\{\\(?:display|text|script|scriptscript)style\b\s*(.*)\}", re.S)
_FOR_READERS = ("katex-mathml", "mwe-math-mathml", "MJX_Assistive_MathML")
_DRAWN = ("katex-html", "MathJax_SVG", "MathJax_CHTML")
_DRAWN_TAGS = ("mjx-math", "nobr")

_SILENT = ("annotation", "annotation-xml", "mphantom", "none", "mprescripts")
_SIMPLE = re.compile(r"[-−]?(?:\w+(?:[.,]\d+)*|.)|[(\[|][^()\[\]|]*[)\]|]|\w+\([^()]*\)", re.S)
_END = "\0"  # of a part that would go on with a letter or digit behind it; no page has one
_BEFORE_MORE = re.compile(r"[\0\u2061]+(?=\w)")
_INVISIBLE = dict.fromkeys(map(ord, "\0\u2061\u2062\u2063\u2064"))  # applied to, times, comma, plus
_BETWEEN = {
    "mfrac": ("/",), "msup": ("^",), "msub": ("_",), "msubsup": ("_", "^"), "mover": ("^",),
    "munder": ("_",), "munderover": ("_", "^"),
}  # fmt: skip


def tell_formulas(tree: HTMLTree, html: str) -> None:
    """Put each formula of a tree, the page `html`, into words; other pages cost one search."""
    if _MARK not in html or not any(opens in html for opens in _OPENS) or tree.body is None:
        return
    for formula in tree.body.query_selector_all(_FORMULAS)[:]:
        told = tree.create_text_node(_told(formula))
        assert told is not None
        above = formula.parent_element
        if above and _is_for_readers(above) and above.parent is not None:
            _without_drawing(above)
            above.parent.replace_child(told, above)
        elif formula.parent is not None:
            formula.parent.replace_child(told, formula)


def _is_for_readers(node: ElementNode) -> bool:
    kinds = node.getattr("class") or ""
    return node.tag == "mjx-assistive-mml" or any(kind in kinds for kind in _FOR_READERS)


def _without_drawing(node: ElementNode) -> None:
    from resiliparse.parse.html import ElementNode

    for other in (node.previous_sibling, node.next_sibling):
        if not isinstance(other, ElementNode) or other.parent is None:
            continue
        kinds = other.getattr("class") or ""
        if other.tag in _DRAWN_TAGS or any(kind in kinds for kind in _DRAWN):
            other.parent.remove_child(other)


def _told(formula: ElementNode) -> str:
    for node in formula.query_selector_all(_ANNOTATIONS)[:]:
        if (node.getattr("encoding") or "").lower() in _TEX and (tex := (node.text or "").strip()):
            styled = _STYLED.fullmatch(tex)
            return " ".join((styled[1] if styled else tex).split())
    line = _BEFORE_MORE.sub(" ", _on_a_line(formula, 0))
    told = " ".join(line.translate(_INVISIBLE).split())
    return told or " ".join((formula.text or "").split())


def _on_a_line(node: ElementNode, level: int) -> str:
    kind = (node.tag or "").rpartition(":")[2]
    if kind in _SILENT:
        return ""
    if kind == "mspace":
        return " "
    if kind == "mtext" or level > _MAX_LEVELS:
        return node.text or ""
    told = [*_parts(node, level + 1)]
    if kind in _BETWEEN and len(told) == 1 + len(_BETWEEN[kind]):
        rest = zip(_BETWEEN[kind], told[1:], strict=True)
        return _grouped(told[0]) + "".join(mark + _grouped(each) for mark, each in rest) + _END
    if kind == "msqrt":
        return f"sqrt({''.join(told)})"
    if kind == "mroot" and len(told) == 2:
        return f"root({', '.join(told)})"
    if kind == "mfenced":
        return f"({', '.join(told)})"
    return {"mtable": "; ", "mtr": ", "}.get(kind, "").join(told)


def _parts(node: ElementNode, level: int) -> Iterator[str]:
    """What the elements of a part say, and its own text."""
    from resiliparse.parse.html import ElementNode

    child = node.first_child
    while child is not None:
        if isinstance(child, ElementNode):
            yield _on_a_line(child, level)
        elif child.node_name == "#text" and (text := (child.text or "").strip()):
            yield text
        child = child.next_sibling


def _grouped(text: str) -> str:
    """A part of a formula as one: `a` is, `a + b` is put in parentheses."""
    own = text.strip(" \0")
    return text if not own or _SIMPLE.fullmatch(own) else f"({text})"
