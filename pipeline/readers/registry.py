"""The readers by name, every reason they give, and which reader takes which file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.readers import (
    archives,
    captions,
    csv_table,
    docx,
    email_text,
    epub,
    html,
    image_units,
    images,
    json_document,
    jsonl,
    markdown,
    odt,
    parquet,
    pdf,
    pptx,
    rtf,
    sandbox,
    subtitles,
    text,
    warc,
    xlsx,
)
from pipeline.source import Claim, Claims, Reader, SourceFile

READERS: dict[str, type[Reader]] = {
    "images": images.ImagesReader,
    "pdf": pdf.PdfReader,
    "docx": docx.DocxReader,
    "pptx": pptx.PptxReader,
    "xlsx": xlsx.XlsxReader,
    "odt": odt.OdtReader,
    "epub": epub.EpubReader,
    "rtf": rtf.RtfReader,
    "parquet": parquet.ParquetReader,
    "warc": warc.WarcReader,
    "archive": archives.ArchiveReader,
    "email": email_text.EmailReader,
    "subtitles": subtitles.SubtitlesReader,
    "html": html.HtmlReader,
    "json": json_document.JsonReader,
    "jsonl": jsonl.JsonlReader,
    "csv": csv_table.CsvReader,
    "markdown": markdown.MarkdownReader,
    "text": text.TextReader,
}
"""In the order in which they are asked to claim a file; the last one claims every file."""

_MODULES = (
    *(sandbox, images, pdf, docx, pptx, xlsx, odt, epub, rtf, parquet, warc, archives, email_text),
    *(subtitles, html, json_document, jsonl, csv_table, markdown, text),
)

REASONS: dict[str, str] = {
    reason: explanation for module in _MODULES for reason, explanation in module.REASONS.items()
}
"""Every reason that a reader can give, with one line of explanation."""


def reader_of(file: SourceFile) -> Reader:
    """The first reader that claims a file by its name and first bytes, with default settings."""
    head = file.head()
    return next(reader for kind in READERS.values() if (reader := kind()).claims(file, head))


def assign(
    files: Sequence[SourceFile], reader: Reader | None, known: Claims | None = None
) -> list[tuple[Reader, list[SourceFile]]]:
    """Assign each file of one source to a reader; files keep their order.

    If `reader` is given, it takes all files. Otherwise the first reader that claims a file by its
    name and first bytes takes it, with default settings, and captions go with the images they
    belong to. Claims in `known` are reused while the file's SHA-256 is the same, and new claims are
    added to it.
    """
    if reader is not None:
        return [(reader, list(files))] if files else []
    readers = {name: kind() for name, kind in READERS.items()}
    claims = _claims(files, readers, {} if known is None else known)
    assigned: dict[str, list[SourceFile]] = {name: [] for name in readers}
    beside = _beside_images(files, claims)
    for file, (_, name, _) in zip(files, claims, strict=True):
        assigned["images" if file.uri in beside else name].append(file)
    return [(readers[name], taken) for name, taken in assigned.items() if taken]


def _beside_images(files: Sequence[SourceFile], claims: Sequence[Claim]) -> set[str]:
    """The URIs of the files that describe images: metadata and caption files."""
    pictures = [file for file, claim in zip(files, claims, strict=True) if claim[1] == "images"]
    texts = [
        file
        for file, (_, _, describes) in zip(files, claims, strict=True)
        if pictures and (describes or not captions.is_metadata(file.uri))
    ]
    return {file.uri for file in image_units.sidecars(texts, pictures)}


def _claims(
    files: Sequence[SourceFile], readers: Mapping[str, Reader], known: Claims
) -> list[Claim]:
    """The claim on each file, in order; new claims are added to `known`."""
    claims = []
    asked = [(name, reader.claims) for name, reader in readers.items()]
    for file in files:
        claim = known.get(file.uri)
        if claim is None or claim[0] != file.sha256:
            head = file.head()
            name = next(name for name, claims_it in asked if claims_it(file, head))
            describes = captions.describes_images(file, head)
            claim = known[file.uri] = file.sha256, name, describes
        claims.append(claim)
    return claims
