"""The texts that a peer extracts from files: `texts_of.py PEER FILE…` prints JSON, file → text.

Each peer runs with its defaults, as its documentation shows; `cpu` is the CPU seconds for all
files. With `--sizes` before the peer, only the number of characters is printed, and a file that
the peer refuses counts zero.
"""

import json
import sys
import time
from pathlib import Path


def trafilatura_text(path: str) -> str:
    import trafilatura

    return trafilatura.extract(Path(path).read_bytes()) or ""


def resiliparse_text(path: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    data = Path(path).read_bytes()
    html = bytes_to_str(data, detect_encoding(data) or "utf-8")
    return extract_plain_text(html, main_content=True)


def kreuzberg_text(path: str) -> str:
    from kreuzberg import extract_file_sync

    return extract_file_sync(path).content


def pypdfium2_text(path: str) -> str:
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


PEERS = {
    "trafilatura": trafilatura_text,
    "resiliparse": resiliparse_text,
    "kreuzberg": kreuzberg_text,
    "pypdfium2": pypdfium2_text,
}


def size(peer: str, file: str) -> int:
    try:
        return len(PEERS[peer](file))
    except BaseException as error:  # noqa: BLE001 - a Rust panic is not an Exception
        print(f"{file}: {type(error).__name__}: {error}", file=sys.stderr)
        return 0


def main() -> None:
    if sys.argv[1] == "--sizes":
        print(sum(size(sys.argv[2], file) for file in sys.argv[3:]))
        return
    read, files = PEERS[sys.argv[1]], sys.argv[2:]
    start = time.process_time()
    texts = {file: read(file) for file in files}
    print(json.dumps({"cpu": time.process_time() - start, "texts": texts}))


main()
