# ruff: noqa: E501
"""Real texts in many languages, cut into snippets, from Debian's documentation packages.

The texts are not in the repository: packages are fetched with `apt-get download` and unpacked into
the work folder. A paragraph of a translation is left out if more than a third of its four-word runs
also occur in the English editions, because it is not translated yet.

debian-handbook               The Debian Administrator's Handbook, CC BY-SA 3.0 or GPL-2+
installation-guide-amd64      Debian's installation guide, GPL-2
libreoffice-l10n-th, -hi      messages of LibreOffice, MPL-2.0: there is no manual in Thai or Hindi
"""

from __future__ import annotations

import gettext
import html
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

PACKAGES = ("debian-handbook", "installation-guide-amd64", "libreoffice-l10n-th",
            "libreoffice-l10n-hi")  # fmt: skip
LANGUAGES = ("en", "vi", "fr", "de", "es", "it", "pt", "nl", "pl", "cs", "ro", "sv", "da", "no",
             "ca", "hr", "tr", "id", "ru", "el", "fa", "ar", "hi", "zh", "ja", "ko", "th")  # fmt: skip
LENGTHS = (50, 200, 1000)
SNIPPETS = 200
"""The most snippets of one language and length."""

PARAGRAPH = re.compile(r"<p\b[^>]*>(.*?)</p>", re.DOTALL)
LEFT_OUT = re.compile(r"<(code|pre|tt|kbd)\b.*?</\1>|<[^>]+>", re.DOTALL)
CODES = {"nb": "no"}


def unpacked(work: Path) -> Path:
    """The folder with the unpacked packages; the first call needs Debian's apt and its lists."""
    root = work / "language-packages"
    if not (root / "done").exists():
        root.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", *PACKAGES], cwd=root, check=True)
        for package in sorted(root.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
        (root / "done").touch()
    return root


def versions(root: Path) -> list[str]:
    """Name and version of each package."""
    names = sorted(path.name.split("_")[:2] for path in root.glob("*.deb"))
    return [f"{name} {version.replace('%3a', ':')}" for name, version in names]


def paragraphs(root: Path) -> dict[str, list[str]]:
    """The paragraphs by language code, in the order of their files, each once."""
    found: dict[str, dict[str, None]] = {}
    for folder in ("debian-handbook/html", "installation-guide-amd64"):
        for edition in sorted((root / "usr/share/doc" / folder).iterdir()):
            if edition.is_dir():
                code = re.split("[-_]", edition.name)[0]
                texts = found.setdefault(CODES.get(code, code), {})
                for file in sorted(edition.rglob("*.html")):
                    texts |= dict.fromkeys(_of_page(file.read_text("utf-8", "replace")))
    for code in ("th", "hi"):
        texts = found.setdefault(code, {})
        for file in sorted((root / "usr/lib/libreoffice/program/resource" / code).rglob("*.mo")):
            texts |= dict.fromkeys(_of_messages(file))
    english = {run for text in found["en"] for run in _runs(text)}
    return {
        code: [text for text in found[code] if code == "en" or not _is_english(text, english)]
        for code in LANGUAGES
    }


def _runs(text: str) -> list[str]:
    words = text.lower().split()
    return [" ".join(words[at : at + 4]) for at in range(max(1, len(words) - 3))]


def _is_english(text: str, english: set[str]) -> bool:
    runs = _runs(text)
    return sum(run in english for run in runs) * 3 > len(runs)


def _of_page(page: str) -> Iterator[str]:
    for match in PARAGRAPH.finditer(page):
        text = " ".join(html.unescape(LEFT_OUT.sub(" ", match[1])).split())
        if len(text) >= 30:
            yield text


def _of_messages(file: Path) -> Iterator[str]:
    with file.open("rb") as opened:
        catalogue = gettext.GNUTranslations(opened)._catalog  # type: ignore[attr-defined]
    for text in catalogue.values():
        said = " ".join(re.sub(r"[~_]|%\w+|\$\w*\(?\w*\)?|<[^>]*>", "", text).split())
        if len(said) >= 40 and not re.search("[A-Za-z]{3}", said):
            yield said


def snippets(texts: list[str], length: int) -> list[str]:
    """Pieces of exactly `length` characters that begin with a paragraph, spread over all texts."""
    whole = " ".join(texts)
    starts, at = [], 0
    for text in texts:
        if at + length <= len(whole):
            starts.append(at)
        at += len(text) + 1
    apart: list[int] = []
    for start in starts:
        if not apart or start >= apart[-1] + length:
            apart.append(start)
    step = max(1.0, len(apart) / SNIPPETS)
    chosen = [apart[int(n * step)] for n in range(min(SNIPPETS, len(apart)))]
    return [whole[start : start + length] for start in chosen]


def write_snippets(work: Path) -> dict[int, Path]:
    """Write a JSONL file of `language` and `text` for each length, and an empty one for length 0."""
    texts = paragraphs(unpacked(work))
    files = {0: work / "snippets-0.jsonl"}
    files[0].write_bytes(b"")
    for length in LENGTHS:
        files[length] = work / f"snippets-{length}.jsonl"
        lines = [
            orjson.dumps({"language": code, "text": text}) + b"\n"
            for code in LANGUAGES
            for text in snippets(texts[code], length)
        ]
        files[length].write_bytes(b"".join(lines))
    return files


if __name__ == "__main__":
    for length, file in write_snippets(Path(sys.argv[1])).items():
        print(length, file, len(file.read_bytes().splitlines()))
