"""datatrove's own filters, rule by rule; run with the Python of datatrove's environment.

    python datatrove_rules.py DOCS.jsonl OUT.jsonl

OUT gets a line for each document: `id`, and the list of our reasons for which datatrove's code
rejects it when only that one rule is on: `spacy` with its own tokens, `blanks` with `str.split`
instead.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    c4_filters,
    fineweb_quality_filter,
    gopher_quality_filter,
    gopher_repetition_filter,
)

GOPHER = dict.fromkeys(
    ("min_doc_words", "max_doc_words", "min_avg_word_length", "max_avg_word_length",
     "max_symbol_word_ratio", "max_bullet_lines_ratio", "max_ellipsis_lines_ratio",
     "max_non_alpha_words_ratio", "min_stop_words")
)  # fmt: skip
REPEATED = {
    **dict.fromkeys(("dup_line_frac", "dup_para_frac", "dup_line_char_frac", "dup_para_char_frac")),
    "top_n_grams": (),
    "dup_n_grams": (),
}
C4 = {"filter_lorem_ipsum": False, "filter_curly_bracket": False, "min_num_sentences": -1}
FINEWEB = {
    "line_punct_thr": -1, "short_line_thr": 2, "char_duplicates_ratio": 2, "new_line_ratio": 1e9
}  # fmt: skip


def gopher(**rule):
    return GopherQualityFilter(**GOPHER | rule)


def repeated(**rule):
    return GopherRepetitionFilter(**REPEATED | rule)


RULES = {
    "gopher_too_few_words": gopher(min_doc_words=50),
    "gopher_too_many_words": gopher(max_doc_words=100_000),
    "gopher_short_words": gopher(min_avg_word_length=3),
    "gopher_long_words": gopher(max_avg_word_length=10),
    "gopher_many_symbols": gopher(max_symbol_word_ratio=0.1),
    "gopher_bullet_lines": gopher(max_bullet_lines_ratio=0.9),
    "gopher_ellipsis_lines": gopher(max_ellipsis_lines_ratio=0.3),
    "gopher_few_alpha_words": gopher(max_non_alpha_words_ratio=0.8),
    "gopher_few_stop_words": gopher(min_stop_words=2),
    "repeated_paragraphs": repeated(dup_para_frac=0.3),
    "repeated_paragraph_chars": repeated(dup_para_char_frac=0.2),
    "repeated_lines": repeated(dup_line_frac=0.3),
    "repeated_line_chars": repeated(dup_line_char_frac=0.2),
    **{
        f"frequent_{n}_gram": repeated(top_n_grams=((n, share),))
        for n, share in ((2, 0.2), (3, 0.18), (4, 0.16))
    },
    **{
        f"repeated_{n}_grams": repeated(dup_n_grams=((n, share),))
        for n, share in enumerate((0.15, 0.14, 0.13, 0.12, 0.11, 0.10), start=5)
    },
    "c4_lorem_ipsum": C4QualityFilter(**C4 | {"filter_lorem_ipsum": True}),
    "c4_curly_bracket": C4QualityFilter(**C4 | {"filter_curly_bracket": True}),
    "c4_too_few_sentences": C4QualityFilter(**C4 | {"min_num_sentences": 5}),
    "fineweb_few_ended_lines": FineWebQualityFilter(**FINEWEB | {"line_punct_thr": 0.12}),
    "fineweb_short_lines": FineWebQualityFilter(**FINEWEB | {"short_line_thr": 0.67}),
    "fineweb_repeated_chars": FineWebQualityFilter(**FINEWEB | {"char_duplicates_ratio": 0.01}),
    "fineweb_many_newlines": FineWebQualityFilter(**FINEWEB | {"new_line_ratio": 0.3}),
    "gopher_quality": GopherQualityFilter(),
    "gopher_repetition": GopherRepetitionFilter(),
    "c4": C4QualityFilter(),
    "fineweb": FineWebQualityFilter(),
}
"""The last four are whole families with their defaults."""

spacy_words = functools.lru_cache(maxsize=1)(gopher_quality_filter.split_into_words)


def blank_words(text, _language=None):
    """The words between blanks."""
    return text.split()


def use_words(split):
    """Make all filters split texts into words in this way."""
    for module in (gopher_quality_filter, gopher_repetition_filter, fineweb_quality_filter):
        module.split_into_words = split


def rejects(rule, document):
    """Whether a filter rejects a document; a division by zero words counts as a rejection."""
    try:
        return rule.filter(Document(text=document["text"], id=document["id"])) is not True
    except ZeroDivisionError:
        return True


def main():
    """Judge every document."""
    sentences = functools.lru_cache(maxsize=4096)(c4_filters.split_into_sentences)
    c4_filters.split_into_sentences = sentences
    with Path(sys.argv[1]).open() as lines, Path(sys.argv[2]).open("w") as out:
        for line in lines:
            document = json.loads(line)
            verdict = {"id": document["id"]}
            for name, split in (
                ("spacy", spacy_words),
                ("blanks", blank_words),
            ):
                use_words(split)
                verdict[name] = [
                    reason for reason, rule in RULES.items() if rejects(rule, document)
                ]
            out.write(json.dumps(verdict) + "\n")


if __name__ == "__main__":
    main()
