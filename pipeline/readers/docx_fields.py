"""Fields of a Word document inside the code of other fields, such as in a form letter's salutation.

A field is its code, then its result. The code is recognised by its elements' names. But a field
inside that code has a result of its own, which is in the document as text although it is not shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.readers.zipped import NAMES, attribute

if TYPE_CHECKING:
    from lxml.etree import _Element

_TEXTS = ("{*}t", "{*}tab", "{*}br", "{*}cr", "{*}sym", "{*}noBreakHyphen")
_CODE = "instrText"


def settle_codes(root: _Element) -> None:
    """Rename text inside a field's code to code, if the document has fields inside fields' codes.

    Changes nothing if the marks of the fields do not pair: everything that follows would be code.
    """
    marks = _Marks()
    nested = False
    for each in root.iter("{*}fldChar"):
        kind = attribute(each, "fldCharType") or ""
        nested = nested or (kind == "begin" and marks.codes > 0)
        if not marks.passed(kind):
            return
    if marks.open or not nested:
        return
    for each in root.iter("{*}fldChar", *_TEXTS):
        if NAMES[each.tag] == "fldChar":
            marks.passed(attribute(each, "fldCharType") or "")
        elif marks.codes:
            each.tag = each.tag.rpartition("}")[0] + "}" + _CODE


class _Marks:
    """The fields that are open at a place."""

    def __init__(self) -> None:
        self.open: list[bool] = []  # for each, whether the place is in its code
        self.codes = 0

    def passed(self, mark: str) -> bool:
        """Go past a mark; False if it belongs to no field."""
        if mark == "begin":
            self.open.append(True)
            self.codes += 1
        elif not self.open:
            return False
        elif mark == "separate":
            self.codes -= self.open[-1]
            self.open[-1] = False
        elif mark == "end":
            self.codes -= self.open.pop()
        return True
