"""Run one peer on texts: `python redaction.py NAME TEXTS.jsonl OUT.jsonl`.

presidio: the pattern recognisers of presidio-analyzer, called one by one, without a language model
    and so without context words; entities without a kind here (URL, dates, names) are left out.
scrubadub: the detectors that need no model, for the locales of the texts.
"""

import json
import sys
from pathlib import Path

REGIONS = ("VN", "US", "GB", "DE")
LEFT_OUT = {"URL", "DATE_TIME", "CRYPTO", "MAC_ADDRESS"}


def presidio(least=0.0):
    """Spans of all pattern recognisers with a score of `least` or more."""
    import inspect

    from presidio_analyzer import LocalRecognizer, PatternRecognizer
    from presidio_analyzer import predefined_recognizers as all_of_them

    recognizers = []
    for name, kind in inspect.getmembers(all_of_them, inspect.isclass):
        if not issubclass(kind, LocalRecognizer) or inspect.isabstract(kind):
            continue
        if not issubclass(kind, PatternRecognizer) and name != "PhoneRecognizer":
            continue
        more = {"supported_regions": REGIONS} if name == "PhoneRecognizer" else {}
        try:
            made = kind(**more)
        except TypeError:
            continue
        if not set(made.supported_entities) <= LEFT_OUT:
            recognizers.append(made)

    def spans(text):
        for one in recognizers:
            for found in one.analyze(text, one.supported_entities, None) or ():
                if found.score >= least and found.entity_type not in LEFT_OUT:
                    yield found.start, found.end

    return spans


def presidio_sure():
    """Spans with a score of 0.4 or more: weaker patterns need context to be reliable."""
    return presidio(0.4)


def scrubadub():
    """Spans of the detectors of each locale; each text is searched once per locale."""
    from scrubadub import Scrubber

    scrubbers = [Scrubber(locale=one) for one in ("en_US", "en_GB", "de_DE", "vi_VN")]
    for scrubber in scrubbers:
        for name in ("url", "twitter", "date_of_birth", "vehicle_licence_plate", "postalcode"):
            if name in scrubber._detectors:
                scrubber.remove_detector(name)

    def spans(text):
        for scrubber in scrubbers:
            for filth in scrubber.iter_filth(text):
                yield filth.beg, filth.end

    return spans


def merged(spans):
    """Join overlapping spans: spans that share a character become one."""
    parted = []
    for start, end in sorted(spans):
        if parted and start < parted[-1][1]:
            parted[-1][1] = max(end, parted[-1][1])
        else:
            parted.append([start, end])
    return parted


def main():
    """Read the texts, find spans, write them."""
    find = globals()[sys.argv[1].replace("-", "_")]()
    with Path(sys.argv[2]).open("rb") as file, Path(sys.argv[3]).open("w") as out:
        for line in file:
            out.write(json.dumps(merged(find(json.loads(line)["text"]))) + "\n")


if __name__ == "__main__":
    main()
