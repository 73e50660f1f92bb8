"""Formulas of a page, each given once: the TeX that it was made from, or its MathML on one line.

Programs that make MathML from TeX put the TeX inside the formula (pandoc, KaTeX, Wikipedia,
LaTeXML), so that an extractor would give both. Where a formula is also drawn, beside a version for
screen readers, the drawing is left out. MathML without TeX becomes `a/b`, `a^b`, `a_b`, `sqrt(x)`.
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
_MAX_LEVELS = 40  # an element nested deeper gives its text alone

_TEX = ("application/x-tex", "application/x-latex", "tex", "latex")
_STYLED = re.compile(r"\{\\(?:display|text|script|scriptscript)style\b\s*(.*)\}", re.S)
_FOR_READERS = ("katex-mathml", "mwe-math-mathml", "MJX_Assistive_MathML")
_DRAWN = ("katex-html", "MathJax_SVG", "MathJax_CHTML")
_DRAWN_TAGS = ("mjx-math", "nobr")

_SILENT = ("annotation", "annotation-xml", "mphantom", "none", "mprescripts")
_SIMPLE = re.compile(r"[-−]?(?:\w+(?:[.,]\d+)*|.)|[(\[|][^()\[\]|]*[)\]|]|\w+\([^()]*\)", re.S)
_END = "\0"  # ends a part that a letter or digit after it would extend; no page contains a NUL
_BEFORE_MORE = re.compile(r"[\0\u2061]+(?=\w)")
_INVISIBLE = dict.fromkeys(map(ord, "\0\u2061\u2062\u2063\u2064"))  # applied to, times, comma, plus
_BETWEEN = {
    "mfrac": ("/",), "msup": ("^",), "msub": ("_",), "msubsup": ("_", "^"), "mover": ("^",),
    "munder": ("_",), "munderover": ("_", "^"),
}  # fmt: skip


def replace_formulas(tree: HTMLTree, html: str) -> None:
    """Replace each formula in the tree of the page `html` by its text.

    A page without formulas costs one search.
    """
    if _MARK not in html or not any(opens in html for opens in _OPENS) or tree.body is None:
        return
    for formula in tree.body.query_selector_all(_FORMULAS)[:]:
        text = tree.create_text_node(_formula_text(formula))
        assert text is not None
        above = formula.parent_element
        if above and _is_for_readers(above) and above.parent is not None:
            _without_drawing(above)
            above.parent.replace_child(text, above)
        elif formula.parent is not None:
            formula.parent.replace_child(text, formula)


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


def _formula_text(formula: ElementNode) -> str:
    for node in formula.query_selector_all(_ANNOTATIONS)[:]:
        if (node.getattr("encoding") or "").lower() in _TEX and (tex := (node.text or "").strip()):
            styled = _STYLED.fullmatch(tex)
            return " ".join((styled[1] if styled else tex).split())
    line = _BEFORE_MORE.sub(" ", _on_a_line(formula, 0))
    visible = " ".join(line.translate(_INVISIBLE).split())
    return visible or " ".join((formula.text or "").split())


def _on_a_line(node: ElementNode, level: int) -> str:
    kind = (node.tag or "").rpartition(":")[2]
    if kind in _SILENT:
        return ""
    if kind == "mspace":
        return " "
    if kind == "mtext" or level > _MAX_LEVELS:
        return node.text or ""
    parts = [*_parts(node, level + 1)]
    if kind in _BETWEEN and len(parts) == 1 + len(_BETWEEN[kind]):
        rest = zip(_BETWEEN[kind], parts[1:], strict=True)
        return _grouped(parts[0]) + "".join(mark + _grouped(each) for mark, each in rest) + _END
    if kind == "msqrt":
        return f"sqrt({''.join(parts)})"
    if kind == "mroot" and len(parts) == 2:
        return f"root({', '.join(parts)})"
    if kind == "mfenced":
        return f"({', '.join(parts)})"
    return {"mtable": "; ", "mtr": ", "}.get(kind, "").join(parts)


def _parts(node: ElementNode, level: int) -> Iterator[str]:
    """Yield the text of each element in a part, and of the part itself, in order."""
    from resiliparse.parse.html import ElementNode

    child = node.first_child
    while child is not None:
        if isinstance(child, ElementNode):
            yield _on_a_line(child, level)
        elif child.node_name == "#text" and (text := (child.text or "").strip()):
            yield text
        child = child.next_sibling


def _grouped(text: str) -> str:
    """A part of a formula as one operand: `a` stays, `a + b` gets parentheses."""
    stripped = text.strip(" \0")
    return text if not stripped or _SIMPLE.fullmatch(stripped) else f"({text})"
