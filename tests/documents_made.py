"""Small documents of the formats that need more than a string: made here, member by member."""

from __future__ import annotations

import io
import tarfile
import zipfile

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
ODF = "urn:oasis:names:tc:opendocument:xmlns"


def zipped(members: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), data)
    return out.getvalue()


def tarred(members: dict[str, bytes], link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        if link:
            info = tarfile.TarInfo("link.txt")
            info.type, info.linkname = tarfile.SYMTYPE, link
            archive.addfile(info)
    return out.getvalue()


def docx(body: str, **parts: str) -> bytes:
    """A document; parts beside its main one by name, each what stands in its root element."""
    members: dict[str, str | bytes] = {"[Content_Types].xml": "<Types/>"}
    members["word/document.xml"] = f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'
    for name, inside in parts.items():
        members[f"word/{name}.xml"] = f'<w:{name} xmlns:w="{W}">{inside}</w:{name}>'
    return zipped(members)


def paragraph(inside: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}{inside}</w:p>"


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def flat_odt(text: str, styles: str = "", root: str = "document") -> str:
    """One XML file, with a header that is no text of the document."""
    return (
        f'<office:{root} xmlns:office="{ODF}:office:1.0" xmlns:t="{ODF}:text:1.0" '
        f'xmlns:b="{ODF}:table:1.0" '
        f'xmlns:d="{ODF}:drawing:1.0" xmlns:s="{ODF}:style:1.0" '
        'xmlns:x="http://www.w3.org/1999/xlink">'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        "<office:master-styles><s:master-page><s:header><t:p>no</t:p></s:header></s:master-page>"
        f"</office:master-styles><office:body><office:text>{text}</office:text></office:body></office:{root}>"
    )


def odt(text: str, styles: str = "", **objects: str) -> bytes:
    """A text; the objects in it by name."""
    kind = "application/vnd.oasis.opendocument.text"
    members: dict[str, str | bytes] = {"mimetype": kind}
    members["content.xml"] = flat_odt(text, styles, "document-content")
    return zipped(members | {f"{name}/content.xml": inside for name, inside in objects.items()})


def relations(**targets: str) -> str:
    links = "".join(
        f'<Relationship Id="{name}" Type="{R}/{target.split("/")[0].rstrip("s")}" '
        f'Target="{target}"/>'
        for name, target in targets.items()
    )
    return f'<Relationships xmlns="{RELS}">{links}</Relationships>'


def pptx(*slides: str) -> bytes:
    ids = "".join(f'<p:sldId id="{256 + n}" r:id="r{n}"/>' for n in range(len(slides)))
    members: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "ppt/presentation.xml": f'<p:presentation xmlns:p="{P}" xmlns:r="{R}">'
        f"<p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(
            **{f"r{n}": f"slides/slide{n}.xml" for n in range(len(slides))}
        ),
    }
    for n, text in enumerate(slides):
        members[f"ppt/slides/slide{n}.xml"] = (
            f'<p:sld xmlns:p="{P}" xmlns:a="{A}"><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r>'
            f"<a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
        )
    return zipped(members)


def xlsx(*rows: tuple[str, ...]) -> bytes:
    """A sheet of texts; `#N/A` is an error."""
    cells = "".join(
        f'<row r="{n}">'
        + "".join(
            (
                f'<c r="{chr(65 + k)}{n}" t="e"><v>{cell}</v></c>'
                if cell.startswith("#")
                else f'<c r="{chr(65 + k)}{n}" t="inlineStr"><is><t>{cell}</t></is></c>'
            )
            for k, cell in enumerate(row)
        )
        + "</row>"
        for n, row in enumerate(rows, 1)
    )
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "xl/workbook.xml": f'<workbook xmlns="{S}" xmlns:r="{R}"><sheets>'
            '<sheet name="Tea" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": relations(r1="worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{S}"><sheetData>{cells}</sheetData>'
            "</worksheet>",
        }
    )


def epub(*chapters: str, doctype: str = "") -> bytes:
    items = "".join(
        f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>'
        for n in range(len(chapters))
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    members: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
        'container"><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>',
        "book.opf": f'{doctype}<package xmlns="http://www.idpf.org/2007/opf">'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    for n, text in enumerate(chapters):
        members[f"c{n}.xhtml"] = (
            f"<html><head><title>Book</title></head><body><p>{text}</p></body></html>"
        )
    return zipped(members)


def pdf(*pages: str) -> bytes:
    """Pages of one line each, in Helvetica."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, text in enumerate(pages):
        drawn = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET" if text else ""
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * n} 0 R >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    out, starts = b"%PDF-1.4\n", []
    for number, what in enumerate(objects, 1):
        starts.append(len(out))
        out += f"{number} 0 obj\n{what}\nendobj\n".encode()
    table = "".join(f"{start:010d} 00000 n \n" for start in starts)
    size = len(objects) + 1
    out_table = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n"
    end = f"<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + (out_table + end).encode()
